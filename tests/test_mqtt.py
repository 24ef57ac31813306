"""The MQTT door, with a real mosquitto: nothing is lost, nothing comes twice, and a broker may go away."""

from __future__ import annotations

import json
import logging
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING, Any

import broker as brokers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_devices import Town, fill

from gridmap.devices.document import Reading
from gridmap.devices.mqtt import MqttDoor, reading_of
from gridmap.devices.mqtt_address import parse_mqtt
from gridmap.errors import HomeError, InputError
from gridmap.store.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from broker import Broker

PATIENCE_S = 20
TOPIC = "gridmap/devices"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with brokers.running(tmp_path_factory.mktemp("mqtt") / "broker") as found:
        yield found


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts come faster than in life."""
    monkeypatch.setattr("gridmap.devices.mqtt.RETRY_S", 0.05)
    delays = "paho.mqtt.client.Client.reconnect_delay_set"
    monkeypatch.setattr(delays, _quickly)


def _quickly(self: Any, *_delays: float) -> None:
    self._reconnect_min_delay = self._reconnect_max_delay = 0.05


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with Home.create(tmp_path / "home").store() as store:
        fill(store)
        yield Town(store)


class Taker:
    """Takes readings as a desk would, and remembers them."""

    def __init__(self) -> None:
        self.taken: list[Reading] = []
        self.heard: list[bool] = []
        self.error: Exception | None = None
        self.may_go = Event()
        self.may_go.set()

    def take(self, readings: Sequence[Reading]) -> list[str | None]:
        self.may_go.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error
        self.taken += readings
        return [None] * len(readings)

    def door(self, url: str, client: str) -> MqttDoor:
        return MqttDoor(url, self.take, self.heard.append, client)

    @property
    def values(self) -> list[float | None]:
        return [reading.value for reading in self.taken]


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.005)


def readings(first: int, last: int) -> list[tuple[str, str]]:
    return [(f"{TOPIC}/door-1/reading", json.dumps({"value": value})) for value in range(first, last)]


# Must show


def test_smoke_and_sos_over_mqtt_become_events(broker: Broker, town: Town) -> None:
    desk = town.desk()
    door = MqttDoor(broker.url(), desk.take, desk.hears, "smoke-and-sos")
    try:
        wait_for(lambda: desk.feed().is_up)
        broker.publish((f"{TOPIC}/smoke-1/reading", '{"state":"alarm"}'))
        broker.publish((f"{TOPIC}/sos-2/reading", '{"state":"pressed","battery":55}'))
        wait_for(lambda: len(town.events) == 2)
        assert town.told == [("smoke-1:smoke", "open"), ("sos-2:sos", "open")]
        assert [event["kind"] for event in town.events] == ["fire", "sos"]
        broker.publish((f"{TOPIC}/smoke-1/reading", '{"state":"alarm"}'))
        broker.publish((f"{TOPIC}/smoke-1/reading", '{"state":"normal"}'))
        wait_for(lambda: len(town.events) == 3)
        assert town.told[2:] == [("smoke-1:smoke", "close")]
    finally:
        door.close()


def test_a_broker_down_for_ten_minutes_makes_no_false_alarm(broker: Broker, town: Town) -> None:
    desk = town.desk()
    door = MqttDoor(broker.url(), desk.take, desk.hears, "ten-minutes")
    try:
        wait_for(lambda: desk.feed().is_up)
        beats = [(f"{TOPIC}/camera-{number}/heartbeat", "") for number in range(30)]
        broker.publish(*beats, (f"{TOPIC}/door-1/reading", '{"state":"closed"}'))
        wait_for(lambda: town.statuses()["online"] == 31)
        town.pass_time(240)
        desk.sweep()
        broker.stop()
        wait_for(lambda: not desk.feed().is_up)
        for _ in range(10):
            town.pass_time(60)
            desk.sweep()
        broker.start()
        wait_for(lambda: desk.feed().is_up)
        desk.sweep()
        assert town.statuses()["offline"] == 0
        town.pass_time(120)
        desk.sweep()
        broker.publish(*beats[1:])
        wait_for(lambda: _heard_since(town, town.now) == 29)
        town.pass_time(240)  # 300 in which devices find the broker again, then the 60 that are left
        desk.sweep()
        assert (town.status("camera-0"), town.statuses()["offline"]) == ("offline", 1)
        assert town.events == []
    finally:
        door.close()


def _heard_since(town: Town, moment: datetime) -> int:
    text = moment.isoformat().replace("+00:00", "Z")
    rows = town.store.device_book.changed_since(0, 1000)
    return sum(json.loads(row.body)["heard_at"] == text for row in rows)


# Nothing is lost


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_what_comes_while_we_are_away_is_kept_for_us(broker: Broker, version: str) -> None:
    taker, url, name = Taker(), broker.url(f"?version={version}"), f"away-{version}"
    door = taker.door(url, name)
    wait_for(lambda: taker.heard == [False, True])
    broker.publish(*readings(0, 3))
    wait_for(lambda: len(taker.taken) == 3)
    door.close()
    broker.publish(*readings(3, 300))
    door = taker.door(url, name)
    wait_for(lambda: len(taker.taken) == 300)
    door.close()
    assert taker.values == [*range(300)]


def test_what_was_not_stored_comes_again_when_the_broker_comes_back(broker: Broker) -> None:
    taker = Taker()
    door = taker.door(broker.url(), "not-stored")
    wait_for(lambda: door.is_up)
    taker.may_go.clear()
    broker.publish(*readings(0, 50))
    broker.stop()
    wait_for(lambda: not door.is_up)
    taker.may_go.set()
    broker.start()
    wait_for(lambda: {*taker.values} == {*range(50)})
    broker.publish(*readings(50, 60))
    wait_for(lambda: {*taker.values} == {*range(60)})
    door.close()
    assert taker.heard == [False, True, False, True]
    again = taker.door(broker.url(), "not-stored")
    wait_for(lambda: again.is_up)
    before = len(taker.taken)
    broker.publish(*readings(60, 61))
    wait_for(lambda: 60 in taker.values)
    again.close()
    assert len(taker.taken) == before + 1  # all that was stored was acknowledged


def test_readings_wait_while_the_store_cannot_be_written(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    taker = Taker()
    taker.error = HomeError("the disk is full")
    with caplog.at_level(logging.ERROR):
        door = taker.door(broker.url(), "full-disk")
        wait_for(lambda: door.is_up)
        broker.publish(*readings(0, 5))
        wait_for(lambda: "readings wait: the disk is full" in caplog.text)
        time.sleep(0.2)
        assert caplog.text.count("readings wait") == 1
        door.close()
    assert taker.taken == []
    taker.error = None
    door = taker.door(broker.url(), "full-disk")
    wait_for(lambda: taker.values == [*range(5)])
    door.close()


def test_one_message_that_breaks_us_does_not_stop_the_next(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    taker = Taker()

    def take(some: Sequence[Reading]) -> list[str | None]:
        if any(reading.value == 1 for reading in some):
            raise ZeroDivisionError
        return taker.take(some)

    door = MqttDoor(broker.url(), take, taker.heard.append, "poison")
    wait_for(lambda: door.is_up)
    bad = [
        (f"{TOPIC}/door-1/reading", "no JSON"),
        (f"{TOPIC}/door-1/reading", '{"device":"other","value":7}'),
    ]
    with caplog.at_level(logging.WARNING):
        broker.publish(*readings(0, 2), *bad, *readings(2, 4))
        wait_for(lambda: taker.values == [0, 2, 3])
        broker.publish(*readings(4, 5))
        wait_for(lambda: taker.values == [0, 2, 3, 4])
    door.close()
    assert "a reading of door-1 is lost" in caplog.text
    assert "messages cannot be used, such as" in caplog.text


def test_two_workers_share_the_messages(broker: Broker) -> None:
    one, other = Taker(), Taker()
    url = broker.url("?share=workers")
    doors = [one.door(url, "worker-1"), other.door(url, "worker-2")]
    wait_for(lambda: all(door.is_up for door in doors))
    broker.publish(*readings(0, 100))
    wait_for(lambda: len(one.taken) + len(other.taken) == 100)
    assert sorted([*one.values, *other.values]) == [*range(100)]  # type: ignore[type-var]
    assert one.taken
    assert other.taken
    for door in doors:
        door.close()


def test_all_four_topics_under_a_prefix_and_nothing_else(broker: Broker) -> None:
    taker = Taker()
    door = taker.door(broker.url("city/north"), "prefix")
    wait_for(lambda: door.is_up)
    until = "2026-05-08T00:00:00+08:00"
    broker.publish(
        ("city/north/d/reading", '{"state":"open","at":"2026-05-01T08:00:00+08:00"}'),
        ("city/north/d/heartbeat", '{"battery":5}'),
        ("city/north/d/leave", json.dumps({"until": until})),
        ("city/north/d/lwt", "offline"),
        ("gridmap/devices/d/reading", '{"state":"elsewhere"}'),
        ("city/north/d/lwt", "online"),
    )
    wait_for(lambda: len(taker.taken) == 5)
    door.close()
    assert taker.taken == [
        Reading(device="d", state="open", at=datetime(2026, 5, 1, tzinfo=UTC)),
        Reading(device="d", heartbeat=True, battery=5),
        Reading(device="d", away_until=datetime.fromisoformat(until)),
        Reading(device="d", lost=True),
        Reading(device="d", heartbeat=True),
    ]


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_what_the_broker_retained_is_no_news(broker: Broker, version: str) -> None:
    prefix = f"retained-{version}"
    broker.publish((f"{prefix}/d/reading", '{"value":1}'), retain=True)
    taker = Taker()
    door = taker.door(broker.url(f"{prefix}?version={version}"), prefix)
    wait_for(lambda: door.is_up)
    broker.publish((f"{prefix}/d/reading", '{"value":2}'), retain=True)
    wait_for(lambda: taker.values == [2])
    door.close()


def test_a_last_will_is_heard(broker: Broker) -> None:
    taker = Taker()
    door = taker.door(broker.url(), "wills")
    wait_for(lambda: door.is_up)
    with brokers.client(broker, will=f"{TOPIC}/d/lwt") as device:
        connection = device.socket()
        assert isinstance(connection, socket.socket)
        connection.shutdown(socket.SHUT_RDWR)
        wait_for(lambda: taker.taken)
    door.close()
    assert taker.taken[0] == Reading(device="d", lost=True)


def test_a_refusal_is_said_once_and_leaves_the_feed_down(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    taker = Taker()
    with caplog.at_level(logging.WARNING):
        door = taker.door(f"mqtt://someone:wrong@127.0.0.1:{broker.port}", "wrong")
        wait_for(lambda: "refuses: Not authorized" in caplog.text)
        time.sleep(0.3)
        door.close()
    assert (taker.heard, caplog.text.count("refuses")) == ([False], 1)
    assert "wrong" not in caplog.text


def test_a_broker_that_is_not_there_is_waited_for(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    taker = Taker()
    broker.stop()
    with caplog.at_level(logging.WARNING):
        door = taker.door(broker.url(), "patient")
        wait_for(lambda: "cannot be reached" in caplog.text)
    broker.start()
    wait_for(lambda: taker.heard == [False, True])
    broker.stop()
    door.close()
    broker.start()


# Addresses and topics


def test_an_address_is_read_in_parts() -> None:
    found = parse_mqtt("mqtts://a%40b:p%3Aw@[::1]:2000/x/y?version=3.1.1&client=c&ca=/ca.pem")
    assert tuple(found) == ("::1", 2000, "x/y", "a@b", "p:w", True, "3.1.1", "c", None, "/ca.pem")
    assert found.shown == "mqtts://[::1]:2000/x/y"
    plain = parse_mqtt("mqtt://host")
    assert (plain.port, plain.prefix, plain.user, plain.version) == (1883, "gridmap/devices", None, "5")
    assert parse_mqtt("mqtts://host/").port == 8883
    assert parse_mqtt("mqtt://host?share=workers").share == "workers"


@pytest.mark.parametrize(
    "url",
    [
        "host:1883",
        "http://host",
        "mqtt://",
        "mqtt://user:secret@host:port",
        "mqtt://host?x=1",
        "mqtt://host?version=4",
        "mqtt://host/a/+/b",
        "mqtt://host/%23",
        "mqtt://host?share=a/b",
        "mqtt://host?share=a&version=3.1.1",
        "mqtt://host#x",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError, match=r"^mqtt: ") as refused:
        parse_mqtt(url)
    assert "secret" not in str(refused.value)


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ca: .*none\.pem cannot be read as certificates"):
        MqttDoor(f"mqtts://host?ca={tmp_path}/none.pem", lambda _: [], lambda _: None)


@given(st.sampled_from(["reading", "heartbeat", "leave", "lwt", "other"]), st.binary(max_size=60))
def test_no_payload_breaks_the_door(verb: str, payload: bytes) -> None:
    with suppress(InputError):
        assert reading_of(f"{TOPIC}/d/{verb}", payload, TOPIC).device == "d"


def test_a_return_and_a_payload_too_long() -> None:
    for payload in (b"", b" ", b"{}", b'{"until":null}'):
        assert reading_of(f"{TOPIC}/d/leave", payload, TOPIC).away_until is None
    with pytest.raises(InputError, match="at most 16,384 are"):
        reading_of(f"{TOPIC}/d/reading", b'{"state":"' + b"x" * 20_000 + b'"}', TOPIC)
