"""One client's connection: bytes in, requests out in their order, replies back in the same order.

llhttp (by httptools) parses, in its strict mode: what a proxy in front might read otherwise (two lengths, a
length beside chunks, a bare line feed) is refused, so no request hides inside another. This module holds what
llhttp leaves to its user: the limits, the order of replies, when to close.

Replies keep the order of requests: while one is being answered, later ones of the same connection wait, and
reading pauses when `WAITING` of them do, or when the client does not read its replies.

A client is told why it was refused, also in the middle of sending: the reply goes out, our side is closed,
and what still comes is read and dropped for a moment. To close at once would reset the connection, and the
reply would be lost.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol, cast

import httptools

from tiles.web.wire import CONTINUE, Refused, RefusedError, Request
from tiles.web.wsgi import refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tiles.web.limits import BodyLimit, Limits

WAITING: Final = 16
"""Requests of one connection that may wait for the one before; more stay in the socket."""

LINGER_S: Final = 5.0
"""How long what a refused client still sends is read and dropped."""

_NOT_PLAIN: Final = frozenset(
    {b"if-none-match", b"authorization", b"cookie", b"content-length", b"transfer-encoding", b"upgrade"}
)
"""Headers that a fast answer does not look at: a request with one of them goes the long way."""


class Front(Protocol):
    """What a connection needs of the front that owns it (`tiles.web.front`)."""

    limits: Limits
    now: Callable[[], float]
    fast: Callable[[bytes, bytes, bytes], bytes | None]

    def enter(self, connection: Connection, /) -> bool:
        """Count it in; False when there is no room."""

    def leave(self, connection: Connection, /) -> None:
        """Count it out."""

    def body_limit(self, method: str, path: str) -> BodyLimit:
        """The largest body of a request."""

    def hold(self, count: int) -> bool:
        """Count bytes of bodies in or out; False when there is no room."""

    def answer(self, connection: Connection, request: Request, /) -> None:
        """Have a request answered; `Connection.answered` gets the reply."""


class Connection(asyncio.Protocol):
    """One client's connection. All methods are called in the event loop's thread."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Request | Refused] = deque()
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)  # until connection_made
        self._client = ""
        self._busy = False
        """A request of this connection is being answered elsewhere."""
        self._last = False
        """Nothing more is read; what waits is answered, then the connection is closed."""
        self._lingers = False
        self._blocked = False
        self._unsent = 0
        self.since = front.now()
        """When something last happened: bytes came, or an answer went out."""
        self._begun: float | None = None
        """When the head began that is not whole yet."""
        self._uncounted = 0
        """Bytes that came and were not told of yet, as far as that can be known."""
        self._in_head = False
        self._switching = False
        self._replayed = False
        self._limit = front.body_limit("GET", "/")
        self._clear()

    def _clear(self) -> None:
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._head_bytes = 0
        self._hosts = 0
        self._encodings = b""
        self._plain = True

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
        self._drop_body()
        for each in self._waiting:
            if isinstance(each, Request):
                self._front.hold(-each.size)
        self._waiting.clear()
        self._last = True
        self._front.leave(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came: they become requests, or a refusal."""
        self.since = self._front.now()
        if self._last:
            return
        self._uncounted = max(self._uncounted, 0) + len(data)
        try:
            self._feed(data)
            self._check_size(self._uncounted)
        except RefusedError as error:
            self._end(error.refused)
        except httptools.HttpParserError as error:
            if not self._last:  # what follows the last request is nobody's
                self._end(self._refusal(error))
        if len(self._waiting) >= WAITING:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The client sends no more; it may still want its replies."""
        self._last = True
        return (self._busy or bool(self._waiting)) and not self._lingers

    def pause_writing(self) -> None:
        """The client reads more slowly than it is answered: answer no more, read no more."""
        self._blocked = True
        self._unsent = self._transport.get_write_buffer_size()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """The client has read: go on."""
        self._blocked = False
        self.since = self._front.now()
        self._go_on()

    # What the parser calls

    def on_message_begin(self) -> None:
        """A request begins."""
        if self._replayed:
            return
        self._clear()
        self._begun = self.since
        self._in_head = True

    def on_url(self, url: bytes) -> None:
        """A piece of its target."""
        if not self._replayed:
            self._target += url
            self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header of its head, or of its trailers."""
        self._count(len(name) + len(value) + 4)
        if self._in_head:  # behind a body in chunks come trailers: nobody here asks for them
            name = name.lower()
            self._headers.append((name, value))
            if name == b"host":
                self._hosts += 1
            elif name == b"accept-encoding":
                self._encodings = self._encodings + b", " + value if self._encodings else value
            elif name in _NOT_PLAIN:
                self._plain = False

    def on_headers_complete(self) -> None:
        """Its head is whole: what it wants may be refused before it sends a body."""
        if self._replayed:
            return
        self._uncounted = 0
        self._in_head = False
        self._begun = None
        if self._plain:
            return
        self._switching = self._parser.should_upgrade()
        named = dict(self._headers)
        coding = named.get(b"transfer-encoding", b"chunked").lower()
        if coding != b"chunked":
            raise RefusedError(501, "Transfer-Encoding can only be chunked: send the body as it is.")
        method, path = self._parser.get_method().decode("latin-1"), self._target.partition(b"?")[0]
        self._limit = self._front.body_limit(method, path.decode("latin-1"))
        if (length := int(named.get(b"content-length", b"0"))) > self._limit.size:
            raise self._large_body(f" of {length:,} bytes")
        wanted = named.get(b"expect", b"").lower() == b"100-continue"
        if wanted and not self._busy and not self._waiting:
            self._transport.write(CONTINUE)

    def on_body(self, chunk: bytes) -> None:
        """A piece of its body."""
        self._uncounted = 0
        if self._body_bytes + len(chunk) > self._limit.size:
            raise self._large_body("")
        if not self._front.hold(len(chunk)):
            raise RefusedError(503, "Too many large bodies arrive at once: try again in a moment.")
        self._body_bytes += len(chunk)
        self._body.append(chunk)

    def on_message_complete(self) -> None:
        """It is whole: answer it on the spot, or in its turn."""
        self._uncounted = 0
        if self._switching and not self._replayed:
            return  # the body comes when the head is parsed anew, without its wish to switch
        self._switching = self._replayed = False
        keep_alive = self._parser.should_keep_alive()
        method = self._parser.get_method()
        if self._plain and self._hosts == 1 and keep_alive and not self._is_behind():
            reply = self._front.fast(method, self._target, self._encodings)
            if reply is not None:
                self._transport.write(reply)
                return
        version = self._parser.get_http_version()
        self._refuse_odd(method, version)
        target, headers, body = self._target, self._headers, self._body
        self._waiting.append(
            Request(method.decode("latin-1"), target, version, headers, body, keep_alive, self._client)
        )
        self._body, self._body_bytes = [], 0  # the request's now
        self._last = self._last or not keep_alive
        self._go_on()

    # The rest

    def answered(self, pieces: list[bytes]) -> None:
        """The reply of the request that was given away last; the next one follows."""
        self._busy = False
        self.since = self._front.now()
        if self._transport.is_closing():
            return
        for piece in pieces:
            self._transport.write(piece)
        self._go_on()

    def is_gone(self) -> bool:
        """Whether nobody waits any more for what is being answered."""
        return self._transport.is_closing()

    def is_idle(self) -> bool:
        """Whether nothing is being answered or sent here."""
        return not (self._busy or self._waiting or self._unread())

    def finish(self) -> None:
        """Close when everything that came whole is answered and sent."""
        self._last = True
        if not (self._busy or self._waiting):
            self._transport.close()

    def abort(self) -> None:
        """Close now, whatever is under way."""
        self._transport.abort()

    def check(self, now: float) -> None:
        """Close when the client has been silent, or slow with a head, for longer than the limits allow."""
        limits = self._front.limits
        if self._lingers:
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

    def _unread(self) -> int:
        return self._transport.get_write_buffer_size()

    def _feed(self, data: bytes) -> None:
        while data:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as switch:
                data = data[switch.args[0] :]
                self._replay()
            else:
                return

    def _replay(self) -> None:
        """Go on as if the client had not asked to switch to another protocol, which a server may ignore.

        Java's client asks for HTTP/2 with every first request. llhttp then takes the body for the other
        protocol's bytes, so a parser is told anew what says where the body ends.
        """
        self._replayed = True
        method, version = self._parser.get_method(), self._parser.get_http_version()
        framing = [
            b"%s: %s\r\n" % (name, value)
            for name, value in self._headers
            if name in (b"content-length", b"transfer-encoding")
        ]
        if not self._parser.should_keep_alive():
            framing.append(b"connection: close\r\n")
        self._parser = httptools.HttpRequestParser(self)
        head = b"".join([b"%s / HTTP/%s\r\n" % (method, version.encode()), *framing, b"\r\n"])
        self._parser.feed_data(head)

    def _count(self, length: int) -> None:
        self._head_bytes += length
        self._uncounted -= length
        self._check_size(0)

    def _check_size(self, unseen: int) -> None:
        """Refuse a head, or what else comes unseen (half a header, trailers, chunk headers), without end."""
        if self._head_bytes + unseen > self._front.limits.header_bytes:
            most = self._front.limits.header_bytes
            text = f"The request line and its headers take more than {most:,} bytes."
            raise RefusedError(431, text, most)

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

    def _refusal(self, error: Exception) -> Refused:
        """What llhttp found wrong; a refusal of our own comes out of it wrapped."""
        if isinstance(error.__context__, RefusedError):
            return error.__context__.refused
        if isinstance(error, httptools.HttpParserCallbackError) and error.__context__ is not None:
            raise error.__context__
        named = dict(self._headers)
        if b"transfer-encoding" in named and named[b"transfer-encoding"].lower() != b"chunked":
            return Refused(501, "Transfer-Encoding can only be chunked: send the body as it is.")
        return Refused(400, f"The request cannot be read: {error}.")

    def _is_behind(self) -> bool:
        """Whether earlier requests wait, or earlier replies are not read yet."""
        return self._busy or self._blocked or bool(self._waiting)

    def _refuse_odd(self, method: bytes, version: str) -> None:
        if version not in ("1.0", "1.1"):
            raise RefusedError(505, f"HTTP/{version} is not spoken here: use HTTP/1.1.")
        if method == b"CONNECT":
            raise RefusedError(405, "CONNECT: this is no proxy.")
        if self._hosts > 1 or (version == "1.1" and not self._hosts):
            raise RefusedError(400, "The request must name its host once, in one Host header.")

    def _large_body(self, size: str) -> RefusedError:
        most, setting = self._limit
        text = f"The body{size} is too large: this address takes at most {most:,} bytes"
        return RefusedError(413, f"{text} ({setting})." if setting else f"{text}.", most)

    def _drop_body(self) -> None:
        """Give back what a body holds that will not become a request."""
        self._front.hold(-self._body_bytes)
        self._body, self._body_bytes = [], 0
