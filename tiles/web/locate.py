"""Which grid is this point in: `GET /locate`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from gridmap.errors import InputError
from gridmap.model import GOVERNANCE
from tiles.web import fields
from tiles.web.call import Call
from tiles.web.parameters import Parameter, quote, read_flag, read_number
from tiles.web.reply import PRIVATE, Reply, to_json
from tiles.web.route import Route, json_response, reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.model import Area
    from gridmap.twin import Found, Snapshot

LAYER: Final = "areas"

MOST_ACCURACY_M: Final = 100_000
"""Metres of uncertainty up to which the index lists candidates: more would name a province."""

_SCHEME: Final = {
    "type": "string",
    "description": "The partition of the city that is meant: governance is the one of its grids, others have "
    "the names that the server was started with.",
    "examples": [GOVERNANCE],
}
_AREA_OR_NULL: Final = {name: fields.or_null(schema) for name, schema in fields.AREA.items()}

SCHEMAS: Final[dict[str, Any]] = {
    "Membership": fields.closed(
        {"scheme": _SCHEME, **fields.AREA}, "The finest area of one scheme that a point belongs to."
    ),
    "Near": fields.closed(
        {
            **fields.AREA,
            "distance_m": {"type": "number", "minimum": 0, "description": "0 for a point inside it."},
        },
        "The grid nearest to a point.",
    ),
    "Candidate": fields.closed(
        {
            **_AREA_OR_NULL,
            "share": {
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "description": "Part of the circle's area in it.",
            },
        },
        "An area that an uncertain point may be in; code null is the part of the circle outside the city.",
    ),
    "Location": fields.closed(
        {
            **_AREA_OR_NULL,
            "path": {
                **fields.PATH,
                "description": "district > town > community > grid, down to the area answered; empty where "
                "no grid is.",
            },
            "memberships": {
                "type": "array",
                "items": reference("Membership"),
                "description": "The grid of every scheme that has one here.",
            },
            "edition": fields.EDITION,
            "proven": fields.PROVEN,
            "on_border": {
                "type": "boolean",
                "description": "Whether the point lies exactly on a border (with explain=1).",
            },
            "edge_m": {
                "type": ["number", "null"],
                "minimum": 0,
                "description": "Metres to the nearest border of a grid, null in a city without one "
                "(with explain=1).",
            },
            "rivals": {
                "type": "array",
                "items": reference("Child"),
                "description": "The other grids that cover the point, on a border (with explain=1).",
            },
            "nearest": {
                "oneOf": [reference("Near"), {"type": "null"}],
                "description": "The nearest grid, also of a point in none (with explain=1).",
            },
            "candidates": {
                "type": "array",
                "items": reference("Candidate"),
                "description": "Shares of the circle around the point, largest first, 1 together "
                "(with accuracy_m).",
            },
        },
        "The one area that a point belongs to; code, name, level and kind are null where no grid is.",
        optional=("on_border", "edge_m", "rivals", "nearest", "candidates"),
    ),
}

_NUMBER_ADVICE: Final = "give decimal degrees, for example lon=106.577&lat=29.559&crs=wgs84"
LON: Final = Parameter(
    "lon",
    {"type": "number", "examples": [106.577]},
    "Longitude in decimal degrees; for a projected EPSG system the easting in metres.",
    _NUMBER_ADVICE,
    required=True,
)
LAT: Final = Parameter(
    "lat",
    {"type": "number", "examples": [29.559]},
    "Latitude in decimal degrees; for a projected EPSG system the northing in metres.",
    _NUMBER_ADVICE,
    required=True,
)
CRS: Final = Parameter(
    "crs",
    {"type": "string", "minLength": 1, "examples": ["wgs84"]},
    "The datum of the point: wgs84, cgcs2000, gcj02 (AMap, Tencent), bd09 (Baidu) or EPSG:n. It must be "
    "named: a point of another datum would silently land 400 m to 1.3 km away, in another grid.",
    "the datum must be named, never guessed: wgs84, cgcs2000, gcj02, bd09 or EPSG:n",
    required=True,
)
SCHEME: Final = Parameter(
    "scheme",
    {"type": "string", "minLength": 1, "examples": [GOVERNANCE]},
    "The partition of the city to answer from; without it the governance grids.",
    f"give {GOVERNANCE} or the name of another scheme, or leave it out",
)
LEVEL: Final = Parameter(
    "level",
    {"type": "string", "minLength": 1},
    "Answer the area at this level (district, town, community, grid) instead of the grid.",
    "name a level of the city, such as community, or leave it out",
)
_PARAMETERS: Final = (
    LON,
    LAT,
    CRS,
    SCHEME,
    LEVEL,
    Parameter(
        "accuracy_m",
        {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_ACCURACY_M},
        "Radius in metres within which the point may truly be, as phones give it: adds the candidates.",
        "give metres, for example accuracy_m=30, or leave it out",
    ),
    Parameter(
        "explain",
        {"type": "string", "enum": ["1", "0", "true", "false"]},
        "1 adds on_border, edge_m, rivals and the nearest grid.",
        "give 1 or 0, or leave it out",
    ),
)


def locate(call: Call) -> Reply:
    """Answer the area of a point with its path; a point in no grid is an answer too (code null).

    Raises InputError for a number that is none or out of range, a datum, scheme or level that is not known.
    """
    query, city = call.query, call.snapshot
    lon, lat = read_number(query, "lon"), read_number(query, "lat")
    snapshot = city.scheme(query.get("scheme"))
    depth = read_level(snapshot, query.get("level"))
    found = snapshot.find(lon, lat, query["crs"])
    told = describe(snapshot, found.row, depth, city.memberships(found))
    if read_flag(query, "explain"):
        told |= _explained(snapshot, found)
    if "accuracy_m" in query:
        accuracy_m = read_number(query, "accuracy_m")
        if not 0 < accuracy_m <= MOST_ACCURACY_M:
            text = f"{accuracy_m:g} is no radius; give metres above 0, at most {MOST_ACCURACY_M}"
            raise InputError("accuracy_m", text)
        told["candidates"] = _candidates(snapshot, found, accuracy_m, depth)
    return reply_of(to_json(told))


def reply_of(body: bytes) -> Reply:
    """A location as a reply."""
    return Reply(body, cache=PRIVATE)


def describe(
    snapshot: Snapshot, row: int, depth: int | None = None, memberships: Sequence[tuple[str, Area]] = ()
) -> dict[str, Any]:
    """Write where a point is that lies in a row of the grids, NOWHERE included, at a level."""
    chain = snapshot.chain_at(row, depth)
    area = fields.child(chain[-1]) if chain else dict.fromkeys(fields.AREA)
    return {
        **area,
        "path": [fields.step(each) for each in chain],
        "memberships": [{"scheme": name, **fields.child(area)} for name, area in memberships],
        "edition": snapshot.edition.number,
        "proven": snapshot.edition.proven,
    }


def read_level(snapshot: Snapshot, level: str | None) -> int | None:
    """The depth of a level by its name; raises InputError for one that this city has not."""
    names = [table.level for table in snapshot.partition.levels]
    if level is None:
        return None
    if level not in names:
        raise InputError("level", f"{quote(level)} is no level here; give one of {', '.join(names)}")
    return names.index(level)


def _explained(snapshot: Snapshot, found: Found) -> dict[str, Any]:
    why = snapshot.explain(found)
    nearest = snapshot.area_at(why.nearest)
    # Millimetres: finer than the lattice (1 cm).
    edge_m = round(why.edge_m, 3) if math.isfinite(why.edge_m) else None
    distance_m = edge_m if found.is_nowhere else 0
    return {
        "on_border": why.on_border,
        "edge_m": edge_m,
        "rivals": [fields.child(area) for row in why.rivals if (area := snapshot.area_at(row))],
        "nearest": {**fields.child(nearest), "distance_m": distance_m} if nearest else None,
    }


def _candidates(
    snapshot: Snapshot, found: Found, accuracy_m: float, depth: int | None
) -> list[dict[str, Any]]:
    nobody = dict.fromkeys(fields.AREA)
    return [
        {**(fields.child(area) if area else nobody), "share": share}
        for area, share in snapshot.candidates(found, accuracy_m, depth)
    ]


ROUTES: Final = (
    Route(
        path="/locate",
        name="locate",
        layer=LAYER,
        answer=locate,
        summary="Which grid is this point in? 点落在哪个网格",
        description="Every point has one grid; on a border, the one with the smallest code that touches it.",
        parameters=_PARAMETERS,
        responses={
            "200": json_response("The area with its path, or code null where no grid is.", "Location")
        },
    ),
)
