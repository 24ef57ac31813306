"""What a card says of an area that no one table has: neighbours, what became of it, how its orders stand."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from gridmap.coverage.arcs import Coverage
from gridmap.coverage.canonical import from_bytes
from gridmap.coverage.edges import pack
from gridmap.coverage.measures import neighbours_of
from gridmap.orders.clocks import next_due
from gridmap.orders.words import URGENCIES

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence
    from datetime import datetime

    from gridmap.coverage.partition import Partition
    from gridmap.model import Edition
    from gridmap.orders.order import WorkOrder
    from gridmap.types import UInt64Array

MOST_COMPARED: Final = 5_000
"""Grids of an edition whose areas are compared with those of the one before: some hundredths of a second,
once. Of larger cities it would take seconds, for a word on a card."""

PAIRS_KEPT: Final = 64
"""Pairs of editions whose differences are remembered: a card tells of the newest twenty."""

PRINTS_KEPT: Final = 3
"""Editions that are at hand while one pair after the other is compared, in whichever direction."""

_UNKNOWN: Final[frozenset[str]] = frozenset({""})
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
    """Tells in which editions an area became another. Guards what it has learned; threads may share it.

    Of two editions the codes of what differs are kept, which are few, of so many pairs as `PAIRS_KEPT` says;
    whoever asks for one of these waits for nobody. Others are read, one edition at a time.
    """

    def __init__(self) -> None:
        self._turn = Lock()
        self._prints: OrderedDict[str, dict[str, tuple[str, int]]] = OrderedDict()
        self._pairs: dict[tuple[str, str], frozenset[str] | None] = {}

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
        pair = (edition.checksum, "" if base is None else base.checksum)
        known = self._pairs.get(pair, _UNKNOWN)
        if known is _UNKNOWN:
            with self._turn:
                known = self._pairs.get(pair, _UNKNOWN)
                if known is _UNKNOWN:
                    known = self._pairs[pair] = self._compared(edition, base, read)
                    if len(self._pairs) > PAIRS_KEPT:
                        del self._pairs[next(iter(self._pairs))]
        return None if known is None else code in known

    def _compared(
        self, edition: Edition, base: Edition | None, read: Callable[[Edition], bytes]
    ) -> frozenset[str] | None:
        """The codes of the areas that differ between two editions; None: there are too many to compare."""
        now = self._read(edition, read)
        before = {} if base is None else self._read(base, read)
        if not now or (base is not None and not before):
            return None
        return frozenset(code for code in {*now, *before} if now.get(code) != before.get(code))

    def _read(self, edition: Edition, read: Callable[[Edition], bytes]) -> dict[str, tuple[str, int]]:
        """The name of each area of an edition, and a number for its shape; empty for too many areas."""
        found = self._prints.get(edition.checksum)
        if found is None:
            partition = from_bytes(read(edition), outline_known=True)
            found = {} if len(partition.finest) > MOST_COMPARED else _prints_of(partition)
            self._prints[edition.checksum] = found
        self._prints.move_to_end(edition.checksum)
        if len(self._prints) > PRINTS_KEPT:
            self._prints.popitem(last=False)
        return found


def _prints_of(partition: Partition) -> dict[str, tuple[str, int]]:
    of_grids, out = shape_numbers(partition.coverage), {}
    for rows, table in zip(partition.ancestors, partition.levels, strict=True):
        numbers = np.zeros(len(table) + 1, np.uint64)
        np.add.at(numbers, rows, of_grids)  # of a border within the area both sides are added: 0
        for code, name, number in zip(table.codes, table.names, numbers[:-1].tolist(), strict=True):
            out[code] = name, number
    return out


def shape_numbers(coverage: Coverage) -> UInt64Array:
    """A number for the shape of each face, by row; another shape has another, but for one chance in 2^64.

    Each edge has a number made of its two ends, which is added for the face on one side of it and subtracted
    for that on the other. Where arcs begin and end makes no difference, and unions have the sums.
    """
    keys = pack(coverage.xs, coverage.ys).view(np.uint64)
    is_begin = np.ones(len(keys), np.bool_)
    is_begin[coverage.offsets[1:] - 1] = False
    begins = np.flatnonzero(is_begin)
    ends = keys[begins], keys[begins + 1]
    edges = _mixed(_mixed(np.minimum(*ends)) + np.maximum(*ends))
    edges = np.where(ends[0] < ends[1], edges, np.negative(edges))
    of_arcs = np.add.reduceat(edges, coverage.offsets[:-1] - np.arange(len(coverage)))
    numbers = np.zeros(coverage.faces + 1, np.uint64)  # NOWHERE, -1, takes the last
    np.add.at(numbers, coverage.left, of_arcs)
    np.subtract.at(numbers, coverage.right, of_arcs)
    return numbers[:-1]


def _mixed(values: UInt64Array) -> UInt64Array:
    """Numbers of 64 bits with all their bits mixed, as splitmix64 ends (Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: UInt64Array = values ^ (values >> np.uint64(31))
    return mixed


def live_in(orders: Iterable[WorkOrder], codes: Container[str]) -> list[WorkOrder]:
    """The orders in some grids that are no drills, the most urgent first, then the next that is due."""
    found = [order for order in orders if order.code in codes and not order.drill]
    return sorted(found, key=lambda each: (_URGENT_FIRST.index(each.urgency), _due_s(each), each.opened_at))


def count_overdue(orders: Sequence[WorkOrder], now: datetime) -> int:
    """How many orders have a running clock that is used up."""
    return sum((due := next_due(order)) is not None and due <= now for order in orders)


def _due_s(order: WorkOrder) -> float:
    due = next_due(order)
    return float("inf") if due is None else due.timestamp()
