"""Episodes: when things were open in a period that is past, as it was known at the end of that period.

Theory of operation. An episode is the time from an opening of a thing to the close that ended it. The log is
played again from where the period begins in it to where it ends: each event is applied to its thing, as the
keeper did it then, and each opening and close is noted. What came later is not looked at, so the answer for a
period that is over stays what it is, whatever is reported afterwards.

For that, one must know how things stood when the period began.

- What is open now, and has not changed since before the period, stood as it stands: the board has it.
- What has changed since, and had begun before, is in the keeper's tables, with the number of its first event
  and how many it had. Most had one before the period, the first; what had more is looked for in the rows
  before the period, from the newest to the oldest.
- Rows are read up to a limit, of the period and before it. Where a limit is met, the answer says that it is
  not whole, unless the tables tell that no opening and no close can be missing: a thing that is open since
  its first event was never closed, and of two events of a closed one the second was the close. Of such a
  thing words may be older than they were then.

Left out: a table of episodes. It would be exact at any distance, and costs a row an opening for ever.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from gridmap.daybook.days import STEP, moment_of, place_of
from gridmap.events.document import CLOSE
from gridmap.events.situations import applied, happened, read_said, read_state, things_of
from gridmap.store.log import EVENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from gridmap.events.situations import Said, State
    from gridmap.store.desk import Desk
    from gridmap.store.log import Entry

PAGE: Final = 5_000
"""Rows that are read at a time."""


class Limits(NamedTuple):
    """How many rows of the log are read for one answer: of the period, and before it."""

    rows: int = 60_000
    before: int = 30_000


LIMITS: Final = Limits()
"""Some two seconds of reading. A city of 20 events a second writes as much in a quarter of an hour."""


@dataclass(frozen=True)
class Episode:
    """A thing that was open from `opened_at` to `closed_at`, or still was when the period ended (None).

    `state` is what was known of it at its close, or at the end of the period.
    """

    state: State
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class Period:
    """What was open in a period; `whole` says that nothing was left out."""

    episodes: list[Episode]
    whole: bool


class _Event(NamedTuple):
    seq: int
    said: Said
    thing: str


def episodes(
    desk: Desk,
    begin: datetime,
    end: datetime,
    seq: int,
    things: Mapping[str, State],
    limits: Limits = LIMITS,
) -> Period:
    """What was open at any moment from `begin` to `end`.

    `things` are those that are open as of the row `seq` of the log, which the keeper has taken.
    """
    first, last = place_of(begin, desk, seq).low, place_of(end, desk, seq).high
    after = max(first, last - limits.rows)
    events = _events(desk, after, last)
    changed, is_whole = _changed_since(desk, after, limits.rows, {event.thing for event in events})
    older = _Older(desk, after, [state for state in changed.values() if state.first <= after])
    is_whole = older.find(events, last, limits.before) and is_whole
    said: dict[str, list[_Event]] = {}
    for event in [*older.events(), *events]:
        if moment_of(event.said.received_at) <= end:
            said.setdefault(event.thing, []).append(event)
    out = [each for chain in said.values() for each in _played(chain)]
    out += [
        Episode(state, moment_of(state.opened_at), None)
        for state in things.values()
        if state.last <= after and state.thing not in said
    ]
    found = [each for each in out if _overlaps(each, begin, end)]
    return Period(sorted(found, key=_order), is_whole and after == first)


class _Older:
    """Things that had begun before a row of the log: what was said of them up to it."""

    def __init__(self, desk: Desk, after: int, states: Sequence[State]) -> None:
        self._desk = desk
        self._after = after
        self._states = {state.thing: state for state in states}
        self._found: dict[str, dict[int, _Event]] = {thing: {} for thing in self._states}

    def events(self) -> list[_Event]:
        """What was found, in the order of the log."""
        found = [event for events in self._found.values() for event in events.values()]
        return sorted(found, key=lambda event: event.seq)

    def find(self, later: Sequence[_Event], last: int, limit: int) -> bool:
        """Find what was said up to the row, looking at so many rows before it at most; whether that is all.

        `later` are the events behind it up to the row `last`.
        """
        self._find_first()
        behind = Counter(event.thing for event in later)
        # How many there must be is known of those that nobody has spoken of since.
        due = {
            thing: state.events - behind[thing] if state.last <= last else None
            for thing, state in self._states.items()
        }
        wanted = {thing for thing, count in due.items() if count != 1}
        high = self._after
        while wanted and high > max(0, self._after - limit):
            low = max(0, high - PAGE)
            for event in _events(self._desk, low, high):
                if event.thing in wanted:
                    self._found[event.thing][event.seq] = event
            high = low
            wanted = {
                thing
                for thing in wanted
                if self._states[thing].first <= high and len(self._found[thing]) != due[thing]
            }
        return all(map(self._is_sure, wanted))

    def _find_first(self) -> None:
        thing_of = {state.first: thing for thing, state in self._states.items()}
        for entry in _numbered(self._desk, sorted(thing_of)):
            thing = thing_of[entry.seq]
            self._found[thing][entry.seq] = _Event(entry.seq, read_said(entry), thing)

    def _is_sure(self, thing: str) -> bool:
        """Whether a thing was opened by its first event, and cannot have been closed before the row."""
        state = self._states[thing]
        first = self._found[thing][state.first].said
        since_first = first.op != CLOSE and state.opened_at == happened(first)
        return since_first and (state.is_open or state.events == 2)  # the opening, the close


def _played(events: Iterable[_Event]) -> Iterator[Episode]:
    """The episodes that events about one thing make, in the order of the log."""
    state: State | None = None
    opened: datetime | None = None
    for seq, said, thing in events:
        state = applied(state, seq, said, thing)
        if state.is_open and opened is None:
            opened = moment_of(state.opened_at)
        elif not state.is_open and opened is not None:
            yield Episode(state, opened, moment_of(state.occurred_at))
            opened = None
    if state is not None and opened is not None:
        yield Episode(state, opened, None)


def _events(desk: Desk, after: int, last: int) -> list[_Event]:
    """The events behind a row up to another, each with its thing."""
    out = []
    while after < last:
        entries = desk.read(after, min(PAGE, last - after))
        said = [(entry, read_said(entry)) for entry in entries if entry.kind == EVENT]
        things = things_of(said, desk)
        out += [_Event(entry.seq, each, thing) for (entry, each), thing in zip(said, things, strict=True)]
        after = entries[-1].seq
    return out


def _changed_since(desk: Desk, after: int, limit: int, besides: set[str]) -> tuple[dict[str, State], bool]:
    """The things that changed behind a row, at most so many, and some others; whether these are all."""
    found: dict[str, State] = {}
    seq = after
    while len(found) < limit and (rows := desk.changed_situations(seq, PAGE)):
        seq = rows[-1].seq
        found |= {row.thing: read_state(row) for row in rows}
    is_all = len(found) < limit
    rows = [*desk.situations(besides - found.keys()).values()]
    return found | {row.thing: read_state(row) for row in rows}, is_all


def _numbered(desk: Desk, numbers: Sequence[int]) -> Iterator[Entry]:
    """The rows of some numbers, which are in order; those that stand close together are read at once."""
    place = 0
    while place < len(numbers):
        end = place + 1
        while end < len(numbers) and numbers[end] - numbers[end - 1] <= STEP:
            end += 1
        wanted = set(numbers[place:end])
        for after in range(numbers[place] - 1, numbers[end - 1], PAGE):
            entries = desk.read(after, min(PAGE, numbers[end - 1] - after))
            yield from (entry for entry in entries if entry.seq in wanted)
        place = end


def _overlaps(episode: Episode, begin: datetime, end: datetime) -> bool:
    return episode.opened_at <= end and (episode.closed_at is None or episode.closed_at >= begin)


def _order(episode: Episode) -> tuple[datetime, str]:
    return episode.opened_at, episode.state.thing
