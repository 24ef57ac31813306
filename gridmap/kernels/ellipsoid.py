"""Areas and lengths on the ellipsoid for lines that are straight in longitude and latitude.

WGS84: a = 6378137 m, f = 1/298.257223563. CGCS2000 differs in the eleventh digit of f, 0.1 mm at the pole,
so one pair of constants serves both.
"""

from __future__ import annotations

import math

import numpy as np

from gridmap.kernels.jit import inline_kernel, kernel
from gridmap.types import FloatArray, Int64Array

A = 6378137.0
F = 1 / 298.257223563
E2 = F * (2 - F)
E = math.sqrt(E2)
RADIANS = math.pi / 180 / 1e7  # per lattice unit
GAUSS = math.sqrt(0.6)  # nodes of the three-point Gauss rule on [-1, 1], weights 5/9, 8/9, 5/9


@inline_kernel
def _belt(phi: float) -> float:
    """Area from the equator to latitude phi, one radian wide (Snyder 1987, eq. 3-12, times a^2/2)."""
    s = math.sin(phi)
    return A * A * (1 - E2) / 2 * (s / (1 - E2 * s * s) + math.log((1 + E * s) / (1 - E * s)) / (2 * E))


@kernel
def metres_per_unit(y: float) -> tuple[float, float]:
    """Metres of a lattice unit eastwards and northwards at a latitude given in units: radii of curvature."""
    sine = math.sin(y * RADIANS)
    w2 = 1 - E2 * sine * sine
    normal = A / math.sqrt(w2)
    return normal * math.cos(y * RADIANS) * RADIANS, normal * (1 - E2) / w2 * RADIANS


@kernel
def line_measures(xs: FloatArray, ys: FloatArray, offsets: Int64Array) -> tuple[FloatArray, FloatArray]:
    """For each line in lattice units: the area between it and the equator (m2, signed), its length (m).

    Summed over a counter-clockwise ring the first is the ring's area: A = -closed integral of belt(phi)
    d(lambda), by Green. The integral over one edge takes three Gauss points, exact to 1e-12 for edges up to
    a degree. The length takes the radii of curvature at the middle of each edge: 1e-8 relative for edges up
    to 10 km.
    """
    lines = len(offsets) - 1
    areas = np.zeros(lines, np.float64)
    lengths = np.zeros(lines, np.float64)
    for line in range(lines):
        for i in range(offsets[line], offsets[line + 1] - 1):
            dx = (xs[i + 1] - xs[i]) * RADIANS
            half = (ys[i + 1] - ys[i]) * RADIANS / 2
            middle = (ys[i + 1] + ys[i]) * RADIANS / 2
            if dx != 0.0:
                mean = (
                    5 * (_belt(middle - GAUSS * half) + _belt(middle + GAUSS * half)) + 8 * _belt(middle)
                ) / 18
                areas[line] -= mean * dx
            s = math.sin(middle)
            w2 = 1 - E2 * s * s
            normal = A / math.sqrt(w2)
            meridian = normal * (1 - E2) / w2
            lengths[line] += math.hypot(2 * half * meridian, dx * normal * math.cos(middle))
    return areas, lengths
