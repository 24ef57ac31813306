"""Events: `POST /events` takes them, `GET /events` gives what was said, in the order of the log.

One event as JSON is answered with 201 and the event as it stands in the log, 200 when it was there already,
409 when something else is known by its source and id. Many (a JSON list, or NDJSON with a line each) are
answered with counts; the good ones are kept, the others listed with their line and the reason. CloudEvents
1.0 are events in another dress (`gridmap.events.cloudevents`), single or in a batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gridmap.errors import InputError, NotFoundError
from gridmap.events import cloudevents, document
from gridmap.events.intake import AT_ONCE, NEW, OTHER, SAME, is_unplaced, with_number
from gridmap.events.lines import Rejection, read_array, read_lines
from gridmap.settings import EVENTS_BYTES
from gridmap.store.log import EVENT
from tiles.web import fields, problems
from tiles.web.parameters import Parameter, read_flag, read_whole
from tiles.web.reply import JSON, NEVER, Reply, json_reply
from tiles.web.route import Body, Route, json_response, reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from gridmap.affairs import Affairs
    from gridmap.events.document import Given
    from gridmap.events.intake import Answer, Receipt
    from gridmap.store.log import Entry
    from tiles.web.call import Call

LAYER: Final = "events"
NDJSON: Final = "application/x-ndjson"

MOST_LISTED: Final = 1_000
"""Rejected lines that a reply lists; `rejected_count` says how many there were."""

MOST: Final = 10_000
"""Events of one page at most."""

SCANNED: Final = 50_000
"""Rows of the log that one question may look through."""


def affairs_of(call: Call) -> Affairs:
    """What goes on in the city. Refusal: there is no store; DamageError: its log is damaged."""
    if call.affairs is None:
        raise problems.Refusal(problems.UNAVAILABLE, "This server was started without a store of events.")
    if call.affairs.damage is not None:
        raise call.affairs.damage
    return call.affairs


def post(call: Call) -> Reply:
    """Take one event, or many."""
    affairs = affairs_of(call)
    if call.media_type == cloudevents.ONE or (call.media_type == JSON and call.body.lstrip()[:1] != b"["):
        return one(affairs, read_one(call.body, call.media_type, call.headers, affairs.secret))
    if call.media_type == NDJSON:
        return many(affairs, read_lines(call.body, affairs.secret))
    return many(affairs, read_array(call.body, affairs.secret, cloudevents.reader_of(call.media_type)))


def read_one(body: bytes, media_type: str, headers: Any, secret: bytes) -> Given:
    """The event of a body. InputError: it cannot be used."""
    if media_type == cloudevents.ONE:
        return cloudevents.read_structured(body, secret)
    if "ce-specversion" in headers:
        return cloudevents.read_binary(headers, body, secret)
    return document.decode(body, secret)


def one(affairs: Affairs, given: Given) -> Reply:
    """Have one event written."""
    return reply_of(affairs.intake.take([given])[0])


def reply_of(answer: Answer) -> Reply:
    """What is told of one event. InputError where it cannot be used."""
    if isinstance(answer, InputError):
        raise answer
    if answer.outcome == OTHER:
        detail = (
            f"Another event is known by this source and id ({there(answer)}); an event is never changed: "
        )
        return problems.problem(
            problems.OTHER_EVENT, f"{detail}send an update or a correction under an id of its own."
        )
    body = with_number(answer.seq, answer.body).encode()
    headers = (("Location", f"/events/{answer.seq}"),)
    return Reply(body, status=201 if answer.outcome == NEW else 200, cache=NEVER, headers=headers)


def there(receipt: Receipt) -> str:
    """Where an event stands, in words."""
    return f"row {receipt.seq} of the log"


def many(affairs: Affairs, items: Iterator[tuple[int, Given | InputError]]) -> Reply:
    """Have many events written, some thousand at a time: while these are written the next are read."""
    tally = _Tally()
    under_way: list[tuple[list[int], Future[Sequence[Answer]]]] = []
    lines: list[int] = []
    batch: list[Given] = []

    def send() -> None:
        under_way.append((lines[:], affairs.intake.promise(batch[:])))
        lines.clear()
        batch.clear()
        if len(under_way) > 1:
            tally.count(*_waited(under_way.pop(0)))

    for line, item in items:
        if isinstance(item, InputError):
            tally.reject(line, str(item))
            continue
        lines.append(line)
        batch.append(item)
        if len(batch) == AT_ONCE:
            send()
    if batch:
        send()
    for each in under_way:
        tally.count(*_waited(each))
    return json_reply(tally.told(), cache=NEVER)


def _waited(each: tuple[list[int], Future[Sequence[Answer]]]) -> tuple[list[int], Sequence[Answer]]:
    return each[0], each[1].result()


class _Tally:
    """Counts what became of many events."""

    def __init__(self) -> None:
        self._accepted = self._duplicates = 0
        self._last = self._refused = 0
        self._rejected: list[Rejection] = []

    def reject(self, line: int, reason: str) -> None:
        self._refused += 1
        self._rejected.append(Rejection(line, reason))
        if len(self._rejected) > 2 * MOST_LISTED:  # a body may have millions of bad lines
            self._rejected = self._listed()

    def count(self, lines: Sequence[int], answers: Sequence[Answer]) -> None:
        for line, answer in zip(lines, answers, strict=True):
            if isinstance(answer, InputError):
                self.reject(line, str(answer))
            elif answer.outcome == OTHER:
                self.reject(line, f"id: another event is known by this source and id ({there(answer)})")
            else:
                self._accepted += answer.outcome == NEW
                self._duplicates += answer.outcome == SAME
                self._last = max(self._last, answer.seq)

    def told(self) -> dict[str, Any]:
        return {
            "accepted": self._accepted,
            "duplicates": self._duplicates,
            "rejected": [each._asdict() for each in self._listed()],
            "rejected_count": self._refused,
            "last": self._last or None,
        }

    def _listed(self) -> list[Rejection]:
        return sorted(self._rejected)[:MOST_LISTED]


def get(call: Call) -> Reply:
    """Give the events behind a number of the log, oldest first."""
    query = call.query
    since = read_whole(query, "since", 0, 2**53) if "since" in query else 0
    limit = read_whole(query, "limit", 1, MOST) if "limit" in query else 1000
    unplaced = read_flag(query, "unplaced")
    if ("source" in query) != ("id" in query):
        lack = "id" if "source" in query else "source"
        raise InputError(lack, "is missing; an event is known by source and id together")
    book = affairs_of(call).book
    if "source" in query:
        key = document.key_of(query["source"], query["id"])
        found = {} if "\0" in key else book.find(EVENT, [key])  # PostgreSQL takes no NUL, no name has one
        return _page([*found.values()], since=since, after=book.head())
    kept: list[Entry] = []
    after, seen = since, 0
    while len(kept) < limit and seen < SCANNED:
        entries = book.read(after, min(max(limit - len(kept), 100), SCANNED - seen))
        if not entries:
            break
        seen += len(entries)
        for entry in entries:
            if len(kept) == limit:
                break
            after = entry.seq
            if entry.kind == EVENT and (not unplaced or is_unplaced(entry.body)):
                kept.append(entry)
    return _page(kept, since=since, after=after)


def _page(entries: Sequence[Entry], since: int, after: int) -> Reply:
    said = ",".join(with_number(entry.seq, entry.body) for entry in entries)
    return Reply(f'{{"events":[{said}],"since":{since},"next":{after}}}'.encode(), cache=NEVER)


def get_one(call: Call) -> Reply:
    """Give the event of a number of the log."""
    text = call.path["seq"]
    seq = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
    entries = affairs_of(call).book.read(seq - 1, 1) if seq else []
    if not entries or entries[0].kind != EVENT:
        raise NotFoundError(f"There is no event {text[:20]!r} in the log.")
    return Reply(with_number(seq, entries[0].body).encode(), cache=NEVER)


_SEQ: Final = {"type": "integer", "minimum": 0, "description": "A number of the log."}
_TEXT: Final = {"type": "string"}
_WHEN: Final = {"type": "string", "format": "date-time"}
_EVENT_IN: Final[dict[str, Any]] = {
    "id": {**_TEXT, "description": "Known by this and the source."},
    "source": {**_TEXT, "description": "Who reports: 12345, a device, an app.", "examples": ["12345"]},
    "class": {"type": "string", "enum": list(document.CLASSES)},
    "urgency": {"type": "string", "enum": list(document.URGENCIES), "description": "Without it blue."},
    "op": {
        "type": "string",
        "enum": ["open", "update", "close"],
        "description": "Without it open, of a correction update. Only open opens again what was closed.",
    },
    "subject": {**_TEXT, "description": "The thing it is about, as the source calls it: an outage."},
    "corrects": {**_TEXT, "description": "The id of an earlier event of the source that it corrects."},
    "title": _TEXT,
    "text": _TEXT,
    "kind": {**_TEXT, "description": "What sort of thing within the class: 井盖, SOS."},
    "matter": {"type": "string", "enum": ["official", "family", "community"]},
    "drill": {"type": "boolean", "description": "A drill (演练): shown, never counted."},
    "lon": {"type": "number"},
    "lat": {"type": "number"},
    "crs": {**_TEXT, "description": "The datum of lon and lat: wgs84, cgcs2000, gcj02, bd09 or EPSG:n."},
    "place": {**_TEXT, "description": "Instead of lon and lat: the code of a grid or a building."},
    "qr": {**_TEXT, "description": "Instead of lon and lat: what a place's QR code holds."},
    "occurred_at": {**_WHEN, "description": "When it happened, from 1900 on; without it, when it came."},
    "fields": {"type": "object", "description": "Fields of the source's own."},
    "photos": {"type": "array", "items": _TEXT},
    "reporter": {
        "type": "object",
        "properties": {"name": _TEXT, "phone": _TEXT, "ref": _TEXT},
        "description": "Who reported it; kept apart, never handed out with the event.",
    },
}
_EVENT: Final[dict[str, Any]] = {
    "seq": {**_SEQ, "description": "Its number in the log."},
    **{name: schema for name, schema in _EVENT_IN.items() if name != "reporter"},
    "reporter": {"type": "object", "properties": {"ref": {**_TEXT, "description": "A keyed hash."}}},
    "at": {
        "type": "array",
        "items": {"type": "number"},
        "description": "Longitude and latitude, WGS84; absent without a point.",
    },
    "code": {"type": ["string", "null"], "description": "The grid it is in; null where it is in none."},
    "unplaced": {**_TEXT, "description": "Why it is in no grid."},
    "received_at": _WHEN,
    "edition": fields.EDITION,
    "digest": {**_TEXT, "description": "Of the canonical JSON of what was sent."},
}
_KNOWN: Final = ("seq", "id", "source", "class", "occurred_at", "code", "received_at", "edition", "digest")
_REJECTION: Final = fields.closed(
    {"line": {"type": "integer", "description": "Counted from 1."}, "reason": _TEXT}
)

SCHEMAS: Final[dict[str, Any]] = {
    "EventIn": fields.closed(
        _EVENT_IN,
        "An event to be taken.",
        [name for name in _EVENT_IN if name not in ("id", "source", "class")],
    ),
    "Event": fields.closed(
        _EVENT, "An event as it stands in the log.", [name for name in _EVENT if name not in _KNOWN]
    ),
    "EventPage": fields.closed(
        {
            "events": {"type": "array", "items": reference("Event")},
            "since": _SEQ,
            "next": {**_SEQ, "description": "Ask on with since= this."},
        }
    ),
    "EventsTaken": fields.closed(
        {
            "accepted": {"type": "integer"},
            "duplicates": {"type": "integer", "description": "There already, the same."},
            "rejected": {"type": "array", "items": _REJECTION, "maxItems": MOST_LISTED},
            "rejected_count": {"type": "integer"},
            "last": {"type": ["integer", "null"], "description": "The highest number in the log of these."},
        }
    ),
}

_EXAMPLE: Final = {
    "id": "a-1",
    "class": "城市管理",
    "source": "12345",
    "urgency": "yellow",
    "lon": 106.577,
    "lat": 29.559,
    "crs": "wgs84",
    "occurred_at": "2026-05-01T08:00:00+08:00",
    "title": "井盖破损",
}
_ONE: Final = {"schema": {"oneOf": [reference("EventIn"), {"type": "array", "items": reference("EventIn")}]}}
_CLOUD: Final = {"schema": {"type": "object", "description": "A CloudEvent 1.0; its data is an event."}}
_TAKEN: Final = {
    JSON: {"schema": {"oneOf": [reference("Event"), reference("EventsTaken")]}},
}

ROUTES: Final = (
    Route(
        path="/events",
        name="post_events",
        layer=LAYER,
        answer=post,
        summary="Report an event, or many. 上报事件",
        description=f"In `{EVENTS_BYTES.name}` bytes. What is answered is on disk.",
        body=Body(
            {
                JSON: {**_ONE, "example": _EXAMPLE},
                NDJSON: {"schema": {"type": "string", "description": "An event a line."}},
                cloudevents.ONE: _CLOUD,
                cloudevents.BATCH: {"schema": {"type": "array", "items": {"type": "object"}}},
            },
            EVENTS_BYTES,
        ),
        responses={
            "200": {
                "description": "It was there already; or, of many, what became of them.",
                "content": _TAKEN,
            },
            "201": json_response("It is in the log.", "Event"),
            "409": json_response(
                "Another event has its source and id.", "Problem", "application/problem+json"
            ),
        },
    ),
    Route(
        path="/events",
        name="get_events",
        layer=LAYER,
        answer=get,
        summary="What was reported, in order. 事件流水",
        parameters=(
            Parameter("since", _SEQ, "Events behind this number; without it from the first on."),
            Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST}, "At most so many; 1,000."),
            Parameter("unplaced", {"type": "string", "enum": ["1", "0"]}, "1: only those in no grid."),
            Parameter("source", {"type": "string"}, "With id: the one event that is known by both."),
            Parameter("id", {"type": "string"}, "See source."),
        ),
        responses={"200": json_response("A page of events.", "EventPage")},
    ),
    Route(
        path="/events/{seq}",
        name="get_event",
        layer=LAYER,
        answer=get_one,
        summary="One event. 单个事件",
        parameters=(Parameter("seq", _SEQ, "Its number in the log.", required=True, place="path"),),
        responses={"200": json_response("The event.", "Event")},
    ),
)
