"""What a card says of an area that no one table has: neighbours, what became of it, how its orders stand."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import shapely

from gridmap.coverage.arcs import Coverage
from gridmap.coverage.canonical import from_bytes
from gridmap.coverage.measures import neighbours_of
from gridmap.orders.words import URGENCIES

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence
    from datetime import datetime

    from gridmap.coverage.partition import Partition
    from gridmap.model import Edition
    from gridmap.orders.order import WorkOrder

MOST_COMPARED: Final = 5_000
"""Grids of an edition whose areas are compared with those of the one before: some tenths of a second, once.
Of larger cities it would take seconds, for a word on a card."""

_URGENT_FIRST: Final = tuple(URGENCIES)


class Neighbour(NamedTuple):
    """An area of the same level, by row, and how long the common border is."""

    row: int
    shared_m: float


def neighbours(coverage: Coverage, row: int) -> list[Neighbour]:
    """The areas that share a border of some length with one, the longest first, equal ones by row."""
    arcs = np.flatnonzero((coverage.left == row) | (coverage.right == row))
    sizes = np.diff(coverage.offsets)[arcs]
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    points = np.repeat(coverage.offsets[arcs] - ends[:-1], sizes) + np.arange(ends[-1])
    own = Coverage(
        coverage.xs[points],
        coverage.ys[points],
        ends,
        coverage.left[arcs],
        coverage.right[arcs],
        coverage.faces,
    )
    found = neighbours_of(own)
    others = np.where(found.one == row, found.other, found.one)
    pairs = zip(others.tolist(), found.border_m.tolist(), strict=True)
    return sorted((Neighbour(*pair) for pair in pairs), key=lambda each: (-each.shared_m, each.row))


class Past:
    """Tells in which editions an area became another. Guards what it has learned; threads may share it."""

    def __init__(self) -> None:
        self._turn = Lock()
        self._known: dict[str, dict[str, int]] = {}

    def changed(
        self, edition: Edition, base: Edition | None, code: str, read: Callable[[Edition], bytes] | None
    ) -> bool | None:
        """Whether an area's name or shape differs from that in the edition before; it may begin or end.

        `read` gives the canonical bytes of an edition. None: that cannot be told in a moment.
        """
        if base is not None and base.checksum == edition.checksum:
            return False
        if read is None:
            return None
        with self._turn:
            now = self._prints(edition, read)
            before = {} if base is None else self._prints(base, read)
        return None if now is None or before is None else now.get(code) != before.get(code)

    def _prints(self, edition: Edition, read: Callable[[Edition], bytes]) -> dict[str, int] | None:
        """A number for each area of an edition: the same name and shape have the same one."""
        found = self._known.get(edition.checksum)
        if found is None:
            partition = from_bytes(read(edition), outline_known=True)
            found = {} if len(partition.finest) > MOST_COMPARED else _prints_of(partition)
            self._known[edition.checksum] = found
        return found or None


def _prints_of(partition: Partition) -> dict[str, int]:
    out: dict[str, int] = {}
    for depth, table in enumerate(partition.levels):
        shapes = shapely.to_wkb(shapely.normalize(partition.polygons_at(depth)))
        for code, name, shape in zip(table.codes, table.names, shapes, strict=True):
            out[code] = hash((name, shape))
    return out


def live_in(orders: Iterable[WorkOrder], codes: Container[str]) -> list[WorkOrder]:
    """The orders in some grids that are no drills, the most urgent first, then the next that is due."""
    found = [order for order in orders if order.code in codes and not order.drill]
    return sorted(found, key=lambda each: (_URGENT_FIRST.index(each.urgency), _due_s(each), each.opened_at))


def due_at(order: WorkOrder) -> datetime | None:
    """When the next clock of an order that runs is used up, None where none runs."""
    return min((clock.due_at for clock in order.clocks if clock.since and clock.due_at), default=None)


def count_overdue(orders: Sequence[WorkOrder], now: datetime) -> int:
    """How many orders have a running clock that is used up."""
    return sum((due := due_at(order)) is not None and due <= now for order in orders)


def _due_s(order: WorkOrder) -> float:
    due = due_at(order)
    return float("inf") if due is None else due.timestamp()
