"""Defects planted into random cities, each with what an examination must say of it.

Every planter takes a city and a source of random numbers and gives a Plant, or None where this city has no
place for its defect. The polygons are changed with shapely alone. `outside` marks defects that nobody can
see unless the outlines of the parents are given.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from oracles import segments_of
from random_city import CORNER, City, as_polygonal

from gridmap.boundaries.areas import AreaFile
from gridmap.coverage.measures import area_m2
from gridmap.coverage.partition import level_table
from gridmap.coverage.proof import examine
from gridmap.lattice import SCALE

if TYPE_CHECKING:
    from gridmap.model import Finding
    from gridmap.types import FloatArray, Int64Array

Point = tuple[int, int]


@dataclass(frozen=True)
class Plant:
    """A planted defect: the areas as from a file, and what must be found.

    One of `rules` must be found, its codes holding all of `codes`, its place on `place`; its size, where
    `sized`, the area of the place.
    """

    areas: AreaFile
    rules: frozenset[str]
    codes: frozenset[str]
    place: shapely.Geometry
    sized: bool = True


def findings_of(areas: AreaFile) -> list[Finding]:
    """What loading a file would say."""
    return [*areas.broken(), *examine(areas.partition()).findings]


def tells(finding: Finding, plant: Plant) -> bool:
    """Whether a finding has the rule, the codes, the place and the size of a planted defect."""
    if finding.rule not in plant.rules or not plant.codes <= set(finding.codes):
        return False
    if finding.lon is None or finding.lat is None:
        return finding.rule == "no_shape"
    place = shapely.Point(finding.lon * SCALE, finding.lat * SCALE)
    size = area_m2(plant.place) if plant.sized else finding.size_m2
    near = bool(shapely.distance(place, plant.place) < 1.5)
    return near and math.isclose(finding.size_m2, size, rel_tol=1e-3, abs_tol=1e-6)


@dataclass(frozen=True)
class Corner:
    """A corner of the city: its place, the corners it is joined to, and the rows that have it."""

    at: Point
    joined: frozenset[Point]
    rows: tuple[int, ...]


def planted(city: City, change: dict[int, shapely.Geometry | None], *, given: bool) -> AreaFile:
    """The city as a file with some grids drawn otherwise."""
    grids = city.grids.copy()
    for row, shape in change.items():
        grids[row] = shape
    return AreaFile(city.tables, {**(city.outlines if given else {}), "grid": grids})


def gap(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """A corner of a border between two grids pulled into one of them, which draws back."""
    return _pulled(city, random, given, grows=False)


def overlap(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """A corner of a border between two grids pushed into one of them by the other alone."""
    return _pulled(city, random, given, grows=True)


def t_junction(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """A corner in the middle of a side of one grid, exactly on it, that its neighbour does not have."""
    return _corner_more(city, random, given, (0, 0))


def rounded_t_junction(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """The same, one lattice unit beside the straight line."""
    return _corner_more(city, random, given, [(0, 1), (1, 0), (0, -1), (-1, 0)][random.integers(4)])


def duplicate(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """A grid that stands in the file twice, under two codes."""
    row = int(random.integers(len(city.grids)))
    table = city.tables[-1]
    parent = table.parents[row]
    code = f"{parent}{899 - row:03}"
    more = level_table(
        "grid", [*table.codes, code], [*table.names, code], [*table.kinds, ""], [*table.parents, parent]
    )
    grids = np.append(city.grids, [city.grids[row]])
    areas = AreaFile((*city.tables[:-1], more), {**(city.outlines if given else {}), "grid": grids})
    codes = frozenset({code, table.codes[row]})
    return Plant(areas, frozenset({"duplicate"}), codes, city.grids[row], sized=_simple(city.grids[row]))


def self_touching_ring(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """A ring that comes back to one of its corners: a triangle cut out, hanging on that corner."""
    for row in random.permutation(len(city.grids)):
        grid = city.grids[row]
        if grid.geom_type != "Polygon":
            continue
        xy = shapely.get_coordinates(grid.exterior)[:-1]
        for at in random.permutation(len(xy)):
            inner = _inner_triangle(grid, xy[at], random)
            if inner is None:
                continue
            ring = np.concatenate([xy[: at + 1], inner, xy[at:]])
            touching = shapely.Polygon(ring, grid.interiors)
            if shapely.is_valid_reason(touching).startswith("Ring Self"):
                areas = planted(city, {row: touching}, given=given)
                where = shapely.Polygon([xy[at], *inner])
                return _plant(city, areas, {"self_touching_ring"}, [row], where, sized=False)
    return None


def invalid_polygon(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """Two corners of a ring in the wrong order: a bow tie."""
    for row in random.permutation(len(city.grids)):
        grid = city.grids[row]
        if grid.geom_type != "Polygon":
            continue
        xy = shapely.get_coordinates(grid.exterior)[:-1]
        at = int(random.integers(len(xy)))
        swapped = np.roll(xy, -at, axis=0)
        swapped[[0, 1]] = swapped[[1, 0]]
        tie = shapely.Polygon(swapped, grid.interiors)
        if not tie.is_valid and shapely.is_valid_reason(tie).startswith("Self"):
            areas = planted(city, {row: tie}, given=given)
            return _plant(city, areas, {"invalid_polygon"}, [row], grid.convex_hull, sized=False)
    return None


def missing_grid(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """A grid left out, between others."""
    for row in random.permutation(len(city.grids)):
        rest = shapely.union_all(np.delete(city.grids, row))
        sole = city.tables[-1].parents.count(city.tables[-1].parents[row]) == 1
        if sole or not _simple(city.grids[row]) or not _is_enclosed(rest, city.grids[row]):
            continue
        beside = [
            n
            for n, other in enumerate(city.grids)
            if n != row and shapely.length(shapely.intersection(other, city.grids[row])) > 0
        ]
        rules = {"hole_without_filler"} if len(beside) == 1 else {"missing_grid", "gap"}
        return _plant(city, _without(city, int(row), given), rules, beside, city.grids[row])
    return None


def hole_without_filler(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """The filler of a hole left out."""
    for row in random.permutation(len(city.grids)):
        sole = city.tables[-1].parents.count(city.tables[-1].parents[row]) == 1
        hosts = [
            n
            for n, grid in enumerate(city.grids)
            for part in shapely.get_parts(grid)
            if any(shapely.Polygon(ring).equals(city.grids[row]) for ring in part.interiors)
        ]
        if hosts and not sole:
            areas = _without(city, int(row), given)
            return _plant(city, areas, {"hole_without_filler"}, hosts, city.grids[row])
    return None


def stray_part(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """A part of a grid put down inside another one."""
    row, other = random.permutation(len(city.grids))[:2]
    patch = _patch(city.grids[other], random)
    if patch is None or not patch.disjoint(city.grids[row]):
        return None
    shape = as_polygonal(shapely.MultiPolygon([*shapely.get_parts(city.grids[row]), patch]))
    return _plant(city, planted(city, {row: shape}, given=given), {"stray_part"}, [row, other], patch)


def stray_part_outside(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """A part of a grid put down outside of the city."""
    row = int(random.integers(len(city.grids)))
    patch = shapely.transform(shapely.box(0, 0, 9, 7), lambda xy: xy + CORNER - 50)
    shape = shapely.MultiPolygon([*shapely.get_parts(city.grids[row]), patch])
    return _plant(city, planted(city, {row: shape}, given=given), {"stray_part"}, [row], patch)


def swapped_parents(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """Two grids of different communities with each other's parent."""
    table = city.tables[-1]
    for one, other in random.permutation(len(table))[: len(table) // 2 * 2].reshape(-1, 2):
        if table.parents[one] == table.parents[other]:
            continue
        parents = list(table.parents)
        parents[one], parents[other] = parents[other], parents[one]
        tables = (*city.tables[:-1], replace(table, parents=tuple(parents)))
        areas = AreaFile(tables, planted(city, {}, given=given).polygons)
        codes = frozenset(c for c in (table.codes[one], table.parents[one], table.parents[other]) if c)
        rules = frozenset({"wrong_parent", "outside_parent"})
        return Plant(areas, rules, codes, city.grids[one])
    return None


def beyond_the_city(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """A corner of the outer border pushed outwards by several units."""
    return _outer(city, random, given, 6, {"outside_parent"}, grows=True)


def outer_corner_moved(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """A corner of the outer border moved by one unit, into the grid or out of it."""
    if random.random() < 0.5:
        return _outer(city, random, given, 1, {"outside_parent", "t_junction"}, grows=True)
    return _outer(city, random, given, 1, {"gap", "t_junction", "missing_grid"}, grows=False)


def border_corner_moved(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """A corner that two grids have moved by one unit in one of them."""
    return _moved(city, random, given, 2)


def node_moved(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """A corner where three grids or more meet moved by one unit in one of them."""
    return _moved(city, random, given, 3)


def no_shape(city: City, random: np.random.Generator, given: bool) -> Plant | None:
    """A grid without a polygon."""
    row = int(random.integers(len(city.grids)))
    return _plant(city, planted(city, {row: None}, given=given), {"no_shape"}, [row], city.grids[row])


Planter = Callable[[City, np.random.Generator, bool], Plant | None]
PLANTERS: tuple[Planter, ...] = (
    gap,
    overlap,
    t_junction,
    rounded_t_junction,
    duplicate,
    self_touching_ring,
    invalid_polygon,
    missing_grid,
    hole_without_filler,
    stray_part,
    swapped_parents,
    border_corner_moved,
    node_moved,
    no_shape,
)
"""Those that are found whether outlines are given or not."""

OUTSIDE: tuple[Planter, ...] = (stray_part_outside, beyond_the_city, outer_corner_moved)
"""Those that are found only where outlines are given."""


def _plant(
    city: City,
    areas: AreaFile,
    rules: set[str],
    rows: list[int],
    place: shapely.Geometry,
    *,
    sized: bool = True,
) -> Plant:
    codes = frozenset(city.tables[-1].codes[row] for row in rows)
    return Plant(areas, frozenset(rules), codes, place, sized)


def _corners(city: City) -> list[Corner]:
    joined: dict[Point, set[Point]] = defaultdict(set)
    rows: dict[Point, set[int]] = defaultdict(set)
    for row, grid in enumerate(city.grids):
        for a, b in segments_of(grid):
            joined[a].add(b)
            joined[b].add(a)
            rows[a].add(row)
    return [Corner(at, frozenset(joined[at]), tuple(sorted(rows[at]))) for at in sorted(joined)]


def _degree_two(city: City) -> list[Corner]:
    """The corners along borders, without those where borders meet."""
    return [corner for corner in _corners(city) if len(corner.joined) == 2]


def _with_corner(shape: shapely.Geometry, at: Point, to: Int64Array) -> shapely.Geometry:
    """The shape with a corner moved, wherever its rings have it."""
    return shapely.transform(shape, lambda xy: np.where((xy == at).all(axis=1)[:, None], to, xy))


def _pulled(city: City, random: np.random.Generator, given: bool, *, grows: bool) -> Plant | None:
    corners = [corner for corner in _degree_two(city) if len(corner.rows) == 2]
    for i in random.permutation(len(corners)):
        corner = corners[i]
        row, other = random.permutation(corner.rows)
        grid = city.grids[row]
        to = np.array(corner.at) + random.integers(-12, 13, 2)
        moved = _with_corner(grid, corner.at, to)
        if not shapely.is_valid(moved):
            continue
        change = shapely.symmetric_difference(grid, moved)
        kept = grid.covers(moved) or (grows and city.grids[other].covers(change))
        if not kept or grows == grid.covers(moved) or not _simple(change):
            continue
        if (
            change.area < 60
            or 2 * change.area < 3 * change.length
            or any(
                change.intersects(third) and shapely.intersection(change, third).area > 0
                for n, third in enumerate(city.grids)
                if n not in (row, other)
            )
        ):
            continue
        rules = {"overlap"} if grows else {"gap", "missing_grid"}
        return _plant(city, planted(city, {row: moved}, given=given), rules, [row, other], change)
    return None


def _corner_more(
    city: City, random: np.random.Generator, given: bool, beside: tuple[int, int]
) -> Plant | None:
    owners: dict[tuple[Point, Point], list[int]] = defaultdict(list)
    for row, grid in enumerate(city.grids):
        for a, b in segments_of(grid):
            owners[min(a, b), max(a, b)].append(row)
    shared = [side for side, rows in owners.items() if len(set(rows)) == 2]
    for i in random.permutation(len(shared)):
        a, b = shared[i]
        if (a[0] + b[0]) % 2 or (a[1] + b[1]) % 2:
            continue  # the middle is no lattice point, so a corner beside it may be too far from the side
        to = np.array([(a[0] + b[0]) // 2, (a[1] + b[1]) // 2]) + beside
        row = int(random.choice(owners[a, b]))
        length = float(np.hypot(b[0] - a[0], b[1] - a[1]))
        if length < 8 or (any(beside) and shapely.Polygon([a, to, b]).area == 0):
            continue
        shape = _inserted(city.grids[row], a, b, to)
        if shape is None or not shapely.is_valid(shape):
            continue
        place = shapely.LineString([a, to, b])
        sliver = shapely.Polygon([a, to, b])
        if any(beside) and any(
            shapely.intersection(sliver, other).area > 0
            for n, other in enumerate(city.grids)
            if n not in owners[a, b]
        ):
            continue
        areas = planted(city, {row: shape}, given=given)
        return _plant(city, areas, {"t_junction"}, owners[a, b], place, sized=False)
    return None


def _inserted(shape: shapely.Geometry, a: Point, b: Point, to: FloatArray) -> shapely.Geometry | None:
    """The shape with a corner more between two neighbouring ones."""
    parts = []
    for part in shapely.get_parts(shape):
        rings = []
        for ring in (part.exterior, *part.interiors):
            xy = shapely.get_coordinates(ring)
            pairs = [{tuple(p), tuple(q)} == {a, b} for p, q in pairwise(xy)]
            rings.append(np.insert(xy, pairs.index(True) + 1, to, axis=0) if any(pairs) else xy)
        parts.append(shapely.Polygon(rings[0], rings[1:]))
    return as_polygonal(shapely.MultiPolygon(parts))


def _moved(city: City, random: np.random.Generator, given: bool, meeting: int) -> Plant | None:
    city_border = shapely.boundary(shapely.union_all(city.grids))
    corners = [
        corner
        for corner in _corners(city)
        if (len(corner.rows) == 2 if meeting == 2 else len(corner.rows) >= 3)
        and not city_border.intersects(shapely.Point(corner.at))
    ]
    for i in random.permutation(len(corners)):
        corner = corners[i]
        row = int(random.choice(corner.rows))
        to = np.array(corner.at) + random.permutation([[0, 1], [1, 0], [0, -1], [-1, 0], [1, 1], [1, -1]])[0]
        moved = _with_corner(city.grids[row], corner.at, to)
        if not shapely.is_valid(moved) or shapely.equals(moved, city.grids[row]):
            continue
        place = shapely.symmetric_difference(city.grids[row], moved)
        rules = {"gap", "overlap", "t_junction", "missing_grid"}
        areas = planted(city, {row: moved}, given=given)
        return _plant(city, areas, rules, [row], place, sized=False)
    return None


def _outer(
    city: City, random: np.random.Generator, given: bool, reach: int, rules: set[str], *, grows: bool
) -> Plant | None:
    whole = shapely.union_all(city.grids)
    corners = [corner for corner in _degree_two(city) if len(corner.rows) == 1]
    for i in random.permutation(len(corners)):
        corner = corners[i]
        row = corner.rows[0]
        to = np.array(corner.at) + random.integers(-reach, reach + 1, 2)
        moved = _with_corner(city.grids[row], corner.at, to)
        if not shapely.is_valid(moved):
            continue
        change = shapely.symmetric_difference(city.grids[row], moved)
        if not _simple(change) or change.area == 0:
            continue
        outside = shapely.intersection(change, whole).area == 0
        if outside == grows and (grows or whole.covers(change)) and shapely.length(change) > 0:
            return _plant(city, planted(city, {row: moved}, given=given), rules, [row], change)
    return None


def _without(city: City, row: int, given: bool) -> AreaFile:
    table = city.tables[-1]
    keep = [n for n in range(len(table)) if n != row]
    less = level_table(
        "grid",
        [table.codes[n] for n in keep],
        [table.names[n] for n in keep],
        [table.kinds[n] for n in keep],
        [table.parents[n] for n in keep],
    )
    polygons = {**(city.outlines if given else {}), "grid": city.grids[keep]}
    return AreaFile((*city.tables[:-1], less), polygons)


def _inner_triangle(grid: shapely.Polygon, at: FloatArray, random: np.random.Generator) -> FloatArray | None:
    for _ in range(20):
        two: FloatArray = at + random.integers(-25, 26, (2, 2)).astype(np.float64)
        triangle = shapely.Polygon([at, *two])
        touched = shapely.intersection(triangle, grid.boundary)
        if triangle.area > 20 and grid.covers(triangle) and touched.equals(shapely.Point(at)):
            return two
    return None


def _patch(grid: shapely.Geometry, random: np.random.Generator) -> shapely.Polygon | None:
    west, south, east, north = shapely.bounds(grid)
    for _ in range(40):
        x, y = int(random.integers(west, east + 1)), int(random.integers(south, north + 1))
        patch = shapely.Polygon([(x, y), (x + 7, y + 1), (x + 4, y + 8)])
        if shapely.contains_properly(grid, patch):
            return patch
    return None


def _is_enclosed(rest: shapely.Geometry, grid: shapely.Polygon) -> bool:
    holes = [shapely.Polygon(ring) for part in shapely.get_parts(rest) for ring in part.interiors]
    return any(hole.equals(grid) for hole in holes)


def _simple(shape: shapely.Geometry) -> bool:
    return isinstance(shape, shapely.Polygon) and len(shape.interiors) == 0
