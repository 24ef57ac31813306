"""The ground a building covers: a rectangle around its point, turned to its bearing.

A building is stored as a point, a width, a depth and a bearing; the polygon is derived here when somebody
draws it. The point is the middle. The width runs along the bearing (degrees clockwise from north: 0
north-south, 90 east-west), the depth across it. Metres become degrees by the ellipsoid's scale at the point
itself (`ground.offset`), so the area in m2 is width times depth to better than 1 part in 1,000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.city.columns import take_numbers
from gridmap.city.ground import offset
from gridmap.lattice import SCALE

if TYPE_CHECKING:
    from gridmap.city.columns import Table
    from gridmap.types import Geometries, Int64Array

CORNERS = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
"""The corners as shares of width and depth, in an order that runs around the rectangle."""


def footprint(buildings: Table, rows: Int64Array) -> Geometries:
    """Draw the footprints of the buildings in `rows` as polygons in degrees (lon, lat).

    `buildings` is the building table (columns x, y, width_m, depth_m, bearing_deg), `rows` positions in it.
    """
    picked = buildings.select(["x", "y", "width_m", "depth_m", "bearing_deg"]).take(rows)
    x, y = (take_numbers(picked, name).astype(np.float64) for name in ("x", "y"))
    width, depth = (take_numbers(picked, name).astype(np.float64) for name in ("width_m", "depth_m"))
    bearing = take_numbers(picked, "bearing_deg")
    corners = np.empty((len(x), len(CORNERS), 2))
    for corner, (along, across) in enumerate(CORNERS):
        right, up = offset(y, bearing, along * width, across * depth)
        corners[:, corner, 0], corners[:, corner, 1] = x + right, y + up
    polygons: Geometries = np.asarray(shapely.polygons(corners / SCALE))
    return polygons
