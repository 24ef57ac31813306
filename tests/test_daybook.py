"""Today in numbers, and what was open in a period: always what a recount over the whole log says."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from daybook_oracle import Life, day_of, open_between
from event_oracles import event
from office import BEGIN, Office
from store_contract import STORES, new_store
from town import grid_polygons, tables
from webtown import COMMUNITY, DISTRICT, GRID, HOLED, TOWN, make_twin

from gridmap.affairs import KEEPER, Affairs
from gridmap.board import Board
from gridmap.casework import BOUNDARIES
from gridmap.coverage.partition import partition_of
from gridmap.daybook import daybook as module
from gridmap.daybook import days, episodes
from gridmap.daybook.columns import Columns
from gridmap.daybook.daybook import Daybook
from gridmap.daybook.days import BEGINNING, MARGIN, in_utc, midnight_of, moment_of, place_of
from gridmap.daybook.episodes import LIMITS, Limits
from gridmap.daybook.equipment import Equipment
from gridmap.daybook.roster import Roster
from gridmap.devices.states import Alarm, Clock, State, body_of
from gridmap.events.document import CLASSES, from_object
from gridmap.lattice import point_to_lattice
from gridmap.model import Device, StaffPost
from gridmap.store.archives import Keep
from gridmap.store.device_states import StateRow
from gridmap.store.log import EVENT, ORDER, Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gridmap.store.store import Store
    from gridmap.twin import Snapshot

PATIENCE_S = 60
AREAS = (None, DISTRICT, TOWN, COMMUNITY, GRID)


@pytest.fixture(name="office")
def _office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "home")
    yield office
    office.store.close()


@pytest.fixture(name="small_pages")
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turn every page often."""
    for each, name, count in ((module, "PAGE", 7), (episodes, "PAGE", 7), (days, "STEP", 3)):
        monkeypatch.setattr(each, name, count)
    monkeypatch.setattr(episodes, "STEP", 3)


def daybook_of(office: Office) -> Daybook:
    store = office.store
    return Daybook(office.book, store.device_book, KEEPER, office.casework.calendar, lambda: office.now)


def told(daybook: Daybook, city: Snapshot, area: str | None) -> dict[str, Any]:
    page = daybook.look(city, area)
    assert page.sums.new == sum(page.new_by_class.tolist())
    return {
        **vars(page.sums),
        "new_by_hour": page.new_by_hour.tolist(),
        "closed_by_hour": page.closed_by_hour.tolist(),
        "new_by_class": {name: n for name, n in zip(CLASSES, page.new_by_class.tolist(), strict=True) if n},
        "open_by_class": {name: n for name, n in zip(CLASSES, page.open_by_class.tolist(), strict=True) if n},
        "alarms": [alarm.state.thing for alarm in page.alarms],
    }


def expected(office: Office, city: Snapshot, area: str | None) -> dict[str, Any]:
    entries = office.book.read(0, 1_000_000)
    return day_of(entries, city, office.now, office.casework.calendar, area)


def same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Compare; of alarms of one second any may come first."""
    alarms, others = found.pop("alarms"), wanted.pop("alarms")
    assert found == wanted
    assert sorted(alarms) == sorted(others) if len(others) <= module.MOST else len(alarms) == module.MOST


def redrawn() -> Snapshot:
    """Toytown's next edition, in which each grid is where another one was."""
    shapes = grid_polygons()
    return make_twin(8, partition=partition_of(tables(), {"grid": np.roll(shapes, 1)})).current


# --- the day


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("seed", range(3))
def test_today_is_what_a_recount_says_whatever_happens(office: Office, seed: int) -> None:
    """Over some days and midnights, and a change of the boundaries; for the city and each sort of area."""
    daybook, life = daybook_of(office), Life(office, seed)
    city, brought = office.twin.current, 0
    for turn in range(12):
        life.go_on(25)
        if turn == 7:
            city = office.twin.current = redrawn()
            office.move()
            office.keep()
        for area in AREAS:
            found = told(daybook, city, area)
            brought += found["new"] + found["closed"]
            same(found, expected(office, city, area))
        same(told(daybook_of(office), city, TOWN), expected(office, city, TOWN))  # as after a restart
    assert office.now - BEGIN > timedelta(days=2)
    assert brought > 150


def test_a_thing_that_opens_and_closes_many_times_is_one(office: Office) -> None:
    daybook = daybook_of(office)
    for number in range(6):
        office.report(f"e{number}", code=GRID, subject="s", op="close" if number % 2 else "open")
        office.wait(minutes=30)
    page = daybook.look(office.twin.current)
    assert (page.sums.new, page.sums.closed, page.sums.open) == (1, 1, 0)
    office.report("again", code=GRID, subject="s")
    page = daybook.look(office.twin.current)
    assert (page.sums.new, page.sums.closed, page.sums.open) == (1, 0, 1)
    assert page.new_by_hour[12] == 1  # at noon in China, when it was opened last


def test_a_day_begins_at_midnight_in_china(office: Office) -> None:
    daybook, city = daybook_of(office), office.twin.current
    office.now = datetime(2026, 5, 6, 15, 59, 59, tzinfo=UTC)
    office.report("a", code=GRID)
    page = daybook.look(city)
    assert (page.midnight.isoformat(), page.sums.new) == ("2026-05-06T00:00:00+08:00", 1)
    assert page.new_by_hour[23] == 1
    office.wait(seconds=1)
    page = daybook.look(city)
    assert (page.midnight.isoformat(), page.sums.new, page.sums.open) == ("2026-05-07T00:00:00+08:00", 0, 1)
    office.report("b", subject="a", op="close")
    office.report("late", code=GRID, occurred_at="2026-05-06T23:59:00+08:00")
    page = daybook.look(city)
    assert (page.sums.new, page.sums.closed, page.closed_by_hour[0], page.sums.open) == (0, 1, 1, 1)


def test_what_was_never_open_is_neither_new_nor_closed(office: Office) -> None:
    """As in a replay, which has no episode of it; what opens it afterwards does."""
    daybook, city = daybook_of(office), office.twin.current
    for name, op, sums in (
        ("a", "close", (0, 0)),
        ("b", "close", (0, 0)),
        ("c", "update", (0, 0)),
        ("d", "open", (1, 0)),
        ("e", "close", (1, 1)),
    ):
        office.wait(minutes=1)
        office.report(name, code=GRID, subject="s", op=op)
        for each in (daybook, daybook_of(office)):
            page = each.look(city)
            assert (page.sums.new, page.sums.closed) == sums
        assert len(between(office, BEGIN, office.now)[0]) == sums[0]


def test_what_is_closed_is_not_closed_again(office: Office) -> None:
    daybook, city = daybook_of(office), office.twin.current
    office.report("a", code=GRID)
    office.wait(hours=1)
    office.report("b", subject="a", op="close")
    office.wait(hours=1)
    office.report("c", subject="a", op="close")
    assert daybook.look(city).closed_by_hour.nonzero()[0].tolist() == [10]  # in China, when it was closed
    office.wait(hours=20)
    office.report("d", subject="a", op="close")
    office.report("e", corrects="b", title="改正")
    for each in (daybook, daybook_of(office)):
        assert each.look(city).sums.closed == 0


def test_a_thing_that_an_earlier_release_closed_is_not_closed_again(office: Office) -> None:
    """It did not keep when that was."""
    office.report("a", code=GRID)
    office.report("b", subject="a", op="close")
    (row,) = office.book.looking(lambda desk: desk.situations(["12345/a"])).values()
    body = json.loads(row.body)
    del body["closed_at"]
    office.book.at_desk(lambda desk: desk.put_situations([row._replace(body=json.dumps(body))]))
    assert daybook_of(office).look(office.twin.current).sums.closed == 1
    office.wait(hours=20)
    office.report("c", subject="a", op="close")
    assert daybook_of(office).look(office.twin.current).sums.closed == 0


def test_drills_are_counted_apart_until_they_are_none(office: Office) -> None:
    daybook, city = daybook_of(office), office.twin.current
    office.report("a", code=GRID, drill=True, urgency="red")
    page = daybook.look(city)
    assert (page.sums.drills, page.sums.new, page.sums.open, page.sums.urgent, page.alarms) == (
        1,
        0,
        0,
        0,
        (),
    )
    office.report("b", subject="a", op="update", drill=False, urgency="red")
    page = daybook.look(city)
    assert (page.sums.drills, page.sums.new, page.sums.open, page.sums.urgent) == (0, 1, 1, 1)
    assert [alarm.state.thing for alarm in page.alarms] == ["12345/a"]


def test_an_order_is_overdue_from_the_second_on_without_a_word_in_the_log(office: Office) -> None:
    daybook, city = daybook_of(office), office.twin.current
    office.report("a", code=HOLED)  # a manhole: to be accepted within 4 hours
    office.now += timedelta(hours=3, minutes=59, seconds=59)
    assert daybook.look(city).sums.overdue == 0
    office.now += timedelta(seconds=1)
    assert daybook.look(city).sums.overdue == 1
    assert daybook.look(city, HOLED).sums.overdue == 1
    assert daybook.look(city, GRID).sums.overdue == 0


def test_alarms_are_the_latest_with_their_orders(office: Office) -> None:
    daybook, city = daybook_of(office), office.twin.current
    for number in range(module.MOST + 3):
        office.report(f"e{number}", code=GRID, urgency="red" if number % 2 else "orange")
        office.wait(seconds=1)
    office.report("close", subject="e22", op="close")
    alarms = daybook.look(city).alarms
    assert [alarm.state.thing for alarm in alarms] == [f"12345/e{number}" for number in range(22, 2, -1)]
    assert [alarm.order.state for alarm in alarms if alarm.order] == ["voided", *["dispatched"] * 19]
    assert all(alarm.order and alarm.order.event.seq == alarm.state.first for alarm in alarms)


def test_an_alarm_has_the_order_of_its_last_opening(office: Office) -> None:
    daybook, city = daybook_of(office), office.twin.current
    office.report("a", code=GRID, urgency="red")
    office.report("b", subject="a", op="close")
    again = office.report("c", subject="a")
    for op, state in (("update", "dispatched"), ("close", "voided")):
        office.report(op, subject="a", op=op)
        (alarm,) = daybook.look(city).alarms
        assert alarm.order == office.order(again)
        assert alarm.order.state == state


def test_areas_below_add_up_to_the_area(office: Office) -> None:
    daybook, city = daybook_of(office), office.twin.current
    Life(office, 5).go_on(150)
    for area in (None, DISTRICT, TOWN, COMMUNITY):
        below = daybook.look(city, area).below
        assert below is not None
        table = city.partition.levels[below.depth]
        children = [each.code for each in city.children(area)]
        assert [table.codes[row] for row in below.rows.tolist()] == children
        for place, code in enumerate(children):
            sums = daybook.look(city, code).sums
            assert (below.new[place], below.open[place], below.overdue[place]) == (
                sums.new, sums.open, sums.overdue,
            )  # fmt: skip
    assert daybook.look(city, GRID).below is None


def test_nothing_is_read_again_that_was_read(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question costs what is new: pages of situations are counted."""
    daybook, city = daybook_of(office), office.twin.current
    for number in range(30):
        office.report(f"e{number}", code=GRID)
    daybook.look(city)
    read: list[str] = []

    def take(states: Sequence[Any]) -> None:
        read.extend(state.thing for state in states)
        taken(states)

    taken = daybook._today.take
    monkeypatch.setattr(daybook._today, "take", take)
    daybook.look(city)
    assert read == []
    office.report("one", code=GRID)
    daybook.look(city)
    assert read == ["12345/one"]


# --- devices and duty


def test_devices_are_counted_by_kind_and_state(office: Office) -> None:
    city, store = office.twin.current, office.store
    spot = {code: city.polygon(code).representative_point() for code in (GRID, HOLED)}
    at = {code: point_to_lattice(point.x, point.y) for code, point in spot.items()}
    devices = [
        Device(f"D{n}", "door" if n % 2 else "smoke", *at[GRID if n < 4 else HOLED], None) for n in range(6)
    ]
    store.put_devices(devices)
    daybook = daybook_of(office)
    assert daybook.look(city).devices.total == 6
    assert daybook.look(city).devices.online == 0

    def say(code: str, changed: int, status: Any, *alarms: str) -> None:
        active = tuple(Alarm(each, BEGIN) for each in alarms)
        state = State(status=status, since=BEGIN, heard_at=BEGIN, alarms=active, reading=None, clock=Clock(0))

        def put(table: Any) -> None:
            table.put([StateRow(code, changed, 2**62, body_of(state))])
            table.put_feed(changed, "")

        store.device_book.change(put)

    say("D0", 1, "online")
    say("D1", 2, "offline", "offline")
    say("D2", 3, "silent")
    say("D4", 4, "online", "smoke")
    say("stranger", 5, "online")
    for fresh in (daybook, daybook_of(office)):
        found = fresh.look(city, GRID).devices
        assert (found.total, found.online, found.offline, found.alarms) == (4, 2, 1, 1)
        assert [tuple(kind) for kind in found.by_kind] == [("door", 2, 0, 1), ("smoke", 2, 2, 0)]
        found = fresh.look(city).devices
        assert (found.total, found.online, found.offline, found.alarms) == (6, 3, 1, 2)
    say("D4", 6, "offline")
    store.put_devices([*devices, Device("D6", "sos", *at[HOLED], None)])
    say("D6", 7, "online")
    found = daybook.look(city, HOLED).devices
    assert [tuple(kind) for kind in found.by_kind] == [
        ("door", 1, 0, 0),
        ("smoke", 1, 0, 1),
        ("sos", 1, 1, 0),
    ]
    assert daybook.devices(city, HOLED) == found
    assert daybook.look(redrawn(), HOLED).devices.total != 3


def test_devices_are_told_without_the_rest(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for them alone does not wait while a whole day is read."""
    spot = office.twin.current.polygon(GRID).representative_point()
    office.store.put_devices([Device("D1", "door", *point_to_lattice(spot.x, spot.y), None)])
    daybook = daybook_of(office)
    monkeypatch.setattr(daybook, "_refresh", None)
    assert daybook.devices(office.twin.current, GRID).total == 1
    assert daybook.devices(office.twin.current, HOLED).total == 0
    assert daybook.devices(redrawn(), GRID).total == 0


def test_the_roster_is_read_anew_from_time_to_time(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    city, daybook = office.twin.current, daybook_of(office)
    assert daybook.look(city).staff == 36
    shifts = ("待命", "夜班 22:00-06:00", "早班 07:00-15:00")
    office.store.put_staff(
        [StaffPost(f"{GRID}-{n:02d}", GRID, "网格长", f"P-{n}", shifts[n % 3]) for n in range(30)]
    )
    assert daybook.look(city).staff == 36
    monkeypatch.setattr(module, "RENEWED_S", -1.0)
    page = daybook.look(city, TOWN)
    assert page.staff == 30
    assert [each.on_duty for each in page.duty] == [True] * 10 + [False] * 10  # nine in the morning
    assert [each.post.shift for each in page.duty] == [shifts[2]] * 10 + [shifts[0]] * 10
    assert [each.post.code for each in page.duty[:2]] == [f"{GRID}-02", f"{GRID}-05"]
    assert daybook.look(city, HOLED).duty == ()


def test_register_and_roster_are_renewed_while_others_ask(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks while both are read is told of the old ones at once; afterwards nobody reads them."""
    city, daybook = office.twin.current, daybook_of(office)
    daybook.renew()  # nobody has asked, there is nothing to renew
    assert (daybook.look(city).staff, daybook.look(city).devices.total) == (36, 0)
    spot = city.polygon(GRID).representative_point()
    office.store.put_devices([Device("D1", "door", *point_to_lattice(spot.x, spot.y), None)])
    office.store.put_staff([StaffPost(f"{GRID}-01", GRID, "网格长", "P-1", "待命")])
    daybook.renew()
    assert (daybook.look(city).staff, daybook.look(city).devices.total) == (36, 0)  # it is not time yet
    told: list[tuple[int, int]] = []

    def during(kind: Any) -> Any:
        def read(*given: Any) -> Any:
            with ThreadPoolExecutor(1) as pool:
                page = pool.submit(daybook.look, city).result(PATIENCE_S)
            told.append((page.staff, page.devices.total))
            return kind(*given)

        return read

    monkeypatch.setattr(module, "AHEAD_S", module.RENEWED_S + 1)
    monkeypatch.setattr(module, "Roster", during(Roster))
    monkeypatch.setattr(module, "Equipment", during(Equipment))
    daybook.renew()
    assert told == [(36, 0), (1, 0)]
    monkeypatch.setattr(module, "Roster", None)
    monkeypatch.setattr(module, "Equipment", None)
    page = daybook.look(city)
    assert (page.staff, page.devices.total) == (1, 1)


# --- where a day begins in the log


class Rows:
    """A log of events that came in order, but for clocks that differ, with orders between them."""

    def __init__(self, chance: Random, count: int) -> None:
        self.times: list[datetime | None] = []
        self.entries: list[Entry] = []
        now = BEGIN
        for seq in range(1, count + 1):
            now += timedelta(seconds=chance.choice((0, 1, 60, 4000)))
            jitter = timedelta(seconds=chance.randrange(-25, 25))
            is_event = chance.random() < 0.4
            self.times.append(now + jitter if is_event else None)
            when = (now + jitter).isoformat()
            body = (
                f'{{"id":"{seq}","source":"s","class":"其他","occurred_at":"{when}","code":null,'
                f'"received_at":"{when}"}}'
            )
            entry = Entry(seq, EVENT, f"s/{seq}", body) if is_event else Entry(seq, ORDER, f"o-{seq}:1", "{}")
            self.entries.append(entry)

    def read(self, after: int, limit: int) -> list[Entry]:
        return self.entries[after : after + limit]


@pytest.mark.usefixtures("small_pages")
def test_a_moment_is_found_in_the_log() -> None:
    chance = Random(3)
    for count in (0, 1, 2, 10, 400):
        rows = Rows(chance, count)
        for _ in range(60):
            moment = BEGIN + timedelta(seconds=chance.randrange(-9000, count * 1100 + 9000))
            low, high = place_of(moment, rows, count)
            assert all(each is None or each < moment for each in rows.times[:low])
            assert all(each is None or each >= moment for each in rows.times[high:])
            near = [each for each in rows.times[low:high] if each and abs(each - moment) > 2 * MARGIN]
            assert len(near) <= 2 * 3, "not much more is read than there is"


def test_the_first_moment_of_all_is_found_too() -> None:
    """China was some hours into the year 1 when UTC began."""
    rows = Rows(Random(3), 20)
    assert place_of(BEGINNING, rows, 20).low == 0
    assert place_of(moment_of("0001-01-01t00:00:00+08:00"), rows, 20).low == 0
    assert in_utc(moment_of("0001-01-01T00:00:00+08:00")) == BEGINNING
    assert in_utc(moment_of("0900-01-01 00:00:00+08:00")).isoformat() == "0899-12-31T16:00:00+00:00"


def test_midnight_is_that_of_china() -> None:
    for text, day in (
        ("2026-05-06T15:59:59Z", 6),
        ("2026-05-06T16:00:00Z", 7),
        ("2026-05-07T00:30:00+09:00", 6),
    ):
        found = midnight_of(datetime.fromisoformat(text))
        assert (found.day, found.hour, found.utcoffset()) == (day, 0, timedelta(hours=8))


def test_columns_keep_what_they_have_while_they_grow() -> None:
    columns = Columns({"a": np.int32, "b": np.bool_})
    for number in range(3000):
        columns.grow(1)
        columns["a"][number] = number
        assert not columns["b"][number]
    assert columns["a"].tolist() == list(range(3000))
    assert len(columns) == 3000


# --- episodes


def between(
    office: Office, begin: datetime, end: datetime, limits: Limits = LIMITS
) -> tuple[list[Any], bool]:
    scene = Board(office.book, KEEPER, BOUNDARIES).scene
    found = office.book.looking(
        lambda desk: episodes.episodes(desk, begin, end, scene.seq, scene.things, limits)
    )
    return [(each.state.thing, each.opened_at, each.closed_at) for each in found.episodes], found.whole


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("seed", range(3))
def test_a_period_is_what_a_replay_of_the_whole_log_says(office: Office, seed: int) -> None:
    """With few rows to read, too: then the answer is the same, or says that it is not whole."""
    life, chance, cut = Life(office, seed), Random(seed), 0
    for turn in range(6):
        life.go_on(50)
        if turn == 4:
            office.store.archives.archive(Keep(0, 40), office.now)
            assert office.store.archives.all()
        entries = office.book.read(0, 1_000_000)
        for _ in range(12):
            span = (office.now - BEGIN).total_seconds()
            begin, end = sorted(BEGIN + timedelta(seconds=chance.uniform(0, span)) for _ in range(2))
            end = office.now if chance.random() < 0.3 else end
            wanted = open_between(entries, begin, end)
            assert between(office, begin, end) == (wanted, True)
            few = Limits(chance.choice((5, 30, 10_000)), chance.choice((0, 20, 60)))
            found, whole = between(office, begin, end, few)
            if whole:
                assert found == wanted
            else:
                cut += 1
    assert cut > 10


def test_a_period_that_is_over_stays_what_it_is(office: Office) -> None:
    office.report("a", code=GRID)
    office.report("b", code=GRID)
    office.wait(hours=2)
    end = office.now
    before = between(office, BEGIN, end)
    assert [each[2] for each in before[0]] == [None, None]
    office.wait(hours=1)
    office.report("close", subject="a", op="close", occurred_at=(BEGIN + timedelta(hours=1)).isoformat())
    office.report("late", code=GRID, occurred_at=BEGIN.isoformat())
    assert between(office, BEGIN, end) == before
    assert len(between(office, BEGIN, office.now)[0]) == 3


def test_one_that_was_open_all_the_time_needs_no_row_to_be_read(office: Office) -> None:
    office.report("a", code=GRID)
    office.wait(hours=30)
    office.report("b", code=HOLED)
    office.wait(hours=30)
    begin = office.now - timedelta(hours=1)
    found, whole = between(office, begin, office.now, Limits(1000, 0))
    assert ([each[0] for each in found], whole) == (["12345/a", "12345/b"], True)


# --- every store, and many at once


@pytest.fixture(name="store", params=STORES)
def _store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with new_store(request.param, tmp_path) as spec, spec.open() as store:
        yield store


@pytest.fixture(name="affairs")
def _affairs(store: Store) -> Iterator[Affairs]:
    store.put_staff([StaffPost(f"{GRID}-01", GRID, "网格长", "P-1", "全天 00:00-24:00")])
    store.put_devices([Device("D1", "door", *point_to_lattice(106.5, 29.5), None)])
    affairs = Affairs(make_twin(), store)
    yield affairs
    affairs.close()


def test_many_may_ask_while_others_report_on_every_store(store: Store, affairs: Affairs) -> None:
    """Nobody is told less than somebody was told before him, and in the end it is what a recount says."""
    city, begin = make_twin().current, datetime.now(UTC)
    told_so_far: list[list[int]] = [[], [], []]
    ended = Event()

    def ask(mine: list[int]) -> None:
        while not ended.is_set():
            mine.append(affairs.daybook.look(city).sums.new)

    threads = [Thread(target=ask, args=(mine,)) for mine in told_so_far]
    for thread in threads:
        thread.start()
    for number in range(60):
        said = [event(f"{number}-{n}", place=(GRID, HOLED)[n % 2], urgency="red") for n in range(5)]
        affairs.intake.take([from_object(each, affairs.secret) for each in said])
    until = time.monotonic() + PATIENCE_S
    while store.log.looking(lambda desk: desk.checkpoint(KEEPER)) < store.log.head():
        assert time.monotonic() < until
    ended.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    page = affairs.daybook.look(city, GRID)
    entries = store.log.read(0, 10_000)
    wanted = day_of(entries, city, page.as_of, affairs.casework.calendar, GRID)
    assert page.sums.open == wanted["open"] == 180
    if midnight_of(begin) == page.midnight:
        assert (page.sums.new, page.sums.urgent) == (wanted["new"], wanted["urgent"])
        assert all(mine == sorted(mine) and mine for mine in told_so_far)
    assert (page.staff, len(page.duty), len(page.alarms)) == (1, 1, module.MOST)
    scene, end = affairs.board.refresh(), datetime.now(UTC)
    found = store.log.looking(lambda desk: episodes.episodes(desk, begin, end, scene.seq, scene.things))
    assert found.whole
    assert len(found.episodes) == len(open_between(entries, begin, end)) == 300
