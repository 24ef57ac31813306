"""Events as they are reported: what is taken, what is refused, what is the same."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from event_oracles import SECRET, event, given
from hypothesis import example
from hypothesis import given as drawn
from hypothesis import strategies as st

from gridmap.errors import InputError
from gridmap.events.document import (
    CLASSES,
    FIRST_YEAR,
    MOST_BYTES,
    MOST_DEPTH,
    MOST_FIELDS_BYTES,
    URGENCIES,
    decode,
    from_object,
    key_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

PLAIN = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text("ab\0井", max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
EVENTS = st.fixed_dictionaries(
    {"id": PLAIN, "source": PLAIN, "class": st.sampled_from(CLASSES)},
    optional={
        "urgency": st.sampled_from(URGENCIES),
        "op": st.sampled_from(["open", "update", "close"]),
        "subject": PLAIN,
        "corrects": PLAIN,
        "title": PLAIN,
        "text": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
        "matter": st.sampled_from(["official", "family", "community"]),
        "drill": st.booleans(),
        "place": PLAIN,
        "fields": st.dictionaries(PLAIN, VALUES, max_size=4),
        "photos": st.lists(PLAIN, max_size=3),
        "reporter": st.fixed_dictionaries({}, optional={"name": PLAIN, "phone": PLAIN, "ref": PLAIN}),
    },
)


def refused(body: bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        decode(body, SECRET)
    return caught.value


def written(said: dict[str, Any], shuffle: Callable[[list[Any]], object], **how: Any) -> bytes:
    """The same object with its members in another order, all the way down."""

    def turned(value: Any) -> Any:
        if isinstance(value, list):
            return [turned(each) for each in value]
        if not isinstance(value, dict):
            return value
        members = list(value.items())
        shuffle(members)
        return {name: turned(inner) for name, inner in members}

    return json.dumps(turned(said), **how).encode()


# What is the same


@drawn(EVENTS, st.randoms(use_true_random=False))
def test_the_same_is_the_same_however_it_is_written(said: dict[str, Any], chance: Any) -> None:
    first = decode(json.dumps(said).encode(), SECRET)
    defaults = {"drill": False, "title": "", "text": "", "kind": "", "urgency": None} | said
    if "corrects" not in said:
        defaults = {"op": "open"} | defaults
    for body in (
        written(said, chance.shuffle, ensure_ascii=False, indent=1),
        written(defaults, chance.shuffle, separators=(",", ":")),
    ):
        again = decode(body, SECRET)
        assert (again.json, again.digest) == (first.json, first.digest)
    assert from_object(said, SECRET).json == first.json


@drawn(EVENTS, EVENTS)
def test_what_differs_is_told_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    def plain(said: dict[str, Any]) -> str:
        kept = {"op": "" if "corrects" in said else "open", "drill": False} | said
        return json.dumps(kept, sort_keys=True)

    whole = one | {name: value for name, value in other.items() if name != "id"}
    same = (
        decode(json.dumps(one).encode(), SECRET).digest == decode(json.dumps(whole).encode(), SECRET).digest
    )
    assert same == (plain(one) == plain(whole))


@pytest.mark.parametrize(
    "changed",
    [
        {"urgency": "blue"}, {"title": "井盖"}, {"lon": 106.5000001}, {"crs": "cgcs2000"}, {"drill": True},
        {"occurred_at": "2026-05-01T00:00:00Z"}, {"fields": {}}, {"fields": {"a": 1}}, {"op": "update"},
        {"reporter": {"name": "张三"}}, {"reporter": {"phone": "1"}}, {"subject": "m"}, {"photos": []},
    ],
)  # fmt: skip
def test_every_field_counts(changed: dict[str, Any]) -> None:
    whole = {"lon": 106.5, "lat": 29.5, "crs": "wgs84", "occurred_at": "2026-05-01T08:00:00+08:00"}
    assert given(**whole).digest != given(**(whole | changed)).digest


@pytest.mark.parametrize(
    "text", ["2026-05-01 00:00:00.5Z", "2026-05-01t00:00:00.5z", "2026-05-01T00:00:00.5Z"]
)
def test_a_time_is_written_as_all_read_it(text: str) -> None:
    found = given(occurred_at=text)
    assert json.loads(found.json)["occurred_at"] == found.event.occurred_at == "2026-05-01T00:00:00.5Z"


@pytest.mark.parametrize(
    ("said", "op", "written_down"),
    [
        ({}, "open", None), ({"op": "open"}, "open", None), ({"op": "close"}, "close", "close"),
        ({"corrects": "a"}, "update", None), ({"corrects": "a", "op": "open"}, "open", "open"),
        ({"corrects": "a", "op": "update"}, "update", "update"),
    ],
)  # fmt: skip
def test_what_an_event_does_is_kept_where_it_was_said(
    said: dict[str, Any], op: str, written_down: str | None
) -> None:
    """A correction that says `open` reopens; one that says nothing does not. So they are not the same."""
    found = given(**said)
    assert found.event.op == op
    assert json.loads(found.json).get("op") == written_down


@drawn(PLAIN, PLAIN, PLAIN, PLAIN)
@example("a/b", "c", "a", "b/c")
@example("a%2Fb", "c", "a/b", "c")
@example("a%", "c", "a%25", "c")
def test_source_and_id_make_one_key(source: str, name: str, source_2: str, name_2: str) -> None:
    assert (key_of(source, name) == key_of(source_2, name_2)) == ((source, name) == (source_2, name_2))
    assert key_of(source, name).partition("/")[2] == name


# People


def test_nobody_is_named_in_what_is_kept() -> None:
    person = {"name": "张三", "phone": "13800000000", "ref": "u-7"}
    found = given(reporter=person)
    text = found.json.decode()
    assert not any(value in text for value in person.values())
    ref = json.loads(text)["reporter"]["ref"]
    assert json.loads(text)["reporter"] == {"ref": ref}
    assert found.event.reporter is not None
    assert found.event.reporter.name == "张三"
    assert given("a-2", reporter=person).json.decode().count(ref) == 1
    other = decode(json.dumps(event(reporter=person)).encode(), b"another city")
    assert ref not in other.json.decode()
    assert ref not in given(reporter=person | {"phone": "13800000001"}).json.decode()


# What is refused


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"id": None}, "id"), ({"source": None}, "source"), ({"class_": None}, "class"), ({"id": ""}, "id"),
        ({"id": 7}, "id"), ({"id": "a\nb"}, "id"), ({"id": "a\0"}, "id"), ({"source": "x" * 129}, "source"),
        ({"class_": "别的"}, "class"), ({"urgency": "purple"}, "urgency"), ({"op": "shut"}, "op"),
        ({"urgancy": "red"}, "urgancy"), ({"reporter": {"tel": "1"}}, "reporter.tel"),
        ({"reporter": {"name": "x" * 65}}, "reporter.name"), ({"title": "a\tb"}, "title"),
        ({"text": "a\0b"}, "text"), ({"text": "x" * 8001}, "text"), ({"lon": 1.0}, "lat"),
        ({"lon": 1.0, "lat": 2.0}, "crs"), ({"lat": 2.0, "crs": "wgs84"}, "lon"), ({"crs": "wgs84"}, "lon"),
        ({"lon": "1", "lat": 2.0, "crs": "wgs84"}, "lon"),
        ({"lon": 1, "lat": 2, "crs": "wgs84", "place": "5"}, "place"), ({"place": "5", "qr": "5"}, "qr"),
        ({"photos": ["x"] * 21}, "photos"), ({"photos": [""]}, "photos[0]"), ({"drill": 1}, "drill"),
        ({"fields": []}, "fields"), ({"fields": {"x": "井" * (MOST_FIELDS_BYTES // 2)}}, "fields"),
        ({"matter": "secret"}, "matter"), ({"seq": 7}, "seq"), ({"code": "500103001001001"}, "code"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(fields: dict[str, Any], name: str) -> None:
    assert refused(json.dumps(event(**fields)).encode()).name == name


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b'"a"', b"{", b"{}x", b'{"id":NaN}', b'{"fields":{"a":1e999}}',
        b"\xef\xbb\xbf{}",
        b'{"title":"\\ud800"}', json.dumps(event(title="井盖"), ensure_ascii=False).encode("gbk"),
        b'{"fields":' + b'{"a":' * 5000 + b"1" + b"}" * 5001, b'{"fields":{"a":' + b"9" * 5000 + b"}}",
        b" " * MOST_BYTES + b"{}",
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused(body: bytes) -> None:
    assert refused(body).name in ("event", "id", "fields[...]")


def test_text_that_is_not_utf_8_is_told() -> None:
    assert "not UTF-8" in refused('{"title":"井盖"}'.encode("gbk")).reason


def test_own_fields_may_be_so_deep_and_no_deeper() -> None:
    def nested(depth: int) -> Any:
        return {} if depth == 0 else {"a": nested(depth - 1)}

    deepest = MOST_DEPTH - 1
    assert given(fields=nested(deepest)).event.fields == nested(deepest)
    assert "deep" in refused(json.dumps(event(fields=nested(deepest + 1))).encode()).reason


def test_huge_numbers_stay_as_they_came() -> None:
    numbers = {"a": 2**64, "b": -(2**63) - 1, "c": 5e-324, "d": 1.7976931348623157e308, "e": -0.0}
    assert json.loads(given(fields=numbers).json)["fields"] == numbers


# Times


@drawn(
    st.datetimes(datetime(FIRST_YEAR, 1, 1), datetime(9999, 12, 30)),
    st.integers(-1439, 1439),
    st.sampled_from(["T", "t", " "]),
    st.integers(0, 9),
)
def test_times_with_a_zone_are_taken_as_they_are(
    moment: datetime, minutes: int, between: str, digits: int
) -> None:
    zone = timezone(timedelta(minutes=minutes))
    text = moment.replace(microsecond=0, tzinfo=zone).isoformat(between)
    text = text[:19] + (f".{'123456789'[:digits]}" if digits else "") + text[19:]
    taken = given(occurred_at=text)
    assert json.loads(taken.json)["occurred_at"] == taken.event.occurred_at == f"{text[:10]}T{text[11:]}"


@pytest.mark.parametrize("end", ["Z", "z", "+00:00", "-00:00", "+08:00"])
def test_ends_of_times(end: str) -> None:
    assert str(given(occurred_at=f"2026-05-01T08:00:00{end}").event.occurred_at).endswith(end.upper())


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-05-01", "2026-05-01T08:00:00", "2026-05-01T08:00Z", "2026-02-30T08:00:00Z", "now",
        "2026-05-01T24:00:00Z", "2026-05-01T08:00:60Z", "2026-05-01T08:00:00+24:00", "1777593600",
        "2026-05-01T08:00:00+0800", "２０２６-05-01T08:00:00Z", "2026-05-01T08:00:00Z\n",
        "0000-01-01T00:00:00Z",
        "2026-05-01T08:00:00.Z", "2026-05-01T08:00:00.1234567890Z", "2026-W18-5T08:00:00Z",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    assert refused(json.dumps(event(occurred_at=text)).encode()).name == "occurred_at"


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+08:00", "0900-01-01T00:00:00Z", "1899-12-31T23:59:59.999-12:00"]
)
def test_a_year_in_which_nobody_reported_is_refused(text: str) -> None:
    """The first of them lies before the calendar, by its zone: nothing could be made of that moment."""
    error = refused(json.dumps(event(occurred_at=text)).encode())
    assert (error.name, "before the year 1900; correct it" in error.reason) == ("occurred_at", True)
