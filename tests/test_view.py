"""The holographic page as the service gives it: its files, its policy, what an operator may set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from checked import Checked
from tiletown import make_app
from webtown import make_twin

from gridmap.errors import InputError
from tiles.web import view
from tiles.web.server import serve

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(name="web")
def _web() -> Checked:
    return Checked(make_twin())


def directives(web: Checked) -> dict[str, list[str]]:
    policy = web.ask("/view").headers["Content-Security-Policy"]
    return {
        name: rest.split() for name, _, rest in (each.strip().partition(" ") for each in policy.split(";"))
    }


def test_every_file_that_the_page_names_is_served(web: Checked) -> None:
    page = web.ask("/view").get_data(as_text=True)
    named = re.findall(r'(?:href|src)="(/view/[^"]+)"', page)
    assert "/view/main.js" in named
    for address in named:
        if "/lib/" not in address:
            assert web.ask(address).get_data(), address
    modules = [name for name in view._own() if name.endswith(".js")]
    for name in modules:
        text = web.ask(f"/view/{name}").get_data(as_text=True)
        folder = name.rpartition("/")[0]
        for other in re.findall(r'(?:from|import\() ?"(\.[^"]+\.js)"', text):
            path = _joined(folder, other)
            assert path in modules or path.startswith(".."), f"{name} asks for {other}"


def _joined(folder: str, relative: str) -> str:
    parts = folder.split("/") if folder else []
    for part in relative.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def test_nothing_else_is_served_below_the_page(web: Checked) -> None:
    for name in (
        "libraries.d.ts",
        "core/none.js",
        "core/..%2fmain.js",
        "..%2f..%2fview.py",
        "lib/none.mjs",
        "x/main.js",
    ):
        web.ask(f"/view/{name}", 404)


def test_a_library_that_is_not_installed_says_what_to_type(
    web: Checked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "INSTALLED", tmp_path)
    assert "scripts/node page" in web.json("/view/lib/echarts.mjs", 404)["detail"]


def test_the_page_may_load_its_own_files_and_be_framed_by_this_machine(web: Checked) -> None:
    found = directives(web)
    assert found["default-src"] == ["'none'"]
    assert (
        found["script-src"] == found["worker-src"] == found["style-src"] == found["connect-src"] == ["'self'"]
    )
    assert found["frame-ancestors"] == ["'self'", "http://localhost:*", "http://127.0.0.1:*"]


def test_an_operator_names_who_may_frame_it_and_the_map_under_it(
    web: Checked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDMAP_EMBED_ORIGINS", "https://city.example https://*.gov.example:8443")
    monkeypatch.setenv("GRIDMAP_BASE_MAP", "https://maps.example/t/{z}/{x}/{y}.png?key=1")
    monkeypatch.setenv("GRIDMAP_BASE_MAP_CREDIT", "审图号 GS(2026)0001号")
    found = directives(web)
    assert found["frame-ancestors"][-2:] == ["https://city.example", "https://*.gov.example:8443"]
    assert found["connect-src"] == ["'self'", "https://maps.example"]
    assert found["img-src"] == ["'self'", "data:", "blob:", "https://maps.example"]
    told = web.json("/view/config.json")["base_map"]
    assert (told["kind"], told["attribution"]) == ("xyz", "审图号 GS(2026)0001号")


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("/tiles/{z}/{x}/{y}.png", "xyz"),
        ("http://tile_server:8080/{z}/{x}/{y}{ratio}.png", "xyz"),
        ("https://w.example/wmts/{TileMatrix}/{TileRow}/{TileCol}", "wmts"),
        ("https://p.example/city.pmtiles", "pmtiles"),
        ("https://p.example/city.pmtiles?key=1", "pmtiles"),
    ],
)
def test_the_kind_of_a_base_map_is_read_from_its_address(
    url: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDMAP_BASE_MAP", url)
    found = view.base_map()
    assert found is not None
    assert found.kind == kind
    assert found.url == url or kind == "wmts"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            "https://w.example/wmts/{TileMatrix}/{TileRow}/{TileCol}.png",
            "https://w.example/wmts/{z}/{y}/{x}.png",
        ),
        (
            "https://w.example/vec_w/wmts?SERVICE=WMTS&TILEMATRIXSET=w"
            "&TILEMATRIX={TileMatrix}&TILEROW={TileRow}&TILECOL={TileCol}&tk=1",
            "https://w.example/vec_w/wmts?SERVICE=WMTS&TILEMATRIXSET=w"
            "&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk=1",
        ),
        (
            "/wmts?TILEMATRIX=EPSG:3857:{TileMatrix}&TILEROW={TileRow}&TILECOL={TileCol}",
            "/wmts?TILEMATRIX=EPSG:3857:{z}&TILEROW={y}&TILECOL={x}",
        ),
    ],
)
def test_a_wmts_is_told_with_the_places_that_the_map_library_fills_in(
    web: Checked, given: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDMAP_BASE_MAP", given)
    said = web.json("/view/config.json")["base_map"]
    assert (said["kind"], said["url"]) == ("wmts", told)


@pytest.mark.parametrize(
    ("url", "place", "instead"),
    [
        ("https://{s}.tiles.example/{z}/{x}/{y}.png", "{s}", "one host"),
        ("https://tiles.example/{z}/{x}/{y}{r}.png", "{r}", "{ratio}"),
        ("https://tiles.example/{z}/{x}/{-y}.png", "{-y}", "from the north"),
        ("https://a.example/tile/{level}/{row}/{col}", "{level}", "{z}"),
        (
            "https://w.example/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}.png",
            "{TileMatrixSet}",
            "GoogleMaps",
        ),
        (
            "https://w.example/?style={style}&TILEMATRIX={TileMatrix}&TILEROW={TileRow}&TILECOL={TileCol}",
            "{style}",
            "default",
        ),
        (
            "https://w.example/{tilematrix}/{TileRow}/{TileCol}.png",
            "{tilematrix}",
            "{TileMatrix}",
        ),
        ("https://tiles.example/{z}/{x}/{y}.png?key={key}", "{key}", "what it stands for"),
        ("https://p.example/{z}.pmtiles", "{z}", "what it stands for"),
    ],
)
def test_what_nobody_fills_in_is_refused_by_name(
    url: str, place: str, instead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDMAP_BASE_MAP", url)
    with pytest.raises(InputError) as refused:
        view.base_map()
    assert refused.value.name == "GRIDMAP_BASE_MAP"
    assert f"fills in {place} in" in refused.value.reason
    assert instead in refused.value.reason


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRIDMAP_BASE_MAP", "https://maps.example/"),
        ("GRIDMAP_BASE_MAP", "https://a b;script-src *//{z}{x}{y}"),
        ("GRIDMAP_BASE_MAP", "https://*.example/{z}/{x}/{y}.png"),
        ("GRIDMAP_BASE_MAP", "https://*/{TileMatrix}/{TileRow}/{TileCol}.png"),
        ("GRIDMAP_BASE_MAP", "https://[1/{z}/{x}/{y}.png"),
        ("GRIDMAP_EMBED_ORIGINS", "*"),
        ("GRIDMAP_EMBED_ORIGINS", "https://*"),
        ("GRIDMAP_EMBED_ORIGINS", "https://city.*"),
        ("GRIDMAP_EMBED_ORIGINS", "https://a.example//"),
        ("GRIDMAP_EMBED_ORIGINS", "https://a.example/page"),
        ("GRIDMAP_EMBED_ORIGINS", "https://a.example;script-src"),
    ],
)
def test_a_setting_that_is_no_address_ends_the_start_and_no_visitor_hears_of_it(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    for begin in (lambda: make_app(make_twin()), lambda: serve(tmp_path / "no city", port=0)):
        with pytest.raises(InputError) as refused:
            begin()
        assert refused.value.name == name


def test_addresses_are_taken_as_they_are_copied(web: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "GRIDMAP_EMBED_ORIGINS", "https://city.example/ http://wall_1:8080/ https://*.gov.example"
    )
    monkeypatch.setenv("GRIDMAP_BASE_MAP", "http://tile_server:8080/{z}/{x}/{y}.png")
    found = directives(web)
    assert found["frame-ancestors"][-3:] == [
        "https://city.example",
        "http://wall_1:8080",
        "https://*.gov.example",
    ]
    policy = web.ask("/view/main.js").headers["Content-Security-Policy"]
    assert "connect-src 'self' http://tile_server:8080" in policy


def test_behind_a_prefix_the_page_asks_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDMAP_TRUST_PROXY", "1")
    web = Checked(make_twin())
    page = web.ask("/view", headers={"X-Forwarded-Prefix": "/city"}).get_data(as_text=True)
    assert 'data-root="/city"' in page
    assert 'src="/city/view/main.js"' in page
