"""Tile matrix sets: the schemes in the words of OGC's standard "Two Dimensional Tile Matrix Set" 2.0.

A client that knows the standard (QGIS, GDAL, OpenLayers) reads from such a document how squares are numbered
and where they lie. Of our schemes one is in OGC's register, `xyz`, as WebMercatorQuad: it is told whole (0 to
24), though tiles end earlier. `tianditu-c` is the register's WorldCRS84Quad one level on (Tianditu's 1 is its
0), in EPSG:4490, whose axes are latitude, longitude. The others are named as their schemes are.

GCJ-02 and BD-09 are in no register, and whoever took them for WGS84 would be off by 500 m: their systems are
told as engineering ones, which have no known relation to any other. The standard counts squares from 0, so
Baidu's set is the quarter of the world that lies north and east of 0, 0, with all of China in it.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from tiles.address import SCHEMES
from tiles.planes import BAIDU_UNIT_M

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tiles.address import Scheme

TILE_PIXELS: Final = 256

PIXEL_M: Final = 0.00028
"""What the standard takes a pixel to be, so that cells have a scale."""

_EQUATOR_M: Final = 2 * math.pi * 6378137
"""The width of Web Mercator's world."""

_DEGREE_M: Final = _EQUATOR_M / 360
_REGISTER: Final = "http://www.opengis.net/def"

_WEB_MERCATOR_QUAD: Final = {
    "id": "WebMercatorQuad",
    "title": "Google Maps Compatible for the World",
    "uri": f"{_REGISTER}/tilematrixset/OGC/1.0/WebMercatorQuad",
    "crs": f"{_REGISTER}/crs/EPSG/0/3857",
    "orderedAxes": ["X", "Y"],
    "wellKnownScaleSet": f"{_REGISTER}/wkss/OGC/1.0/GoogleMapsCompatible",
}
_DEEPEST_OF_REGISTER: Final = 24

IDENTIFIERS: Final[Mapping[str, Scheme]] = MappingProxyType(
    {"WebMercatorQuad" if name == "xyz" else name: scheme for name, scheme in SCHEMES.items()}
)
"""The scheme of each tile matrix set, by the identifier that the standard's addresses use."""


def identifier(scheme: Scheme) -> str:
    """What a scheme's tile matrix set is called."""
    return next(name for name, each in IDENTIFIERS.items() if each is scheme)


def matrix_set(scheme: Scheme) -> dict[str, Any]:
    """The tile matrix set of a scheme, as the standard's JSON."""
    deepest = _DEEPEST_OF_REGISTER if scheme.name == "xyz" else scheme.deepest
    matrices = [_matrix(scheme, z) for z in range(scheme.lowest, deepest + 1)]
    return {**_head(scheme), "tileMatrices": matrices}


def _head(scheme: Scheme) -> dict[str, Any]:
    named = {"id": scheme.name, "title": scheme.title}
    if scheme.plane.name == "mercator":
        return _WEB_MERCATOR_QUAD
    if scheme.plane.name == "degrees":
        return {**named, "crs": f"{_REGISTER}/crs/EPSG/0/4490", "orderedAxes": ["Lat", "Lon"]}
    system = {
        "type": "EngineeringCRS",
        "name": scheme.plane.title,
        "datum": {"type": "EngineeringDatum", "name": scheme.plane.datum},
        "coordinate_system": {
            "subtype": "Cartesian",
            "axis": [
                {"name": "Easting", "abbreviation": "X", "direction": "east", "unit": "metre"},
                {"name": "Northing", "abbreviation": "Y", "direction": "north", "unit": "metre"},
            ],
        },
    }
    return {**named, "crs": {"wkt": system}, "orderedAxes": ["X", "Y"]}


def _matrix(scheme: Scheme, z: int) -> dict[str, Any]:
    """One level: how large its cells are, where it begins, how many squares it has."""
    columns, rows = scheme.squares(z)
    width, height = len(columns), len(rows)
    if scheme.plane.name == "degrees":
        unit, unit_m = 360.0, _DEGREE_M
        corner, origin = "topLeft", [90.0, -180.0]
    elif scheme.plane.name == "bd09":
        unit, unit_m = BAIDU_UNIT_M, 1.0
        corner, origin = "bottomLeft", [0.0, 0.0]
        width, height = columns.stop, -rows.start
    else:
        unit, unit_m = _EQUATOR_M, 1.0
        half = _EQUATOR_M / 2
        corner, origin = (
            ("bottomLeft", [-half, -half]) if scheme.rows == "flipped" else ("topLeft", [-half, half])
        )
    cell = unit / (TILE_PIXELS * 2**z)
    return {
        "id": str(z),
        "scaleDenominator": cell * unit_m / PIXEL_M,
        "cellSize": cell,
        "cornerOfOrigin": corner,
        "pointOfOrigin": origin,
        "tileWidth": TILE_PIXELS,
        "tileHeight": TILE_PIXELS,
        "matrixWidth": width,
        "matrixHeight": height,
    }
