"""The desk of devices and its book, on every store: durable, once, and calm while nobody can hear."""

from __future__ import annotations

import json
import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_contract import STORES, new_store

from gridmap.devices import document
from gridmap.devices.desk import DeviceDesk, Rounds
from gridmap.devices.rules import read_rules
from gridmap.devices.states import read_state
from gridmap.errors import BusyError, HomeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from store_contract import StoreSpec

    from gridmap.devices.document import Reading
    from gridmap.devices.rules import Rules
    from gridmap.store.store import Store

START = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = 3600
KINDS = ("camera", "door", "smoke", "sos")
MANY = 400
"""Devices of each kind: enough that some can be lost at once."""


class Town:
    """A store with devices, a clock that is moved by hand, and the events that were told."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = START
        self.events: list[dict[str, Any]] = []
        self.refusal: Exception | None = None

    def desk(self, rules: Rules | None = None) -> DeviceDesk:
        """A desk as one process has it."""
        return DeviceDesk(self.store.device_book, self.send, lambda: self.now, rules)

    def send(self, events: list[dict[str, Any]]) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.events += events

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(event["subject"], event["op"]) for event in self.events]

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def status(self, code: str) -> str:
        found = self.store.device_book.standing_of(code)
        assert found is not None
        return "unknown" if found.body is None else read_state(found.body).status

    def statuses(self) -> Counter[str]:
        found, _ = self.store.device_book.standing((0, 0, 10**9, 10**9), 10_000)
        return Counter("unknown" if each.body is None else read_state(each.body).status for each in found)


@pytest.fixture(params=STORES)
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreSpec]:
    with new_store(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def town(spec: StoreSpec) -> Iterator[Town]:
    with spec.open() as store:
        fill(store)
        yield Town(store)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Town]:
    """As `town`, on SQLite alone: what the desk decides does not depend on the store."""
    with new_store("sqlite", tmp_path) as made, made.open() as store:
        fill(store)
        yield Town(store)


def fill(store: Store) -> None:
    codes = [f"{kind}-{number}" for kind in KINDS for number in range(MANY)]
    store.put_devices(
        {
            "code": codes,
            "kind": [code.split("-")[0] for code in codes],
            "x": [*range(len(codes))],
            "y": [2 * number for number in range(len(codes))],
            "building": [f"B-{code}" if code == "smoke-0" else None for code in codes],
        }
    )


def say(device: str, **fields: Any) -> Reading:
    return document.from_object({"device": device, **fields})


def beats(kind: str, count: int = MANY, first: int = 0) -> list[Reading]:
    return [say(f"{kind}-{number}", heartbeat=True) for number in range(first, count)]


# The book


def test_what_was_taken_is_there_after_a_restart(spec: StoreSpec) -> None:
    with spec.open() as store:
        fill(store)
        town = Town(store)
        assert town.desk().take([say("smoke-0", state="alarm", battery=7)]) == [None]
        (event,) = town.events
    with spec.open() as store:
        town = Town(store)
        found = store.device_book.standing_of("smoke-0")
        assert found is not None
        assert (found.kind, found.x, found.y) == ("smoke", 2 * MANY, 4 * MANY)
        assert found.body is not None
        state = read_state(found.body)
        assert state.reading is not None
        assert (state.reading.state, state.battery) == ("alarm", 7)
        assert town.desk().take([say("smoke-0", state="alarm")]) == [None]
        assert town.events == []
        assert event["id"] == "smoke-0:smoke:2026-05-01T00:00:00.000Z"
        assert event["fields"]["building"] == "B-smoke-0"


def test_states_come_by_box_kind_and_page(town: Town) -> None:
    town.desk().take([say("door-3", state="open"), say("camera-2", heartbeat=True)])
    book = town.store.device_book
    found, changed = book.standing((0, 0, 2, 4), 10)
    assert [each.code for each in found] == ["camera-0", "camera-1", "camera-2"]
    assert [each.body is None for each in found] == [True, True, False]
    assert changed == 2
    assert len(book.standing((0, 0, 10**9, 10**9), 10_000)[0]) == MANY * len(KINDS)
    doors, _ = book.standing((0, 0, 10**9, 10**9), 2, "door")
    assert [each.code for each in doors] == ["door-0", "door-1"]
    after, _ = book.standing((0, 0, 10**9, 10**9), 2, "door", "door-1")
    assert [each.code for each in after] == ["door-10", "door-100"]
    assert book.standing((0, 1, 2, 1), 10)[0] == []
    assert book.standing_of("nothing") is None


def test_who_follows_sees_each_change_once_and_no_heartbeats(town: Town) -> None:
    desk, book = town.desk(), town.store.device_book
    desk.take([say("door-1", state="open"), say("door-2", state="open"), say("door-1", state="closed")])
    first = book.changed_since(0, 10)
    assert [row.device for row in first] == ["door-1", "door-2"]
    assert [row.changed for row in first] == [1, 2]
    town.pass_time(60)
    desk.take([say("door-1", heartbeat=True), say("door-2", state="closed")])
    assert [(row.device, row.changed) for row in book.changed_since(2, 10)] == [("door-2", 3)]
    assert [row.device for row in book.changed_since(0, 1)] == ["door-1"]
    town.pass_time(12 * HOUR)
    desk.sweep()
    assert [row.device for row in book.changed_since(3, 10)] == ["door-1", "door-2"]
    assert book.standing((0, 0, 0, 0), 1)[1] == 5


def test_a_batch_is_stored_whole_or_not_at_all(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = town.desk()

    def fail(*_: object) -> None:
        raise HomeError("the disk is full")

    monkeypatch.setattr("gridmap.store.device_states.DeviceTable.put_feed", fail)
    with pytest.raises(HomeError):
        desk.take([say("smoke-1", state="alarm"), say("smoke-2", state="alarm")])
    monkeypatch.undo()
    assert (town.status("smoke-1"), town.events) == ("unknown", [])
    assert desk.take([say("smoke-1", state="alarm")]) == [None]
    assert town.told == [("smoke-1:smoke", "open")]


# Taking


def test_what_the_register_does_not_have_is_refused_and_the_rest_is_kept(town: Town) -> None:
    readings = [say("ghost", state=1), say("door-1", state="open"), say("door-2", kind="smoke", state="on")]
    reasons = town.desk().take(readings)
    assert reasons == [
        "device: 'ghost' is not in the register; store it with `gridmap things devices`",
        None,
        "kind: door-2 is registered as 'door', not as 'smoke'; correct one of them",
    ]
    assert (town.status("door-1"), town.status("door-2")) == ("online", "unknown")


def test_of_two_workers_each_event_is_decided_once(town: Town) -> None:
    one, other = town.desk(), town.desk()
    for desk in (one, other, one):
        desk.take([say("sos-1", state="pressed", at="2026-04-30T23:59:00Z")])
    town.pass_time(24 * HOUR)
    for desk in (one, other):
        desk.sweep()
    assert town.told == [("sos-1:sos", "open")]


def test_workers_at_the_same_moment_decide_each_event_once(town: Town) -> None:
    desks = [town.desk() for _ in range(4)]
    start = Barrier(len(desks))

    def work(desk: DeviceDesk) -> None:
        start.wait(60)
        for number in range(8):
            desk.take([say(f"sos-{number}", state="pressed"), say(f"door-{number}", state="open")])

    with ThreadPoolExecutor(len(desks)) as pool:
        assert [*pool.map(work, desks)] == [None] * len(desks)
    desks[0].sweep()
    ids = [event["id"] for event in town.events]
    assert len({*ids}) == 8
    assert [row.changed for row in town.store.device_book.changed_since(0, 99)] == [*range(1, 17)]


@pytest.mark.parametrize("refusal", [BusyError("events: too many wait"), ZeroDivisionError()])
def test_an_event_that_cannot_be_told_now_is_told_later_by_anybody(
    town: Town, refusal: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    desk = town.desk()
    town.refusal = refusal
    assert desk.take([say("sos-1", state="pressed")]) == [None]
    desk.sweep()
    assert (town.events, desk.feed().untold) == ([], 1)
    assert caplog.text.count("events of devices wait") == 1
    town.refusal = None
    other = town.desk()
    other.sweep()
    assert (town.told, other.feed().untold) == ([("sos-1:sos", "open")], 0)
    desk.sweep()
    assert len(town.events) == 1


# Must show: silence, and a feed that is down


def test_a_door_silent_for_24_hours_is_a_care_event_on_its_place(small: Town) -> None:
    desk = small.desk()
    desk.take([say("door-1", state="closed")])
    for _ in range(4):
        assert small.events == []
        small.pass_time(6 * HOUR)
        desk.take([say("door-1", heartbeat=True)])
        desk.sweep()
    (event,) = small.events
    assert (event["class"], event["kind"], event["op"]) == ("特殊关爱", "care", "open")
    x = 401
    assert (event["lon"], event["lat"], event["crs"]) == (x / 1e7, 2 * x / 1e7, "wgs84")
    assert event["occurred_at"] == "2026-05-02T00:00:00.000Z"
    assert small.status("door-1") == "silent"
    desk.take([say("door-1", state="open")])
    assert small.told == [("door-1:silence", "open"), ("door-1:silence", "close")]


def test_a_broker_that_is_away_makes_nobody_offline_or_silent(small: Town) -> None:
    desk = small.desk()
    desk.take([*beats("camera", 3), say("door-1", state="closed")])
    small.pass_time(200)
    desk.sweep()
    desk.hears(False)
    small.pass_time(48 * HOUR)
    desk.sweep()
    assert (small.status("camera-0"), small.status("door-1")) == ("online", "online")
    desk.hears(True)
    desk.sweep()
    small.pass_time(300)  # devices find the broker again
    desk.sweep()
    assert small.status("camera-0") == "online"
    desk.take(beats("camera", 2))
    small.pass_time(100)
    desk.sweep()
    assert (small.status("camera-1"), small.status("camera-2")) == ("online", "offline")
    assert small.events == []


def test_a_restart_and_a_sleep_are_not_counted(small: Town) -> None:
    small.desk().take(beats("camera", 3))
    small.desk().sweep()
    small.pass_time(100)
    small.desk().hears(False)  # a worker that ends stores its clock; one that is killed loses a minute
    small.pass_time(48 * HOUR)
    desk = small.desk()
    small.pass_time(299)
    desk.sweep()
    assert small.statuses()["offline"] == 0
    desk.take(beats("camera", 3))
    small.pass_time(60)
    desk.sweep()
    small.pass_time(48 * HOUR)
    desk.missed()
    desk.sweep()
    assert small.statuses()["offline"] == 0
    small.pass_time(300 + 240)
    desk.sweep()
    assert small.statuses()["offline"] == 3


def test_a_worker_that_hears_counts_for_one_that_does_not(small: Town) -> None:
    deaf, hearing = small.desk(), small.desk()
    hearing.take(beats("camera", 2))
    deaf.hears(False)
    small.pass_time(299)
    deaf.sweep()
    hearing.take([say("camera-1", heartbeat=True)])
    small.pass_time(1)
    deaf.sweep()
    assert small.status("camera-0") == "online"
    hearing.sweep()
    assert (small.status("camera-0"), small.status("camera-1")) == ("offline", "online")


def test_devices_lost_at_once_are_held_and_live_when_they_are_heard_again(small: Town) -> None:
    desk = small.desk()
    desk.take([*beats("camera"), *beats("smoke")])
    small.pass_time(300)
    desk.sweep()
    assert small.statuses() == {"online": 2 * MANY, "unknown": 2 * MANY}
    assert desk.feed().held == MANY
    for _ in range(5):
        small.pass_time(60)
        desk.sweep()
    desk.take(beats("camera", first=5))  # the gateway is back, and five have not spoken yet
    small.pass_time(60)
    desk.sweep()
    assert (small.statuses()["offline"], desk.feed().held) == (0, 0)
    desk.take(beats("camera", first=5))
    small.pass_time(299)
    desk.sweep()
    assert small.statuses()["offline"] == 0
    small.pass_time(1)
    desk.take(beats("camera", first=5))
    desk.sweep()
    assert small.statuses()["offline"] == 5


def test_devices_that_stay_lost_are_believed_after_an_hour_without_a_storm(small: Town) -> None:
    event = {"class": "其他", "urgency": "blue", "kind": "device", "title": "设备离线"}
    desk = small.desk(read_rules({"offline": {"event": event}}))
    desk.take([*beats("camera"), *beats("smoke")])
    small.pass_time(300)
    for _ in range(60):
        desk.sweep()
        assert small.statuses()["offline"] == 0
        small.pass_time(60)
    desk.sweep()
    assert small.statuses() == {"offline": MANY, "online": MANY, "unknown": 2 * MANY}
    assert small.events == []
    small.pass_time(HOUR)
    desk.take(beats("camera", 3))
    desk.sweep()
    small.pass_time(300)
    desk.sweep()
    assert small.told == [(f"camera-{number}:offline", "open") for number in range(3)]


def test_while_some_are_held_others_are_looked_at(small: Town) -> None:
    desk = small.desk()
    desk.take([say("door-1", state="open"), *beats("smoke")])
    for _ in range(3):
        small.pass_time(6 * HOUR)
        desk.take([say("door-1", heartbeat=True)])
    small.pass_time(6 * HOUR - 301)
    desk.take(beats("camera"))
    small.pass_time(300)
    desk.sweep()
    assert desk.feed().held == MANY
    small.pass_time(1)
    desk.take([say("door-1", heartbeat=True)])
    assert small.told == [("door-1:silence", "open")]


def test_other_rules_are_applied_to_all_that_are_known(small: Town) -> None:
    desk = small.desk()
    desk.take([say("door-1", state="open"), say("smoke-1", heartbeat=True)])
    small.pass_time(10 * HOUR)
    desk.sweep()
    assert small.events == []
    shorter = small.desk(read_rules({"silence": {"door": {"after_s": 9 * HOUR}}}))
    shorter.sweep()
    assert small.told == [("door-1:silence", "open")]


def test_a_device_that_left_the_register_is_forgotten(small: Town) -> None:
    desk = small.desk()
    desk.take(beats("camera", 2))
    small.store.put_devices(
        {"code": ["camera-1"], "kind": ["camera"], "x": [0], "y": [0], "building": [None]}
    )
    small.pass_time(300)
    desk.sweep()
    assert [row.device for row in small.store.device_book.changed_since(0, 10)] == ["camera-1"]
    assert small.status("camera-1") == "offline"


def test_a_sweep_with_nothing_due_writes_nothing(small: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = small.desk()
    desk.take(beats("camera"))
    desk.sweep()

    def fail(*_: object) -> None:
        raise AssertionError("nothing is to be written")

    monkeypatch.setattr("gridmap.store.device_states.DeviceBook.change", fail)
    small.pass_time(59)
    assert desk.sweep() == 0


def test_rounds_sweep_and_notice_that_they_slept(small: Town, caplog: pytest.LogCaptureFixture) -> None:
    import time

    desk = small.desk()
    desk.take([say("camera-1", heartbeat=True)])
    small.pass_time(300)
    rounds = Rounds(desk, every_s=0.01)
    deadline = time.monotonic() + 20
    while small.status("camera-1") != "offline" and time.monotonic() < deadline:
        time.sleep(0.01)
    rounds.close()
    assert small.status("camera-1") == "offline"
    desk.take([say("camera-1", heartbeat=True)])
    small.pass_time(48 * HOUR)
    rounds = Rounds(desk, every_s=0.01, stalled_s=-1)  # whatever the time, it is too late
    time.sleep(0.2)
    rounds.close()
    assert small.status("camera-1") == "online"
    with caplog.at_level(logging.ERROR):
        small.store.device_book.change = None  # type: ignore[assignment,method-assign]
        small.pass_time(600)
        rounds = Rounds(desk, every_s=0.01)
        time.sleep(0.2)
        rounds.close()
    assert len([record for record in caplog.records if "not looked after" in record.message]) == 1


READINGS = st.lists(
    st.tuples(
        st.sampled_from(["camera-1", "door-1", "smoke-1", "sos-1"]),
        st.sampled_from(
            [{"heartbeat": True}, {"state": "alarm"}, {"state": "normal"}, {"state": "clear"}, {"lost": True}]
        ),
        st.integers(0, 9),
    ),
    max_size=25,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(READINGS, st.integers(1, 5))
def test_in_batches_or_one_by_one_by_one_worker_or_three_is_the_same(
    small: Town, story: list[tuple[str, dict[str, Any], int]], size: int
) -> None:
    ends = []
    for workers, at_once in ((1, len(story) or 1), (3, size)):
        small.now, small.events = START, []
        with small.store._database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM device_states")
        desks = [small.desk() for _ in range(workers)]
        readings = [
            say(device, at=(START + timedelta(seconds=second)).isoformat(), **said)
            for device, said, second in story
        ]
        small.pass_time(10)
        for place in range(0, len(readings), at_once):
            desks[place % workers].take(readings[place : place + at_once])
        for desk in desks:
            desk.sweep()
        bodies = {row.device: json.loads(row.body) for row in small.store.device_book.changed_since(0, 99)}
        ends.append((bodies, small.events))
    assert ends[0] == ends[1]
