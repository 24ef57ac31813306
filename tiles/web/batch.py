"""Which grids are these points in: `POST /locate`, in four forms.

The reply comes in the form of the request, one row per row, in order; each row gets `code`, `edition` and
`error`. A row that cannot be used has its reason in `error` and stops nobody else; a point in no grid has
neither code nor error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from gridmap.errors import InputError
from gridmap.settings import BATCH_BYTES, BATCH_ROWS
from tiles.web import batch_arrow, batch_csv, batch_json, fields, problems
from tiles.web.answers import Asked
from tiles.web.call import Call
from tiles.web.locate import CRS, LAYER, LEVEL, read_level
from tiles.web.parameters import quote
from tiles.web.reply import ARROW, CSV, GEOJSON, JSON, NEVER, Reply
from tiles.web.route import Body, Route, reference

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridmap.twin import Snapshot

    Answer = Callable[[bytes, Asked], bytes]

FORMS: Final[dict[str, Answer]] = {
    JSON: batch_json.answer_points,
    GEOJSON: batch_json.answer_features,
    CSV: batch_csv.answer,
    ARROW: batch_arrow.answer,
}

SAID_IN_BODY: Final = (JSON,)
"""The forms that may hold crs and level themselves."""

_ANSWERED: Final = {
    "code": {
        "type": ["string", "null"],
        "description": "Code of the area; null where no grid is, and with an error.",
    },
    "edition": fields.EDITION,
    "error": {"type": ["string", "null"], "description": "Why this row cannot be used; null where it can."},
}
_PLACE: Final = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}

SCHEMAS: Final[dict[str, Any]] = {
    "Points": fields.closed(
        {
            "crs": {"type": "string", "description": "The datum of the points.", "examples": ["wgs84"]},
            "points": {
                "type": "array",
                "items": _PLACE,
                "description": "Longitude and latitude of each, east first.",
            },
            "level": {"type": "string", "description": "Answer the areas at this level, not the grids."},
        },
        "Many points of one datum.",
        optional=("crs", "level"),
    ),
    "Located": fields.closed(
        {
            "edition": fields.EDITION,
            "proven": fields.PROVEN,
            "results": {
                "type": "array",
                "items": fields.closed(_ANSWERED),
                "description": "One for each point, in order.",
            },
        }
    ),
    "PointFeatures": {
        "type": "object",
        "description": "A GeoJSON FeatureCollection (RFC 7946) of points, WGS84. In the reply each has code, "
        "edition and error among its properties; all else comes back as it was.",
        "properties": {
            "type": {"const": "FeatureCollection"},
            "features": {"type": "array", "items": {"type": "object"}},
        },
        "required": ["type", "features"],
    },
}

_TEXT: Final = {
    "type": "string",
    "description": "A table with a header; lon and lat are read, all other columns come back as they are.",
}
_STREAM: Final = {
    "description": "An Arrow IPC stream with columns lon and lat; the reply has code (dictionary of text), "
    "edition and error behind the columns that came.",
}
_QUESTION: Final = {"crs": "wgs84", "points": [[106.577, 29.559], [106.53, 29.54]]}


def locate_many(call: Call) -> Reply:
    """Answer many points; raises InputError for a body or a parameter that cannot be used."""
    _check_accept(call)
    snapshot = call.snapshot
    said_inside = call.media_type in SAID_IN_BODY
    if call.media_type == GEOJSON:
        if call.query.get("crs", "wgs84").lower() not in ("wgs84", "cgcs2000"):
            came = quote(call.query["crs"])
            raise InputError("crs", f"{came}: GeoJSON is WGS84 by RFC 7946; leave crs out, or send CSV")
    elif "crs" not in call.query and not said_inside:
        raise InputError("crs", f"is missing; {CRS.advice}")
    depth = read_level(snapshot, call.query.get("level"))
    asked = Asked(
        snapshot, call.query.get("crs", "wgs84" if call.media_type == GEOJSON else ""), depth, BATCH_ROWS
    )
    return Reply(
        FORMS[call.media_type](call.body, asked), _WRITTEN.get(call.media_type, call.media_type), cache=NEVER
    )


def prepare(snapshot: Snapshot) -> None:
    """Load what only batches need, so that the first of them does not wait for it (half a second)."""
    batch_csv.answer(b"lon,lat\n0,0\n", Asked(snapshot, "wgs84", None, BATCH_ROWS))
    batch_arrow.answer(batch_arrow.sample(), Asked(snapshot, "wgs84", None, BATCH_ROWS))


_WRITTEN: Final = {CSV: "text/csv; charset=utf-8"}


def _check_accept(call: Call) -> None:
    """Refuse who does not accept the form that was sent, which the reply has too."""
    if call.accept and not parse_accept_header(call.accept, MIMEAccept).quality(call.media_type):
        text = f"The reply comes as it was sent, in {call.media_type}: accept that, or send another form."
        raise problems.Refusal(problems.NOT_ACCEPTABLE, text)


ROUTES: Final = (
    Route(
        path="/locate",
        name="locate_many",
        layer=LAYER,
        answer=locate_many,
        summary="Which grids are these points in? 批量查询点所属网格",
        description=f"At most `{BATCH_ROWS.name}` points in `{BATCH_BYTES.name}` bytes. CSV and Arrow name "
        "their datum in `crs`, JSON in its body; GeoJSON is WGS84.",
        parameters=(
            CRS.optional(
                "The datum of the columns of CSV and Arrow: wgs84, cgcs2000, gcj02, bd09 or EPSG:n."
            ),
            LEVEL,
        ),
        body=Body(
            {
                JSON: {"schema": reference("Points"), "example": _QUESTION},
                CSV: {"schema": _TEXT, "example": "name,lon,lat\nA,106.577,29.559\n"},
                GEOJSON: {"schema": reference("PointFeatures")},
                ARROW: {"schema": _STREAM},
            },
            BATCH_BYTES,
        ),
        responses={
            "200": {
                "description": "The rows that came, each with its code.",
                "content": {
                    JSON: {"schema": reference("Located")},
                    _WRITTEN[CSV]: {"schema": _TEXT},
                    GEOJSON: {"schema": reference("PointFeatures")},
                    ARROW: {"schema": _STREAM},
                },
            },
        },
    ),
)
