from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from event_oracles import event
from jsonschema import ValidationError
from openapi_spec_validator import validate
from reported import reporting
from tiletown import DOOR, TownEngine
from webtown import DISTRICT, GRID

from gridmap.lattice import point_to_lattice
from gridmap.model import Device
from tiles.address import SCHEMES
from tiles.web.app import routes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from checked import Checked

SQUARE = SCHEMES["xyz"].tile_at(*DOOR, 14)
HERE = {
    "code": DISTRICT,
    "id": "o-1",
    "seq": "1",
    "photo": "a" * 32,
    "device": "d-1",
    "service_code": "other",
    "service_request_id": "r-1",
    "token_id": "r-1",
    "collectionId": "grid",
    "featureId": GRID,
    "tileMatrixSetId": "WebMercatorQuad",
    "tileMatrix": str(SQUARE.z),
    "tileRow": str(SQUARE.y),
    "tileCol": str(SQUARE.x),
    "layer": "grid",
    "layers": "grid",
    "metric": "area_m2",
    "scheme": "xyz",
    "theme": "dark",
    "token": TownEngine(7).token,
    **{name: str(number) for name, number in SQUARE._asdict().items()},
}
"""What stands in the addresses."""


FREE = {"after", "source", "id", "person", "actor", "area"}
"""Parameters that may be any text."""

RESUMED = {"since", "lastEventId"}
"""Parameters of the stream that may be anything: an id that nobody knows is told in the stream itself."""

LONG_AGO = {"lon": DOOR[0], "lat": DOOR[1], "crs": "wgs84", "occurred_at": "2026-05-01T08:00:00+08:00"}
"""Where and when something is open: so there is an event, an order, and a live tile."""

OPEN311 = "/open311/v2/"
"""Where another standard has its own way with queries and errors: tests/test_open311.py."""

STATUSES = {
    "post /events": 201,
    **{f"post {OPEN311}requests.{form}": 201 for form in ("json", "xml")},
    "get /live": 501,
    "get /buildings/{code}": 404,
}
"""What is answered where it is not 200: there is no stream behind another server than ours, and no building
in a town of areas alone (tests/test_buildings.py has some)."""


@pytest.fixture(name="web")
def _web(tmp_path: Path) -> Iterator[Checked]:
    with reporting(tmp_path) as web:
        web.report(event("open", **LONG_AGO))
        web.report({"id": HERE["service_request_id"], "source": "open311", "class": "其他"})
        web.affairs.attachments.add(HERE["photo"], "image/png", b"a picture", 0)
        web.store.put_devices([Device(HERE["device"], "door", *point_to_lattice(*DOOR), None)])
        web.settle()
        yield web


def here(path: str) -> str:
    """An address of the document, with names in it of what is there."""
    return path.format_map(HERE | ({"layer": "event"} if "/live/" in path else {}))


def operations(web: Checked, *methods: str) -> dict[str, Any]:
    """The operations by path, those of GET unless others are named."""
    wanted = methods or ("get",)
    return {
        f"{path}" if wanted == ("get",) else f"{method} {path}": item[method]
        for path, item in web.document["paths"].items()
        for method in wanted
        if method in item
    }


def test_document_is_valid_openapi(web: Checked) -> None:
    assert web.document["openapi"].startswith("3.1")
    validate(web.document)


def test_document_names_the_api_and_no_page(web: Checked) -> None:
    assert set(operations(web)) == {
        "/healthz", "/readyz", "/locate", "/nearby", "/areas", "/areas/{code}", "/tiles/{layers}.json",
        "/tiles/{token}/{layers}/{scheme}/{z}/{x}/{y}.mvt", "/styles/{theme}.json",
        "/values/{layer}/{metric}", "/classes/{layer}/{metric}", "/cards/{code}",
        "/buildings/{code}", "/search",
        "/events", "/events/{seq}", "/live", "/attachments/{photo}",
        *(f"{OPEN311}{name}.{form}" for form in ("json", "xml") for name in (
            "discovery", "services", "services/{service_code}", "requests", "requests/{service_request_id}",
            "tokens/{token_id}",
        )),
        "/orders", "/orders/transitions", "/orders/{id}", "/devices", "/devices/{device}",
        "/overview", "/replay",
        "/view/config.json", "/tiles/live/{layer}.json", "/tiles/live/{seq}/{layer}/{scheme}/{z}/{x}/{y}.mvt",
        "/", "/conformance", "/tileMatrixSets",
        "/tileMatrixSets/{tileMatrixSetId}", "/collections", "/collections/{collectionId}",
        "/collections/{collectionId}/items", "/collections/{collectionId}/items/{featureId}",
        "/collections/{collectionId}/tiles", "/collections/{collectionId}/tiles/{tileMatrixSetId}",
        "/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
    }  # fmt: skip
    assert set(operations(web, "post")) == {
        "post /locate", "post /within", "post /events", "post /orders/{id}/actions", "post /attachments",
        "post /attachments/{photo}/erase", "post /events/{seq}/erase", "post /devices/readings",
        f"post {OPEN311}requests.json", f"post {OPEN311}requests.xml",
    }  # fmt: skip
    assert {route.path for route in routes()} - set(web.document["paths"]) == {
        "/docs", "/docs/{name}", "/examples", "/problems", "/openapi.json", "/live.js", "/embed.js",
        "/view", "/view/{name}", "/view/lib/{name}", "/view/{folder}/{name}",
    }  # fmt: skip


def test_every_operation_answers_its_own_examples(web: Checked) -> None:
    for path, operation in operations(web).items():
        given = [each for each in operation["parameters"] if each["in"] == "query" and each["required"]]
        query = "&".join(f"{each['name']}={each['example']}" for each in given)
        web.ask(f"{here(path)}?{query}", STATUSES.get(f"get {path}", 200))


def test_every_body_is_answered_as_its_example_says(web: Checked) -> None:
    for name, operation in operations(web, "post").items():
        content = operation["requestBody"]["content"]
        assert content
        for kind, media in content.items():
            if "example" in media:
                example = media["example"]
                body = example if isinstance(example, str) else json.dumps(example)
                if "json" in kind:
                    web.check(example, media["schema"])
                query = "?crs=wgs84" if kind == "text/csv" else ""
                address = here(name.partition(" ")[2]) + query
                web.ask(address, STATUSES.get(name, 200), method="POST", data=body, content_type=kind)


def test_every_declared_parameter_is_taken_and_no_other(web: Checked) -> None:
    for path, operation in operations(web).items():
        if path.startswith(OPEN311):
            continue
        address = here(path)
        for parameter in operation["parameters"]:
            free = FREE | RESUMED if path == "/live" else FREE
            if parameter["in"] == "query" and parameter["name"] not in free:
                detail = web.json(f"{address}?{parameter['name']}=%20", 400)["detail"]
                assert "is not a parameter" not in detail
        assert "is not a parameter" in web.json(f"{address}?colour=red", 400)["detail"]


def test_every_operation_promises_problems(web: Checked) -> None:
    for name, operation in operations(web, "get", "post").items():
        if OPEN311 in name:
            kind = "application/json" if name.endswith("json") else "text/xml"
            for status in ("400", "404", "default"):
                assert list(operation["responses"][status]["content"]) == [f"{kind}; charset=utf-8"]
            continue
        more = ("413", "415") if "requestBody" in operation else ()
        for status in ("400", "default", *more):
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"]


def test_names_of_operations_are_unique(web: Checked) -> None:
    names = [operation["operationId"] for operation in operations(web, "get", "post").values()]
    assert len(set(names)) == len(names)


def test_the_check_itself_finds_a_member_that_is_not_documented(web: Checked) -> None:
    alive = {"$ref": "#/components/schemas/Alive"}
    web.check({"status": "alive"}, alive)
    with pytest.raises(ValidationError):
        web.check({"status": "alive", "since": "May"}, alive)
    with pytest.raises(ValidationError):
        web.check({}, alive)
