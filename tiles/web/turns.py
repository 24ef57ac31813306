"""The turns of one connection: requests wait for theirs, replies go out in the same order, then it closes.

While one request is being answered, later ones of the same connection wait. A request may also become a
stream: then the connection is the stream's for good, what else the client sends is dropped, and its end, seen
from either side, is told to the stream (`tiles.web.live`).

A client is told why it was refused, also in the middle of sending: the reply goes out, our side is closed,
and what still comes is read and dropped for a moment. To close at once would reset the connection, and the
reply would be lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, cast

from tiles.web.wire import Refused, Request
from tiles.web.wsgi import refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiles.web.limits import BodyLimit, Limits

WAITING: Final = 16
"""Requests of one connection that may wait for the one before; more stay in the socket."""

LINGER_S: Final = 5.0
"""How long what a refused client still sends is read and dropped, and how long the last bytes may take."""


class Stream(Protocol):
    """What a connection tells the stream that it has become; all in the loop's thread."""

    def paused(self) -> None:
        """The client reads more slowly than it is written to."""

    def resumed(self) -> None:
        """The client has read."""

    def ended(self) -> None:
        """The connection is over, for whatever reason."""

    def finish(self) -> None:
        """The server ends: say farewell and close. May be called again."""


class Front(Protocol):
    """What a connection needs of the front that owns it (`tiles.web.front`)."""

    limits: Limits
    now: Callable[[], float]
    fast: Callable[[bytes, bytes, bytes], bytes | None]

    def enter(self, connection: Turns, /) -> bool:
        """Count it in; False when there is no room."""

    def leave(self, connection: Turns, /) -> None:
        """Count it out."""

    def body_limit(self, method: str, path: str) -> BodyLimit:
        """The largest body of a request."""

    def hold(self, count: int) -> bool:
        """Count bytes of bodies in or out; False when there is no room."""

    def answer(self, connection: Turns, request: Request, /) -> None:
        """Have a request answered: `Turns.answered` gets the reply, or `Turns.stream` takes over."""


class Turns(asyncio.Protocol):
    """One client's connection, without its parser. All methods are called in the event loop's thread."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._waiting: deque[Request | Refused] = deque()
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)  # until connection_made
        self._client = ""
        self._busy = False
        """A request of this connection is being answered elsewhere, or it is a stream."""
        self._stream: Stream | None = None
        self._last = False
        """Nothing more is read; what waits is answered, then the connection is closed."""
        self._lingers = False
        self._blocked = False
        self._unsent = 0
        self.since = front.now()
        """When something last happened: bytes came, or an answer went out."""
        self._begun: float | None = None
        """When the head began that is not whole yet; of a refused client, when it was told."""

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self._client = str(peer[0]) if isinstance(peer, tuple) else ""
        if not self._front.enter(self):
            self._tell(Refused(503, "All connections of this server are in use: try again in a moment."))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The connection is over, for whatever reason."""
        self._drop()
        self._last = True
        self._front.leave(self)
        if self._stream is not None:
            self._stream.ended()

    def eof_received(self) -> bool:
        """The client sends no more; it may still want its replies, but who listens to a stream has gone."""
        self._last = True
        return self._stream is None and (self._busy or bool(self._waiting)) and not self._lingers

    def pause_writing(self) -> None:
        """The client reads more slowly than it is answered: answer no more, read no more."""
        if self._stream is not None:
            self._stream.paused()
            return
        self._blocked = True
        self._unsent = self._transport.get_write_buffer_size()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client has read: go on."""
        if self._stream is not None:
            self._stream.resumed()
            return
        self._blocked = False
        self.since = self._front.now()
        self._go_on()

    # What the front calls

    def answered(self, pieces: list[bytes]) -> None:
        """The reply of the request that was given away last; the next one follows."""
        self._busy = False
        self.since = self._front.now()
        if self._transport.is_closing():
            return
        for piece in pieces:
            self._transport.write(piece)
        self._go_on()

    def stream(self, stream: Stream) -> asyncio.Transport:
        """Become a stream instead of an answer: nothing more is read here, the transport is the stream's."""
        self._stream = stream
        self._busy = self._last = True
        self._drop()
        self._transport.resume_reading()  # so that the client's end is seen
        return self._transport

    def is_gone(self) -> bool:
        """Whether nobody waits any more for what is being answered."""
        return self._transport.is_closing()

    def is_idle(self) -> bool:
        """Whether nothing is being answered or sent here."""
        return not (self._busy or self._waiting or self._unread())

    def finish(self) -> None:
        """Close when everything that came whole is answered and sent; a stream closes now."""
        self._last = True
        if self._stream is not None:
            self._stream.finish()
            if self._unread():  # a farewell that is not read is not waited for
                self._transport.abort()
        elif not (self._busy or self._waiting):
            self._transport.close()

    def abort(self) -> None:
        """Close now, whatever is under way."""
        self._transport.abort()

    def check(self, now: float) -> None:
        """Close when the client has been silent, or slow with a head, for longer than the limits allow.

        A stream may be silent; only one that is closed and does not read its last bytes is ended here.
        """
        limits = self._front.limits
        if self._stream is not None:
            if not self._transport.is_closing():
                self.since = now
            elif now - self.since > LINGER_S:
                self._transport.abort()
        elif self._lingers:
            if self._begun is None or now - self._begun > LINGER_S:
                self._transport.abort()
        elif unsent := self._unread():
            if unsent != self._unsent:  # the client reads, slowly
                self._unsent, self.since = unsent, now
            elif now - self.since > limits.idle_s:
                self._transport.abort()
        elif not (self._busy or self._waiting):
            late = self._begun is not None and now - self._begun > limits.head_s
            if late or now - self.since > limits.idle_s:
                self._transport.close()

    # The rest

    def _unread(self) -> int:
        return self._transport.get_write_buffer_size()

    def _go_on(self) -> None:
        """Answer what waits, one at a time, as far as the client reads."""
        if self._busy or self._blocked or self._lingers:
            return
        if self._waiting:
            following = self._waiting.popleft()
            if isinstance(following, Refused):
                self._tell(following)
            else:
                self._busy = True
                self._front.answer(self, following)
        elif self._last:
            self._transport.close()
        if not self._last and len(self._waiting) < WAITING:
            self._transport.resume_reading()

    def _end(self, refused: Refused) -> None:
        """Refuse, in its turn, and read no more."""
        self._drop_body()
        self._waiting.append(refused)
        self._last = True
        self._go_on()

    def _tell(self, refused: Refused) -> None:
        """Say why nothing more is answered here, close our side, and let the other one read it."""
        for piece in refuse(refused.status, refused.detail, refused.limit):
            self._transport.write(piece)
        self._last = self._lingers = True
        self._begun = self.since = self._front.now()
        self._transport.write_eof()
        self._transport.resume_reading()

    def _drop(self) -> None:
        """Forget what waits, and give back what its bodies hold."""
        self._drop_body()
        for each in self._waiting:
            if isinstance(each, Request):
                self._front.hold(-each.size)
        self._waiting.clear()

    def _drop_body(self) -> None:
        """Give back what a body holds that will not become a request; the parser's part."""
