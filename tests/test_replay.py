"""What was open in a period, over HTTP: as a replay of the whole log says, and no more than may be asked."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from checked import Checked
from daybook_oracle import open_between
from event_oracles import event
from lively import MAY_DAY, Town
from webtown import COMMUNITY, GRID, HOLED, Held, make_twin

from gridmap.events.intake import rfc3339
from gridmap.store.archives import Keep
from gridmap.store.log import EVENT, Fact
from tiles.web import gate, replay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path)
    yield town
    town.close()


def report(town: Town, name: str, **fields: Any) -> None:
    when = fields.pop("occurred_at", town.now.isoformat())
    town.post("/events", event(name, occurred_at=when, **fields), 201)


def played(town: Town, begin: datetime, end: datetime, more: str = "") -> Any:
    return town.json(f"/replay?from={quote(begin.isoformat())}&to={quote(end.isoformat())}{more}")


def fill(town: Town) -> None:
    """Half a day, in which every third thing is closed, some twice, and some opened again."""
    for number in range(40):
        place = (GRID, HOLED, None)[number % 3]
        report(town, f"e{number}", place=place, drill=True if number % 9 == 0 else None)
        if number % 3 == 2:
            report(town, f"c{number}", subject=f"e{number - 2}", op="close")
        if number % 6 == 5:
            report(town, f"a{number}", subject=f"e{number - 5}", place=GRID)
        town.wait(minutes=18)
    town.settle()


def test_a_period_is_what_a_replay_of_the_log_says_before_and_after_it_is_archived(town: Town) -> None:
    fill(town)
    entries = town.affairs.book.read(0, 10_000)
    periods = [(2, 5), (0, 12), (11, 12), (5, 5)]
    for archived in (False, True):
        if archived:
            town.store.archives.archive(Keep(0, 5), town.now)
            assert town.store.archives.all()
        for first, last in periods:
            begin, end = (MAY_DAY + timedelta(hours=hours) for hours in (first, last))
            said = played(town, begin, end)
            found = [
                (each["thing"], moment(each["opened_at"]), moment(each["closed_at"]))
                for each in said["things"]
            ]
            assert found == open_between(entries, begin, end)
            assert not said["truncated"]
            assert (moment(said["from"]), moment(said["to"])) == (begin, end)


def moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def test_a_thing_says_what_it_was_and_where(town: Town) -> None:
    point = town.twin.current.polygon(GRID).representative_point()
    lon, lat = round(point.x, 7), round(point.y, 7)
    report(town, "a", lon=lon, lat=lat, crs="wgs84", urgency="red", title="井盖缺失", drill=True)
    town.wait(hours=1)
    report(town, "b", subject="a", op="close", drill=True)
    town.settle()
    (thing,) = town.json("/replay")["things"]
    assert thing == {
        "thing": "12345/a",
        "lon": lon,
        "lat": lat,
        "code": GRID,
        "class": "城市管理",
        "urgency": "red",
        "title": "井盖缺失",
        "drill": True,
        "opened_at": "2026-05-01T00:00:00.000Z",
        "closed_at": "2026-05-01T01:00:00.000Z",
    }
    report(town, "c", place=HOLED)
    town.settle()
    things = town.json("/replay")["things"]
    assert [(each["code"], each["lon"], each["closed_at"]) for each in things[1:]] == [(HOLED, None, None)]


def test_an_area_has_what_lies_in_it(town: Town) -> None:
    fill(town)
    begin, end = MAY_DAY, town.now
    every = played(town, begin, end)["things"]
    for area, grids in ((GRID, {GRID}), (HOLED, {HOLED}), (COMMUNITY, {GRID, HOLED})):
        found = played(town, begin, end, f"&area={area}")["things"]
        assert found == [each for each in every if each["code"] in grids]
        assert found
    assert "'x' is no area" in town.json("/replay?area=x", 400)["detail"]


def test_without_a_period_it_is_the_last_day(town: Town) -> None:
    report(town, "a", place=GRID)
    report(town, "b", place=GRID)
    report(town, "close", subject="a", op="close")
    town.wait(hours=25)
    town.settle()
    said = town.json("/replay")
    assert moment(said["to"]) == town.now
    assert moment(said["from"]) == town.now - timedelta(hours=24)
    assert [each["thing"] for each in said["things"]] == ["12345/b"]
    assert len(town.json("/replay?from=2026-05-01T00:00:00Z")["things"]) == 2
    later = town.json("/replay?to=2027-01-01T00:00:00Z")
    assert (later["to"], later["from"]) == (said["to"], said["from"]), "what is to come is left out"


@pytest.mark.parametrize(
    ("query", "name", "why"),
    [
        ("from=yesterday", "from", "is no time"),
        ("to=2026-05-01T08:00:00", "to", "names no offset"),
        ("from=2026-05-01T08:00:00+08:00", "from", "%2B08:00"),
        ("from=2026-04-30T00:00:00Z&to=2026-04-29T00:00:00Z", "from", "later than to"),
        ("from=2026-05-02T00:00:00Z&to=2026-05-03T00:00:00Z", "from", "later than now"),
        ("from=2026-03-01T00:00:00Z", "from", "at most 31"),
        ("from=0001-01-01T00:00:00%2B08:00", "from", "is no time"),
        ("from=0001-01-02T00:00:00Z&to=0001-01-01T00:00:00Z", "from", "later than to, 0001-01-01T00"),
        ("from=0001-01-01T00:00:00Z", "from", "at most 31"),
    ],
)
def test_a_period_that_cannot_be_is_refused_by_name(town: Town, query: str, name: str, why: str) -> None:
    problem = town.json(f"/replay?{query}", 400)
    assert name in problem["detail"]
    assert why in problem["detail"]


@pytest.mark.parametrize("query", ["", "from=0001-01-01T00:00:00Z&"])
def test_a_period_may_end_when_time_begins(town: Town, query: str) -> None:
    report(town, "a", place=GRID)
    for end in ("0001-01-01T00:00:00.000Z", "0001-01-01T12:00:00.000Z", "0001-01-02T00:00:00.000Z"):
        said = town.json(f"/replay?{query}to={end}")
        editions = [{"number": 7, "effective_at": rfc3339(town.twin.current.edition.effective_at)}]
        assert said == {
            "from": "0001-01-01T00:00:00.000Z", "to": end,
            "edition": 7, "editions": editions, "things": [], "truncated": False,
        }  # fmt: skip
    assert town.json("/replay?to=9999-12-31T23:59:59Z")["to"] == "2026-05-01T00:00:00.000Z"


def test_a_row_of_the_first_year_is_told(town: Town) -> None:
    """The intake took such events once, so they may stand in the log."""
    for name, op in (("old", "open"), ("older", "close")):
        body = event(
            name, op=op, occurred_at="0001-01-01T00:00:00+08:00", code=GRID, received_at=rfc3339(town.now)
        )
        town.affairs.book.add([Fact(EVENT, f"12345/{name}", json.dumps(body))])
    report(town, "close", subject="old", op="close")
    town.settle()
    (thing,) = town.json("/replay")["things"]
    assert (thing["opened_at"], thing["closed_at"]) == ("0001-01-01T00:00:00.000Z", rfc3339(town.now))
    today = town.json("/overview")["today"]
    assert (today["new"], today["closed"]) == (0, 1)
    history = town.json(f"/cards/{GRID}")["history"]
    assert [each["occurred_at"] for each in history] == [rfc3339(town.now), *["0001-01-01T00:00:00.000Z"] * 2]


def test_more_than_may_be_told_is_cut_and_said(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(town)
    whole = played(town, MAY_DAY, town.now)
    monkeypatch.setattr(replay, "MOST", 5)
    said = played(town, MAY_DAY, town.now)
    assert (said["truncated"], whole["truncated"]) == (True, False)
    assert said["things"] == whole["things"][-5:]


def test_the_edition_is_the_one_in_force_at_the_end(town: Town) -> None:
    source = town.twin.current.source
    assert isinstance(source, Held)
    first = town.twin.current.edition
    town.wait(hours=48)
    for number, hours in ((6, -10), (7, 24)):
        effective = MAY_DAY + timedelta(hours=hours)
        source.published.append(replace(first, number=number, effective_at=effective))
    try:
        end = [MAY_DAY + timedelta(hours=hours) for hours in (-20, 1, 23, 24, 47)]
        assert [played(town, each - timedelta(hours=1), each)["edition"] for each in end] == [6, 6, 6, 7, 7]
        both = played(town, end[1], end[4])["editions"]
        assert [each["number"] for each in both] == [6, 7]
        assert both[1]["effective_at"] == rfc3339(MAY_DAY + timedelta(hours=24))
        assert [each["number"] for each in played(town, end[1], end[2])["editions"]] == [6]
    finally:
        source.published.clear()


def test_a_large_reply_comes_in_a_coding(town: Town) -> None:
    reply = town.client.get("/replay", headers={"Accept-Encoding": "gzip"})
    assert reply.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(reply.get_data()))["things"] == []


def test_it_needs_a_store_and_leave_to_see_events(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    Checked(make_twin()).json("/replay", 503)
    monkeypatch.setattr(gate, "scope_of", lambda _request: gate.Scope(frozenset({"areas", "things"})))
    town.json("/replay", 403)
