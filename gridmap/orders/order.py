"""A work order, its clocks and its history as values: each is JSON and back without loss.

Times are UTC in whole seconds, `2026-05-01T00:00:00Z` in JSON. A WorkOrder is the sum of its entries and
nothing else: `apply` makes the next order of an order and an entry, and nothing but `apply` makes orders.
Replaying a log is therefore the stored order by construction.

An entry carries in `changes` the new values of the fields that it changed, and only these.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from gridmap.errors import DamageError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why an order went where it went, in words."""

    zh: str
    en: str


class Origin(msgspec.Struct, frozen=True, gc=False):
    """The event that opened an order: (source, id) is its identity, seq its place in the log."""

    source: str
    id: str
    seq: int


class Assignee(msgspec.Struct, frozen=True, gc=False):
    """Who has an order: a post of the roster with its person, or a desk ("desk:<code>") without one."""

    post: str
    person: str | None
    role: str
    grid: str | None


class Assignment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who gets an order, at which level, who is called beside him, and why.

    `queue` is "unassigned" where nobody could be found; such an order waits for a dispatcher.
    """

    grid: str | None
    post: str
    person: str | None
    role: str
    level: str
    called: tuple[str, ...] = ()
    queue: str | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def assignee(self) -> Assignee:
        """The one who gets the order."""
        return Assignee(self.post, self.person, self.role, self.grid)


class Call(msgspec.Struct, frozen=True, gc=False):
    """A department that was called: what it replied and when; `by` is who replied or released it."""

    department: str
    called_at: datetime
    ended_at: datetime | None = None
    reply: str | None = None
    by: str | None = None


class Mark(msgspec.Struct, frozen=True, gc=False):
    """The instant at which so many percent of a clock were used up."""

    percent: int
    at: datetime


class Clock(msgspec.Struct, frozen=True):
    """A time limit that somebody works under; gridmap.orders.clocks says how it runs.

    `used_s` was used up before `since`; `since` is None while the clock stands still or is done. `hours` is
    "always" or "working", and seconds are counted in these. `due_at` is None while it stands still within
    its time. `assumed`: the due time lies where the holidays are not known yet. `passed` holds the marks
    that are settled: those of earlier stretches.
    """

    name: str
    round: int
    hours: str
    allowed_s: int
    started_at: datetime
    since: datetime | None
    used_s: int
    due_at: datetime | None
    assumed: bool = False
    done_at: datetime | None = None
    passed: tuple[Mark, ...] = ()

    @property
    def key(self) -> str:
        """Its name in notices: "accept" the first time, "accept.2" the second."""
        return self.name if self.round == 1 else f"{self.name}.{self.round}"

    @property
    def late(self) -> bool:
        """Whether it had used more than it was allowed when it last stopped; on the second is in time."""
        return self.used_s > self.allowed_s


class WorkOrder(msgspec.Struct, frozen=True):
    """What is done about an event, as it stands after `version` entries."""

    id: str
    version: int
    state: str
    updated_at: datetime
    event: Origin
    class_: str = msgspec.field(name="class")
    urgency: str
    kind: str | None
    rule: str
    matter: str | None
    title: str
    drill: bool
    code: str | None
    at: tuple[float, float] | None
    level: str
    queue: str | None
    assignees: tuple[Assignee, ...]
    reasons: tuple[Reason, ...]
    opened_at: datetime
    clocks: tuple[Clock, ...]
    called: tuple[Call, ...] = ()
    handlers: tuple[str, ...] = ()
    supervised: int = 0
    reworks: int = 0
    returns: int = 0
    delays: int = 0
    escalations: int = 0
    on_spot: bool = False
    photos: tuple[str, ...] = ()
    asked_delay_s: int | None = None
    closed_at: datetime | None = None
    satisfaction: int | None = None
    merged_into: str | None = None
    absorbed: tuple[str, ...] = ()

    @property
    def outstanding(self) -> tuple[str, ...]:
        """The called departments that still owe their reply."""
        return tuple(call.department for call in self.called if call.ended_at is None)

    def clock(self, name: str) -> Clock | None:
        """The latest clock of a name, None where there is none."""
        return next((clock for clock in reversed(self.clocks) if clock.name == name), None)


class Changes(msgspec.Struct, frozen=True, omit_defaults=True):
    """The new values of the fields that an entry changed; a field that is left out stays what it was."""

    event: Origin | UnsetType = UNSET
    class_: str | UnsetType = msgspec.field(default=UNSET, name="class")
    urgency: str | UnsetType = UNSET
    kind: str | UnsetType | None = UNSET
    rule: str | UnsetType = UNSET
    matter: str | UnsetType | None = UNSET
    title: str | UnsetType = UNSET
    drill: bool | UnsetType = UNSET
    code: str | UnsetType | None = UNSET
    at: tuple[float, float] | UnsetType | None = UNSET
    level: str | UnsetType = UNSET
    queue: str | UnsetType | None = UNSET
    assignees: tuple[Assignee, ...] | UnsetType = UNSET
    reasons: tuple[Reason, ...] | UnsetType = UNSET
    opened_at: datetime | UnsetType = UNSET
    clocks: tuple[Clock, ...] | UnsetType = UNSET
    called: tuple[Call, ...] | UnsetType = UNSET
    handlers: tuple[str, ...] | UnsetType = UNSET
    supervised: int | UnsetType = UNSET
    reworks: int | UnsetType = UNSET
    returns: int | UnsetType = UNSET
    delays: int | UnsetType = UNSET
    escalations: int | UnsetType = UNSET
    on_spot: bool | UnsetType = UNSET
    photos: tuple[str, ...] | UnsetType = UNSET
    asked_delay_s: int | UnsetType | None = UNSET
    closed_at: datetime | UnsetType | None = UNSET
    satisfaction: int | UnsetType | None = UNSET
    merged_into: str | UnsetType | None = UNSET
    absorbed: tuple[str, ...] | UnsetType = UNSET


class OrderEntry(msgspec.Struct, frozen=True):
    """A row of an order's history: who did what, when, in which role, and what it changed."""

    order: str
    version: int
    action: str
    actor: str
    role: str
    note: str
    at: datetime
    from_: str | None = msgspec.field(name="from")
    to: str
    changes: Changes

    @property
    def key(self) -> str:
        """Its key in the log."""
        return f"{self.order}:{self.version}"


FIELDS: Final = Changes.__struct_fields__


def apply(order: WorkOrder | None, entry: OrderEntry) -> WorkOrder:
    """The order after an entry; None is before its first. Raises DamageError where they do not fit."""
    given = zip(FIELDS, msgspec.structs.astuple(entry.changes), strict=True)
    values: dict[str, Any] = {name: value for name, value in given if value is not UNSET}
    if order is None:
        if entry.version != 1 or entry.from_ is not None:
            raise DamageError(
                f"order {entry.order}: its history begins with version {entry.version}, not with 1"
            )
        return WorkOrder(id=entry.order, version=1, state=entry.to, updated_at=entry.at, **values)
    if (entry.order, entry.version, entry.from_) != (order.id, order.version + 1, order.state):
        raise DamageError(
            f"order {order.id} at version {order.version} ({order.state}) is followed by version "
            f"{entry.version} of {entry.order} (from {entry.from_}): a row of its history is missing"
        )
    values["version"] = entry.version
    values["state"] = entry.to
    values["updated_at"] = entry.at
    return msgspec.structs.replace(order, **values)


def replay(entries: Iterable[OrderEntry]) -> WorkOrder:
    """The order that a whole history makes. Raises DamageError for one with a gap, or without any entry."""
    order: WorkOrder | None = None
    for entry in entries:
        order = apply(order, entry)
    if order is None:
        raise DamageError("an order without any history")
    return order


_ENCODE: Final = msgspec.json.Encoder().encode
_ORDER: Final = msgspec.json.Decoder(WorkOrder).decode
_ENTRY: Final = msgspec.json.Decoder(OrderEntry).decode


def to_json(value: WorkOrder | OrderEntry) -> bytes:
    """An order or an entry as JSON."""
    return _ENCODE(value)


def order_from_json(body: bytes | str) -> WorkOrder:
    """The order of its JSON. Raises DamageError for bytes that are none."""
    try:
        return _ORDER(body)
    except msgspec.MsgspecError as error:
        raise DamageError(f"stored bytes are no work order: {error}") from None


def entry_from_json(body: bytes | str) -> OrderEntry:
    """The entry of its JSON. Raises DamageError for bytes that are none."""
    try:
        return _ENTRY(body)
    except msgspec.MsgspecError as error:
        raise DamageError(f"stored bytes are no entry of a work order: {error}") from None


def as_document(value: WorkOrder | OrderEntry | Assignment) -> dict[str, Any]:
    """The same as a dictionary of plain values, to be put into a larger answer."""
    found = msgspec.to_builtins(value)
    assert isinstance(found, dict)
    return found


def assignment_of(given: Mapping[str, Any]) -> Assignment:
    """The assignment that a caller sent. Raises InputError where it is none."""
    try:
        return msgspec.convert(given, Assignment)
    except msgspec.ValidationError as error:
        raise InputError("assignment", str(error)) from None


def whole_seconds(now: datetime) -> datetime:
    """An instant in UTC, rounded down to the second. Raises InputError for one that names no offset."""
    if now.tzinfo is None:
        raise InputError("now", f"{now.isoformat()} names no offset from UTC; add one, such as +08:00")
    return now.astimezone(UTC).replace(microsecond=0)
