"""Baidu's own Mercator: BD-09 degrees to the metres that its map squares are cut in, and back.

Theory of operation. Baidu never published its projection as a formula, but every copy of its map library
carries it as a table, LL2MC: from the equator up there is a band for every 15 degrees, in it the northing is
a polynomial of the sixth degree in the latitude (divided by a scale that is the band's own) and the easting
is linear in the longitude. The southern and the western half are mirror images. Latitudes end at 74 degrees:
what is farther lies on the edge (so the table's row from 75 degrees on is never reached and is left out).

**The forward table is the definition**, and the way back inverts it by Newton's method to the last bits. The
library's second table, MC2LL, is a fit of its own and misses the point it came from by up to 7 mm below 30
degrees, 3.4 cm below 45 and 7 m at the end.

*What it is.* The bands follow the Mercator projection of the Clarke 1866 ellipsoid (found by measuring, not
told by Baidu): within 4 mm below 15 degrees, 9 mm to 30, 4.2 cm to 45, 45 cm to 60, 14.2 m to 74.

*The seams.* Neighbouring bands do not quite meet. Measured, northing and easting (at 106.5 E): 1.0 cm and
1.4 mm at 15 degrees, 4.4 cm and 1.4 mm at 30 (which crosses Chongqing), 41 cm and 1.1 mm at 45, 14.6 m at 60.
Northings always step up, so no two latitudes share one, and the way back is exact on both sides of a seam; a
northing in the step belongs to no place and comes back as the seam. The equator has such a step of 7 mm.
At Greenwich the eastings overlap by up to 0.6 mm, so the way back may be 6e-9 degree off there.

What is not carried over: the library rounds metres to 0.01, and older copies of it send every southern
latitude through the band of the equator, 2 km off at 40 S.

Source: the table LL2MC of Baidu's JavaScript map library, as public copies of it carry it (of ten that were
looked at, one has some wrong digits). The customary example is 116.404, 39.915 at 12958175, 4825923.77.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from gridmap.types import FloatArray, Int64Array

    Columns = tuple[FloatArray, FloatArray]

STARTS: Final = np.array([0.0, 15, 30, 45, 60])
"""Where the bands begin, in degrees from the equator; a latitude on a seam belongs to the band above it."""

FARTHEST: Final = 74.0
"""Degrees from the equator at which the map ends."""

# Of each band: easting = first + second * longitude.
_EASTINGS: Final = (
    (-0.0003218135878613132, 111320.7020701615),
    (-0.0003441963504368392, 111320.7020576856),
    (0.00220636496208, 111320.7020209128),
    (0.00337398766765, 111320.7020202162),
    (0.0008277824516172526, 111320.7020463578),
)
# The degrees that count as one, then northing by rising powers.
_SCALES: Final = (7.45, 22.5, 37.5, 52.5, 67.5)
_NORTHINGS: Final = (
    (
        0.00369383431289,
        823725.6402795718,
        0.46104986909093,
        2351.343141331292,
        1.58060784298199,
        8.77738589078284,
        0.37238884252424,
    ),
    (
        278.2353980772752,
        2485758.690035394,
        6070.750963243378,
        54821.18345352118,
        9540.606633304236,
        -2710.55326746645,
        1405.483844121726,
    ),
    (
        51751.86112841131,
        3796837.749470245,
        992013.7397791013,
        -1221952.21711287,
        1340652.697009075,
        -620943.6990984312,
        144416.9293806241,
    ),
    (
        4481351.045890365,
        -23393751.19931662,
        79682215.47186455,
        -115964993.2797253,
        97236711.15602145,
        -43661946.33752821,
        8477230.501135234,
    ),
    (
        647795574.6671607,
        -4082003173.641316,
        10774905663.51142,
        -15171875531.51559,
        12053065338.62167,
        -5124939663.577472,
        913311935.9512032,
    ),
)

_ROUNDS: Final = 6
"""Of Newton's method: from a straight line through the band's ends, five leave nothing to gain."""


def to_metres(lons: FloatArray, lats: FloatArray) -> Columns:
    """BD-09 degrees as Baidu's metres, east and north of the place 0, 0; columns of one length."""
    away = np.minimum(np.abs(lats), FARTHEST)
    easts, norths = np.empty_like(away), np.empty_like(away)
    for band, chosen in _by_band(np.searchsorted(STARTS, away, side="right") - 1):
        start, slope = _EASTINGS[band]
        easts[chosen] = start + slope * np.abs(lons[chosen])
        norths[chosen] = _northing(band, away[chosen])
    return np.where(lons < 0, -easts, easts), np.where(lats < 0, -norths, norths)


def to_degrees(easts: FloatArray, norths: FloatArray) -> Columns:
    """Baidu's metres as BD-09 degrees: the exact inverse of `to_metres`; north of the map, its edge."""
    up = np.minimum(np.abs(norths), _END)
    lons, lats = np.empty_like(up), np.empty_like(up)
    for band, chosen in _by_band(np.maximum(np.searchsorted(_FLOORS, up, side="right") - 1, 0)):
        start, slope = _EASTINGS[band]
        lons[chosen] = np.maximum(np.abs(easts[chosen]) - start, 0) / slope
        lats[chosen] = _latitude(band, up[chosen])
    return np.where(easts < 0, -lons, lons), np.where(norths < 0, -lats, lats)


def _by_band(bands: Int64Array) -> list[tuple[int, slice | Int64Array]]:
    """The bands that occur, each with its positions: a city lies in one or two."""
    found = np.unique(bands).tolist()
    if len(found) == 1:
        return [(found[0], slice(None))]
    return [(band, np.flatnonzero(bands == band)) for band in found]


def _northing(band: int, degrees: FloatArray) -> FloatArray:
    """The metres from the equator at latitudes of one band."""
    scaled = degrees / _SCALES[band]
    total = np.full_like(scaled, _NORTHINGS[band][6])
    for power in range(5, -1, -1):
        total = total * scaled + _NORTHINGS[band][power]
    return total


def _slope(band: int, degrees: FloatArray) -> FloatArray:
    """The metres for a degree at latitudes of one band."""
    scaled = degrees / _SCALES[band]
    total = np.full_like(scaled, 6 * _NORTHINGS[band][6])
    for power in range(5, 0, -1):
        total = total * scaled + power * _NORTHINGS[band][power]
    return total / _SCALES[band]


def _latitude(band: int, metres: FloatArray) -> FloatArray:
    """The latitudes of one band that lie so many metres from the equator; beyond its ends, the end."""
    low, high = _ends(band)
    bottom, top = _northing(band, np.array([low, high])).tolist()
    degrees = low + (metres - bottom) * ((high - low) / (top - bottom))
    for _ in range(_ROUNDS):
        degrees = degrees - (_northing(band, degrees) - metres) / _slope(band, degrees)
    return np.asarray(np.clip(degrees, low, high), np.float64)


def _ends(band: int) -> tuple[float, float]:
    return float(STARTS[band]), float(STARTS[band + 1]) if band + 1 < len(STARTS) else FARTHEST


_FLOORS: Final = np.array([float(_northing(band, STARTS[band : band + 1])[0]) for band in range(len(STARTS))])
"""The northing at the start of each band."""

_END: Final = float(_northing(len(STARTS) - 1, np.array([FARTHEST]))[0])
