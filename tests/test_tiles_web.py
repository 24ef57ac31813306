"""Tiles over HTTP: addresses, refusals, codings, what may be kept and by whom, past editions, TileJSON."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import brotli
import mapbox_vector_tile
import pytest
import zstandard
from checked import PROBLEM, Checked
from tiletown import DOOR, TownEngine
from webtown import Held, make_twin

from tiles.address import SCHEMES
from tiles.matrices import IDENTIFIERS
from tiles.web import gate

if TYPE_CHECKING:
    from gridmap.twin import Twin
    from tiles.address import Tile

MVT = "application/vnd.mapbox-vector-tile"
TOKEN = TownEngine(7).token
FOREVER = "public, max-age=31536000, immutable"
DECODED = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompress(body),
}


@pytest.fixture(name="twin")
def _twin() -> Twin:
    return make_twin()


@pytest.fixture(name="web")
def _web(twin: Twin) -> Checked:
    return Checked(twin)


def here(z: int, scheme: str = "xyz") -> Tile:
    """The square that the town's door is in."""
    return SCHEMES[scheme].tile_at(*DOOR, z)


def address(layers: str = "grid", z: int = 14, scheme: str = "xyz", token: str = TOKEN) -> str:
    z, x, y = here(z, scheme)
    return f"/tiles/{token}/{layers}/{scheme}/{z}/{x}/{y}.mvt"


def names(body: bytes) -> list[str]:
    return list(mapbox_vector_tile.decode(body))


# --- a tile


@pytest.mark.parametrize("scheme", list(SCHEMES))
def test_a_tile_is_what_the_engine_makes(web: Checked, scheme: str) -> None:
    reply = web.ask(address(scheme=scheme))
    assert reply.get_data() == TownEngine(7).tile(["grid"], scheme, *here(14, scheme))
    assert reply.headers["Content-Type"] == MVT
    assert reply.headers["Cache-Control"] == FOREVER
    assert reply.headers["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in reply.headers


def test_layers_come_in_the_order_they_are_named_where_the_zoom_has_them(web: Checked) -> None:
    assert names(web.ask(address("grid,district")).get_data()) == ["grid", "district"]
    assert names(web.ask(address("district,device,grid")).get_data()) == ["district", "device", "grid"]
    assert names(web.ask(address("district,device,grid", z=13)).get_data()) == ["district", "grid"]
    assert names(web.ask(address("district,device,grid", z=7)).get_data()) == ["district"]


def test_an_empty_square_is_204_and_may_be_kept_too(web: Checked) -> None:
    reply = web.ask(f"/tiles/{TOKEN}/grid/xyz/14/0/0.mvt", 204)
    assert reply.get_data() == b""
    assert reply.headers["Cache-Control"] == FOREVER
    assert "Content-Type" not in reply.headers
    assert "Content-Length" not in reply.headers
    # A mixed request at a zoom between those of its layers is empty, too.
    assert web.ask(f"/tiles/{TOKEN}/device/xyz/14/0/0.mvt", 204).get_data() == b""


@pytest.mark.parametrize("coding", list(DECODED))
def test_a_tile_comes_in_the_coding_that_is_wanted(web: Checked, coding: str) -> None:
    plain = web.ask(address()).get_data()
    for _ in range(2):  # made, and kept
        reply = web.ask(address(), headers={"Accept-Encoding": coding})
        assert reply.headers["Content-Encoding"] == coding
        assert DECODED[coding](reply.get_data()) == plain
        assert reply.headers["Vary"] == "Accept-Encoding"


def test_each_coding_has_an_etag_of_its_own(web: Checked) -> None:
    codings = ["", *DECODED]
    tags = [web.ask(address(), headers={"Accept-Encoding": coding}).headers["ETag"] for coding in codings]
    assert len(set(tags)) == len(codings)
    assert all(tag.startswith('"') for tag in tags)  # strong
    for coding, tag in zip(codings, tags, strict=True):
        reply = web.ask(address(), 304, headers={"Accept-Encoding": coding, "If-None-Match": tag})
        assert reply.get_data() == b""
        assert (reply.headers["ETag"], reply.headers["Cache-Control"]) == (tag, FOREVER)
        assert reply.headers["Vary"] == "Accept-Encoding"
    other = {"Accept-Encoding": "gzip", "If-None-Match": tags[0]}
    assert web.ask(address(), headers=other).get_data()


def test_who_takes_no_coding_and_no_plain_bytes_is_406(web: Checked) -> None:
    problem = web.json(address(), 406, headers={"Accept-Encoding": "identity;q=0, deflate"})
    assert problem["type"] == "/problems#not-acceptable"
    assert "gzip" in problem["detail"]


def test_head_says_what_get_would_send(web: Checked) -> None:
    for coding in ("", "gzip"):
        full = web.ask(address(), headers={"Accept-Encoding": coding})
        head = web.ask(address(), method="HEAD", headers={"Accept-Encoding": coding})
        assert head.get_data() == b""
        assert dict(head.headers) == dict(full.headers)
    web.ask(f"/tiles/{TOKEN}/grid/xyz/14/0/0.mvt", 204, "HEAD")
    web.ask(address(token="7-00"), 404, "HEAD")


def test_a_tile_is_made_once(web: Checked) -> None:
    engine = web.app.tiling.gallery.current()
    assert isinstance(engine, TownEngine)
    for _ in range(3):
        web.ask(address())
    assert engine.made == 1
    for _ in range(2):
        web.ask(address(), headers={"Accept-Encoding": "gzip"})
    assert engine.made == 2


# --- who may see it


def test_areas_are_for_every_origin_and_things_are_not(web: Checked) -> None:
    for layers, opened in (
        ("grid", True),
        ("grid,district", True),
        ("device", False),
        ("grid,device", False),
    ):
        for coding in ("", "gzip"):
            reply = web.ask(address(layers), headers={"Accept-Encoding": coding})
            assert ("Access-Control-Allow-Origin" in reply.headers) is opened
    assert web.ask(address(), 204, "OPTIONS").headers["Allow"] == "GET, HEAD, OPTIONS"


def test_a_tile_needs_all_its_layers(web: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    web.ask(address("grid,device"))  # kept, which must not matter
    monkeypatch.setattr(gate, "scope_of", lambda _request: gate.Scope(frozenset({"service", "areas"})))
    web.ask(address("grid"))
    for layers in ("device", "grid,device", "device,grid"):
        assert web.ask(address(layers), 403).headers["Cache-Control"] == "no-store"
    monkeypatch.setattr(gate, "scope_of", lambda _request: gate.Scope(frozenset({"service", "things"})))
    for layers in ("grid", "device", "grid,device"):
        web.ask(address(layers), 403)


# --- what is refused


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (f"{TOKEN}/grid/xyz/a/0/0.mvt", "z"),
        (f"{TOKEN}/grid/xyz/14/1.5/0.mvt", "x"),
        (f"{TOKEN}/grid/xyz/14/0/%2B1.mvt", "y"),
        (f"{TOKEN}/grid/xyz/14/007/0.mvt", "x"),
        (f"{TOKEN}/grid/xyz/14/-0/0.mvt", "x"),
        (f"{TOKEN}/grid/xyz/14/1e3/0.mvt", "x"),
        (f"{TOKEN}/grid/xyz/14/１/0.mvt", "x"),
        (f"{TOKEN}/grid/xyz/14/9999999999/0.mvt", "x"),
        (f"{TOKEN}/grid/xyz/14/16384/0.mvt", "x"),
        (f"{TOKEN}/grid/xyz/14/-1/0.mvt", "x"),
        (f"{TOKEN}/grid/xyz/14/0/16384.mvt", "y"),
        (f"{TOKEN}/grid/tianditu-c/14/0/8192.mvt", "y"),
        (f"{TOKEN}/grid,grid/xyz/14/0/0.mvt", "layers"),
        (f"{TOKEN}/grid,district,grid/xyz/14/0/0.mvt", "layers"),
    ],
)
def test_nonsense_is_400(web: Checked, path: str, name: str) -> None:
    problem = web.json(f"/tiles/{path}", 400)
    assert problem["parameter"] == name
    assert len(problem["received"]) == 1
    assert problem["detail_zh"]


def test_a_parameter_is_no_part_of_a_tile(web: Checked) -> None:
    assert web.json(f"{address()}?x=1", 400)["parameter"] == "x"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (f"{TOKEN}/road/xyz/14/0/0.mvt", "there are district, town"),
        (f"{TOKEN}/grid,/xyz/14/0/0.mvt", "'' is no layer"),
        (f"{TOKEN}/resource/xyz/14/0/0.mvt", "it has district, town, community, grid, device"),
        (f"{TOKEN}/grid/mars/14/0/0.mvt", "there are xyz, gcj02, gcj02-tms, bd09, tianditu-c"),
    ],
)
def test_what_is_unknown_is_404_and_told_what_there_is(web: Checked, path: str, said: str) -> None:
    problem = web.json(f"/tiles/{path}", 404)
    assert problem["type"] == "/problems#no-tile"
    assert said in problem["detail"]


@pytest.mark.parametrize(
    ("layers", "z", "zooms"),
    [("grid", 7, [8, 18]), ("grid", 19, [8, 18]), ("device", 13, [14, 16]), ("device,grid", 7, [8, 18])],
)
def test_a_zoom_out_of_range_is_404_and_told_the_range(
    web: Checked, layers: str, z: int, zooms: list[int]
) -> None:
    problem = web.json(f"/tiles/{TOKEN}/{layers}/xyz/{z}/0/0.mvt", 404)
    assert problem["zooms"] == zooms
    assert f"zooms {zooms[0]} to {zooms[1]}" in problem["detail"]


@pytest.mark.parametrize(
    "token", ["7-0000000000", "8-0123456789", "0-0123456789", "7", "x-y", "7-0123456789-"]
)
def test_an_unknown_token_is_404_and_told_the_current_one(web: Checked, token: str) -> None:
    problem = web.json(address(token=token), 404)
    assert problem["token"] == TOKEN
    assert TOKEN in problem["detail"]
    assert problem["type"] == "/problems#no-tile"


def test_other_shapes_of_address_are_unknown_paths(web: Checked) -> None:
    for path in ("/tiles", "/tiles/", f"/tiles/{TOKEN}", f"/tiles/{TOKEN}/grid/xyz/14/0/0"):
        assert web.json(path, 404)["type"] == "/problems#unknown-path"
    web.ask(f"/tiles/{TOKEN}/grid/xyz/14/0/0.png", 404)


# --- editions


def test_a_token_of_a_past_edition_goes_on_working(web: Checked, twin: Twin) -> None:
    old = web.ask(address()).get_data()
    twin.current = make_twin(8).current
    assert web.json("/tiles/grid.json")["token"] == TownEngine(8).token
    assert web.ask(address()).get_data() == old
    assert web.ask(address(z=13)).get_data()
    assert web.ask(address(token=TownEngine(8).token)).get_data()


# --- TileJSON


def test_tilejson_names_where_the_tiles_are(web: Checked) -> None:
    found = web.json("/tiles/grid.json")
    assert found["tilejson"] == "3.0.0"
    assert found["tiles"] == [f"http://localhost/tiles/{TOKEN}/grid/xyz/{{z}}/{{x}}/{{y}}.mvt"]
    assert (found["edition"], found["token"], found["attribution"]) == (7, TOKEN, "")
    assert (found["minzoom"], found["maxzoom"]) == (8, 18)
    assert [layer["id"] for layer in found["vector_layers"]] == ["grid"]
    assert set(found["vector_layers"][0]["fields"]) >= {"code", "name", "kind"}
    assert found["matrix"] == "http://localhost/tileMatrixSets/WebMercatorQuad"
    west, south, east, north = found["bounds"]
    lon, lat, zoom = found["center"]
    assert west < lon < east
    assert south < lat < north
    assert 8 <= zoom <= 18
    assert "synthetic" in found["description"]
    reply = web.ask("/tiles/grid.json")
    assert reply.headers["Cache-Control"] == "no-cache"
    web.ask("/tiles/grid.json", 304, headers={"If-None-Match": reply.headers["ETag"]})


def test_tilejson_of_several_layers_has_the_zooms_of_each(web: Checked) -> None:
    found = web.json("/tiles/district,grid,device.json")
    assert f"/tiles/{TOKEN}/district,grid,device/xyz/" in found["tiles"][0]
    assert (found["minzoom"], found["maxzoom"]) == (0, 18)
    zooms = {each["id"]: (each["minzoom"], each["maxzoom"]) for each in found["vector_layers"]}
    assert zooms == {"district": (0, 18), "grid": (8, 18), "device": (14, 16)}


@pytest.mark.parametrize("scheme", list(SCHEMES))
def test_the_address_of_a_tilejson_is_answered(web: Checked, scheme: str) -> None:
    found = web.json(f"/tiles/grid.json?scheme={scheme}")
    z, x, y = here(found["maxzoom"], scheme)
    path = found["tiles"][0].removeprefix("http://localhost")
    assert names(web.ask(path.format(z=z, x=x, y=y)).get_data()) == ["grid"]
    assert found["scheme"] == ("tms" if scheme == "gcj02-tms" else "xyz")
    assert found["datum"] == SCHEMES[scheme].plane.datum
    assert found["matrix"].rpartition("/")[2] in IDENTIFIERS
    assert found["minzoom"] >= SCHEMES[scheme].lowest


def test_bounds_hold_the_city_in_the_datum_of_the_scheme(web: Checked) -> None:
    plain = web.json("/tiles/grid.json")["bounds"]
    shifted = web.json("/tiles/grid.json?scheme=gcj02")["bounds"]
    baidu = web.json("/tiles/grid.json?scheme=bd09")["bounds"]
    for bounds, low, high in ((shifted, 0.002, 0.006), (baidu, 0.008, 0.012)):
        assert low < bounds[0] - plain[0] < high
        assert low < bounds[2] - plain[2] < high
    assert web.json("/tiles/grid.json?scheme=tianditu-c")["bounds"] == plain
    engine = TownEngine(7)
    assert all(low <= exact for low, exact in zip(plain[:2], engine.bounds[:2], strict=True))
    assert all(high >= exact for high, exact in zip(plain[2:], engine.bounds[2:], strict=True))


def test_absolute_addresses_follow_the_host_and_no_forwarded_header(web: Checked) -> None:
    told = {"Host": "map.example:8443", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    assert web.json("/tiles/grid.json", headers=told)["tiles"][0].startswith("http://map.example:8443/tiles/")
    for host in ("[::1]:80", "127.0.0.1", "a-b_c.example"):
        found = web.json("/tiles/grid.json", headers={"Host": host})
        assert found["tiles"][0].startswith(f"http://{host}/tiles/")
    problem = web.json("/tiles/grid.json", 400, headers={"Host": 'x"y/evil'})
    assert "Host" in problem["detail"]


def test_a_proxy_that_is_trusted_says_the_address(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDMAP_TRUST_PROXY", "1")
    web = Checked(twin)
    told = {
        "X-Forwarded-Host": "map.example, inner",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/city/",
    }
    assert web.json("/tiles/grid.json", headers=told)["tiles"][0].startswith(
        "https://map.example/city/tiles/"
    )
    assert web.json("/tiles/grid.json")["tiles"][0].startswith("http://localhost/tiles/")
    for name, value in (("Prefix", "/a b"), ("Host", "a/b")):
        web.json("/tiles/grid.json", 400, headers={f"X-Forwarded-{name}": value})
    monkeypatch.setenv("GRIDMAP_TRUST_PROXY", "maybe")
    with pytest.raises(Exception, match="GRIDMAP_TRUST_PROXY: 'maybe' is neither 1 nor 0"):
        Checked(twin)


def test_tilejson_refuses_what_is_unknown(web: Checked) -> None:
    assert "is no layer" in web.json("/tiles/road.json", 404)["detail"]
    assert "has no layer resource" in web.json("/tiles/resource.json", 404)["detail"]
    assert web.json("/tiles/grid,grid.json", 400)["parameter"] == "layers"
    assert web.json("/tiles/grid.json?scheme=mars", 400)["parameter"] == "scheme"
    assert web.json("/tiles/grid.json?edition=0", 400)["parameter"] == "edition"
    assert web.json("/tiles/grid.json?edition=99", 404)["type"] == "/problems#not-found"


@pytest.fixture(name="history")
def _history(twin: Twin) -> Checked:
    """Editions 1 to 7, one a month from January on; the sixth was in force before the fifth."""
    months = [1, 2, 3, 4, 6, 5, 7]
    source = twin.current.source
    assert isinstance(source, Held)
    source.published = [
        replace(twin.current.edition, number=number, effective_at=datetime(2026, month, 1, tzinfo=UTC))
        for number, month in enumerate(months, 1)
    ]
    return Checked(twin)


@pytest.mark.parametrize(
    ("query", "edition"),
    [
        ("edition=1", 1),
        ("edition=7", 7),
        ("datetime=2026-01-01T00:00:00Z", 1),
        ("datetime=2026-02-01t00:00:00z", 2),
        ("datetime=2026-02-01T00:00:00%2B08:00", 1),
        ("datetime=2026-01-31T16:00:00.5-08:00", 2),
        ("datetime=2026-05-15T00:00:00Z", 6),
        ("datetime=2026-06-15T00:00:00Z", 6),  # published later, so it replaced the fifth
        ("datetime=2030-01-01T00:00:00Z", 7),
    ],
)
def test_a_past_edition_has_a_tilejson(history: Checked, query: str, edition: int) -> None:
    found = history.json(f"/tiles/grid.json?{query}")
    assert (found["edition"], found["token"]) == (edition, TownEngine(edition).token)


@pytest.mark.parametrize(
    "moment",
    [
        "2026-05-01",
        "2026-05-01T00:00:00",
        "2026-05-01T00:00:00+08:00",  # a plus sign in a query is a blank
        "2026-02-30T00:00:00Z",
        "2026-05-01T24:00:00Z",
        "May",
    ],
)
def test_a_time_must_be_one(history: Checked, moment: str) -> None:
    problem = history.json(f"/tiles/grid.json?datetime={moment}", 400)
    assert problem["parameter"] == "datetime"


def test_before_the_first_edition_there_is_nothing(history: Checked) -> None:
    detail = history.json("/tiles/grid.json?datetime=2025-12-31T23:59:59Z", 404)["detail"]
    assert "2026-01-01" in detail
    query = "edition=1&datetime=2026-01-01T00:00:00Z"
    assert history.json(f"/tiles/grid.json?{query}", 400)["parameter"] == "datetime"


def test_problems_of_tiles_are_never_kept(web: Checked) -> None:
    for path, status in ((address(token="7-00"), 404), (f"/tiles/{TOKEN}/grid/xyz/14/a/0.mvt", 400)):
        reply = web.ask(path, status)
        assert reply.headers["Cache-Control"] == "no-store"
        assert reply.headers["Content-Type"] == PROBLEM
        body: dict[str, Any] = json.loads(reply.get_data())
        assert body["status"] == status
