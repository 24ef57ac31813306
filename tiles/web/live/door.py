"""`GET /live` over HTTP: a request is checked, becomes a listener of the hub, and its connection a stream.

The reply has no length and ends with the connection: every listener, HTTP/1.0 included, gets the same bytes,
which frames in chunks of their own would double. What is wrong with the question is a problem document with a
status; what is wrong with the id is said inside the stream, because a browser comes back with an old id by
itself and would give up for good at a status.
"""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from gridmap.errors import InputError
from tiles.web import gate, problems
from tiles.web.direct import pieces_of
from tiles.web.live.filters import RESUMING, read_filter
from tiles.web.reply import NEVER, Reply
from tiles.web.wire import first_lines, head_lines

if TYPE_CHECKING:
    import asyncio

    from gridmap.twin import Twin
    from tiles.web.limits import Limits, StreamLimits
    from tiles.web.live.hub import Hub
    from tiles.web.turns import Turns
    from tiles.web.wire import Request

PATH: Final = "/live"
LAYER: Final = "events"
"""What a stream discloses (`tiles.web.gate`)."""

EVENT_STREAM: Final = "text/event-stream"
LAST_ID: Final = b"last-event-id"
FIELDS: Final = 500
"""Parameters of one request; more are refused before they are looked at."""
AGAIN_S: Final = 5
"""When to try again where all streams are taken."""

SAMPLE: Final = Reply(
    b"-", f"{EVENT_STREAM}; charset=utf-8", cache=NEVER, headers=(("X-Accel-Buffering", "no"),)
)
"""A reply with the headers of every stream; `X-Accel-Buffering` keeps nginx from gathering it."""


class LiveDoor:
    """Makes streams of requests (`tiles.web.front.Opener`)."""

    def __init__(self, hub: Hub, twin: Twin) -> None:
        self._hub = hub
        self._twin = twin
        self._most = hub.limits.streams

    def begin(self, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        """Begin to tell; streams may take three quarters of the connections, tiles have the rest."""
        self._most = min(self._hub.limits.streams, max(1, limits.connections * 3 // 4))
        self._hub.begin(loop)

    def __call__(self, request: Request, connection: Turns) -> list[bytes] | None:
        """Make a stream of a request, or give the pieces of a reply that is none."""
        query: list[tuple[str, str]] = []
        try:
            query = read_pairs(request.target)
            wanted = read_filter(query, self._twin.current.has)
            since = last_id(request, query)
        except InputError as error:
            return pieces_of(request, problems.of_error(error, f"GET {PATH}", query), None)
        released, headers = gate.admit(SAMPLE, LAYER, gate.scope_of(None))
        if released is not SAMPLE:
            return pieces_of(request, SAMPLE, LAYER)
        if not (request.method == "HEAD" and request.keep_alive):
            headers.append(("Connection", "close"))
        head = first_lines(200) + head_lines(headers) + b"\r\n"
        if request.method == "HEAD":
            return [head]
        if self._hub.streams >= self._most:
            return pieces_of(request, _all_taken(self._most), None)
        listener = self._hub.listener(wanted, since)
        transport = connection.stream(listener)
        bound(transport, self._hub.limits)
        self._hub.start(listener, transport, head)
        return None


def read_pairs(target: bytes) -> list[tuple[str, str]]:
    """The query of a target as names and values. InputError: it has too many."""
    try:
        text = target.partition(b"?")[2].decode(errors="replace")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError as error:
        raise InputError("query", f"more than {FIELDS} parameters; give fewer") from error


def last_id(request: Request, query: list[tuple[str, str]]) -> str | None:
    """The id that a listener comes back with.

    The header goes before the query: a browser that comes back asks the same address again, and has read
    further meanwhile. InputError: the query gives two.
    """
    given = [value for name, value in query if name in RESUMING]
    if len(given) > 1:
        raise InputError(RESUMING[0], f"came together with {RESUMING[1]}; give one of them")
    for name, value in request.headers:
        if name == LAST_ID and value:
            return value.decode("latin-1")
    return given[0] if given else None


def bound(transport: asyncio.Transport, limits: StreamLimits) -> None:
    """Set what may lie in buffers for a listener, and how long it may be dead before that is noticed."""
    transport.set_write_buffer_limits(limits.buffer_bytes, limits.buffer_bytes // 4)
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.socket_bytes)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; elsewhere the system's own patience, some minutes
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(limits.dead_s * 1000))


def _all_taken(most: int) -> Reply:
    text = f"All {most:,} streams of this server are in use: try again in {AGAIN_S} seconds."
    return replace(problems.of_status(503, text), headers=(("Retry-After", str(AGAIN_S)),))
