"""The desk of devices: takes readings, looks at those that are due, and has told what follows.

Theory of operation. In one transaction the states are read, changed by the engine, and stored together with
the events that follow; then the events are told, and taken off the list. So a reading that was taken is on
disk with all its consequences. Whoever dies in between leaves events on the list; the next sweep, in any
process, tells them, and as their ids are fixed, telling twice is telling once. Of several processes on one
city each has a desk; the database puts their transactions one after the other.

Where a desk is told that its broker is away (`hears(False)`), its part of the feed's clock stands still.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, timedelta
from functools import partial
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from msgspec.structs import replace

from gridmap.devices.feed import Feed, feed_body, read_feed
from gridmap.devices.rules import read_rules
from gridmap.devices.work import Work
from gridmap.trying import Trying

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from gridmap.devices.document import Reading
    from gridmap.devices.rules import Rules
    from gridmap.store.device_states import DeviceBook, DeviceTable

    SendEvents = Callable[[list[dict[str, Any]]], object]

LOG: Final = logging.getLogger(__name__)

AT_ONCE: Final = 2_000
"""Devices of one transaction: some tens of ms, in which nobody else can write."""

TOLD_AT_ONCE: Final = 500
"""Events that are told at a time."""

KEPT_S: Final = 60
"""How often the feed's clock is stored when nothing happens; so much of it a kill may cost."""

Done = TypeVar("Done")


class FeedState(NamedTuple):
    """What people may know of the feed: whether this process hears, how many devices are held, and events."""

    is_up: bool
    held: int
    untold: int


class DeviceDesk:
    """Takes what devices say. Threads may share it."""

    def __init__(
        self,
        book: DeviceBook,
        send_events: SendEvents,
        clock: Callable[[], datetime],
        rules: Rules | None = None,
    ) -> None:
        """`send_events` has events written (in the form of POST /events), and raises when none of them was.

        Without rules those of a city that has said nothing.
        """
        self.book = book
        self.rules = rules or read_rules()
        self._send = send_events
        self._clock = clock
        self._fingerprint = self.rules.fingerprint()
        self._lock = Lock()
        self._telling = Trying(LOG, "events of devices wait to be written")
        self._hears = True
        self._since: datetime | None = self._after_break()

    def take(self, readings: Sequence[Reading]) -> list[str | None]:
        """Let readings count; tell of each why it cannot be used, None where it can.

        What is told None is on disk when this returns. Some thousand are stored at a time.
        """
        out: list[str | None] = []
        for place in range(0, len(readings), AT_ONCE):
            some = readings[place : place + AT_ONCE]
            out += self._change(partial(_hear, some))
        return out

    def sweep(self) -> int:
        """Look at the devices that are due, and tell what is left to be told; how many were looked at."""
        feed, is_due = self.book.look(self._glance)
        if feed.pending:
            self._tell(feed.pending)
        looked = 0
        while is_due:
            found = self._change(lambda work: work.look(AT_ONCE))
            looked += found
            is_due = found == AT_ONCE
        return looked

    def hears(self, is_up: bool) -> None:
        """Be told that the feed is up, or down: what runs against devices is counted while it is up."""
        if is_up == self._hears:
            return
        try:
            self._change(lambda _work: None)  # what was listened to until now is counted
        finally:
            self._since = self._after_break() if is_up else None
            self._hears = is_up

    def missed(self) -> None:
        """Be told that this process did not run for a while, or that the machine's clock was moved."""
        if self._hears:
            self._since = self._after_break()

    def feed(self) -> FeedState:
        """What may be known of the feed."""
        feed, _ = self.book.look(self._glance)
        return FeedState(self._hears, 0 if feed.hold is None else feed.hold.count, len(feed.pending))

    def _after_break(self) -> datetime:
        """From when on a feed that comes back counts; one that was never up has nobody to wait for."""
        now = self._clock()
        body = self.book.look(lambda table: table.feed)
        if body is None or read_feed(body, now).ms == 0:
            return now
        return now + timedelta(seconds=self.rules.feed.settle_s)

    def _glance(self, table: DeviceTable) -> tuple[Feed, bool]:
        """The feed now, and whether there is anything to be done; without a write."""
        wall = self._clock().astimezone(UTC)
        stored = read_feed(table.feed, wall, self._fingerprint)
        feed = stored.at_moment(wall, self._since)
        is_held = feed.hold is not None and feed.ms < feed.hold.next
        is_due = (
            feed.rules != self._fingerprint
            or feed.ms - stored.ms >= 1000 * KEPT_S
            or bool(table.due(0 if is_held else feed.ms, 1))
            or (feed.hold is not None and not is_held)
        )
        return feed, is_due

    def _change(self, work: Callable[[Work], Done]) -> Done:
        """Do some work in one transaction, then tell what follows."""

        def changed(table: DeviceTable) -> tuple[Done, list[dict[str, Any]]]:
            each = Work(table, self._clock().astimezone(UTC), self._since, self.rules, self._fingerprint)
            done = work(each)
            each.close()
            return done, each.told

        with self._lock:
            done, told = self.book.change(changed)
        if told:
            self._tell(told)
        return done

    def _tell(self, events: Sequence[dict[str, Any]]) -> None:
        """Have events written and take them off the list; where that fails they stay for the next sweep."""
        for place in range(0, len(events), TOLD_AT_ONCE):
            some = list(events[place : place + TOLD_AT_ONCE])
            with self._telling:
                self._send(some)
            if not self._telling.is_well:
                return
            self._take_off({event["id"] for event in some})

    def _take_off(self, told: set[str]) -> None:
        def off(table: DeviceTable) -> None:
            feed = read_feed(table.feed, self._clock())
            left = tuple(event for event in feed.pending if event["id"] not in told)
            table.put_feed(table.changed, feed_body(replace(feed, pending=left)))

        with self._lock:
            self.book.change(off)


def _hear(readings: Sequence[Reading], work: Work) -> list[str | None]:
    return work.hear(readings)


class Rounds:
    """Sweeps at intervals in a thread of its own; close it when done."""

    def __init__(self, desk: DeviceDesk, every_s: float = 5.0, stalled_s: float = 60.0) -> None:
        """A round that begins more than `stalled_s` late was slept through: the machine stood still."""
        self._desk = desk
        self._every_s = every_s
        self._stalled_s = stalled_s
        self._ended = Event()
        self._thread = Thread(target=self._run, name="devices", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Sweep no more."""
        self._ended.set()
        self._thread.join(10)

    def _run(self) -> None:
        before, trying = time.time(), Trying(LOG, "devices are not looked after")
        while not self._ended.wait(self._every_s):
            late_s = time.time() - before - self._every_s
            with trying:
                if abs(late_s) > self._stalled_s:
                    self._desk.missed()
                self._desk.sweep()
            before = time.time()
