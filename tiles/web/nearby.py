"""What is near a point: `GET /nearby`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from gridmap.errors import InputError
from gridmap.model import SORTS
from tiles.web import fields
from tiles.web.call import Call
from tiles.web.locate import CRS, LAT, LON
from tiles.web.parameters import Parameter, quote, read_number, read_whole
from tiles.web.reply import NEVER, Reply, json_reply
from tiles.web.route import Route, json_response, reference

if TYPE_CHECKING:
    from gridmap.surroundings import Around

MOST: Final = 1000
"""Things in one reply: more are a map, no list."""

USUAL: Final = 10
"""Things in a reply when neither their number nor a radius is given."""

WORDS: Final = {
    "camera": "摄像头",
    "door": "智能门磁",
    "electric": "电气火灾探测器",
    "gas": "燃气报警器",
    "lift": "电梯监测",
    "manhole": "智能井盖",
    "slope": "边坡监测点",
    "smoke": "烟感",
    "sos": "一键呼救",
    "water": "水位监测",
}
"""What a kind of device is called in a sentence; any other stands there as it is."""

SCHEMAS: Final[dict[str, Any]] = {
    "NearThing": fields.closed(
        {
            "code": {"type": "string", "description": "Its permanent code."},
            "sort": {"type": "string", "enum": list(SORTS), "description": "device, staff or resource."},
            "kind": {"type": "string", "description": "Kind of the device, role of the post."},
            "lon": {"type": "number", "description": "Its place in the datum of the question, east."},
            "lat": {"type": "number", "description": "Its place in the datum of the question, north."},
            "distance_m": {
                "type": "number",
                "minimum": 0,
                "description": "Metres as the crow flies, on the ellipsoid.",
            },
            "bearing_deg": {
                "type": ["number", "null"],
                "description": "Degrees clockwise from north; null where it is at the very place.",
            },
            "direction": {
                "type": ["string", "null"],
                "enum": ["北", "东北", "东", "东南", "南", "西南", "西", "西北", None],
                "description": "The bearing as one of eight words.",
            },
            "text": {
                "type": "string",
                "description": "All of it in a sentence.",
                "examples": ["西南方向200米处有鱼塘"],
            },
            "grid": {"type": ["string", "null"], "description": "Code of the grid that it belongs to."},
            "shift": {"type": ["string", "null"], "description": "The hours of a post; null for others."},
        },
        "A thing that is near. A staff post stands where its grid's label would.",
    ),
    "Nearby": fields.closed(
        {
            "things": {
                "type": "array",
                "items": reference("NearThing"),
                "description": "The nearest first.",
            },
            "complete": {
                "type": "boolean",
                "description": "Whether there are no more of them, within the radius if one was given.",
            },
            "edition": fields.EDITION,
        }
    ),
}

_PARAMETERS: Final = (
    LON,
    LAT,
    CRS,
    Parameter(
        "kind",
        {"type": "string", "minLength": 1},
        "Only these: device, staff, resource, or a kind of device such as camera.",
        "give device, staff, resource or a kind of device, or leave it out",
    ),
    Parameter(
        "k",
        {"type": "integer", "minimum": 1, "maximum": MOST},
        f"How many at most; without it {USUAL}, and with a radius {MOST:,}.",
        f"give a number from 1 to {MOST}, or leave it out",
    ),
    Parameter(
        "radius",
        {"type": "number", "exclusiveMinimum": 0},
        "Only what is within this many metres.",
        "give metres, for example radius=500, or leave it out",
    ),
)


def nearby(call: Call) -> Reply:
    """Answer the things near a point, the nearest first; raises InputError for what cannot be used."""
    query, snapshot = call.query, call.snapshot
    point = snapshot.find(read_number(query, "lon"), read_number(query, "lat"), query["crs"])
    usual = MOST if "radius" in query else USUAL
    k = read_whole(query, "k", 1, MOST) if "k" in query else usual
    radius = read_number(query, "radius") if "radius" in query else math.inf
    if not radius > 0:
        raise InputError("radius", f"{quote(query['radius'])} is no radius; give metres above 0")
    surroundings = snapshot.surroundings
    wanted = query.get("kind", "")
    sort, kind = (wanted, "") if wanted in SORTS else ("", wanted)
    if kind and kind not in surroundings.kinds():
        known = ", ".join([*SORTS, *sorted(surroundings.kinds())])
        raise InputError("kind", f"{quote(kind)} is not known; give one of {known}")
    found = surroundings.near(point.lon, point.lat, k + 1, radius, sort, kind)
    complete, found = len(found) <= k, found[:k]
    lons, lats = snapshot.places([(each.near.thing.x, each.near.thing.y) for each in found], query["crs"])
    things = [_thing(each, lon, lat) for each, lon, lat in zip(found, lons, lats, strict=True)]
    edition = snapshot.edition.number
    return json_reply({"things": things, "complete": complete, "edition": edition}, cache=NEVER)


def _thing(around: Around, lon: float, lat: float) -> dict[str, Any]:
    near = around.near
    return {
        "code": near.thing.code,
        "sort": near.thing.sort,
        "kind": near.thing.kind,
        "lon": lon,
        "lat": lat,
        "distance_m": round(near.distance_m, 3),
        "bearing_deg": None if near.bearing_deg is None else round(near.bearing_deg, 2) % 360,
        "direction": near.direction,
        "text": sentence(near.distance_m, near.direction, WORDS.get(near.thing.kind, near.thing.kind)),
        "grid": around.grid,
        "shift": around.shift,
    }


def sentence(distance_m: float, direction: str | None, what: str) -> str:
    """Say where something is: 西南方向200米处有鱼塘; from a kilometre on in tenths of kilometres."""
    if direction is None:
        return f"就在此处有{what}"
    far = f"{max(1, round(distance_m))}米" if distance_m < 999.5 else f"{distance_m / 1000:.1f}公里"
    return f"{direction}方向{far}处有{what}"


ROUTES: Final = (
    Route(
        path="/nearby",
        name="nearby",
        layer="things",
        answer=nearby,
        summary="What is near this point? 附近的设备与人员",
        description="Devices and staff posts, the nearest first, with distance, bearing and a sentence.",
        parameters=_PARAMETERS,
        responses={"200": json_response("The nearest things.", "Nearby")},
    ),
)
