"""The gallery: a token for each edition, past editions on demand, a new one ready before it is served."""

from __future__ import annotations

import json
import time
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from drawn import decoded
from webtown import HOLED, place

from gridmap.errors import ConflictError, NotFoundError
from gridmap.publishing import load_areas
from gridmap.store.home import Home
from gridmap.twin import Twin
from tiles.address import SCHEMES
from tiles.gallery import Gallery, open_engine

if TYPE_CHECKING:
    from tiles.engine import Engine

TOYTOWN = Path(__file__).parent.parent / "data" / "toytown" / "toytown.geojson"
PATIENCE_S = 60


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    load_areas(TOYTOWN, folder, keep=False, author="me")
    return folder


def publish(home: Path, name: str) -> None:
    """Publish Toytown with another name for one grid."""
    document = json.loads(TOYTOWN.read_text(encoding="utf-8"))
    for feature in document["features"]:
        if feature["properties"]["code"] == HOLED:
            feature["properties"]["name"] = name
    file = home.parent / f"{name}.geojson"
    file.write_text(json.dumps(document), encoding="utf-8")
    load_areas(file, home, keep=False, author="me")


def name_in(engine: Engine) -> tuple[str, int]:
    """What the tiles of an engine call the grid with the hole, and its id."""
    tile = SCHEMES["xyz"].tile_at(*place(0.5, 3.5), 14)
    for feature in decoded(engine.tile(["grid"], "xyz", *tile))["grid"]:
        if feature["properties"]["code"] == HOLED:
            return feature["properties"]["name"], feature["id"]
    raise AssertionError("the grid is not in its tile")


def test_the_current_edition_and_past_ones_have_tokens_of_their_own(home: Path) -> None:
    before = open_engine(home)
    publish(home, "新网格")
    gallery = Gallery(Twin.open(home), home)
    now = gallery.current()
    assert (before.edition, now.edition) == (1, 2)
    assert gallery.of(now.token) is now
    past = gallery.of(before.token)
    assert past is not None
    assert past.token == before.token
    assert gallery.of_edition(1) is past
    assert name_in(past)[0] == "学府社区第1网格"
    assert name_in(now) == ("新网格", name_in(past)[1])  # another name, the same number


@pytest.mark.parametrize("token", ["1-0000000000", "9-0123456789", "", "-", "x-y", "²-a", "1" * 40])
def test_a_token_that_nothing_has_is_nobodys(home: Path, token: str) -> None:
    assert Gallery(Twin.open(home), home).of(token) is None


def test_an_edition_that_is_not_there_is_named(home: Path) -> None:
    with pytest.raises(NotFoundError, match="edition 5"):
        Gallery(Twin.open(home), home).of_edition(5)


def test_a_new_edition_is_ready_before_it_is_served(home: Path) -> None:
    twin, stop = Twin.open(home), Event()
    gallery = Gallery(twin, home)
    first = gallery.current()
    Thread(target=twin.follow, args=(home, stop), daemon=True).start()
    try:
        publish(home, "新网格")
        begin = time.monotonic()
        while (found := gallery.current()).edition == 1:
            assert found is first
            assert time.monotonic() - begin < PATIENCE_S
        assert gallery.current().edition == twin.current.edition.number == 2
        assert gallery.of_edition(1) is first  # whoever has its address still gets its tiles
    finally:
        stop.set()
        twin.close()


def test_ladders_are_kept_beside_the_city(home: Path) -> None:
    for scheme in SCHEMES:
        open_engine(home).prepare(scheme)
    planes = {scheme.plane.name for scheme in SCHEMES.values()}
    assert len([*Home(home).cache.glob("ladder-*")]) == len(planes)


def followed(gallery: Gallery, number: int) -> Engine:
    """The engine of an edition, once it is served."""
    begin = time.monotonic()
    while (found := gallery.current()).edition < number:
        assert time.monotonic() - begin < PATIENCE_S
        time.sleep(0.01)
    return found


def households_in(engine: Engine) -> int:
    tile = SCHEMES["xyz"].tile_at(*place(1, 1), 17)
    return len(decoded(engine.tile(["household"], "xyz", *tile))["household"])


def test_what_stands_in_the_city_is_read_again_only_when_it_changed(home: Path) -> None:
    with Home.open(home).store() as store:
        store.put_columns("buildings", pa.table(BUILDINGS), synthetic=True)
        store.put_columns("households", pa.table(LIVING), synthetic=True)
    twin, stop = Twin.open(home), Event()
    gallery = Gallery(twin, home)
    first = gallery.current()
    Thread(target=twin.follow, args=(home, stop), daemon=True).start()
    try:
        publish(home, "新网格")
        second = followed(gallery, 2)
        assert second.scenery is first.scenery
        assert households_in(second) == households_in(first) == 2
        with Home.open(home).store() as store:
            store.put_columns("households", pa.table(LIVING).slice(1), synthetic=True)
        publish(home, "更新")
        third = followed(gallery, 3)
        assert third.scenery is not first.scenery
        assert households_in(third) == 1
        assert gallery.of_edition(1).scenery is third.scenery
    finally:
        stop.set()
        twin.close()


def test_for_a_job_buildings_are_read_when_a_layer_needs_them(home: Path) -> None:
    with Home.open(home).store() as store:
        store.put_columns("buildings", pa.table(BUILDINGS), synthetic=True)
    before = open_engine(home)
    with Home.open(home).store() as store:
        store.put_columns("households", pa.table(LIVING), synthetic=True)
    assert before.tile(["grid"], "xyz", *SCHEMES["xyz"].tile_at(*place(1, 1), 14))
    assert "buildings" not in vars(before.scenery)
    with pytest.raises(ConflictError, match="changed meanwhile"):
        households_in(before)
    after = open_engine(home)
    assert after.token != before.token
    assert households_in(after) == 2
    assert len([*Home(home).cache.glob("doors-*")]) == 1


X, Y = (round(each * 1e7) for each in place(1, 1))
BUILDINGS = {
    "code": ["b1"],
    "community": ["c"],
    "x": pa.array([X], pa.int32()),
    "y": pa.array([Y], pa.int32()),
    "width_m": pa.array([28.5], pa.float32()),
    "depth_m": pa.array([12.5], pa.float32()),
    "bearing_deg": pa.array([121], pa.int16()),
    "floors": pa.array([7], pa.uint8()),
    "units": pa.array([2], pa.uint8()),
    "use": ["residential"],
    "name": ["一栋"],
    "address": ["x"],
}
LIVING = {
    "building": pa.array([0, 0], pa.int32()),
    "unit": pa.array([1, 2], pa.uint8()),
    "floor": pa.array([3, 3], pa.uint8()),
    "room": pa.array([1, 1], pa.uint8()),
    "people": pa.array([2, 9], pa.uint8()),
}
