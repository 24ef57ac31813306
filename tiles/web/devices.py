"""Devices: `POST /devices/readings` takes what they say, `GET /devices` gives the last state of each.

Readings come one by one, as a list, or a line each (NDJSON); the good ones are kept, the others listed with
their line and the reason. What was accepted is on disk. The states of all devices in a box come in one reply,
copied from the store as they stand there: nothing is decoded, and 10,000 of them take some tens of
milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gridmap.devices.document import Rejection, read_json, read_lines
from gridmap.devices.states import UNKNOWN, shown
from gridmap.errors import InputError, NotFoundError
from gridmap.lattice import to_degrees, to_lattice
from gridmap.settings import EVENTS_BYTES
from tiles.web import fields
from tiles.web.events import MOST_LISTED, NDJSON, affairs_of
from tiles.web.parameters import Parameter, quote, read_decimal, read_whole
from tiles.web.reply import JSON, NEVER, Reply, json_reply, to_json
from tiles.web.route import Body, Route, json_response, reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.devices.desk import DeviceDesk
    from gridmap.devices.document import Reading
    from gridmap.store.device_states import Standing
    from gridmap.twin import Snapshot
    from tiles.web.call import Call

LAYER: Final = "things"

MOST: Final = 20_000
"""Devices of one reply at most."""

AT_ONCE: Final = 2_000
"""Readings that are stored together while the rest is still being read."""

_NOTHING: Final = f'"online":null,"status":"{UNKNOWN}","alarms":[],"reading":null}}'
_OFFLINE: Final = '{"status":"offline"'


def desk_of(call: Call) -> DeviceDesk:
    """The desk of devices. Refusal: this server was started without a store."""
    return affairs_of(call).devices


def post(call: Call) -> Reply:
    """Take readings."""
    desk = desk_of(call)
    items = read_lines(call.body) if call.media_type == NDJSON else read_json(call.body)
    rejected: list[Rejection] = []
    batch: list[tuple[int, Reading]] = []
    accepted = 0

    def store() -> int:
        reasons = desk.take([reading for _, reading in batch])
        bad = [
            Rejection(line, reason)
            for (line, _), reason in zip(batch, reasons, strict=True)
            if reason is not None
        ]
        rejected.extend(bad)
        count = len(batch) - len(bad)
        batch.clear()
        return count

    for line, item in items:
        if isinstance(item, InputError):
            rejected.append(Rejection(line, str(item)))
            continue
        batch.append((line, item))
        if len(batch) == AT_ONCE:
            accepted += store()
    accepted += store() if batch else 0
    listed = [each._asdict() for each in sorted(rejected)[:MOST_LISTED]]
    said = {"accepted": accepted, "rejected": listed, "rejected_count": len(rejected)}
    return json_reply(said, cache=NEVER)


def get(call: Call) -> Reply:
    """Give the last state of each device in a box."""
    query = call.query
    box = _read_box(query["bbox"])
    limit = read_whole(query, "limit", 1, MOST) if "limit" in query else MOST
    desk = desk_of(call)
    found, changed = desk.book.standing(box, limit + 1, query.get("kind"), query.get("after", ""))
    feed = desk.feed()
    complete, found = len(found) <= limit, found[:limit]
    said = ",".join(written(call.snapshot, found))
    head = to_json(
        {
            "complete": complete,
            "next": None if complete else found[-1].code,
            "changed": changed,
            "feed": {"up": feed.is_up, "held": feed.held},
            "edition": call.snapshot.edition.number,
        }
    )
    return Reply(f'{{"devices":[{said}],{head[1:].decode()}'.encode(), cache=NEVER)


def get_one(call: Call) -> Reply:
    """Give the last state of one device."""
    code = call.path["device"]
    found = desk_of(call).book.standing_of(code)
    if found is None:
        raise NotFoundError(f"There is no device {quote(code)} in the register.")
    return Reply(written(call.snapshot, [found])[0].encode(), cache=NEVER)


def written(snapshot: Snapshot, found: Sequence[Standing]) -> list[str]:
    """Devices as JSON: where they are, then the state as the store has it."""
    if not found:
        return []
    lons, lats = to_degrees([each.x for each in found], [each.y for each in found])
    codes = snapshot.partition.finest.codes
    rows = snapshot.rows_at(lons, lats).tolist()
    kinds: dict[str, str] = {}
    out = []
    for (code, kind, _, _, body), lon, lat, row in zip(
        found, lons.tolist(), lats.tolist(), rows, strict=True
    ):
        named = kinds.get(kind)
        if named is None:
            named = kinds[kind] = to_json(kind).decode()
        grid = "null" if row < 0 else f'"{codes[row]}"'
        place = f'{{"code":{_quoted(code)},"kind":{named},"lon":{lon!r},"lat":{lat!r},"grid":{grid}'
        if body is None:
            out.append(f"{place},{_NOTHING}")
        else:
            online = "false" if body.startswith(_OFFLINE) else "true"
            out.append(f'{place},"online":{online},{shown(body)[1:]}')
    return out


def _quoted(code: str) -> str:
    """A code as JSON; most need no escapes."""
    if code.isascii() and code.isprintable() and '"' not in code and "\\" not in code:
        return f'"{code}"'
    return to_json(code).decode()


def _read_box(text: str) -> tuple[int, int, int, int]:
    """A box in lattice units. InputError for what is none."""
    parts = text.split(",")
    if len(parts) != 4:
        raise InputError("bbox", f"{quote(text)} is no box; give west,south,east,north in degrees")
    west, south, east, north = (read_decimal("bbox", part) for part in parts)
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise InputError("bbox", f"{quote(text)} is no box; give west below east, south below north")
    xs, ys = to_lattice([west, east], [south, north])
    return int(xs[0]), int(ys[0]), int(xs[1]), int(ys[1])


_TEXT: Final = {"type": "string"}
_WHEN: Final = {"type": "string", "format": "date-time"}
_STATE: Final = {"type": ["string", "boolean", "integer"], "description": "As the device says it: alarm."}
_VALUE: Final = {"type": "number", "description": "What it measures."}
_BATTERY: Final = {"type": "number", "minimum": 0, "maximum": 100, "description": "Per cent."}
_FIELDS: Final = {"type": "object", "description": "Fields of the device's own."}
_LAST: Final = fields.closed(
    {"at": _WHEN, "state": _STATE, "value": _VALUE, "fields": _FIELDS},
    "The last reading.",
    ("state", "value", "fields"),
)
_ALARM: Final = fields.closed(
    {"type": {**_TEXT, "description": "smoke, sos, silence, offline ..."}, "since": _WHEN}
)

SCHEMAS: Final[dict[str, Any]] = {
    "Reading": fields.closed(
        {
            "device": {**_TEXT, "description": "Its code in the register."},
            "kind": {**_TEXT, "description": "Its kind; refused where the register has another."},
            "at": {**_WHEN, "description": "When it was so; without it, when it came."},
            "state": _STATE,
            "value": _VALUE,
            "battery": _BATTERY,
            "heartbeat": {"type": "boolean", "description": "It lives; no sign of people by itself."},
            "lost": {"type": "boolean", "description": "Its connection was lost."},
            "away_until": {
                "type": ["string", "null"],
                "format": "date-time",
                "description": "Nobody is at home until then; null: they are back.",
            },
            "fields": _FIELDS,
        },
        "What a device says, or somebody of it.",
        ("kind", "at", "state", "value", "battery", "heartbeat", "lost", "away_until", "fields"),
    ),
    "ReadingsTaken": fields.closed(
        {
            "accepted": {"type": "integer"},
            "rejected": {
                "type": "array",
                "maxItems": MOST_LISTED,
                "items": fields.closed(
                    {"line": {"type": "integer", "description": "Counted from 1."}, "reason": _TEXT}
                ),
            },
            "rejected_count": {"type": "integer"},
        }
    ),
    "DeviceState": fields.closed(
        {
            "code": {**_TEXT, "description": "Its permanent code."},
            "kind": {**_TEXT, "description": "door, smoke, sos, camera ..."},
            "lon": {"type": "number", "description": "WGS84, east."},
            "lat": {"type": "number", "description": "WGS84, north."},
            "grid": {"type": ["string", "null"], "description": "Code of the grid it is in."},
            "online": {"type": ["boolean", "null"], "description": "null: nothing was ever heard of it."},
            "status": {"type": "string", "enum": ["online", "offline", "silent", UNKNOWN]},
            "since": {**_WHEN, "description": "Since when the status is so."},
            "heard_at": {**_WHEN, "description": "When it was last heard, by our clock."},
            "alarms": {"type": "array", "items": _ALARM, "description": "Those that are active."},
            "reading": {"oneOf": [_LAST, {"type": "null"}]},
            "beat_at": {**_WHEN, "description": "The last heartbeat."},
            "battery": _BATTERY,
            "away_until": {**_WHEN, "description": "Nobody is at home until then."},
        },
        "The last that is known of a device.",
        ("since", "heard_at", "beat_at", "battery", "away_until"),
    ),
    "DeviceStates": fields.closed(
        {
            "devices": {"type": "array", "items": reference("DeviceState"), "description": "By code."},
            "complete": {"type": "boolean", "description": "Whether there are no more of them."},
            "next": {"type": ["string", "null"], "description": "Ask on with after= this."},
            "changed": {"type": "integer", "description": "Grows with each change of any state."},
            "feed": fields.closed(
                {
                    "up": {"type": "boolean", "description": "Whether this server hears devices."},
                    "held": {"type": "integer", "description": "Devices lost at once, not yet believed."},
                }
            ),
            "edition": fields.EDITION,
        }
    ),
}

_EXAMPLE: Final = {
    "device": "500103-smoke-000001",
    "kind": "smoke",
    "at": "2026-05-01T08:00:00+08:00",
    "state": "alarm",
    "battery": 87,
}
_ONE: Final = {
    "schema": {"oneOf": [reference("Reading"), {"type": "array", "items": reference("Reading")}]},
    "example": _EXAMPLE,
}

ROUTES: Final = (
    Route(
        path="/devices/readings",
        name="post_readings",
        layer=LAYER,
        answer=post,
        summary="What devices say. 设备读数上报",
        description=f"In `{EVENTS_BYTES.name}` bytes. Accepted means on disk; what is late changes nothing.",
        body=Body(
            {JSON: _ONE, NDJSON: {"schema": {"type": "string", "description": "A reading a line."}}},
            EVENTS_BYTES,
        ),
        responses={"200": json_response("What became of them.", "ReadingsTaken")},
    ),
    Route(
        path="/devices",
        name="devices",
        layer=LAYER,
        answer=get,
        summary="The last state of each device in a box. 设备状态",
        parameters=(
            Parameter(
                "bbox",
                {"type": "string", "examples": ["106.57,29.55,106.58,29.56"]},
                "west,south,east,north in degrees, WGS84.",
                "give west,south,east,north in degrees",
                required=True,
            ),
            Parameter("kind", {"type": "string", "minLength": 1}, "Only devices of this kind."),
            Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST}, f"At most; {MOST:,}."),
            Parameter("after", {"type": "string"}, "Only codes behind this one: the next page."),
        ),
        responses={"200": json_response("The devices, by code.", "DeviceStates")},
    ),
    Route(
        path="/devices/{device}",
        name="device",
        layer=LAYER,
        answer=get_one,
        summary="The last state of a device. 单个设备",
        parameters=(Parameter("device", _TEXT, "Its code.", required=True, place="path"),),
        responses={
            "200": json_response("The device.", "DeviceState"),
            "404": json_response("There is none.", "Problem", "application/problem+json"),
        },
    ),
)
