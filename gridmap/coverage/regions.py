"""Where an unproven coverage goes wrong: the regions that edges without a partner enclose.

Theory of operation. Add up the indicator functions of all faces and take away the city's. In a partition
nothing is left; elsewhere the sum is constant between edges whose directed copies do not cancel. So only
those edges matter, however large the city: noded together and polygonised they give regions, and in each
region one point tells how many faces lie there. A region with none is a gap, with two an overlap. A corner
that lies inside another such edge need not enclose anything (a vertex that one neighbour has and the other
has not, on a straight line); those are listed by themselves.

Nothing here decides whether a coverage is a partition; the integers in proof.py do. This only says where
and how large, so ordinary floating-point geometry is good enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    from gridmap.types import FloatArray, Geometries, Int32Array, Int64Array

NEAR: Final = 0.01
"""Lattice units within which a noded piece belongs to the edge it was cut from; noding moves it far less."""

NOISE: Final = 1e-5
"""Mean width in lattice units of an intersection of two shapes that do no more than touch; it is rounding."""

TRIES: Final = 60
"""Random points tried to find one that lies on no border at all."""


@dataclass(frozen=True)
class Loose:
    """Directed edges without a partner: `ends` is (n, 2, 2) in lattice units, `faces` lie on their left.

    The face is NOWHERE for an edge of the city's outline that no face has.
    """

    ends: Int64Array
    faces: Int32Array

    def __len__(self) -> int:
        return len(self.faces)

    @property
    def lines(self) -> Geometries:
        """The edges as lines of two points."""
        return two_point_lines(self.ends)


@dataclass(frozen=True)
class Region:
    """A piece of the plane between loose edges, with a `point` inside and the faces that `covers` it there.

    `edges` are the positions of the loose edges around it. Beyond edges that do cancel other faces may cover
    the rest of the region, as many in every point: `Cover.members` finds them all.
    """

    polygon: shapely.Polygon
    point: shapely.Point
    covers: tuple[int, ...]
    edges: Int64Array


def two_point_lines(ends: Int64Array) -> Geometries:
    """Lines of two points each from (n, 2, 2) lattice units."""
    return np.asarray(shapely.linestrings(ends.astype(np.float64)), dtype=object).reshape(len(ends))


def corners_inside(ends: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Corners of edges (n, 2, 2) that lie inside another of these edges: end numbers, edge numbers.

    End 2 i is where edge i begins, 2 i + 1 where it ends. Exact, because GEOS decides on which side of a line
    a point lies without rounding error.
    """
    if len(ends) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    corners = ends.reshape(-1, 2)
    tree = shapely.STRtree(two_point_lines(ends))
    corner, edge = tree.query(shapely.points(corners.astype(np.float64)), predicate="intersects")
    own = (corners[corner][:, None] == ends[edge]).all(axis=2).any(axis=1)
    return corner[~own], edge[~own]


def regions_of(loose: Loose, polygons: Geometries) -> list[Region]:
    """The regions into which loose edges split the plane; what lies outside of all of them is left out."""
    if len(loose) == 0:
        return []
    lines = loose.lines
    noded = shapely.get_parts(shapely.union_all(lines))
    pieces = np.asarray(shapely.get_parts(shapely.polygonize(noded)), dtype=object)
    if len(pieces) == 0:
        return []
    points, covers = _inside(pieces, shapely.STRtree(polygons), polygons)
    edges = _edges_along(lines, pieces)
    return [
        Region(piece, point, tuple(faces), along)
        for piece, point, faces, along in zip(pieces, points, covers, edges, strict=True)
    ]


class Cover:
    """Polygons by row, to be asked which of them share an area with a region."""

    def __init__(self, polygons: Geometries) -> None:
        """Index polygons in lattice units; invalid ones are fine."""
        self._polygons = polygons
        self._tree = shapely.STRtree(polygons)

    def members(self, region: shapely.Polygon) -> tuple[Int64Array, Geometries]:
        """The rows of the polygons that share an area with a region, ascending, and what they share."""
        whole = self._tree.query(region, predicate="contains")
        rest = np.setdiff1d(self._tree.query(region, predicate="intersects"), whole)
        shared = np.asarray(shapely.intersection(_sound(self._polygons[rest]), region), dtype=object)
        real = shapely.area(shared) > NOISE * region.length
        rows = np.concatenate([whole, rest[real]]).astype(np.int64)
        order = np.argsort(rows)
        return rows[order], np.concatenate([self._polygons[whole], shared[real]])[order]


def _sound(polygons: Geometries) -> Geometries:
    """The polygons, the invalid ones made valid, so that they can be intersected."""
    out = polygons.copy()
    broken = ~shapely.is_valid(polygons)
    out[broken] = shapely.make_valid(polygons[broken])
    return out


def _edges_along(lines: Geometries, pieces: Geometries) -> list[Int64Array]:
    """The loose edges that each piece's boundary was cut from: those that the middles of its sides are on."""
    rings, piece = shapely.get_rings(pieces, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    inner = ring[1:] == ring[:-1]
    middles = ((xy[1:] + xy[:-1]) / 2)[inner]
    side, edge = shapely.STRtree(lines).query(shapely.points(middles), predicate="dwithin", distance=NEAR)
    return _grouped(piece[ring[1:][inner]][side], edge, len(pieces))


def _grouped(group: Int64Array, values: Int64Array, count: int) -> list[Int64Array]:
    """The distinct values of each group, sorted."""
    if len(group) == 0:
        return [np.empty(0, np.int64)] * count
    width = int(values.max()) + 1
    pairs = np.unique(group.astype(np.int64) * width + values)
    bounds = np.searchsorted(pairs // width, np.arange(count + 1))
    return [pairs[bounds[i] : bounds[i + 1]] % width for i in range(count)]


def _inside(
    pieces: Geometries, tree: shapely.STRtree, polygons: Geometries
) -> tuple[list[shapely.Point], list[list[int]]]:
    """A point of each piece that lies on no border, and the faces there."""
    points = np.asarray(shapely.point_on_surface(pieces), dtype=object)
    which, rows = tree.query(points, predicate="intersects")
    on_border = ~shapely.contains_properly(pieces, points)
    on_border[which[~shapely.contains_properly(polygons[rows], points[which])]] = True
    covers = [found.tolist() for found in _grouped(which, rows, len(pieces))]
    for piece in np.flatnonzero(on_border):
        points[piece], covers[piece] = _searched(pieces[piece], points[piece], tree, polygons)
    return list(points), covers


def _searched(
    piece: shapely.Polygon, point: shapely.Point, tree: shapely.STRtree, polygons: Geometries
) -> tuple[shapely.Point, list[int]]:
    """The same for one piece whose middle lies on a border: try others."""
    for candidate in _candidates(piece):
        at = tree.query(candidate, predicate="intersects")
        if shapely.contains_properly(polygons[at], candidate).all():
            return candidate, sorted(at.tolist())
    return point, sorted(tree.query(point, predicate="intersects").tolist())


def _candidates(piece: shapely.Polygon) -> list[shapely.Point]:
    """Points inside a piece, spread by a fixed seed."""
    random = np.random.default_rng(0)
    west, south, east, north = piece.bounds
    spread: FloatArray = random.uniform((west, south), (east, north), (TRIES, 2))
    corners = shapely.get_coordinates(piece)
    middle = shapely.get_coordinates(shapely.point_on_surface(piece))
    # Thin pieces are missed by points of the box: points between the middle and the corners often are inside.
    towards = corners[random.integers(0, len(corners), TRIES)] - middle
    points = np.concatenate([spread, middle + towards * random.uniform(0.05, 0.6, (TRIES, 1))])
    inside = np.asarray(shapely.points(points), dtype=object)
    return list(inside[shapely.contains_properly(piece, inside)])
