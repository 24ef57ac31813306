"""The chronicle: the last events of any area, from the newest rows of the log.

It follows the log from its own cursor and keeps what an area's card says of each event. What is older than
`SPAN` rows is forgotten: a card tells what was lately, the log knows the rest.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

from gridmap.events.situations import LEAST, read_said
from gridmap.store.log import EVENT

if TYPE_CHECKING:
    from collections.abc import Container

    from gridmap.store.logbook import LogBook

SPAN: Final = 20_000
"""Rows of the log that are looked at, the newest."""

PAGE: Final = 5_000
"""Rows that are read at a time."""


class Line(NamedTuple):
    """What is told of an event; `code` is the grid in which it was when it came."""

    seq: int
    code: str | None
    title: str
    class_: str
    urgency: str
    op: str
    occurred_at: str


class Chronicle:
    """Holds the newest events. Threads may share it; one at a time brings it up to date."""

    def __init__(self, book: LogBook, span: int = SPAN) -> None:
        """Follow a log, from its newest rows on; they are read when somebody asks."""
        self._book = book
        self._span = span
        self._turn = Lock()
        self._seq = 0
        self._lines: deque[Line] = deque()

    def latest(self, codes: Container[str], most: int) -> list[Line]:
        """The newest so many events in some grids, the newest first."""
        out: list[Line] = []
        with self._turn:
            self._follow()
            for line in reversed(self._lines):
                if line.code in codes:
                    out.append(line)
                    if len(out) == most:
                        break
        return out

    def _follow(self) -> None:
        head = self._book.head()
        self._seq = max(self._seq, head - self._span)
        while self._seq < head and (entries := self._book.read(self._seq, min(PAGE, head - self._seq))):
            self._seq = entries[-1].seq
            for entry in entries:
                if entry.kind == EVENT:
                    said = read_said(entry)
                    self._lines.append(
                        Line(
                            entry.seq,
                            said.code,
                            said.title,
                            said.class_,
                            said.urgency or LEAST,
                            said.op,
                            said.occurred_at,
                        )
                    )
        while self._lines and self._lines[0].seq <= head - self._span:
            self._lines.popleft()
