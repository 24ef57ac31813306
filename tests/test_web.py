from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from checked import PROBLEM, Checked
from flask import Response
from shapely.geometry import Polygon, shape
from tiletown import make_app
from webtown import COMMUNITY, DISTRICT, GRID, HOLED, TWO_PARTS, make_twin, place

from tiles.web import gate, problems
from tiles.web.app import routes
from tiles.web.route import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridmap.twin import Twin

METHODS = ("GET", "HEAD", "OPTIONS")
LON, LAT = place(3, 3)
HERE = f"lon={LON}&lat={LAT}&crs=wgs84"


@pytest.fixture(name="twin")
def _twin() -> Twin:
    return make_twin()


@pytest.fixture(name="web")
def _web(twin: Twin) -> Checked:
    return Checked(twin)


# --- the gate


def test_every_route_is_listed_with_what_it_discloses(web: Checked) -> None:
    """Whoever adds a route must write down here what its reply shows."""
    listed = {
        "healthz": "service",
        "readyz": "service",
        "locate": "areas",
        "locate_many": "areas",
        "nearby": "things",
        "within": "households",
        "areas": "areas",
        "area": "areas",
        "tilejson": "areas",
        "tile": "areas",  # and things, where one of its layers is
        "style": "areas",
        "values": "areas",  # and households or things, by the metric
        "classes": "areas",  # as values
        "card": "areas",  # and households, things and events
        "building": "households",
        "search": "areas",  # and things or events, where such are found
        "landing": "service",
        "conformance": "service",
        "tile_matrix_sets": "documentation",
        "tile_matrix_set": "documentation",
        "collections": "areas",
        "collection": "areas",
        "items": "areas",
        "item": "areas",
        "tilesets": "areas",
        "tileset": "areas",
        "collection_tile": "areas",
        "docs": "documentation",
        "docs_file": "documentation",
        "embed": "documentation",
        "examples": "documentation",
        "problems": "documentation",
        "openapi": "documentation",
        "get_transitions": "documentation",
        "live_script": "documentation",
        "view": "documentation",
        "view_config": "areas",
        "view_file": "documentation",
        "view_folder_file": "documentation",
        "view_library": "documentation",
        "open311_discovery_json": "documentation",
        "open311_discovery_xml": "documentation",
        "open311_service_json": "documentation",
        "open311_service_xml": "documentation",
        "open311_services_json": "documentation",
        "open311_services_xml": "documentation",
        "act_on_order": "events",
        "erase_attachment": "events",
        "erase_event": "events",
        "get_attachment": "events",
        "get_event": "events",
        "get_events": "events",
        "get_order": "events",
        "get_orders": "events",
        "live": "events",
        "live_tile": "events",
        "live_tilejson": "events",
        "open311_post_json": "events",
        "open311_post_xml": "events",
        "open311_request_json": "events",
        "open311_request_xml": "events",
        "open311_requests_json": "events",
        "open311_requests_xml": "events",
        "open311_token_json": "events",
        "open311_token_xml": "events",
        "overview": "events",  # and areas, households and things
        "post_attachment": "events",
        "post_events": "events",
        "replay": "events",
        "device": "things",
        "devices": "things",
        "post_readings": "things",
    }
    assert {route.name: route.layer for route in routes()} == listed
    assert {rule.endpoint for rule in web.app.url_map.iter_rules()} == set(listed)


def test_a_route_must_name_a_layer_that_is_known() -> None:
    with pytest.raises(ValueError, match="not listed"):
        Route("/x", "x", "secrets", lambda _call: problems.outside_scope("x"), "Households")


@pytest.mark.parametrize(
    "answer", [lambda: Response("secret"), lambda: "secret", lambda: ({"a": "secret"}, 200)]
)
def test_a_reply_that_went_round_the_gate_is_not_sent(answer: Callable[[], Any], twin: Twin) -> None:
    app = make_app(twin)
    app.add_url_rule("/round", "round", answer)
    reply = app.test_client().get("/round")
    assert (reply.status_code, reply.headers["Content-Type"]) == (500, PROBLEM)
    assert b"secret" not in reply.get_data()


def test_a_narrow_scope_is_refused_what_it_lacks(web: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "scope_of", lambda _request: gate.Scope(frozenset({"service"})))
    web.ask("/readyz")
    for address in (f"/locate?{HERE}", "/areas", f"/areas/{DISTRICT}", f"/areas/{DISTRICT}?f=geojson"):
        reply = web.ask(address, 403)
        assert DISTRICT not in reply.get_data(as_text=True)
        assert reply.headers["Cache-Control"] == "no-store"


def test_a_layer_that_is_not_open_is_closed_to_other_origins(
    web: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert web.ask("/areas").headers["Access-Control-Allow-Origin"] == "*"
    monkeypatch.setattr(gate, "OPEN", frozenset({"service"}))
    assert "Access-Control-Allow-Origin" not in web.ask("/areas").headers
    assert "Access-Control-Allow-Credentials" not in web.ask("/healthz").headers


# --- health


def test_ready_tells_what_is_served(web: Checked, twin: Twin) -> None:
    edition = twin.current.edition
    ready = web.json("/readyz")
    assert (ready["edition"], ready["checksum"]) == (edition.number, edition.checksum)
    assert (ready["proven"], ready["synthetic"]) == (edition.proven, edition.synthetic)
    assert ready["counts"] == twin.current.counts
    assert ready["notes"] == list(twin.current.notes)
    assert web.json("/healthz") == {"status": "alive"}


# --- locate


def test_locate_answers_the_grid_with_its_path(web: Checked, twin: Twin) -> None:
    found = web.json(f"/locate?{HERE}")
    chain = twin.current.chain(found["code"])
    assert [step["code"] for step in found["path"]] == [area.code for area in chain]
    assert [step["level"] for step in found["path"]] == ["district", "town", "community", "grid"]
    assert (found["name"], found["level"], found["kind"]) == (chain[-1].name, "grid", chain[-1].kind)
    assert (found["edition"], found["proven"]) == (twin.current.edition.number, twin.current.edition.proven)


def test_locate_nowhere_is_an_answer(web: Checked) -> None:
    found = web.json("/locate?lon=0&lat=0&crs=wgs84")
    assert found["path"] == []
    assert [found[name] for name in ("code", "name", "level", "kind")] == [None] * 4
    assert found["edition"] == 7


def test_locate_agrees_with_the_snapshot(web: Checked, twin: Twin) -> None:
    points = np.random.default_rng(5).uniform(place(-1, -1), place(9, 5), (300, 2)).round(7)
    codes = [web.json(f"/locate?lon={lon}&lat={lat}&crs=wgs84")["code"] for lon, lat in points.tolist()]
    assert codes == [twin.current.locate(lon, lat, "wgs84") for lon, lat in points.tolist()]
    assert len(set(codes)) > 6
    assert None in codes


@pytest.mark.parametrize(
    ("query", "name", "received"),
    [
        ("lon=106.577&lat=29.559", "crs", []),
        ("lon=106.577&lat=29.559&crs=", "crs", [""]),
        ("lon=106.577&lat=29.559&crs=mars", "crs", ["mars"]),
        ("lat=29.559&crs=wgs84", "lon", []),
        ("lon=abc&lat=29.559&crs=wgs84", "lon", ["abc"]),
        ("lon=nan&lat=29.559&crs=wgs84", "lon", ["nan"]),
        ("lon=106.577&lat=NaN&crs=wgs84", "lat", ["NaN"]),
        ("lon=inf&lat=29.559&crs=wgs84", "lon", ["inf"]),
        ("lon=1e999&lat=29.559&crs=wgs84", "lon", ["1e999"]),
        ("lon=-Infinity&lat=29.559&crs=wgs84", "lon", ["-Infinity"]),
        ("lon=181&lat=29.559&crs=wgs84", "lon", ["181"]),
        ("lon=106.577&lat=-91&crs=wgs84", "lat", ["-91"]),
        ("lon=1_0&lat=29.559&crs=wgs84", "lon", ["1_0"]),
        ("lon=１０６&lat=29.559&crs=wgs84", "lon", ["１０６"]),
        ("lon=106,577&lat=29.559&crs=wgs84", "lon", ["106,577"]),
        ("lon=+106.577&lat=29.559&crs=wgs84", "lon", [" 106.577"]),
        ("lon=0x1p3&lat=29.559&crs=wgs84", "lon", ["0x1p3"]),
        (f"{HERE}&lon=107", "lon", [str(LON), "107"]),
        (f"{HERE}&datum=wgs84", "datum", ["wgs84"]),
    ],
)
def test_locate_refuses_what_it_cannot_use(web: Checked, query: str, name: str, received: list[str]) -> None:
    problem = web.json(f"/locate?{query}", 400)
    assert (problem["parameter"], problem["received"]) == (name, received)
    assert problem["detail"].startswith(f"{name}: ")
    assert name in problem["detail_zh"]


def test_a_huge_value_is_not_repeated_whole(web: Checked) -> None:
    problem = web.json(f"/locate?lon={'9' * 3000}x&lat=1&crs=wgs84", 400)
    assert len(json.dumps(problem)) < 1000


# --- areas


def test_areas_walk_from_the_top_to_every_grid(web: Checked, twin: Twin) -> None:
    seen, waiting = [], [(area["code"], None) for area in web.json("/areas")["areas"]]
    while waiting:
        code, parent = waiting.pop()
        area = web.json(f"/areas/{code}")
        assert (area["code"], area["parent"], area["path"][-1]["code"]) == (code, parent, code)
        assert area["edition"] == twin.current.edition.number
        seen.append(area["level"])
        waiting += [(child["code"], code) for child in area["children"]]
    assert {level: seen.count(level) for level in set(seen)} == twin.current.counts


def test_measures_are_those_of_the_snapshot(web: Checked, twin: Twin) -> None:
    measures = web.json(f"/areas/{HOLED}")["measures"]
    expected = twin.current.measures(HOLED)
    assert measures["area_m2"] == pytest.approx(expected.area_m2)
    assert measures["perimeter_m"] == pytest.approx(expected.perimeter_m)
    assert measures["compactness"] == pytest.approx(expected.compactness, abs=1e-6)


@pytest.mark.parametrize(
    ("accept", "query", "expected"),
    [
        ("", "", "application/json"),
        ("*/*", "", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "", "application/json"),
        ("image/png", "", "application/json"),
        ("application/geo+json", "", "application/geo+json"),
        ("application/json;q=0.5, application/geo+json", "", "application/geo+json"),
        ("application/json", "?f=geojson", "application/geo+json"),
        ("application/geo+json", "?f=json", "application/json"),
    ],
)
def test_the_form_follows_f_then_accept(web: Checked, accept: str, query: str, expected: str) -> None:
    reply = web.ask(f"/areas/{DISTRICT}{query}", headers={"Accept": accept} if accept else {})
    assert reply.headers["Content-Type"] == expected
    assert reply.headers["Vary"] == "Accept"


def test_an_unknown_form_is_refused(web: Checked) -> None:
    assert web.json(f"/areas/{DISTRICT}?f=xml", 400)["parameter"] == "f"


def feature(web: Checked, code: str) -> Any:
    return web.json(f"/areas/{code}?f=geojson")


def test_geojson_is_the_border_as_rfc_7946_wants_it(web: Checked, twin: Twin) -> None:
    codes = [child["code"] for child in web.json(f"/areas/{COMMUNITY}")["children"]]
    for code in (*codes, TWO_PARTS, DISTRICT):
        found = feature(web, code)
        border = shape(found["geometry"])
        assert border.is_valid
        assert shapely.equals_exact(border, twin.current.polygon(code), 0, normalize=True)
        assert found["bbox"] == list(border.bounds)
        for part in shapely.get_parts(border):
            assert part.exterior.is_ccw
            assert not any(ring.is_ccw for ring in part.interiors)
        assert found["properties"] == web.json(f"/areas/{code}")


def test_coordinates_are_written_as_short_as_they_are(web: Checked) -> None:
    text = web.ask(f"/areas/{GRID}?f=geojson").get_data(as_text=True)
    numbers = re.findall(r"\d+\.\d+", text.partition('"geometry":')[2])
    assert numbers
    assert all(len(number.partition(".")[2]) <= 7 for number in numbers)


def test_an_area_without_shape_has_a_null_geometry(
    web: Checked, twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(twin.current), "polygon", lambda _self, _code: Polygon())
    monkeypatch.setattr(type(twin.current), "measures", lambda _self, _code: _Nothing())
    found = feature(web, DISTRICT)
    assert found["geometry"] is None
    assert "bbox" not in found


class _Nothing:
    area_m2 = perimeter_m = compactness = 0.0


# --- HTTP


def test_etag_answers_304_until_the_edition_changes(web: Checked, twin: Twin) -> None:
    for address in (
        f"/locate?{HERE}",
        "/areas",
        f"/areas/{DISTRICT}?f=geojson",
        "/openapi.json",
        "/docs/docs.js",
    ):
        tag = web.ask(address).headers["ETag"]
        again = web.ask(address, 304, headers={"If-None-Match": tag})
        assert (again.get_data(), again.headers["ETag"]) == (b"", tag)
        web.ask(address, headers={"If-None-Match": '"other"'})
    before = web.ask("/areas").headers["ETag"]
    twin.current = make_twin(number=8).current
    assert web.json("/areas")["edition"] == 8
    assert web.ask("/areas", headers={"If-None-Match": before}).headers["ETag"] != before


def test_how_long_replies_may_be_kept(web: Checked) -> None:
    assert web.ask("/areas").headers["Cache-Control"] == "no-cache"
    assert web.ask(f"/locate?{HERE}").headers["Cache-Control"] == "private, no-cache"
    for address in ("/healthz", "/readyz"):
        assert web.ask(address).headers["Cache-Control"] == "no-store"
    assert web.ask("/nope", 404).headers["Cache-Control"] == "no-store"


def test_head_is_get_without_its_body(web: Checked) -> None:
    for address, status in (
        ("/", 200),
        (f"/locate?{HERE}", 200),
        (f"/areas/{DISTRICT}", 200),
        ("/nope", 404),
    ):
        full, head = web.ask(address, status), web.ask(address, status, "HEAD")
        assert head.get_data() == b""
        assert dict(head.headers) == dict(full.headers)


def test_options_tells_the_methods_without_a_body(web: Checked) -> None:
    reply = web.ask("/areas", 204, "OPTIONS")
    assert reply.headers["Allow"] == ", ".join(METHODS)
    assert reply.headers["Access-Control-Allow-Methods"] == ", ".join(METHODS)
    assert "Content-Type" not in reply.headers


def test_chinese_is_written_as_chinese(web: Checked) -> None:
    for address, status in (
        (f"/areas/{DISTRICT}", 200),
        (f"/areas/{DISTRICT}?f=geojson", 200),
        ("/nope", 404),
    ):
        text = web.ask(address, status).get_data(as_text=True)
        assert re.search("[一-鿿]", text)
        assert "\\u" not in text
