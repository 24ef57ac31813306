"""GridIndex: which row covers a point. One rule: the smallest row of those that cover it, borders included.

This is the plain form: an STRtree over the polygons in lattice units, where GEOS answers exactly because
every coordinate is a whole number far below 2**53.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from gridmap.types import Geometries, Int32Array


class GridIndex:
    """Answers "which row?" for lattice points. Immutable once built, safe to share between threads."""

    def __init__(self, polygons: Geometries) -> None:
        """Build from polygons in lattice units, ordered by row; empty ones and None own nothing."""
        self._tree = shapely.STRtree(polygons)

    def locate(self, x: int, y: int) -> int:
        """The smallest row that covers the lattice point (x, y), or NOWHERE."""
        rows = self._tree.query(shapely.Point(x, y), predicate="intersects")
        return int(rows.min()) if len(rows) else NOWHERE

    def locate_many(self, xs: Int32Array, ys: Int32Array) -> Int32Array:
        """The smallest covering row of each lattice point, NOWHERE where there is none; (n,), in order."""
        points = shapely.points(np.stack([xs, ys], axis=1).astype(np.float64))
        which, rows = self._tree.query(points, predicate="intersects")
        none = np.iinfo(np.int32).max
        best = np.full(len(xs), none, np.int32)
        np.minimum.at(best, which, rows.astype(np.int32))
        best[best == none] = NOWHERE
        return best
