"""OGC API: landing page, collections, items page by page, tiles row before column; and GDAL opens it."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import shapely
from checked import Checked
from frontdoor import front_door
from shapely.geometry import shape
from tiletown import DOOR, TownEngine, make_tiling
from town import toytown
from webtown import COMMUNITY, DISTRICT, GRID, HOLED, TOWN, make_twin, place

from tiles.address import SCHEMES
from tiles.matrices import IDENTIFIERS, matrix_set
from tiles.web import ogc_items
from tiles.web.app import create_app
from tiles.web.fast import Fast

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gridmap.twin import Twin

GEOJSON = "application/geo+json"
LEVELS = ("district", "town", "community", "grid")


@pytest.fixture(name="twin")
def _twin() -> Twin:
    return make_twin()


@pytest.fixture(name="web")
def _web(twin: Twin) -> Checked:
    return Checked(twin)


def path_of(link: dict[str, Any]) -> str:
    parts = urlsplit(link["href"])
    assert (parts.scheme, parts.netloc) == ("http", "localhost")
    return f"{parts.path}?{parts.query}" if parts.query else f"{parts.path}"


def linked(value: Any, rel: str) -> dict[str, Any]:
    (found,) = (link for link in value["links"] if link["rel"] == rel)
    return dict(found)


def codes(found: Any) -> list[str]:
    assert found["numberReturned"] == len(found["features"])
    return [each["id"] for each in found["features"]]


# --- from the landing page on


def test_the_landing_page_is_json_and_a_page_in_a_browser(web: Checked) -> None:
    for accept in ("", "*/*", "application/json"):
        reply = web.ask("/", headers={"Accept": accept} if accept else {})
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.headers["Vary"] == "Accept"
    for path, accept in (("/", "text/html,application/xhtml+xml,*/*;q=0.8"), ("/?f=html", "*/*")):
        reply = web.ask(path, headers={"Accept": accept})
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert web.json("/?f=json", headers={"Accept": "text/html"})["links"]


def test_every_link_is_answered_with_the_type_it_names(web: Checked) -> None:
    seen: set[str] = set()
    waiting = [path_of(linked(web.json("/"), "self"))]
    templates = {
        "{tileMatrix}": "14",
        "{tileRow}": str(SCHEMES["xyz"].tile_at(*DOOR, 14).y),
        "{tileCol}": str(SCHEMES["xyz"].tile_at(*DOOR, 14).x),
    }
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        reply = web.ask(path)
        if "json" not in reply.headers["Content-Type"] or path.startswith(("/openapi", "/areas")):
            continue
        value = json.loads(reply.get_data())
        parts = [
            value,
            *value.get("collections", []),
            *value.get("tilesets", []),
            *value.get("tileMatrixSets", []),
        ]
        for link in (link for part in parts for link in part.get("links", ())):
            path = path_of(link)
            assert link.get("templated", False) == ("%7B" in path or "{" in path)
            for name, number in templates.items():
                path = path.replace(name, number)
            other = not path.startswith("/collections/grid/tiles/WebMercatorQuad/") and "/14/" in path
            if not other:  # numbers of one tile matrix set mean nothing in another
                assert web.ask(path).headers["Content-Type"].startswith(link["type"])
                waiting.append(path)
    assert len(seen) > 40


def test_what_is_kept_is_said(web: Checked) -> None:
    said = web.json("/conformance")["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in said
    assert not [each for each in said if each.endswith(("/oas30", "/html", "/crs", "/gmlsf0"))]
    assert web.document["openapi"].startswith("3.1")  # else oas30 could be said


def test_matrix_sets_are_those_of_the_schemes(web: Checked) -> None:
    listed = web.json("/tileMatrixSets")["tileMatrixSets"]
    assert [each["id"] for each in listed] == list(IDENTIFIERS)
    for each in listed:
        assert web.json(path_of(linked(each, "self"))) == matrix_set(IDENTIFIERS[each["id"]])
    assert "there are WebMercatorQuad" in web.json("/tileMatrixSets/mars", 404)["detail"]


def test_levels_are_collections(web: Checked, twin: Twin) -> None:
    found = web.json("/collections")
    assert [each["id"] for each in found["collections"]] == list(LEVELS)
    for each in found["collections"]:
        assert web.json(f"/collections/{each['id']}") == each
        (box,) = each["extent"]["spatial"]["bbox"]
        outline = twin.current.polygon(DISTRICT)
        assert box == list(outline.bounds)
        assert each["extent"]["temporal"]["interval"] == [["2026-05-01T00:00:00Z", None]]
        assert "synthetic" in each["description"]
    for path in (
        "/collections/road",
        "/collections/road/items",
        "/collections/road/items/1",
        "/collections/road/tiles",
    ):
        problem = web.json(path, 404)
        assert problem["type"] == "/problems#no-collection"
        assert "there are district, town" in problem["detail"]


# --- items


def test_items_are_the_areas_with_their_borders(web: Checked, twin: Twin) -> None:
    for level in LEVELS:
        found = web.json(f"/collections/{level}/items?limit=100")
        table = toytown().levels[LEVELS.index(level)]
        assert codes(found) == list(table.codes)
        assert found["numberMatched"] == len(table)
        assert not [link for link in found["links"] if link["rel"] == "next"]
        for each in found["features"]:
            border, said = shape(each["geometry"]), each["properties"]
            assert shapely.equals_exact(border, twin.current.polygon(each["id"]), 0, normalize=True)
            for part in shapely.get_parts(border):
                assert part.exterior.is_ccw
            area = twin.current.area(each["id"])
            assert (said["code"], said["name"], said["level"]) == (area.code, area.name, level)
            assert said["parent"] == area.parent
            assert said["number"] == twin.current.source.features()[area.code]
            assert said["area_m2"] == pytest.approx(twin.current.measures(area.code).area_m2, abs=0.001)


@pytest.mark.parametrize("limit", [1, 2, 4, 9, 10])
def test_pages_lose_and_repeat_nothing(web: Checked, limit: int) -> None:
    seen, path, pages = [], f"/collections/grid/items?limit={limit}", 0
    while path:
        found = web.json(path)
        assert path_of(linked(found, "self")) == path
        assert found["numberMatched"] == 9
        assert 0 < len(codes(found)) <= limit
        seen += codes(found)
        following = [link for link in found["links"] if link["rel"] == "next"]
        path = path_of(following[0]) if following else ""
        pages += 1
    assert seen == list(toytown().finest.codes)
    assert pages == -(-9 // limit)


def test_a_page_ends_where_borders_are_long(web: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ogc_items, "MOST_VERTICES", 12)
    seen, path = [], "/collections/grid/items?limit=9"
    while path:
        found = web.json(path)
        seen.append(codes(found))
        following = [link for link in found["links"] if link["rel"] == "next"]
        path = path_of(following[0]) if following else ""
    assert [code for page in seen for code in page] == list(toytown().finest.codes)
    assert {len(page) for page in seen} == {1, 2}


def test_limits_are_as_the_standard_wants_them(web: Checked) -> None:
    assert len(codes(web.json("/collections/grid/items"))) == 9  # 10 is usual
    assert len(codes(web.json("/collections/grid/items?limit=999999999"))) == 9
    for limit in ("0", "-1", "1.5", "ten", "9999999999"):
        assert web.json(f"/collections/grid/items?limit={limit}", 400)["parameter"] == "limit"
    assert web.json("/collections/grid/items?color=red", 400)["parameter"] == "color"


def box(x: float, y: float, to_x: float, to_y: float) -> str:
    west, south = place(x, y)
    east, north = place(to_x, to_y)
    return f"{west},{south},{east},{north}"


def test_a_box_lets_through_what_touches_it(web: Checked) -> None:
    finest = toytown().finest.codes
    assert codes(web.json(f"/collections/grid/items?bbox={box(-9, -9, 20, 20)}")) == list(finest)
    assert codes(web.json(f"/collections/grid/items?bbox={box(2.5, 2.5, 2.6, 2.6)}")) == [GRID]
    # Only the corner where four grids meet, or a hole with a school in it.
    assert len(codes(web.json(f"/collections/grid/items?bbox={box(2, 2, 2, 2)}"))) == 4
    inside = codes(web.json(f"/collections/grid/items?bbox={box(1, 3, 1.1, 3.1)}"))
    assert (len(inside), HOLED in inside) == (1, False)
    assert codes(web.json(f"/collections/town/items?bbox={box(2.5, 2.5, 2.6, 2.6)}")) == [TOWN]
    assert codes(web.json("/collections/grid/items?bbox=0,0,1,1")) == []
    six = box(2.5, 2.5, 2.6, 2.6).split(",")
    six = [*six[:2], "-100", *six[2:], "8848.5"]
    assert codes(web.json(f"/collections/grid/items?bbox={','.join(six)}")) == [GRID]
    # West of the date line begins east of it.
    assert codes(web.json("/collections/grid/items?bbox=100,20,-170,40&limit=9")) == list(finest)
    assert codes(web.json("/collections/grid/items?bbox=170,20,-170,40")) == []
    found = web.json(f"/collections/grid/items?bbox={box(-9, -9, 20, 20)}&limit=2")
    assert found["numberMatched"] == 9
    assert "bbox=" in linked(found, "next")["href"]


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3",
        "1,2,3,x",
        "1,2,3,4,5",
        "1,2,nan,4",
        "1,5,2,4",
        "-181,0,1,1",
        "1,1,2,91",
        "1;2;3;4",
        "1,2,3,4,",
    ],
)
def test_what_is_no_box_is_400(web: Checked, text: str) -> None:
    assert web.json(f"/collections/grid/items?bbox={text}", 400)["parameter"] == "bbox"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("2026-05-01T00:00:00Z", 9),
        ("2026-04-30T23:59:59Z", 0),
        ("2030-01-01T00:00:00%2B08:00", 9),
        ("../..", 9),
        ("2020-01-01T00:00:00Z/..", 9),
        ("../2020-01-01T00:00:00Z", 0),
        ("/2026-05-01T00:00:00Z", 9),
        ("2020-01-01T00:00:00Z/2026-04-30T00:00:00Z", 0),
        ("2020-01-01T00:00:00Z/2027-04-30T00:00:00Z", 9),
        ("2028-01-01T00:00:00Z/", 9),
    ],
)
def test_a_time_lets_through_what_is_in_force(web: Checked, text: str, count: int) -> None:
    found = web.json(f"/collections/grid/items?datetime={text}")
    assert (len(codes(found)), found["numberMatched"]) == (count, count)


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-05-01", "x/..", "../x", "2027-01-01T00:00:00Z/2026-01-01T00:00:00Z"]
)
def test_what_is_no_time_is_400(web: Checked, text: str) -> None:
    assert web.json(f"/collections/grid/items?datetime={text}", 400)["parameter"] == "datetime"


def test_one_item_is_the_one_of_the_list(web: Checked) -> None:
    listed = web.json("/collections/grid/items?limit=9")["features"]
    for each in listed:
        found = web.json(f"/collections/grid/items/{each['id']}")
        links = found.pop("links")
        assert found == each
        assert {link["rel"] for link in links} >= {"self", "collection"}
    assert web.json("/collections/grid/items/999", 404)["type"] == "/problems#not-found"
    assert "is no grid" in web.json(f"/collections/grid/items/{COMMUNITY}", 404)["detail"]


def test_items_are_sent_in_a_coding_and_asked_for_again(web: Checked, twin: Twin) -> None:
    plain = web.ask("/collections/grid/items")
    reply = web.client.get("/collections/grid/items", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(reply.get_data()) == plain.get_data()
    assert plain.headers["Cache-Control"] == "no-cache"
    assert plain.headers["Access-Control-Allow-Origin"] == "*"
    web.ask("/collections/grid/items", 304, headers={"If-None-Match": plain.headers["ETag"]})
    twin.current = make_twin(8).current
    assert web.json("/collections/grid")["description"].startswith("9 areas of edition 8")


def test_an_area_without_shape_has_a_null_geometry(web: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = toytown().polygons_at(3).copy()
    shapes[1] = shapely.Polygon()
    twin = make_twin()
    monkeypatch.setattr(type(twin.current.partition), "polygons_at", lambda _self, _depth: shapes)
    found = web.json("/collections/grid/items")
    assert [each["geometry"] is None for each in found["features"]] == [False, True] + [False] * 7


# --- tiles


@pytest.mark.parametrize("name", list(IDENTIFIERS))
def test_tiles_are_those_of_the_tiles_row_before_column(web: Checked, name: str) -> None:
    scheme = IDENTIFIERS[name]
    z, x, y = scheme.tile_at(*DOOR, 14)
    for coding in ("", "gzip"):
        headers = {"Accept-Encoding": coding}
        reply = web.ask(f"/collections/grid/tiles/{name}/{z}/{y}/{x}", headers=headers)
        other = web.ask(f"/tiles/{TownEngine(7).token}/grid/{scheme.name}/{z}/{x}/{y}.mvt", headers=headers)
        assert reply.get_data() == other.get_data()
        assert reply.headers["ETag"] == other.headers["ETag"]
        assert reply.headers["Cache-Control"] == "no-cache"
    assert x != y


def test_a_tile_of_the_next_edition_has_the_same_address(web: Checked, twin: Twin) -> None:
    z, x, y = SCHEMES["xyz"].tile_at(*DOOR, 14)
    path = f"/collections/grid/tiles/WebMercatorQuad/{z}/{y}/{x}"
    web.ask(path)
    twin.current = make_twin(8).current
    web.ask(path)
    engine = web.app.tiling.gallery.current()
    assert isinstance(engine, TownEngine)
    assert (engine.edition, engine.made) == (8, 1)


@pytest.mark.parametrize(
    ("rest", "status", "name"),
    [
        ("WebMercatorQuad/a/0/0", 400, "tileMatrix"),
        ("WebMercatorQuad/14/1.5/0", 400, "tileRow"),
        ("WebMercatorQuad/14/0/x", 400, "tileCol"),
        ("WebMercatorQuad/14/0/99999", 400, "x"),
        ("WebMercatorQuad/7/0/0", 404, ""),
        ("WebMercatorQuad/19/0/0", 404, ""),
        ("xyz/14/0/0", 404, ""),
        ("mars", 404, ""),
    ],
)
def test_what_is_no_tile_is_refused(web: Checked, rest: str, status: int, name: str) -> None:
    problem = web.json(f"/collections/grid/tiles/{rest}", status)
    assert problem.get("parameter", "") == name
    if status == 404:
        assert problem["type"] == "/problems#no-tile"


@pytest.mark.parametrize("name", list(IDENTIFIERS))
def test_limits_name_every_tile_that_holds_something(web: Checked, name: str) -> None:
    found = web.json(f"/collections/grid/tiles/{name}")
    scheme, engine = IDENTIFIERS[name], TownEngine(7)
    assert [each["tileMatrix"] for each in found["tileMatrixSetLimits"]] == [str(z) for z in range(8, 19)]
    limits = found["tileMatrixSetLimits"][14 - 8]
    rows = range(limits["minTileRow"], limits["maxTileRow"] + 1)
    columns = range(limits["minTileCol"], limits["maxTileCol"] + 1)
    z, x, y = scheme.tile_at(*DOOR, 14)
    assert (x in columns, y in rows) == (True, True)
    for column in (columns.start - 2, columns.stop + 1):
        assert not any(engine.tile(["grid"], scheme.name, z, column, row) for row in rows)
    for row in (rows.start - 2, rows.stop + 1):
        assert not any(engine.tile(["grid"], scheme.name, z, column, row) for column in columns)


# --- others' readers


@pytest.fixture(name="address", scope="module")
def _address() -> Iterator[str]:
    twin = make_twin()
    tiling = make_tiling(twin)
    app = create_app(twin, tiling)
    with front_door(app=app, fast=Fast(twin, tiling), body_limits=app.body_limits) as door:
        yield f"http://127.0.0.1:{door.port}"


GDAL = """
import json, sys
import pyogrio
source, layer, bbox = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
bbox = bbox and tuple(bbox)
frame = pyogrio.read_dataframe(source, layer=layer, bbox=bbox)
print(json.dumps({
    "layers": [name for name, _ in pyogrio.list_layers(source)],
    "crs": str(frame.crs),
    "codes": list(frame["code"]),
    "shapes": [shape.wkt for shape in frame.to_crs("OGC:CRS84").geometry],
}))
"""
"""In a process of its own: GDAL holds the interpreter while it waits for the server, which is in this one."""


def by_gdal(source: str, layer: str, bbox: list[float] | None = None) -> dict[str, Any]:
    """What GDAL reads."""
    command = [sys.executable, "-c", GDAL, source, layer, json.dumps(bbox)]
    environment = os.environ | {"NO_PROXY": "*", "no_proxy": "*"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_gdal_opens_the_service_as_features(address: str) -> None:
    found = by_gdal(f"OAPIF:{address}", "grid")
    assert found["layers"] == list(LEVELS)
    assert found["codes"] == list(toytown().finest.codes)
    assert found["crs"] in ("OGC:CRS84", "EPSG:4326")
    shapes = [shapely.from_wkt(each) for each in found["shapes"]]
    assert all(each.is_valid for each in shapes)
    assert [each.covers(shapely.Point(DOOR)) for each in shapes].count(True) == 1
    part = by_gdal(f"OAPIF:{address}", "grid", [float(each) for each in box(2.5, 2.5, 2.6, 2.6).split(",")])
    assert part["codes"] == [GRID]


def test_gdal_reads_a_tile_over_http(address: str) -> None:
    z, x, y = SCHEMES["xyz"].tile_at(*DOOR, 14)
    found = by_gdal(f"MVT:{address}/tiles/{TownEngine(7).token}/grid/xyz/{z}/{x}/{y}.mvt", "grid")
    assert found["layers"] == ["grid"]
    assert set(found["codes"]) <= set(toytown().finest.codes)
    assert any(shapely.from_wkt(each).covers(shapely.Point(DOOR)) for each in found["shapes"])
