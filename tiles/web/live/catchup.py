"""Listeners that do not keep up: those who come back, and those who read slowly.

Each is led along the ring, a chunk at a time and as fast as it reads, until it has what the hub has; then it
is live. Of a long gap only who has come back with an id gets every frame. Who was slow gets the last of each
key, and a `lagging` event that says what was left out and where to read it. A position that the ring has
passed is a `reset`, said inside the stream, because a browser would not show a status to its page.

Everything here is done in slices: whoever asks for a tile meanwhile waits for one slice.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from tiles.web.live.items import STATES, mark, told
from tiles.web.live.states import read_states

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiles.web.limits import StreamLimits
    from tiles.web.live.filters import Filter
    from tiles.web.live.listener import Group, Listener
    from tiles.web.live.ring import Ring
    from tiles.web.live.states import Snapshot, States

    Call = Callable[..., object]

CHUNK_BYTES: Final = 65_536
"""About how much is written to one listener at a time."""
SCANNED: Final = 500
"""Frames looked at for one listener at a time."""
STEPS: Final = 4
"""Steps of one slice, at most about a millisecond."""

REASONS: Final = {
    "expired": "So much has happened since that id that it cannot be told one by one.",
    "future": "That id has not been given yet: the log is another one, or was put back.",
    "malformed": "The id is no number of the log.",
}


class CatchUp:
    """Leads listeners to where the hub is. One thread's only."""

    def __init__(self, ring: Ring, states: States, limits: StreamLimits, snapshot: Snapshot | None) -> None:
        self._ring = ring
        self._states = states
        self._limits = limits
        self._snapshot = snapshot
        self._queue: deque[Listener] = deque()
        self._reading: dict[Filter, list[Listener]] = {}
        """Who waits for states that are being read, by filter."""
        self._coalesced: tuple[tuple[Group, int, int], list[bytes]] | None = None
        """The last gap that was closed: after a burst it is the same one for many."""
        self.number = 0
        """The tick that the hub is at."""
        self.soon: Call
        self.from_thread: Call
        self.run: Callable[[Callable[[], object]], object]

    def add(self, listener: Listener) -> None:
        """Go on with a listener as soon as others have had their turn."""
        if listener.queued or listener.gone:
            return
        listener.queued = True
        self._queue.append(listener)
        if len(self._queue) == 1:
            self.soon(self._slice)

    def reset(self, listener: Listener, reason: str, since: int) -> None:
        """Tell a listener that there is no way from where it was, and go on from here."""
        newest = self._ring.newest
        known = since if 0 <= since <= newest else 0
        listener.extra.append(
            told(
                "reset",
                {
                    "reason": reason,
                    "detail": REASONS[reason],
                    "reload": f"/events?since={known}",
                    "seq": newest,
                },
                newest,
            )
        )
        listener.seq = listener.told = newest
        self.read_states(listener)

    def read_states(self, listener: Listener) -> None:
        """Have all states read for a listener that wants some; those of one filter share them."""
        wanted = listener.group.filter
        if listener.waits or not wanted.kinds & STATES:
            return
        snapshot = self._snapshot
        if snapshot is None:
            listener.number = 0  # whatever is known here
            return
        listener.waits = True
        if wanted in self._reading:
            self._reading[wanted].append(listener)
            return
        self._reading[wanted] = [listener]
        number = self.number
        self.run(lambda: self.from_thread(self._have_states, wanted, number, read_states(snapshot, wanted)))

    def _have_states(self, wanted: Filter, number: int, wires: list[bytes] | None) -> None:
        for listener in self._reading.pop(wanted):
            listener.waits = False
            listener.number = 0 if wires is None else number
            if not listener.gone:
                listener.extra.extend(wires or ())
                self.add(listener)

    def _slice(self) -> None:
        for _ in range(min(STEPS, len(self._queue))):
            listener = self._queue.popleft()
            listener.queued = False
            if not (listener.gone or listener.halted or listener.live) and self._step(listener):
                listener.queued = True
                self._queue.append(listener)
        if self._queue:
            self.soon(self._slice)

    def _step(self, listener: Listener) -> bool:
        """One chunk for one listener; False when there is nothing more to do for it now."""
        ring, seq = self._ring, listener.seq
        if listener.extra:
            self._write_extra(listener)
        elif seq > ring.newest:
            return False  # its id is not known here yet
        elif seq < ring.floor:
            self.reset(listener, "expired", seq)
        elif seq < ring.newest:
            if not listener.exact and ring.count_after(seq) > self._limits.lag_frames:
                self._coalesce(listener)
            else:
                self._write_frames(listener)
        elif listener.waits:
            return False
        elif listener.number < self._states.changed and listener.group.filter.kinds & STATES:
            listener.extra.extend(self._states.after(listener.number, listener.group.filter))
            listener.number = self.number
        else:
            self._go_live(listener)
            return False
        return not listener.halted

    def _write_extra(self, listener: Listener) -> None:
        size, wires = 0, []
        while listener.extra and size < CHUNK_BYTES:
            wires.append(listener.extra.popleft())
            size += len(wires[-1])
        listener.outlet.write(b"".join(wires))

    def _write_frames(self, listener: Listener) -> None:
        takes = listener.group.filter.takes
        size, wires = 0, []
        for frame in self._ring.after(listener.seq, SCANNED):
            listener.seq = seq = frame.item.seq or 0
            if takes(frame.item):
                wires.append(frame.wire)
                listener.told = seq
                size += len(frame.wire)
                if size >= CHUNK_BYTES:
                    break
        if wires:
            listener.outlet.write(b"".join(wires))

    def _coalesce(self, listener: Listener) -> None:
        newest, since = self._ring.newest, listener.seq
        at = (listener.group, since, newest)
        if self._coalesced is None or self._coalesced[0] != at:
            self._coalesced = (at, self._last_of_each(listener.group.filter, since))
        listener.extra.extend(self._coalesced[1])
        listener.seq = newest

    def _last_of_each(self, wanted: Filter, since: int) -> list[bytes]:
        """The last frames of each key after a number, the newest ones of them, and what is said before."""
        last: dict[tuple[str, str], bytes] = {}
        count = 0
        for frame in self._ring.after(since, len(self._ring)):
            if wanted.takes(frame.item):
                count += 1
                key = (frame.item.kind, frame.item.key)
                last.pop(key, None)
                last[key] = frame.wire
        wires = [*last.values()][-self._limits.lag_frames :]
        if count == len(wires):
            return wires
        said = {
            "from": since,
            "to": self._ring.newest,
            "left_out": count - len(wires),
            "reload": f"/events?since={since}",
        }
        return [told("lagging", said), *wires]

    def _go_live(self, listener: Listener) -> None:
        newest = self._ring.newest
        listener.live = True
        listener.exact = False
        listener.number = self.number
        listener.group.live.add(listener)
        if listener.told < newest:
            listener.told = newest
            listener.outlet.write(mark(newest))
