"""Days as China counts them, and where in the log one begins.

An event says when it came (`received_at`), and events stand in the log in that order, but for the clocks of
several servers and a clock that is set. Orders and notices are of no use here: they carry the time of what
they are about, which may be hours before they were written. So the first row of a day is found by bisecting
the log and looking at its events only, with a margin. Who reads a few rows too many from there loses nothing:
what belongs to a day is decided by the time that each fact itself carries.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from gridmap.events.situations import read_said
from gridmap.orders.calendar import CHINA
from gridmap.store.log import EVENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.store.log import Entry

DAY_S: Final = 86_400
HOUR_S: Final = 3_600
HOURS: Final = 24

MARGIN: Final = timedelta(minutes=1)
"""How far the clocks of those who write one log may be apart: far more than clocks that are kept."""

BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)
"""The first moment of UTC that can be written down; in China it was morning by then."""

STEP: Final = 128
"""Rows that are read to find an event; the keeper writes orders by the hundred."""


class Reader(Protocol):
    """Who reads the log: a desk, or the book itself."""

    def read(self, after: int, limit: int) -> list[Entry]:
        """Rows of the log behind a number, in order."""


class Between(NamedTuple):
    """Where a moment is in the log: rows up to `low` came before it, rows behind `high` not before it."""

    low: int
    high: int


def midnight_of(moment: datetime) -> datetime:
    """The midnight in China with which the day of a moment began."""
    return moment.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)


def seconds_of(text: str) -> int:
    """A time as events write it, in whole seconds since 1970, rounded down."""
    return int(moment_of(text).timestamp() // 1)


def moment_of(text: str) -> datetime:
    """A time as events write it; t and z may be small in RFC 3339, not in Python."""
    return datetime.fromisoformat(text.upper())


def in_utc(moment: datetime) -> datetime:
    """A moment in UTC; one that lies before UTC begins counts as its beginning.

    A source may say that something happened in the first hour of the year 1 in China.
    """
    return max(moment, BEGINNING).astimezone(UTC)


def place_of(moment: datetime, reader: Reader, head: int) -> Between:
    """Where in the log, up to the row `head`, a moment is: to within some rows and the margin, never less."""
    low = _before(max(moment, BEGINNING + MARGIN) - MARGIN, reader, head)[0]
    return Between(low, _before(moment + MARGIN, reader, head)[1])


def _before(moment: datetime, reader: Reader, head: int) -> tuple[int, int]:
    """Two numbers close to each other: the row of an event before a moment, and one that none follows."""
    low, high = 0, head
    while high - low > STEP:
        middle = (low + high) // 2
        found = _event_behind(middle, reader, high)
        if found is None or found[1] >= moment:
            high = middle
        else:
            low = found[0]
    return low, high


def _event_behind(after: int, reader: Reader, until: int) -> tuple[int, datetime] | None:
    """The first event behind a row, up to another: its number, and when it came."""
    while after < until:
        entries: Sequence[Entry] = reader.read(after, min(STEP, until - after))
        if not entries:
            return None
        for entry in entries:
            if entry.kind == EVENT:
                return entry.seq, moment_of(read_said(entry).received_at)
        after = entries[-1].seq
    return None
