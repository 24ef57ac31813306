"""The MQTT door: readings, heartbeats, leaves and last wills from a broker. MQTT 5, and 3.1.1.

    PREFIX/CODE/reading     a reading as JSON; the device is the topic's
    PREFIX/CODE/heartbeat   the device lives: empty, or a reading as JSON
    PREFIX/CODE/leave       {"until": "2026-05-08T00:00:00+08:00"}; empty: they are back
    PREFIX/CODE/lwt         a last will: its connection is lost; `online`: it lives

Theory of operation. A message is acknowledged to the broker (QoS 1) when its reading is on disk, not when it
has come. The session outlives the connection (no clean start), so the broker keeps what comes while we are
away, and sends again what was not acknowledged. A reading that comes twice is late the second time and
changes nothing. Messages gather while others are being stored, and are stored together.

An acknowledgement belongs to its connection: numbers of messages are used again, and one that comes a
connection too late would take another message off the broker's list. So whatever is not stored when a
connection ends is thrown away; it is sent again.

What the broker kept as *retained* is ignored: it is what was said once, and we know that.

A broker keeps only so many messages for who is away: mosquitto 1,000, unless `max_queued_messages` is set.
"""

from __future__ import annotations

import logging
import ssl
from collections import deque
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from paho.mqtt.client import Client, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from gridmap.devices import document
from gridmap.devices.mqtt_address import parse_mqtt
from gridmap.errors import GridmapError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from paho.mqtt.client import MQTTMessage

    from gridmap.devices.document import Reading

    Take = Callable[[Sequence[Reading]], Sequence[str | None]]

LOG: Final = logging.getLogger(__name__)

VERBS: Final = ("reading", "heartbeat", "leave", "lwt")

KEEPALIVE_S: Final = 20
"""A broker that says nothing for half as long again is away."""

SESSION_S: Final = 7 * 86_400
"""How long a broker of version 5 keeps what comes while we are away."""

AT_ONCE: Final = 1_000
"""Messages that are stored together, and that a broker may send before the first is acknowledged."""

MOST_WAITING: Final = 50_000
"""Messages that may wait; beyond, those that nobody wants acknowledged (QoS 0) are dropped."""

RETRY_S: Final = 1.0
LONGEST_RETRY_S: Final = 30
"""How long after a failure the next attempt comes: each twice as long as the one before, up to the latter."""

CLIENT: Final = "gridmap"


class _Message(NamedTuple):
    connection: int
    mid: int
    qos: int
    topic: str
    payload: bytes


class MqttDoor:
    """A connection to a broker that is kept up; close it when done."""

    def __init__(self, url: str, take: Take, told: Callable[[bool], object], client: str = CLIENT) -> None:
        """`take` stores readings and says of each why it cannot be used; `told` hears whether we hear.

        `client` is the client id where the address has none: the same at each start, and nobody else's, or
        the broker takes one for the other. InputError: the address cannot be used.
        """
        self.address = parse_mqtt(url)
        self._take = take
        self._told = told
        self._changed = Condition()
        self._waiting: deque[_Message] = deque()
        self._connection = 0
        self._is_up = False
        self._breaks = 0
        self._ended = False
        self._said = ""
        self._client = self._made(self.address.client or client)
        told(False)
        self._worker = Thread(target=self._work, name="mqtt-store", daemon=True)
        self._worker.start()
        self._client.loop_start()

    @property
    def is_up(self) -> bool:
        """Whether the broker is connected and has accepted the subscription."""
        return self._is_up

    def close(self) -> None:
        """Store what is being stored, and leave; the broker keeps what comes from here on."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._worker.join(10)
        self._client.disconnect()
        self._client.loop_stop()

    def _made(self, client_id: str) -> Client:
        where = self.address
        is_5 = where.version == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if is_5 else False,
            protocol=MQTTv5 if is_5 else MQTTv311,
            manual_ack=True,
        )
        if where.user is not None:
            client.username_pw_set(where.user, where.password)
        if where.tls:
            try:
                client.tls_set(ca_certs=where.ca)
            except (OSError, ssl.SSLError) as error:
                raise InputError("mqtt", f"ca: {where.ca} cannot be read as certificates: {error}") from error
        client.reconnect_delay_set(1, LONGEST_RETRY_S)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        if is_5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's own
            properties.SessionExpiryInterval = SESSION_S
            properties.ReceiveMaximum = AT_ONCE
            client.connect_async(
                where.host, where.port, KEEPALIVE_S, clean_start=False, properties=properties
            )
        else:
            client.connect_async(where.host, where.port, KEEPALIVE_S)
        return client

    # What paho tells, in its own thread; an exception would end that thread.

    def _on_connect(self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._say(f"refuses: {reason}")
            return
        with self._changed:
            self._connection += 1
        topics = [f"{self.address.prefix}/+/{verb}" for verb in VERBS]
        if self.address.share is not None:
            topics = [f"$share/{self.address.share}/{topic}" for topic in topics]
        if self.address.version == "5":
            client.subscribe([(topic, SubscribeOptions(qos=1, retainHandling=2)) for topic in topics])
        else:
            client.subscribe([(topic, 1) for topic in topics])

    def _on_connect_fail(self, _client: Client, _data: Any) -> None:
        self._say("cannot be reached; it is tried again and again")

    def _on_subscribe(self, _client: Client, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._say(f"refuses the subscription: {', '.join(sorted({str(each) for each in reasons}))}")
            return
        LOG.info("%s: connected", self.address.shown)
        self._said = ""
        with self._changed:
            self._is_up = True
            self._changed.notify()

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        with self._changed:
            self._connection += 1
            self._waiting.clear()
            was_up, self._is_up = self._is_up, False
            self._breaks += was_up
            self._changed.notify()
        if was_up and not self._ended:
            self._say(f"the connection ended: {reason}")

    def _on_message(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        if message.retain or not topic:
            client.ack(message.mid, message.qos)
            return
        with self._changed:
            if message.qos == 0 and len(self._waiting) >= MOST_WAITING:
                return
            found = _Message(self._connection, message.mid, message.qos, topic, bytes(message.payload))
            self._waiting.append(found)
            self._changed.notify()

    def _say(self, what: str) -> None:
        """Say what is wrong, once until it is something else."""
        if what != self._said:
            self._said = what
            LOG.warning("%s: %s", self.address.shown, what)

    # Storing, in a thread of our own.

    def _work(self) -> None:
        told, breaks, failed = False, 0, ""
        while True:
            with self._changed:
                while not (self._ended or self._waiting or (self._is_up, self._breaks) != (told, breaks)):
                    self._changed.wait()
                if self._ended:
                    return
                is_up, broken = self._is_up, self._breaks
                batch = [*self._waiting][:AT_ONCE]
            try:
                if told and (broken != breaks or not is_up):
                    told = False
                    self._told(False)
                breaks = broken
                if is_up and not told:
                    self._told(True)
                    told = True
                self._store(batch)
                failed = ""
            except GridmapError as error:
                if str(error) != failed:
                    failed = str(error)
                    LOG.error("%s: readings wait: %s", self.address.shown, failed)
                with self._changed:
                    self._changed.wait_for(lambda: self._ended, RETRY_S)

    def _store(self, batch: Sequence[_Message]) -> None:
        """Have messages stored, then acknowledge them. GridmapError: they were not, and still wait."""
        readings: list[Reading] = []
        refused: list[str] = []
        for message in batch:
            try:
                readings.append(reading_of(message.topic, message.payload, self.address.prefix))
            except InputError as error:
                refused.append(f"{message.topic}: {error}")
        try:
            reasons = self._take(readings) if readings else ()
        except GridmapError:
            raise
        except Exception:  # one that breaks us must not stop the fire alarm behind it
            LOG.exception("%s: readings could not be taken together", self.address.shown)
            reasons = [self._taken_alone(reading) for reading in readings]
        refused += [reason for reason in reasons if reason is not None]
        if refused:
            LOG.warning(
                "%s: %d messages cannot be used, such as %s", self.address.shown, len(refused), refused[0]
            )
        self._done(batch)

    def _taken_alone(self, reading: Reading) -> str | None:
        try:
            return self._take([reading])[0]
        except GridmapError:
            raise
        except Exception as error:
            LOG.exception("%s: a reading of %s is lost", self.address.shown, reading.device)
            return f"device: {reading.device}: {type(error).__name__}; see the log"

    def _done(self, batch: Sequence[_Message]) -> None:
        with self._changed:
            for message in batch:
                if self._waiting and self._waiting[0] is message:
                    self._waiting.popleft()
                    if message.connection == self._connection:
                        self._client.ack(message.mid, message.qos)


def reading_of(topic: str, payload: bytes, prefix: str) -> Reading:
    """The reading of a message. InputError: it is none."""
    device, _, verb = topic.removeprefix(f"{prefix}/").rpartition("/")
    if verb == "lwt":
        word = payload.strip().strip(b'"').lower()
        said: dict[str, Any] = {"heartbeat": True} if word == b"online" else {"lost": True}
    elif verb == "leave":
        until = _object(payload).get("until") if payload.strip() else None
        said = {"away_until": until}
    elif verb == "heartbeat":
        said = _object(payload) if payload.lstrip()[:1] == b"{" else {}
        said["heartbeat"] = True
    else:
        said = _object(payload)
    if said.setdefault("device", device) != device:
        raise InputError("device", "is another than the topic's; leave it out")
    return document.from_object(said)


def _object(payload: bytes) -> dict[str, Any]:
    if len(payload) > document.MOST_BYTES:
        raise InputError(
            "reading", f"takes {len(payload):,} bytes; at most {document.MOST_BYTES:,} are taken"
        )
    try:
        found: dict[str, Any] = msgspec.json.decode(payload, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError("reading", f"is no JSON object: {str(error).rstrip('.')}") from error
    return found
