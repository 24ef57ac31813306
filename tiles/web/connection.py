"""One client's connection: bytes in, requests out, which then take their turns (`tiles.web.turns`).

llhttp (by httptools) parses, in its strict mode: what a proxy in front might read otherwise (two lengths, a
length beside chunks, a bare line feed) is refused, so no request hides inside another. This module holds what
llhttp leaves to its user: the limits and the refusals. Reading pauses when `WAITING` requests wait for their
turn, or when the client does not read its replies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httptools

from tiles.web.turns import WAITING, Turns
from tiles.web.wire import CONTINUE, Refused, RefusedError, Request

if TYPE_CHECKING:
    from tiles.web.turns import Front

_NOT_PLAIN: Final = frozenset(
    {b"if-none-match", b"authorization", b"cookie", b"content-length", b"transfer-encoding", b"upgrade"}
)
"""Headers that a fast answer does not look at: a request with one of them goes the long way."""


class Connection(Turns):
    """One client's connection. All methods are called in the event loop's thread."""

    def __init__(self, front: Front) -> None:
        super().__init__(front)
        self._parser = httptools.HttpRequestParser(self)
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

    def data_received(self, data: bytes) -> None:
        """Bytes came: they become requests, or a refusal."""
        if self._last:
            return
        self.since = self._front.now()
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
        if self._stream is not None:
            return
        if self._body_bytes + len(chunk) > self._limit.size:
            raise self._large_body("")
        if not self._front.hold(len(chunk)):
            raise RefusedError(503, "Too many large bodies arrive at once: try again in a moment.")
        self._body_bytes += len(chunk)
        self._body.append(chunk)

    def on_message_complete(self) -> None:
        """It is whole: answer it on the spot, or in its turn."""
        self._uncounted = 0
        if self._stream is not None:
            return  # what follows a stream is nobody's
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
