"""Many events in one body: a list, or a line each. What cannot be used is told with its line; the rest is."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from gridmap.errors import InputError
from gridmap.events.document import UNREADABLE, decode, unread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gridmap.events.document import Given

    Read = Callable[[bytes, bytes], Given]


class Rejection(NamedTuple):
    """A line that cannot be used (counted from 1), and why."""

    line: int
    reason: str


def read_lines(body: bytes, secret: bytes, read: Read = decode) -> Iterator[tuple[int, Given | InputError]]:
    """Read an event from each line that is not empty."""
    for number, line in enumerate(BytesIO(body), 1):  # split would make a list of all of them
        if not line.isspace():
            yield number, _tried(read, line.removesuffix(b"\n"), secret)


def read_array(body: bytes, secret: bytes, read: Read = decode) -> Iterator[tuple[int, Given | InputError]]:
    """Read an event from each element of a JSON list. InputError: the body is none."""
    try:
        pieces = msgspec.json.decode(body, type=list[msgspec.Raw])
    except UNREADABLE as error:
        raise InputError("body", f"is no JSON list of events: {unread(error)}") from error
    for number, piece in enumerate(pieces, 1):
        yield number, _tried(read, bytes(piece), secret)


def _tried(read: Read, piece: bytes, secret: bytes) -> Given | InputError:
    try:
        return read(piece, secret)
    except InputError as error:
        return error
