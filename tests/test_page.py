"""The holographic page in a real browser, on a real service of one district."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from browser import LIBRARIES, lack
from click.testing import CliRunner
from served import get_json, served
from viewing import (
    MONUMENT,
    READY,
    SIZE,
    clean,
    idle,
    opened,
    order_of,
    page_browser,
    report,
    show,
    state,
    until,
    wait_state,
)

from gridmap.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    with page_browser() as running:
        yield running


@pytest.fixture(name="city", scope="module")
def _city(yuzhong: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of its own, because things happen here."""
    home = tmp_path_factory.mktemp("page") / "home"
    shutil.copytree(yuzhong, home)
    return home


@pytest.fixture(name="server", scope="module")
def _server(city: Path) -> Iterator[str]:
    if lack() is not None:
        pytest.skip(str(lack()))
    with served(city) as address:
        yield address


MOVES = """(center) => {
  const {map, store} = window.gridmapView;
  store.watch(["edition"], () => setTimeout(() => map.jumpTo({center, zoom: 17.6, pitch: 0}), 2));
}"""
"""Moves the map just when it learns of a new edition: tiles of the one before are on their way by then."""


def test_clicks_lead_from_the_city_down_to_a_building_and_esc_up_again(browser: Browser, server: str) -> None:
    with opened(browser, f"{server}/view") as (page, seen):
        chain = get_json(f"{server}/locate?lon={MONUMENT[0]}&lat={MONUMENT[1]}&crs=wgs84")["path"]
        codes = [step["code"] for step in chain]
        for code in codes:
            idle(page)
            x, y = show(page, *MONUMENT, page.evaluate("window.gridmapView.map.getZoom()"))
            page.mouse.click(x, y)
            wait_state(page, "area", code)
        until(
            page,
            "(name) => document.getElementById('crumbs').innerText.includes(name)",
            arg=chain[-1]["name"],
        )
        assert f"area={codes[-1]}" in page.url
        show(page, *MONUMENT, 17.4)
        x, y = page.evaluate(
            """() => {
              const {map} = window.gridmapView;
              const spot = map.getCanvas().getBoundingClientRect();
              for (let at = 0.4; at < 0.6; at += 0.01) for (let down = 0.4; down < 0.6; down += 0.02) {
                const point = [spot.width * at, spot.height * down];
                const [found] = map.queryRenderedFeatures(point, {layers: ["building"]});
                if (found) return point;
              }
              return [0, 0];
            }"""
        )
        page.mouse.click(x, y)
        until(page, "() => window.gridmapView.store.state.card?.kind === 'building'")
        page.wait_for_selector("#card:not([hidden]) h2")
        page.keyboard.press("Escape")
        wait_state(page, "card", None)
        page.keyboard.press("Escape")
        wait_state(page, "area", codes[-2])
        page.go_back()
        wait_state(page, "area", codes[-1])
        clean(seen, server)


def test_what_is_reported_is_on_the_map_and_in_the_list_and_flashes_if_urgent(
    browser: Browser, server: str
) -> None:
    with opened(browser, f"{server}/view?area=500103") as (page, seen):
        until(page, "() => window.gridmapView.store.state.link === 'open'")
        found = report(server, "page-urgent", urgency="red", title="火警 page-urgent")
        until(page, "() => document.getElementById('right').innerText.includes('page-urgent')")
        order = order_of(server, found["seq"])
        until(page, "(id) => window.gridmapView.store.state.pinned.includes(id)", arg=order["id"])
        show(page, *MONUMENT, 17)
        until(
            page,
            """([lon, lat]) => {
              const {map} = window.gridmapView;
              const {x, y} = map.project([lon, lat]);
              const around = [[x - 30, y - 30], [x + 30, y + 30]];
              return map.queryRenderedFeatures(around).some((each) => /event|order|live/.test(each.layer.id));
            }""",
            arg=list(MONUMENT),
        )
        clean(seen, server)


def test_an_order_is_accepted_from_its_card(browser: Browser, server: str) -> None:
    seq = report(server, "page-order")["seq"]
    order_of(server, seq)
    with opened(browser, f"{server}/view?card=order:o-{seq}") as (page, seen):
        until(page, "() => document.getElementById('card').innerText.includes('page-order')")
        page.locator("#card select[name=role]").select_option("grid_member")
        page.locator("#card input[name=actor]").fill("P-test")
        page.locator("#card input[name=actor]").press("Tab")
        page.locator("#card [data-action=accept]").click()
        until(page, "() => document.getElementById('card').innerText.includes('P-test')")
        found = get_json(f"{server}/orders/o-{seq}")
        assert (found["state"], found["assignees"][0]["person"]) == ("accepted", "P-test")
        clean(seen, server)


def test_a_published_boundary_is_drawn_without_a_reload(
    browser: Browser, server: str, city: Path, tmp_path: Path
) -> None:
    with opened(browser, f"{server}/view?area=500103") as (page, seen):
        before = state(page, "edition")
        page.evaluate("window.stays = true")
        out = tmp_path / "areas.geojson"
        done = CliRunner().invoke(main, ["export", "--home", str(city), str(out)])
        assert done.exit_code == 0, done.output
        document = json.loads(out.read_text(encoding="utf-8"))
        code = get_json(f"{server}/locate?lon={MONUMENT[0]}&lat={MONUMENT[1]}&crs=wgs84")["code"]
        for feature in document["features"]:
            if feature["properties"]["code"] == code:
                feature["properties"]["name"] = "改名社区第8网格"
        out.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        page.evaluate(MOVES, list(MONUMENT))
        done = CliRunner().invoke(main, ["load", str(out), "--home", str(city), "--author", "t"])
        assert done.exit_code == 0, done.output
        wait_state(page, "edition", before + 1)
        until(
            page,
            "() => window.gridmapView.map.querySourceFeatures('areas', {sourceLayer: 'grid'})"
            ".some(({properties}) => properties.name === '改名社区第8网格')",
        )
        assert page.evaluate("window.stays")
        clean(seen, server)


def test_language_and_theme_change_in_place_and_stay(browser: Browser, server: str) -> None:
    with opened(browser, f"{server}/view?area=500103") as (page, seen):
        assert "全市" in page.inner_text("#crumbs")
        page.click("#language")
        until(page, "() => document.getElementById('crumbs').innerText.includes('Whole city')")
        assert page.evaluate("document.documentElement.lang") == "en"
        page.click("#theme")
        until(page, "() => document.documentElement.dataset.theme === 'light'")
        idle(page)
        assert "lang=en" in page.url
        assert "theme=light" in page.url
        page.reload()
        until(page, READY)
        assert (state(page, "language"), state(page, "theme")) == ("en", "light")
        clean(seen, server)


def test_back_and_forward_hold_after_a_change_of_theme(browser: Browser, server: str) -> None:
    card = {"kind": "area", "id": "500103"}
    with opened(browser, f"{server}/view") as (page, _):
        page.evaluate("window.gridmapView.store.set({area: '500103'})")
        page.evaluate("(card) => window.gridmapView.store.set({card})", card)
        page.click("#theme")
        page.go_back()
        wait_state(page, "card", None)
        page.go_back()
        wait_state(page, "area", None)
        page.go_forward()
        wait_state(page, "area", "500103")
        page.go_forward()
        wait_state(page, "card", card)
        assert state(page, "theme") == "light"


def test_search_goes_to_names_codes_and_coordinates_of_any_datum(browser: Browser, server: str) -> None:
    with opened(browser, f"{server}/view") as (page, seen):
        page.fill("#query", "106.58068797,29.55611255 gcj02")
        page.wait_for_selector("#found li[aria-selected=true]")
        page.keyboard.press("Enter")
        until(
            page,
            "([lon, lat]) => { const at = window.gridmapView.map.getCenter(); "
            "return Math.abs(at.lng - lon) < 1e-3 && Math.abs(at.lat - lat) < 1e-3 }",
            arg=list(MONUMENT),
        )
        page.fill("#query", "七星岗")
        page.wait_for_selector("#found li[aria-selected=true]")
        page.keyboard.press("Enter")
        until(page, "() => window.gridmapView.store.state.area?.startsWith('500103')")
        clean(seen, server)


def test_the_page_asks_nothing_of_what_the_policy_forbids(browser: Browser, server: str) -> None:
    with opened(browser, f"{server}/view") as (page, seen):
        page.evaluate(
            "window.broken = []; document.addEventListener('securitypolicyviolation', "
            "(event) => window.broken.push(event.blockedURI))"
        )
        page.click("#theme")
        idle(page)
        assert page.evaluate("window.broken") == []
        clean(seen, server)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [SIZE, (390, 844)])
def test_nobody_is_shut_out(browser: Browser, server: str, theme: str, size: tuple[int, int]) -> None:
    """axe-core finds no serious fault: contrast, names, roles, order."""
    seq = report(server, f"axe-{theme}-{size[0]}", urgency="orange")["seq"]
    order_of(server, seq)
    with opened(browser, f"{server}/view?area=500103&theme={theme}", size) as (page, _):
        until(page, "() => document.body.innerText.length > 20")
        page.evaluate((LIBRARIES / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
        for card in (None, {"kind": "order", "id": f"o-{seq}"}, {"kind": "area", "id": "500103"}):
            page.evaluate("(card) => window.gridmapView.store.set({card})", card)
            page.wait_for_timeout(1500)
            found = page.evaluate("async () => (await axe.run()).violations")
            grave = [
                (each["id"], each["nodes"][0]["html"][:120], len(each["nodes"]))
                for each in found
                if each["impact"] in ("serious", "critical")
            ]
            assert grave == [], card
