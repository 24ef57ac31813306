"""The chronicle: the last events of any area, from the newest rows of the log.

It follows the log from its own cursor and keeps what an area's card says of each event. What is older than
`SPAN` rows is forgotten: a card tells what was lately, the log knows the rest.

An event that gives no place lies where its thing was when it came: a close seldom says again where. Of a
thing that began before the rows that are kept, that is where the keeper's table has it. Whoever asks has an
edition, and an event lies in a grid of that edition: by its point, and without one by its code.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

from gridmap.casework import codes_of
from gridmap.events.placing import NO_PLACE
from gridmap.events.situations import LEAST, applied, happened, read_said, read_state, things_of
from gridmap.store.log import EVENT

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from gridmap.events.placing import City
    from gridmap.events.situations import Said, State
    from gridmap.model import Edition
    from gridmap.store.desk import Desk
    from gridmap.store.log import Entry
    from gridmap.store.logbook import LogBook

SPAN: Final = 20_000
"""Rows of the log that are looked at, the newest."""

PAGE: Final = 5_000
"""Rows that are read at a time."""


class Place(NamedTuple):
    """Where an event is: its grid when it came, and its point; each None where nobody knows it."""

    code: str | None
    at: tuple[float, float] | None


class Line(NamedTuple):
    """What is told of an event; `code` is the grid in which it lies by the edition of whoever asks."""

    seq: int
    thing: str
    place: Place
    code: str | None
    title: str
    class_: str
    urgency: str
    op: str
    drill: bool
    occurred_at: str


class Chronicle:
    """Holds the newest events. Threads may share it; one at a time brings it up to date."""

    def __init__(self, book: LogBook, span: int = SPAN) -> None:
        """Follow a log, from its newest rows on; they are read when somebody asks."""
        self._book = book
        self._span = span
        self._turn = Lock()
        self._seq = 0
        self._edition: Edition | None = None
        self._lines: deque[Line] = deque()
        self._things: dict[str, State] = {}

    def latest(self, city: City, codes: Container[str | None], most: int) -> list[Line]:
        """The newest so many events in some grids of an edition, the newest first."""
        out: list[Line] = []
        with self._turn:
            self._follow(city)
            for line in reversed(self._lines):
                if line.code in codes:
                    out.append(line)
                    if len(out) == most:
                        break
        return out

    def _follow(self, city: City) -> None:
        if city.edition != self._edition:
            self._lines, self._edition = deque(_placed(self._lines, city)), city.edition
        head = self._book.head()
        self._seq = max(self._seq, head - self._span)
        while self._seq < head:
            lines = self._book.looking(lambda desk: self._read(desk, head))
            self._lines += _placed(lines, city)
        while self._lines and self._lines[0].seq <= head - self._span:
            line = self._lines.popleft()
            if self._things[line.thing].last == line.seq:
                del self._things[line.thing]

    def _read(self, desk: Desk, head: int) -> list[Line]:
        """The events of the next rows."""
        entries = desk.read(self._seq, min(PAGE, head - self._seq))
        events = [(entry, read_said(entry)) for entry in entries if entry.kind == EVENT]
        things = things_of(events, desk)
        self._look_up(events, things, desk)
        lines = [
            self._line(entry.seq, said, thing) for (entry, said), thing in zip(events, things, strict=True)
        ]
        self._seq = entries[-1].seq if entries else head
        return lines

    def _look_up(self, events: Sequence[tuple[Entry, Said]], things: Sequence[str], desk: Desk) -> None:
        """Learn of the things that began before, and of which is spoken now without a place."""
        silent = [thing for (_, said), thing in zip(events, things, strict=True) if said.unplaced == NO_PLACE]
        for thing, row in desk.situations(set(silent) - self._things.keys()).items():
            state = read_state(row)
            if state.first < events[0][0].seq:
                self._things[thing] = state

    def _line(self, seq: int, said: Said, thing: str) -> Line:
        state = self._things.get(thing)
        if state is None or state.last < seq:  # else the table was further than this, and is right
            state = self._things[thing] = applied(state, seq, said, thing)
        is_silent = said.unplaced == NO_PLACE
        place = Place(state.code, state.at) if is_silent else Place(said.code, said.at)
        urgency, when = said.urgency or LEAST, happened(said)
        return Line(seq, thing, place, None, said.title, said.class_, urgency, said.op, said.drill, when)


def _placed(lines: Iterable[Line], city: City) -> list[Line]:
    """Lines with their grids by an edition."""
    found = list(lines)
    codes = codes_of([line.place for line in found], city)
    return [line._replace(code=code) for line, code in zip(found, codes, strict=True)]
