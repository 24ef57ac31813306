"""A front in a thread, with an app of the test's own, for raw bytes over real sockets."""

from __future__ import annotations

import asyncio
import http.client
import socket
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from tiles.web.front import Front
from tiles.web.limits import BodyLimit, Limits
from tiles.web.server import reserve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tiles.web.direct import Handler
    from tiles.web.front import Opener

PATIENCE_S = 60
"""Longer than any machine needs; what takes that long hangs."""


def echo(environment: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer with method, path, query, length of the body and the body."""
    body = environment["wsgi.input"].read()
    told = "{REQUEST_METHOD} {PATH_INFO} {QUERY_STRING} ".format_map(environment).encode()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [told + str(len(body)).encode() + b" ", body]


class Door:
    """A running front and the way to it."""

    def __init__(self, front: Front, port: int) -> None:
        self.front = front
        self.port = port

    def connect(self) -> socket.socket:
        """A fresh connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)

    def say(self, text: bytes) -> bytes:
        """Send bytes over a connection of their own, and give all that comes until the other side closes."""
        with self.connect() as connection:
            connection.sendall(text)
            return read_all(connection)


def read_all(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    pieces = []
    while piece := connection.recv(65_536):
        pieces.append(piece)
    return b"".join(pieces)


def read_reply(connection: socket.socket, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """One reply of a connection that stays open: status, headers, body."""
    reply = http.client.HTTPResponse(connection, method=method)
    reply.begin()
    return reply.status, dict(reply.headers), reply.read()


@contextmanager
def front_door(
    app: Callable[..., Any] = echo,
    fast: Callable[[bytes, bytes, bytes], bytes | None] = lambda _method, _target, _encodings: None,
    limits: Limits | None = None,
    body_limits: Mapping[str, BodyLimit] | None = None,
    direct: Mapping[tuple[str, str], Handler] | None = None,
    streams: Mapping[tuple[str, str], Opener] | None = None,
) -> Iterator[Door]:
    """Run a front in a thread of its own; in the end it must end by itself."""
    limits = limits or Limits(idle_s=PATIENCE_S, head_s=PATIENCE_S)
    front = Front(app, fast, limits, body_limits, direct, streams)
    opened, loops, ends = Event(), [], []
    with reserve("127.0.0.1", 0) as listener:

        async def run() -> None:
            loops.append(asyncio.get_running_loop())
            ends.append(asyncio.Event())
            await front.serve(listener, opened.set, ends[0])

        thread = Thread(target=asyncio.run, args=(run(),))
        thread.start()
        assert opened.wait(PATIENCE_S)
        try:
            yield Door(front, listener.getsockname()[1])
        finally:
            loops[0].call_soon_threadsafe(ends[0].set)
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
