"""Sizes of grids, and a point well inside each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import shapely

from gridmap.city.metres import METRES_PER_UNIT

if TYPE_CHECKING:
    from gridmap.types import FloatArray, Geometries, Int32Array

ROOM: Final = 0.2
"""A centre is well inside when this share of the square root of its grid's area lies around it."""


def area_km2(grids: Geometries) -> FloatArray:
    """Areas of polygons in lattice units, in km2, good to a thousandth: degrees shrink with the latitude."""
    latitude = shapely.get_coordinates(shapely.centroid(grids))[:, 1] / 1e7
    shrink = np.cos(np.radians(latitude)) / np.cos(np.radians(30.0))
    return np.asarray(shapely.area(grids) * np.prod(METRES_PER_UNIT) * shrink / 1e6)


def inner_points(grids: Geometries) -> Int32Array:
    """A lattice point well inside each grid, int32[n, 2]: the centroid if it is, else the roomiest place."""
    points = np.rint(shapely.get_coordinates(shapely.centroid(grids)))
    side = np.sqrt(shapely.area(grids))
    shapely.prepare(grids)
    good = shapely.contains_xy(grids, points)
    good &= shapely.distance(shapely.boundary(grids), shapely.points(points)) > ROOM * side
    for row in np.flatnonzero(~good).tolist():
        circle = shapely.maximum_inscribed_circle(grids[row], tolerance=0.05 * side[row])
        points[row] = np.rint(shapely.get_coordinates(circle)[0])
    return points.astype(np.int32)
