"""Open311 requests as they stand: which there are in the log, whether each is open, and what became of it.

A request is the event that began it (`gridmap.events.open311`); a later event of the source `open311` with
the request's id as `subject` is about it, and is no request. It is open while a live order is about it;
without one, its order says how it ended, and where there never was one, its situation does.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from gridmap.errors import InputError
from gridmap.events.document import CLOSE, key_of
from gridmap.events.open311 import SOURCE
from gridmap.events.situations import read_state
from gridmap.orders.order import order_from_json
from gridmap.orders.words import LIVE, STATES
from gridmap.store.log import EVENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gridmap.events.situations import State
    from gridmap.orders.order import WorkOrder
    from gridmap.store.desk import Desk
    from gridmap.store.log import Entry

OPEN: Final = "open"
CLOSED: Final = "closed"
STATUSES: Final = (OPEN, CLOSED)

SPAN: Final = timedelta(days=90)
"""The longest time of one question, and what is meant when none is named (the standard's)."""

MOST: Final = 1_000
"""Requests of one reply at most (the standard's)."""

MOST_KNOWN: Final = 500_000
"""Requests that can be found by time, the newest; older ones are found by their id."""

MOST_LOOKED: Final = 100_000
"""Requests that one question may look through, which takes some seconds."""

_CHUNK: Final = 500

_MOMENT: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)(Z|[+ -]\d\d:\d\d)", re.ASCII
)


class Wanted(NamedTuple):
    """Which requests somebody asks for: of which classes, statuses, and time; and which page of them."""

    classes: frozenset[str]
    statuses: frozenset[str]
    begin: datetime
    end: datetime
    page: int = 1
    page_size: int = MOST


def read_span(start: str | None, end: str | None, now: datetime) -> tuple[datetime, datetime]:
    """The time of a question; where one end is not named it is 90 days, to now where none is.

    InputError: a time without zone, an end before its start, more than 90 days.
    """
    begin = None if start is None else read_moment("start_date", start)
    until = None if end is None else read_moment("end_date", end)
    if begin is None:
        until = now if until is None else until
        return until - SPAN, until
    if until is None:
        return begin, begin + SPAN
    if not begin <= until <= begin + SPAN:
        raise InputError("end_date", "is not within 90 days after start_date; ask for less at a time")
    return begin, until


def read_moment(name: str, text: str) -> datetime:
    """Read a moment of the W3C form with its zone; a blank is the plus that nobody escaped in an address."""
    found = _MOMENT.fullmatch(text)
    try:
        if found is not None:
            return datetime.fromisoformat(found[1] + found[2].replace(" ", "+")).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InputError(name, f"{text[:60]!r} is no moment; write it as 2026-05-01T00:00:00Z, with its zone")


class Told(msgspec.Struct, rename={"class_": "class"}):
    """Of an event in the log, what a request shows."""

    id: str
    source: str
    class_: str
    received_at: str
    code: str | None
    op: str = OPEN
    subject: str | None = None
    corrects: str | None = None
    title: str = ""
    text: str = ""
    place: str | None = None
    at: tuple[float, float] | None = None
    unplaced: str | None = None
    fields: dict[str, Any] = {}
    photos: list[str] = []

    @property
    def is_request(self) -> bool:
        """Whether this began a request; else it is about one."""
        return self.source == SOURCE and self.subject is None and self.corrects is None


class View(NamedTuple):
    """A request and how it stands; `requested`, `updated` and `expected` are moments of the W3C form."""

    told: Told
    status: str
    notes: str | None
    requested: str
    updated: str
    expected: str | None


_told: Final = msgspec.json.Decoder(Told)


def find(desk: Desk, ids: Sequence[str]) -> list[View]:
    """The requests of some ids, in that order; ids that are unknown are passed over."""
    keys = [key_of(SOURCE, id_) for id_ in dict.fromkeys(ids)]
    return views(desk, _requests(desk, keys))


def search(desk: Desk, wanted: Wanted) -> list[View]:
    """A page of the requests that were made in some time, the newest first.

    The log has them in the order in which they came, so a moment is found by halving. InputError: more than
    MOST_LOOKED of them lie in that time.
    """
    keys = desk.keys(EVENT, key_of(SOURCE, ""), MOST_KNOWN)

    def received(key: str) -> datetime:
        return datetime.fromisoformat(_told.decode(desk.find(EVENT, [key])[key].body).received_at)

    first = bisect_left(keys, wanted.begin, key=received)
    last = bisect_right(keys, wanted.end, first, key=received)
    if last - first > MOST_LOOKED:
        reason = f"begins a time with more than {MOST_LOOKED:,} requests; ask for a shorter one"
        raise InputError("start_date", reason)
    skipped, out = (wanted.page - 1) * wanted.page_size, list[View]()
    for view in _matching(desk, keys[first:last], wanted):
        if skipped:
            skipped -= 1
        elif len(out) < wanted.page_size:
            out.append(view)
        else:
            break
    return out


def _matching(desk: Desk, keys: Sequence[str], wanted: Wanted) -> Iterator[View]:
    for end in range(len(keys), 0, -_CHUNK):
        chunk = keys[max(end - _CHUNK, 0) : end][::-1]
        found = [each for each in _requests(desk, chunk) if each[1].class_ in wanted.classes]
        yield from (view for view in views(desk, found) if view.status in wanted.statuses)


def _requests(desk: Desk, keys: Sequence[str]) -> list[tuple[Entry, Told]]:
    found = desk.find(EVENT, keys)
    entries = [(found[key], _told.decode(found[key].body)) for key in keys if key in found]
    return [(entry, told) for entry, told in entries if told.is_request]


def views(desk: Desk, requests: Sequence[tuple[Entry, Told]]) -> list[View]:
    """How requests stand now."""
    things = [entry.key for entry, _ in requests]
    states = {thing: read_state(row) for thing, row in desk.situations(things).items()}
    live = desk.orders_about(things)
    own = desk.orders([f"o-{entry.seq}" for entry, _ in requests])
    out: list[View] = []
    for entry, told in requests:
        row = live[entry.key][-1] if entry.key in live else own.get(f"o-{entry.seq}")
        order = None if row is None else order_from_json(row.body)
        out.append(_view(entry, told, states.get(entry.key), order))
    return out


def _view(entry: Entry, told: Told, state: State | None, order: WorkOrder | None) -> View:
    title = state.title if state is not None and state.title != told.title else None
    requested = w3c(datetime.fromisoformat(told.received_at))
    if order is not None:
        clock = order.clock("close")
        expected = clock.due_at if clock is not None and order.state in LIVE else None
        notes = STATES[order.state].zh + (f"：{title}" if title else "")
        updated = w3c(order.closed_at or order.updated_at)
        status = OPEN if order.state in LIVE else CLOSED
        return View(told, status, notes, requested, updated, None if expected is None else w3c(expected))
    if state is None:
        return View(told, CLOSED if told.op == CLOSE else OPEN, None, requested, requested, None)
    updated = requested if state.last == entry.seq else state.occurred_at
    return View(told, OPEN if state.is_open else CLOSED, title, requested, updated, None)


def w3c(moment: datetime) -> str:
    """A moment of UTC as the standard writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
