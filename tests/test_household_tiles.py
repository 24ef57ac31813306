"""Households over HTTP: a tile of them passes the gate on every way out, and is kept by nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from drawn import decoded, scenery, subject
from test_fast_tiles import slow
from town import toytown
from webtown import make_twin, place

from gridmap.errors import NotFoundError
from tiles.address import SCHEMES
from tiles.engine import Engine
from tiles.making import Maker, Pace
from tiles.web import gate
from tiles.web.app import create_app
from tiles.web.fast import Fast
from tiles.web.tiling import Tiling, Upkeep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from werkzeug.test import TestResponse

    from tiles.web.app import Web

SPOT = place(1, 1)
NARROW = gate.Scope(frozenset({"service", "areas", "things"}))


class OneEngine:
    """A gallery of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def current(self) -> Engine:
        return self._engine

    def of(self, token: str) -> Engine | None:
        return self._engine if token == self._engine.token else None

    def of_edition(self, number: int) -> Engine:
        if number != self._engine.edition:
            raise NotFoundError(f"There is no edition {number}.")
        return self._engine


ENGINE = Engine(subject(toytown(), scenery([SPOT])))


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """One second for all replies: they carry the date."""
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)


def served(tiling: Tiling) -> tuple[Web, Callable[[str], TestResponse]]:
    app = create_app(make_twin(), tiling)
    client = app.test_client()
    return app, client.get


def address(layers: str, zoom: int = 17) -> str:
    z, x, y = SCHEMES["xyz"].tile_at(*SPOT, zoom)
    return f"/tiles/{ENGINE.token}/{layers}/xyz/{z}/{x}/{y}.mvt"


def test_tile_and_tilejson_are_for_our_own_pages_only() -> None:
    _, get = served(Upkeep(1).tiling(OneEngine(ENGINE)))
    told = get("/tiles/household.json")
    assert told.get_json()["vector_layers"][0]["id"] == "household"
    assert (told.get_json()["minzoom"], told.get_json()["maxzoom"]) == (17, 18)
    for layers in ("household", "grid,household"):
        reply = get(address(layers))
        assert len(decoded(reply.get_data())["household"]) == 4
        assert reply.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        for each in (reply, get(f"/tiles/{layers}.json")):
            assert "Access-Control-Allow-Origin" not in each.headers
    assert get(address("grid")).headers["Access-Control-Allow-Origin"] == "*"
    assert get(address("grid")).headers["Cache-Control"].startswith("public, ")
    assert get("/tiles/grid.json").headers["Access-Control-Allow-Origin"] == "*"
    assert get(address("household", 16)).status_code == 404


def test_who_may_not_see_households_gets_none_on_any_way(monkeypatch: pytest.MonkeyPatch) -> None:
    tiling = Tiling(OneEngine(ENGINE), Maker(pace=Pace(quick_s=1000.0)))
    app, get = served(tiling)
    fast = Fast(make_twin(), tiling)
    for kept in (False, True):  # made on the spot, then from what is ready
        if kept:
            tiling.ready.limit = 1 << 20
        for layers in ("household", "grid,household"):
            target = address(layers).encode()
            made = slow(app, target)
            assert made.startswith(b"HTTP/1.1 200 ")
            assert fast(b"GET", target, b"") == made
            with monkeypatch.context() as narrow:
                narrow.setattr(gate, "scope_of", lambda _request: NARROW)
                assert fast(b"GET", target, b"") is None
                assert slow(app, target).startswith(b"HTTP/1.1 403 ")
                assert get(f"/tiles/{layers}.json").status_code == 403
                assert get(address("grid")).status_code == 200
    assert len(tiling.ready) > 0


def test_the_folder_of_tiles_holds_none(tmp_path: Path) -> None:
    _, get = served(Upkeep(0, tmp_path).tiling(OneEngine(ENGINE)))
    for layers in ("household", "grid,household"):
        assert get(address(layers)).status_code == 200
    assert list(tmp_path.rglob("*.tile")) == []
    assert get(address("grid")).status_code == 200
    assert len(list(tmp_path.rglob("*.tile"))) == 1


def test_a_style_shows_them_only_when_they_are_named() -> None:
    _, get = served(Upkeep(1).tiling(OneEngine(ENGINE)))
    assert "households" not in get("/styles/dark.json").get_json()["sources"]
    named = get("/styles/dark.json?layers=grid,household").get_json()
    assert set(named["sources"]) == {"areas", "households"}
    assert [each["id"] for each in named["layers"] if each.get("source") == "households"] == ["household"]
