"""Run the service: reserve the port, load the city, open the port, say so, end cleanly when told to.

The port is bound first and opened (listen) last. So a port in use is known before a minute of loading, nobody
else takes it meanwhile, and whoever can connect gets an answer.

Why waitress. Its one event loop reads whole requests before a thread sees them, so a hundred clients that
stop in the middle of a header cost a hundred sockets, but no thread. One process with threads keeps the twin
one object. Refused, after trying them:
- gunicorn 27: its gthread worker reads in the threads, without a time limit; as many half-sent requests as
  there are threads stop the service for good. It forks after the city is loaded, and was the slowest here.
- granian 2.8: 1.4 times as fast with Flask inside, four times without. But two servers share a port without
  a word, and the worker of a killed parent lives on and holds the port. When the hot path leaves Flask, weigh
  it again: this module is the only one to change.
"""

from __future__ import annotations

import errno
import ipaddress
import logging
import signal
import socket
from dataclasses import dataclass
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final, Self

import click
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from gridmap.errors import InputError
from tiles.web import problems
from tiles.web.app import create_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

    from gridmap.store.address import CityAddress
    from gridmap.twin import Twin

HOST: Final = "127.0.0.1"
PORT: Final = 8000

LOOP_S: Final = 1.0
"""Longest sleep of the event loop; it wakes for every byte, this is only for closing silent connections."""

_NO_ACCOUNTS: Final = "no accounts exist yet, everybody who reaches this port may read everything"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may cost."""

    threads: int = 4
    """Requests answered at once. More only wait for each other: most of an answer is Python."""
    connections: int = 900
    """Open sockets; below the 1,024 files that a process may usually open."""
    idle_s: int = 30
    """Silence after which a connection is closed, a half-sent request included."""
    header_bytes: int = 16_384
    """Request line and headers together (431 above)."""
    body_bytes: int = 65_536
    """Request body (413 above). No address takes one yet."""


def serve(
    place: CityAddress | Path, host: str = HOST, port: int = PORT, limits: Limits | None = None
) -> None:
    """Serve the city of a home or a database, and each edition published later, until SIGTERM or SIGINT.

    Port 0 takes a free one; the line printed names it. Raises HomeError when there is no city, InputError
    when the host or port cannot be used.
    """
    stop = Event()

    def load() -> Twin:
        # Imported here so that a port in use is told at once, not after numba has been loaded.
        from gridmap.twin import Twin

        twin = Twin.open(place)
        Thread(target=twin.follow, args=(place, stop), name="follower", daemon=True).start()
        return twin

    try:
        serve_loaded(load, host, port, limits or Limits())
    finally:
        stop.set()


def serve_loaded(load: Callable[[], Twin], host: str, port: int, limits: Limits) -> None:
    """Reserve the port, load the city by calling `load`, and serve it until SIGTERM or SIGINT."""
    with _Ending() as ending, reserve(host, port) as listener:
        _answer(load(), listener, limits, ending)


def _answer(twin: Twin, listener: socket.socket, limits: Limits, ending: _Ending) -> None:
    host, port = listener.getsockname()[:2]
    # A queue is the normal state of a busy server; waitress would log a line for each request in it.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    sockets: dict[int, Any] = {}  # every socket that the server opens, to be closed at the end
    try:
        server = create_server(create_app(twin), sockets, sockets=[listener], **_settings(limits))
    except OSError as error:
        raise _unusable(host, port, error) from error
    server.channel_class = _Channel
    ending.wake = server.pull_trigger
    click.echo(announcement(twin, host, port))
    if not ipaddress.ip_address(host).is_loopback:
        click.echo(f"gridmap: {_NO_ACCOUNTS}", err=True)
    while not ending.asked:
        wasyncore.loop(timeout=LOOP_S, use_poll=True, map=sockets, count=1)
    server.task_dispatcher.shutdown()  # what is being answered is answered; what waits is dropped
    wasyncore.close_all(sockets)


def reserve(host: str, port: int) -> socket.socket:
    """Bind a port without opening it: callers are refused until it listens. InputError: it cannot be had."""
    if not 0 <= port <= 65_535:
        raise InputError("port", f"{port} is no port; give 1 to 65535, or 0 for a free one")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _unusable(host, port, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _unusable(host, port, error) from error
    return listener


def announcement(twin: Twin, host: str, port: int) -> str:
    """The one line that says what is served, and where."""
    snapshot = twin.current
    edition = snapshot.edition
    counts = ", ".join(
        f"{count:,} {level}{'' if count == 1 else 's'}"
        for level, count in snapshot.counts.items()
        if level in _SAID
    )
    marks = ("proven" if edition.proven else "NOT PROVEN", *(["synthetic"] if edition.synthetic else []))
    place = f"[{host}]" if ":" in host else host
    return f"gridmap serves edition {edition.number} ({counts}, {', '.join(marks)}) on http://{place}:{port}/"


_SAID: Final = ("district", "grid")


class _ProblemTask(ErrorTask):  # type: ignore[misc]
    """Answers what waitress itself refuses (unreadable, too large) as a problem, like every other error."""

    def execute(self) -> None:
        error = self.request.error
        reply = problems.of_status(error.code, f"The request was refused: {error.body}.")
        self.status = f"{error.code} {error.reason}"
        self.response_headers.extend(
            [
                ("Content-Type", reply.media_type),
                ("Cache-Control", reply.cache),
                ("X-Content-Type-Options", "nosniff"),
            ]
        )
        self.set_close_on_finish()
        self.content_length = len(reply.body)
        self.write(reply.body)


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = _ProblemTask


def _settings(limits: Limits) -> dict[str, Any]:
    return {
        "threads": limits.threads,
        "connection_limit": limits.connections,
        "channel_timeout": limits.idle_s,
        "cleanup_interval": 5,
        "max_request_header_size": limits.header_bytes,
        "max_request_body_size": limits.body_bytes,
        "ident": None,  # no Server header: it helps nobody but an attacker
        "log_socket_errors": False,  # a client that goes away is normal
    }


def _unusable(host: str, port: int, error: OSError) -> InputError:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return InputError("host", f"{host!r} is no address of this machine; give 127.0.0.1 or one of its own")
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(
        "port", f"{host}:{port} cannot be used ({reason.lower()}); end what uses it or choose another"
    )


class _Ending:
    """Takes SIGTERM and SIGINT while it is entered, so that either ends the process with exit code 0.

    While the city is loading the work is broken off at once (SystemExit). Once there is something to `wake`,
    the loop is told to end between two rounds, so no socket is left half open.
    """

    def __init__(self) -> None:
        self.asked = False
        self.wake: Callable[[], None] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before = {
            number: signal.signal(number, self._end) for number in (signal.SIGTERM, signal.SIGINT)
        }
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        if self.wake is None:
            raise SystemExit(0)
        self.wake()
