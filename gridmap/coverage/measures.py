"""Area, perimeter, compactness and neighbours of every face, summed from the arcs.

Each arc is measured once and counted for the faces on both sides, with opposite signs for the area, so the
areas of the grids add up to the area of their community by construction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.kernels import ellipsoid
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from gridmap.coverage.arcs import Coverage
    from gridmap.types import FloatArray, Int32Array


@dataclass(frozen=True)
class Measures:
    """Measures of every face, in row order: ellipsoidal area, perimeter, and compactness.

    Compactness is 4 pi A / P^2: 1 for a circle, 0.785 for a square, 0 for a face without an area.
    """

    areas_m2: FloatArray
    perimeters_m: FloatArray

    @property
    def compactness(self) -> FloatArray:
        """4 pi A / P^2 of every face (Polsby and Popper 1991)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = 4 * np.pi * self.areas_m2 / self.perimeters_m**2
        return np.asarray(np.nan_to_num(ratio, nan=0.0, posinf=0.0))


@dataclass(frozen=True)
class Neighbours:
    """Pairs of faces (one < other) that share a border, with its length in metres, sorted."""

    one: Int32Array
    other: Int32Array
    border_m: FloatArray


def measures_of(coverage: Coverage) -> Measures:
    """Measure every face of a coverage. Edges are straight in longitude and latitude, by definition."""
    areas, lengths = _arc_measures(coverage)
    total, border = np.zeros(coverage.faces), np.zeros(coverage.faces)
    for faces, sign in ((coverage.left, 1.0), (coverage.right, -1.0)):
        inside = faces != NOWHERE
        total += np.bincount(faces[inside], sign * areas[inside], minlength=coverage.faces)
        border += np.bincount(faces[inside], lengths[inside], minlength=coverage.faces)
    return Measures(total, border)


def neighbours_of(coverage: Coverage) -> Neighbours:
    """The pairs of faces that share a border of some length; meeting in a point is not enough."""
    lengths = _arc_measures(coverage)[1]
    inner = (coverage.left != NOWHERE) & (coverage.right != NOWHERE)
    one = np.minimum(coverage.left, coverage.right)[inner].astype(np.int64)
    other = np.maximum(coverage.left, coverage.right)[inner].astype(np.int64)
    pairs, which = np.unique(one * coverage.faces + other, return_inverse=True)
    width = max(coverage.faces, 1)
    border_m = np.bincount(which, lengths[inner], minlength=len(pairs)).astype(np.float64)
    return Neighbours((pairs // width).astype(np.int32), (pairs % width).astype(np.int32), border_m)


def area_m2(polygon: shapely.Geometry) -> float:
    """The ellipsoidal area of one polygon in lattice units; its coordinates need not be whole."""
    rings = shapely.get_rings(shapely.orient_polygons(shapely.get_parts(polygon)))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(ring, minlength=len(rings)))]).astype(np.int64)
    xs, ys = np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])
    return float(ellipsoid.line_measures(xs, ys, offsets)[0].sum())


def _arc_measures(coverage: Coverage) -> tuple[FloatArray, FloatArray]:
    return ellipsoid.line_measures(
        coverage.xs.astype(np.float64), coverage.ys.astype(np.float64), coverage.offsets
    )
