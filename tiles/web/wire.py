"""HTTP/1.1 as bytes: a request as the parser found it, and a reply as it goes over the wire."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
"""Tells a client that waits before it sends a large body to go on (RFC 9110, 10.1.1)."""

FIRST_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}

JOINED_BYTES: Final = 65_536
"""Bodies up to here are put behind their head in one piece: one system call instead of two."""


@dataclass(slots=True)
class Request:
    """One request, whole: nothing is answered before its last byte is here. Header names are lower case."""

    method: str
    target: bytes
    version: str
    headers: list[tuple[bytes, bytes]]
    body: list[bytes]
    keep_alive: bool
    client: str

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return sum(map(len, self.body))

    @property
    def path(self) -> str:
        """The target without its query, as it came."""
        return self.target.partition(b"?")[0].decode("latin-1")


@dataclass(frozen=True, slots=True)
class Refused:
    """What is told instead of an answer, before the connection is closed; `limit` is what was exceeded."""

    status: int
    detail: str
    limit: int | None = None


class RefusedError(Exception):
    """Leaves the parser's callbacks with what is to be told."""

    def __init__(self, status: int, detail: str, limit: int | None = None) -> None:
        super().__init__(detail)
        self.refused = Refused(status, detail, limit)


def write_reply(
    request: Request | None, status: int, headers: Iterable[tuple[str, str]], body: bytes, *, close: bool
) -> list[bytes]:
    """The pieces of a reply, to be sent one after the other; the body only where the method wants one.

    `Content-Length` is added behind the headers when they lack it and the status may have a body; it says for
    HEAD what GET would have sent.
    """
    named = [*headers]
    bare = status in (204, 304)
    if not bare and not any(name.lower() == "content-length" for name, _ in named):
        named.append(("Content-Length", str(len(body))))
    if close:
        named.append(("Connection", "close"))
    elif request is not None and request.version == "1.0":
        named.append(("Connection", "keep-alive"))
    head = b"".join([first_lines(status), head_lines(named), b"\r\n"])
    if bare or not body or (request is not None and request.method == "HEAD"):
        return [head]
    return [head + body] if len(body) <= JOINED_BYTES else [head, body]


def head_lines(headers: Iterable[tuple[str, str]]) -> bytes:
    """Header fields as lines. Raises ValueError for a line break in a value: it would begin another field."""
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    text = "".join(lines)
    if not text.count("\r") == text.count("\n") == len(lines):
        raise ValueError("a line break inside a header")
    return text.encode("latin-1")


def first_lines(status: int) -> bytes:
    """The status line and the date."""
    return _first_lines(status, int(time.time()))


@lru_cache(maxsize=64)
def _first_lines(status: int, second: int) -> bytes:
    first = FIRST_LINES.get(status) or f"HTTP/1.1 {status} \r\n"
    return f"{first}Date: {formatdate(second, usegmt=True)}\r\n".encode("latin-1")
