"""What is made ready beside the requests: before they come, and no more than is asked for."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from checked import Checked
from furnished import BUILDINGS, HOUSEHOLDS, Town, furnished, stored, town
from reported import PATIENCE_S
from webtown import make_twin

from gridmap.errors import HomeError
from gridmap.surroundings import Source
from tiles.web import kept, warming
from tiles.web.warming import OPENED, Warming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from gridmap.daybook.daybook import Page
    from gridmap.gazetteer.gazetteer import Gazetteer
    from gridmap.twin import Snapshot


@pytest.fixture(name="made", scope="module")
def _made() -> Town:
    return town(7)


@pytest.fixture(autouse=True)
def _unopened(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody has opened the page, and nothing heavy is loaded."""
    monkeypatch.setattr(warming, "prepare", lambda: None)
    monkeypatch.setattr(warming, "CALM_S", 0.0)
    OPENED.clear()
    yield
    OPENED.clear()


@pytest.fixture(name="named")
def _named(monkeypatch: pytest.MonkeyPatch) -> list[Snapshot]:
    """The snapshots whose gazetteers were made, in order."""
    made: list[Snapshot] = []

    def make(snapshot: Snapshot) -> Gazetteer:
        made.append(snapshot)
        return kept._gazetteer(snapshot)

    monkeypatch.setattr(kept, "GAZETTEERS", kept.Kept(make))
    return made


def wait(done: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_gazetteer_and_daybook_are_made_before_anybody_asks(
    made: Town, named: list[Snapshot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with furnished(tmp_path, made) as web:
        looked: list[Snapshot] = []
        renewed: list[float] = []
        look = web.affairs.daybook.look

        def note(city: Snapshot) -> Page:
            looked.append(city)
            return look(city)

        monkeypatch.setattr(web.affairs.daybook, "look", note)
        monkeypatch.setattr(web.affairs.daybook, "renew", lambda: renewed.append(time.monotonic()))
        twin = make_twin(source=Source(None))
        one = Warming(twin, web.affairs)
        assert (named, looked) == ([], [])
        one.start()
        try:
            wait(lambda: looked)
            time.sleep(2 * warming.EVERY_S)
            assert named == []  # nobody wants to know
            OPENED.set()
            wait(lambda: named)
            time.sleep(2 * warming.EVERY_S)
            assert (named, looked, renewed) == ([twin.current], [twin.current], [])
            monkeypatch.setattr(warming, "RENEWED_S", 0.0)
            wait(lambda: renewed)
            assert (named, looked) == ([twin.current], [twin.current])
        finally:
            one.close()
        assert not one._thread.is_alive()


def test_the_gazetteer_of_an_edition_is_made_before_it_is_served(named: list[Snapshot]) -> None:
    OPENED.set()
    twin, order = make_twin(), []
    twin.before_swap = lambda snapshot: order.append((snapshot, list(named)))
    first, later = twin.current, make_twin(8).current
    one = Warming(twin, None)
    one.start()
    try:
        wait(lambda: named == [first])
        twin.before_swap(later)  # as the follower calls it
        assert order == [(later, [first])]
        assert named == [first, later]
    finally:
        one.close()


def test_an_edition_is_served_also_where_its_names_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Snapshot] = []

    def fail(snapshot: Snapshot) -> Gazetteer:
        asked.append(snapshot)
        raise HomeError("away")

    OPENED.set()
    monkeypatch.setattr(kept, "GAZETTEERS", kept.Kept(fail))
    twin = make_twin()
    one = Warming(twin, None)
    one.start()
    try:
        later = make_twin(8).current
        twin.before_swap(later)
        assert later in asked
    finally:
        one.close()


def test_what_is_stored_while_the_server_runs_is_found(
    made: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warming, "RENEWED_S", 0.05)
    monkeypatch.setattr(warming, "EVERY_S", 0.01)
    address = stored(tmp_path / "home", made)
    twin = make_twin(source=Source(address))
    web = Checked(twin)
    building = made.buildings[made.households[0]["building"]]["code"]
    rooms = web.json(f"/buildings/{building}")["units"]
    assert rooms
    homes = [*made.households[:-1], made.households[-1] | {"people": 9}]
    with address.open() as store:
        store.put_columns("households", pa.Table.from_pylist(homes, HOUSEHOLDS), synthetic=True)
    assert web.json(f"/buildings/{building}")["units"] == rooms
    one = Warming(twin, None)
    one.start()
    try:
        with address.open() as store:
            device, post = replace(made.devices[0], code="N-1"), replace(made.posts[0], code="N-2")
            store.put_devices([*made.devices, device])
            store.put_staff([*made.posts, post])
        wait(lambda: web.json("/search?q=n-1")["results"])
        staff = web.json(f"/cards/{post.grid}")
        assert staff["stock"]["staff"] == sum(each.grid == post.grid for each in made.posts) + 1
        assert web.json(f"/buildings/{building}")["units"] == rooms
    finally:
        one.close()
        twin.close()


def test_while_households_are_of_other_buildings_things_stay_as_they_were(
    made: Town, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = stored(tmp_path / "home", made)
    twin = make_twin(source=Source(address))
    known = kept.GAZETTEERS.of(twin.current).register
    with address.open() as store:
        few = pa.Table.from_pylist(made.buildings[:5], BUILDINGS)
        store.put_columns("buildings", few, synthetic=True)
    with pytest.raises(HomeError, match="households again"):
        kept.renew(twin.current)
    later = make_twin(8, source=twin.current.source).current
    assert kept.GAZETTEERS.of(later).register is kept.GAZETTEERS.of(twin.current).register is known
    assert "edition 8 is given the things of before" in caplog.text
    web = Checked(make_twin(source=Source(address)))  # one that begins just now
    web.ask("/search?q=1", 503)
    with address.open() as store:
        store.put_columns("households", pa.Table.from_pylist([], HOUSEHOLDS), synthetic=True)
    kept.renew(twin.current)
    assert len(web.json("/search?q=500999000&limit=50")["results"]) == 5
    twin.close()


def test_what_makes_classes_is_loaded_when_the_page_is_opened_and_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[float] = []
    monkeypatch.setattr(warming, "prepare", lambda: loaded.append(time.monotonic()))
    monkeypatch.setattr(warming, "EVERY_S", 0.01)
    twin = make_twin()
    web = Checked(twin)
    one = Warming(twin, None)
    one.start()
    try:
        for address in ("/healthz", "/view/main.js", "/values/grid/area_m2", "/areas"):
            web.ask(address)
        time.sleep(0.1)
        assert loaded == []
        web.ask("/view")
        wait(lambda: loaded)
        web.ask("/view/config.json")
        time.sleep(0.1)
        assert len(loaded) == 1
    finally:
        one.close()
    OPENED.clear()
    web.ask("/view/config.json")
    assert OPENED.is_set()
