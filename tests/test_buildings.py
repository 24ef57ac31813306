"""`GET /buildings/{code}`, recounted from the columns; what names people is not told."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from checked import Checked
from furnished import Town, furnished, town
from webtown import make_twin

from gridmap.gazetteer.doors import Door, by_unit
from gridmap.lattice import SCALE
from tiles.web import gate
from tiles.web.buildings import told_people

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reported import Reported


@pytest.fixture(name="made", scope="module")
def _made() -> Town:
    return town(11)


@pytest.fixture(name="web", scope="module")
def _web(made: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reported]:
    with furnished(tmp_path_factory.mktemp("buildings"), made) as web:
        yield web


def label(floor: int, room: int) -> str:
    return str(room) if room >= 100 else (f"B{-floor}" if floor < 0 else str(floor)) + f"{room:02}"


def test_every_building_is_told_as_it_stands_in_the_columns(web: Reported, made: Town) -> None:
    city = make_twin().current
    for row, building in enumerate(made.buildings):
        said = web.json(f"/buildings/{building['code']}")
        assert {name: said[name] for name in ("code", "name", "use")} == {
            name: building[name] for name in ("code", "name", "use")
        }
        assert said["height"] == 3 * building["floors"]
        assert said["at"] == [building["x"] / SCALE, building["y"] / SCALE]
        chain = city.chain_at(city.index.at(building["x"], building["y"]))
        assert [each["code"] for each in said["path"]] == [area.code for area in chain]
        assert said["grid"] == ({"code": chain[-1].code, "name": chain[-1].name} if chain else None)
        living = made.living(row)
        assert said["households"] == len(living)
        people = sum(each["people"] for each in living)
        assert said["people"] == (None if 0 < people < 5 else people)
        assert rooms(said) == Counter(
            (str(each["unit"]), each["floor"], label(each["floor"], each["room"])) for each in living
        )


def rooms(said: dict[str, Any]) -> Counter[tuple[str, int, str]]:
    return Counter(
        (unit["unit"], floor["floor"], room["room"])
        for unit in said["units"]
        for floor in unit["floors"]
        for room in floor["rooms"]
    )


def test_floors_run_from_the_top_down_and_codes_are_all_different(web: Reported, made: Town) -> None:
    codes = []
    for building in made.buildings:
        said = web.json(f"/buildings/{building['code']}")
        units = [int(unit["unit"]) for unit in said["units"]]
        assert units == sorted(units)
        for unit in said["units"]:
            floors = [floor["floor"] for floor in unit["floors"]]
            assert floors == sorted(set(floors), reverse=True)
            codes += [room["code"] for floor in unit["floors"] for room in floor["rooms"]]
    assert len(set(codes)) == len(codes) == len(made.households)


def test_codes_of_households_are_those_of_the_tiles() -> None:
    """As tests/test_homes.py has them."""
    doors = [Door(1, -1, 0, 1), Door(1, 2, 1201, 1), Door(1, 2, 1201, 2), Door(2, 9, 3, 1)]
    assert [door.code("B0") for door in doors] == ["B0-1--1-0", "B0-1-2-1201", "B0-1-2-1201-2", "B0-2-9-3"]
    assert [door.label for door in doors] == ["B100", "1201", "1201", "903"]
    assert {unit: list(floors) for unit, floors in by_unit(doors).items()} == {1: [2, -1], 2: [9]}


def test_few_people_are_nobodys_business(web: Reported, made: Town) -> None:
    assert [told_people(count) for count in (None, 0, 1, 4, 5, 80)] == [None, 0, None, None, 5, 80]
    hidden = 0
    for row, building in enumerate(made.buildings):
        people = sum(each["people"] for each in made.living(row))
        body = web.ask(f"/buildings/{building['code']}").get_data(as_text=True)
        hidden += 0 < people < 5
        assert ('"people":null' in body) == (0 < people < 5)
        assert body.count("people") == 1  # of the building; of no room
    assert hidden > 10


def test_it_is_behind_the_gate_of_households(
    web: Reported, made: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/buildings/{made.buildings[0]['code']}"
    reply = web.ask(address)
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert reply.headers["Cache-Control"] == "private, no-cache"
    monkeypatch.setattr(
        gate, "scope_of", lambda _request: gate.Scope(frozenset({"areas", "events", "things"}))
    )
    web.ask(address, 403)


def test_what_is_not_there_is_404(web: Reported) -> None:
    for code in ("x", "500999", "50099900000", "5009990000000", "%C3%A9"):
        assert "There is no building" in web.json(f"/buildings/{code}", 404)["detail"]
    assert "There is no building" in Checked(make_twin()).json("/buildings/x", 404)["detail"]
