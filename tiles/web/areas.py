"""The areas: the top level, and one area with its children, measures and, on request, its border."""

from __future__ import annotations

from typing import Any, Final

import shapely
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from tiles.web import fields
from tiles.web.call import Call
from tiles.web.parameters import Parameter, read_choice
from tiles.web.reply import GEOJSON, JSON, Reply, json_reply, to_json
from tiles.web.route import Route, json_response, reference

_CHILDREN: Final = {"type": "array", "items": reference("Child"), "description": "The areas one level below."}
_EDITION: Final = {"edition": fields.EDITION, "proven": fields.PROVEN, "synthetic": fields.SYNTHETIC}
_POSITION: Final = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
_RINGS: Final = {"type": "array", "items": {"type": "array", "items": _POSITION, "minItems": 4}}

SCHEMAS: Final[dict[str, Any]] = {
    "AreaList": fields.closed(
        {"areas": {**_CHILDREN, "description": "The areas of the top level."}, **_EDITION}
    ),
    "Area": fields.closed(
        {
            **fields.AREA,
            "parent": {
                "type": ["string", "null"],
                "description": "Code of the area it lies in; null at the top.",
            },
            "path": fields.PATH,
            "children": _CHILDREN,
            "measures": reference("Measures"),
            **_EDITION,
        }
    ),
    "AreaFeature": fields.closed(
        {
            "type": {"const": "Feature"},
            "id": {"type": "string", "description": "The area's code."},
            "bbox": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
            "properties": reference("Area"),
            "geometry": reference("Border"),
        },
        "The area as a GeoJSON Feature (RFC 7946), WGS84; the geometry of an area without any shape is null.",
    ),
    "Border": {
        "oneOf": [
            fields.closed({"type": {"const": "Polygon"}, "coordinates": _RINGS}),
            fields.closed(
                {"type": {"const": "MultiPolygon"}, "coordinates": {"type": "array", "items": _RINGS}}
            ),
            {"type": "null"},
        ]
    },
}
SCHEMAS["AreaFeature"]["required"].remove("bbox")  # an area without any shape has no box

_FORMATS: Final = {"json": JSON, "geojson": GEOJSON}
_PARAMETERS: Final = (
    Parameter(
        "code", {"type": "string", "examples": ["500103"]}, "Code of the area.", required=True, place="path"
    ),
    Parameter(
        "f",
        {"type": "string", "enum": list(_FORMATS)},
        "Form of the reply; without it the Accept header decides, and JSON is the default.",
        f"give one of {', '.join(_FORMATS)}, or leave it out",
    ),
)


def top(call: Call) -> Reply:
    """List the areas of the top level, in the order of their codes."""
    return json_reply(
        {"areas": [fields.child(area) for area in call.snapshot.children(None)], **_edition(call)}
    )


def area(call: Call) -> Reply:
    """Describe one area. Raises NotFoundError for a code that the edition does not have."""
    form = read_choice(call.query, "f", tuple(_FORMATS))
    media_type = _FORMATS[form] if form else _preferred(call.accept)
    properties = told(call, call.path["code"])
    if media_type == GEOJSON:
        body = _feature(properties, call.snapshot.polygon(properties["code"]))
    else:
        body = to_json(properties)
    return Reply(body, media_type, headers=(("Vary", "Accept"),))


def told(call: Call, code: str) -> dict[str, Any]:
    """All that is said of one area but its border. Raises NotFoundError as `area`."""
    chain = call.snapshot.chain(code)
    measures = call.snapshot.measures(code)
    return {
        **fields.child(chain[-1]),
        "parent": chain[-1].parent,
        "path": [fields.step(each) for each in chain],
        "children": [fields.child(each) for each in call.snapshot.children(code)],
        # Millimetres and square millimetres are finer than the lattice (1 cm): more digits would be noise.
        "measures": {
            "area_m2": round(measures.area_m2, 3),
            "perimeter_m": round(measures.perimeter_m, 3),
            "compactness": round(measures.compactness, 6),
        },
        **_edition(call),
    }


def _edition(call: Call) -> dict[str, Any]:
    edition = call.snapshot.edition
    return {"edition": edition.number, "proven": edition.proven, "synthetic": edition.synthetic}


def _preferred(accept: str) -> str:
    """Choose by the Accept header; who accepts neither form gets JSON, no refusal (RFC 9110, 12.5.1)."""
    if not accept:
        return JSON
    return parse_accept_header(accept, MIMEAccept).best_match((JSON, GEOJSON), JSON)


def _feature(properties: dict[str, Any], border: shapely.Geometry) -> bytes:
    """Write a GeoJSON Feature; the coordinates are written by GEOS, a district has 100,000 of them."""
    feature: dict[str, Any] = {"type": "Feature", "id": properties["code"]}
    if shapely.is_empty(border):
        return to_json({**feature, "properties": properties, "geometry": None})
    feature |= {"bbox": shapely.bounds(border).tolist(), "properties": properties}
    # RFC 7946, 3.1.6: outer rings counter-clockwise, holes clockwise.
    geometry = shapely.to_geojson(shapely.orient_polygons(border, exterior_cw=False))
    return to_json(feature)[:-1] + b',"geometry":' + geometry.encode() + b"}"


ROUTES: Final = (
    Route(
        path="/areas",
        name="areas",
        layer="areas",
        answer=top,
        summary="The areas of the top level 顶层区域",
        responses={"200": json_response("The areas in the order of their codes.", "AreaList")},
    ),
    Route(
        path="/areas/{code}",
        name="area",
        layer="areas",
        answer=area,
        summary="One area: path, children, measures, border 单个区域",
        description="With `f=geojson` or `Accept: application/geo+json`: a GeoJSON Feature with the border.",
        parameters=_PARAMETERS,
        responses={
            "200": {
                "description": "The area.",
                "content": {
                    JSON: {"schema": reference("Area")},
                    GEOJSON: {"schema": reference("AreaFeature")},
                },
            },
            "404": json_response("No area has this code.", "Problem", "application/problem+json"),
        },
    ),
)
