"""The fast path gives, byte for byte, what the app gives, and leaves to it whatever is unusual."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from tiletown import make_app
from webtown import make_twin, place

from gridmap import crs
from tiles.web import gate
from tiles.web.fast import FastLocate
from tiles.web.wire import Request
from tiles.web.wsgi import ask

if TYPE_CHECKING:
    from gridmap.twin import Twin


@pytest.fixture(name="twin")
def _twin() -> Twin:
    return make_twin()


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """One second for all replies: they carry the date."""
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)


def slow(twin: Twin, target: str, app: object = None) -> bytes:
    request = Request("GET", target.encode(), "1.1", [(b"host", b"test")], [], True, "127.0.0.1")
    return b"".join(ask(app or make_app(twin), request, "127.0.0.1", 80))  # type: ignore[arg-type]  # a Flask app is one


def plain_targets(seed: int, count: int) -> list[str]:
    """Ordinary questions in all datums and orders, inside the town and around it."""
    chance = random.Random(seed)
    west, south = place(-1, -1)
    east, north = place(9, 5)
    out = []
    for _ in range(count):
        datum = chance.choice(["wgs84", "cgcs2000", "gcj02", "bd09"])
        lon, lat = chance.uniform(west, east), chance.uniform(south, north)
        if datum in ("gcj02", "bd09"):
            lon, lat = (float(each[0]) for each in crs.from_lonlat([lon], [lat], datum))
        digits = chance.choice([2, 4, 7, 12])
        parts = [f"lon={lon:.{digits}f}", f"lat={lat:.{digits}f}", f"crs={datum}"]
        chance.shuffle(parts)
        out.append("/locate?" + "&".join(parts))
    return out


def odd_targets(seed: int, count: int) -> list[str]:
    """Ordinary questions with a slip in them: a character changed, doubled or gone, a part repeated."""
    chance = random.Random(seed)
    out = []
    for target in plain_targets(seed, count):
        at = chance.randrange(1, len(target))
        extra = chance.choice("0123456789.-+eE&=%?#_ ;,lonatcrswg/é\u3000")
        slip = chance.choice(
            [
                target[:at] + target[at + 1 :],
                target[:at] + extra + target[at:],
                target[:at] + extra + target[at + 1 :],
                target + "&" + chance.choice(target.split("?")[1].split("&")),
                target + "&level=town",
                target.replace("lon=", "lon=%20"),
            ]
        )
        out.append(slip.replace(" ", "%20"))
    return out


def test_plain_questions_are_answered_fast_and_the_same(twin: Twin) -> None:
    fast, app = FastLocate(twin), make_app(twin)
    nowhere = 0
    for target in plain_targets(1, 2000):
        found = fast(b"GET", target.encode())
        assert found is not None, target
        assert found == slow(twin, target, app), target
        nowhere += b'"code":null' in found
    assert 200 < nowhere < 1800


def test_odd_questions_are_answered_the_same_or_left_alone(twin: Twin) -> None:
    fast, app = FastLocate(twin), make_app(twin)
    left = 0
    for target in odd_targets(2, 2000):
        found = fast(b"GET", target.encode())
        left += found is None
        assert found is None or found == slow(twin, target, app), target
    assert 1000 < left < 1950


@pytest.mark.parametrize(
    "target",
    [
        "/locate?lon=1e400&lat=1&crs=wgs84",
        "/locate?lon=181&lat=1&crs=wgs84",
        "/locate?lon=nan&lat=1&crs=wgs84",
        "/locate?lon=+106&lat=29&crs=wgs84",
        "/locate?lon=106&lat=29&crs=EPSG:4490",
        "/locate?lon=106&lat=29&crs=WGS84",
        "/locate?lon=106&lat=29&crs=wgs84&lon=107",
        "/locate?lon=106&lat=29&crs=wgs84&",
        "/locate?lon=1_0&lat=29&crs=wgs84",
        "/locate?lon=\uff11\uff10\uff16&lat=29&crs=wgs84",
        "/locate/?lon=106&lat=29&crs=wgs84",
        "/locate",
        "/",
        "/locate?lon=" + "1" * 300 + "&lat=29&crs=wgs84",
    ],
)
def test_what_is_not_plain_is_left_to_the_app(twin: Twin, target: str) -> None:
    assert FastLocate(twin)(b"GET", target.encode()) is None


def test_other_methods_are_left_to_the_app(twin: Twin) -> None:
    lon, lat = place(3, 3)
    target = f"/locate?lon={lon}&lat={lat}&crs=wgs84".encode()
    assert FastLocate(twin)(b"GET", target) is not None
    for method in (b"HEAD", b"OPTIONS", b"POST"):
        assert FastLocate(twin)(method, target) is None


def test_a_published_edition_is_seen_at_once(twin: Twin) -> None:
    fast = FastLocate(twin)
    lon, lat = place(3, 3)
    target = f"/locate?lon={lon}&lat={lat}&crs=wgs84"
    for number in (7, 8, 9):
        twin.current = make_twin(number, proven=number != 8).current
        found = fast(b"GET", target.encode())
        assert found == slow(twin, target)
        assert f'"edition":{number},'.encode() in (found or b"")


def test_a_narrow_scope_is_left_to_the_app(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = FastLocate(twin)
    lon, lat = place(3, 3)
    target = f"/locate?lon={lon}&lat={lat}&crs=wgs84".encode()
    assert fast(b"GET", target) is not None
    monkeypatch.setattr(gate, "scope_of", lambda _request: gate.Scope(frozenset({"service"})))
    assert fast(b"GET", target) is None
    assert slow(twin, target.decode()).startswith(b"HTTP/1.1 403 ")


def test_names_are_written_as_json_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = make_twin()
    table = twin.current.partition.finest
    odd = tuple(f'{name} "x" \\ \n\u2028 😀' for name in table.names)
    monkeypatch.setitem(vars(table), "names", odd)
    lon, lat = place(3, 3)
    target = f"/locate?lon={lon}&lat={lat}&crs=wgs84"
    found = FastLocate(twin)(b"GET", target.encode())
    assert found == slow(twin, target)
    assert "😀".encode() in (found or b"")
