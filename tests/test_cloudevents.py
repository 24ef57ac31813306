"""CloudEvents 1.0, structured, in a batch and in headers, are the events that they wrap."""

from __future__ import annotations

import json
from typing import Any

import pytest
from event_oracles import SECRET, given

from gridmap.errors import InputError
from gridmap.events.cloudevents import BATCH, read_binary, read_structured, reader_of
from gridmap.events.document import MOST_BYTES, decode

DATA = {"class": "城市管理", "title": "井盖破损", "lon": 106.5, "lat": 29.5, "crs": "wgs84"}
WHEN = "2026-05-01T08:00:00+08:00"
ENVELOPE = {
    "specversion": "1.0", "type": "cn.city.manhole.update", "source": "12345", "id": "a-1", "subject": "m-7",
    "time": WHEN, "datacontenttype": "application/json", "dataschema": "https://city.example/s", "data": DATA,
}  # fmt: skip
SAME = given(subject="m-7", op="update", occurred_at=WHEN, **{**DATA, "class_": DATA["class"]})


def structured(**changed: Any) -> bytes:
    whole = {name: value for name, value in (ENVELOPE | changed).items() if value is not None}
    return json.dumps(whole, ensure_ascii=False).encode()


def refused(**changed: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_structured(structured(**changed), SECRET)
    return caught.value.name


def test_a_structured_event_is_the_event_it_wraps() -> None:
    assert read_structured(structured(), SECRET).json == SAME.json


def test_an_event_in_headers_is_the_same() -> None:
    headers = {f"ce-{name}": value for name, value in ENVELOPE.items() if isinstance(value, str)}
    headers |= {"content-type": "application/json", "host": "city.example", "traceparent": "not ours"}
    assert read_binary(headers, json.dumps(DATA).encode(), SECRET).json == SAME.json


def test_headers_may_be_escaped() -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "%E4%BA%95%2F1",
        "ce-source": "urn:a%20b",
        "ce-type": "x",
    }
    found = read_binary(headers, b'{"class":"\xe5\x85\xb6\xe4\xbb\x96"}', SECRET).event
    assert (found.id, found.source, found.op) == ("井/1", "urn:a b", "open")
    with pytest.raises(InputError, match="control characters"):
        read_binary(headers | {"ce-subject": "a%0Ab"}, json.dumps(DATA).encode(), SECRET)


@pytest.mark.parametrize(
    ("type_", "op"),
    [("a.open", "open"), ("a.close", "close"), ("update", "update"), ("a.opened", "open"), ("x", "open")],
)
def test_the_end_of_the_type_says_what_it_does(type_: str, op: str) -> None:
    assert read_structured(structured(type=type_), SECRET).event.op == op


def test_the_data_go_before_the_envelope() -> None:
    data = DATA | {"id": "own", "op": "close", "occurred_at": "2026-05-01T00:00:00Z", "subject": "own"}
    found = read_structured(structured(data=data), SECRET).event
    assert (found.id, found.op, found.occurred_at) == ("own", "close", "2026-05-01T00:00:00Z")
    assert (found.subject, found.source) == ("own", "12345")


def test_extensions_are_kept_beside_own_fields() -> None:
    extra = {"traceparent": "00-1", "sequence": 7}
    assert read_structured(structured(**extra), SECRET).event.fields == extra
    data = DATA | {"fields": {"sequence": 8, "own": [1]}}
    found = read_structured(structured(data=data, **extra), SECRET).event.fields
    assert found == {"traceparent": "00-1", "sequence": 8, "own": [1]}
    assert read_structured(structured(data=DATA | {"fields": {}}), SECRET).event.fields == {}


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"specversion": "0.3"}, "specversion"), ({"specversion": None}, "specversion"),
        ({"data": None}, "data"),
        ({"data": "text"}, "data"), ({"data": None, "data_base64": "e30="}, "data"), ({"id": None}, "id"),
        ({"source": None}, "source"), ({"id": 7}, "id"), ({"time": "yesterday"}, "occurred_at"),
        ({"data": DATA | {"fields": [1]}, "traceparent": "00"}, "fields"), ({"data": DATA | {"x": 1}}, "x"),
        ({"data": DATA | {"text": "井" * 30_000}}, "event"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(changed: dict[str, Any], name: str) -> None:
    assert refused(**changed) == name


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 50_000, b" " * MOST_BYTES + b"{}"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(InputError, match="event"):
        read_structured(body, SECRET)
    with pytest.raises(InputError, match="data"):
        read_binary({"ce-specversion": "1.0"}, body, SECRET)


def test_who_reads_which_list() -> None:
    assert reader_of(BATCH) is read_structured
    assert reader_of("application/json") is decode
