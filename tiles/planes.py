"""Planes: the flat maps that squares are cut from, and the way there from degrees and back.

A tile is a square of some map, and the map decides everything before the cutting: which datum (a library in
the browser cannot shift a source by 500 m that differ from place to place) and which projection. So every
vertex is shifted and projected first, and after that all tiles are cut alike: coordinates are float64, **y
grows downwards** as rows do, and at zoom z one unit holds 2**z tiles each way.

    mercator   Web Mercator on WGS84 (EPSG:3857): the world's square is 0 to 1, 0 to 1
    gcj02      the same projection on GCJ-02: AMap (Gaode), Tencent
    bd09       Baidu's own projection on BD-09 (`tiles.baidu`): 0, 0 in the middle, 1 unit = 2**26 m,
               which is 256 pixels of 2**18 m
    degrees    Tianditu `c`, longitude and latitude as they are (EPSG:4490): 0 to 1, 0 to 0.5

Datums come from `gridmap.crs` alone, where CGCS2000 is WGS84.

*Straight lines.* Edges of areas are straight in degrees (HOUSE.md), squares are cut in the plane, and an edge
whose two ends alone are projected is straight there: between its ends it misses the true line. Measured in
Chongqing, the worst edge of 100 m / 1 km / 3 km: Mercator 0.1 mm / 1.3 cm / 11 cm, GCJ-02 1 mm / 10 cm /
0.9 m, BD-09 (whose shift is a wave 13 km long and 36 m high) 3 cm / 1.5 m / 13 m. Long edges therefore want
vertices in between, before they are projected.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap import crs
from gridmap.columns import pair
from gridmap.kernels.datum import BOX_EAST, BOX_NORTH, BOX_SOUTH, BOX_WEST
from tiles import baidu

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike

    from gridmap.types import FloatArray

    Columns = tuple[FloatArray, FloatArray]
    Map = Callable[[FloatArray, FloatArray], Columns]
    Box = tuple[float, float, float, float]

BAIDU_UNIT_M: Final = float(1 << 26)


@dataclass(frozen=True)
class Shift:
    """How a datum lies over WGS84: bounds on the way from its degrees to WGS84's, rounded up from measures.

    The shift is at most `farthest` degrees on either axis. Inside GCJ-02's box round China, and outside it,
    the shifts of two places differ by at most `steepness` degrees for each degree between them (the longer
    axis of the way counts); across the border of the box they jump.
    """

    farthest: float = 0.0
    steepness: float = 0.0


@dataclass(frozen=True)
class Plane:
    """A flat map: which datum, and how its degrees become plane coordinates.

    `extent` is where places lie: left, top, right, bottom, the map's whole world.
    """

    name: str
    title: str
    datum: str
    flatten: Map
    unflatten: Map
    extent: Box
    shift: Shift = Shift()

    def project(self, lons: ArrayLike, lats: ArrayLike) -> Columns:
        """WGS84 (= CGCS2000) degrees as plane coordinates: columns of one length, float64.

        Places off the map (beyond 85.05 degrees in Mercator) have coordinates off its extent, except with
        Baidu, whose map ends at 74 degrees: what is farther is drawn on the edge. InputError as
        `crs.from_lonlat` says it: NaN, or no degree.
        """
        return self.flatten(*crs.from_lonlat(lons, lats, self.datum))

    def unproject(self, xs: ArrayLike, ys: ArrayLike) -> Columns:
        """The inverse of `project`, to 1e-9 degree; what lies beyond the map's edge comes back as the edge.

        Where the forward map is not one to one there is no inverse: at the border of GCJ-02's box
        (`gridmap.kernels.datum`) and, in BD-09, beyond 74 degrees and within two hundredths of a degree
        of 180. InputError: NaN, or columns of different lengths.
        """
        return crs.to_lonlat(*self._degrees(*pair(("xs", "ys"), xs, ys)), self.datum)

    def lonlat_box(self, left: float, top: float, right: float, bottom: float) -> Box:
        """West, south, east, north in WGS84 degrees of a box that holds a whole rectangle of the plane.

        It is the smallest for planes that are WGS84; for the others it is wider by the steepness of the
        shift (a hundredth of its width in GCJ-02), and by all of it where GCJ-02's box ends.
        """
        (west, east), (north, south) = self._degrees(np.array([left, right]), np.array([top, bottom]))
        (lon,), (lat,) = crs.to_lonlat([(west + east) / 2], [(south + north) / 2], self.datum)
        aside, up = lon - (west + east) / 2, lat - (south + north) / 2
        slack = self.shift.steepness * max(east - west, north - south) / 2
        if self._leaves_box(west, south, east, north):
            aside = up = 0.0
            slack = self.shift.farthest
        return (
            max(float(west + aside - slack), -180.0),
            max(float(south + up - slack), -90.0),
            min(float(east + aside + slack), 180.0),
            min(float(north + up + slack), 90.0),
        )

    def _leaves_box(self, west: float, south: float, east: float, north: float) -> bool:
        """Whether degrees of the plane's datum may lie on both sides of the border of GCJ-02's box."""
        near = self.shift.farthest
        inside = west > BOX_WEST + near and east < BOX_EAST - near
        inside = inside and south > BOX_SOUTH + near and north < BOX_NORTH - near
        outside = west > BOX_EAST + near or east < BOX_WEST - near
        outside = outside or south > BOX_NORTH + near or north < BOX_SOUTH - near
        return not (inside or outside)

    def _degrees(self, xs: FloatArray, ys: FloatArray) -> Columns:
        """Plane coordinates as degrees of the plane's own datum, none beyond 180 or 90."""
        lons, lats = self.unflatten(xs, ys)
        return np.clip(lons, -180, 180), np.clip(lats, -90, 90)


def _mercator(lons: FloatArray, lats: FloatArray) -> Columns:
    return (lons + 180) / 360, (1 - np.arcsinh(np.tan(np.radians(lats))) / np.pi) / 2


def _from_mercator(xs: FloatArray, ys: FloatArray) -> Columns:
    # Clipped, because sinh overflows far off the map; asinh(tan 90 degrees) is 38 with the float64 pi.
    up = np.clip(np.pi * (1 - 2 * ys), -40, 40)
    return xs * 360 - 180, np.degrees(np.arctan(np.sinh(up)))


def _baidu(lons: FloatArray, lats: FloatArray) -> Columns:
    easts, norths = baidu.to_metres(lons, lats)
    return easts / BAIDU_UNIT_M, -norths / BAIDU_UNIT_M


def _from_baidu(xs: FloatArray, ys: FloatArray) -> Columns:
    lons, lats = baidu.to_degrees(xs * BAIDU_UNIT_M, -ys * BAIDU_UNIT_M)
    # BD-09 lies 0.007 degree east of what it is laid over: nearer to 180 W there would be no place below it.
    return np.clip(lons, -179.99, 179.99), lats


def _plain(lons: FloatArray, lats: FloatArray) -> Columns:
    return (lons + 180) / 360, (90 - lats) / 360


def _from_plain(xs: FloatArray, ys: FloatArray) -> Columns:
    return xs * 360 - 180, 90 - ys * 360


def _baidu_extent() -> tuple[float, float, float, float]:
    right, top = (float(each[0]) for each in _baidu(np.array([180.0]), np.array([baidu.FARTHEST])))
    return -right, top, right, -top


# Measured over the whole globe at 4 million points each: GCJ-02 0.0108 and 0.0074, BD-09 0.0173 and 0.0291.
_GCJ: Final = Shift(farthest=0.012, steepness=0.01)
_BD: Final = Shift(farthest=0.02, steepness=0.035)

_WORLD: Final = (0.0, 0.0, 1.0, 1.0)

PLANES: Final[Mapping[str, Plane]] = MappingProxyType(
    {
        plane.name: plane
        for plane in (
            Plane("mercator", "Web Mercator", "wgs84", _mercator, _from_mercator, _WORLD),
            Plane("gcj02", "Web Mercator on GCJ-02", "gcj02", _mercator, _from_mercator, _WORLD, _GCJ),
            Plane("bd09", "Baidu's Mercator", "bd09", _baidu, _from_baidu, _baidu_extent(), _BD),
            Plane("degrees", "CGCS2000 degrees", "cgcs2000", _plain, _from_plain, (0.0, 0.0, 1.0, 0.5)),
        )
    }
)
"""The planes by name."""
