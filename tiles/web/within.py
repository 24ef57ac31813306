"""What lies in a polygon: `POST /within`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import shapely

from gridmap.errors import InputError
from gridmap.settings import WITHIN_BYTES, WITHIN_VERTICES
from tiles.web import fields, problems
from tiles.web.batch_json import read_object
from tiles.web.call import Call
from tiles.web.parameters import quote
from tiles.web.reply import GEOJSON, JSON, NEVER, Reply, json_reply
from tiles.web.route import Body, Route, json_response, reference

if TYPE_CHECKING:
    from collections.abc import Iterator

_COUNT: Final = {"type": ["integer", "null"], "minimum": 0}
_RING: Final = {
    "type": "array",
    "minItems": 4,
    "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3},
}
_POLYGON: Final = {"type": "array", "items": _RING, "minItems": 1}

SCHEMAS: Final[dict[str, Any]] = {
    "Shape": {
        "description": "A GeoJSON Polygon or MultiPolygon (RFC 7946, WGS84), or a Feature with one.",
        "oneOf": [
            {
                "type": "object",
                "properties": {"type": {"const": "Polygon"}, "coordinates": _POLYGON},
                "required": ["type", "coordinates"],
            },
            {
                "type": "object",
                "properties": {
                    "type": {"const": "MultiPolygon"},
                    "coordinates": {"type": "array", "items": _POLYGON},
                },
                "required": ["type", "coordinates"],
            },
            {
                "type": "object",
                "properties": {"type": {"const": "Feature"}, "geometry": {"type": "object"}},
                "required": ["type", "geometry"],
            },
        ],
    },
    "GridWithin": fields.closed(
        {
            **fields.AREA,
            "share": {
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "description": "Part of the grid's area in the polygon; 0 where they only touch.",
            },
            "whole": {"type": "boolean", "description": "Whether all of the grid lies in it."},
        },
        "A grid that a polygon touches.",
    ),
    "Within": fields.closed(
        {
            "grids": {
                "type": "array",
                "items": reference("GridWithin"),
                "description": "In the order of their codes.",
            },
            "area_m2": {"type": "number", "description": "Ellipsoidal area of the polygon."},
            "buildings": {**_COUNT, "description": "Null where the city's store holds none."},
            "households": {**_COUNT, "description": "Of the buildings in it; null where nobody knows."},
            "people": {**_COUNT, "description": "Of the buildings in it; null where nobody knows."},
            "devices": {"type": "integer", "minimum": 0},
            "devices_by_kind": {
                "type": "object",
                "additionalProperties": {"type": "integer", "minimum": 1},
            },
            "edition": fields.EDITION,
            "proven": fields.PROVEN,
        },
        "What lies in a polygon. Points are counted exactly, those on its border included.",
    ),
}


def within(call: Call) -> Reply:
    """Answer what lies in a polygon; raises InputError for a body that is none."""
    snapshot = call.snapshot
    found = snapshot.within(read_shape(call.body))
    grids = snapshot.partition.finest
    listed = zip(found.rows.tolist(), found.shares.tolist(), found.whole.tolist(), strict=True)
    return json_reply(
        {
            "grids": [
                {**fields.child(grids.area(row)), "share": share, "whole": whole}
                for row, share, whole in listed
            ],
            "area_m2": round(found.area_m2, 3),
            "buildings": found.buildings,
            "households": found.households,
            "people": found.people,
            "devices": sum(found.devices.values()),
            "devices_by_kind": found.devices,
            "edition": snapshot.edition.number,
            "proven": snapshot.edition.proven,
        },
        cache=NEVER,
    )


def read_shape(body: bytes) -> shapely.Geometry:
    """The polygon of a body in degrees. Raises InputError, and a refusal for too many vertices."""
    value = read_object(body)
    geometry = value.get("geometry") if value.get("type") == "Feature" else value
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        kind = geometry.get("type") if isinstance(geometry, dict) else geometry
        raise InputError(
            "geometry", f"{quote(str(kind))}: send a Polygon or MultiPolygon, or a Feature with one"
        )
    coordinates: Any = geometry.get("coordinates")
    polygons: list[Any] = [coordinates] if geometry["type"] == "Polygon" else coordinates
    _check_vertices(sum(1 for _ in _corners(polygons)))
    try:
        shapes = [shapely.Polygon(rings[0], rings[1:]) if rings else shapely.Polygon() for rings in polygons]
    except (TypeError, ValueError, IndexError, KeyError, shapely.GEOSException) as error:
        raise InputError("geometry", f"its coordinates are no rings of positions ({error})") from error
    for rings in polygons:
        if any(ring[0] != ring[-1] for ring in rings):
            raise InputError("geometry", "a ring is not closed: its last position must be its first one")
    return shapes[0] if geometry["type"] == "Polygon" else shapely.MultiPolygon(shapes)


def _corners(polygons: Any) -> Iterator[None]:
    """Every position of the polygons; raises InputError where they are no lists of lists of numbers."""
    try:
        for rings in polygons:
            for ring in rings:
                if not isinstance(ring, list) or len(ring) < 4:
                    raise InputError("geometry", "a ring needs four positions or more, the last as the first")
                for position in ring:
                    plain = isinstance(position, list) and 2 <= len(position) <= 3
                    if not plain or not all(type(each) in (int, float) for each in position):
                        text = f"{quote(str(position))} is no position; give [lon, lat]"
                        raise InputError("geometry", text)
                    yield None
    except TypeError as error:
        raise InputError("geometry", "its coordinates are no lists of rings") from error


def _check_vertices(count: int) -> None:
    most = WITHIN_VERTICES.number()
    if count > most:
        text = f"The polygon has {count:,} vertices; at most {most:,} are taken ({WITHIN_VERTICES.name})."
        raise problems.Refusal(problems.TOO_LARGE, text, most)


_SQUARE: Final = [[[106.57, 29.55], [106.58, 29.55], [106.58, 29.56], [106.57, 29.56], [106.57, 29.55]]]
_BODY: Final = {"schema": reference("Shape"), "example": {"type": "Polygon", "coordinates": _SQUARE}}

ROUTES: Final = (
    Route(
        path="/within",
        name="within",
        layer="households",
        answer=within,
        summary="What lies in this polygon? 范围内的网格、户数与设备",
        description=f"At most `{WITHIN_VERTICES.name}` vertices in `{WITHIN_BYTES.name}` bytes.",
        body=Body({GEOJSON: _BODY, JSON: _BODY}, WITHIN_BYTES),
        responses={"200": json_response("What lies in it.", "Within")},
    ),
)
