"""Listeners of the live stream for tests: the HTML standard's parser, slow and obvious, and a raw client."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_S = 60


class Told(NamedTuple):
    """An event that a browser would hand to its page."""

    kind: str
    id: str
    data: Any


class Parser:
    """What a browser does with the bytes of a stream (HTML standard, 9.2.6)."""

    def __init__(self) -> None:
        self.events: list[Told] = []
        self.last_id = ""
        self.retry: int | None = None
        self.comments: list[str] = []
        self._rest = b""
        self._kind, self._data, self._id = "", [""][:0], ""

    def feed(self, text: bytes) -> None:
        """Take some bytes; a line that is not whole waits for its end."""
        *lines, self._rest = (self._rest + text).split(b"\n")
        for line in lines:
            self._line(line.decode())

    def _line(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            self._dispatch()
        elif not name:
            self.comments.append(value)
        elif name == "event":
            self._kind = value
        elif name == "data":
            self._data.append(value)
        elif name == "id":
            self._id = value
        elif name == "retry":
            self.retry = int(value)
        else:
            raise AssertionError(f"the stream has a line {line!r}")

    def _dispatch(self) -> None:
        self.last_id = self._id
        if self._data:
            self.events.append(Told(self._kind, self.last_id, json.loads("\n".join(self._data))))
        self._kind, self._data = "", []

    def of(self, *kinds: str) -> list[Told]:
        """The events of some kinds."""
        return [each for each in self.events if each.kind in kinds]

    def seqs(self) -> list[int]:
        """The numbers of the events of the log that came."""
        return [int(each.id) for each in self.of("event", "order", "notice", "edition")]


class Client:
    """A listener over a real socket."""

    def __init__(self, port: int, query: str = "", headers: str = "", receive: int | None = None) -> None:
        self.parser = Parser()
        self.socket = socket.socket()
        if receive is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
            # A segment of the loopback is larger than such a buffer, and then waits for a timer.
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1_400)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(f"GET /live{query} HTTP/1.1\r\nHost: test\r\n{headers}\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.socket.recv(65_536)
            assert piece, f"the stream ended in its head: {head!r}"
            head += piece
        self.head, _, rest = head.partition(b"\r\n\r\n")
        self.parser.feed(rest)

    def read(self) -> bool:
        """Read once what has come; False when the other side has closed."""
        piece = self.socket.recv(65_536)
        self.parser.feed(piece)
        return bool(piece)

    def until(self, happened: Callable[[Parser], object]) -> Parser:
        """Read until something has happened."""
        give_up = time.monotonic() + PATIENCE_S
        while not happened(self.parser):
            assert self.read(), f"the stream ended: {self.parser.events[-3:]}"
            assert time.monotonic() < give_up
        return self.parser

    def rest(self) -> Parser:
        """Read to the end."""
        while self.read():
            pass
        return self.parser

    def close(self) -> None:
        """Leave."""
        self.socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
