"""`/devices` over HTTP: every reply is held against the OpenAPI document as well."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import broker as brokers
import pytest
from reported import NDJSON, Reported
from store_contract import SqliteSpec
from test_mqtt import wait_for
from webtown import GRID, make_twin, place

from gridmap.affairs import Affairs
from gridmap.devices.mqtt import MqttDoor
from gridmap.lattice import point_to_lattice
from tiles.web import devices as module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TWIN = make_twin()
START = datetime(2026, 5, 1, tzinfo=UTC)
EVERYWHERE = "bbox=-180,-90,180,90"
ODD = 'odd "1"'
PLACES = {
    "smoke-1": place(3, 3),
    "door-1": place(3, 3),
    "sos-1": place(3, 3),
    ODD: place(3, 3),
    "camera-1": place(-9, -9),
}
"""One of them is outside the city."""


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def serving(folder: Path, clock: Clock) -> Iterator[Reported]:
    with SqliteSpec(str(folder / "city")).open() as store:
        points = [point_to_lattice(*where) for where in PLACES.values()]
        store.put_devices(
            {
                "code": [*PLACES],
                "kind": [code.partition("-")[0].partition(" ")[0] for code in PLACES],
                "x": [x for x, _ in points],
                "y": [y for _, y in points],
                "building": [None] * len(PLACES),
            }
        )
        affairs = Affairs(TWIN, store, clock)
        try:
            yield Reported(TWIN, affairs, store)
        finally:
            affairs.close()


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="web")
def _web(tmp_path: Path, clock: Clock) -> Iterator[Reported]:
    with serving(tmp_path, clock) as web:
        yield web


def say(web: Reported, *readings: dict[str, Any]) -> Any:
    return web.json("/devices/readings", method="POST", json=[*readings])


def events(web: Reported) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = web.json("/events")["events"]
    return found


def test_one_a_list_and_lines_are_taken(web: Reported) -> None:
    one = {"device": "door-1", "state": "open", "value": 1}
    assert web.json("/devices/readings", method="POST", json=one) == {
        "accepted": 1,
        "rejected": [],
        "rejected_count": 0,
    }
    assert say(web, one, one)["accepted"] == 2
    beat, ghost = b'{"device":"door-1","heartbeat":true}', b'{"device":"ghost","state":1}'
    lines = b"\n".join([beat, b"", b"nonsense", ghost, b'{"device":"door-1"}'])
    said = web.json("/devices/readings", method="POST", data=lines, content_type=NDJSON)
    assert (said["accepted"], said["rejected_count"]) == (1, 3)
    assert [each["line"] for each in said["rejected"]] == [3, 4, 5]
    assert "is not in the register" in said["rejected"][1]["reason"]
    web.ask("/devices/readings", 400, method="POST", data=b"[1,", content_type="application/json")
    web.ask("/devices/readings", 415, method="POST", data=b"", content_type="text/plain")


def test_more_than_are_stored_at_once(web: Reported, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)
    lines = "\n".join(
        json.dumps({"device": "ghost" if number % 4 == 3 else "door-1", "value": number})
        for number in range(10)
    )
    said = web.json("/devices/readings", method="POST", data=lines.encode(), content_type=NDJSON)
    assert (said["accepted"], [each["line"] for each in said["rejected"]]) == (8, [4, 8])
    assert web.json("/devices/door-1")["reading"]["value"] == 9


def test_the_states_in_a_box_in_one_call(web: Reported, clock: Clock) -> None:
    say(web, {"device": "smoke-1", "state": "alarm", "battery": 80, "fields": {"楼": 3}})
    said = web.json(f"/devices?{EVERYWHERE}")
    assert [each["code"] for each in said["devices"]] == sorted(PLACES)
    assert (said["complete"], said["next"], said["changed"]) == (True, None, 1)
    assert said["feed"] == {"up": True, "held": 0}
    by_code = {each["code"]: each for each in said["devices"]}
    lon, lat = PLACES["smoke-1"]
    assert by_code["smoke-1"] == {
        "code": "smoke-1",
        "kind": "smoke",
        "lon": lon,
        "lat": lat,
        "grid": GRID,
        "online": True,
        "status": "online",
        "since": "2026-05-01T00:00:00Z",
        "heard_at": "2026-05-01T00:00:00Z",
        "alarms": [{"type": "smoke", "since": "2026-05-01T00:00:00Z"}],
        "reading": {"at": "2026-05-01T00:00:00Z", "state": "alarm", "fields": {"楼": 3}},
        "battery": 80.0,
    }
    nothing: dict[str, Any] = {"online": None, "status": "unknown", "alarms": [], "reading": None}
    assert by_code["door-1"] == by_code["door-1"] | nothing
    assert by_code["camera-1"]["grid"] is None
    assert web.json("/devices/smoke-1") == by_code["smoke-1"]
    assert web.json("/devices/" + quote(ODD))["code"] == ODD
    clock.now += timedelta(hours=100)
    web.affairs.devices.sweep()
    found = web.json("/devices/smoke-1")
    assert (found["online"], found["status"]) == (False, "offline")


def test_a_box_a_kind_and_pages(web: Reported) -> None:
    lon, lat = PLACES["door-1"]
    near = f"bbox={lon - 0.0001},{lat - 0.0001},{lon + 0.0001},{lat + 0.0001}"
    assert [each["code"] for each in web.json(f"/devices?{near}&kind=sos")["devices"]] == ["sos-1"]
    assert len(web.json(f"/devices?{near}")["devices"]) == 4
    assert web.json("/devices?bbox=0,0,1,1")["devices"] == []
    first = web.json(f"/devices?{EVERYWHERE}&limit=2")
    assert (first["complete"], first["next"]) == (False, "door-1")
    rest = web.json(f"/devices?{EVERYWHERE}&after=door-1")
    assert [each["code"] for each in first["devices"] + rest["devices"]] == sorted(PLACES)


@pytest.mark.parametrize(
    "query", ["", "bbox=1,2,3", "bbox=a,b,c,d", "bbox=2,0,1,1", "bbox=0,0,999,1", f"{EVERYWHERE}&limit=0"]
)
def test_what_is_no_question_is_refused(web: Reported, query: str) -> None:
    web.ask(f"/devices?{query}", 400)


def test_there_is_no_such_device(web: Reported) -> None:
    web.ask("/devices/nothing", 404)


# Must show: each ends as an order


def test_a_silent_door_is_an_order_on_its_grid(web: Reported, clock: Clock) -> None:
    say(web, {"device": "door-1", "state": "closed"})
    for _ in range(4):
        assert events(web) == []
        clock.now += timedelta(hours=6)
        say(web, {"device": "door-1", "heartbeat": True})
    web.affairs.devices.sweep()
    (event,) = events(web)
    assert (event["source"], event["class"], event["kind"]) == ("device", "特殊关爱", "care")
    assert event["code"] == web.json("/devices/door-1")["grid"] == GRID
    assert web.json("/devices/door-1")["status"] == "silent"
    web.settle()
    (order,) = web.json("/orders")["orders"]
    assert (order["code"], order["urgency"]) == (GRID, "orange")


def test_smoke_and_a_call_over_mqtt_are_orders(web: Reported, tmp_path: Path) -> None:
    devices = web.affairs.devices
    with brokers.running(tmp_path / "broker") as broker:
        door = MqttDoor(broker.url(), devices.take, devices.hears, "web")
        try:
            wait_for(lambda: door.is_up)
            broker.publish(
                ("gridmap/devices/smoke-1/reading", '{"state":"alarm"}'),
                ("gridmap/devices/sos-1/reading", '{"state":"pressed"}'),
                ("gridmap/devices/sos-1/reading", '{"state":"pressed"}'),
            )
            wait_for(lambda: len(web.json("/orders")["orders"]) == 2)
        finally:
            door.close()
    assert [event["kind"] for event in events(web)] == ["fire", "sos"]
    assert [order["code"] for order in web.json("/orders")["orders"]] == [GRID, GRID]
