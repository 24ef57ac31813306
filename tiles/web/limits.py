"""What clients may cost: the limits of the front, each set on purpose."""

from __future__ import annotations

import resource
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

SPARE_FILES: Final = 192
"""Files that a process opens beside its connections: store, indexes, blobs, clients it has to refuse."""


class BodyLimit(NamedTuple):
    """The largest body of an address in bytes, and the setting that says so ("" where none is taken)."""

    size: int
    setting: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client, or all of them together, may cost."""

    threads: int = 4
    """Requests answered at once by the app. More only wait for each other: most of an answer is Python."""
    connections: int = 4_000
    """Open sockets, streams included; fewer where the process may not open so many files (`with_room`)."""
    idle_s: float = 30
    """Silence after which a connection is closed, a half-sent request included."""
    head_s: float = 30
    """Time for a whole head, from its first byte: a byte now and then is no way to keep a socket."""
    header_bytes: int = 16_384
    """Request line and headers together (431 above)."""
    body_bytes: int = 65_536
    """Request body where an address takes none (413 above); the others say theirs in their settings."""
    held_bytes: int = 512 << 20
    """Bodies of all clients together that wait to be whole or answered (503 above)."""
    grace_s: float = 3
    """What is under way may take this long when the server is told to end."""


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What the listeners of the live stream may cost, one and all together."""

    streams: int = 2_000
    """Open streams (503 above), and never more than three quarters of the connections."""
    ring_frames: int = 20_000
    """Logged frames kept so that a stream can be resumed: 100 s of the 200 events a second of a storm."""
    ring_bytes: int = 32 << 20
    """Bytes of those frames."""
    states: int = 100_000
    """Keys whose last state is kept, so that who was slow gets what changed meanwhile."""
    tick_s: float = 0.08
    """Time between two rounds of writing; what comes meanwhile is one piece for each listener."""
    beat_s: float = 15
    """Silence after which a listener gets a heartbeat."""
    dead_s: float = 45
    """How long what was sent may stay unacknowledged before the system gives the connection up."""
    socket_bytes: int = 128 << 10
    """What the system may hold for a listener that does not read."""
    buffer_bytes: int = 256 << 10
    """What we hold for it beside that; a listener with more is slow, and is not written to."""
    lag_frames: int = 1_000
    """Logged frames that a slow listener still gets one by one; of more it gets the last of each key."""
    slow_s: float = 30
    """How long a listener may not read at all before it is closed."""
    early_s: float = 1
    """How long an id that is not known yet is waited for: another process may have given it a moment ago."""
    retry_ms: int = 2_000
    """When a browser comes back after an end; each is told another time, up to twice this, to spread them."""


def with_room(limits: Limits) -> Limits:
    """Let this process open as many files as the connections need; fewer connections where it may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return limits
    return replace(limits, connections=max(1, soft - SPARE_FILES))
