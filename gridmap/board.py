"""The board: what is open now, in the memory of this process, as of one number of the log.

It follows the tables that the keeper makes, not the log itself: a number of the log is on the board when
whatever it means stands in the tables, in one look at both. So two boards that are as far hold the same,
whichever process made it. When the boundaries have changed, things are in other grids without a word of it in
the log: then everything is read anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Final

from gridmap.events.situations import read_state
from gridmap.orders.order import order_from_json
from gridmap.orders.words import LIVE
from gridmap.store.log import ORDER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridmap.events.situations import State
    from gridmap.orders.order import WorkOrder
    from gridmap.store.desk import Desk
    from gridmap.store.logbook import LogBook

PAGE: Final = 5_000
"""Rows that are read at a time."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What is open as of one number of the log, in the grids of one edition; never changed."""

    seq: int
    edition: int
    things: Mapping[str, State]
    orders: Mapping[str, WorkOrder]


class Board:
    """Holds the scene of now. Threads may share it; one at a time brings it up to date."""

    def __init__(self, book: LogBook, keeper: str, boundaries: str) -> None:
        """Read what is open.

        `keeper` is the name of the follower that makes the tables, `boundaries` the checkpoint that says by
        which edition things have their grids.
        """
        self._book = book
        self._keeper = keeper
        self._boundaries = boundaries
        self._turn = Lock()
        self.scene = self._book.looking(self._whole)

    def refresh(self) -> Scene:
        """Bring the scene up to what the keeper has made by now."""
        with self._turn:
            scene, before = self._book.looking(partial(self._next, self.scene)), self.scene
            while scene is not before:
                scene, before = self._book.looking(partial(self._next, scene)), scene
            self.scene = scene
            return scene

    def _whole(self, desk: Desk) -> Scene:
        seq = desk.checkpoint(self._keeper)
        things: dict[str, State] = {}
        orders: dict[str, WorkOrder] = {}
        after = 0
        while rows := desk.open_situations(after, PAGE):
            after = rows[-1].seq
            things |= {row.thing: read_state(row) for row in rows}
        after = 0
        while found := desk.live_orders(after, PAGE):
            after = found[-1].number
            orders |= {row.id: order_from_json(row.body) for row in found}
        return Scene(seq, desk.checkpoint(self._boundaries), things, orders)

    def _next(self, before: Scene, desk: Desk) -> Scene:
        seq = desk.checkpoint(self._keeper)
        if desk.checkpoint(self._boundaries) != before.edition:
            return self._whole(desk)
        if seq == before.seq:
            return before
        entries = desk.read(before.seq, min(seq - before.seq, PAGE))
        last = entries[-1].seq
        things, orders = dict(before.things), dict(before.orders)
        # One that was changed again beyond `last` is as it is now; its row comes again and changes nothing.
        for row in desk.changed_situations(before.seq, PAGE):
            if row.is_open:
                things[row.thing] = read_state(row)
            else:
                things.pop(row.thing, None)
        ids = {entry.key.partition(":")[0] for entry in entries if entry.kind == ORDER}
        for each in desk.orders(ids).values():
            order = order_from_json(each.body)
            if order.state in LIVE:
                orders[order.id] = order
            else:
                orders.pop(order.id, None)
        return Scene(last, before.edition, things, orders)
