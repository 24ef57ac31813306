"""Rings drawn over the borders: exclusive grids, enclaves and islands.

A school or a market is a ring around the seed of its host grid, or across the border of two; an enclave
is a ring around the seed of a grid of another community; an island lies in mid-river. What is inside a
ring belongs to the ring, whatever lines run through it. Rings around seeds stay in the ground that bent
borders leave clear (see `borders`), rings across a border stay in the kite of that border, and islands
keep off all of them: so no ring touches another and none swallows a seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from gridmap.city.extras import need
from gridmap.city.metres import to_metres, to_units

if TYPE_CHECKING:
    from gridmap.city.borders import Diagram
    from gridmap.types import FloatArray, Geometries, Int64Array

EXCLUSIVE, ENCLAVE, ISLAND = 0, 1, 2
SEED_RING: Final = 0.19
"""Radius of a ring around a seed, as a share of the way to the next seed; borders stay 0.225 of it away."""
HOST_POINT: Final = 0.21
"""A point this far from the seed lies between the ring and the borders: still in the host grid."""
PAIR_SHARE = 0.15
"""Share of the exclusive grids that lie across a border, in two grids."""
GRIDS_PER_ENCLAVE = 1200
RIVER_M_PER_ISLAND = 30_000.0
ISLAND_M, ISLANDS_APART_M = 260.0, 2_000.0


@dataclass(frozen=True)
class Rings:
    """The rings of one district: `shapes` are Polygons in lattice units, `kinds` one of the numbers above.

    `hosts` is the seed whose grid a ring lies in (for an island the nearest one); `inside` float64[seeds, 2]
    is a point of each seed's grid that no ring covers, in flat metres.
    """

    shapes: Geometries
    kinds: Int64Array
    hosts: Int64Array
    inside: FloatArray


@dataclass(frozen=True)
class _Spots:
    """Round places for rings, in flat metres, and the seed beside or in each."""

    places: FloatArray
    radii: FloatArray
    hosts: Int64Array


def draw_rings(
    seeds: FloatArray,
    diagram: Diagram,
    fixed: tuple[Geometries, Geometries],
    rivers: Geometries,
    exclusive: int,
    rng: np.random.Generator,
) -> Rings:
    """Draw `exclusive` exclusive rings, and enclaves and islands as many as the district is large.

    `seeds` are flat metres; `fixed` are lines that rings keep off, those of the outline and those between the
    zones, and `rivers` the courses inside the district; all are LineStrings in lattice units.
    """
    lines = np.concatenate(fixed)
    spacing = need("scipy.spatial").cKDTree(seeds).query(seeds, 2)[0][:, 1]
    across, beside = _across_borders(diagram, lines, round(PAIR_SHARE * exclusive), rng)
    enclaves = round(len(seeds) / GRIDS_PER_ENCLAVE)
    free = _distance(seeds, lines) > 0.6 * spacing
    free[beside] = False
    singles = exclusive - len(across.hosts)
    chosen = rng.choice(np.flatnonzero(free), singles + enclaves, replace=False)
    around = _Spots(seeds[chosen], SEED_RING * spacing[chosen] * rng.uniform(0.75, 1.0, len(chosen)), chosen)
    inside = seeds.copy()
    inside[chosen, 0] += HOST_POINT * spacing[chosen]
    islands = _islands(seeds, rivers, fixed, across, rng)
    counts = (len(across.hosts), singles, enclaves, len(islands.hosts))
    parts = (across, around, islands)
    shapes = [_shape(*spot, rng) for part in parts for spot in zip(part.places, part.radii, strict=True)]
    return Rings(
        np.array(shapes, dtype=object),
        np.repeat([EXCLUSIVE, EXCLUSIVE, ENCLAVE, ISLAND], counts),
        np.concatenate([part.hosts for part in parts]).astype(np.int64),
        inside,
    )


def _across_borders(
    diagram: Diagram, lines: Geometries, count: int, rng: np.random.Generator
) -> tuple[_Spots, Int64Array]:
    """Spots on borders between two grids, at most one for any grid; and the seeds on both sides of them."""
    along = diagram.ends[:, 1] - diagram.ends[:, 0]
    length = np.hypot(*along.T)
    plump = (length > 0.7 * diagram.height) & (length < 2.0 * diagram.height)
    tried = np.flatnonzero(plump & (np.abs(diagram.middle - 0.5) < 0.15))
    tried = rng.permutation(tried)[: 12 * count]
    places = diagram.ends[tried, 0] + diagram.middle[tried, None] * along[tried]
    leg, height = 0.35 * length[tried], diagram.height[tried]
    radii = 0.6 * height * leg / np.hypot(height, leg)
    used: set[int] = set()
    kept: list[int] = []
    for position in np.flatnonzero(_distance(places, lines) > 1.5 * radii).tolist():
        pair = set(diagram.pairs[tried[position]].tolist())
        if len(kept) < count and not pair & used:
            used |= pair
            kept.append(position)
    beside = diagram.pairs[tried[kept]]
    return _Spots(places[kept], radii[kept], beside[:, 0]), beside.ravel()


def _islands(
    seeds: FloatArray,
    rivers: Geometries,
    fixed: tuple[Geometries, Geometries],
    across: _Spots,
    rng: np.random.Generator,
) -> _Spots:
    """Spots on rivers that are borders of zones: clear of seeds, of other rings, and of each other."""
    outline, barriers = fixed
    length = shapely.length(shapely.transform(rivers, to_metres)).sum()
    count = int(length / RIVER_M_PER_ISLAND)
    places = rng.permutation(to_metres(shapely.get_coordinates(rivers)))
    places = places[_distance(places, barriers) < 1.0]
    if not len(places):
        return _Spots(places, np.empty(0), np.empty(0, dtype=np.int64))
    away, nearest = need("scipy.spatial").cKDTree(seeds).query(places)
    radii = np.minimum(ISLAND_M, 0.35 * away)
    clear = _distance(places, outline) > 3 * radii
    if len(across.hosts):
        gap, other = need("scipy.spatial").cKDTree(across.places).query(places)
        clear &= gap > radii + across.radii[other]
    kept: list[int] = []
    for position in np.flatnonzero(clear).tolist():
        gaps = np.hypot(*(places[kept] - places[position]).T)
        if len(kept) < count and (gaps > ISLANDS_APART_M).all():
            kept.append(position)
    return _Spots(places[kept], radii[kept], nearest[kept])


def _distance(points: FloatArray, lines: Geometries) -> FloatArray:
    """The distance in flat metres of each point to the nearest of the lines (in lattice units)."""
    corners, line = shapely.get_coordinates(lines, return_index=True)
    corners = to_metres(corners)
    pieces = np.stack([corners[:-1], corners[1:]], axis=1)[line[1:] == line[:-1]]
    tree = shapely.STRtree(shapely.linestrings(pieces))
    (asked, _), distance = tree.query_nearest(shapely.points(points), return_distance=True, all_matches=False)
    nearest = np.full(len(points), np.inf)
    nearest[asked] = distance
    return nearest


def _shape(place: FloatArray, radius: float, rng: np.random.Generator) -> shapely.Polygon:
    """An irregular ring of 11-18 corners around a place, nowhere farther from it than the radius."""
    count = int(rng.integers(11, 19))
    angle = 2 * np.pi * (np.arange(count) + rng.uniform(-0.3, 0.3, count)) / count
    wave = np.sin(angle * rng.integers(2, 4) + rng.uniform(0, 2 * np.pi))
    reach = radius * (0.8 + 0.12 * wave + 0.08 * rng.uniform(-1, 1, count))
    corners = place + reach[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return shapely.Polygon(np.rint(to_units(corners)))
