"""The simulated life of a city: the same seed is the same day, and staff do only what is allowed.

The service is a stand-in that answers in the process: areas in two towns, events in a list, and orders that
go through the real table of transitions and the real clocks. Time is a number that moves when somebody waits.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from order_oracles import CALENDAR, CHAIN, RULES, STAFF

from gridmap.client import ServiceError
from gridmap.errors import InputError
from gridmap.events import document, photos
from gridmap.orders import clocks
from gridmap.orders.dispatch import assign
from gridmap.orders.errors import OrderError
from gridmap.orders.facts import facts_of
from gridmap.orders.machine import act, open_order
from gridmap.orders.order import as_document
from gridmap.orders.requests import args_of
from gridmap.orders.transitions import allowed_by_role
from gridmap.orders.words import LIVE
from gridmap.simulation import rhythm, sorts
from gridmap.simulation.day import CHINA, SOURCE, Place, Plan, Report, day, days, hot_places, moments
from gridmap.simulation.link import EndedError, Link, WallClock
from gridmap.simulation.office import thing_of
from gridmap.simulation.player import Player
from gridmap.simulation.replay import NEEDED, around, onto, open_stream, reports
from gridmap.simulation.runs import play_day, play_file
from gridmap.simulation.served_city import ServedCity, point_in
from gridmap.simulation.staff import CHOICES, LATE, Pace, late_share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gridmap.orders.order import WorkOrder

MAY_DAY = date(2026, 5, 1)
MORNING = datetime(2026, 4, 29, 8, tzinfo=CHINA).timestamp()
OUTAGES = Path("/work/shared/data/outage_events_2021_01.parquet")
SMALL = Plan(seed=5, per_day=600)


@pytest.fixture(autouse=True)
def _seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Staff look for new orders every three minutes, not two seconds: fewer questions in a simulated day."""
    monkeypatch.setattr("gridmap.simulation.office.LOOK_EVERY_S", 180.0)


class Strip:
    """A city of a thousand grids in a row, each with as many households."""

    def place(self, share: float, across: float, up: float) -> Place:
        grid = min(int(share * 1000), 999)
        return Place(106 + (grid + across) / 1000, 29 + up / 1000, f"5001030010{grid:05}", f"第{grid}网格")


class FakeClock:
    """A time that moves when somebody waits, up to an end."""

    def __init__(self, now: float = MORNING, until: float = MORNING + 1e9) -> None:
        self._now = now
        self._until = until

    def now(self) -> float:
        return self._now

    def wait(self, seconds: float) -> None:
        assert seconds >= 0
        self._now += seconds
        if self._now >= self._until:
            raise EndedError


class FakeService:
    """A service of eight grids in two towns; the orders are real, everything else is simple."""

    HOUSEHOLDS = (100, 300, 0, 50, 0, 0, 600, 200)

    def __init__(self, clock: Any, *, synthetic: bool = True) -> None:
        self._clock = clock
        self.synthetic = synthetic
        self.households: tuple[int, ...] | None = self.HOUSEHOLDS
        self.renamed = ""
        self.troubles: list[int | Exception] = []
        self.refusals: list[str] = []
        self.asked: list[str] = []
        self.events: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, WorkOrder] = {}
        self.transport = httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.troubles:
            trouble = self.troubles.pop(0)
            if isinstance(trouble, Exception):
                raise trouble
            return httpx.Response(trouble, headers={"Retry-After": "3"}, json={"detail": "busy"})
        path, query = request.url.path, dict(request.url.params)
        self.asked.append(path)
        if request.method == "POST":
            body = request.content
            if path == "/attachments":
                assert photos.clean(body).media_type == request.headers["Content-Type"]
                return httpx.Response(201, json={"id": "photo-1"})
            return (
                self._events(body) if path == "/events" else self._act(path.split("/")[2], json.loads(body))
            )
        if path == "/readyz":
            return httpx.Response(200, json={"synthetic": self.synthetic})
        if path == "/collections/grid":
            return httpx.Response(200, json={"extent": {"spatial": {"bbox": [[106, 29, 114, 30]]}}})
        if path == "/orders":
            return self._orders(int(query["since"]), int(query["limit"]))
        if path.startswith("/orders/"):
            return httpx.Response(200, json=self._told(self.orders[path.split("/")[2]]))
        if path.startswith("/values/"):
            return self._values(path.split("/")[2], query.get("area", ""))
        return self._area(path.removeprefix("/areas").strip("/"), query)

    def grids(self) -> list[str]:
        """Codes: 2 towns of 2 communities of 2 grids; `renamed` stands before the numbers of an edition."""
        return [f"500103{t:03}{c:03}{self.renamed}{g:03}" for t in (1, 2) for c in (1, 2) for g in (1, 2)]

    def _below(self, code: str) -> list[str]:
        lengths = (0, 6, 9, 12, 15 + len(self.renamed))
        after = lengths[lengths.index(len(code)) + 1] if len(code) < 13 else 0
        return sorted({grid[:after] for grid in self.grids() if grid.startswith(code)}) if after else []

    def _area(self, code: str, query: dict[str, str]) -> httpx.Response:
        if code and code not in {grid[:end] for grid in self.grids() for end in (6, 9, 12, 99)}:
            return httpx.Response(404, json={"detail": "gone"})
        if "f" in query:
            at = self.grids().index(code)
            return httpx.Response(
                200, json={"geometry": shapely.box(106 + at, 29, 107 + at, 30).__geo_interface__}
            )
        level = {0: "district", 6: "town", 9: "community"}.get(len(code), "grid")
        told = [{"code": each, "name": f"<{each[-3:]}>", "level": level} for each in self._below(code)]
        return httpx.Response(200, json={"areas": told, "children": told})

    def _values(self, level: str, area: str) -> httpx.Response:
        if self.households is None:
            return httpx.Response(404, json={})
        homes = dict(zip(self.grids(), self.households, strict=True))
        values = [sum(n for g, n in homes.items() if g.startswith(code)) for code in self._below(area)]
        return httpx.Response(200, json={"values": values, "layer": level})

    def _events(self, body: bytes) -> httpx.Response:
        accepted, rejected = 0, []
        for number, line in enumerate(body.splitlines(), 1):
            said = document.decode(line, b"secret").event
            event = json.loads(line)
            if self.events.setdefault(said.id, event) is not event:
                same = self.events[said.id] == event
                rejected += [] if same else [{"line": number, "reason": "id: another event is known"}]
                continue
            accepted += 1
            if said.op == "open" and not any(thing_of(o.event.id) == thing_of(said.id) for o in self.live()):
                self._open(len(self.events), event)
        lines = len(body.splitlines())
        told = {"accepted": accepted, "duplicates": lines - accepted - len(rejected), "rejected": rejected}
        return httpx.Response(200, json=told)

    def live(self) -> list[WorkOrder]:
        return [order for order in self.orders.values() if order.state in LIVE]

    def _open(self, seq: int, event: dict[str, Any]) -> None:
        placed = CHAIN[-1].code if "lon" in event or "place" in event else None
        facts = facts_of({**event, "code": placed}, seq, self._moment())
        given_to = assign(facts, CHAIN if placed else (), STAFF, RULES, calendar=CALENDAR)
        order, _ = open_order(facts, given_to, RULES, CALENDAR, self._moment())
        self.orders[order.id] = order

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def _told(self, order: WorkOrder) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(json.dumps(as_document(order), default=str))
        return told | {"allowed_actions": {role: list(can) for role, can in allowed_by_role(order).items()}}

    def _orders(self, since: int, limit: int) -> httpx.Response:
        found = [order for order in self.live() if order.event.seq > since][:limit]
        told = [self._told(order) for order in found]
        return httpx.Response(200, json={"orders": told, "next": found[-1].event.seq if found else since})

    def _act(self, id_: str, said: dict[str, Any]) -> httpx.Response:
        action, actor, role = (said.pop(name) for name in ("action", "actor", "role"))
        note = said.pop("note", "")
        args, now, before = args_of(said), self._moment(), self.orders[id_]
        try:
            order, _ = act(before, action, actor, role, note, now, rules=RULES, calendar=CALENDAR, args=args)
        except (OrderError, InputError) as error:
            self.refusals.append(f"{action} {role} {said}: {error}")
            return httpx.Response(409, json={"detail": str(error)})
        self.orders[id_] = order
        return httpx.Response(200, json=self._told(order))


def linked(until: float = 1e9, **options: Any) -> tuple[FakeClock, FakeService, Link]:
    clock = FakeClock(until=MORNING + until)
    service = FakeService(clock, **options)
    return clock, service, Link("http://city.test", clock, service.transport, patience_s=60)


def by_thing(events: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for event in events:
        found.setdefault(event.get("subject", event["id"]), []).append(event)
    return found


def moment_of(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["occurred_at"]).timestamp()


# What there is


def test_the_sorts_are_of_all_classes_and_their_shares_make_a_whole() -> None:
    assert {sort.class_ for sort in sorts.SORTS} == set(document.CLASSES)
    assert sum(sort.share for sort in sorts.SORTS) == pytest.approx(1)
    assert all(sum(sort.urgencies) == pytest.approx(1) for sort in sorts.SORTS)
    assert {letter for sort in sorts.SORTS for letter in sort.channels} == set(sorts.CHANNELS)
    assert {sort.rhythm for sort in sorts.SORTS} <= set(rhythm.HOURS)
    assert {sort.matter for sort in sorts.SORTS} == {None, "community", "family", "official"}
    assert all(len(hours) == 24 for hours in rhythm.HOURS.values())
    titles = [title for sort in sorts.SORTS for title in sort.titles]
    assert len(titles) == len(set(titles)) >= 240
    for word in ("井盖", "垃圾", "违建", "SOS", "烟感", "纠纷"):
        assert any(word in title for title in titles)
    assert len(sorts.HOT) >= 10


def test_red_is_rare_and_the_day_has_a_morning_and_an_evening() -> None:
    red = sum(sort.share * sort.urgencies[0] for sort in sorts.SORTS)
    assert 0.002 < red < 0.02
    hours = [
        sum(
            sort.share * rhythm.HOURS[sort.rhythm][hour] / sum(rhythm.HOURS[sort.rhythm])
            for sort in sorts.SORTS
        )
        for hour in range(24)
    ]
    assert max(hours[0:6]) < 0.3 * max(hours)
    assert min(hours[8:11]) > 1.5 * hours[13]
    assert min(hours[15:20]) > 1.4 * hours[13]


# A day


def test_the_same_plan_is_the_same_day() -> None:
    first, again = list(day(Strip(), SMALL, MAY_DAY)), list(day(Strip(), SMALL, MAY_DAY))
    assert first == again
    for other in (Plan(6, 600), Plan(5, 601), Plan(5, 600, drill=True), Plan(5, 600, name="x-")):
        ids = {report.event["id"] for report in day(Strip(), other, MAY_DAY)}
        assert not ids & {report.event["id"] for report in first}
    openings = [r for r in first if "subject" not in r.event]
    assert len(openings) == SMALL.per_day
    assert [r.second for r in first] == sorted(r.second for r in first)
    assert len({r.event["id"] for r in first}) == len(first)


def test_a_day_holds_what_a_city_reports() -> None:
    found = [report.event for report in day(Strip(), Plan(5, 2000), MAY_DAY)]
    for event in found:  # the intake takes every one of them
        document.decode(json.dumps(event, ensure_ascii=False).encode(), b"secret")
        assert event["source"] == SOURCE
    assert {event["fields"]["channel"] for event in found} == set(sorts.CHANNELS.values())
    assert {event.get("op", "open") for event in found} == {"open", "update", "close"}
    assert {event["class"] for event in found} >= {"城市管理", "矛盾纠纷", "应急", "特殊关爱"}
    shares = Counter("point" if "lon" in event else "code" if "place" in event else "none" for event in found)
    assert min(shares.values()) > 0
    assert shares["point"] > 0.85 * len(found)
    assert any(not 29 <= event.get("lat", 29) <= 29.1 for event in found)  # Guang'an and the like
    drills = sum("drill" in event for event in found)
    assert 0 < drills < 0.03 * len(found)
    assert all(event["drill"] for _, event, _ in day(Strip(), Plan(5, 50, drill=True), MAY_DAY))


def test_what_follows_a_thing_comes_after_it() -> None:
    whole = list(day(Strip(), Plan(8, 1500), MAY_DAY))
    midnight = datetime(2026, 5, 1, tzinfo=CHINA).timestamp()
    for report in whole:
        assert moment_of(report.event) == pytest.approx(midnight + report.second - report.lag_s, abs=0.002)
    things = by_thing(report.event for report in whole)
    for events in things.values():
        times = [moment_of(event) for event in events]
        assert "op" not in events[0]
        assert times == sorted(times)
        assert [event["id"].partition(".")[0] for event in events] == [events[0]["id"]] * len(events)
    lives = [[event.get("op", "open") for event in events] for events in things.values()]
    assert any("open" in life[life.index("close") :] for life in lives if "close" in life)  # open again
    moved = [
        events
        for events in things.values()
        if len({(event["lon"], event["lat"]) for event in events if "lon" in event}) > 1
    ]
    assert 0 < len(moved) < 0.1 * len(things)


@settings(deadline=None, max_examples=25)
@given(since=st.floats(0, 86_400))
def test_a_day_begun_later_is_the_rest_of_it(since: float) -> None:
    plan = Plan(3, 40)
    whole = list(day(Strip(), plan, MAY_DAY))
    begun = {
        report.event["id"] for report in whole if "subject" not in report.event and report.second >= since
    }
    rest = [report for report in whole if thing_of(report.event["id"]) in begun]
    assert list(day(Strip(), plan, MAY_DAY, since)) == rest


def test_days_go_on_over_midnight() -> None:
    plan = Plan(3, 200)
    two = list(days(Strip(), plan, MAY_DAY, number=2))
    one, other = (list(day(Strip(), plan, date(2026, 5, nth))) for nth in (1, 2))
    assert [report.second for report in two] == sorted(report.second for report in two)
    assert max(report.second for report in one) > 86_400
    expected = one + [report._replace(second=report.second + 86_400) for report in other]
    assert sorted(two, key=str) == sorted(expected, key=str)
    endless = days(Strip(), plan, MAY_DAY)
    assert [next(endless) for _ in range(150)] == two[:150]


def test_some_places_are_hot() -> None:
    plan = Plan(2, 4000)
    found = [report.event for report in day(Strip(), plan, MAY_DAY) if "subject" not in report.event]
    grids = Counter(int((event["lon"] - 106) * 1000) for event in found if event.get("lat", 99) < 29.1)
    hot = {int(place.share * 1000) for place in hot_places(plan, MAY_DAY)}
    assert len(hot) == 5
    assert {grid for grid, _ in grids.most_common(3)} <= hot
    assert grids.most_common(1)[0][1] > 10 * len(found) / 1000
    assert hot != {int(place.share * 1000) for place in hot_places(plan, date(2026, 5, 2))}
    assert len(moments(plan, MAY_DAY)) == 4000


# The city of a service


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 1, exclude_max=True))
def test_a_share_of_the_households_is_a_grid(share: float) -> None:
    _, service, link = linked()
    found = ServedCity(link).place(share, 0.25, 0.75)
    upto = list(accumulate(service.HOUSEHOLDS))
    slow = next(at for at, count in enumerate(upto) if share * upto[-1] < count)
    assert abs(share * upto[-1] - upto[slow]) < 1e-6 or found.code == service.grids()[slow]
    at = service.grids().index(found.code)
    assert (found.lon, found.lat) == (106.25 + at, 29.75)
    assert found.name == f"<{found.code[6:9]}><{found.code[9:12]}><{found.code[12:]}>"


def test_what_is_known_of_a_city_is_not_asked_again() -> None:
    _, service, link = linked()
    city = ServedCity(link)
    first = city.place(0.5, 0.1, 0.1)
    count = len(service.asked)
    assert city.place(0.5, 0.1, 0.1) == first
    assert len(service.asked) == count
    service.renamed = "9"  # a new edition, in which the grids have other codes
    city.place(0.999, 0.1, 0.1)
    assert city.place(0.999, 0.1, 0.1).code in service.grids()
    assert city.bounds() == (106, 29, 114, 30)


def test_without_households_all_grids_count_the_same() -> None:
    _, service, link = linked()
    service.households = None
    city = ServedCity(link)
    assert [city.place((at + 0.5) / 8, 0.5, 0.5).code for at in range(8)] == service.grids()


@settings(deadline=None, max_examples=25)
@given(st.floats(0, 1), st.floats(0, 1))
def test_a_point_of_a_polygon_is_in_it(across: float, up: float) -> None:
    ring = shapely.Point(106.5, 29.5).buffer(0.1).difference(shapely.Point(106.5, 29.5).buffer(0.08))
    sliver = shapely.Polygon([(0, 0), (1, 1), (1, 1.0001)])
    for shape in (ring, sliver):
        lon, lat = point_in(shape, across, up)
        assert shapely.contains_xy(shape, lon, lat)
        assert point_in(shape, across, up) == (lon, lat)


# The link


def test_a_busy_service_is_asked_again_and_a_lost_one_is_given_up() -> None:
    clock, service, link = linked()
    service.troubles = [503, httpx.ConnectError("refused"), 503]
    link.check_synthetic()
    assert 6 <= clock.now() - MORNING < 8  # Retry-After says 3 s
    service.troubles = [httpx.ConnectError("refused")] * 100
    with pytest.raises(ServiceError, match=r"does not answer \(refused\): is `gridmap serve` running"):
        link.post([{"id": "a"}])
    assert 66 <= clock.now() - MORNING < 140
    service.troubles = [400]
    with pytest.raises(ServiceError, match="busy"):
        link.post([{"id": "a"}])
    with pytest.raises(InputError, match="is no address"):
        Link("localhost:8000", clock)


def test_a_real_city_gets_no_invented_events() -> None:
    _, service, link = linked(synthetic=False)
    with pytest.raises(InputError, match="serves a real city"):
        link.check_synthetic()
    clock, service, link = linked()
    player = play_day(link, clock, SMALL)
    service.synthetic = False  # somebody publishes a surveyed edition over it
    with pytest.raises(InputError, match="serves a real city"):
        player.run()
    assert len(service.events) < 10


def test_a_run_ends_when_it_is_told_to() -> None:
    clock = WallClock()
    clock.wait(0)
    clock.end()
    with pytest.raises(EndedError):
        clock.wait(60)
    with pytest.raises(EndedError):
        WallClock(lambda: True).wait(60)


# Playing


def play(speed: float, *, restamp: bool = True) -> tuple[FakeService, Player, list[tuple[float, str]]]:
    """Three events, at 100, 160 and 160.5 s of a day that is begun at 100."""
    clock, service, link = linked()
    event = {"source": SOURCE, "class": "其他", "title": "咨询", "occurred_at": "2026-04-29T00:00:00Z"}
    found = [Report(second, {"id": f"e{second}", **event}, 6.0) for second in (100, 160, 160.5)]
    player = Player(link, iter(found), clock, speed=speed, since=100, restamp=restamp)
    sent: list[tuple[float, str]] = []
    inner = service.transport.handler

    def noted(request: httpx.Request) -> httpx.Response:
        sent.extend((clock.now() - MORNING, json.loads(line)["id"]) for line in request.content.splitlines())
        return inner(request)  # type: ignore[return-value]  # it is not asynchronous

    service.transport.handler = noted
    player.run()
    return service, player, sent


@pytest.mark.parametrize(
    ("speed", "times"), [(1.0, (0, 60, 60.5)), (60.0, (0, 1, 1 + 1 / 120)), (0.0, (0, 0, 0))]
)
def test_every_event_is_sent_when_its_time_has_come(speed: float, times: tuple[float, ...]) -> None:
    service, player, sent = play(speed)
    assert [moment for moment, _ in sent] == pytest.approx(times)
    assert [id_ for _, id_ in sent] == ["e100", "e160", "e160.5"]
    happened = [moment_of(event) - MORNING for event in service.events.values()]
    lag_s = 6 / speed if speed else 0
    assert happened == pytest.approx([time - lag_s for time in times], abs=0.002)
    assert player.tally.sent == player.tally.accepted == len(player.tally.open) == 3


def test_at_the_pace_of_the_clock_an_event_stays_what_it_is() -> None:
    service, _, _ = play(1.0, restamp=False)
    assert {event["occurred_at"] for event in service.events.values()} == {"2026-04-29T00:00:00Z"}


def test_a_day_that_is_run_twice_is_there_once() -> None:
    clock, service, link = linked(until=3600)
    with pytest.raises(EndedError):
        play_day(link, clock, SMALL).run()
    events = dict(service.events)
    assert 10 < len(events) < 100
    again = FakeClock(until=MORNING + 3600)
    link = Link("http://city.test", again, service.transport)
    player = play_day(link, again, SMALL)
    with pytest.raises(EndedError):
        player.run()
    assert player.tally.rejected == 0
    assert player.tally.duplicates > 0
    assert {id_ for id_ in service.events if ".o-" not in id_} == {id_ for id_ in events if ".o-" not in id_}
    assert "duplicates" not in player.tally.line(again.now())
    assert f"{player.tally.sent:,} events" in player.tally.line(again.now())


def test_staff_move_orders_by_the_rules_and_most_are_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day and more at the pace of the clock: no action is refused, most is closed, some late."""
    monkeypatch.setattr("gridmap.simulation.staff.LATE", 0.5)
    clock, service, link = linked(until=26 * 3600)
    player = play_day(link, clock, Plan(seed=5, per_day=60))
    with pytest.raises(EndedError):
        player.run()
    assert service.refusals == []
    assert player.tally.rejected == 0
    on_spot = [order for order in service.orders.values() if order.on_spot]
    assert 0 < len(on_spot) < 0.3 * len(service.orders)
    assert {order.photos for order in on_spot} == {("photo-1",)}
    assert service.asked.count("/attachments") == 1
    states = Counter(order.state for order in service.orders.values())
    assert len(service.orders) > 50
    assert states["closed"] + states["evaluated"] > 0.4 * len(service.orders)
    assert min(states["evaluated"], states["closed"]) > 5
    assert all(order.state in CHOICES or order.state not in LIVE for order in service.orders.values())
    notices = [clocks.notices(order, service._moment(), CALENDAR) for order in service.orders.values()]
    told = {notice.percent for each in notices for notice in each}
    assert told == {80, 100, 150}
    assert 0 < sum(bool(each) for each in notices) < 0.6 * len(notices)
    closings = [event for event in service.events.values() if ".o-" in event["id"]]
    assert len(closings) == states["closed"] + states["evaluated"]
    assert {event["op"] for event in closings} == {"close"}
    assert all(
        "place" in event or service.orders[event["id"].split(".")[1]].code is None for event in closings
    )
    assert all(service.events[event["subject"]]["class"] == event["class"] for event in closings)
    assert not player.tally.open & {event["subject"] for event in closings[-1:]}


def test_nothing_follows_a_thing_that_the_staff_have_closed() -> None:
    clock, service, link = linked(until=16 * 3600)
    with pytest.raises(EndedError):
        play_day(link, clock, Plan(seed=9, per_day=80)).run()
    followed = 0
    for events in by_thing(service.events.values()).values():
        ends = [at for at, event in enumerate(events) if ".o-" in event["id"]]
        after = events[ends[0] + 1 :] if ends else []
        followed += bool(after)
        assert not after or after[0]["op"] == "open"
    assert followed < 20


def test_staff_leave_alone_what_is_not_the_simulators() -> None:
    clock, service, link = linked(until=6 * 3600)
    service._open(1, {"id": "a-1", "source": "12345", "class": "城市管理", "title": "井盖破损", "lon": 1})
    with pytest.raises(EndedError):
        play_day(link, clock, Plan(seed=4, per_day=100)).run()
    assert service.orders["o-1"].version == 1


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_who_is_late_is_decided_by_the_order(seed: int) -> None:
    orders = [{"id": f"o-{number}"} for number in range(40)]
    late = [late_share(order, Pace(seed, 1.0), "accept") for order in orders]
    assert late == [late_share(order, Pace(seed, 99.0), "accept") for order in orders]
    assert all(share is None or 0.82 <= share <= 1.8 for share in late)
    assert sum(share is not None for share in late) < 40 * LATE * 5 + 5


def test_an_order_that_somebody_else_has_moved_is_looked_at_anew() -> None:
    clock, service, link = linked(until=12 * 3600)
    inner = service._act
    refused = Counter[str]()

    def grudging(id_: str, said: dict[str, Any]) -> httpx.Response:
        refused[id_] += 1
        return httpx.Response(409, json={}) if refused[id_] % 4 else inner(id_, said)

    service._act = grudging  # type: ignore[method-assign]
    with pytest.raises(EndedError):
        play_day(link, clock, Plan(seed=4, per_day=60)).run()
    assert max(refused.values()) == 3  # then it is left to others


# Replaying


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def replayed(path: Path, **options: Any) -> list[dict[str, Any]]:
    clock, service, link = linked()
    play_file(link, clock, path, speed=0, **options).run()
    return list(service.events.values())


def still_open(rows: Iterable[tuple[str, str]], ending: str) -> set[str]:
    """The slow, obvious replay: a set, and an op for each row."""
    found: set[str] = set()
    for op, id_ in rows:
        (found.discard if op == ending else found.add)(id_)
    return found


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["add", "upd", "del"]),
        st.sampled_from("abcdef"),
        st.one_of(st.none(), st.floats(-120, -119)),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=40,
)


@settings(deadline=None, max_examples=25)
@given(ROWS)
def test_the_same_is_open_as_in_the_file(tmp_path_factory: pytest.TempPathFactory, rows: Any) -> None:
    ts, table = 1_610_000_000, []
    for op, id_, lon, gap in rows:
        ts += gap
        table.append({"ts": ts, "op": op, "id": id_, "lon": lon, "lat": 37.0, "cust": 5.0, "cause": None})
    table[0]["lon"] = float("nan")
    path = written(tmp_path_factory.mktemp("replay") / "s.parquet", table)
    found = replayed(path)
    assert [event["op"] for event in found] == [
        {"add": "open", "upd": "update", "del": "close"}[row["op"]] for row in table
    ]
    ops = [(event["op"], event["subject"].rpartition("-")[2]) for event in found]
    assert still_open(ops, "close") == still_open(((row["op"], row["id"]) for row in table), "del")
    assert [moment_of(event) for event in found] == [row["ts"] for row in table]
    assert ["lon" in event for event in found] == [
        row["lon"] is not None and row["lon"] == row["lon"] for row in table
    ]
    assert replayed(path) == found


def test_a_stream_is_moved_into_the_city(tmp_path: Path) -> None:
    rows = [
        {
            "ts": 60 * n,
            "op": "add",
            "id": str(n),
            "lon": -120.0 + n,
            "lat": 35.0 + n,
            "cust": 10.0**n,
            "title": "x",
        }
        for n in range(5)
    ]
    path = written(tmp_path / "s.parquet", rows)
    assert open_stream(path).box == (-120, 35, -116, 39)
    over = replayed(path, city=True)
    assert [(event["lon"], event["lat"]) for event in over] == [(106 + 2 * n, 29 + n / 4) for n in range(5)]
    beside = replayed(path, into=(106.5, 29.5), limit=3)
    assert [(event["lon"], event["lat"]) for event in beside] == [(104.5 + n, 27.5 + n) for n in range(3)]
    assert [event["urgency"] for event in over] == ["blue", "blue", "yellow", "orange", "orange"]
    assert over[0]["fields"] == {"channel": "重放", "cust": 1.0}
    assert {event["id"] for event in over}.isdisjoint(event["id"] for event in replayed(path))
    assert onto((0, 0, 0, 0), (1, 1, 2, 2))(0, 0) == (1, 1)
    assert around((0, 0, 2, 2), 5, 6)(1, 1) == (5, 6)


def test_a_stream_keeps_its_bursts_at_any_speed(tmp_path: Path) -> None:
    rows = [
        {"ts": ts, "op": "open", "id": str(n), "lon": 106.5, "lat": 29.5}
        for n, ts in enumerate([0, 0, 0, 120, 120, 360])
    ]
    clock, service, link = linked()
    play_file(link, clock, written(tmp_path / "s.parquet", rows), speed=60).run()
    happened = [round(moment_of(event) - MORNING, 3) for event in service.events.values()]
    assert happened == [0, 0, 0, 2, 2, 6]
    assert {event["title"] for event in service.events.values()} == {"停电"}


def test_a_file_that_is_no_stream_is_refused(tmp_path: Path) -> None:
    good = {"ts": 1, "op": "add", "id": "a", "lon": 1.0, "lat": 1.0}
    lacking = written(tmp_path / "lacking.parquet", [{name: 1 for name in NEEDED if name != "op"}])
    with pytest.raises(InputError, match="has no column op; it needs ts, op, id, lon, lat"):
        open_stream(lacking)
    for path in (tmp_path / "none.parquet", Path(__file__)):
        with pytest.raises(InputError, match="is no Parquet file that can be read"):
            open_stream(path)
    empty = tmp_path / "empty.parquet"
    pq.write_table(pa.Table.from_pylist([good]).slice(0, 0), empty)
    with pytest.raises(InputError, match="is empty"):
        open_stream(empty)
    odd = written(tmp_path / "odd.parquet", [good, {**good, "op": "burn"}])
    with pytest.raises(InputError, match="row 2: op 'burn' of id 'a'"):
        list(reports(open_stream(odd)))


@pytest.mark.skipif(not OUTAGES.exists(), reason=f"{OUTAGES.name} is not on this machine")
def test_the_real_stream_can_be_replayed() -> None:
    rows = pq.read_table(OUTAGES, columns=["op", "id"]).slice(0, 3000).to_pylist()
    found = [report.event for report in reports(open_stream(OUTAGES), limit=3000)]
    ops = [(event["op"], event["subject"].rpartition("-")[2]) for event in found]
    assert still_open(ops, "close") == still_open(((row["op"], row["id"]) for row in rows), "del")
    assert all(event["title"].startswith("停电") for event in found)
    document.decode(json.dumps(found[0]).encode(), b"secret")
