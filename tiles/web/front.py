"""The front: one event loop for every connection, a few threads for whatever takes its time.

Theory of operation. A request is read whole by the loop. What the fast path knows (`tiles.web.fast`) is
answered on the spot, in some microseconds, so neither a thread nor Flask is woken for it. All else goes to a
worker thread, which asks the WSGI app and hands the finished bytes back. So a hundred clients that stop in
the middle of a header cost a hundred sockets and nothing else, and slow answers delay only each other.
A stream later is one more way to answer: from the loop, a frame written to many connections.

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
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final

from tiles.web.connection import Connection
from tiles.web.limits import BodyLimit
from tiles.web.wsgi import ask

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from tiles.web.limits import Limits
    from tiles.web.wire import Request
    from tiles.web.wsgi import App

    Fast = Callable[[bytes, bytes, bytes], bytes | None]

TOLD: Final = 64
"""Connections above the limit that are still told why they are refused."""

SWEEP_S: Final = 1.0
"""Seconds between two looks at every connection; the limits of silence are met to this second."""

ENDING_S: Final = 0.02
"""Seconds between two looks whether all is answered, when the server is told to end."""

BACKLOG: Final = 1024
"""Connections that the system may hold before we take them; it lowers this to its own limit."""


class Front:
    """Owns the connections and the workers; everything but `_work` runs in the event loop's thread."""

    def __init__(
        self, app: App, fast: Fast, limits: Limits, body_limits: Mapping[str, BodyLimit] | None = None
    ) -> None:
        """`fast` gives the whole reply to (method, target, Accept-Encoding), or None: then the app is asked.

        `body_limits` holds, by path, the largest body of a POST.
        """
        self.limits = limits
        self.fast = fast
        self._app = app
        self._body_limits = dict(body_limits or {})
        self._connections: set[Connection] = set()
        self._jobs: SimpleQueue[tuple[Connection, Request] | None] = SimpleQueue()
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

    def enter(self, connection: Connection) -> bool:
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

    def leave(self, connection: Connection) -> None:
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

    def answer(self, connection: Connection, request: Request) -> None:
        """Have a request answered by a worker; the connection gets the reply's bytes."""
        self._jobs.put((connection, request))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            connection, request = job
            size = request.size
            pieces = [] if connection.is_gone() else ask(self._app, request, *self._place)
            del job, request
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._done, connection, size, pieces)

    def _done(self, connection: Connection, size: int, pieces: list[bytes]) -> None:
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
