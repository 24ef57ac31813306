"""Degrees to whole numbers and back: the only place where rounding happens.

A lattice unit is 1e-7 degree, about 1 cm. Longitude and latitude become int32 (180 degrees are 1.8e9, which
int32 holds), and from then on every predicate is exact. The two directions fit: a number of at most seven
decimals comes back as the same float, because `k / SCALE` is correctly rounded, as the literal is (`k *
1e-7` is not: one number in three comes back as another float).

Values are refused, never repaired: a NaN that became a number would be a place, and somebody would go there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.columns import check_within, pair
from gridmap.errors import InputError
from gridmap.kernels import ellipsoid

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from gridmap.types import FloatArray, Int32Array

SCALE: Final = 10_000_000
"""Lattice units in a degree."""

LARGEST_LON: Final = 180
LARGEST_LAT: Final = 90

BLOCK: Final = 65_536
"""Points rounded at a time: half a megabyte stays in a core's cache (12 M: 30 ms, at once 40 to 450)."""


def to_lattice(lons: ArrayLike, lats: ArrayLike) -> tuple[Int32Array, Int32Array]:
    """The lattice points nearest to many places given in degrees.

    Takes two flat columns of numbers of one length; gives two int32 arrays. `degrees * SCALE` is rounded in
    double precision, then to the nearest whole number, an exact half to the even one. The limits themselves
    (180, 90) are in.

    Raises InputError ("lons" or "lats") with the first bad position and value for NaN, infinity or a value
    out of range, and with what was expected for anything that is no pair of columns of numbers.
    """
    longitudes, latitudes = pair(("lons", "lats"), lons, lats)
    check_within("lons", longitudes, LARGEST_LON, _no_degree(LARGEST_LON))
    check_within("lats", latitudes, LARGEST_LAT, _no_degree(LARGEST_LAT))
    return _rounded(longitudes), _rounded(latitudes)


def to_degrees(xs: ArrayLike, ys: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """The places of many lattice points in degrees: longitudes, then latitudes.

    Each is the float nearest to `k / 10**7`: printed, it has at most seven decimals.
    """
    return np.asarray(xs) / np.float64(SCALE), np.asarray(ys) / np.float64(SCALE)


def point_to_lattice(lon: float, lat: float) -> tuple[int, int]:
    """The lattice point nearest to one place given in degrees; the same as `to_lattice`, without arrays.

    Raises InputError named "lon" or "lat" for NaN, infinity, a value out of range and what is no number.
    """
    return _rounded_number("lon", lon, LARGEST_LON), _rounded_number("lat", lat, LARGEST_LAT)


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Metres of a degree eastwards and of one northwards at a latitude, on the ellipsoid of WGS84."""
    east, north = ellipsoid.metres_per_unit(float(lat) * SCALE)
    return east * SCALE, north * SCALE


def _rounded_number(name: str, value: float, largest: int) -> int:
    if not isinstance(value, float | int | np.floating | np.integer):
        raise InputError(name, f"{value!r} is no number: give decimal degrees.")
    if not abs(value) <= largest:  # written so that NaN is refused too
        raise InputError(name, f"{value} is {_no_degree(largest)}.")
    return round(float(value) * SCALE)


def _no_degree(largest: int) -> str:
    return f"no degree from -{largest} to {largest}"


def _rounded(degrees: FloatArray) -> Int32Array:
    units = np.empty(degrees.size, dtype=np.int32)
    scaled = np.empty(min(degrees.size, BLOCK))
    for start in range(0, degrees.size, BLOCK):
        block = degrees[start : start + BLOCK]
        product = np.multiply(block, SCALE, out=scaled[: block.size])
        units[start : start + BLOCK] = np.rint(product, out=product)
    return units
