"""The front: one event loop for every connection, a few threads for whatever takes its time.

Theory of operation. A request is read whole by the loop. What the fast path knows (`tiles.web.fast`) is
answered on the spot, in some microseconds, so neither a thread nor Flask is woken for it. All else goes to a
worker thread, which asks the WSGI app and hands the finished bytes back. So a hundred clients that stop in
the middle of a header cost a hundred sockets and nothing else, and slow answers delay only each other.

Two more ways to answer. A handler may take a request in the loop and answer it later, from any thread
(`tiles.web.direct`): whoever stores the events of many clients at once answers them at once. And a request
may become a stream (`tiles.web.live`): from the loop, one encoded frame is written to many connections.

Why our own, on asyncio and httptools (llhttp, the parser of Node.js). CPU of the server for one small answer
with the headers of ours, wrk beside it, in one run: nginx's static file 16 us, this front bare 11.5 (with
uvloop 10.1), granian WSGI 23 (ASGI 35), uvicorn 39, aiohttp 47, uwsgi 37, waitress 119, cheroot 184; with
Flask behind any of them 300 and more. Beyond speed:
- granian 2.8: two servers share a port without a word, the worker of a killed parent lives on and holds the
  port, and what hyper refuses by itself is an empty 400, no problem document.
- uvicorn: with httptools it sets no limit to headers, bodies and half-sent requests; each of them would be
  an override of its private methods, as much code as this.
- waitress, our former server: all the promises, at a tenth of the speed; its reader is Python.
- uvloop: faster by an eighth, and one more compiled dependency. `asyncio.run` would only change its name.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final, Protocol

from tiles.web import problems
from tiles.web.connection import Connection
from tiles.web.direct import Ticket, pieces_of
from tiles.web.limits import BodyLimit, with_room
from tiles.web.wsgi import ask

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence

    from tiles.web.direct import Handler
    from tiles.web.limits import Limits
    from tiles.web.turns import Turns
    from tiles.web.wire import Request
    from tiles.web.wsgi import App

    Fast = Callable[[bytes, bytes, bytes], bytes | None]

LOG: Final = logging.getLogger("tiles.web")

TOLD: Final = 64
"""Connections above the limit that are still told why they are refused."""

SWEEP_S: Final = 1.0
"""Seconds between two looks at every connection; the limits of silence are met to this second."""

ENDING_S: Final = 0.02
"""Seconds between two looks whether all is answered, when the server is told to end."""

BACKLOG: Final = 1024
"""Connections that the system may hold before we take them; it lowers this to its own limit."""


class Opener(Protocol):
    """Makes streams of requests; one serves all requests of its addresses."""

    def begin(self, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        """Called once in the loop, before the port opens."""

    def __call__(self, request: Request, connection: Turns) -> list[bytes] | None:
        """Take the connection over (`Turns.stream`) and give None, or give the pieces of a plain reply."""


class Front:
    """Owns the connections and the workers.

    Everything but `_work` and `done_many` runs in the event loop's thread.
    """

    def __init__(
        self,
        app: App,
        fast: Fast,
        limits: Limits,
        body_limits: Mapping[str, BodyLimit] | None = None,
        direct: Mapping[tuple[str, str], Handler] | None = None,
        streams: Mapping[tuple[str, str], Opener] | None = None,
    ) -> None:
        """`fast` gives the whole reply to (method, target, Accept-Encoding), or None: then the app is asked.

        `body_limits` holds, by path, the largest body of a POST. `direct` and `streams` hold, by method and
        path, who answers later and who makes a stream of the request; all else is the app's.
        """
        self.limits = limits
        self.fast = fast
        self._app = app
        self._body_limits = dict(body_limits or {})
        self._direct = dict(direct or {})
        self._streams = dict(streams or {})
        self._connections: set[Turns] = set()
        self._jobs: SimpleQueue[tuple[Turns, Request] | None] = SimpleQueue()
        self._workers: list[Thread] = []
        self._held = 0
        self._place = ("", 0)

    async def serve(self, listener: socket.socket, ready: Callable[[], None], ended: asyncio.Event) -> None:
        """Open the port of a bound socket, call `ready`, and answer until `ended` is set.

        Raises OSError when the socket cannot listen. In the end whatever is being answered is answered, but
        nobody is waited for longer than the limit says.
        """
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time
        self.limits = with_room(self.limits)
        for opener in {id(each): each for each in self._streams.values()}.values():
            opener.begin(self._loop, self.limits)
        host, port = listener.getsockname()[:2]
        self._place = (host, port)
        server = await self._loop.create_server(lambda: Connection(self), sock=listener, backlog=BACKLOG)
        numbers = range(self.limits.threads)
        self._workers = [Thread(target=self._work, name=f"worker-{each}", daemon=True) for each in numbers]
        for worker in self._workers:
            worker.start()
        sweeper = asyncio.create_task(self._sweep())
        try:
            ready()
            await ended.wait()
        finally:
            sweeper.cancel()
            self._loop.remove_reader(listener.fileno())
            # asyncio takes a connection in a task of its own. One may be on its way in, and closing the
            # server now would leave it open for good.
            if others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others, timeout=1)
            server.close()
            await self._end()

    def enter(self, connection: Turns) -> bool:
        """Count a connection in. When all are taken the one that has been idle longest gives way to it.

        False when none is idle: then this one is to be refused.
        """
        full = len(self._connections) >= self.limits.connections
        idle = [each for each in self._connections if full and each.is_idle()]
        self._connections.add(connection)
        if idle:
            min(idle, key=lambda each: each.since).abort()
        elif len(self._connections) > self.limits.connections + TOLD:
            connection.abort()  # there is no room even to say so
        return not full or bool(idle)

    def leave(self, connection: Turns) -> None:
        """Count a connection out."""
        self._connections.discard(connection)

    def body_limit(self, method: str, path: str) -> BodyLimit:
        """The largest body of a request."""
        plain = BodyLimit(self.limits.body_bytes, "")
        return self._body_limits.get(path, plain) if method == "POST" else plain

    def hold(self, count: int) -> bool:
        """Count bytes of bodies in, or out when negative. False, and not counted, when all hold too many."""
        if self._held + count > self.limits.held_bytes:
            return False
        self._held += count
        return True

    def answer(self, connection: Turns, request: Request) -> None:
        """Have a request answered: as a stream, by its handler, or by a worker who asks the app."""
        at = (request.method, request.path)
        if at in self._streams:
            self._open(self._streams[at], connection, request)
        elif at not in self._direct or not self._handled(self._direct[at], connection, request):
            self._jobs.put((connection, request))

    def done_many(self, answers: Sequence[tuple[Ticket, list[bytes]]]) -> None:
        """Answer requests whose handlers said that they would, from any thread; the loop is woken once."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._done_many, answers)

    def _open(self, opener: Opener, connection: Turns, request: Request) -> None:
        size = request.size
        try:
            pieces = opener(request, connection)
        except Exception:
            pieces = _failed(request)
        if pieces is None:
            self.hold(-size)
        else:  # in its own turn of the loop: a client may send thousands of requests at once
            self._loop.call_soon(self._done, connection, size, pieces)

    def _handled(self, handler: Handler, connection: Turns, request: Request) -> bool:
        ticket = Ticket(self.done_many, connection, request.size)
        try:
            return handler(request, ticket)
        except Exception:
            self._loop.call_soon(self._done_many, [(ticket, _failed(request))])
            return True

    def _done_many(self, answers: Sequence[tuple[Ticket, list[bytes]]]) -> None:
        for ticket, pieces in answers:
            if ticket.answered:
                continue
            ticket.answered = True
            self._done(ticket.connection, ticket.size, pieces)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            connection, request = job
            size = request.size
            pieces = [] if connection.is_gone() else ask(self._app, request, *self._place)
            del job, request
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._done, connection, size, pieces)

    def _done(self, connection: Turns, size: int, pieces: list[bytes]) -> None:
        self.hold(-size)
        connection.answered(pieces)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now = self.now()
            for connection in [*self._connections]:
                connection.check(now)

    async def _end(self) -> None:
        patience = self.now() + self.limits.grace_s
        while self._connections and self.now() < patience:
            for connection in [*self._connections]:
                connection.finish()
            await asyncio.sleep(ENDING_S)
        for connection in [*self._connections]:
            connection.abort()
        await asyncio.sleep(0)  # so that aborted connections are told
        for _ in self._workers:
            self._jobs.put(None)
        for worker in self._workers:
            worker.join(max(0.0, patience - self.now()))


def _failed(request: Request) -> list[bytes]:
    """What is told when a handler fails, which is also a line in the log."""
    LOG.exception("no answer could be made to %s %s", request.method, request.path)
    return pieces_of(request, problems.problem(problems.INTERNAL, problems.INTERNAL.advice), None)
