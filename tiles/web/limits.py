"""What clients may cost: the limits of the front, each set on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class BodyLimit(NamedTuple):
    """The largest body of an address in bytes, and the setting that says so ("" where none is taken)."""

    size: int
    setting: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client, or all of them together, may cost."""

    threads: int = 4
    """Requests answered at once by the app. More only wait for each other: most of an answer is Python."""
    connections: int = 900
    """Open sockets; below the 1,024 files that a process may usually open."""
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
