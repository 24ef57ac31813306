"""A tile is made once however many ask, read from the folder where it is kept, and its pace is noted."""

from __future__ import annotations

import gzip
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from tiletown import DOOR, TownEngine, TownGallery, make_tiling
from webtown import make_twin

from tiles.address import SCHEMES
from tiles.codings import CODINGS, IDENTITY, encode
from tiles.folder import TileFolder
from tiles.making import Maker, Pace
from tiles.web.app import create_app

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TOKEN = TownEngine(7).token


def address(z: int = 14) -> str:
    return f"/tiles/{TOKEN}/grid/xyz/{z}/{'/'.join(map(str, SCHEMES['xyz'].tile_at(*DOOR, z)[1:]))}.mvt"


def test_many_who_ask_at_once_are_given_one_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    twin = make_twin()
    tiling = make_tiling(twin)
    app, engine = create_app(twin, tiling), tiling.gallery.current()
    assert isinstance(engine, TownEngine)
    quick = TownEngine.tile

    def slowly(self: TownEngine, layers: Sequence[str], scheme: str, z: int, x: int, y: int) -> bytes:
        time.sleep(0.05)
        return quick(self, layers, scheme, z, x, y)

    monkeypatch.setattr(TownEngine, "tile", slowly)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: app.test_client().get(address()).get_data(), range(16)))
    assert len(set(found)) == 1
    assert found[0]
    assert engine.made == 1


def test_the_folder_outlives_the_process(tmp_path: Path) -> None:
    twin = make_twin()
    bodies = []
    for made in (1, 0):  # the second process makes nothing
        tiling = make_tiling(twin, folder=tmp_path)
        engine = tiling.gallery.current()
        assert isinstance(engine, TownEngine)
        client = create_app(twin, tiling).test_client()
        bodies += [client.get(address(), headers={"Accept-Encoding": "gzip"}).get_data() for _ in range(2)]
        assert client.get(f"/tiles/{TOKEN}/grid/xyz/14/0/0.mvt").status_code == 204
        assert engine.made == 2 * made
    assert len(set(bodies)) == 1
    assert gzip.decompress(bodies[0]) == TownEngine(7).tile(
        ["grid"], "xyz", *SCHEMES["xyz"].tile_at(*DOOR, 14)
    )
    assert {path.suffixes[-2] for path in tmp_path.rglob("*.tile")} == {".gzip", f".{IDENTITY}"}


def test_the_pace_is_that_of_the_slowest_and_is_forgotten_in_time() -> None:
    pace = Pace(0.001)
    assert not pace.is_quick("unknown")
    pace.took("kind", 0.0002)
    assert pace.is_quick("kind")
    pace.took("kind", 0.005)
    pace.took("kind", 0.0002)
    assert not pace.is_quick("kind")
    for _ in range(100):
        pace.took("kind", 0.0002)
    assert pace.is_quick("kind")
    assert not pace.is_quick("unknown")


def test_paces_are_not_remembered_without_end() -> None:
    pace = Pace(1)
    for number in range(30_000):
        pace.took(number, 0)
    assert pace.is_quick(29_999)
    assert not pace.is_quick(0)


def test_making_notes_the_pace() -> None:
    maker, engine = Maker(), TownGallery(make_twin()).current()
    z, x, y = tile = SCHEMES["xyz"].tile_at(*DOOR, 14)
    plain = engine.tile(["grid"], "xyz", z, x, y)
    for coding in (IDENTITY, *CODINGS):
        assert maker.make(engine, ["grid"], "xyz", tile, coding, coding) == encode(plain, coding)
        assert not maker.pace.is_quick(coding)  # this engine takes milliseconds
    assert maker.make(engine, ["grid"], "xyz", SCHEMES["xyz"].tile_at(0, 0, 14), "gzip", "gzip") == b""


def test_encoders_give_the_same_bytes_on_any_thread(tmp_path: Path) -> None:
    body = bytes(range(256)) * 80
    with ThreadPoolExecutor(4) as pool:
        for coding in CODINGS:
            found = set(pool.map(lambda _, coding=coding: encode(body, coding), range(200)))
            assert found == {encode(body, coding)}
            assert len(next(iter(found))) < len(body) / 10
    assert encode(body, IDENTITY) is body
    with pytest.raises(KeyError):
        encode(body, "compress")
    assert TileFolder(tmp_path, 1).get("x") is None
