"""Run the service: reserve the port, load the city, open the port, say so, end cleanly when told to.

The port is bound first and opened (listen) last. So a port in use is known before a minute of loading, nobody
else takes it meanwhile, and whoever can connect gets an answer. One process keeps the twin one object;
`tiles.web.front` says how it answers, and why not with a server that others made.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import ipaddress
import os
import signal
import socket
import sys
import threading
from contextlib import ExitStack
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import click

from gridmap.devices.mqtt_address import parse_mqtt
from gridmap.errors import InputError
from gridmap.store.address import address_of
from tiles.web import batch, view
from tiles.web.app import create_app
from tiles.web.events_direct import DirectEvents
from tiles.web.fast import Fast
from tiles.web.feed import BACK, Feed
from tiles.web.front import Front
from tiles.web.limits import Limits
from tiles.web.live.door import PATH, LiveDoor
from tiles.web.live.hub import Hub
from tiles.web.tiling import Tiling, Upkeep
from tiles.web.warming import Warming

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import FrameType

    from gridmap.affairs import Affairs
    from gridmap.store.address import CityAddress
    from gridmap.twin import Twin
    from tiles.web.direct import Handler
    from tiles.web.front import Opener

HOST: Final = "127.0.0.1"
PORT: Final = 8000

SWITCH_S: Final = 0.001
"""How long a busy thread keeps the interpreter when the event loop wants it; Python's own 5 ms would be the
time of a lookup while a long answer is written."""

COLLECTED: Final = 50_000
"""New objects between two looks for circles of garbage; Python's 700 cost a burst 6 % of its time."""

FOLLOWER_S: Final = 5.0
"""How long a follower may take to notice that it is to end, before nobody waits for it."""

_NO_ACCOUNTS: Final = "no accounts exist yet, everybody who reaches this port may read everything"


def serve(
    place: CityAddress | Path,
    host: str = HOST,
    port: int = PORT,
    limits: Limits | None = None,
    schemes: Mapping[str, CityAddress | Path] | None = None,
    upkeep: Upkeep | None = None,
    mqtt: str | None = None,
) -> None:
    """Serve the city of a home or a database, and each edition published later, until SIGTERM or SIGINT.

    `schemes` are other partitions of the same city, by name, each in a home or a database of its own;
    `upkeep` says how many tiles are kept, and where; `mqtt` is the broker whose devices are listened to.
    Port 0 takes a free one; the line printed names it. Raises HomeError when there is no city, InputError
    when the host, the port, the broker's address or a setting of the page cannot be used.
    """
    view.check_settings()  # what cannot be used is told before the city is loaded
    if mqtt is not None:
        parse_mqtt(mqtt)
    stop = Event()
    opened: list[Twin] = []
    followers: list[Thread] = []
    ends = ExitStack()

    def load() -> Loaded:
        # Imported here so that a port in use is told at once, not after numba has been loaded.
        from gridmap.affairs import Affairs
        from gridmap.twin import Twin
        from tiles.gallery import Gallery

        twin = Twin.open(place, schemes)
        opened.append(twin)
        # Before anybody follows: it wants to see every edition first.
        gallery = Gallery(twin, place, lambda text: click.echo(f"gridmap: {text}", err=True))
        followed = [
            (twin, place),
            *((twin.current.schemes[name], at) for name, at in (schemes or {}).items()),
        ]
        for each, at in followed:
            followers.append(Thread(target=each.follow, args=(at, stop), name="follower", daemon=True))
            followers[-1].start()
        affairs = Affairs(twin, ends.enter_context(address_of(place).open()))
        ends.callback(affairs.close)
        if mqtt is not None:
            from gridmap.devices.mqtt import MqttDoor

            # A broker knows its clients by name and puts one out for another: each city has its own.
            client = f"gridmap-{affairs.book.secret('mqtt').hex()[:12]}"
            ends.callback(MqttDoor(mqtt, affairs.devices.take, affairs.devices.hears, client).close)
        return Loaded(twin, (upkeep or Upkeep()).tiling(gallery), affairs)

    try:
        serve_loaded(load, host, port, limits or Limits())
    finally:
        ends.close()
        stop.set()
        for follower in followers:
            follower.join(FOLLOWER_S)
        for twin in opened:
            twin.close()


def leave() -> None:
    """End the process at once, with exit code 0, when a thread is still at work; else do nothing.

    A thread in native code that comes back while the interpreter is taken down crashes it. Everything that
    was promised to anybody is on disk by now.
    """
    if any(each.daemon for each in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


class Loaded(NamedTuple):
    """All that is served; `affairs` is None where nothing is stored."""

    twin: Twin
    tiling: Tiling
    affairs: Affairs | None = None


def serve_loaded(load: Callable[[], Loaded], host: str, port: int, limits: Limits) -> None:
    """Reserve the port, load the city and its tiles by `load`, and serve them until SIGTERM or SIGINT."""
    with _Ending() as ending, reserve(host, port) as listener:
        _answer(load(), listener, limits, ending)


def _answer(loaded: Loaded, listener: socket.socket, limits: Limits, ending: _Ending) -> None:
    twin, tiling, affairs = loaded
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(COLLECTED, 10, 10)
    batch.prepare(twin.current)
    app = create_app(twin, tiling, affairs)
    direct: dict[tuple[str, str], Handler] = {}
    streams: dict[tuple[str, str], Opener] = {}
    with ExitStack() as ends:
        if affairs is not None:
            direct[("POST", "/events")] = DirectEvents(affairs)
            door = _live(twin, affairs, ends)
            streams = {(method, PATH): door for method in ("GET", "HEAD")}
        front = Front(app, Fast(twin, tiling), limits, app.body_limits, direct, streams)
        warming = Warming(twin, affairs)
        ends.callback(warming.close)
        _run(front, twin, listener, ending, warming.start)


def _live(twin: Twin, affairs: Affairs, ends: ExitStack) -> LiveDoor:
    """The door of the live stream, fed with what stands in the log."""
    head = affairs.book.head()
    feeds: list[Feed] = []
    hub = Hub(
        max(0, head - BACK),
        edition=lambda: twin.current.edition.number,
        snapshot=lambda wanted: [] if not feeds else feeds[0].states(wanted),
    )
    feeds.append(Feed(affairs, twin, hub, hub.seq))
    ends.callback(feeds[0].close)
    return LiveDoor(hub, twin)


def _run(
    front: Front, twin: Twin, listener: socket.socket, ending: _Ending, then: Callable[[], None]
) -> None:
    """Answer until told to end; `then` is called when the port is open and everybody knows."""
    host, port = listener.getsockname()[:2]

    def opened() -> None:
        _announce(twin, host, port)
        then()

    async def run() -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        ending.wake = lambda: loop.call_soon_threadsafe(ended.set)
        await front.serve(listener, opened, ended)

    try:
        asyncio.run(run())
    except OSError as error:
        raise _unusable(host, port, error) from error


def _announce(twin: Twin, host: str, port: int) -> None:
    click.echo(announcement(twin, host, port))
    if not ipaddress.ip_address(host).is_loopback:
        click.echo(f"gridmap: {_NO_ACCOUNTS}", err=True)


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
        self.wake: Callable[[], object] | None = None
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
