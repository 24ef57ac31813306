"""Which grid is this point in: `/locate`."""

from __future__ import annotations

from typing import Any, Final

from tiles.web import fields
from tiles.web.parameters import Parameter, read_number
from tiles.web.reply import PRIVATE, Call, Reply, json_reply
from tiles.web.route import Route, json_response

SCHEMAS: Final[dict[str, Any]] = {
    "Location": fields.closed(
        {
            **{name: fields.or_null(schema) for name, schema in fields.AREA.items()},
            "path": {
                **fields.PATH,
                "description": "district > town > community > grid; empty where no grid is.",
            },
            "edition": fields.EDITION,
            "proven": fields.PROVEN,
        },
        "The one grid that a point belongs to; code, name, level and kind are null where no grid is.",
    )
}

_NUMBER_ADVICE: Final = "give decimal degrees, for example lon=106.577&lat=29.559&crs=wgs84"
_PARAMETERS: Final = (
    Parameter(
        "lon",
        {"type": "number", "examples": [106.577]},
        "Longitude in decimal degrees; for a projected EPSG system the easting in metres.",
        _NUMBER_ADVICE,
        required=True,
    ),
    Parameter(
        "lat",
        {"type": "number", "examples": [29.559]},
        "Latitude in decimal degrees; for a projected EPSG system the northing in metres.",
        _NUMBER_ADVICE,
        required=True,
    ),
    Parameter(
        "crs",
        {"type": "string", "minLength": 1, "examples": ["wgs84"]},
        "The datum of the point: wgs84, cgcs2000, gcj02 (AMap, Tencent), bd09 (Baidu) or EPSG:n. It must be "
        "named: a point of another datum would silently land 400 m to 1.3 km away, in another grid.",
        "the datum must be named, never guessed: wgs84, cgcs2000, gcj02, bd09 or EPSG:n",
        required=True,
    ),
)


def locate(call: Call) -> Reply:
    """Answer the grid of a point with its path; a point in no grid is an answer too (code null).

    Raises InputError for a number that is none or out of range, or a datum that is not known.
    """
    lon, lat = read_number(call.query, "lon"), read_number(call.query, "lat")
    code = call.snapshot.locate(lon, lat, call.query["crs"])
    chain = call.snapshot.chain(code) if code is not None else []
    area = fields.child(chain[-1]) if chain else dict.fromkeys(fields.AREA)
    edition = call.snapshot.edition
    found = {
        **area,
        "path": [fields.step(each) for each in chain],
        "edition": edition.number,
        "proven": edition.proven,
    }
    return json_reply(found, cache=PRIVATE)


ROUTES: Final = (
    Route(
        path="/locate",
        name="locate",
        layer="areas",
        answer=locate,
        summary="Which grid is this point in? 点落在哪个网格",
        description="Every point has one grid; on a border, the one with the smallest code that touches it.",
        parameters=_PARAMETERS,
        responses={
            "200": json_response("The grid with its path, or code null where no grid is.", "Location")
        },
    ),
)
