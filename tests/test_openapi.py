from __future__ import annotations

import json
from typing import Any

import pytest
from checked import Checked
from jsonschema import ValidationError
from openapi_spec_validator import validate
from tiletown import DOOR, TownEngine
from webtown import DISTRICT, GRID, make_twin

from tiles.address import SCHEMES
from tiles.web.app import routes

SQUARE = SCHEMES["xyz"].tile_at(*DOOR, 14)
HERE = {
    "code": DISTRICT,
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


FREE = {"after"}
"""Parameters that may be any text."""


@pytest.fixture(name="web")
def _web() -> Checked:
    return Checked(make_twin())


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
        "/values/{layer}/{metric}", "/", "/conformance", "/tileMatrixSets",
        "/tileMatrixSets/{tileMatrixSetId}", "/collections", "/collections/{collectionId}",
        "/collections/{collectionId}/items", "/collections/{collectionId}/items/{featureId}",
        "/collections/{collectionId}/tiles", "/collections/{collectionId}/tiles/{tileMatrixSetId}",
        "/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
    }  # fmt: skip
    assert set(operations(web, "post")) == {"post /locate", "post /within"}
    assert {route.path for route in routes()} - set(web.document["paths"]) == {
        "/docs", "/docs/{name}", "/examples", "/problems", "/openapi.json",
    }  # fmt: skip


def test_every_operation_answers_its_own_examples(web: Checked) -> None:
    for path, operation in operations(web).items():
        given = [each for each in operation["parameters"] if each["in"] == "query" and each["required"]]
        query = "&".join(f"{each['name']}={each['example']}" for each in given)
        web.ask(f"{path.format_map(HERE)}?{query}")


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
                web.ask(name.partition(" ")[2] + query, method="POST", data=body, content_type=kind)


def test_every_declared_parameter_is_taken_and_no_other(web: Checked) -> None:
    for path, operation in operations(web).items():
        address = path.format_map(HERE)
        for parameter in operation["parameters"]:
            if parameter["in"] == "query" and parameter["name"] not in FREE:
                detail = web.json(f"{address}?{parameter['name']}=%20", 400)["detail"]
                assert "is not a parameter" not in detail
        assert "is not a parameter" in web.json(f"{address}?colour=red", 400)["detail"]


def test_every_operation_promises_problems(web: Checked) -> None:
    for operation in operations(web, "get", "post").values():
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
