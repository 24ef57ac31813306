"""`GET /search`: what the page is told of what was found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import shapely
from checked import Checked
from furnished import Town, furnished, town
from webtown import COMMUNITY, DISTRICT, GRID, TOWN, make_twin, place

from gridmap.crs import from_lonlat
from gridmap.lattice import SCALE
from tiles.web import gate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from reported import Reported

LON, LAT = place(3, 3)


@pytest.fixture(name="made", scope="module")
def _made() -> Town:
    return town(7)


@pytest.fixture(name="web", scope="module")
def _web(made: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reported]:
    with furnished(tmp_path_factory.mktemp("search"), made) as web:
        yield web


def found(web: Checked, q: str, more: str = "") -> list[dict[str, Any]]:
    said = web.json(f"/search?q={q}{more}")
    assert said["q"] == q
    results: list[dict[str, Any]] = said["results"]
    return results


def test_an_area_says_where_it_is(web: Reported) -> None:
    (grid,) = found(web, GRID)
    assert (grid["kind"], grid["code"], grid["name"], grid["level"]) == (
        "area",
        GRID,
        "学府社区第2网格",
        "grid",
    )
    assert grid["path"] == "玩具区 / 东街街道 / 学府社区"
    shape = make_twin().current.polygon(GRID)
    assert tuple(grid["bbox"]) == pytest.approx(shape.bounds, abs=1e-9)
    assert shapely.contains_xy(shape, *grid["at"])
    (district,) = found(web, "玩具区", "&limit=1")
    assert (district["code"], district["path"], district["level"]) == (DISTRICT, "", "district")


def test_every_area_is_found_by_its_name_and_by_its_code(web: Reported) -> None:
    for area in make_twin().current.partition.areas():
        assert found(web, area.code)[0]["code"] == area.code
        assert area.code in {each["code"] for each in found(web, area.name)}


def test_a_building_says_where_it_is(web: Reported, made: Town) -> None:
    city = make_twin().current
    for building in made.buildings[:40]:
        (said,) = found(web, building["code"])
        assert (said["kind"], said["level"], said["bbox"]) == ("building", None, None)
        assert said["name"] == (building["name"] or building["code"])
        assert said["at"] == [building["x"] / SCALE, building["y"] / SCALE]
        chain = city.chain_at(city.index.at(building["x"], building["y"]))
        assert said["path"] == " / ".join(area.name for area in chain)


def test_buildings_are_found_by_their_address(web: Reported, made: Town) -> None:
    street = made.buildings[0]["address"]
    expected = {each["code"] for each in made.buildings if street in each["address"]}
    assert {each["code"] for each in found(web, street, "&limit=50")} == expected


def test_a_device_is_a_thing_and_only_then_the_gate_is_asked(
    web: Reported, made: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    (said,) = found(web, made.devices[3].code)
    assert (said["kind"], said["code"]) == ("device", made.devices[3].code)
    assert said["name"] in ("摄像头", "智能门磁", "烟感", "一键呼救")
    monkeypatch.setattr(gate, "scope_of", lambda _request: gate.Scope(frozenset({"areas"})))
    web.ask(f"/search?q={made.devices[3].code}", 403)
    web.ask(f"/search?q={GRID}")


def test_a_code_may_be_typed_large_or_small_and_in_full_width(web: Reported, made: Town) -> None:
    device, building = made.devices[3].code, made.buildings[0]["code"]
    wide = {each: chr(ord(each) - ord("!") + ord("！")) for each in f"{device}{building}{GRID}"}
    for code in (device, building, GRID):
        for text in (code.lower(), "".join(map(wide.__getitem__, code))):
            assert [each["code"] for each in found(web, text)] == [code]


def test_an_order_by_its_id(web: Reported, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"id": "s-1", "source": "12345", "class": "城市管理", "title": "井盖破损"}
    seq = web.report({**said, "lon": LON, "lat": LAT, "crs": "wgs84"})["seq"]
    web.settle()
    for text in (f"o-{seq}", f"O-{seq}", f"Ｏ－{seq}"):
        (order,) = found(web, text)
        assert (order["kind"], order["code"], order["name"]) == ("order", f"o-{seq}", "井盖破损")
        assert order["at"] == [LON, LAT]
        assert order["path"] == "玩具区 / 东街街道 / 学府社区 / 学府社区第2网格"
    assert found(web, "o-999999") == []
    monkeypatch.setattr(gate, "scope_of", lambda _request: gate.Scope(frozenset({"areas"})))
    web.ask(f"/search?q=o-{seq}", 403)
    web.ask("/search?q=o-999999")


@pytest.mark.parametrize("datum", ["gcj02", "bd09", "EPSG:4544"])
def test_a_place_of_any_datum(web: Reported, datum: str) -> None:
    easts, norths = from_lonlat([LON], [LAT], datum)
    (said,) = found(web, f"{easts[0]:.9f},{norths[0]:.9f} {datum}")
    assert (said["kind"], said["code"], said["at"]) == ("place", GRID, [LON, LAT])
    assert said["path"].endswith("学府社区 / 学府社区第2网格")
    (out,) = found(web, "29.0 N 106.0 E")
    assert (out["code"], out["path"], out["at"]) == (None, "", [106.0, 29.0])


def test_only_in_an_area(web: Reported) -> None:
    for code in (TOWN, COMMUNITY, GRID):
        for each in found(web, "500999", f"&area={code}&limit=50"):
            assert each["kind"] != "area" or each["code"].startswith(code)
    assert {each["code"] for each in found(web, "网格", f"&area={GRID}")} == {GRID}


def test_a_limit_is_kept(web: Reported) -> None:
    for limit in (1, 3, 50):
        assert len(found(web, "500999", f"&limit={limit}")) == limit
    assert len(found(web, "500999")) == 10


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=%20", "q"),
        (f"q={'长' * 101}", "q"),
        ("q=a&limit=0", "limit"),
        ("q=a&limit=51", "limit"),
        ("q=a&area=1", "area"),
        ("q=a&x=1", "x"),
        ("q=EPSG:99999 1 2", "q"),
    ],
)
def test_nonsense_is_400(web: Reported, query: str, name: str) -> None:
    assert web.json(f"/search?{query}", 400)["parameter"] == name


def test_a_town_of_areas_alone_answers_too() -> None:
    web = Checked(make_twin())
    assert [each["code"] for each in found(web, "玩具小学")] == ["500999001001901"]
    assert found(web, "o-1") == []
    reply = web.client.get("/search?q=玩具")
    assert reply.headers["Cache-Control"] == "private, no-cache"
    assert json.loads(reply.get_data())["results"][0]["code"] == DISTRICT
