"""One plain event from the event loop: answered as the app answers, and on disk by then."""

from __future__ import annotations

import http.client
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from frontdoor import front_door
from reported import reporting

from gridmap.errors import DamageError
from tiles.web.events_direct import DirectEvents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reported import Reported

PATIENCE_S = 60
EVENT = {"id": "a-1", "source": "12345", "class": "城市管理", "lon": 106.503, "lat": 29.503, "crs": "wgs84"}


class Both:
    """A front with the direct way, and the same app without it."""

    def __init__(self, web: Reported, port: int) -> None:
        self.web = web
        self.port = port

    def directly(self, body: bytes, media_type: str = "application/json") -> tuple[int, dict[str, str], Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request("POST", "/events", body, {"Content-Type": media_type})
        reply = connection.getresponse()
        said = json.loads(reply.read())
        connection.close()
        return reply.status, dict(reply.headers), said

    def by_app(self, body: bytes, media_type: str = "application/json") -> tuple[int, dict[str, str], Any]:
        reply = self.web.client.post("/events", data=body, content_type=media_type)
        return reply.status_code, dict(reply.headers), json.loads(reply.get_data())


@pytest.fixture(name="both")
def _both(tmp_path: Path) -> Iterator[Both]:
    with reporting(tmp_path) as web:
        handler = DirectEvents(web.affairs)
        taken: list[bool] = []

        def counting(*given: Any) -> bool:
            taken.append(handler(*given))
            return taken[-1]

        with front_door(web.app, direct={("POST", "/events"): counting}) as door:
            both = Both(web, door.port)
            both.taken = taken  # type: ignore[attr-defined] # how often the direct way was taken
            yield both


def same(one: tuple[int, dict[str, str], Any], other: tuple[int, dict[str, str], Any]) -> None:
    """Two replies that say the same, but for when they were made."""
    assert (one[0], one[2]) == (other[0], other[2])
    left, right = (
        {name: value for name, value in each[1].items() if name != "Date"} for each in (one, other)
    )
    assert left == right


def test_the_same_event_is_answered_alike_on_both_ways(both: Both) -> None:
    body = json.dumps(EVENT).encode()
    status, headers, said = both.directly(body)
    assert (status, headers["Location"]) == (201, f"/events/{said['seq']}")
    assert both.web.affairs.book.find("event", ["12345/a-1"])["12345/a-1"].seq == said["seq"]
    same(both.directly(body), both.by_app(body))
    other = json.dumps(EVENT | {"title": "something else"}).encode()
    assert both.directly(other)[0] == 409
    same(both.directly(other), both.by_app(other))
    assert all(both.taken)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"{", "application/json"),
        (b"", "application/json"),
        (json.dumps(EVENT | {"class": "x"}).encode(), "application/json"),
        (json.dumps([EVENT]).encode(), "application/json"),
        (json.dumps(EVENT).encode(), "application/x-ndjson"),
        (json.dumps(EVENT).encode(), "text/plain"),
        (json.dumps(EVENT | {"photos": ["x"]}).encode(), "application/json"),
        (json.dumps(EVENT | {"text": "x" * 20_000}).encode(), "application/json"),
    ],
)
def test_what_is_unusual_is_left_to_the_app(both: Both, body: bytes, media_type: str) -> None:
    first = both.directly(body, media_type)
    assert both.taken == [False]  # type: ignore[attr-defined]
    again = both.by_app(body, media_type)
    if first[0] >= 400:
        same(first, again)
    else:
        assert again[0] == 200


def test_what_was_found_damaged_takes_nothing_more(both: Both) -> None:
    both.web.affairs.damage = DamageError("row 1 of the log is gone")
    assert both.directly(json.dumps(EVENT).encode())[2]["type"] == "/problems#damaged"
    assert json.loads(both.web.client.get("/events").get_data())["status"] == 500
    assert both.web.affairs.book.head() == 0


def test_a_point_that_is_none_is_told_by_name(both: Both) -> None:
    body = json.dumps(EVENT | {"lat": 95.0}).encode()
    status, _, problem = both.directly(body)
    assert (status, problem["parameter"]) == (400, "lon")
    same(both.directly(body), both.by_app(body))


def test_many_clients_at_once_each_get_their_own_answer(both: Both) -> None:
    found: dict[str, int] = {}

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", both.port, timeout=PATIENCE_S)
        for turn in range(20):
            name = f"{number}-{turn}"
            body = json.dumps(EVENT | {"id": name})
            connection.request("POST", "/events", body, {"Content-Type": "application/json"})
            said = json.loads(connection.getresponse().read())
            assert said["id"] == name
            found[name] = said["seq"]
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found.values())) == len(found) == 160
    told = {
        entry.seq: json.loads(entry.body)["id"]
        for entry in both.web.affairs.book.read(0, 1000)
        if entry.kind == "event"
    }
    assert {name: seq for seq, name in told.items()} == found
