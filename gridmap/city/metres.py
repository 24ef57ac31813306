"""Flat metres for laying out the city: lattice units times one fixed scale, the same for the whole city.

The scale is exact on the parallel of 30 degrees, which runs through the middle of Chongqing; 2 degrees away
widths are off by 2 %. That is of no matter for inventing shapes; what is published is measured on the
ellipsoid elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from gridmap.types import AnyArray, FloatArray

METRES_PER_UNIT: Final = np.array([0.0096486, 0.0110852])
"""Metres per lattice unit (1e-7 degree) of longitude and latitude at 30 degrees north, on the CGCS2000
ellipsoid."""


def to_metres(units: AnyArray) -> FloatArray:
    """Flat metres of lattice coordinates [n, 2]."""
    return np.asarray(units * METRES_PER_UNIT, dtype=np.float64)


def to_units(metres: FloatArray) -> FloatArray:
    """Lattice coordinates [n, 2] of flat metres, not rounded."""
    return np.asarray(metres / METRES_PER_UNIT)
