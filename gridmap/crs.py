"""Which datum a coordinate is in, and the way to WGS84 longitude and latitude and back.

The datum of every coordinate is named, never guessed: GCJ-02 and WGS84 look alike and lie 500 m apart.
Known names:

    wgs84      World Geodetic System 1984 (also: OGC:CRS84)
    cgcs2000   China Geodetic Coordinate System 2000: within centimetres of wgs84, taken as equal
    gcj02      the offset datum of Chinese web maps (`gridmap.kernels.datum`)
    bd09       the one that Baidu lays over it
    EPSG:n     any two-dimensional geographic or projected system of the EPSG register

**East comes first**, always: longitude before latitude and easting before northing, also where the
register says otherwise (EPSG:4490 is latitude, longitude; EPSG:4523 is northing, easting). Units are those
of the system (metres, feet, degrees).

**PROJ does the rest, with two doors closed.** Where PROJ knows no relation between two datums it takes
them as equal ("ballpark"): for Xian 1980 or New Beijing that is an error nobody is told of, so such
systems are refused. PROJ counts CGCS2000 among them, and there equality is meant: those systems go to
their own longitude and latitude, which are taken as WGS84. And coordinates beyond a projection's domain
may wrap round the globe and come back as another place: results must be finite and on the globe, and the
outermost points must project back to where they came from.

Threads: pyproj promises since 3.1 that a Transformer may be shared (each thread gets its own PROJ object
inside), so they are cached for the whole process. Where PROJ has several operations it takes the best
whose grids are installed: such systems (NAD27, the British grid) differ by metres between machines.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NoReturn

import numpy as np
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError, ProjError

from gridmap.columns import check_within, pair
from gridmap.errors import InputError
from gridmap.kernels import datum
from gridmap.kernels.jit import in_threads, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from gridmap.types import BoolArray, FloatArray

    Columns = tuple[FloatArray, FloatArray]
    Kernel = Callable[[FloatArray, FloatArray, FloatArray, FloatArray], None]

KNOWN: Final = "wgs84, cgcs2000, gcj02, bd09, EPSG:<number> (east before north in all of them)"

_LOCAL_DATUMS: Final = ("EPSG:4214", "EPSG:4610", "EPSG:4555")
"""Beijing 1954, Xian 1980, New Beijing: PROJ knows a few regions' parameters and would use them anywhere."""

_WGS84: Final = Geod(ellps="WGS84")

DEGREES: Final = {"wgs84", "cgcs2000", "EPSG:4326", "EPSG:4490"}
_ALIASES: Final = {name: name for name in ("wgs84", "cgcs2000", "gcj02", "bd09")} | {"ogc:crs84": "wgs84"}

# The kernels to apply one after the other.
_TO_WGS84: Final = {"gcj02": [datum.wgs_from_gcj], "bd09": [datum.gcj_from_bd, datum.wgs_from_gcj]}
_FROM_WGS84: Final = {"gcj02": [datum.gcj_from_wgs], "bd09": [datum.gcj_from_wgs, datum.bd_from_gcj]}


def check_crs(crs: str | None) -> str:
    """The canonical name of a datum or coordinate system, whatever its case: `epsg:4523` is EPSG:4523.

    Raises InputError named "crs" when nothing is named, the name is unknown, or the EPSG number does not
    exist or is no two-dimensional system that can be tied to WGS84.
    """
    name = (crs or "").strip()
    if not name:
        raise InputError("crs", f"the datum must be named, it is never guessed: {KNOWN}.")
    known = _ALIASES.get(name.lower())
    if known is not None:
        return known
    number = re.fullmatch(r"epsg:([0-9]{1,9})", name, re.IGNORECASE)
    if number is None:
        raise InputError("crs", f"{name!r} is no known datum; known are {KNOWN}.")
    canonical = f"EPSG:{int(number[1])}"
    if canonical not in DEGREES:
        _transformers(canonical)
    return canonical


def to_lonlat(xs: ArrayLike, ys: ArrayLike, crs: str, threads: int | None = None) -> Columns:
    """Coordinates of a named system as WGS84 (= CGCS2000) longitudes and latitudes in degrees.

    Takes two flat columns, east first; gives two float64 columns, which for WGS84 and CGCS2000 are the ones
    given, not copies. `threads` is for the web map datums only (all usable cores when None). GCJ-02 and BD-09
    points come back within 1e-12 degree, on the meridian 105 E itself within 1e-10.

    Raises InputError: "crs" as `check_crs` does, "xs" or "ys" with the first bad position for NaN, infinity
    and points beyond the system's domain.
    """
    name = check_crs(crs)
    easts, norths = pair(("xs", "ys"), xs, ys)
    for axis, values in (("xs", easts), ("ys", norths)):
        check_within(axis, values, sys.float_info.max, "no finite number")
    if name in DEGREES:
        lons, lats = easts, norths
    elif name in _TO_WGS84:
        lons, lats = _by_kernels(_TO_WGS84[name], easts, norths, threads)
    else:
        lons, lats = _transformers(name)[0].transform(easts, norths)
    good = (np.abs(lons) <= 180) & (np.abs(lats) <= 90)
    if not good.all():
        _refuse("xs", int(np.argmin(good)), (easts, norths), f"is no place in {name}")
    if name not in DEGREES and name not in _TO_WGS84:
        _refuse_wrapped(name, (easts, norths), (lons, lats))
    return lons, lats


def to_lonlat_or_nan(xs: ArrayLike, ys: ArrayLike, crs: str, threads: int | None = None) -> Columns:
    """As `to_lonlat`, but what is no place (NaN, infinity, beyond the domain) is NaN, NaN and no error.

    Every point is judged by itself, so a point's result does not depend on its neighbours; in projections
    that costs a second pass. Raises InputError "crs" as `check_crs` does.
    """
    name = check_crs(crs)
    easts, norths = pair(("xs", "ys"), xs, ys)
    largest = (180, 90) if name in DEGREES or name in _TO_WGS84 else (sys.float_info.max,) * 2
    good = (np.abs(easts) <= largest[0]) & (np.abs(norths) <= largest[1])
    if good.all():
        return _each_or_nan(easts, norths, name, threads)
    out = np.full(easts.size, np.nan), np.full(easts.size, np.nan)
    out[0][good], out[1][good] = _each_or_nan(easts[good], norths[good], name, threads)
    return out


def from_lonlat(lons: ArrayLike, lats: ArrayLike, crs: str, threads: int | None = None) -> Columns:
    """WGS84 (= CGCS2000) longitudes and latitudes in degrees as coordinates of a named system, east first.

    The inverse of `to_lonlat`, with the same columns, threads and errors (named "crs", "lons" or "lats").
    """
    name = check_crs(crs)
    longitudes, latitudes = pair(("lons", "lats"), lons, lats)
    check_within("lons", longitudes, 180, "no degree from -180 to 180")
    check_within("lats", latitudes, 90, "no degree from -90 to 90")
    if name in DEGREES:
        return longitudes, latitudes
    if name in _FROM_WGS84:
        return _by_kernels(_FROM_WGS84[name], longitudes, latitudes, threads)
    easts, norths = _transformers(name)[1].transform(longitudes, latitudes)
    good = np.isfinite(easts) & np.isfinite(norths)
    if not good.all():
        _refuse("lons", int(np.argmin(good)), (longitudes, latitudes), f"cannot be shown in {name}")
    return easts, norths


def ways(lon: float, lat: float, lons: FloatArray, lats: FloatArray) -> Columns:
    """The ways from a place to many, in degrees: metres on the ellipsoid, and bearings at the start.

    Bearings are degrees clockwise from north, from 0 to below 360; of two equal places it means nothing.
    """
    start = np.full(len(lons), lon), np.full(len(lons), lat)
    bearings, _, metres = _WGS84.inv(*start, lons, lats)
    return np.asarray(metres, np.float64), np.asarray(bearings, np.float64) % 360


def prepare() -> None:
    """Compile the web map datums, or load them compiled: called at the start, so that no request waits."""
    for name in _TO_WGS84:
        to_lonlat(*from_lonlat([106.577], [29.559], name), name)


def _by_kernels(kernels: Sequence[Kernel], xs: FloatArray, ys: FloatArray, threads: int | None) -> Columns:
    for kernel in kernels:
        source = plain(xs, np.float64), plain(ys, np.float64)
        xs, ys = np.empty_like(source[0]), np.empty_like(source[1])
        in_threads(kernel, [*source, xs, ys], threads)
    return xs, ys


@lru_cache(maxsize=64)
def _transformers(name: str) -> tuple[Transformer, Transformer]:
    """The ways from an EPSG system to WGS84 longitude and latitude and back; InputError says why none."""
    try:
        system = CRS.from_user_input(name)
    except CRSError as error:
        raise InputError("crs", f"{name} is not in the EPSG register; known are {KNOWN}.") from error
    if len(system.axis_info) != 2 or not (system.is_geographic or system.is_projected):
        text = f"{name} ({system.name}) is a {system.type_name}: name the two-dimensional system of the map."
        raise InputError("crs", text)
    base = system.geodetic_crs
    if base is not None and any(base.equals(old) for old in _LOCAL_DATUMS):
        text = (
            f"{name} ({system.name}) differs from WGS84 in another way in every province: apply yours first."
        )
        raise InputError("crs", text)
    degrees = "EPSG:4490" if base is not None and base.equals("EPSG:4490") else "EPSG:4326"
    try:
        return (
            Transformer.from_crs(system, degrees, always_xy=True, allow_ballpark=False),
            Transformer.from_crs(degrees, system, always_xy=True, allow_ballpark=False),
        )
    except ProjError as error:
        text = f"no relation of {name} ({system.name}) to WGS84 is known: apply your local parameters first."
        raise InputError("crs", text) from error


def _each_or_nan(easts: FloatArray, norths: FloatArray, name: str, threads: int | None) -> Columns:
    """Finite coordinates as degrees, NaN where there is no place, each judged by itself."""
    if name in DEGREES:
        return easts, norths
    if name in _TO_WGS84:
        lons, lats = _by_kernels(_TO_WGS84[name], easts, norths, threads)
        good = (np.abs(lons) <= 180) & (np.abs(lats) <= 90)
    else:
        lons, lats = _transformers(name)[0].transform(easts, norths)
        good = (np.abs(lons) <= 180) & (np.abs(lats) <= 90)
        good[good] = _returns(name, (easts[good], norths[good]), (lons[good], lats[good]))
    return np.where(good, lons, np.nan), np.where(good, lats, np.nan)


def _returns(name: str, given: Columns, found: Columns) -> BoolArray:
    """Which points project back to where they came from; others wrapped round the globe."""
    back = _transformers(name)[1].transform(*found)
    # Coarse, because the way back may be another operation; a wrapped point is off by the globe's size.
    miss = np.maximum(np.abs(back[0] - given[0]), np.abs(back[1] - given[1]))
    good = miss <= 1e-3 * (1 + np.abs(given[0]) + np.abs(given[1]))  # inf, where there is no way back, is not
    return np.asarray(good, np.bool_)


def _refuse_wrapped(name: str, given: Columns, found: Columns) -> None:
    """Raise InputError when an outermost point wrapped round the globe: it does not project back to itself.

    Domains are boxes or nearly so: when the outermost points are inside, the others are.
    """
    if not given[0].size:
        return
    ends = np.unique([given[0].argmin(), given[0].argmax(), given[1].argmin(), given[1].argmax()])
    good = _returns(name, (given[0][ends], given[1][ends]), (found[0][ends], found[1][ends]))
    if not good.all():
        _refuse("xs", int(ends[np.argmin(good)]), given, f"lies beyond the domain of {name}")


def _refuse(column: str, index: int, points: Columns, what: str) -> NoReturn:
    place = f"number {index} (counted from 0), {points[0][index]} {points[1][index]},"
    raise InputError(column, f"{place} {what}: check the datum and the order of the axes.")
