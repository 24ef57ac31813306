"""How today stands, over HTTP: the numbers are those of a recount, and nothing is told that may not be."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from checked import Checked
from daybook_oracle import day_of
from event_oracles import SECRET, event
from lively import Town
from reported import reporting
from webtown import COMMUNITY, DISTRICT, GRID, HOLED, TOWN, Held, make_twin

from gridmap.events.document import from_object
from gridmap.inventory import Buildings, Inventory
from gridmap.lattice import point_to_lattice
from gridmap.model import Device, StaffPost
from tiles.web import gate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gridmap.twin import Twin

OTHER = "500999001002001"
SCHOOL = "500999001001901"
AREAS = (None, DISTRICT, TOWN, COMMUNITY, GRID)


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path)
    yield town
    town.close()


def overview(web: Checked, area: str | None = None) -> Any:
    return web.json("/overview" if area is None else f"/overview?area={area}")


def report(town: Town, name: str, **fields: Any) -> None:
    when = fields.pop("occurred_at", town.now.isoformat())
    town.post("/events", event(name, occurred_at=when, **fields), 201)


def numbers(said: Any) -> dict[str, Any]:
    """What a recount says too."""
    return {
        **said["today"],
        "new_by_hour": [hour["new"] for hour in said["by_hour"]],
        "closed_by_hour": [hour["closed"] for hour in said["by_hour"]],
        "new_by_class": {each["class"]: each["new"] for each in said["by_class"] if each["new"]},
        "open_by_class": {each["class"]: each["open"] for each in said["by_class"] if each["open"]},
    }


def recount(town: Town, area: str | None) -> dict[str, Any]:
    entries = town.affairs.book.read(0, 100_000)
    found = day_of(entries, town.twin.current, town.now, town.affairs.casework.calendar, area)
    return {name: value for name, value in found.items() if name != "alarms"}


def test_a_day_on_which_nothing_happened(town: Town) -> None:
    said = overview(town)
    assert (said["area"], said["edition"], said["day"], said["zone"]) == (None, 7, "2026-05-01", "+08:00")
    assert said["as_of"] == "2026-05-01T00:00:00.000Z"
    assert set(said["today"].values()) == {0}
    assert [hour["hour"] for hour in said["by_hour"]] == list(range(24))
    assert said["by_class"] == said["duty"] == said["alarms"] == []
    assert [each["code"] for each in said["ranking"]] == [DISTRICT]


def test_the_numbers_are_those_of_a_recount(town: Town) -> None:
    for number in range(60):
        report(
            town,
            f"e{number}",
            place=(GRID, HOLED, OTHER, None)[number % 4],
            class_=("城市管理", "公共安全", "应急")[number % 3],
            urgency=("red", "blue", "orange", "yellow", "blue")[number % 5],
            drill=True if number % 7 == 0 else None,
            occurred_at=(town.now - timedelta(hours=number % 30)).isoformat(),
        )
        if number % 4 == 1:
            report(town, f"c{number}", subject=f"e{number - 1}", op="close")
        town.wait(minutes=12)
    town.wait(hours=3)
    town.settle()
    for area in AREAS:
        said = overview(town, area)
        assert numbers(said) == recount(town, area)
        classes = [(each["new"], each["open"]) for each in said["by_class"]]
        assert classes == sorted(classes, reverse=True)
        assert said["seq"] <= town.affairs.book.head()
    today = overview(town)["today"]
    assert all(today[name] for name in ("new", "closed", "open", "overdue", "urgent", "drills")), today


def test_what_comes_and_the_next_day_are_counted_at_once(town: Town) -> None:
    report(town, "a", place=GRID)
    town.settle()
    assert overview(town)["today"]["new"] == 1
    report(town, "b", place=HOLED)
    town.settle()
    assert [overview(town, area)["today"]["new"] for area in (None, GRID, HOLED, OTHER)] == [2, 1, 1, 0]
    town.wait(hours=16)
    said = overview(town)
    assert (said["day"], said["today"]["new"], said["today"]["open"]) == ("2026-05-02", 0, 2)


def test_alarms_say_where_they_are_and_what_is_done(town: Town) -> None:
    point = town.twin.current.polygon(GRID).representative_point()
    place = {"lon": round(point.x, 7), "lat": round(point.y, 7), "crs": "wgs84"}
    report(town, "a", **place, urgency="red", title="燃气泄漏", class_="公共安全")
    town.wait(seconds=5)
    report(town, "b", urgency="orange")
    report(town, "c", place=GRID, urgency="yellow")
    report(town, "d", place=GRID, urgency="red", drill=True)
    town.settle()
    second, first = overview(town)["alarms"]
    order = town.json(f"/orders/{first['order']}")
    assert first == {
        "seq": 1,
        "order": order["id"],
        "title": "燃气泄漏",
        "class": "公共安全",
        "urgency": "red",
        "code": GRID,
        "at": [place["lon"], place["lat"]],
        "time": first["time"],
        "state": order["state"],
    }
    assert datetime.fromisoformat(first["time"]) == town.now - timedelta(seconds=5)
    assert (second["urgency"], second["code"], second["at"]) == ("orange", None, None)
    calmer = {"action": "regrade", "role": "dispatcher", "actor": "D-1", "urgency": "blue"}
    town.post(f"/orders/{first['order']}/actions", calmer, 200)
    assert [each["urgency"] for each in overview(town)["alarms"]] == ["orange", "blue"]
    assert [each["seq"] for each in overview(town, GRID)["alarms"]] == [1]
    assert overview(town, HOLED)["alarms"] == []


def test_an_area_that_is_none_is_refused_by_name(town: Town) -> None:
    detail = town.json("/overview?area=nowhere", 400)["detail"]
    assert "'nowhere' is no area of edition 7" in detail


def test_a_large_reply_comes_in_a_coding(town: Town) -> None:
    reply = town.client.get("/overview", headers={"Accept-Encoding": "gzip"})
    assert reply.headers["Content-Encoding"] == "gzip"
    assert reply.headers["Cache-Control"] == "no-store"
    assert json.loads(gzip.decompress(reply.get_data()))["edition"] == 7


def test_a_server_without_a_store_says_so() -> None:
    Checked(make_twin()).json("/overview", 503)


def test_who_may_not_see_households_is_told_nothing(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for lacking in ("events", "areas", "households", "things"):
        scope = gate.Scope(frozenset(gate.LAYERS) - {lacking})
        monkeypatch.setattr(gate, "scope_of", lambda _request, scope=scope: scope)
        town.json("/overview", 403)


# --- what stands in the city


def living(people: Sequence[tuple[str, int]]) -> Twin:
    """Toytown with a building in some grids, and so many people in each."""
    city = make_twin().current
    spots = [city.polygon(code).representative_point() for code, _ in people]
    points = np.array([point_to_lattice(spot.x, spot.y) for spot in spots], np.int32)
    counts = np.array([count for _, count in people], np.int64)
    buildings = Buildings(points[:, 0], points[:, 1], np.ones_like(counts), counts)
    return make_twin(source=Held(Inventory(buildings, (), has_staff=False)))


def test_the_stock_is_that_of_the_area(tmp_path: Path) -> None:
    twin = living([(GRID, 300), (HOLED, 4), (OTHER, 2000)])
    with reporting(tmp_path, twin) as web:
        point = twin.current.polygon(GRID).representative_point()
        web.store.put_devices([Device("D1", "door", *point_to_lattice(point.x, point.y), None)])
        posts = [StaffPost(f"{GRID}-{n}", GRID, "网格长", f"P-{n}", "全天 00:00-24:00") for n in range(3)]
        web.store.put_staff(posts)
        wanted = {
            None: (1, 2, 3, 9, 3, 3, 2304, 1, 3),
            DISTRICT: (1, 2, 3, 9, 3, 3, 2304, 1, 3),
            TOWN: (0, 1, 2, 5, 3, 3, 2304, 1, 3),
            COMMUNITY: (0, 0, 1, 3, 2, 2, 304, 1, 3),
            GRID: (0, 0, 0, 1, 1, 1, 300, 1, 3),
            HOLED: (0, 0, 0, 1, 1, 1, None, 0, 0),
        }
        for area, counts in wanted.items():
            said = overview(web, area)
            assert tuple(said["stock"].values()) == counts
            assert said["devices"]["total"] == counts[-2]
            assert [each["person"] for each in said["duty"]] == [f"P-{n}" for n in range(counts[-1])]
        assert overview(web, GRID)["area"]["name"] == "学府社区第2网格"


def test_areas_are_ranked_by_their_people_and_few_people_are_not_told(tmp_path: Path) -> None:
    with reporting(tmp_path, living([(GRID, 300), (HOLED, 4)])) as web:
        for number in range(6):
            web.report(event(f"e{number}", place=GRID if number < 2 else HOLED))
        web.settle()
        first, second, school = overview(web, COMMUNITY)["ranking"]
        assert (first["code"], first["new"], first["people"], first["per_10k"]) == (GRID, 2, 300, 66.67)
        assert (second["code"], second["new"], second["people"], second["per_10k"]) == (HOLED, 4, None, None)
        assert (school["new"], school["people"]) == (0, 0)
        assert [each["open"] for each in (first, second)] == [2, 4]
        assert overview(web, GRID)["ranking"] == []


def test_where_few_live_there_is_no_rate(tmp_path: Path) -> None:
    """One event among five people would lead the wall; such areas come after, by what is new."""
    with reporting(tmp_path, living([(GRID, 100), (HOLED, 99)])) as web:
        for number, place in enumerate((GRID, HOLED, HOLED, *[SCHOOL] * 3)):
            web.report(event(f"e{number}", place=place))
        web.settle()
        rows = overview(web, COMMUNITY)["ranking"]
        assert [(each["code"], each["people"], each["per_10k"]) for each in rows] == [
            (GRID, 100, 100.0),
            (SCHOOL, 0, None),
            (HOLED, 99, None),
        ]


def test_a_name_in_the_roster_is_masked(town: Town) -> None:
    persons = ("张小三", "P-1")
    town.store.put_staff(
        [StaffPost(f"{GRID}-{n}", GRID, "网格长", each, "全天 00:00-23:59") for n, each in enumerate(persons)]
    )
    assert [each["person"] for each in overview(town)["duty"]] == ["张*三", "P-1"]


def test_times_are_told_in_one_way(town: Town) -> None:
    said = event("a", place=GRID, urgency="red", occurred_at="2026-05-01 07:30:00.5+08:00")
    town.affairs.intake.take([from_object(said, SECRET)])
    town.settle()
    (alarm,) = overview(town)["alarms"]
    assert alarm["time"] == "2026-04-30T23:30:00.500Z"
