"""The state of a device, as it stands in the table and as others read it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

ONLINE: Final = "online"
OFFLINE: Final = "offline"
SILENT: Final = "silent"
UNKNOWN: Final = "unknown"
"""What a device is of which nothing was ever heard; no state says so."""


class Last(Struct, omit_defaults=True, frozen=True):
    """The last reading."""

    at: datetime
    state: str | bool | int | None = None
    value: float | None = None
    fields: dict[str, Any] | None = None


class Alarm(Struct, frozen=True):
    """An alarm that is active since a moment."""

    type: str
    since: datetime


class Clock(Struct, array_like=True, frozen=True):
    """What runs against a device, in ms of the feed's clock.

    When it was last heard; when it last showed that people are there (None: never); when a lost connection
    counts (None: it is not lost); when each active alarm was last repeated.
    """

    heard: int
    stirred: int | None = None
    lost: int | None = None
    repeated: dict[str, int] = {}


class State(Struct, omit_defaults=True, frozen=True, kw_only=True):
    """What is known of a device. The clock comes last, so that it can be cut off for readers."""

    status: Literal["online", "offline", "silent"]
    since: datetime
    heard_at: datetime
    alarms: tuple[Alarm, ...]
    reading: Last | None
    beat_at: datetime | None = None
    battery: float | None = None
    away_until: datetime | None = None
    clock: Clock

    def alarm(self, type_: str) -> Alarm | None:
        """The active alarm of a type."""
        return next((alarm for alarm in self.alarms if alarm.type == type_), None)

    def with_alarm(self, type_: str, since: datetime, now: int) -> State:
        """The same with one more alarm."""
        clock = replace(self.clock, repeated=self.clock.repeated | {type_: now})
        return replace(self, alarms=(*self.alarms, Alarm(type_, since)), clock=clock)

    def repeating(self, type_: str, now: int) -> State:
        """The same, its alarm of a type said again."""
        return replace(self, clock=replace(self.clock, repeated=self.clock.repeated | {type_: now}))

    def without(self, type_: str) -> State:
        """The same without the alarm of a type."""
        repeated = {name: moment for name, moment in self.clock.repeated.items() if name != type_}
        alarms = tuple(alarm for alarm in self.alarms if alarm.type != type_)
        return replace(self, alarms=alarms, clock=replace(self.clock, repeated=repeated))


_decoder: Final = msgspec.json.Decoder(State)
_encode: Final = msgspec.json.Encoder().encode
_NO_CLOCK: Final = Clock(0)


def read_state(body: str) -> State:
    """The state that a row keeps."""
    return _decoder.decode(body)


def body_of(state: State) -> str:
    """What a row keeps of a state."""
    return _encode(state).decode()


def shown(body: str) -> str:
    """A row's JSON as others read it, without the clock."""
    return body[: body.rindex(',"clock":[')] + "}"


def looks_same(one: State, other: State) -> bool:
    """Whether nobody could see a difference, but for when a device was last heard."""
    return _seen(one) == _seen(other)


def _seen(state: State) -> State:
    return replace(state, clock=_NO_CLOCK, heard_at=state.since, beat_at=None)
