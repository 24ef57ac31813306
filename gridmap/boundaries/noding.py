"""Shared corners: where a corner of one shape lies on an edge of another, the other gets it too.

A border that is straight in a file's datum is no longer straight, by a few millimetres, in longitude and
latitude. So a corner in the middle of a neighbour's (or a parent's) edge must become a corner of both
before the shapes are transformed; afterwards it would lie beside the edge, and a proven partition would
look torn. Only corners that are on the edge but for rounding count: what lies beside it is a defect of the
file, and stays one.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

if TYPE_CHECKING:
    from gridmap.types import BoolArray, FloatArray, Geometries, Int64Array

ROUNDING: Final = 1e-12
"""Share of the coordinates' size within which a corner is on an edge: a few units in the last place of a
double."""


def with_shared_corners(shapes: Geometries) -> Geometries:
    """The shapes with the corners that they lack; None stays None, other corners stay in their order."""
    ends, owner = _edges(shapes)
    alone = np.flatnonzero(_unshared(ends))
    if len(alone) == 0:
        return shapes
    lines = np.asarray(shapely.linestrings(ends[alone].reshape(-1, 2, 2)), dtype=object)
    corners = np.unique(ends[alone].reshape(-1, 2), axis=0)
    near = ROUNDING * float(np.abs(corners).max())
    which, edge = shapely.STRtree(lines).query(shapely.points(corners), predicate="dwithin", distance=near)
    points, at = corners[which], ends[alone][edge]
    inside = (points != at[:, :2]).any(axis=1) & (points != at[:, 2:]).any(axis=1)
    missing: dict[int, dict[tuple[float, ...], list[FloatArray]]] = defaultdict(lambda: defaultdict(list))
    for point, found in zip(points[inside], alone[edge[inside]], strict=True):
        missing[int(owner[found])][tuple(ends[found])].append(point)
    out = shapes.copy()
    for shape, by_edge in missing.items():
        out[shape] = _with_corners(shapes[shape], by_edge)
    return out


def _edges(shapes: Geometries) -> tuple[FloatArray, Int64Array]:
    """All edges as (n, 4), from and to, and the shape of each."""
    rings, shape = shapely.get_rings(shapes, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    inner = ring[1:] == ring[:-1]
    return np.hstack([xy[:-1], xy[1:]])[inner], shape[ring[1:][inner]].astype(np.int64)


def _unshared(ends: FloatArray) -> BoolArray:
    """Edges that stand in the file once only, whatever their direction."""
    turned = (ends[:, 0] > ends[:, 2]) | ((ends[:, 0] == ends[:, 2]) & (ends[:, 1] > ends[:, 3]))
    same_way = np.where(turned[:, None], ends[:, [2, 3, 0, 1]], ends)
    number, count = np.unique(same_way, axis=0, return_inverse=True, return_counts=True)[1:]
    return np.asarray(count[number.ravel()] == 1)


def _with_corners(
    shape: shapely.Geometry, by_edge: dict[tuple[float, ...], list[FloatArray]]
) -> shapely.Geometry:
    parts = [
        shapely.Polygon(_ring(part.exterior, by_edge), [_ring(hole, by_edge) for hole in part.interiors])
        for part in shapely.get_parts(shape)
    ]
    return parts[0] if isinstance(shape, shapely.Polygon) else shapely.MultiPolygon(parts)


def _ring(ring: shapely.LinearRing, by_edge: dict[tuple[float, ...], list[FloatArray]]) -> FloatArray:
    xy = shapely.get_coordinates(ring)
    out = [xy[:1]]
    for begin, end in pairwise(xy):
        fresh = by_edge.get((*begin, *end), [])
        fresh = sorted(fresh, key=lambda point: float(np.abs(point - begin).sum()))
        out += [point[None] for point in fresh] + [end[None]]
    return np.concatenate(out)
