"""`/events` over HTTP: every reply is held against the OpenAPI document as well."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from checked import Checked
from event_oracles import event
from reported import NDJSON, reporting
from webtown import COMMUNITY, GRID, make_twin, place

from gridmap.events.cloudevents import BATCH, ONE
from gridmap.store.log import EVENT
from tiles.web import events as module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reported import Reported

TWIN = make_twin()
LON, LAT = place(3, 3)
PLACED = {"lon": LON, "lat": LAT, "crs": "wgs84"}
PLAIN = {
    "id": "a-1", "class": "城市管理", "source": "12345", "urgency": "yellow", **PLACED,
    "occurred_at": "2026-05-01T08:00:00+08:00", "title": "井盖破损",
}  # fmt: skip


@pytest.fixture(name="web")
def _web(tmp_path: Path) -> Iterator[Reported]:
    with reporting(tmp_path, TWIN) as web:
        yield web


def walked(web: Reported, limit: Any = 2, **query: object) -> list[dict[str, Any]]:
    """All events, page by page, until a page leads no further."""
    out: list[dict[str, Any]] = []
    since = 0
    more = "".join(f"&{name}={value}" for name, value in query.items())
    while True:
        size = limit() if callable(limit) else limit
        page = web.json(f"/events?since={since}&limit={size}{more}")
        assert page["since"] == since
        assert len(page["events"]) <= size
        out += page["events"]
        if page["next"] == since:
            assert page["events"] == []
            return out
        assert page["next"] > since
        since = page["next"]


# One event


def test_one_event_is_answered_with_what_stands_in_the_log(web: Reported) -> None:
    reply = web.ask("/events", 201, method="POST", json=PLAIN)
    said = json.loads(reply.get_data())
    assert (said["seq"], said["code"], said["at"]) == (1, GRID, [LON, LAT])
    assert said | PLAIN == said
    assert reply.headers["Location"] == "/events/1"
    assert reply.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert web.json("/events/1") == said
    assert web.json("/events")["events"][0] == said


def test_the_same_again_is_200_and_unchanged(web: Reported) -> None:
    first = web.ask("/events", 201, method="POST", json=PLAIN)
    turned = json.dumps(dict(reversed(PLAIN.items())) | {"op": "open", "drill": False}, indent=2)
    again = web.ask("/events", 200, method="POST", data=turned, content_type="application/json")
    assert again.get_data() == first.get_data()
    assert again.headers["Location"] == "/events/1"
    assert len(walked(web)) == 1


def test_another_body_is_409_and_changes_nothing(web: Reported) -> None:
    first = web.report(PLAIN)
    for changed in ({"title": "other"}, {"lon": 106.6}, {"drill": True}, {"reporter": {"name": "a"}}):
        told = web.report(PLAIN | changed, 409)
        assert told["type"] == "/problems#other-event"
        assert "row 1 of the log" in told["detail"]
    assert web.json("/events/1") == first
    assert web.report(PLAIN | {"source": "other"})["seq"] > 1


def test_what_cannot_be_used_is_400_and_named(web: Reported) -> None:
    for said, name in (
        ({"urgency": "purple"}, "urgency"), ({"class": "别的"}, "class"), ({"lon": None}, "lon"),
        ({"crs": "Xian"}, "crs"), ({"crs": "EPSG:4610"}, "crs"), ({"lon": 999}, "lon"), ({"lat": -91}, "lon"),
        ({"colour": "red"}, "colour"), ({"occurred_at": "today"}, "occurred_at"), ({"id": "a\nb"}, "id"),
        ({"place": GRID}, "place"),
    ):  # fmt: skip
        assert web.report(PLAIN | said, 400)["parameter"] == name
    assert walked(web) == []


def test_what_is_no_json_is_400(web: Reported) -> None:
    for body in (b"", b"{", b"null", b"\xff", '{"title":"井盖"}'.encode("gbk"), b"[{}"):
        for kind in ("application/json", ONE, BATCH):
            web.ask("/events", 400, method="POST", data=body, content_type=kind)


def test_other_types_are_415(web: Reported) -> None:
    for kind in ("text/plain", "text/csv", "application/xml", ""):
        told = web.json("/events", 415, method="POST", data=b"{}", content_type=kind)
        assert NDJSON in told["detail"]
    headers = {"Content-Encoding": "gzip"}
    web.ask("/events", 415, method="POST", data=b"{}", content_type=NDJSON, headers=headers)


def test_a_body_that_is_too_large_is_413(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDMAP_EVENTS_BYTES", "500")
    with reporting(tmp_path) as web:
        told = web.report(PLAIN | {"text": "x" * 500}, 413)
        assert told["limit"] == 500
        assert "GRIDMAP_EVENTS_BYTES" in told["detail"]
        web.report(PLAIN)


def test_an_event_alone_may_be_so_long(web: Reported) -> None:
    told = web.report(PLAIN | {"fields": {"a": "x" * 70_000}}, 400)
    assert told["parameter"] == "event"


def test_events_without_a_grid_are_kept_and_listed(web: Reported) -> None:
    said: dict[str, dict[str, Any]] = {
        "nowhere": {},
        "outside": {"lon": 0, "lat": 0, "crs": "wgs84"},
        "unknown": {"place": "999"},
        "community": {"place": COMMUNITY},
        "tricky": {"fields": {"code": None, "unplaced": "x"}, "place": GRID},
        "grid": {"place": GRID},
        "qr": {"qr": f"https://city.example/?place={GRID}"},
    }
    for name, fields in said.items():
        web.report(event(name, **fields))
    found = {each["id"]: each.get("unplaced") for each in walked(web, unplaced=1)}
    assert found == {
        "nowhere": "no place was given",
        "outside": "outside the city",
        "unknown": "no grid or building has the code 999",
        "community": f"{COMMUNITY} is a community, not a grid",
    }
    placed = [each for each in walked(web) if each["id"] not in found]
    assert {each["id"]: each["code"] for each in placed} == {"tricky": GRID, "grid": GRID, "qr": GRID}
    assert not any("unplaced" in each for each in placed)


def test_a_drill_stays_one(web: Reported) -> None:
    assert web.report(event(drill=True))["drill"] is True
    assert walked(web)[0]["drill"] is True
    assert "drill" not in web.report(event("real"))


def test_who_reports_is_never_handed_out(web: Reported) -> None:
    person = {"name": "张三丰", "phone": "13800138000", "ref": "u-77"}
    said = PLAIN | {"reporter": person}
    replies = [web.ask("/events", status, method="POST", json=said) for status in (201, 200)]
    replies += [web.ask("/events", 409, method="POST", json=said | {"title": "other"})]
    replies += [web.ask(address) for address in ("/events", "/events/1", "/events?source=12345&id=a-1")]
    for reply in replies:
        text = json.dumps(reply.get_json(force=True), ensure_ascii=False)
        assert not any(value in text for value in person.values())
    ref = web.json("/events/1")["reporter"]["ref"]
    assert web.report(event("other", reporter=person))["reporter"]["ref"] == ref
    assert web.affairs.book.personal("12345/a-1") is not None
    assert web.affairs.book.erase("12345/a-1")
    assert web.affairs.book.personal("12345/a-1") is None
    assert web.report(said, 200)["reporter"]["ref"] == ref


# Many events


def test_many_lines_are_counted_and_the_good_are_kept(web: Reported) -> None:
    web.report(event("there"))
    told = web.report_lines(
        [
            event("a"), b"", b"{", event("there"), event("a"), event("a", title="other"), b"  ",
            '{"title":"井盖"}'.encode("gbk"), event("b", lon=1, lat=1, crs="Xian"),
            event("c", urgency="purple"), event("d") | {"class": "应急"}, event("there", title="x"),
        ]
    )  # fmt: skip
    assert (told["accepted"], told["duplicates"], told["rejected_count"]) == (2, 2, 6)
    assert [each["line"] for each in told["rejected"]] == [3, 6, 8, 9, 10, 12]
    names = [each["reason"].partition(":")[0] for each in told["rejected"]]
    assert names == ["event", "id", "event", "crs", "urgency", "id"]
    ids = [(each["id"], each.get("title")) for each in walked(web)]
    assert ids == [("there", None), ("a", None), ("d", None)]
    assert told["last"] == max(each["seq"] for each in walked(web))


def test_a_list_is_counted_by_its_elements(web: Reported) -> None:
    body = [event("a"), {"id": 7}, event("b"), event("a")]
    told = web.json("/events", method="POST", json=body)
    assert (told["accepted"], told["duplicates"]) == (2, 1)
    assert [each["line"] for each in told["rejected"]] == [2]
    empty = web.json("/events", method="POST", json=[])
    nothing = {"accepted": 0, "duplicates": 0, "rejected": [], "rejected_count": 0, "last": None}
    assert empty == web.report_lines([]) == nothing


def test_a_large_batch_goes_in_pieces(web: Reported, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 3)
    monkeypatch.setattr(module, "MOST_LISTED", 4)
    lines: list[Any] = [event(number) if number % 3 else b"[]" for number in range(40)]
    lines += [event(1, title="other"), event(2)]
    told = web.report_lines(lines)
    assert (told["accepted"], told["duplicates"], told["rejected_count"]) == (26, 1, 15)
    assert [each["line"] for each in told["rejected"]] == [1, 4, 7, 10]
    assert [each["id"] for each in walked(web, 7)] == [str(each) for each in range(40) if each % 3]


# Reading


def test_a_walk_gives_every_event_once(web: Reported, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the pages' sizes, with rows of other kinds in between, and when few may be looked through."""
    chance = random.Random(4)
    for begin in range(0, 60, 6):
        fields = [{"place": GRID}, {}]
        web.report_lines([event(number, **chance.choice(fields)) for number in range(begin, begin + 6)])
        web.settle()
    rows = web.affairs.book.read(0, 999)
    expected = [{"seq": row.seq, **json.loads(row.body)} for row in rows if row.kind == EVENT]
    assert len(expected) == 60 < len(rows)
    assert walked(web, 1000) == walked(web, lambda: chance.randrange(1, 9)) == expected
    monkeypatch.setattr(module, "SCANNED", 3)
    assert walked(web, 7) == expected
    assert walked(web, 7, unplaced=1) == [each for each in expected if each["code"] is None]


def test_behind_the_end_is_nothing(web: Reported) -> None:
    web.report(event("a", drill=True))
    assert web.json("/events?since=900") == {"events": [], "since": 900, "next": 900}


def test_an_event_is_found_by_source_and_id(web: Reported) -> None:
    said = web.report(event("井/1", source="urn:a/b%2F"))
    assert web.json("/events?source=urn:a/b%252F&id=井/1")["events"] == [said]
    for query in ("source=urn:a&id=b%2F/井/1", "source=12345&id=none", "source=a%00&id=b"):
        assert web.json(f"/events?{query}")["events"] == []
    assert web.json("/events?source=12345", 400)["parameter"] == "id"
    assert web.json("/events?id=a", 400)["parameter"] == "source"


def test_odd_questions_are_400(web: Reported) -> None:
    for query in ("since=-1", "since=x", "limit=0", "limit=10001", "unplaced=yes", "seq=1"):
        assert web.json(f"/events?{query}", 400)["parameter"] == query.partition("=")[0]


def test_an_event_is_found_by_its_number(web: Reported) -> None:
    web.report(event("a", place=GRID))
    web.settle()
    others = [row.seq for row in web.affairs.book.read(1, 9)]
    for seq in (0, "x", "-1", "9" * 30, "１", 99, *others):
        assert web.json(f"/events/{seq}", 404)["type"] == "/problems#not-found"
    assert web.json("/events/1")["id"] == web.json("/events/001")["id"] == "a"


# CloudEvents


def test_an_event_in_another_dress_is_the_same_event(web: Reported) -> None:
    data = {name: value for name, value in PLAIN.items() if name not in ("id", "source", "occurred_at")}
    head = {"specversion": "1.0", "id": "a-1", "source": "12345", "type": "x", "time": PLAIN["occurred_at"]}
    first = web.report(PLAIN)
    one = json.dumps(head | {"data": data})
    assert web.json("/events", method="POST", data=one, content_type=ONE) == first
    headers = {f"ce-{name}": str(value) for name, value in head.items()}
    assert web.json("/events", method="POST", json=data, headers=headers) == first
    batch = f'[{one},{one.replace("a-1", "a-2")},{{"specversion":"0.3"}}]'
    told = web.json("/events", method="POST", data=batch, content_type=BATCH)
    assert (told["accepted"], told["duplicates"], told["rejected"][0]["line"]) == (1, 1, 3)
    assert web.json("/events", 400, method="POST", data=f"[{one}]", content_type=ONE)["parameter"] == "event"


# Servers without


def test_a_server_without_a_log_says_so() -> None:
    web = Checked(TWIN)
    for address in ("/events", "/events/1", "/events?source=a&id=b"):
        assert web.json(address, 503)["type"] == "/problems#unavailable"
    assert web.json("/events", 503, method="POST", json=PLAIN)["type"] == "/problems#unavailable"


def test_a_server_that_ends_takes_nothing(tmp_path: Path) -> None:
    with reporting(tmp_path) as web:
        web.report(PLAIN)
        web.affairs.close()
        reply = web.ask("/events", 503, method="POST", json=PLAIN | {"id": "late"})
        assert reply.headers["Retry-After"] == "1"
        assert [each["id"] for each in walked(web)] == ["a-1"]


def test_methods_of_events(web: Reported) -> None:
    reply = web.client.options("/events")
    assert reply.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    assert web.client.put("/events", json=PLAIN).status_code == 405
    assert web.client.head("/events").status_code == 200
