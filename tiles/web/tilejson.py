"""Where the tiles are: `GET /tiles/{layers}.json`, the TileJSON of the current edition, or of a past one.

It is never kept without asking, so it always names the token of now, and the tiles behind it are never stale.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from gridmap.errors import InputError, NotFoundError
from tiles.address import SCHEMES
from tiles.documents import tilejson
from tiles.web import fields
from tiles.web.base import check_base
from tiles.web.call import Call
from tiles.web.parameters import Parameter, quote, read_choice, read_whole
from tiles.web.reply import PROBLEM, Reply, json_reply
from tiles.web.route import Route, json_response, reference
from tiles.web.tiles import LAYERS_PARAMETER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.model import Edition

XYZ: Final = "xyz"

# RFC 3339 in full: a time without a zone is no moment.
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)

_ZOOM: Final = {"type": "integer", "minimum": 0, "maximum": 30}
_DEGREES: Final = {"type": "array", "items": {"type": "number"}}

SCHEMAS: Final[dict[str, Any]] = {
    "VectorLayer": fields.closed(
        {
            "id": {"type": "string", "description": "Name of the layer inside the tile."},
            "description": {"type": "string"},
            "minzoom": _ZOOM,
            "maxzoom": _ZOOM,
            "fields": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "The properties of its features, in words.",
            },
        },
        "A layer inside the tiles, with the zooms at which it is there.",
    ),
    "TileJSON": fields.closed(
        {
            "tilejson": {"const": "3.0.0"},
            "name": {"type": "string"},
            "description": {"type": "string"},
            "version": {"type": "string"},
            "attribution": {"type": "string"},
            "scheme": {"type": "string", "enum": ["xyz", "tms"]},
            "tiles": {
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
                "description": "The address with {z}, {x} and {y}; it holds the token.",
            },
            "minzoom": _ZOOM,
            "maxzoom": _ZOOM,
            "bounds": {
                **_DEGREES,
                "minItems": 4,
                "maxItems": 4,
                "description": "West, south, east, north in degrees of `datum`.",
            },
            "center": {
                **_DEGREES,
                "minItems": 3,
                "maxItems": 3,
                "description": "Longitude, latitude in degrees of `datum`, and a zoom to begin with.",
            },
            "vector_layers": {"type": "array", "items": reference("VectorLayer")},
            "edition": fields.EDITION,
            "token": {"type": "string", "description": "Edition and a hash of all that the tiles hold."},
            "datum": {
                "type": "string",
                "description": "The datum of the map that the tiles are for: wgs84, gcj02, bd09, cgcs2000.",
            },
            "matrix": {
                "type": "string",
                "format": "uri",
                "description": "The OGC tile matrix set: how squares are numbered and where they lie.",
            },
        },
        "TileJSON 3.0 with the members edition, token, datum and matrix.",
    ),
}

EDITION_PARAMETERS: Final = (
    Parameter(
        "edition",
        {"type": "integer", "minimum": 1},
        "The tiles of this edition instead of the current one.",
        "give the number of an edition, or leave it out",
    ),
    Parameter(
        "datetime",
        {"type": "string", "format": "date-time"},
        "The tiles of the edition that was in force then (RFC 3339, with a zone; + is written %2B).",
        "give a time such as 2026-05-01T00:00:00Z, or leave it out",
    ),
)
"""Which edition: its number, or a time."""

_PARAMETERS: Final = (
    LAYERS_PARAMETER,
    Parameter(
        "scheme",
        {"type": "string", "enum": list(SCHEMES)},
        f"How squares are numbered, on which datum; without it {XYZ}.",
        f"give one of {', '.join(SCHEMES)}, or leave it out",
    ),
    *EDITION_PARAMETERS,
)


def describe(call: Call) -> Reply:
    """Answer the TileJSON. Refuses what is unknown; NotFoundError for an edition that there is not."""
    tiling = call.tiling
    scheme = read_choice(call.query, "scheme", tuple(SCHEMES)) or XYZ
    number = wanted_edition(call)
    engine = tiling.gallery.current() if number is None else tiling.gallery.of_edition(number)
    plan = tiling.plan(engine, call.path["layers"], scheme)
    edition = edition_of(call, engine.edition)
    told = tilejson(engine, edition, plan.layers, plan.scheme, check_base(call.base))
    return replace(json_reply(told), layers=tuple(plan.gates.split(",")))


def in_force(editions: Sequence[Edition], moment: datetime) -> Edition:
    """The edition in force at a time: of those effective by then, the one that was published last.

    NotFoundError for a time before the first one.
    """
    found = [edition for edition in editions if edition.effective_at <= moment]
    if not found:
        first = f"; the first is in force since {editions[0].effective_at.isoformat()}" if editions else ""
        raise NotFoundError(f"No edition was in force at {moment.isoformat()}{first}.")
    return max(found, key=lambda each: each.number)


def read_moment(text: str) -> datetime:
    """A time as RFC 3339 writes it. InputError for anything else, one without a zone included."""
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text.upper())
    except ValueError:  # 30 February
        pass
    advice = "give one such as 2026-05-01T00:00:00Z, or 2026-05-01T08:00:00%2B08:00"
    raise InputError("datetime", f"{quote(text)} is no time of RFC 3339; {advice}")


def wanted_edition(call: Call) -> int | None:
    """The number of the edition that is asked for, None for the current one."""
    if "edition" in call.query and "datetime" in call.query:
        raise InputError("datetime", "came beside edition; give one of the two")
    if "edition" in call.query:
        return read_whole(call.query, "edition", 1, 999_999_999)
    if "datetime" in call.query:
        return in_force(call.snapshot.source.editions(), read_moment(call.query["datetime"])).number
    return None


def edition_of(call: Call, number: int) -> Edition:
    """The edition of a number, which an engine was made from."""
    if call.snapshot.edition.number == number:
        return call.snapshot.edition
    return next(each for each in call.snapshot.source.editions() if each.number == number)


ROUTES: Final = (
    Route(
        path="/tiles/{layers}.json",
        name="tilejson",
        layer="areas",
        answer=describe,
        summary="Where the tiles are, and what is in them (TileJSON) 瓦片目录",
        description="Name it as the source of a map library: MapLibre, OpenLayers, QGIS and GDAL read it. "
        "It names the current tiles until the next edition, and is asked for again at each use.",
        parameters=_PARAMETERS,
        responses={
            "200": json_response("The TileJSON.", "TileJSON"),
            "404": json_response("No such layer or edition here.", "Problem", PROBLEM),
        },
    ),
)
