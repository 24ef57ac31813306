"""Today: the things that were opened or closed since midnight, counted by grid, hour and class.

Theory of operation. What counts is how a thing stands: one whose last opening was today is new today, at the
hour of that opening; one that is closed, and ceased to be open today, was closed today. So a thing that
opens and closes ten times is one, not ten, and a repeated, late or corrected event counts for what it makes
of its thing and for nothing else. What is only ever heard of as closed is neither.

The keeper's table of situations says how things stand, and the number of the event that last changed each.
A thing that changed is taken out of the sums as it was and put into them as it is (the flows of a tally), so
the work is that of the changes, and a question costs what the grids cost, however many events there were.
For that, each thing of today has a line of 40 bytes; 1.7 million of them are 70 MB.

A thing is known by the number of its first event. Numbers of today are dense, so their lines are found in an
array; things that are older than today are few, and in a dictionary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.daybook.columns import Columns
from gridmap.daybook.days import DAY_S, HOUR_S, HOURS, seconds_of
from gridmap.events.document import CLASSES, URGENCIES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gridmap.daybook.ground import Ground
    from gridmap.events.situations import State
    from gridmap.types import BoolArray, Int32Array, Int64Array

NOT_TODAY: Final = -1

URGENT: Final = 2
"""Of the urgencies, the first so many are urgent: red and orange."""

_LINE: Final = {
    "first": np.int64,
    "lon": np.float64,
    "lat": np.float64,
    "name": np.int32,
    "row": np.int32,
    "opened": np.int32,
    "closed": np.int32,
    "class": np.int8,
    "drill": np.bool_,
}
_CLASS: Final = {name: number for number, name in enumerate(CLASSES)}
_OTHER: Final = _CLASS["其他"]


class Today:
    """Counts the things of one day. It is changed in place: one thread at a time."""

    def __init__(self, ground: Ground, midnight: datetime, after: int) -> None:
        """Of the day that begins at a midnight; nothing of it stands in the log up to the row `after`."""
        self.midnight = midnight
        self._begin_s = int(midnight.timestamp())
        self._after = after
        self._lines = Columns(_LINE)
        self._line_of = Columns({"line": np.int32})
        self._older: dict[int, int] = {}
        self._urgent: dict[int, str] = {}
        self._names: list[str | None] = [None]
        self._number_of: dict[str | None, int] = {None: 0}
        self._ground = ground
        self._clear()

    def take(self, states: Sequence[State]) -> None:
        """Count things as they stand now; each is there once."""
        opened = np.array([self._opened(state) for state in states], np.int32)
        closed = np.array([self._closed(state) for state in states], np.int32)
        firsts = np.array([state.first for state in states], np.int64)
        lines = self._find(firsts)
        here = (lines >= 0) | (opened != NOT_TODAY) | (closed != NOT_TODAY)
        if not here.any():
            return
        lines = self._give(firsts[here], lines[here])
        chosen = [states[place] for place in np.flatnonzero(here).tolist()]
        self._add(lines, -1)
        self._write(lines, chosen)
        self._lines["opened"][lines], self._lines["closed"][lines] = opened[here], closed[here]
        self._add(lines, 1)
        for line, state, second in zip(lines.tolist(), chosen, opened[here].tolist(), strict=True):
            if second != NOT_TODAY and not state.drill and URGENCIES.index(state.urgency) < URGENT:
                self._urgent[line] = state.thing
            else:
                self._urgent.pop(line, None)

    def move(self, ground: Ground) -> None:
        """Count everything by the grids of another edition."""
        self._ground = ground
        self._clear()
        lines = np.arange(len(self._lines))
        codes = [self._names[number] for number in self._lines["name"].tolist()]
        self._lines["row"][:] = ground.rows(self._lines["lon"], self._lines["lat"], codes)
        self._add(lines, 1)

    def urgent(self, inside: BoolArray, most: int) -> list[str]:
        """The urgent things that were opened today in some places, those opened last first."""
        lines = np.fromiter(self._urgent, np.int64, len(self._urgent))
        lines = lines[inside[self._lines["row"][lines]]]
        newest = self._lines["opened"][lines]
        if len(lines) > most:  # all that may be told, before they are put in order
            lines = lines[newest >= np.partition(newest, -most)[-most]]
        order = np.lexsort((self._lines["first"][lines], self._lines["opened"][lines]))[::-1]
        return [self._urgent[line] for line in lines[order[:most]].tolist()]

    def __len__(self) -> int:
        return len(self._lines)

    def _opened(self, state: State) -> int:
        return self._second(state.opened_at) if state.was_open else NOT_TODAY

    def _closed(self, state: State) -> int:
        if state.is_open or not state.was_open:
            return NOT_TODAY
        return self._second(state.closed_at or state.occurred_at)

    def _second(self, text: str) -> int:
        """The second of today that a time is in."""
        second = seconds_of(text) - self._begin_s
        return second if 0 <= second < DAY_S else NOT_TODAY

    def _find(self, firsts: Int64Array) -> Int64Array:
        """The lines of things, -1 for those that have none."""
        out = np.full(len(firsts), -1, np.int64)
        places = firsts - self._after - 1
        dense = (places >= 0) & (places < len(self._line_of))
        out[dense] = self._line_of["line"][places[dense]].astype(np.int64) - 1  # 0 is no line, 1 the first
        for place in np.flatnonzero(places < 0).tolist():
            out[place] = self._older.get(int(firsts[place]), -1)
        return out

    def _give(self, firsts: Int64Array, lines: Int64Array) -> Int64Array:
        """The lines of things, new ones for those that have none."""
        fresh = np.flatnonzero(lines < 0)
        out = lines.copy()
        out[fresh] = np.arange(len(self._lines), len(self._lines) + len(fresh))
        self._lines.grow(len(fresh))
        self._lines["first"][out[fresh]] = firsts[fresh]
        self._lines["opened"][out[fresh]] = self._lines["closed"][out[fresh]] = NOT_TODAY
        places = firsts[fresh] - self._after - 1
        dense = places >= 0
        if dense.any():
            self._line_of.grow(max(0, int(places.max()) + 1 - len(self._line_of)))
            self._line_of["line"][places[dense]] = out[fresh][dense] + 1
        older = fresh[~dense]
        self._older |= dict(zip(firsts[older].tolist(), out[older].tolist(), strict=True))
        return out

    def _write(self, lines: Int64Array, states: Sequence[State]) -> None:
        """Write down where things are, and what they are."""
        nowhere = (np.nan, np.nan)
        points = np.array([state.at or nowhere for state in states], np.float64).reshape(-1, 2)
        columns, codes = self._lines, [state.code for state in states]
        columns["lon"][lines], columns["lat"][lines] = points[:, 0], points[:, 1]
        columns["name"][lines] = [self._number(code) for code in codes]
        columns["row"][lines] = self._ground.rows(points[:, 0], points[:, 1], codes)
        columns["class"][lines] = [_CLASS.get(state.class_, _OTHER) for state in states]
        columns["drill"][lines] = [state.drill for state in states]

    def _number(self, code: str | None) -> int:
        """A number for a code: some ten thousand codes stand in millions of lines."""
        number = self._number_of.get(code)
        if number is None:
            number = self._number_of[code] = len(self._names)
            self._names.append(code)
        return number

    def _clear(self) -> None:
        places = self._ground.places
        self.new_by_hour: Int32Array = np.zeros((places, HOURS), np.int32)
        """Things that were opened, by place and hour; no drills here, nor in the next two."""
        self.closed_by_hour: Int32Array = np.zeros((places, HOURS), np.int32)
        self.new_by_class: Int32Array = np.zeros((places, len(CLASSES)), np.int32)
        self.drills: Int32Array = np.zeros(places, np.int32)
        """Drills that were opened, by place."""

    def _add(self, lines: Int64Array, sign: int) -> None:
        """Add lines to the sums, or take them out of these (-1)."""
        row, drill = self._lines["row"][lines], self._lines["drill"][lines]
        opened, closed = self._lines["opened"][lines], self._lines["closed"][lines]
        is_new, is_closed = (opened != NOT_TODAY) & ~drill, (closed != NOT_TODAY) & ~drill
        np.add.at(self.new_by_hour, (row[is_new], opened[is_new] // HOUR_S), sign)
        np.add.at(self.closed_by_hour, (row[is_closed], closed[is_closed] // HOUR_S), sign)
        np.add.at(self.new_by_class, (row[is_new], self._lines["class"][lines][is_new]), sign)
        np.add.at(self.drills, row[drill & (opened != NOT_TODAY)], sign)


def class_number(name: str) -> int:
    """The place of a class among CLASSES; one that is unknown counts among the others."""
    return _CLASS.get(name, _OTHER)
