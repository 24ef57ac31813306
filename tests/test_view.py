"""The holographic page as the service gives it: its files, its policy, what an operator may set."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from checked import Checked
from webtown import make_twin

from tiles.web import view

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
        ("https://w.example/wmts/{TileMatrix}/{TileRow}/{TileCol}", "wmts"),
        ("https://p.example/city.pmtiles", "pmtiles"),
    ],
)
def test_the_kind_of_a_base_map_is_read_from_its_address(
    url: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDMAP_BASE_MAP", url)
    found = view.base_map()
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GRIDMAP_BASE_MAP", "https://maps.example/"),
        ("GRIDMAP_BASE_MAP", "https://a b;script-src *//{z}{x}{y}"),
        ("GRIDMAP_EMBED_ORIGINS", "*"),
        ("GRIDMAP_EMBED_ORIGINS", "https://a.example;script-src"),
    ],
)
def test_a_setting_that_is_no_address_is_told(
    web: Checked, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert name in json.dumps(web.json("/view", 400))


def test_behind_a_prefix_the_page_asks_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDMAP_TRUST_PROXY", "1")
    web = Checked(make_twin())
    page = web.ask("/view", headers={"X-Forwarded-Prefix": "/city"}).get_data(as_text=True)
    assert 'data-root="/city"' in page
    assert 'src="/city/view/main.js"' in page
