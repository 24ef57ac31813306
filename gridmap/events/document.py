"""An event as somebody reports it: which fields there are, what they may hold, and one form to compare.

The shape is a type, checked in C by msgspec at some microseconds an event. What is unknown is refused,
because a misspelt `urgency` that nobody reads is a fire that nobody sees. A source's own fields go into
`fields`.

**What is the same.** An event is one fact, known by source and id. Whoever sends it again must send the same:
compared is its canonical JSON, in which fields stand in one order, what has its default is left out, and
names and phones of people are replaced by a keyed hash. A time is kept as it came, with its zone; only its T
and Z, which RFC 3339 lets a source write as a blank or in small letters, are made what all readers know.

**What an event does.** Without `op` it opens; a correction without `op` updates, which opens nothing that is
closed. So `open` is the default, and left out, of all but corrections.
"""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from gridmap.errors import InputError

CLASSES: Final = (
    *("矛盾纠纷", "公共安全", "社会治安", "城市管理", "生态环境"),
    *("民生服务", "特殊关爱", "应急", "党建政务", "其他"),
)
"""What events are about (DOMAIN: ten classes)."""

URGENCIES: Final = ("red", "orange", "yellow", "blue")
"""红 橙 黄 蓝, the most urgent first."""

OPEN: Final = "open"
UPDATE: Final = "update"
CLOSE: Final = "close"

FIRST_YEAR: Final = 1900
"""The first year in which an event may have happened: a zone can lead out of the calendar's own first."""

MOST_BYTES: Final = 65_536
"""The longest JSON of one event."""

MOST_FIELDS_BYTES: Final = 16_384
"""The longest JSON of an event's own fields."""

MOST_DEPTH: Final = 32
"""How deep own fields may be nested: msgspec and databases read far more, people do not."""

_PLAIN: Final = r"\A[^\x00-\x1f\x7f]+\Z"
"""Text without control characters: it goes into keys, headers and streams."""

Name = Annotated[str, Meta(min_length=1, max_length=128, pattern=_PLAIN)]
Text = Annotated[str, Meta(max_length=8_000, pattern=r"\A[^\x00]*\Z")]
Moment = Annotated[str, Meta(max_length=40)]


class Reporter(Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """Who reported it. Never in the log: names and phones stand apart, where they can be erased."""

    name: Annotated[str, Meta(max_length=64)] = ""
    phone: Annotated[str, Meta(max_length=32)] = ""
    ref: Annotated[str, Meta(max_length=64)] = ""
    """What the source calls this person, a number of its own."""


class EventIn(
    Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, rename={"class_": "class"}
):
    """An event as it comes in; `gridmap.events.placing` says where it is.

    `op` is always there once the event was checked.
    """

    id: Name
    source: Name
    class_: Name
    urgency: Literal["red", "orange", "yellow", "blue"] | None = None
    op: Literal["open", "update", "close"] | UnsetType = UNSET
    subject: Name | None = None
    corrects: Name | None = None
    title: Annotated[str, Meta(max_length=200, pattern=r"\A[^\x00-\x1f\x7f]*\Z")] = ""
    text: Text = ""
    kind: Annotated[str, Meta(max_length=64, pattern=r"\A[^\x00-\x1f\x7f]*\Z")] = ""
    matter: Literal["official", "family", "community"] | None = None
    drill: bool = False
    lon: float | None = None
    lat: float | None = None
    crs: Name | None = None
    place: Name | None = None
    qr: Annotated[str, Meta(min_length=1, max_length=500)] | None = None
    occurred_at: Moment | None = None
    fields: dict[str, Any] | None = None
    photos: Annotated[list[Name], Meta(max_length=20)] | None = None
    reporter: Reporter | None = None

    @property
    def thing(self) -> str:
        """What the event is about, as one key: an outage, a manhole, or the event itself."""
        return key_of(self.source, self.subject or self.id)

    @property
    def key(self) -> str:
        """What the event is known by, as one key."""
        return key_of(self.source, self.id)


class Given(NamedTuple):
    """An event that can be used, with its canonical JSON (no reporter in it) and the digest of that."""

    event: EventIn
    json: bytes
    digest: str


UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that it cannot read."""

_decoder: Final = msgspec.json.Decoder(EventIn)
_encoder: Final = msgspec.json.Encoder(order="deterministic")
_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def key_of(source: str, name: str) -> str:
    """Source and id as one key, in which the first slash parts them: a/b and c is `a%2Fb/c`."""
    if "/" in source or "%" in source:
        source = source.replace("%", "%25").replace("/", "%2F")
    return f"{source}/{name}"


def usual_op(corrects: str | None) -> Literal["open", "update"]:
    """What an event does that does not say it: it opens, but for a correction, which updates."""
    return UPDATE if corrects else OPEN


def decode(line: bytes, secret: bytes) -> Given:
    """Read one event. InputError names the field at fault, says what is wrong and what to do."""
    if len(line) > MOST_BYTES:
        raise InputError("event", f"takes {len(line):,} bytes; at most {MOST_BYTES:,} are taken")
    try:
        event = _decoder.decode(line)
    except msgspec.ValidationError as error:
        raise _told(str(error)) from error
    except UNREADABLE as error:
        raise InputError("event", f"is no JSON: {unread(error)}; send one object") from error
    return check(event, secret)


def unread(error: Exception) -> str:
    """Why bytes are no JSON, in words: `error` is one of UNREADABLE."""
    if isinstance(error, UnicodeDecodeError):  # of GBK, most often
        return "its text is not UTF-8"
    return str(error).rstrip(".")


def from_object(said: dict[str, Any], secret: bytes) -> Given:
    """Take an event that was read already (another form of it was sent). InputError as `decode`."""
    try:
        event = msgspec.convert(said, EventIn)
    except msgspec.ValidationError as error:
        raise _told(str(error)) from error
    return check(event, secret)


def check(event: EventIn, secret: bytes) -> Given:
    """Check what a type cannot say. InputError as `decode`."""
    if event.class_ not in CLASSES:
        raise InputError("class", f"{event.class_[:60]!r} is not known; give one of {', '.join(CLASSES)}")
    _check_place(event)
    if event.occurred_at is not None:
        event.occurred_at = _moment(event.occurred_at)
    if event.fields is not None and len(_encoder.encode(event.fields)) > MOST_FIELDS_BYTES:
        raise InputError("fields", f"take more than {MOST_FIELDS_BYTES:,} bytes; leave some out")
    if event.fields is not None and _depth(event.fields) > MOST_DEPTH:
        raise InputError("fields", f"are nested more than {MOST_DEPTH} deep; make them flat")
    if event.op == OPEN and event.corrects is None:
        event.op = UNSET
    reporter, event.reporter = event.reporter, None
    json = _encoder.encode(event)
    event.op = event.op or usual_op(event.corrects)
    if reporter is not None:
        event.reporter = reporter
        ref = blake2b(_encoder.encode(reporter), digest_size=16, key=secret).hexdigest()
        json = b'%b,"reporter":{"ref":"%b"}}' % (json[:-1], ref.encode())
    return Given(event, json, blake2b(json, digest_size=16).hexdigest())


def _check_place(event: EventIn) -> None:
    if None not in (event.lon, event.lat, event.crs) and event.place is None and event.qr is None:
        return
    given = [name for name in ("lon", "lat", "crs") if getattr(event, name) is not None]
    if given and len(given) < 3:
        lack = next(name for name in ("lon", "lat", "crs") if name not in given)
        raise InputError(lack, f"is missing beside {given[0]}; give lon, lat and crs, or none of them")
    ways = [name for name in ("lon", "place", "qr") if getattr(event, name) is not None]
    if len(ways) > 1:
        raise InputError(ways[1], f"says where it is, and so does {ways[0]}; give one of them")


def _moment(text: str) -> str:
    """A time as RFC 3339 has it: with T and Z, where it came with a blank or in small letters."""
    if _MOMENT.fullmatch(text) is None:
        advice = "write it as RFC 3339 with its zone: 2026-05-01T08:00:00+08:00"
        raise InputError("occurred_at", f"{text!r} is no time; {advice}")
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError as error:
        raise InputError("occurred_at", f"{text!r} is no moment of any calendar; correct it") from error
    if moment.year < FIRST_YEAR:
        raise InputError("occurred_at", f"{text!r} lies before the year {FIRST_YEAR}; correct it")
    return text.upper().replace(" ", "T")


def _depth(value: object) -> int:
    """How deep lists and objects are nested; no deeper than asked, so without recursion's limit."""
    deepest, level = 0, [value]
    while level and deepest <= MOST_DEPTH:
        deepest += 1
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return deepest


def _told(said: str) -> InputError:
    """An error of msgspec in our words: `Expected ... - at `$.lon`` names the field."""
    reason, _, path = said.partition(" - at `$")
    reason = reason[:1].lower() + reason[1:]
    name = path.rstrip("`").removeprefix(".").removeprefix("[...]") or "event"
    missing = re.search(r"missing required field `(\w+)`", said)
    unknown = re.search(r"unknown field `(.*)`", reason, re.DOTALL)
    if missing:
        return InputError(missing[1], "is missing; every event has id, source and class")
    if unknown:
        whole = unknown[1] if name == "event" else f"{name}.{unknown[1]}"
        return InputError(whole[:60], "is not a field of an event; put fields of your own into `fields`")
    if "matching regex" in reason:
        reason = "has control characters (line breaks, tabs), which have no place here; take them out"
    if name == "urgency":
        reason = f"{reason}; give one of {', '.join(URGENCIES)}"
    return InputError(name, reason.replace("`", "'"))
