"""What the live stream carries: items of the log and states, each encoded once for Server-Sent Events.

The format is the one of the HTML standard (9.2, "Server-sent events"). An item of the log has its sequence
number as `id`, so whoever comes back with the last one it got is given what follows it. A state (of a device,
of a value) has none: only the newest of its key counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tiles.web.reply import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS: Final = ("event", "order", "device", "value", "edition", "notice")
"""All that is told; `device` and `value` are states, the others stand in the log."""

STATES: Final = frozenset({"device", "value"})

EVERYWHERE: Final = "edition"
"""The kind that concerns every listener, whatever its area, box and classes."""


class LiveItem(NamedTuple):
    """One thing to tell: its number in the log (None for a state), what it is, and where it belongs.

    `key` names what it is the newest of (a thing, an order, a device); `data` is JSON in UTF-8; `codes` are
    its grid and all areas above it; `lon, lat` are WGS84 degrees, None without a place.
    """

    seq: int | None
    kind: str
    key: str
    data: bytes
    codes: tuple[str, ...] = ()
    lon: float | None = None
    lat: float | None = None
    class_: str | None = None


class Frame(NamedTuple):
    """An item and its bytes for the wire."""

    item: LiveItem
    wire: bytes

    @classmethod
    def of(cls, item: LiveItem) -> Frame:
        """Encode an item."""
        return cls(item, encode(item.kind, item.data, item.seq))


def encode(kind: str, data: bytes, seq: int | None = None) -> bytes:
    """The bytes of one event. A line break in the data, which JSON has between words, begins a new line."""
    head = b"" if seq is None else b"id: %d\n" % seq
    if b"\n" in data or b"\r" in data:
        data = b"\ndata: ".join(data.splitlines())
    return b"%bevent: %b\ndata: %b\n\n" % (head, kind.encode(), data)


def told(kind: str, members: Mapping[str, object], seq: int | None = None) -> bytes:
    """An event of the stream itself: hello, reset, lagging, bye."""
    return encode(kind, to_json(members), seq)


def mark(seq: int) -> bytes:
    """Tell how far the log is without an event: a browser keeps the id and calls nobody (9.2.6)."""
    return b"id: %d\n\n" % seq


def beat(seq: int) -> bytes:
    """A heartbeat: a comment, which keeps proxies from closing, a mark, and `beat`, which a page can hear.

    A browser tells its page of no comment, so without an event nobody there could know a dead line from a
    quiet city.
    """
    return b": beat\nid: %d\n\n%b" % (seq, told("beat", {"seq": seq}))
