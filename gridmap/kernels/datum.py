"""GCJ-02 and BD-09 for many points: the offsets of Chinese web maps, forward and inverse.

Theory of operation. Both datums are published as code that calls a dozen sines per point. Here they are
rewritten in `+ - * / sqrt` alone, so that the compiler fills its vector unit, and every machine gets the
same bits.

**GCJ-02** (constants: Krasovsky ellipsoid, series in x = lon - 105, y = lat - 35) uses the sines of pi*x
times 1/30, 1/12, 1/3, 1, 2, 6 and of pi*y times 1/30, 1/12, 1/3, 1. All of them are whole multiples of one
small angle, pi*x/180: one polynomial gives its sine and cosine, and the multiples follow by doubling and
tripling. Errors grow at most as the multiple: 1080 times 1e-16, of 13 m. The latitude's own sine is that
of pi*y/180 + 35 degrees.

*The border.* The offset applies in the customary box round China, limits included (`_in_box`); outside,
GCJ-02 is WGS84. At the box's edge the map jumps by up to 1 km, so there the forward map is not one to one.
The inverse gives the preimage inside the box if there is one, else the point itself: a point inside always
comes back.

*The inverse* looks for w with w + offset(w) = g by w <- g - offset(w). The offset changes by at most
0.0072 degree per degree (measured), so each round gains two digits: from w = g, `GCJ_ROUNDS` of them leave
1.4e-13 degree (2 million points). On the meridian 105 E the series has sqrt|x|, whose slope has no limit:
within 1e-12 degree of it 1.4e-11 is left. Left out: Newton's method (fewer rounds, each with the slopes of
the series), and a test for convergence (a branch per point costs the vector unit more than the rounds it
saves).

**BD-09** is a polar form over GCJ-02: radius + 2e-5 sin(x_pi lat), angle + 3e-6 cos(x_pi lon), then +
(0.0065, 0.006). Turning by so small an angle needs no arctangent: the first terms of sine and cosine do.
The customary inverse takes both disturbances at the shifted point and misses by up to 0.24 m (measured).
Ours takes them again at the point found; a round gains two digits, and `BD_ROUNDS` leave 1e-13 degree.
BD-09 has no box: it lies over GCJ-02 everywhere.

Kernels write into the last two arrays; inputs are degrees, checked by the caller (`gridmap.crs`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gridmap.kernels.jit import inline_kernel, kernel

if TYPE_CHECKING:
    from gridmap.types import FloatArray

BOX_WEST: Final = 72.004
BOX_EAST: Final = 137.8347
BOX_SOUTH: Final = 0.8293
BOX_NORTH: Final = 55.8271

GCJ_ROUNDS: Final = 5
BD_ROUNDS: Final = 6

BLOCK: Final = 256
"""Points that go through all rounds together: 8 kB, so they stay in the core's first cache."""

A_M: Final = 6378245.0
"""Semi-major axis of the Krasovsky ellipsoid."""

E2: Final = 0.00669342162296594323
"""Its squared eccentricity."""

DEGREE: Final = math.pi / 180
SIN_35: Final = 0.573576436351046  # written out: two machines' libraries may differ in the last bit
COS_35: Final = 0.8191520442889918
DEGREES_PER_M_NORTH: Final = 180 / (math.pi * A_M * (1 - E2))
DEGREES_PER_M_EAST: Final = 180 / (math.pi * A_M)

# 1/n!, the coefficients of sine and cosine.
S3, S5, S7, S9, S11, S13, S15 = (1 / math.factorial(n) for n in (3, 5, 7, 9, 11, 13, 15))
C2, C4, C6, C8, C10, C12, C14 = (1 / math.factorial(n) for n in (2, 4, 6, 8, 10, 12, 14))

NEAR: Final = 0.1
"""Degrees; the largest offset is 0.011. What is farther away is the series gone wild outside."""

EDGE: Final = 1e-9
"""Degrees; more than the inverse leaves over. An estimate so little outside the box stands on its border."""

ROUNDER: Final = 1.5 * 2.0**52
"""Added and taken away again, it rounds to the nearest whole number, without a call."""


@inline_kernel
def _sine(a: float) -> float:
    """sin(a): to 1e-16 for |a| <= 0.6 (GCJ-02), to 6e-12 for |a| <= pi/2 (BD-09, times 2e-5 degree)."""
    q = a * a
    return a * (1 - q * (S3 - q * (S5 - q * (S7 - q * (S9 - q * (S11 - q * (S13 - q * S15)))))))


@inline_kernel
def _cosine(a: float) -> float:
    """cos(a): to 1e-16 for |a| <= 0.6 (GCJ-02), to 7e-11 for |a| <= pi/2 (BD-09, times 3e-6 radian)."""
    q = a * a
    return 1 - q * (C2 - q * (C4 - q * (C6 - q * (C8 - q * (C10 - q * (C12 - q * C14))))))


@inline_kernel
def _tripled(s: float, c: float) -> tuple[float, float]:
    """Sine and cosine of three times an angle."""
    return s * (3 - 4 * s * s), c * (4 * c * c - 3)


@inline_kernel
def _doubled(s: float, c: float) -> tuple[float, float]:
    """Sine and cosine of twice an angle."""
    return 2 * s * c, 1 - 2 * s * s


@inline_kernel
def _gcj_offset(lon: float, lat: float) -> tuple[float, float]:
    """How far GCJ-02 lies east and north of WGS84 at a WGS84 point, in degrees; meaningful inside the box."""
    x, y = lon - 105.0, lat - 35.0
    # Multiples of pi/180: 6 is 1/30, 15 is 1/12, 60 is 1/3, 180 is 1, 360 is 2, 1080 is 6.
    s1, c1 = _sine(x * DEGREE), _cosine(x * DEGREE)
    s3, c3 = _tripled(s1, c1)
    s6, c6 = _doubled(s3, c3)
    s12, c12 = _doubled(s6, c6)
    s15, c15 = s12 * c3 + c12 * s3, c12 * c3 - s12 * s3
    s30, c30 = _doubled(s15, c15)
    s60, c60 = _doubled(s30, c30)
    s180, c180 = _tripled(s60, c60)
    s360, _ = _doubled(s180, c180)
    s1080 = s360 * (3 - 4 * s360 * s360)
    waves = 20 * s1080 + 20 * s360
    east = waves + 20 * s180 + 40 * s60 + 150 * s15 + 300 * s6

    t1, d1 = _sine(y * DEGREE), _cosine(y * DEGREE)
    t3, d3 = _tripled(t1, d1)
    t6, d6 = _doubled(t3, d3)
    t12, d12 = _doubled(t6, d6)
    t15, d15 = t12 * d3 + d12 * t3, d12 * d3 - t12 * t3
    t30, d30 = _doubled(t15, d15)
    t60, _ = _doubled(t30, d30)
    t180 = t60 * (3 - 4 * t60 * t60)
    north = waves + 20 * t180 + 40 * t60 + 160 * t15 + 320 * t6

    root = math.sqrt(abs(x))
    east_m = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + east * (2 / 3)
    north_m = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + north * (2 / 3)

    sin_lat = t1 * COS_35 + d1 * SIN_35
    cos_lat = d1 * COS_35 - t1 * SIN_35
    magic = 1 - E2 * sin_lat * sin_lat
    sqrt_magic = math.sqrt(magic)
    return (
        east_m * sqrt_magic / cos_lat * DEGREES_PER_M_EAST,
        north_m * (magic * sqrt_magic) * DEGREES_PER_M_NORTH,
    )


@inline_kernel
def _in_box(lon: float, lat: float) -> bool:
    """Whether the offset applies to a WGS84 point; on the limits it does."""
    return (lon >= BOX_WEST) & (lon <= BOX_EAST) & (lat >= BOX_SOUTH) & (lat <= BOX_NORTH)


@kernel
def gcj_from_wgs(lons: FloatArray, lats: FloatArray, out_lons: FloatArray, out_lats: FloatArray) -> None:
    """WGS84 to GCJ-02; outside the box a point stays as it is."""
    for i in range(lons.size):
        lon, lat = lons[i], lats[i]
        east, north = _gcj_offset(lon, lat)
        inside = _in_box(lon, lat)
        out_lons[i] = lon + east if inside else lon
        out_lats[i] = lat + north if inside else lat


@kernel
def _gcj_round(lons: FloatArray, lats: FloatArray, out_lons: FloatArray, out_lats: FloatArray) -> None:
    """Replace each estimate in `out` by the point less the offset at the estimate."""
    for i in range(lons.size):
        east, north = _gcj_offset(out_lons[i], out_lats[i])
        out_lons[i] = lons[i] - east
        out_lats[i] = lats[i] - north


@kernel
def _keep_inside(lons: FloatArray, lats: FloatArray, out_lons: FloatArray, out_lats: FloatArray) -> None:
    """Put back the point itself where the estimate is outside the box; on its border, stand on the border."""
    for i in range(lons.size):
        lon, lat = out_lons[i], out_lats[i]
        inside = (lon >= BOX_WEST - EDGE) & (lon <= BOX_EAST + EDGE)
        inside &= (lat >= BOX_SOUTH - EDGE) & (lat <= BOX_NORTH + EDGE)
        inside &= (abs(lon - lons[i]) < NEAR) & (abs(lat - lats[i]) < NEAR)
        lon = min(max(lon, BOX_WEST), BOX_EAST)
        lat = min(max(lat, BOX_SOUTH), BOX_NORTH)
        out_lons[i] = lon if inside else lons[i]
        out_lats[i] = lat if inside else lats[i]


@kernel
def wgs_from_gcj(lons: FloatArray, lats: FloatArray, out_lons: FloatArray, out_lats: FloatArray) -> None:
    """GCJ-02 to WGS84: the point inside the box whose image this is, or the same point if there is none."""
    for start in range(0, lons.size, BLOCK):
        block = slice(start, start + BLOCK)
        out_lons[block] = lons[block]
        out_lats[block] = lats[block]
        for _ in range(GCJ_ROUNDS):
            _gcj_round(lons[block], lats[block], out_lons[block], out_lats[block])
        _keep_inside(lons[block], lats[block], out_lons[block], out_lats[block])


@inline_kernel
def _bd_terms(lon: float, lat: float) -> tuple[float, float]:
    """What BD-09 adds to the radius (degrees) and to the angle (radians) of a GCJ-02 point.

    sin(pi u) with u = 50/3 lat: only the fraction of u counts, and the parity of the whole number taken off
    gives the sign.
    """
    u, v = lat * (50 / 3), lon * (50 / 3)
    m, n = (u + ROUNDER) - ROUNDER, (v + ROUNDER) - ROUNDER
    sign_u = 1 - 2 * abs(m - 2 * ((m * 0.5 + ROUNDER) - ROUNDER))
    sign_v = 1 - 2 * abs(n - 2 * ((n * 0.5 + ROUNDER) - ROUNDER))
    return 2e-5 * sign_u * _sine((u - m) * math.pi), 3e-6 * sign_v * _cosine((v - n) * math.pi)


@inline_kernel
def _turned(x: float, y: float, longer: float, angle: float) -> tuple[float, float]:
    """A vector made longer and turned left by a tiny angle (3e-6: two terms of its sine are all)."""
    radius = math.sqrt(x * x + y * y)
    stretch = (radius + longer) / radius if radius > 0 else 1.0
    sine, cosine = angle - angle * angle * angle * (1 / 6), 1 - 0.5 * angle * angle
    return stretch * (x * cosine - y * sine), stretch * (y * cosine + x * sine)


@kernel
def bd_from_gcj(lons: FloatArray, lats: FloatArray, out_lons: FloatArray, out_lats: FloatArray) -> None:
    """GCJ-02 to BD-09."""
    for i in range(lons.size):
        lon, lat = lons[i], lats[i]
        longer, angle = _bd_terms(lon, lat)
        x, y = _turned(lon, lat, longer, angle)
        out_lons[i] = x + 0.0065
        out_lats[i] = y + 0.006


@kernel
def _bd_round(lons: FloatArray, lats: FloatArray, out_lons: FloatArray, out_lats: FloatArray) -> None:
    """Replace each estimate in `out` by the point with the disturbances at the estimate taken back."""
    for i in range(lons.size):
        longer, angle = _bd_terms(out_lons[i], out_lats[i])
        out_lons[i], out_lats[i] = _turned(lons[i] - 0.0065, lats[i] - 0.006, -longer, -angle)


@kernel
def gcj_from_bd(lons: FloatArray, lats: FloatArray, out_lons: FloatArray, out_lats: FloatArray) -> None:
    """BD-09 to GCJ-02: the point whose image this is (not the customary approximation)."""
    for start in range(0, lons.size, BLOCK):
        block = slice(start, start + BLOCK)
        out_lons[block] = lons[block]
        out_lats[block] = lats[block]
        for _ in range(BD_ROUNDS):
            _bd_round(lons[block], lats[block], out_lons[block], out_lats[block])
