"""One listener: how far it is, whether it keeps up, and the group of those who want the same.

A listener that keeps up (`live`) has everything the hub has and costs one write a tick. One that does not is
two numbers, how far it is in the log and in the states: what it lacks is looked up when it can take it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tiles.web.live.filters import Filter


class Outlet(Protocol):
    """What a listener needs of its transport."""

    def write(self, data: bytes, /) -> None:
        """Send, or keep until it can be sent."""

    def close(self) -> None:
        """Close when all is sent."""


class Keeper(Protocol):
    """What a listener tells the hub."""

    def slow(self, listener: Listener, /) -> None:
        """It reads too slowly: write to it no more."""

    def ready(self, listener: Listener, /) -> None:
        """It has read."""

    def leave(self, listener: Listener, /) -> None:
        """It has gone."""

    def end(self, listener: Listener, /) -> None:
        """The server ends: say farewell and close."""


class Group:
    """The listeners of one filter."""

    __slots__ = ("filter", "live", "pending", "size", "told")

    def __init__(self, wanted: Filter, seq: int) -> None:
        self.filter = wanted
        self.live: set[Listener] = set()
        """Those who have everything so far; the others follow at their own pace."""
        self.size = 0
        """All of them."""
        self.pending: list[bytes] = []
        self.told = seq
        """The highest id that its live listeners know."""


class Listener:
    """A stream to one client (`tiles.web.turns.Stream`); the hub owns it and changes it."""

    __slots__ = (
        "_keeper", "exact", "extra", "gone", "group", "halted", "halted_at", "live", "number", "outlet",
        "queued", "sent_at", "seq", "told", "waits",
    )  # fmt: skip

    def __init__(self, keeper: Keeper, group: Group, seq: int, number: int) -> None:
        self._keeper = keeper
        self.group = group
        self.outlet: Outlet
        self.seq = seq
        """It has the log up to here, while it is not live."""
        self.number = number
        """It has the states up to this tick."""
        self.told = seq
        """The last id it was told, while it is not live."""
        self.live = False
        self.exact = False
        """It was resumed and gets every frame; else a long gap is closed with the last of each key."""
        self.waits = False
        """Its states are being read."""
        self.queued = False
        self.halted = False
        """It does not read: nothing is written to it."""
        self.halted_at = 0.0
        self.sent_at = 0.0
        self.gone = False
        self.extra: deque[bytes] = deque()
        """What goes out before anything else."""

    def paused(self) -> None:
        """The client reads more slowly than it is written to."""
        if not self.gone:
            self._keeper.slow(self)

    def resumed(self) -> None:
        """The client has read."""
        if not self.gone:
            self._keeper.ready(self)

    def ended(self) -> None:
        """The connection is over."""
        if not self.gone:
            self._keeper.leave(self)

    def finish(self) -> None:
        """The server ends."""
        if not self.gone:
            self._keeper.end(self)
