"""The fast path of tiles gives, byte for byte, what the app gives, and leaves to it what may take long."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
from frontdoor import front_door, read_reply
from tiletown import DOOR, TownEngine, TownGallery, make_tiling
from webtown import make_twin

from tiles.address import SCHEMES
from tiles.cache import ByteCache
from tiles.making import Maker, Pace
from tiles.web import gate
from tiles.web.app import create_app
from tiles.web.fast import Fast
from tiles.web.tiling import Tiling
from tiles.web.wire import Request
from tiles.web.wsgi import ask

if TYPE_CHECKING:
    from gridmap.twin import Twin
    from tiles.web.app import Web

TOKEN = TownEngine(7).token
CODINGS = [b"", b"gzip", b"br", b"zstd", b"gzip, deflate, br, zstd", b"br;q=0.9, gzip;q=0.8"]


@pytest.fixture(name="twin")
def _twin() -> Twin:
    return make_twin()


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """One second for all replies: they carry the date."""
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)


def slow(app: Web, target: bytes, encodings: bytes = b"") -> bytes:
    headers = [(b"host", b"test"), *([(b"accept-encoding", encodings)] if encodings else [])]
    request = Request("GET", target, "1.1", headers, [], True, "127.0.0.1")
    return b"".join(ask(app, request, "127.0.0.1", 80))


def targets(seed: int, count: int) -> list[bytes]:
    """Tiles around the town, in all schemes, some of them empty."""
    chance = random.Random(seed)
    out = []
    for _ in range(count):
        scheme = SCHEMES[chance.choice(list(SCHEMES))]
        layers = chance.choice(["grid", "district", "grid,district", "town,device", "device"])
        z, x, y = scheme.tile_at(*DOOR, chance.randrange(14, 17))
        x, y = x + chance.randrange(-1, 2), y + chance.randrange(-1, 2)
        out.append(f"/tiles/{TOKEN}/{layers}/{scheme.name}/{z}/{x}/{y}.mvt".encode())
    return out


def test_kept_tiles_are_answered_fast_and_the_same(twin: Twin) -> None:
    tiling = make_tiling(twin)
    fast, app = Fast(twin, tiling), create_app(twin, tiling)
    empty = 0
    for number, target in enumerate(targets(1, 300)):
        coding = CODINGS[number % len(CODINGS)]
        made = slow(app, target, coding)
        assert fast(b"GET", target, coding) == made
        assert slow(app, target, coding) == made
        empty += made.startswith(b"HTTP/1.1 204 ")
    assert 50 < empty < 250


def test_tiles_made_on_the_spot_are_the_same(twin: Twin) -> None:
    """Where everything is quick, and nothing kept, all but the first of each zoom is made here."""
    tiling = Tiling(TownGallery(twin), Maker(pace=Pace(math.inf)))
    fast, app = Fast(twin, tiling), create_app(twin, tiling)
    left = made = 0
    for number, target in enumerate(targets(2, 200)):
        coding = CODINGS[number % len(CODINGS)]
        found = fast(b"GET", target, coding)
        left += found is None
        made += found is not None
        assert slow(app, target, coding) == (found or slow(app, target, coding))
    assert made > 40
    assert left > 20
    assert len(tiling.ready) == 0


def test_what_is_made_on_the_spot_is_kept(twin: Twin) -> None:
    tiling = Tiling(TownGallery(twin), Maker(pace=Pace(math.inf)), ByteCache(1 << 20))
    fast, engine = Fast(twin, tiling), tiling.gallery.current()
    assert isinstance(engine, TownEngine)
    target = targets(1, 1)[0]
    layers, scheme, z = target.decode().split("/")[3:6]
    tiling.maker.pace.took((TOKEN, layers, scheme, int(z), "identity"), 0.0)
    first = fast(b"GET", target, b"")
    assert first is not None
    assert fast(b"GET", target, b"") == first
    assert engine.made == 1


def test_slow_zooms_are_left_to_workers(twin: Twin) -> None:
    """What is not known to be quick is not made in the loop; neither is what was slow lately."""
    tiling = make_tiling(twin, cache_mb=0)
    fast, pace, kind = Fast(twin, tiling), tiling.maker.pace, (TOKEN, "grid", "xyz", 14, "identity")
    z, x, y = SCHEMES["xyz"].tile_at(*DOOR, 14)
    target = f"/tiles/{TOKEN}/grid/xyz/{z}/{x}/{y}.mvt".encode()
    assert fast(b"GET", target, b"") is None
    pace.took(kind, 0.0001)
    assert fast(b"GET", target, b"") is not None
    pace.took(kind, 0.02)
    assert fast(b"GET", target, b"") is None
    for _ in range(150):
        pace.took(kind, 0.0001)
    assert fast(b"GET", target, b"") is None
    for _ in range(100):
        pace.took(kind, 0.0001)
    assert fast(b"GET", target, b"") is not None


@pytest.mark.parametrize(
    "rest",
    [
        "grid/xyz/14/1.5/0.mvt",
        "grid/xyz/14/007/0.mvt",
        "grid/xyz/14/16384/0.mvt",
        "grid/xyz/14/-1/0.mvt",
        "grid/xyz/14/+1/0.mvt",
        "grid/xyz/14/%31/0.mvt",
        "grid/xyz/7/0/0.mvt",
        "grid/xyz/99/0/0.mvt",
        "grid/mars/14/0/0.mvt",
        "road/xyz/14/0/0.mvt",
        "grid,grid/xyz/14/0/0.mvt",
        "resource/xyz/14/0/0.mvt",
        "grid/xyz/14/0/0.mvt?a=1",
        "grid/xyz/14/0/0.mvt/",
        "grid/xyz/14/0/0.mvt ",
        "grid/xyz/14/0/0.png",
        "../xyz/14/0/0.mvt",
    ],
)
def test_what_is_odd_is_left_to_the_app(twin: Twin, rest: str) -> None:
    tiling = Tiling(TownGallery(twin), Maker(pace=Pace(math.inf)), ByteCache(1 << 20))
    for layers in ("grid", "road", "grid,grid", "resource"):
        for z in (7, 14, 99):
            tiling.maker.pace.took((TOKEN, layers, "xyz", z, "identity"), 0.0)
    fast = Fast(twin, tiling)
    assert fast(b"GET", f"/tiles/{TOKEN}/grid/xyz/14/0/0.mvt".encode(), b"") is not None
    assert fast(b"GET", f"/tiles/{TOKEN}/{rest}".encode(), b"") is None
    assert fast(b"GET", f"/tiles/7-00/grid/xyz/14/0/0.mvt".encode(), b"") is None  # noqa: F541
    assert fast(b"GET", b"/tiles/grid.json", b"") is None


def test_who_takes_nothing_and_other_methods_are_left_to_the_app(twin: Twin) -> None:
    tiling = make_tiling(twin)
    fast, app = Fast(twin, tiling), create_app(twin, tiling)
    target = targets(1, 1)[0]
    slow(app, target)
    assert fast(b"GET", target, b"") is not None
    assert fast(b"GET", target, b"identity;q=0") is None
    for method in (b"HEAD", b"OPTIONS", b"POST"):
        assert fast(method, target, b"") is None


def test_an_engine_that_fails_is_left_to_the_app(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    tiling = Tiling(TownGallery(twin), Maker(pace=Pace(math.inf)))
    tiling.maker.pace.took((TOKEN, "grid", "xyz", 14, "identity"), 0.0)

    def fail(*_arguments: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(TownEngine, "tile", fail)
    target = f"/tiles/{TOKEN}/grid/xyz/14/0/0.mvt".encode()
    assert Fast(twin, tiling)(b"GET", target, b"") is None
    assert slow(create_app(twin, tiling), target).startswith(b"HTTP/1.1 500 ")


def test_a_past_edition_is_made_by_a_worker_and_sent_fast_when_kept(twin: Twin) -> None:
    tiling = make_tiling(twin)
    fast, app = Fast(twin, tiling), create_app(twin, tiling)
    target = targets(1, 1)[0]
    twin.current = make_twin(8).current
    assert fast(b"GET", target, b"") is None
    made = slow(app, target)
    assert made.startswith(b"HTTP/1.1 20")
    assert fast(b"GET", target, b"") == made


def test_a_narrow_scope_is_left_to_the_app(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    tiling = make_tiling(twin)
    fast, app = Fast(twin, tiling), create_app(twin, tiling)
    z, x, y = SCHEMES["xyz"].tile_at(*DOOR, 14)
    plain, mixed = (
        f"/tiles/{TOKEN}/{layers}/xyz/{z}/{x}/{y}.mvt".encode() for layers in ("grid", "grid,device")
    )
    for target in (plain, mixed):
        assert slow(app, target) == fast(b"GET", target, b"")
    monkeypatch.setattr(gate, "scope_of", lambda _request: gate.Scope(frozenset({"service", "areas"})))
    assert fast(b"GET", plain, b"") == slow(app, plain)
    assert fast(b"GET", mixed, b"") is None
    assert slow(app, mixed).startswith(b"HTTP/1.1 403 ")


def test_over_a_socket_the_coding_is_seen(twin: Twin) -> None:
    tiling = make_tiling(twin)
    asked: list[bytes] = []
    inner = Fast(twin, tiling)

    def fast(method: bytes, target: bytes, encodings: bytes) -> bytes | None:
        found = inner(method, target, encodings)
        asked.append(b"fast" if found else b"slow")
        return found

    z, x, y = SCHEMES["xyz"].tile_at(*DOOR, 14)
    head = f"GET /tiles/{TOKEN}/grid/xyz/{z}/{x}/{y}.mvt HTTP/1.1\r\nHost: test\r\n"
    wishes = ["", "Accept-Encoding: gzip\r\n", "ACCEPT-encoding: br\r\nAccept-Encoding: zstd;q=0.5\r\n"]
    with front_door(app=create_app(twin, tiling), fast=fast) as door:
        for wish, coding in zip(wishes, [None, "gzip", "br"], strict=True):
            with door.connect() as connection:
                replies = []
                for _ in range(3):
                    connection.sendall(f"{head}{wish}\r\n".encode())
                    replies.append(read_reply(connection))
                assert replies[0] == replies[1] == replies[2]
                assert replies[0][0] == 200
                assert replies[0][1].get("Content-Encoding") == coding
    assert asked == [b"slow", b"fast", b"fast"] * 3
