"""The backlog: the orders that somebody owes an answer to, as columns.

How many are overdue changes with the clock on the wall, without a word in the log: so each order keeps the
first moment at which one of its running clocks is used up, and who asks compares it with now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.daybook.columns import Columns
from gridmap.daybook.today import URGENT, class_number
from gridmap.events.document import URGENCIES
from gridmap.order_rows import milliseconds
from gridmap.orders.clocks import next_due
from gridmap.orders.words import LIVE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gridmap.daybook.ground import Ground
    from gridmap.orders.order import WorkOrder
    from gridmap.types import BoolArray, Int32Array

NEVER: Final = 2**62
"""When an order is overdue none of whose clocks runs."""

_LINE: Final = {
    "live": np.bool_,
    "lon": np.float64,
    "lat": np.float64,
    "row": np.int32,
    "class": np.int8,
    "urgent": np.bool_,
    "drill": np.bool_,
    "due_ms": np.int64,
}


class Backlog:
    """Holds the live orders. It is changed in place: one thread at a time."""

    def __init__(self, ground: Ground) -> None:
        """No orders yet."""
        self._ground = ground
        self._lines = Columns(_LINE)
        self._line_of: dict[str, int] = {}
        self._codes: list[str | None] = []
        self._free: list[int] = []

    def take(self, orders: Sequence[WorkOrder]) -> None:
        """Take orders as they stand now, each once; one that is over is forgotten."""
        for order in orders:
            if order.state not in LIVE and (line := self._line_of.pop(order.id, None)) is not None:
                self._lines["live"][line] = False
                self._free.append(line)
        live = [order for order in orders if order.state in LIVE]
        if not live:
            return
        lines = np.array([self._line(order.id) for order in live], np.int64)
        points = np.array([order.at or (np.nan, np.nan) for order in live], np.float64).reshape(-1, 2)
        columns, codes = self._lines, [order.code for order in live]
        for line, code in zip(lines.tolist(), codes, strict=True):
            self._codes[line] = code
        columns["live"][lines] = True
        columns["lon"][lines], columns["lat"][lines] = points[:, 0], points[:, 1]
        columns["row"][lines] = self._ground.rows(points[:, 0], points[:, 1], codes)
        columns["class"][lines] = [class_number(order.class_) for order in live]
        columns["urgent"][lines] = [URGENCIES.index(order.urgency) < URGENT for order in live]
        columns["drill"][lines] = [order.drill for order in live]
        columns["due_ms"][lines] = [due_ms(order) for order in live]

    def move(self, ground: Ground) -> None:
        """Find every order's grid of another edition."""
        self._ground = ground
        columns = self._lines
        columns["row"][:] = ground.rows(columns["lon"], columns["lat"], self._codes)

    def look(self, now: datetime) -> Standing:
        """The orders that are no drills, as of a moment."""
        lines = np.flatnonzero(self._lines["live"] & ~self._lines["drill"])
        columns = self._lines
        overdue = columns["due_ms"][lines] <= milliseconds(now)
        return Standing(columns["row"][lines], columns["class"][lines], columns["urgent"][lines], overdue)

    def __len__(self) -> int:
        return len(self._line_of)

    def _line(self, id_: str) -> int:
        line = self._line_of.get(id_)
        if line is None:
            if self._free:
                line = self._free.pop()
            else:
                line = len(self._lines)
                self._lines.grow(1)
                self._codes.append(None)
            self._line_of[id_] = line
        return line


class Standing:
    """The live orders of a moment: the row of each, its class, whether it is urgent, whether overdue."""

    def __init__(self, rows: Int32Array, classes: Int32Array, urgent: BoolArray, overdue: BoolArray) -> None:
        self.rows = rows
        self.classes = classes
        self.urgent = urgent
        self.overdue = overdue


def due_ms(order: WorkOrder) -> int:
    """When the first clock that runs is used up, in ms since 1970; NEVER while none runs."""
    due = next_due(order)
    return NEVER if due is None else milliseconds(due)
