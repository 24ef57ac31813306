"""Slow, obvious truths to hold the fast paths against: whole numbers, plain loops, every pair."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import Geod

from gridmap.lattice import SCALE
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridmap.coverage.arcs import Coverage
    from gridmap.types import Geometries, Int64Array

    Point = tuple[int, int]
    Segment = tuple[Point, Point]


def owner_of(x: int, y: int, polygons: Geometries) -> int:
    """The smallest row whose polygon covers a lattice point, border included; NOWHERE where none does.

    A ray to the east, the even-odd rule, all of it in whole numbers of any length.
    """
    for row, polygon in enumerate(polygons):
        if polygon is not None and _covers(segments_of(polygon), x, y):
            return row
    return NOWHERE


def covering_rows(x: int, y: int, polygons: Geometries) -> tuple[int, ...]:
    """All rows whose polygon covers a lattice point, border included, by the same rule."""
    return tuple(
        row
        for row, polygon in enumerate(polygons)
        if polygon is not None and _covers(segments_of(polygon), x, y)
    )


def _covers(segments: list[Segment], x: float, y: float) -> bool:
    inside = False
    for (ax, ay), (bx, by) in segments:
        side = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        if side == 0 and min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by):
            return True
        # A corner on the ray belongs to the edge below it only.
        if (ay > y) != (by > y) and (side > 0) == (by > ay):
            inside = not inside
    return inside


def segments_of(polygon: shapely.Geometry) -> list[Segment]:
    """The sides of all rings of a polygon or multipolygon, as pairs of lattice points."""
    out: list[Segment] = []
    for ring in shapely.get_rings(shapely.get_parts(polygon)):
        points = [(int(x), int(y)) for x, y in shapely.get_coordinates(ring)]
        out += [(a, b) for a, b in pairwise(points) if a != b]
    return out


def is_partition(grids: Geometries, outlines: Mapping[str, tuple[Geometries, list[list[int]]]]) -> bool:
    """Whether grids are a partition, by looking at every pair.

    Every grid is a valid polygon with an area, no two share an area, and where a side is not shared, end to
    end, no corner of another such side lies inside it. `outlines` holds by level, widest first, the polygons
    given for it and the rows of the grids in each: every outline has exactly the sides that its grids do not
    share. What all grids together enclose one outline of the widest level must enclose, too.
    """
    if not all(grid is not None and grid.is_valid and grid.area > 0 for grid in grids):
        return False
    for one in range(len(grids)):
        if shapely.relate_pattern(grids[one], grids[one + 1 :], "T********").any():
            return False
    if _corner_inside_side(list(_unshared(grids))):
        return False
    for polygons, rows in outlines.values():
        for polygon, mine in zip(polygons, rows, strict=True):
            if polygon is None or Counter(map(_undirected, segments_of(polygon))) != _unshared(grids[mine]):
                return False
    widest: list[shapely.Geometry] = list(next(iter(outlines.values()))[0]) if outlines else []
    declared = [void for outline in widest for void in _voids(outline)]
    voids = _voids(shapely.union_all(grids))
    return all(any(void.equals(other) for other in declared) for void in voids)


def _undirected(segment: Segment) -> Segment:
    return (segment[0], segment[1]) if segment[0] < segment[1] else (segment[1], segment[0])


def _unshared(grids: Geometries) -> Counter[Segment]:
    sides = Counter(_undirected(segment) for grid in grids for segment in segments_of(grid))
    return Counter({segment: 1 for segment, count in sides.items() if count % 2})


def _voids(shape: shapely.Geometry) -> list[shapely.Polygon]:
    """What a shape encloses without owning it, also between parts that touch each other in corners."""
    noded = shapely.get_parts(shapely.union_all(shapely.get_rings(shapely.get_parts(shape))))
    pieces = shapely.get_parts(shapely.polygonize(noded))
    return [piece for piece in pieces if not shapely.intersects(shape, piece.representative_point())]


def _corner_inside_side(sides: list[Segment]) -> bool:
    corners: Int64Array = np.unique(np.array(sides, np.int64).reshape(-1, 2), axis=0)
    for a, b in np.array(sides, np.int64):
        along, to = b - a, corners - a
        on_line = along[0] * to[:, 1] == along[1] * to[:, 0]
        how_far = to @ along
        if (on_line & (how_far > 0) & (how_far < along @ along)).any():
            return True
    return False


def polygons_from_arcs(coverage: Coverage) -> Geometries:
    """The polygon of every face: the pieces between its arcs that a ray leaves an odd number of times."""
    points = list(zip(coverage.xs.tolist(), coverage.ys.tolist(), strict=True))
    arcs = [points[begin:end] for begin, end in pairwise(coverage.offsets)]
    out = np.empty(coverage.faces, dtype=object)
    for face in range(coverage.faces):
        mine = [arcs[arc] for arc in np.flatnonzero((coverage.left == face) != (coverage.right == face))]
        sides = [side for arc in mine for side in pairwise(arc)]
        pieces = shapely.get_parts(shapely.polygonize([shapely.LineString(arc) for arc in mine]))
        inside = [_covers(sides, *piece.representative_point().coords[0]) for piece in pieces]
        out[face] = shapely.union_all(pieces[np.array(inside, bool)])
    return out


def geodesic_area_and_perimeter(polygon: shapely.Geometry, step: float = 1e-4) -> tuple[float, float]:
    """Area (m2) and perimeter (m) of a polygon in lattice units, its sides cut into geodesics."""
    degrees = shapely.segmentize(shapely.transform(polygon, lambda xy: xy / SCALE), step)
    geod = Geod(ellps="WGS84")
    area, _ = geod.geometry_area_perimeter(shapely.orient_polygons(degrees))
    rings = shapely.get_rings(shapely.get_parts(degrees))
    return float(area), float(sum(geod.geometry_length(ring) for ring in rings))
