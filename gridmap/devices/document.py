"""A reading as a device, its gateway or a person reports it: which fields there are, what they may hold.

One document says any of these things, or several at once:

- a state or a value (`"state": "alarm"`, `"value": 23.5`): a reading;
- that the device lives (`"heartbeat": true`); it may repeat the state, which then counts where it is another;
- that its connection was lost (`"lost": true`, a last will);
- that nobody is at home until a moment (`"away_until": "2026-05-08T00:00:00+08:00"`; null: they are back).

What is unknown is refused, as in events; own fields go into `fields`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES: Final = 16_384
"""The longest JSON of one reading."""

MOST_FIELDS_BYTES: Final = 4_096
"""The longest JSON of a reading's own fields: they are kept with every device."""

MOST_DEPTH: Final = 16
"""How deep own fields may be nested."""

_PLAIN: Final = r"\A[^\x00-\x1f\x7f]+\Z"

Code = Annotated[str, Meta(min_length=1, max_length=64, pattern=_PLAIN)]
Word = Annotated[str, Meta(max_length=64, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
Moment = Annotated[datetime, Meta(tz=True)]


class Reading(Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True):
    """What came of one device."""

    device: Code
    kind: Word | None = None
    at: Moment | None = None
    state: Word | bool | int | None = None
    value: float | None = None
    battery: Annotated[float, Meta(ge=0, le=100)] | None = None
    heartbeat: bool = False
    lost: bool = False
    away_until: Moment | UnsetType | None = UNSET
    fields: dict[str, Any] | None = None

    @property
    def says_state(self) -> bool:
        """Whether it says how things are, not only that the device lives."""
        return self.state is not None or self.value is not None or self.fields is not None

    @property
    def says_life(self) -> bool:
        """Whether it is the device that speaks: a leave is told by people, a last will by the broker."""
        return self.heartbeat or self.says_state or self.battery is not None


class Rejection(NamedTuple):
    """A line that cannot be used (counted from 1), and why."""

    line: int
    reason: str


_decoder: Final = msgspec.json.Decoder(Reading)
_encode: Final = msgspec.json.Encoder().encode


def decode(line: bytes) -> Reading:
    """Read one reading. InputError names the field at fault, says what is wrong and what to do."""
    if len(line) > MOST_BYTES:
        raise InputError("reading", f"takes {len(line):,} bytes; at most {MOST_BYTES:,} are taken")
    try:
        reading = _decoder.decode(line)
    except msgspec.ValidationError as error:
        raise _told(str(error)) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError("reading", f"is no JSON: {str(error).rstrip('.')}; send one object") from error
    return check(reading)


def from_object(said: dict[str, Any]) -> Reading:
    """Take a reading that was read already. InputError as `decode`."""
    try:
        reading = msgspec.convert(said, Reading)
    except msgspec.ValidationError as error:
        raise _told(str(error)) from error
    return check(reading)


def check(reading: Reading) -> Reading:
    """Check what a type cannot say, and give the reading back. InputError as `decode`."""
    if not (reading.says_life or reading.lost or reading.away_until is not UNSET):
        raise InputError("reading", "says nothing; give state, value, battery, heartbeat or away_until")
    if reading.fields is not None:
        if _is_deep(reading.fields):
            raise InputError("fields", f"are nested more than {MOST_DEPTH} deep; make them flat")
        if len(_encode(reading.fields)) > MOST_FIELDS_BYTES:
            raise InputError("fields", f"take more than {MOST_FIELDS_BYTES:,} bytes; leave some out")
    return reading


def read_lines(body: bytes) -> Iterator[tuple[int, Reading | InputError]]:
    """Read a reading from each line that is not empty."""
    for number, line in enumerate(body.split(b"\n"), 1):
        if line and not line.isspace():
            yield number, tried(line)


def read_json(body: bytes) -> Iterator[tuple[int, Reading | InputError]]:
    """Read the reading of a JSON object, or of each element of a list. InputError: a list that is broken."""
    if body.lstrip()[:1] != b"[":
        return iter([(1, tried(body))])
    try:
        pieces = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError("body", f"is no JSON list of readings: {str(error).rstrip('.')}") from error
    return ((number, tried(bytes(piece))) for number, piece in enumerate(pieces, 1))


def tried(line: bytes) -> Reading | InputError:
    """Read one reading, or say why not."""
    try:
        return decode(line)
    except InputError as error:
        return error


def _is_deep(value: object) -> bool:
    """Whether lists and objects are nested too deep; looks no deeper than that, and needs no recursion."""
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return any(isinstance(each, dict | list) for each in level)


def _told(said: str) -> InputError:
    """An error of msgspec in our words: `Expected ... - at `$.at`` names the field."""
    reason, _, path = said.partition(" - at `$")
    reason = reason[:1].lower() + reason[1:]
    name = path.rstrip("`").removeprefix(".") or "reading"
    missing = re.search(r"missing required field `(\w+)`", said)
    unknown = re.search(r"unknown field `(.*)`", said)
    if missing:
        return InputError(missing[1], "is missing; every reading names its device")
    if unknown:
        return InputError(
            unknown[1][:60], "is not a field of a reading; put fields of your own into `fields`"
        )
    if name in ("at", "away_until"):
        return InputError(name, "is no moment; write it as RFC 3339 with its zone: 2026-05-01T08:00:00+08:00")
    if "matching regex" in reason:
        reason = "has control characters (line breaks, tabs), which have no place here; take them out"
    return InputError(name, reason.replace("`", "'"))
