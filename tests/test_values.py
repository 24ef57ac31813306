"""Values beside the tile: every count by grid, sums for the levels above, in JSON and as Arrow."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import mapbox_vector_tile
import numpy as np
import pyarrow as pa
import pytest
from checked import Checked
from reported import reporting
from tiletown import DOOR, TownEngine
from town import toytown
from webtown import COMMUNITY, DISTRICT, GRID, HOLED, TOWN, Held, make_twin, place

from gridmap import lattice
from gridmap.inventory import NOTHING, Buildings, Inventory
from gridmap.model import Device
from gridmap.tallies import rows_below
from tiles.address import SCHEMES
from tiles.web import gate

if TYPE_CHECKING:
    from pathlib import Path

    from gridmap.twin import Twin

ARROW = "application/vnd.apache.arrow.stream"
COUNTS = ("households", "people", "buildings", "devices")
LEVELS = ("district", "town", "community", "grid")


def spots(seed: int, count: int) -> tuple[Any, Any]:
    """Lattice points in the town and around it."""
    low, high = place(-1, -1), place(9, 5)
    points = np.random.default_rng(seed).uniform(low, high, (count, 2))
    xs, ys = lattice.to_lattice(points[:, 0], points[:, 1])
    return np.asarray(xs, np.int32), np.asarray(ys, np.int32)


def inventory(*, inhabited: bool = True) -> Inventory:
    chance = np.random.default_rng(3)
    xs, ys = spots(1, 500)
    homes = chance.integers(0, 40, 500) if inhabited else None
    people = None if homes is None else homes * 3
    devices = [
        Device(f"D{number}", "door", x, y, None)
        for number, (x, y) in enumerate(zip(*(each.tolist() for each in spots(2, 80)), strict=True))
    ]
    return Inventory(Buildings(xs, ys, homes, people), tuple(devices), has_staff=False)


@pytest.fixture(name="twin")
def _twin() -> Twin:
    return make_twin(source=Held(inventory()))


@pytest.fixture(name="web")
def _web(twin: Twin) -> Checked:
    return Checked(twin)


def table(web: Checked, layer: str, metric: str, query: str = "") -> dict[int, float]:
    found = web.json(f"/values/{layer}/{metric}{query}")
    return dict(zip(found["ids"], found["values"], strict=True))


def counted(twin: Twin, metric: str, level: str) -> dict[str, int]:
    """The slow, obvious count: every thing is asked for its grid, and the grid for its chain."""
    held = inventory()
    assert held.buildings is not None
    assert held.buildings.households is not None
    assert held.buildings.people is not None
    buildings = list(zip(held.buildings.xs.tolist(), held.buildings.ys.tolist(), strict=True))
    things = {
        "buildings": [(spot, 1) for spot in buildings],
        "households": list(zip(buildings, held.buildings.households.tolist(), strict=True)),
        "people": list(zip(buildings, held.buildings.people.tolist(), strict=True)),
        "devices": [((device.x, device.y), 1) for device in held.devices],
    }[metric]
    city = twin.current
    out = {area.code: 0 for area in city.partition.areas() if area.level == level}
    for (x, y), count in things:
        for area in city.chain_at(city.index.at(x, y)):
            if area.level == level:
                out[area.code] += count
    return out


@pytest.mark.parametrize("metric", COUNTS)
@pytest.mark.parametrize("level", LEVELS)
def test_counts_are_those_of_the_things_in_each_area(
    web: Checked, twin: Twin, metric: str, level: str
) -> None:
    found = web.json(f"/values/{level}/{metric}")
    assert (found["layer"], found["metric"], found["edition"], found["seq"]) == (level, metric, 7, 7)
    expected = counted(twin, metric, level)
    number = twin.current.source.features()
    assert dict(zip(found["ids"], found["values"], strict=True)) == {
        number[code]: count for code, count in expected.items()
    }
    assert sum(found["values"]) > 20
    assert all(type(value) is int for value in found["values"])


@pytest.mark.parametrize("level", LEVELS)
def test_areas_are_those_of_the_measures(web: Checked, twin: Twin, level: str) -> None:
    number = twin.current.source.features()
    for code, found in zip(
        [area.code for area in twin.current.partition.areas() if area.level == level],
        web.json(f"/values/{level}/area_m2")["values"],
        strict=True,
    ):
        assert found == pytest.approx(twin.current.measures(code).area_m2, abs=0.001)
        assert number[code] in table(web, level, "area_m2")


def test_ids_are_those_of_the_tiles(web: Checked) -> None:
    z, x, y = SCHEMES["xyz"].tile_at(*DOOR, 12)
    body = web.ask(f"/tiles/{TownEngine(7).token}/grid/xyz/{z}/{x}/{y}.mvt").get_data()
    drawn = {each["id"] for each in mapbox_vector_tile.decode(body)["grid"]["features"]}
    assert drawn == set(table(web, "grid", "people"))


def test_a_part_of_the_city(web: Checked, twin: Twin) -> None:
    number = twin.current.source.features()
    whole = table(web, "grid", "people")
    for code in (DISTRICT, TOWN, COMMUNITY, GRID):
        inside = {number[each] for each in toytown().finest.codes if each.startswith(code)}
        assert table(web, "grid", "people", f"?area={code}") == {each: whole[each] for each in inside}
    assert table(web, "town", "people", f"?area={DISTRICT}") == table(web, "town", "people")
    assert list(table(web, "town", "people", f"?area={TOWN}")) == [number[TOWN]]
    two = [number[GRID], number[HOLED]]
    assert table(web, "grid", "people", f"?ids={two[0]},{two[1]},999999") == {
        each: whole[each] for each in two
    }
    assert set(table(web, "grid", "people", f"?area={COMMUNITY}&ids={two[0]},{number[TOWN]}")) == {two[0]}
    assert table(web, "grid", "people", "?ids=999999") == {}


def test_rows_below_follow_the_parents() -> None:
    town = toytown()
    for above in range(4):
        for row, code in enumerate(town.levels[above].codes):
            for depth in range(above, 4):
                codes = [town.levels[depth].codes[each] for each in rows_below(town, above, row, depth)]
                assert codes == [each for each in town.levels[depth].codes if each.startswith(code)]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("area=999", "area"),
        (f"area={GRID}&ids=x", "ids"),
        ("ids=1,,2", "ids"),
        ("ids=-1", "ids"),
        ("ids=1.5", "ids"),
        ("ids=", "ids"),
        ("f=xml", "f"),
        ("layer=grid", "layer"),
    ],
)
def test_nonsense_is_400(web: Checked, query: str, name: str) -> None:
    assert web.json(f"/values/grid/people?{query}", 400)["parameter"] == name


def test_an_area_below_the_layer_is_refused(web: Checked) -> None:
    assert "is a grid, in which no town lies" in web.json(f"/values/town/people?area={GRID}", 400)["detail"]


def test_what_is_not_counted_is_404_and_told_what_is(web: Checked) -> None:
    assert "there are district, town" in web.json("/values/road/people", 404)["detail"]
    assert "there are households, people" in web.json("/values/grid/rain", 404)["detail"]
    assert web.json("/values/label/people", 404)["type"] == "/problems#no-values"


def test_what_nobody_knows_is_404_and_not_0() -> None:
    web = Checked(make_twin(source=Held(inventory(inhabited=False))))
    assert "Nobody knows of people" in web.json("/values/grid/people", 404)["detail"]
    assert sum(table(web, "grid", "buildings").values()) > 0
    web = Checked(make_twin(source=Held(NOTHING)))
    assert "Nobody knows of buildings" in web.json("/values/grid/buildings", 404)["detail"]
    assert set(table(web, "grid", "devices").values()) == {0}
    assert len(table(web, "grid", "area_m2")) == 9


def read_arrow(body: bytes) -> tuple[dict[int, float], Any]:
    found = pa.ipc.open_stream(body).read_all()
    assert found.column_names == ["id", "value"]
    told = json.loads(found.schema.metadata[b"gridmap"])
    return dict(zip(found["id"].to_pylist(), found["value"].to_pylist(), strict=True)), told


def test_the_same_as_arrow(web: Checked) -> None:
    for metric in (*COUNTS, "area_m2"):
        plain = web.json(f"/values/grid/{metric}?area={TOWN}")
        for query, headers in (("&f=arrow", {}), ("", {"Accept": ARROW})):
            reply = web.ask(f"/values/grid/{metric}?area={TOWN}{query}", headers=headers)
            assert reply.headers["Content-Type"] == ARROW
            values, told = read_arrow(reply.get_data())
            assert values == dict(zip(plain["ids"], plain["values"], strict=True))
            assert told == {name: plain[name] for name in ("layer", "metric", "edition", "seq")}


def test_they_are_sent_in_a_coding_and_asked_for_again(web: Checked, twin: Twin) -> None:
    plain = web.ask("/values/grid/people")
    assert plain.headers["Cache-Control"] == "no-cache"
    assert plain.headers["Vary"] == "Accept, Accept-Encoding"
    reply = web.client.get("/values/grid/people", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(reply.get_data()) == plain.get_data()
    assert reply.headers["ETag"] != plain.headers["ETag"]
    for coding, tag in (("gzip", reply.headers["ETag"]), ("", plain.headers["ETag"])):
        web.ask("/values/grid/people", 304, headers={"Accept-Encoding": coding, "If-None-Match": tag})
    twin.current = make_twin(8, source=Held(inventory())).current
    assert web.ask("/values/grid/people", headers={"If-None-Match": tag}).headers["ETag"] != tag


@pytest.mark.parametrize("metric", ["open_events", "open_orders"])
def test_between_two_editions_what_is_open_is_counted_where_it_lies(
    tmp_path: Path, metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two grids have changed codes in the edition that is served, and the keeper has moved nothing yet."""
    areas = toytown()
    changed = {HOLED: GRID, GRID: HOLED}
    codes = tuple(changed.get(code, code) for code in areas.finest.codes)
    levels = (*areas.levels[:-1], replace(areas.finest, codes=codes))
    served = make_twin()
    with reporting(tmp_path, served) as web:
        number = served.current.source.features()
        inside = served.current.polygon(HOLED).representative_point()
        place = {"lon": inside.x, "lat": inside.y, "crs": "wgs84"}
        for name in "abc":
            web.report({"id": name, "source": "s", "class": "应急", "drill": name == "c", **place})
        web.settle()
        assert table(web, "grid", metric)[number[HOLED]] == 2
        monkeypatch.setattr(web.affairs.casework, "move", lambda _desk: 7)
        served.current = make_twin(8, partition=replace(areas, levels=levels)).current
        counts = table(web, "grid", metric)
        assert (counts[number[HOLED]], counts[number[GRID]], sum(counts.values())) == (0, 2, 2)


def test_each_metric_has_its_own_gate(web: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    for metric, opened in (("area_m2", True), ("buildings", True), ("people", False), ("devices", False)):
        headers = web.ask(f"/values/grid/{metric}").headers
        assert ("Access-Control-Allow-Origin" in headers) is opened
    monkeypatch.setattr(gate, "scope_of", lambda _request: gate.Scope(frozenset({"areas", "things"})))
    for metric, status in (("area_m2", 200), ("devices", 200), ("people", 403), ("households", 403)):
        web.ask(f"/values/grid/{metric}", status)
