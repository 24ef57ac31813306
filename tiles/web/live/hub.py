"""The hub: what happened, to everybody who listens, from the event loop's thread.

Theory of operation. Whoever follows the log hands items in, from any thread. They are gathered for one tick,
each is encoded once, put into the ring, and before the groups that want it (`groups`). Then each group's
piece is joined once and the same bytes are written to all its listeners, in slices, so that a tile asked for
meanwhile waits for one slice and not for a thousand writes. The next tick begins when the last one is dealt
out. A listener whose transport holds too much is not written to; it is led along the ring when it has read
(`catchup`). It costs two numbers and no queue of its own: a thousand slow ones cost no more than fast ones.

Refused. A queue for each listener: a thousand times the memory, and each frame touched a thousand times more.
A thread for each: 77 ms of CPU a tick where this takes 9. Compression: it would have to be done for each
listener anew, or all of them held in step for ever.
"""

from __future__ import annotations

import contextlib
from collections import deque
from threading import Thread
from time import thread_time
from typing import TYPE_CHECKING, Final, Protocol

from gridmap.store.store import utc_now
from tiles.web.limits import StreamLimits
from tiles.web.live.catchup import CatchUp
from tiles.web.live.groups import Groups
from tiles.web.live.items import Frame, beat, told
from tiles.web.live.listener import Listener
from tiles.web.live.ring import Ring
from tiles.web.live.states import States

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from tiles.web.live.filters import Filter
    from tiles.web.live.groups import Job
    from tiles.web.live.items import LiveItem
    from tiles.web.live.listener import Outlet
    from tiles.web.live.states import Snapshot

DEALT: Final = 48
"""Writes of one slice: about half a millisecond."""
LOOK_S: Final = 1.0
"""Seconds between two looks at every listener."""
EARLIEST: Final = 10_000
"""How far an id may be ahead of what is known here and still be waited for."""

GOODBYES: Final = {
    "slow": "You do not read what is sent. Come back with your last id.",
    "behind": "You are further behind than can be told. Come back with your last id, you will be told more.",
    "ending": "The server ends. Come back in a moment with your last id.",
}


class Loop(Protocol):
    """What the hub needs of the event loop."""

    def time(self) -> float:
        """Seconds of a clock that only goes on."""

    def call_soon(self, callback: Callable[..., object], *args: object) -> object:
        """Call in the next turn."""

    def call_later(self, delay: float, callback: Callable[..., object], *args: object) -> object:
        """Call after some seconds."""

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: object) -> object:
        """Call in the next turn, from any thread. RuntimeError: the loop is closed."""


def in_thread(work: Callable[[], object]) -> None:
    """Do work in a thread of its own."""
    Thread(target=work, name="states", daemon=True).start()


class Hub:
    """Tells items to listeners. `publish` is for any thread, all else for the loop's."""

    def __init__(
        self,
        seq: int = 0,
        limits: StreamLimits | None = None,
        *,
        edition: Callable[[], int] = lambda: 0,
        snapshot: Snapshot | None = None,
        now: Callable[[], datetime] = utc_now,
        run: Callable[[Callable[[], object]], object] = in_thread,
    ) -> None:
        """Begin behind the log's number `seq`: publish what follows it, in its order.

        To resume streams over a restart, begin some thousand entries back and publish those first.
        `edition` tells what is served now; `snapshot` reads all states for who has come back, by `run`.
        """
        self.limits = limits or StreamLimits()
        self.ticks = 0
        self.spent_s = 0.0
        """CPU seconds of all ticks: encoding, joining and writing."""
        self.reached = seq
        """How far the log was at the last look; what nobody listened to is told when somebody does."""
        self.came: Callable[[], object] = lambda: None
        """Called when somebody comes into an empty room."""
        self._edition = edition
        self._now = now
        self._ring = Ring(seq, self.limits.ring_frames, self.limits.ring_bytes)
        self._states = States(self.limits.states)
        self._groups = Groups()
        self._catchup = CatchUp(self._ring, self._states, self.limits, snapshot)
        self._catchup.run = run
        self._listeners: set[Listener] = set()
        self._early: set[Listener] = set()
        self._opened = 0
        self._loop: Loop | None = None
        self._fresh: deque[Sequence[LiveItem]] = deque()
        self._woken = False
        self._planned = False
        self._jobs: list[Job] = []
        self._ticked_at = 0.0

    @property
    def seq(self) -> int:
        """How far the log is that was told."""
        return self._ring.newest

    @property
    def streams(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def publish(self, items: Sequence[LiveItem]) -> None:
        """Tell items to everybody who wants them, from any thread; `items` is not to be changed afterwards.

        Items of the log come in the order of their numbers; one whose number was told already is passed over.
        """
        self._fresh.append(items)
        if self._loop is not None and not self._woken:
            self._woken = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                self._loop.call_soon_threadsafe(self._wake)

    def pass_over(self, seq: int) -> None:
        """Leave out what stands in the log up to a number: nobody listens; from any thread.

        Who comes back with an earlier id, or has just come, is told to load anew (`reset`).
        """
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                self._loop.call_soon_threadsafe(self._pass_over, seq)

    def _pass_over(self, seq: int) -> None:
        before = self._ring.newest
        self._ring.pass_over(seq)
        for listener in [*self._listeners]:  # who came in between lacks what was left out
            if listener.live:
                self._leave_behind(listener, before, self._catchup.number)
            self._catchup.add(listener)

    def begin(self, loop: Loop) -> None:
        """Take what was published so far, and begin to tell; called in the loop."""
        self._catchup.soon = loop.call_soon
        self._catchup.from_thread = loop.call_soon_threadsafe
        self._loop = loop
        self._tick()
        loop.call_later(LOOK_S, self._look)

    def listener(self, wanted: Filter, since: str | None) -> Listener:
        """A new listener that begins behind the id `since`, or now; `start` begins to write."""
        newest, reached = self._ring.newest, self._reached
        valid = since is not None and since.isascii() and since.isdigit() and len(since) < 19
        seq = int(since) if since is not None and valid else reached
        listener = Listener(self, self._groups.enter(wanted, newest), seq, self._catchup.number)
        listener.exact = since is not None
        self._listeners.add(listener)
        if len(self._listeners) == 1:
            self.came()
        if since is not None and not valid:
            self._catchup.reset(listener, "malformed", -1)
        elif seq > reached + EARLIEST:
            self._catchup.reset(listener, "future", seq)
        elif seq > newest:
            self._early.add(listener)
            if seq > reached:
                self._running.call_later(self.limits.early_s, self._too_early, listener)
        if since is not None:
            self._catchup.read_states(listener)
        return listener

    def start(self, listener: Listener, outlet: Outlet, head: bytes) -> None:
        """Write the head and the beginning of a stream, and go on with whatever it lacks."""
        listener.outlet = outlet
        listener.sent_at = self._running.time()
        self._opened += 1
        spread = self._opened * 7_919 % self.limits.retry_ms
        hello = {
            "seq": self._reached,
            "edition": self._edition(),
            "time": self._now().isoformat(timespec="milliseconds"),
        }
        begin = b"retry: %d\n\n%b" % (self.limits.retry_ms + spread, told("hello", hello, listener.seq))
        outlet.write(head + begin)
        self._catchup.add(listener)

    # What listeners tell

    def slow(self, listener: Listener) -> None:
        """A listener reads too slowly: it is written to no more."""
        listener.halted = True
        listener.halted_at = self._running.time()
        if listener.live:  # it has all that was dealt: no tick begins before the last one is dealt out
            self._leave_behind(listener, self._ring.newest, self._catchup.number)

    def ready(self, listener: Listener) -> None:
        """A listener has read."""
        listener.halted = False
        self._catchup.add(listener)

    def leave(self, listener: Listener) -> None:
        """A listener has gone."""
        listener.gone = True
        listener.extra.clear()
        listener.group.live.discard(listener)
        self._groups.leave(listener.group)
        self._listeners.discard(listener)
        self._early.discard(listener)

    def end(self, listener: Listener) -> None:
        """Say farewell because the server ends."""
        self._bye(listener, "ending")

    # The rest

    @property
    def _reached(self) -> int:
        return max(self._ring.newest, self.reached)

    @property
    def _running(self) -> Loop:
        if self._loop is None:
            raise RuntimeError("the hub has no loop yet: call begin first")
        return self._loop

    def _wake(self) -> None:
        self._woken = False
        if self._planned or self._jobs or not self._fresh:
            return
        wait = self._ticked_at + self.limits.tick_s - self._running.time()
        if wait > 0:
            self._planned = True
            self._running.call_later(wait, self._tick)
        else:
            self._tick()

    def _tick(self) -> None:
        begun = thread_time()
        self._planned = False
        self._ticked_at = self._running.time()
        before = self._ring.newest
        number = self._catchup.number = self._catchup.number + 1
        states: dict[tuple[str, str], LiveItem] = {}
        while self._fresh:
            for item in self._fresh.popleft():
                if item.seq is None:
                    states[item.kind, item.key] = item
                    continue
                frame = Frame.of(item)
                if self._ring.add(frame, item.seq):
                    self._groups.offer(frame)
        for item in states.values():
            frame = Frame.of(item)
            self._states.put(frame, number)
            self._groups.offer(frame)
        for job in self._groups.collect(self._ring.newest, self._ring.middle):
            if job.frames <= self.limits.lag_frames:
                self._jobs.append(job)
                continue
            for listener in job.listeners:  # a burst: each takes it as it can
                self._leave_behind(listener, before, number - 1)
                self._catchup.add(listener)
        for listener in [each for each in self._early if each.seq <= self._ring.newest]:
            self._early.discard(listener)
            self._catchup.add(listener)
        self.ticks += 1
        self.spent_s += thread_time() - begun
        self._deal()

    def _deal(self) -> None:
        """Write to some listeners, and give way to others in the loop."""
        begun = thread_time()
        now, number = self._running.time(), self._catchup.number
        left = DEALT
        while self._jobs and left:
            job = self._jobs[-1]
            listeners, data = job.listeners, job.data
            while listeners and left:
                listener = listeners.pop()
                if listener.live and listener.number < number:
                    listener.number = number
                    listener.sent_at = now
                    left -= 1
                    listener.outlet.write(data)
            if not listeners:
                self._jobs.pop()
        self.spent_s += thread_time() - begun
        if self._jobs:
            self._running.call_soon(self._deal)
        elif self._fresh:
            self._wake()

    def _leave_behind(self, listener: Listener, seq: int, number: int) -> None:
        listener.live = False
        listener.group.live.discard(listener)
        listener.seq, listener.number, listener.told = seq, number, -1

    def _too_early(self, listener: Listener) -> None:
        if listener in self._early:
            self._early.discard(listener)
            self._catchup.reset(listener, "future", listener.seq)
            self._catchup.add(listener)

    def _look(self) -> None:
        now, newest, floor = self._running.time(), self._ring.newest, self._ring.floor
        pulse = beat(newest)
        for listener in [*self._listeners]:
            if listener.halted:
                if listener.seq < floor:
                    self._bye(listener, "behind")
                elif now - listener.halted_at > self.limits.slow_s:
                    self._bye(listener, "slow")
            elif listener.live and not self._jobs and now - listener.sent_at >= self.limits.beat_s:
                listener.sent_at = now
                listener.outlet.write(pulse)
        self._running.call_later(LOOK_S, self._look)

    def _bye(self, listener: Listener, reason: str) -> None:
        said = {"reason": reason, "detail": GOODBYES[reason], "seq": self._ring.newest}
        listener.outlet.write(told("bye", said))
        self.leave(listener)
        listener.outlet.close()
