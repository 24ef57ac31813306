"""The last state of each key: what a listener that was slow, or has come back, missed of what is not logged.

States change far more often than anybody needs to know. So none is resumed one by one: whoever was slow gets
the newest of each key that changed meanwhile, whoever comes back gets all, read by the callback where there
is one (the store knows also what has not changed since this process began).
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from tiles.web.live.items import Frame, LiveItem

if TYPE_CHECKING:
    from tiles.web.live.filters import Filter

LOG: Final = logging.getLogger("tiles.web")

Snapshot = Callable[["Filter"], Iterable[LiveItem]]
"""Gives the last state of each key that a filter wants (it may give more); called in a thread of its own."""


class States:
    """The last state of each key by the tick in which it came, newest last. One thread's only."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._states: OrderedDict[tuple[str, str], tuple[int, Frame]] = OrderedDict()
        self.changed = 0
        """The tick of the newest."""
        self.floor = 0
        """All that came after this tick is here."""

    def put(self, frame: Frame, number: int) -> None:
        """Keep a state instead of the one before."""
        key = (frame.item.kind, frame.item.key)
        self._states[key] = (number, frame)
        self._states.move_to_end(key)
        self.changed = number
        if len(self._states) > self._most:
            self.floor = self._states.popitem(last=False)[1][0]

    def after(self, number: int, wanted: Filter) -> list[bytes]:
        """What a filter wants of the states that came after a tick, oldest first."""
        found = []
        for since, frame in reversed(self._states.values()):
            if since <= number:
                break
            if wanted.takes(frame.item):
                found.append(frame.wire)
        return found[::-1]


def read_states(snapshot: Snapshot, wanted: Filter) -> list[bytes] | None:
    """All states that a filter wants, encoded; None when they cannot be read, which the log then says."""
    try:
        return [Frame.of(item).wire for item in snapshot(wanted) if wanted.takes(item)]
    except Exception:
        LOG.exception("the states for listeners could not be read")
        return None
