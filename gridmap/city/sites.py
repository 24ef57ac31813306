"""Where towns and grids have their middle: points by density, dense in towns, thin in empty country.

Theory of operation. Streets (urban) share the part of the district nearest to its seat, towns and townships
the rest; in each part the town centres are the k-means of random points, so they keep their distance from
each other. Every town has a number of grids to place. Random points are thrown for it in three ways: into its
core (lognormal distance from the centre, so a few streets hold a crowd and the tail is heavy), into hamlets,
and evenly over its whole area. The grids' seeds are the k-means of these points: as dense as they are, but
without the splinters that purely random seeds give.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.city.apportion import apportion
from gridmap.city.extras import need
from gridmap.city.landmarks import CITY_CENTRE, SEATS, TOWN_PLACES
from gridmap.city.metres import to_metres

if TYPE_CHECKING:
    from gridmap.city.registry import District, Town
    from gridmap.types import FloatArray, Int64Array

    Outline = shapely.Polygon | shapely.MultiPolygon

STREET_AREA = 0.6
"""The area of a street as a share of a town's."""
STREET_SHARE = 0.75
"""Share of the urban people who live in streets; the others live in the seats of towns."""
RESIDENTS_WEIGHT = 2.0
"""Grids of a residents' committee against those of a village committee."""
CORE_GRID_KM2 = 0.045
"""A grid in a town's core: 210 m wide, some 10,000 people per km2."""
GRIDS_PER_QUARTER = 20
"""A core with more grids has several quarters."""
POINTS_PER_GRID = 14
"""Random points thrown for each seed: enough for k-means to even out, few enough to be quick."""
SEED_ROUNDS, CENTRE_ROUNDS = 3, 4
"""Rounds of k-means: more would wash out the contrast between town and country, and make all towns alike."""


@dataclass(frozen=True)
class Sites:
    """Towns and seeds of one district in flat metres.

    `centres` has one point per town, `targets` the number of basic grids planned for it; `seeds` has one
    point per basic grid, inside the outline.
    """

    centres: FloatArray
    targets: Int64Array
    seeds: FloatArray


def place_sites(district: District, outline: Outline, basic: int, rng: np.random.Generator) -> Sites:
    """Place the town centres and `basic` seeds of a district; `outline` is in flat metres."""
    shapely.prepare(outline)
    centres = _town_centres(district, outline, rng)
    targets = _town_targets(district, basic, rng)
    ground = _survey(outline, centres, rng)
    points, owner = _throw(district.towns, ground, targets, rng)
    points, owner = np.concatenate([points, ground.pool]), np.concatenate([owner, ground.label])
    start = points[_first_of_each(owner, targets, rng)]
    return Sites(centres, targets, _inside(_k_means(points, start, SEED_ROUNDS), points, outline))


def _town_centres(district: District, outline: Outline, rng: np.random.Generator) -> FloatArray:
    seat, core_of_city = to_metres(np.array([SEATS[district.code], CITY_CENTRE]) * 1e7)
    places = [TOWN_PLACES.get(town.code) for town in district.towns]
    if all(place is not None for place in places):
        return to_metres(np.array(places, dtype=np.float64) * 1e7)
    pool = _uniform(outline, 400 * len(places), rng)
    # The nearer of two: a central district is urban where it faces the middle of the city, too.
    away = np.minimum(np.hypot(*(pool - seat).T), np.hypot(*(pool - core_of_city).T))
    away *= rng.uniform(0.8, 1.25, len(pool))
    streets = district.streets
    urban = STREET_AREA * streets / (STREET_AREA * streets + len(places) - streets)
    near = away <= np.quantile(away, urban)
    core = near & (rng.random(len(pool)) < 1 / (1 + (away / np.quantile(away, 0.4 * urban)) ** 2))
    inner = _spread(pool[core], streets, rng)
    outer = _spread(pool[~near], len(places) - streets, rng)
    order = [part[np.argsort(np.hypot(*(part - seat).T))] for part in (inner, outer)]
    centres = np.concatenate(order)
    centres[0] = seat  # the first street is where the district is governed from
    return centres


def _spread(pool: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    if count == 0:
        return np.empty((0, 2))
    start = pool[rng.choice(len(pool), count, replace=False)]
    return _k_means(pool, start, CENTRE_ROUNDS)


def _town_targets(district: District, basic: int, rng: np.random.Generator) -> Int64Array:
    """Basic grids of each town: streets get the urban people's share, communities divide it."""
    towns = district.towns
    communities = np.array([len(town.communities) for town in towns])
    residents = np.array([town.residents for town in towns])
    least = np.ceil(1.25 * communities).astype(np.int64)
    weights = (communities + (RESIDENTS_WEIGHT - 1) * residents) * rng.lognormal(0.0, 0.25, len(towns))
    streets = district.streets
    if streets == len(towns):
        return apportion(basic, weights, least)
    urban = round(STREET_SHARE * district.urban * basic)
    urban = int(np.clip(urban, least[:streets].sum(), basic - least[streets:].sum()))
    parts = (urban, slice(None, streets)), (basic - urban, slice(streets, None))
    return np.concatenate([apportion(total, weights[part], least[part]) for total, part in parts])


@dataclass(frozen=True)
class _Ground:
    """What is known of the ground of each town before anything is built on it.

    `pool` are random points all over the district, `label` the town of each; `reach` is how far a town
    reaches from its centre, `side` the square root of its area, in metres.
    """

    outline: Outline
    centres: FloatArray
    pool: FloatArray
    label: Int64Array
    reach: FloatArray
    side: FloatArray


def _survey(outline: Outline, centres: FloatArray, rng: np.random.Generator) -> _Ground:
    pool = _uniform(outline, 300 * len(centres), rng)
    away, label = need("scipy.spatial").cKDTree(centres).query(pool)
    reach = np.zeros(len(centres))
    np.maximum.at(reach, label, away)
    size = np.maximum(np.bincount(label, minlength=len(centres)), 3)
    return _Ground(outline, centres, pool, label, reach, np.sqrt(shapely.area(outline) * size / len(pool)))


def _throw(
    towns: tuple[Town, ...], ground: _Ground, targets: Int64Array, rng: np.random.Generator
) -> tuple[FloatArray, Int64Array]:
    """Random points by density, and the town of each: the one whose centre is nearest."""
    communities = np.array([len(town.communities) for town in towns])
    urban = np.array([town.residents for town in towns]) / communities
    crowd = CORE_GRID_KM2 * 1e6 * targets / ground.side**2
    core = (0.12 + 0.63 * urban) / (1 + crowd)
    core_m = np.minimum(0.6 * np.sqrt(core * targets * CORE_GRID_KM2 * 1e6 / np.pi), 0.35 * ground.side)
    hamlets = 0.55 * (1 - core)
    wanted = POINTS_PER_GRID * targets
    # More points than wanted, for those that fall outside their town are left out.
    in_core, in_hamlet, evenly = (
        np.repeat(np.arange(len(towns)), np.ceil(wanted * share).astype(np.int64))
        for share in (1.3 * core, 1.3 * hamlets, 3.5 * (1 - core - hamlets))
    )
    town = np.concatenate([in_core, in_hamlet, evenly])
    points = np.concatenate(
        [
            _in_cores(in_core, ground, core * targets, core_m, rng),
            _hamlet_of(in_hamlet, ground, communities, rng)
            + 0.05 * ground.side[in_hamlet, None] * _blob(len(in_hamlet), 0.7, rng),
            ground.centres[evenly] + ground.reach[evenly, None] * _disc(len(evenly), rng),
        ]
    )
    keep = need("scipy.spatial").cKDTree(ground.centres).query(points)[1] == town
    keep &= shapely.contains_xy(ground.outline, points)
    return points[keep], town[keep]


def _in_cores(
    town: Int64Array, ground: _Ground, grids: FloatArray, radius: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Points in the cores of their towns: oblong, and in several quarters when there are many grids."""
    towns = len(grids)
    quarters = np.clip(grids // GRIDS_PER_QUARTER, 0, 5).astype(np.int64) + 1
    quarter = (rng.random(len(town)) ** 1.5 * quarters[town]).astype(np.int64)
    offsets = rng.normal(0.0, 0.16, (towns, 6, 2)) * ground.side[:, None, None]
    offsets[:, 0] = 0.0
    turn, stretch = rng.uniform(0.0, np.pi, towns), rng.uniform(1.0, 1.7, towns)
    blob = _blob(len(town), 0.8, rng) * np.stack([stretch, 1 / stretch], axis=1)[town]
    cosine, sine = np.cos(turn)[town], np.sin(turn)[town]
    x, y = cosine * blob[:, 0] - sine * blob[:, 1], sine * blob[:, 0] + cosine * blob[:, 1]
    scale = (radius / np.sqrt(quarters))[town, None]
    return np.asarray(ground.centres[town] + offsets[town, quarter] + scale * np.stack([x, y], axis=1))


def _blob(count: int, spread: float, rng: np.random.Generator) -> FloatArray:
    """Points around the origin at a lognormal distance with median 1: a crowd with a long tail."""
    angle = rng.uniform(0.0, 2 * np.pi, count)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.asarray(rng.lognormal(0.0, spread, count)[:, None] * circle)


def _disc(count: int, rng: np.random.Generator) -> FloatArray:
    """Points evenly spread over the unit disc."""
    angle = rng.uniform(0.0, 2 * np.pi, count)
    return np.asarray(np.sqrt(rng.random(count))[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1))


def _hamlet_of(town: Int64Array, ground: _Ground, count: Int64Array, rng: np.random.Generator) -> FloatArray:
    """A hamlet of its town for each point thrown: the first `count` points of the pool in each town."""
    order = np.argsort(ground.label, kind="stable")
    first = np.searchsorted(ground.label[order], np.arange(len(count)))
    size = np.bincount(ground.label, minlength=len(count))
    pick = first[town] + (rng.random(len(town)) * np.minimum(count, size)[town]).astype(np.int64)
    hamlet = ground.pool[order[np.minimum(pick, len(order) - 1)]]
    return np.where((size[town] > 0)[:, None], hamlet, ground.centres[town])


def _first_of_each(owner: Int64Array, targets: Int64Array, rng: np.random.Generator) -> Int64Array:
    """Positions of `targets[t]` random points of each town t; any others make up for a town with too few."""
    shuffled = rng.permutation(len(owner))
    order = shuffled[np.argsort(owner[shuffled], kind="stable")]
    first = np.searchsorted(owner[order], np.arange(len(targets)))
    rank = np.arange(len(order)) - first[owner[order]]
    chosen = rank < targets[owner[order]]
    short = int(targets.sum()) - int(chosen.sum())
    chosen[np.flatnonzero(~chosen)[:short]] = True
    return order[chosen]


def _k_means(points: FloatArray, start: FloatArray, rounds: int) -> FloatArray:
    tree = need("scipy.spatial").cKDTree
    centres = start
    for _ in range(rounds):
        nearest = tree(centres).query(points)[1]
        size = np.bincount(nearest, minlength=len(centres))
        total = [np.bincount(nearest, weights=points[:, axis], minlength=len(centres)) for axis in (0, 1)]
        mean = np.stack(total, axis=1) / np.maximum(size, 1)[:, None]
        centres = np.where((size > 0)[:, None], mean, centres)
    return centres


def _inside(seeds: FloatArray, points: FloatArray, outline: Outline) -> FloatArray:
    """Seeds that a bend of the outline left outside move to the nearest of the points, which are inside."""
    outside = ~shapely.contains_xy(outline, seeds)
    moved = seeds.copy()
    moved[outside] = points[need("scipy.spatial").cKDTree(points).query(seeds[outside])[1]]
    return moved


def _uniform(outline: Outline, count: int, rng: np.random.Generator) -> FloatArray:
    """At least `count` random points inside the outline, evenly spread."""
    low, high = np.array(outline.bounds).reshape(2, 2)
    share = shapely.area(outline) / np.prod(high - low)
    points = low + rng.random((int(1.2 * count / share) + 100, 2)) * (high - low)
    return np.asarray(points[shapely.contains_xy(outline, points)])
