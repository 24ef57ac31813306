"""Findings: what an examination has to say, in words a planner can act on.

Rules, with what `codes` holds:

    gap                  no grid lies there; the grids around it
    missing_grid         a whole grid is missing: its parent where known, then the grids around;
                         or an area has no children: that area
    hole_without_filler  a hole of one grid that nothing fills; that grid
    overlap              several grids lie there; those grids
    duplicate            grids have the same shape; those grids
    stray_part           a detached part of a grid lies on others or outside the city; that grid, the others
    t_junction           a corner of one lies on a neighbour's edge, but for rounding; all that meet there
    outside_parent       an area reaches out of its parent; the area, its parent, where it lies
    wrong_parent         a parent that does not exist, or that the code contradicts; the area, its parent,
                         what the code names
    self_touching_ring   a ring that touches itself; the area
    invalid_polygon      a ring that crosses itself, a hole outside its shell ...; the area
    no_shape             an area that owns nothing, its rings collapsed or are missing; the area

This module holds what the tables and single polygons show; `defects` names what is wrong between the grids,
`nesting` what is wrong between grids and the outlines given for their parents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.coverage.measures import area_m2
from gridmap.lattice import to_degrees
from gridmap.model import NOWHERE, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gridmap.coverage.partition import LevelTable, Partition
    from gridmap.coverage.regions import Loose
    from gridmap.types import BoolArray, Geometries


def of_shapes(partition: Partition, unclosed: BoolArray) -> list[Finding]:
    """Areas that are no valid polygon or have no shape: the finest, and those with outlines of their own.

    `unclosed` marks the rows of the finest level of which some edges make no ring.
    """
    polygons = partition.polygons_at(len(partition.levels) - 1)
    valid = shapely.is_valid(polygons)
    out = _shapes(partition.finest, polygons, valid)
    out += [_overlapping_parts(partition.finest, row, polygons[row]) for row in _rows(unclosed & valid)]
    for depth, table in enumerate(partition.levels[:-1]):
        if table.level in partition.given:
            outlines = partition.outlines_at(depth)
            out += _shapes(table, outlines, shapely.is_valid(outlines))
    return out


def no_shape(level: str, code: str) -> Finding:
    """The finding for an area that owns nothing."""
    text = f"{named(level, code)} has no area on the map: its rings are missing or have collapsed. Draw it."
    return Finding("no_shape", level, (code,), None, None, 0.0, text)


def invalid(level: str, code: str, polygon: shapely.Geometry) -> Finding:
    """The finding for a polygon that is not valid, at the place that shapely names."""
    reason, _, place = shapely.is_valid_reason(polygon).partition("[")
    rule = "self_touching_ring" if reason.startswith("Ring Self") else "invalid_polygon"
    numbers = place.rstrip("]").split()
    point = shapely.Point(*map(float, numbers)) if len(numbers) > 1 else somewhere_in(polygon)
    text = f"The polygon of {named(level, code)} is not valid here: {reason.strip().lower()}."
    parts = shapely.get_parts(shapely.make_valid(polygon))
    size = sum(area_m2(part) for part in parts[shapely.area(parts) > 0])
    return finding(rule, level, (code,), point, size, text)


def orphan(partition: Partition, depth: int, row: int) -> Finding:
    """The finding for an area whose parent is missing from the level above."""
    table, above = partition.levels[depth], partition.levels[depth - 1].level
    code, parent = table.codes[row], table.parents[row]
    said = f"its parent {parent} is no {above} here" if parent else f"it names no {above} as its parent"
    codes = (code, parent) if parent else (code,)
    return _of_area(partition, depth, row, "wrong_parent", codes, f"{named(table.level, code)}: {said}.")


def wrong_code(partition: Partition, depth: int, row: int, problem: str, stated: str | None) -> Finding:
    """The finding for an area whose code contradicts its level or parent; `stated` is the code's parent."""
    table = partition.levels[depth]
    codes = distinct([table.codes[row], table.parents[row], stated])
    return _of_area(partition, depth, row, "wrong_parent", codes, problem)


def childless(partition: Partition, depth: int, row: int) -> Finding:
    """The finding for an area without any child."""
    table, below = partition.levels[depth], partition.levels[depth + 1].level
    text = f"{named(table.level, table.codes[row])} has no {below}: at least one is missing."
    return _of_area(partition, depth, row, "missing_grid", (table.codes[row],), text)


def unexplained(partition: Partition, loose: Loose) -> Finding:
    """The finding of last resort: edges do not cancel, so it is no partition, though no region shows why."""
    table = partition.finest
    faces = [int(face) for face in np.unique(loose.faces) if face != NOWHERE]
    codes = tuple(table.codes[face] for face in faces[:10])
    text = f"{len(loose)} edges meet no partner here, beginning with those of {listed(codes)}."
    return finding("gap", table.level, codes, shapely.Point(loose.ends[0].mean(axis=0)), 0.0, text)


def finding(
    rule: str, level: str, codes: tuple[str, ...], place: shapely.Point, size_m2: float, text: str
) -> Finding:
    """A finding at a place given in lattice units; its degrees keep two digits more than the lattice has."""
    lons, lats = to_degrees([place.x], [place.y])
    lon, lat = round(float(lons[0]), 9), round(float(lats[0]), 9)
    return Finding(rule, level, codes, lon, lat, round(size_m2, 6), text)


def somewhere_in(polygon: shapely.Geometry) -> shapely.Point:
    """A point of a polygon, inside whenever it has an inside."""
    point = shapely.point_on_surface(polygon)
    return point if not shapely.is_empty(point) else shapely.Point(shapely.get_coordinates(polygon)[0])


def named(level: str, code: str) -> str:
    """An area in words."""
    return f"{level} {code}"


def listed(codes: Sequence[str]) -> str:
    """Codes in words: all of a few, the first three of many."""
    if len(codes) > 4:
        return f"{', '.join(codes[:3])} and {len(codes) - 3} more"
    return " and ".join(codes) if codes else "the city's outline"


def distinct(codes: Iterable[str | None]) -> tuple[str, ...]:
    """The codes that are there, each once, in their order."""
    return tuple(dict.fromkeys(code for code in codes if code))


def _overlapping_parts(table: LevelTable, row: int, polygon: shapely.Geometry) -> Finding:
    """The finding for a polygon of which the even-odd rule leaves edges that close no ring."""
    text = (
        f"Parts of {named(table.level, table.codes[row])} overlap along common edges: draw each place once."
    )
    if shapely.is_empty(polygon):
        return Finding("invalid_polygon", table.level, (table.codes[row],), None, None, 0.0, text)
    size = area_m2(polygon)
    return finding("invalid_polygon", table.level, (table.codes[row],), somewhere_in(polygon), size, text)


def _shapes(table: LevelTable, polygons: Geometries, valid: BoolArray) -> list[Finding]:
    return [
        *(no_shape(table.level, table.codes[row]) for row in _rows(shapely.is_empty(polygons))),
        *(invalid(table.level, table.codes[row], polygons[row]) for row in _rows(~valid)),
    ]


def _rows(marked: BoolArray) -> list[int]:
    return [int(row) for row in np.flatnonzero(marked)]


def _of_area(
    partition: Partition, depth: int, row: int, rule: str, codes: tuple[str, ...], text: str
) -> Finding:
    polygon = partition.outlines_at(depth)[row]
    level = partition.levels[depth].level
    if shapely.is_empty(polygon):
        return Finding(rule, level, codes, None, None, 0.0, text)
    return finding(rule, level, codes, somewhere_in(polygon), area_m2(polygon), text)
