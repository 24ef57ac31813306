"""The edges between polygons that share their vertices: who is left of an edge, and who is right.

Every ring is cut into directed edges; an edge and its reverse belong to two neighbours. With rings oriented
alike (shells one way, holes the other) the polygon of a directed edge lies always on the same side, so
matching each directed edge with its reverse finds all neighbours at once, whatever the shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.city.metres import METRES_PER_UNIT

if TYPE_CHECKING:
    from gridmap.types import FloatArray, Geometries, Int64Array


@dataclass(frozen=True)
class SharedEdges:
    """The edges that two polygons share, one entry each.

    `first` < `second` int64 are the positions of the two polygons, `ends` float64[n, 2, 2] the end points.
    """

    first: Int64Array
    second: Int64Array
    ends: FloatArray

    @property
    def lengths(self) -> FloatArray:
        """Lengths in flat metres."""
        step = (self.ends[:, 1] - self.ends[:, 0]) * METRES_PER_UNIT
        return np.asarray(np.hypot(step[:, 0], step[:, 1]))


def directed_edges(polygons: Geometries) -> tuple[FloatArray, Int64Array]:
    """All directed edges, float64[n, 2, 2], of (multi)polygons, and the position of the polygon of each."""
    parts, polygon = shapely.get_parts(shapely.orient_polygons(polygons), return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    inside = ring[1:] == ring[:-1]
    ends = np.stack([points[:-1][inside], points[1:][inside]], axis=1)
    return ends, np.asarray(polygon[part[ring[:-1][inside]]], dtype=np.int64)


def shared_edges(polygons: Geometries) -> SharedEdges:
    """The edges that two of the polygons share, each once."""
    ends, owner = directed_edges(polygons)
    key = ends[..., 0].astype(np.int64) << 32 | (ends[..., 1].astype(np.int64) & 0xFFFFFFFF)
    _, point = np.unique(key, return_inverse=True)
    point = point.reshape(-1, 2)
    forward = point[:, 0] * (int(point.max()) + 1) + point[:, 1]
    back = point[:, 1] * (int(point.max()) + 1) + point[:, 0]
    order = np.argsort(forward)
    found = np.searchsorted(forward, back, sorter=order)
    found = order[np.minimum(found, len(order) - 1)]
    match = (forward[found] == back) & (owner < owner[found])
    return SharedEdges(owner[match], owner[found[match]], ends[match])
