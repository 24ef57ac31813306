"""Open311 GeoReport v2: the standard's words, kept to the letter, over the same intake as everything."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from checked import Checked
from hypothesis import given
from hypothesis import strategies as st
from lively import MAY_DAY, Town
from store_contract import STORES, new_store
from webtown import GRID, make_twin, place

from gridmap.errors import InputError
from gridmap.events import open311
from gridmap.events import open311_requests as asked
from gridmap.events.document import CLASSES
from gridmap.orders.words import STATES
from gridmap.store.log import EVENT, NOTICE, Fact
from tiles.web import open311_documents as documents
from tiles.web import problems

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

V2 = "/open311/v2"
FORM = "application/x-www-form-urlencoded"
LON, LAT = place(3, 3)
HOLE = {
    "service_code": "city-management",
    "lat": str(LAT),
    "long": str(LON),
    "description": "井盖破损\n很危险",
}
SECRET = b"s" * 32
GOOD = st.characters(codec="utf-8")


@pytest.fixture(name="town")
def _town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    town = Town(tmp_path)
    monkeypatch.setattr("tiles.web.open311.utc_now", lambda: town.now)
    yield town
    town.close()


def report(
    town: Town, said: dict[str, str] = HOLE, status: int = 201, key: str = "", form: str = "json"
) -> Any:
    """Make a request as a form; the one receipt of the answer, or its errors."""
    headers = {"Idempotency-Key": key} if key else {}
    reply = town.ask(
        f"{V2}/requests.{form}", status, "POST", data=urlencode(said), content_type=FORM, headers=headers
    )
    if form == "xml":
        return ET.fromstring(reply.get_data())
    value = json.loads(reply.get_data())
    return value[0] if status < 400 else value


def listed(town: Town, query: str = "") -> list[str]:
    """The ids of the requests that a question finds."""
    return [each["service_request_id"] for each in town.json(f"{V2}/requests.json?{query}")]


def from_xml(element: ET.Element) -> Any:
    """XML as JSON by the standard's Spark convention, values as text."""
    if element.tag in {"services", "service_requests", "attributes", "endpoints", "formats", "errors"}:
        return [from_xml(each) for each in element]
    if len(element):
        return {each.tag: from_xml(each) for each in element}
    return element.text


def as_text(value: Any) -> Any:
    """JSON with its values as XML writes them."""
    if isinstance(value, dict):
        return {name: as_text(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_text(inner) for inner in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.7f}"
    return None if value in (None, "") else str(value)


# --- services


def test_there_is_a_service_for_each_class() -> None:
    assert [service.class_ for service in open311.SERVICES] == list(CLASSES)
    codes = [service.code for service in open311.SERVICES]
    assert len(set(codes)) == len(codes)
    assert all(code.isascii() and code.replace("-", "").isalpha() for code in codes)


def test_services_have_the_standards_members(town: Town) -> None:
    services = town.json(f"{V2}/services.json?jurisdiction_id=cq.gov.cn&api_key=")
    assert len(services) == 10
    names = ["service_code", "service_name", "description", "metadata", "type", "keywords", "group"]
    for service in services:
        assert list(service) == names
        assert (service["metadata"], service["type"]) == (False, "realtime")
        definition = town.json(f"{V2}/services/{service['service_code']}.json")
        assert definition == {"service_code": service["service_code"], "attributes": []}
    errors = town.json(f"{V2}/services/nothing.json", 404)
    assert [each["code"] for each in errors] == [404]
    assert "'nothing'" in errors[0]["description"]


def test_discovery_says_where_and_for_real(town: Town) -> None:
    found = town.json(f"{V2}/discovery.json")
    assert list(found) == ["changeset", "contact", "key_service", "endpoints"]
    (endpoint,) = found["endpoints"]
    assert list(endpoint) == ["specification", "url", "changeset", "type", "formats"]
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["url"] == "http://localhost/open311/v2"
    assert endpoint["type"] == "test"  # Toytown is marked synthetic
    assert endpoint["formats"] == ["text/xml", "application/json"]


def test_every_document_is_the_same_in_both_forms(town: Town) -> None:
    id_ = report(town)["service_request_id"]
    report(town, {"service_code": "other", "address_string": "人民路 <1> & 后门"}, key="k-2")
    town.settle()
    for path, root in {
        "discovery": "discovery",
        "services": "services",
        "services/other": "service_definition",
        "services/none": "errors",
        "requests": "service_requests",
        f"requests/{id_}": "service_requests",
        "requests/none": "errors",
        f"tokens/{id_}": "service_requests",
    }.items():
        status = 404 if path.endswith("none") else 200
        reply = town.ask(f"{V2}/{path}.xml", status)
        assert reply.headers["Content-Type"] == "text/xml; charset=utf-8"
        assert reply.get_data().startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n")
        element = ET.fromstring(reply.get_data())
        value = town.json(f"{V2}/{path}.json", status)
        assert element.tag == root
        assert from_xml(element) == as_text(value) or value == {"service_code": "other", "attributes": []}


def test_layers_of_open311(town: Town) -> None:
    """What the city offers may be read from any page; what was reported may not."""
    assert town.ask(f"{V2}/services.json").headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in town.ask(f"{V2}/requests.json").headers


@given(st.text(GOOD))
def test_any_text_makes_good_xml(text: str) -> None:
    reply = documents.written("xml", "errors", [{"code": 1, "description": text}])
    read = ET.fromstring(reply.body)[0][1].text or ""
    assert len(read.replace("\n", "")) == len(
        text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "")
    )


# --- a new request


def test_a_request_becomes_an_event_in_its_grid(town: Town) -> None:
    receipt = report(town)
    assert list(receipt) == ["service_request_id", "service_notice", "account_id"]
    grid = town.twin.current.locate(LON, LAT, "wgs84")
    assert str(grid) in receipt["service_notice"]
    (event,) = town.json("/events")["events"]
    assert (event["id"], event["source"]) == (receipt["service_request_id"], "open311")
    assert (event["class"], event["title"], event["text"]) == ("城市管理", "井盖破损", "井盖破损\n很危险")
    assert (event["at"], event["crs"], event["code"]) == ([LON, LAT], "wgs84", grid)


def test_a_request_stands_as_the_standard_has_it(town: Town) -> None:
    id_ = report(town, {**HOLE, "address_string": "人民路1号", "media_url": "https://example.org/1.jpg"})
    id_ = id_["service_request_id"]
    town.settle()
    (found,) = town.json(f"{V2}/requests/{id_}.json")
    assert list(found) == [
        "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
        "agency_responsible", "service_notice", "requested_datetime", "updated_datetime",
        "expected_datetime", "address", "address_id", "zipcode", "lat", "long", "media_url",
    ]  # fmt: skip
    assert (found["status"], found["service_code"]) == ("open", "city-management")
    assert (found["service_name"], found["description"]) == ("城市管理", "井盖破损\n很危险")
    assert (found["lat"], found["long"], found["address"]) == (LAT, LON, "人民路1号")
    assert found["address_id"] == town.twin.current.locate(LON, LAT, "wgs84")
    assert found["media_url"] == "https://example.org/1.jpg"
    assert found["requested_datetime"] == "2026-05-01T00:00:00Z"
    assert found["expected_datetime"] > found["requested_datetime"]
    assert town.json(f"{V2}/tokens/{id_}.json") == [{"service_request_id": id_, "token": id_}]


def test_json_is_taken_like_a_form(town: Town) -> None:
    said = {**HOLE, "lat": LAT, "long": LON, "attribute": {"depth": "1 m"}, "phone": None, "email": ""}
    (receipt,) = town.post(f"{V2}/requests.json", said, 201)
    (event,) = town.json("/events")["events"]
    assert (event["id"], event["at"]) == (receipt["service_request_id"], [LON, LAT])
    assert event["fields"] == {"attributes": {"depth": "1 m"}}
    assert "reporter" not in event


def test_who_reported_is_never_handed_out(town: Town) -> None:
    people = {
        "first_name": "伟",
        "last_name": "王",
        "phone": "13800000000",
        "email": "wang@example.org",
        "device_id": "imei-1",
        "account_id": "u-77",
    }
    id_ = report(town, HOLE | people)["service_request_id"]
    town.settle()
    said = [
        town.ask(path).get_data(as_text=True) for path in ("/events", f"{V2}/requests/{id_}.xml", "/orders")
    ]
    assert not [value for value in people.values() for text in said if value in text.replace(id_, "")]
    kept = json.loads(town.affairs.book.personal(f"open311/{id_}") or "")
    assert kept == {
        "name": "伟 王",
        "phone": "13800000000",
        "ref": "u-77",
        "email": "wang@example.org",
        "device": "imei-1",
    }
    seq = town.json("/events")["events"][0]["seq"]
    assert town.post(f"/events/{seq}/erase", {})["reporter"]
    assert town.affairs.book.personal(f"open311/{id_}") is None


def test_the_same_key_twice_is_one_request(town: Town) -> None:
    key = "8e03978e-40d5-43dd-bc93-6894a57f9324"
    assert report(town, key=f'"{key}"')["service_request_id"] == key
    assert report(town, key=key, status=200)["service_request_id"] == key
    errors = report(town, HOLE | {"description": "别的"}, status=400, key=key)
    assert [each["code"] for each in errors] == [409]
    assert "Idempotency-Key" in report(town, status=400, key="a b")[0]["description"]
    assert listed(town) == [key]
    assert report(town)["service_request_id"] != report(town)["service_request_id"]


def test_a_request_may_say_where_in_three_ways(town: Town) -> None:
    by_code = report(town, {"service_code": "other", "address_id": GRID})
    assert GRID in by_code["service_notice"]
    nowhere = report(town, {"service_code": "other", "address_string": "人民路"})
    both = report(town, HOLE | {"address_id": GRID, "address_string": "人民路"})
    town.settle()
    found = {each["service_request_id"]: each for each in town.json(f"{V2}/requests.json")}
    first, second, third = (found[each["service_request_id"]] for each in (by_code, nowhere, both))
    assert (first["address_id"], first["lat"], first["address"]) == (GRID, None, None)
    assert (second["address_id"], second["address"]) == (None, "人民路")
    assert "no place was given" in second["service_notice"]
    assert (third["lat"], third["address"]) == (LAT, "人民路")


UNUSABLE: tuple[tuple[dict[str, str], int, str], ...] = (
    ({}, 400, "service_code"),
    ({"service_code": "", "lat": "1", "long": "2"}, 400, "service_code"),
    ({"service_code": "nothing", "lat": "1", "long": "2"}, 404, "service_code"),
    ({"service_code": "other"}, 400, "lat"),
    ({"service_code": "other", "lat": "29.5"}, 400, "long"),
    ({"service_code": "other", "lat": "106.5", "long": "29.5"}, 400, "lat"),
    ({"service_code": "other", "lat": "NaN", "long": "29.5"}, 400, "lat"),
    (HOLE | {"adress": "人民路"}, 400, "adress"),
    (HOLE | {"description": "长" * 4001}, 400, "description"),
    (HOLE | {"phone": "1\n2"}, 400, "phone"),
    (HOLE | {"first_name": "a" * 40, "last_name": "b" * 40}, 400, "last_name"),
)


def test_a_request_that_cannot_be_used_is_told_as_the_standard_says(town: Town) -> None:
    for said, status, named in UNUSABLE:
        (error,) = report(town, said, status)
        assert error["code"] == status
        assert f"{named}: " in error["description"]
        xml = report(town, said, status, form="xml")
        assert from_xml(xml) == [as_text(error)]
    assert listed(town) == []


def test_a_body_that_cannot_be_read_is_told_as_the_standard_says(town: Town) -> None:
    address = f"{V2}/requests.json"
    for body, kind in (
        (b"service_code=%ff", FORM),
        (b"[1]", "application/json"),
        (b"{", "application/json"),
        (b'{"service_code": "other", "address_string": "\\ud800"}', "application/json"),
        (b'{"service_code": ["other"]}', "application/json"),
        (b"description=" + b"x" * 200_000, FORM),
        (b"a=b", "multipart/form-data; boundary=x"),
        (b"service_code=other&service_code=other", FORM),
    ):
        reply = town.ask(address, 400, "POST", data=body, content_type=kind)
        assert json.loads(reply.get_data())[0]["description"]


def test_attributes_are_kept_as_they_came() -> None:
    pairs = [
        ("attribute[A]", "1"),
        ("attribute[B][]", "2"),
        ("attribute[B][]", "3"),
        ("service_code", "other"),
    ]
    form = open311.read_pairs(pairs)
    assert form.attributes == {"A": "1", "B": ["2", "3"]}
    for more in (("attribute[A]", "2"), ("attribute[A][]", "2"), ("attribute[]", "2"), ("service_code", "")):
        with pytest.raises(InputError):
            open311.read_pairs([*pairs, more])


def test_a_photo_of_this_server_becomes_the_events(town: Town) -> None:
    photo = town.affairs.attachments
    photo.add("a" * 32, "image/png", b"png", 0)
    own = f"http://localhost/attachments/{'a' * 32}"
    report(town, HOLE | {"media_url": own}, key="own")
    report(town, HOLE | {"media_url": own.replace("aaa", "bbb")}, key="unknown")
    events = {event["id"]: event for event in town.json("/events")["events"]}
    assert events["own"]["photos"] == ["a" * 32]
    assert "fields" not in events["own"]
    assert "photos" not in events["unknown"]
    found = {each["service_request_id"]: each["media_url"] for each in town.json(f"{V2}/requests.json")}
    assert found == {"own": own, "unknown": own.replace("aaa", "bbb")}


@given(st.dictionaries(st.sampled_from([*open311.ARGUMENTS, "attribute[x]"]), st.text(GOOD, max_size=9)))
def test_whatever_a_form_says_is_an_event_or_an_input_error(said: dict[str, str]) -> None:
    service = open311.SERVICES[0]
    people = {name: f"{name}-apart" for name in ("phone", "email", "device_id", "account_id", "first_name")}
    with suppress(InputError):
        form = open311.read_object({"lat": "29.5", "long": 106.5} | said | people)
        event = open311.event_of(form, service, "id", [], SECRET)
        assert (event.event.class_, event.event.source) == (service.class_, "open311")
        assert b"-apart" not in event.json


# --- requests as they stand


def test_a_request_that_its_source_closes_is_closed(town: Town) -> None:
    id_ = report(town)["service_request_id"]
    town.wait(hours=2)
    town.post(
        "/events", {"id": "u-1", "source": "open311", "class": "城市管理", "subject": id_, "op": "close"}, 201
    )
    town.settle()
    assert listed(town) == [id_]  # what is about a request is none
    (found,) = town.json(f"{V2}/requests/{id_}.json")
    assert (found["status"], found["status_notes"]) == ("closed", STATES["voided"].zh)
    assert found["updated_datetime"] == "2026-05-01T02:00:00Z"
    assert found["expected_datetime"] is None
    town.json(f"{V2}/requests/u-1.json", 404)


def test_a_request_is_closed_with_its_order(town: Town) -> None:
    """An order that somebody ends closes the request, though its source has said nothing more."""
    id_ = report(town)["service_request_id"]
    town.settle()
    (order,) = town.json("/orders")["orders"]
    (found,) = town.json(f"{V2}/requests/{id_}.json")
    assert (found["status"], found["status_notes"]) == ("open", STATES[order["state"]].zh)
    town.wait(hours=1)
    void = {"action": "void", "actor": "p-1", "role": "dispatcher", "note": "重复"}
    town.post(f"/orders/{order['id']}/actions", void)
    (found,) = town.json(f"{V2}/requests/{id_}.json")
    assert (found["status"], found["status_notes"]) == ("closed", STATES["voided"].zh)
    assert found["updated_datetime"] == "2026-05-01T01:00:00Z"


def test_requests_are_found_by_id_service_status_and_page(town: Town) -> None:
    ids = []
    for number, code in enumerate(["other", "livelihood", "other", "other", "emergency"]):
        ids.append(report(town, HOLE | {"service_code": code}, key=f"k-{number}")["service_request_id"])
        town.wait(minutes=1)
    closing = {"id": "u", "source": "open311", "class": "其他", "subject": "k-2", "op": "close"}
    town.post("/events", closing, 201)
    town.settle()
    assert listed(town) == ids[::-1]
    assert listed(town, "service_code=other") == ["k-3", "k-2", "k-0"]
    assert listed(town, "service_code=livelihood,emergency") == ["k-4", "k-1"]
    assert listed(town, "service_code=livelihood&service_code=emergency") == ["k-4", "k-1"]
    assert listed(town, "status=closed") == ["k-2"]
    assert listed(town, "status=open&service_code=other") == ["k-3", "k-0"]
    assert listed(town, "status=&status=open,closed&service_code=") == ids[::-1]
    assert listed(town, "service_request_id=k-1,nobody,k-4,k-1&status=closed") == ["k-1", "k-4"]
    assert listed(town, "page_size=2") == ["k-4", "k-3"]
    assert listed(town, "page_size=2&page=3") == ["k-0"]
    assert listed(town, "page_size=2&page=4") == []
    assert listed(town, "page_size=1&page=2&service_code=other") == ["k-2"]
    for query in ("status=new", "page=0", "page_size=1001", "colour=red", "page=1&page=2", "start_date=May"):
        (error,) = town.json(f"{V2}/requests.json?{query}", 400)
        assert error["code"] == 400
    assert town.json(f"{V2}/requests.json?service_code=none", 404)[0]["code"] == 404


def test_requests_are_found_by_time(town: Town) -> None:
    for number in range(6):
        report(town, key=f"k-{number}")
        town.wait(days=30)
    assert listed(town) == ["k-5", "k-4", "k-3"]  # now is day 180
    assert listed(town, "start_date=2026-05-01T00:00:00Z") == ["k-3", "k-2", "k-1", "k-0"]
    assert listed(town, "start_date=2026-05-01T00:00:01Z") == ["k-3", "k-2", "k-1"]
    assert listed(town, "end_date=2026-05-31T08:00:00+08:00") == ["k-1", "k-0"]
    assert listed(town, "end_date=2026-05-31T07:59:59%2B08:00") == ["k-0"]
    query = "start_date=2026-05-31T00:00Z&end_date=2026-06-30T00:00:00Z"
    assert listed(town, query) == ["k-2", "k-1"]
    for query in (
        "start_date=2026-05-01T00:00:00Z&end_date=2026-07-30T00:00:01Z",
        "start_date=2026-05-02T00:00:00Z&end_date=2026-05-01T00:00:00Z",
        "start_date=2026-05-01T00:00:00",
        "start_date=2026-05-01",
        "start_date=2026-13-01T00:00:00Z",
    ):
        assert town.json(f"{V2}/requests.json?{query}", 400)[0]["code"] == 400


def test_other_sources_are_no_requests(town: Town) -> None:
    for source in ("open31", "open3110", "open311/x", "OPEN311", "open311%", "12345"):
        town.post("/events", {"id": "x", "source": source, "class": "其他"}, 201)
    assert listed(town) == []
    report(town, key="mine")
    town.post("/events", {"id": "a/b 1", "source": "open311", "class": "其他"}, 201)
    assert listed(town) == ["a/b 1", "mine"]


@pytest.mark.parametrize("kind", STORES)
def test_every_store_knows_which_keys_begin_alike(kind: str, tmp_path: Path) -> None:
    keys = [
        "open311/b",
        "open311/a",
        "open31/x",
        "open3110/x",
        "open311%2F/x",
        "OPEN311/x",
        "open311/",
        "open311",
    ]
    with new_store(kind, tmp_path) as spec, spec.open() as store:
        store.log.add([Fact(EVENT, key, "{}") for key in keys])
        store.log.add([Fact(NOTICE, "open311/n", "{}")])

        def begin(limit: int) -> list[str]:
            return store.log.looking(lambda desk: desk.keys(EVENT, "open311/", limit))

        assert begin(9) == ["open311/b", "open311/a", "open311/"]
        assert begin(2) == ["open311/a", "open311/"]


def test_a_span_is_ninety_days() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert asked.read_span(None, None, now) == (now - timedelta(days=90), now)
    begin, end = asked.read_span("2026-05-01T08:00:00 08:00", None, now)
    assert (begin, end) == (MAY_DAY, MAY_DAY + timedelta(days=90))
    assert asked.read_span("2026-05-01T00:00:00Z", "2026-07-30T00:00:00Z", now) == (begin, end)


@given(st.text(max_size=30))
def test_a_moment_is_read_or_refused(text: str) -> None:
    with suppress(InputError):
        assert asked.read_moment("start_date", text).tzinfo is UTC


# --- errors


def test_every_problem_has_its_form() -> None:
    """404 and 403 stay, our own faults stay, all else is 400 with its code in the document."""
    for kind in problems.KINDS:
        problem = problems.problem(kind, "What is wrong.")
        for form, media_type in documents.TYPES.items():
            reply = documents.tell(form, problem)
            keeps = kind.status in (403, 404) or kind.status >= 500
            assert reply.status == (kind.status if keeps else 400)
            assert reply.media_type == media_type
            assert str(kind.status) in reply.body.decode()
            assert "What is wrong." in reply.body.decode()


def test_our_own_fault_is_told_in_form_and_without_its_inside(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(town.affairs, "book", None)
    (error,) = town.json(f"{V2}/requests.json", 500)
    assert error["code"] == 500
    assert "NoneType" not in error["description"]


def test_a_server_without_a_store_says_so_in_form() -> None:
    (error,) = Checked(make_twin()).json(f"{V2}/requests.json", 503)
    assert error["code"] == 503
