"""Two servers of one city: processes of their own on one database, PostgreSQL's or a home's.

Whatever one of them is told, both know; whatever there is to do is done once. The tests of a store follow one
another on one pair of servers, and in the last one of them is killed.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import TYPE_CHECKING, Any

import mapbox_vector_tile
import pytest
from listening import Client
from office import roster
from store_contract import PostgresSpec, make_postgres
from town import GRIDS, grid_polygons, lattice_polygon, tables, toytown
from webtown import place

from gridmap.coverage.partition import partition_of
from gridmap.coverage.proof import examine
from gridmap.outbox import new_hook
from gridmap.publishing import publish
from gridmap.store.address import CityAddress
from gridmap.store.archives import Keep
from gridmap.store.store import utc_now
from tiles.address import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gridmap.coverage.partition import Partition

PATIENCE_S = 60
WEST, EAST = "500999001001001", "500999001001002"
NEAR_THE_BORDER = place(2.2, 3.0)
"""In EAST, until the border moves."""

names = count(1)


def event(**more: Any) -> dict[str, Any]:
    """An event in the middle of EAST, about a thing of its own."""
    lon, lat = place(3.0, 3.0)
    said = {
        "id": f"e-{next(names)}",
        "source": "12345",
        "class": "城市管理",
        "lon": lon,
        "lat": lat,
        "crs": "wgs84",
    }
    return said | more


@dataclass
class Server:
    """A server that runs in a process of its own."""

    process: subprocess.Popen[str]
    port: int = 0

    def ready(self) -> None:
        """Wait until it serves."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "serves edition" in line, line
        self.port = int(line.rstrip("/\n").rpartition(":")[2])

    def end(self) -> None:
        """Have it end, and see that it ends in peace; one that was killed has ended already."""
        self.process.terminate()
        assert self.process.wait(PATIENCE_S) in (0, -signal.SIGKILL)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def ask(
        self, method: str, path: str, said: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """A request on a connection of its own: status, headers, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            body = None if said is None else json.dumps(said).encode()
            connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
            reply = connection.getresponse()
            return reply.status, dict(reply.headers), reply.read()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """The JSON that a path answers."""
        status, _, body = self.ask("GET", path)
        assert status == 200, body
        return json.loads(body)

    def post(self, **said: Any) -> tuple[int, dict[str, Any]]:
        """Report an event."""
        status, _, body = self.ask("POST", "/events", event(**said))
        return status, json.loads(body)

    def act(self, order: str, tag: str, **said: str) -> int:
        """Act on an order that has been seen; the status."""
        return self.ask("POST", f"/orders/{order}/actions", said, {"If-Match": tag})[0]

    def order(self, seq: int) -> tuple[str, dict[str, Any]]:
        """The order that an event opened, with its ETag, as soon as there is one."""
        status, headers, body = until(
            lambda: found if (found := self.ask("GET", f"/orders/o-{seq}"))[0] == 200 else None
        )
        assert status == 200
        return headers["ETag"], json.loads(body)


@dataclass
class Pair:
    """Two servers and the city they serve."""

    at: CityAddress
    both: tuple[Server, Server]

    def head(self) -> int:
        with self.at.open() as store:
            return store.log.head()

    def settled(self) -> int:
        """The number of the newest row, when all that is to follow from the others has been written."""
        with self.at.open() as store:

            def quiet() -> int | None:
                seq = store.log.looking(lambda desk: desk.checkpoint("keeper"))
                return seq if seq == store.log.head() else None

            seq: int = until(quiet)
            return seq


def until(happened: Callable[[], Any]) -> Any:
    """What happens, as soon as it does."""
    give_up = time.monotonic() + PATIENCE_S
    while not (found := happened()):
        assert time.monotonic() < give_up
        time.sleep(0.02)
    return found


@contextmanager
def city(kind: str, folder: Path, toy: Path) -> Iterator[CityAddress]:
    """Toytown with a full roster, in a store of a kind."""
    spec = None
    if kind == "sqlite":
        at = CityAddress(folder / "home")
        shutil.copytree(toy, at.home)
    else:
        spec = make_postgres(folder)
        assert isinstance(spec, PostgresSpec)
        at = CityAddress(folder, spec.url)
    with at.open() as store:
        if spec is not None:
            put(store, toytown())
        store.put_staff(roster(*GRIDS))
    try:
        yield at
    finally:
        if spec is not None:
            spec.remove()


def put(store: Any, town: Partition) -> int:
    return publish(store, town, examine(town), author="test", reason="a town for tests").number


def start(at: CityAddress, cache: Path) -> Server:
    begin = "from gridmap.cli import main; main()"
    place = ["--home", str(at.home)] if at.url is None else ["--store", at.url]
    command = [sys.executable, "-X", "faulthandler", "-c", begin, "serve", *place, "--port", "0"]
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    return Server(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def pair(
    request: pytest.FixtureRequest, toy: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("two")
    with city(request.param, folder, toy) as at:
        both = (start(at, folder / "cache"), start(at, folder / "cache"))
        try:
            for each in both:
                each.ready()
            yield Pair(at, both)
        finally:
            for each in both:
                each.end()


@contextmanager
def listening(servers: Sequence[Server], after: int) -> Iterator[Callable[[int], list[list[Any]]]]:
    """Listen to all that stands in the log behind a number; gives what each has heard up to another."""
    clients = [Client(each.port, headers=f"Last-Event-ID: {after}\r\n") for each in servers]

    def heard(last: int) -> list[list[Any]]:
        with ThreadPoolExecutor(len(clients)) as pool:
            parsers = list(pool.map(lambda each: each.until(lambda said: last in said.seqs()), clients))
        return [parser.of("event", "order", "notice", "edition") for parser in parsers]

    try:
        yield heard
    finally:
        for each in clients:
            each.close()


def seqs(told: Sequence[Any]) -> list[int]:
    return [int(each.id) for each in told]


def test_what_one_is_told_is_at_both(pair: Pair) -> None:
    for one, other in (pair.both, pair.both[::-1]):
        before = pair.settled()
        with listening(pair.both, before) as heard:
            status, said = one.post(title="井盖破损")
            assert (status, said["code"]) == (201, EAST)
            assert other.get(f"/events?since={said['seq'] - 1}&limit=1")["events"] == [said]
            assert shown(other, said)[said["seq"]] == EAST
            _, order = other.order(said["seq"])
            assert (order["code"], order["state"]) == (EAST, "dispatched")
            for told in heard(pair.settled()):
                assert seqs(told) == list(range(before + 1, pair.settled() + 1))
                first = told[0]
                assert (first.kind, first.data) == ("event", said)
                assert any(each.kind == "order" and each.data["order"]["id"] == order["id"] for each in told)


def test_both_may_be_told_at_once(pair: Pair) -> None:
    """Eight callers, half at each server; every fifth report is made at both."""
    before = pair.settled()
    shared = [event() for _ in range(8)]

    def report(caller: int) -> list[tuple[int, int, str]]:
        server, out = pair.both[caller % 2], []
        for number in range(12):
            said = shared[(number + caller // 2) % 8] if number % 3 == 0 else event(drill=number % 2 == 0)
            status, _, body = server.ask("POST", "/events", said)
            out.append((status, json.loads(body)["seq"], said["id"]))
        return out

    with listening(pair.both, before) as heard:
        with ThreadPoolExecutor(8) as pool:
            told = [each for answers in pool.map(report, range(8)) for each in answers]
        last = pair.settled()
        listened = heard(last)
    assert {status for status, *_ in told} == {200, 201}
    numbers = {name: seq for _, seq, name in told}
    assert len(numbers) == len(set(numbers.values())) == sum(status == 201 for status, *_ in told)
    assert all(numbers[name] == seq for _, seq, name in told)
    for each in listened:
        assert seqs(each) == list(range(before + 1, last + 1))
        assert {said.data["id"]: int(said.id) for said in each if said.kind == "event"} == numbers
    found = pair.both[0].get(f"/events?since={before}&limit=9999")["events"]
    assert {each["id"]: each["seq"] for each in found} == numbers
    opened = [
        said.data["order"]["id"]
        for said in listened[0]
        if said.kind == "order" and said.data["action"] == "open"
    ]
    assert sorted(opened) == sorted(f"o-{seq}" for seq in numbers.values())


def test_who_acts_on_what_is_no_longer_so_is_told(pair: Pair) -> None:
    one, other = pair.both
    _, said = one.post()
    tag, order = one.order(said["seq"])
    assert other.order(said["seq"]) == (tag, order)
    accept = {"action": "accept", "actor": "me", "role": "grid_member"}

    def act(number: int) -> int:
        return pair.both[number % 2].act(order["id"], tag, **accept)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(act, range(4))) == [200, 412, 412, 412]
    assert [each.order(said["seq"])[1]["version"] for each in pair.both] == [order["version"] + 1] * 2
    newer, _ = other.order(said["seq"])
    assert one.act(order["id"], newer, action="arrive", actor="me", role="grid_member") == 200
    assert other.act(order["id"], newer, action="feedback", actor="me", role="grid_member", note="x") == 412
    history = other.order(said["seq"])[1]["history"]
    assert [line["action"] for line in history][-2:] == ["accept", "arrive"]


def shown(server: Server, said: dict[str, Any]) -> dict[int, str]:
    """The grids of what a server shows at the place of an event, in a tile that is as new as that one."""
    lon, lat = said["at"]
    tile = SCHEMES["xyz"].tile_at(lon, lat, 22)
    address = f"/tiles/live/{said['seq']}/event/xyz/{tile.z}/{tile.x}/{tile.y}.mvt"
    status, headers, body = server.ask("GET", address)
    assert (status, int(headers["X-Gridmap-Seq"]) >= said["seq"]) == (200, True)
    found = [each["properties"] for each in mapbox_vector_tile.decode(body)["event"]["features"]]
    return {each["seq"]: each["code"] for each in found if each["count"] == 1}


class Receiver(BaseHTTPRequestHandler):
    """Takes webhooks and writes down their ids."""

    got: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append(self.headers["webhook-id"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_said: object) -> None:
        """Say nothing."""


@contextmanager
def receiver() -> Iterator[tuple[str, list[str]]]:
    """The address of a receiver of webhooks, and what it has received."""
    got: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Receiver,), {"got": got}))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_hook_is_told_once(pair: Pair) -> None:
    before = pair.settled()
    with receiver() as (address, got), pair.at.open() as store:
        hook = new_hook(address, (), before)
        store.hooks.add(hook)
        for number in range(20):
            assert pair.both[number % 2].post()[0] == 201
        last = pair.settled()
        until(lambda: len(set(got)) == last - before)
        until(lambda: not store.hooks.counts(hook.id))
        store.hooks.end(hook.id, 0)
    assert sorted(got) == sorted(f"{hook.id}-{seq}" for seq in range(before + 1, last + 1))


def moved() -> Partition:
    """Toytown with a dent in the border between WEST and EAST."""
    shapes = grid_polygons()
    codes = list(GRIDS)
    school = GRIDS[WEST][1][0][1]
    shapes[codes.index(WEST)] = lattice_polygon([(0, 2), (2, 2), (2.5, 3), (2, 4), (0, 4)], *school)
    shapes[codes.index(EAST)] = lattice_polygon([(2, 2), (3.9, 2), (4.1, 3), (4, 4), (2, 4), (2.5, 3)])
    return partition_of(tables(), {"grid": shapes})


def taken(server: Server, number: int, reported: Sequence[int]) -> bool:
    """Whether a server serves an edition, and has the orders of some events where their place is in it."""
    lon, lat = NEAR_THE_BORDER
    served: int = server.get(f"/locate?lon={lon}&lat={lat}&crs=wgs84")["edition"]
    return served == number and {server.order(seq)[1]["code"] for seq in reported} == {WEST}


def test_an_edition_is_taken_by_both_and_what_is_open_moves_once(pair: Pair) -> None:
    lon, lat = NEAR_THE_BORDER
    places = [(lon, round(lat + north * 1e-5, 7)) for north in range(6)]
    reported = [pair.both[number % 2].post(lon=x, lat=y)[1] for number, (x, y) in enumerate(places)]
    numbers = [each["seq"] for each in reported]
    assert {pair.both[0].order(seq)[1]["code"] for seq in numbers} == {EAST}
    for each in pair.both:
        assert {shown(each, said)[said["seq"]] for said in reported} == {EAST}
    before = pair.settled()
    with listening(pair.both, before) as heard:
        with pair.at.open() as store:
            number = put(store, moved())
        for each in pair.both:
            until(partial(taken, each, number, numbers))
        placed = [each.post(lon=lon, lat=lat)[1] for each in pair.both]
        last = pair.settled()
        for told in heard(last):
            assert seqs(told) == list(range(before + 1, last + 1))
    assert [(each["code"], each["edition"]) for each in placed] == [(WEST, number)] * 2
    for seq in numbers:
        lines = pair.both[0].order(seq)[1]["history"]
        assert [line["action"] for line in lines].count("move") == 1
    for each in pair.both:
        assert {shown(each, said)[said["seq"]] for said in reported} == {WEST}


def test_what_is_archived_is_known_to_both(pair: Pair) -> None:
    said = event()
    first = json.loads(pair.both[0].ask("POST", "/events", said)[2])
    last = pair.settled()
    before = pair.both[0].get("/events?since=0&limit=9999")
    with pair.at.open() as store:
        assert store.archives.archive(Keep(0, 1), utc_now()) == last - 1
    for each in pair.both:
        assert each.get("/events?since=0&limit=9999") == before
        status, _, body = each.ask("POST", "/events", said)
        assert (status, json.loads(body)) == (200, first)
        assert each.ask("POST", "/events", said | {"title": "another"})[0] == 409
        assert [line["version"] for line in each.order(first["seq"])[1]["history"]] == [1]
    with listening(pair.both, 0) as heard:
        for told in heard(last):
            assert seqs(told) == list(range(1, last + 1))


def test_one_is_killed_and_nothing_is_lost(pair: Pair) -> None:
    """Six callers report to both of them; in the middle one server dies."""
    before = pair.settled()
    alive, dies = pair.both
    acknowledged: dict[str, int] = {}
    enough, stop = threading.Event(), threading.Event()

    def report(caller: int) -> None:
        server = pair.both[caller % 2]
        while not stop.is_set():
            said = event()
            try:
                status, _, body = server.ask("POST", "/events", said)
            except (OSError, http.client.HTTPException):
                assert server is dies
                return
            assert status == 201
            acknowledged[said["id"]] = json.loads(body)["seq"]
            if len(acknowledged) > 60:
                enough.set()

    with listening([alive], before) as heard:
        with ThreadPoolExecutor(6) as pool:
            callers = [pool.submit(report, number) for number in range(6)]
            assert enough.wait(PATIENCE_S)
            dies.process.kill()
            dies.process.wait()
            after = len(acknowledged)
            until(lambda: len(acknowledged) > after + 20)
            stop.set()
            for each in callers:
                each.result()
        last = pair.settled()
        (told,) = heard(last)
    assert seqs(told) == list(range(before + 1, last + 1))
    there = {each.data["id"]: int(each.id) for each in told if each.kind == "event"}
    assert acknowledged.items() <= there.items()
    assert len(there) - len(acknowledged) <= 3  # what was under way when it died
    opened = [
        each.data["order"]["id"] for each in told if each.kind == "order" and each.data["action"] == "open"
    ]
    assert sorted(opened) == sorted(f"o-{seq}" for seq in there.values())
    with pair.at.open() as store:
        assert list(store.log.verify())[-1] == last
