"""The live stream under load: a thousand listeners, 200 events a second, tiles meanwhile.

`scripts/bench live [HOME]`. The server is alone on the first core, the load on the second. Half of the
listeners want everything, each of the others its own town. A listener's process reads at low priority, so
that what it costs to read a thousand sockets on one core is not taken for the server's: events and tiles are
asked for by another one. Without a home Chongqing is built, which takes two minutes.
"""

from __future__ import annotations

import http.client
import json
import math
import multiprocessing
import os
import random
import re
import selectors
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter, deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from wrk import ask, cpu_seconds, ours, say

from gridmap.founding import SEED, found_chongqing
from gridmap.store.address import CityAddress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection

LISTENERS = 1_000
EVENTS_A_SECOND = 200
TILES_A_SECOND = 300
SECONDS = 15
KILLED = 100
PLACES = 3_000
ZOOM = 14
RUN = f"bench-{time.time():.0f}"
"""Begins the ids of the events: a home may have those of another run."""
PATIENCE_S = 30
"""How long after the last event all that is missing is waited for; how late it came is told apart."""

SERVE = """
import sys
from pathlib import Path
from tiles.web.server import serve
serve(Path(sys.argv[1]), port=0)
"""

EVENT = re.compile(rb"id: (\d+)\nevent: event\n")
LAST = re.compile(rb"id: (\d+)\n")


class Place(NamedTuple):
    """A place in the city, and the codes of the areas that it lies in."""

    lon: float
    lat: float
    codes: tuple[str, ...]


class Heard(NamedTuple):
    """What one listener got: the numbers, and when each came."""

    seqs: list[int]
    times: list[float]


class Asked(NamedTuple):
    """When each event was acknowledged and which place it had, and the seconds of each tile."""

    acknowledged: dict[int, float]
    places: dict[int, int]
    tiles: list[float]


# --- the two processes of the load


class Listener:
    """One listener's socket, and what came."""

    def __init__(self, port: int, query: str) -> None:
        self.port, self.query = port, query
        self.heard = Heard([], [])
        self.last = b""
        self.connect()

    def connect(self) -> None:
        self.rest = b""
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        header = b"Last-Event-ID: %b\r\n" % self.last if self.last else b""
        head = b"GET /live%b HTTP/1.1\r\nHost: bench\r\n%b\r\n" % (self.query.encode(), header)
        self.socket.sendall(head)
        self.socket.setblocking(False)

    def read(self) -> None:
        data = self.rest + self.socket.recv(1 << 18)
        now = time.monotonic()
        whole = data.rfind(b"\n\n") + 2
        self.rest = data[whole:] if whole > 1 else data
        if whole > 1:
            seqs = [int(each) for each in EVENT.findall(data, 0, whole)]
            self.heard.seqs.extend(seqs)
            self.heard.times.extend([now] * len(seqs))
            ids = LAST.findall(data, 0, whole)
            self.last = ids[-1] if ids else self.last


def listen(pipe: Connection, port: int) -> None:
    """Be many listeners: `open` some, `kill` some and let them come `back`, give what all `heard`.

    Every answer but the last says how much was heard so far.
    """
    os.sched_setaffinity(0, {1})
    os.nice(10)
    selector = selectors.DefaultSelector()
    selector.register(pipe, selectors.EVENT_READ, None)
    listeners: list[Listener] = []
    while True:
        for key, _ in selector.select():
            if key.data is not None:
                key.data.read()
                continue
            verb, given = pipe.recv()
            if verb == "open":
                for query in given:
                    listeners.append(Listener(port, query))
                    selector.register(listeners[-1].socket, selectors.EVENT_READ, listeners[-1])
            elif verb == "kill":
                for number in given:
                    selector.unregister(listeners[number].socket)
                    listeners[number].socket.close()
            elif verb == "back":
                for number in given:
                    listeners[number].connect()
                    selector.register(listeners[number].socket, selectors.EVENT_READ, listeners[number])
            elif verb == "heard":
                pipe.send([each.heard for each in listeners])
                continue
            pipe.send(sum(len(each.heard.seqs) for each in listeners))


class Line:
    """A connection that is kept alive: one request after the other, with their times."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connect()
        self.waiting: deque[tuple[float, bytes, Any]] = deque()
        self.busy: tuple[float, bytes, Any] | None = None
        self.got = b""

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def put(self, due: float, request: bytes, mark: Any) -> None:
        self.waiting.append((due, request, mark))
        self.send()

    def send(self) -> None:
        if self.busy is None and self.waiting:
            self.busy = self.waiting.popleft()
            self.socket.sendall(self.busy[1])

    def read(self) -> tuple[float, bytes, Any] | None:
        """A whole reply: when it was due to be asked for, its body, and the mark; None while it comes."""
        self.got += self.socket.recv(1 << 18)
        head, found, body = self.got.partition(b"\r\n\r\n")
        if not found or self.busy is None:
            return None
        length = re.search(rb"Content-Length: (\d+)", head)
        if length is None or head[9:12] not in (b"200", b"201"):
            raise SystemExit(f"not answered well: {head!r}")
        if len(body) < int(length[1]):
            return None
        due, _, mark = self.busy
        self.busy, self.got = None, b""
        self.send()
        return due, body, mark


def load(pipe: Connection, port: int, places: Sequence[Place]) -> None:
    """Ask for events and tiles at fixed rates; each question is (events/s, tiles/s, seconds)."""
    os.sched_setaffinity(0, {1})
    chance = random.Random(1)
    selector = selectors.DefaultSelector()
    lines = [Line(port) for _ in range(16)]
    for line in lines:
        selector.register(line.socket, selectors.EVENT_READ, line)

    def connect_anew() -> None:
        """What was idle for half a minute the server has closed."""
        for line in lines:
            selector.unregister(line.socket)
            line.socket.close()
            line.connect()
            selector.register(line.socket, selectors.EVENT_READ, line)

    paths = tile_paths(port, places)
    count = 0
    while (question := pipe.recv()) is not None:
        events, tiles, seconds = question
        connect_anew()
        begin = time.monotonic() + 0.05
        plan = [(begin + number / events, True) for number in range(events * seconds)] if events else []
        plan += [(begin + number / tiles, False) for number in range(tiles * seconds)] if tiles else []
        todo = deque(sorted(plan))
        left, asked = len(plan), Asked({}, {}, [])
        while left:
            now = time.monotonic()
            while todo and todo[0][0] <= now:
                due, is_event = todo.popleft()
                count += 1
                if is_event:
                    place = chance.randrange(len(places))
                    lines[count % 8].put(due, event_request(count, places[place]), place)
                else:
                    lines[8 + count % 8].put(due, tile_request(chance.choice(paths)), None)
            for key, _ in selector.select(max(0.0, todo[0][0] - time.monotonic()) if todo else 1.0):
                if (reply := key.data.read()) is None:
                    continue
                left -= 1
                due, body, mark = reply
                if mark is None:
                    asked.tiles.append(time.monotonic() - due)
                else:
                    seq = json.loads(body)["seq"]
                    asked.acknowledged[seq] = time.monotonic()
                    asked.places[seq] = mark
        pipe.send(asked)


def event_request(number: int, place: Place) -> bytes:
    """The issue's plain form."""
    event = {
        "id": f"{RUN}-{number}",
        "class": "城市管理",
        "source": "bench",
        "urgency": "yellow",
        "lon": place.lon,
        "lat": place.lat,
        "crs": "wgs84",
        "occurred_at": "2026-05-01T08:00:00+08:00",
        "title": "井盖破损",
    }
    body = json.dumps(event, ensure_ascii=False).encode()
    head = b"POST /events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def tile_request(path: str) -> bytes:
    """A tile as a browser asks."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: gzip\r\n\r\n".encode()


@contextmanager
def beside(work: Any, *given: Any) -> Iterator[Connection]:
    """A process of the load, and the pipe to it."""
    ours_, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=work, args=(theirs, *given), daemon=True)
    process.start()
    theirs.close()  # so that its end is seen here
    try:
        yield ours_
    finally:
        process.terminate()
        process.join()


# --- the city


def find_places(port: int) -> list[Place]:
    """Random places of the city with the areas that the service says they lie in."""
    found = json.loads(ask(port, "/tiles/grid.json"))
    west, south, east, north = found["bounds"]
    chance = random.Random(7)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    places: list[Place] = []
    while len(places) < PLACES:
        lon, lat = round(chance.uniform(west, east), 6), round(chance.uniform(south, north), 6)
        connection.request("GET", f"/locate?lon={lon}&lat={lat}&crs=wgs84")
        path = json.loads(connection.getresponse().read())["path"]
        if path:
            places.append(Place(lon, lat, tuple(step["code"] for step in path)))
    connection.close()
    return places


def settle(process: int, port: int) -> None:
    """Wait until the server has read and drawn all that it does at its start."""
    ask(port, "/values/grid/devices")
    quiet = 0
    while quiet < 3:
        before = cpu_seconds(process)
        time.sleep(1)
        quiet = quiet + 1 if cpu_seconds(process) - before < 0.1 else 0


def tile_paths(port: int, places: Sequence[Place]) -> list[str]:
    """Tiles of the grids at some of the places; each is asked for once before it is measured."""
    found = json.loads(ask(port, "/tiles/grid.json"))
    path = found["tiles"][0].partition("://")[2].partition("/")[2].partition("/{z}")[0]
    out = set()
    for place in places[:500]:
        x = math.floor((place.lon + 180) / 360 * 2**ZOOM)
        y = math.floor((1 - math.asinh(math.tan(math.radians(place.lat))) / math.pi) / 2 * 2**ZOOM)
        out.add(f"/{path}/{ZOOM}/{x}/{y}.mvt")
    for each in out:
        ask(port, each)
    return sorted(out)


def towns_of(places: Sequence[Place]) -> list[str]:
    """The towns with most of the places, a listener's each."""
    counted = Counter(place.codes[1] for place in places)
    return [code for code, _ in counted.most_common(LISTENERS // 2)]


# --- the trials


def percentile(values: Sequence[float], share: float) -> float:
    """The value that a share of the values does not exceed, in milliseconds."""
    return 1e3 * sorted(values)[min(len(values) - 1, int(len(values) * share))]


def told(name: str, text: str, *, good: bool | None = None) -> bool:
    """Print a finding, and whether it is what the issue asks."""
    verdict = "" if good is None else "  ok" if good else "  NOT MET"
    say(f"{name:52}{text}{verdict}")
    return good is not False


def hear(listeners: Connection, wanted: int) -> list[Heard]:
    """What all listeners heard, as soon as it is as much as is wanted, or nobody waits any more."""
    give_up = time.monotonic() + PATIENCE_S
    count = 0
    while count < wanted and time.monotonic() < give_up:
        time.sleep(0.2)
        listeners.send(("count", None))
        count = listeners.recv()
    time.sleep(0.5)  # for what is told twice
    listeners.send(("heard", None))
    heard: list[Heard] = listeners.recv()
    return heard


def expected(queries: Sequence[str], asked: Asked, places: Sequence[Place]) -> list[list[int]]:
    """The numbers that each listener is to hear."""
    seqs = sorted(asked.acknowledged)
    by_town: dict[str, list[int]] = {}
    for seq in seqs:
        by_town.setdefault(places[asked.places[seq]].codes[1], []).append(seq)
    return [by_town.get(query.rpartition("=")[2], []) if query else seqs for query in queries]


def latencies(heard: Sequence[Heard], asked: Asked) -> list[float]:
    """Seconds from the acknowledgement to the arrival, for each event at each listener."""
    known = asked.acknowledged
    return [
        max(0.0, at - known[seq])
        for each in heard
        for seq, at in zip(each.seqs, each.times, strict=True)
        if seq in known
    ]


def loop_seconds(process: int) -> float:
    """User and system time of the server's event loop alone, which is its first thread."""
    values = Path(f"/proc/{process}/task/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")


def run(loader: Connection, events: int, tiles: int, seconds: int) -> Asked:
    """Load the server."""
    loader.send((events, tiles, seconds))
    found: Asked = loader.recv()
    return found


def cost(process: int, port: int, loader: Connection, places: Sequence[Place]) -> bool:
    """CPU of the server's loop for each tick with the listeners of everything alone."""
    whole, before = cpu_seconds(process), loop_seconds(process)
    run(loader, EVENTS_A_SECOND, 0, SECONDS)
    whole, plain = cpu_seconds(process) - whole, loop_seconds(process) - before
    queries = [""] * (LISTENERS // 2)
    with beside(listen, port) as listeners:
        listeners.send(("open", queries))
        listeners.recv()
        time.sleep(1)
        before = loop_seconds(process)
        asked = run(loader, EVENTS_A_SECOND, 0, SECONDS)
        used = loop_seconds(process) - before
        wanted = expected(queries, asked, places)
        heard = hear(listeners, sum(map(len, wanted)))
    ticks = statistics.median(len(set(each.times)) for each in heard)
    wrong = sum(each.seqs != seqs for each, seqs in zip(heard, wanted, strict=True))
    told("intake and orders alone, CPU of the server", f"{whole / SECONDS:8.1%} of a core")
    told("of that the event loop", f"{plain / SECONDS:8.1%} of a core")
    told(f"the loop with {len(queries)} listeners of everything", f"{used / SECONDS:8.1%} of a core")
    good = 1e3 * (used - plain) / ticks < 15
    return told(
        f"CPU for each of {ticks / SECONDS:.1f} ticks a second",
        f"{1e3 * (used - plain) / ticks:8.1f} ms",
        good=good,
    ) & told("listeners that lack something", f"{wrong:8}", good=not wrong)


def everybody(port: int, loader: Connection, places: Sequence[Place]) -> bool:
    """All listeners, events and tiles; then some are killed and come back."""
    quiet = percentile(run(loader, 0, TILES_A_SECOND, SECONDS).tiles, 0.99)
    queries = [""] * (LISTENERS // 2) + [f"?area={code}" for code in towns_of(places)]
    with beside(listen, port) as listeners:
        listeners.send(("open", queries))
        listeners.recv()
        time.sleep(1)
        first = run(loader, EVENTS_A_SECOND, TILES_A_SECOND, SECONDS)
        killed = range(0, len(queries), len(queries) // KILLED)
        loader.send((EVENTS_A_SECOND, 0, SECONDS))
        for begin in range(0, len(killed), 10):
            listeners.send(("kill", killed[begin : begin + 10]))
            listeners.recv()
            time.sleep(0.7)
            listeners.send(("back", killed[begin : begin + 10]))
            listeners.recv()
        second: Asked = loader.recv()
        asked = Asked(first.acknowledged | second.acknowledged, first.places | second.places, [])
        wanted = expected(queries, asked, places)
        heard = hear(listeners, sum(map(len, wanted)))
    wrong = sum(each.seqs != seqs for each, seqs in zip(heard, wanted, strict=True))
    late = latencies(heard, first)
    loaded = percentile(first.tiles, 0.99)
    p99 = percentile(late, 0.99)
    told(f"events told to {len(heard):,} listeners", f"{sum(len(each.seqs) for each in heard):8,}")
    return (
        told("acknowledged to received, median", f"{percentile(late, 0.5):8.1f} ms")
        & told("acknowledged to received, p99", f"{p99:8.1f} ms", good=p99 < 300)
        & told("lacking or twice, 100 of them killed and back", f"{wrong:8}", good=not wrong)
        & told(f"{TILES_A_SECOND} tiles a second, quiet, p99", f"{quiet:8.2f} ms")
        & told("the same with all that", f"{loaded:8.2f} ms", good=loaded < 2 * quiet + 5)
    )


def windows(port: int) -> bool:
    """Eight windows of one browser with a stream each, as pages see it; all load tiles."""
    import browser

    if (reason := browser.lack()) is not None:
        say(f"eight windows of a browser: {reason}")
        return True
    path = tile_paths(port, find_places(port)[:1])[0]
    with browser.chromium() as chromium:
        context = chromium.new_context()
        times = []
        for _ in range(8):
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{port}/problems")
            page.evaluate(
                "async () => { const { connect } = await import('/live.js'); window.live = connect();"
                " window.live.subscribe({}, () => {}); }"
            )
            page.wait_for_function("() => window.live.state === 'open'")
        for page in context.pages:
            begin = time.monotonic()
            page.evaluate(
                "(path) => Promise.all([...Array(24)].map(() =>"
                " fetch(path, { cache: 'no-store' }).then((reply) => reply.arrayBuffer())))",
                path,
            )
            times.append(time.monotonic() - begin)
    return told("24 tiles in each of eight windows, the slowest", f"{1e3 * max(times):8.0f} ms", good=True)


def main(home: str | None) -> None:
    """Print what was found; exit code 1 when something is not met."""
    with tempfile.TemporaryDirectory() as folder:
        if home is None:
            say("building Chongqing ...")
            home = str(Path(folder) / "home")
            found_chongqing(CityAddress(Path(home)), None, SEED, lambda _step, _share: None)
        with ours(SERVE, [home]) as (process, port):
            settle(process, port)
            places = find_places(port)
            with beside(load, port, places) as loader:
                good = cost(process, port, loader, places)
                good &= everybody(port, loader, places)
            good &= windows(port)
    raise SystemExit(not good)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
