"""The holographic page in a real browser, on a real service of one district."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import javascript
import pytest
from browser import LIBRARIES, PATIENCE_MS, Seen, chromium, lack, need
from click.testing import CliRunner
from served import get_json, served

from gridmap.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Frame, Page

MONUMENT = (106.5770, 29.5590)
READY = "() => document.documentElement.dataset.ready === 'true'"
SIZE = (1366, 768)


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    need()
    if not (javascript.NODE.parent / "page" / "node_modules" / "maplibre-gl").is_dir():
        pytest.skip("the page's libraries are not installed here: scripts/node page")
    with chromium() as running:
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


@contextmanager
def opened(
    browser: Browser, address: str, size: tuple[int, int] = SIZE, **options: Any
) -> Iterator[tuple[Page, Seen]]:
    """A page that has loaded all its parts."""
    seen = Seen()
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: seen.asked.append(request.url))
        page.on(
            "console",
            lambda said: seen.console.append(said.text) if said.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: seen.faults.append(str(error)))
        page.goto(address)
        until(page, READY)
        yield page, seen
    finally:
        context.close()


def until(page: Page | Frame, holds: str, arg: object = None) -> None:
    """Wait until a function of the page gives true. Playwright's own way is forbidden (`eval`)."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while not page.evaluate(holds, arg):
        assert time.monotonic() < end, holds
        page.wait_for_timeout(50)


def clean(seen: Seen, *hosts: str) -> None:
    """No error was said, and nobody else was asked for anything."""
    assert seen.faults == []
    assert [line for line in seen.console if "GPU stall" not in line] == []
    assert seen.hosts <= {host.partition("://")[2] for host in hosts}


def report(server: str, name: str, **said: Any) -> dict[str, Any]:
    """Report an event at the monument."""
    event = {
        "id": name,
        "source": "test",
        "class": "城市管理",
        "urgency": "yellow",
        "title": f"井盖破损 {name}",
        "lon": MONUMENT[0],
        "lat": MONUMENT[1],
        "crs": "wgs84",
        **said,
    }
    body = json.dumps(event, ensure_ascii=False).encode()
    request = urllib.request.Request(
        f"{server}/events", body, {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        found: dict[str, Any] = json.loads(reply.read())
    return found


def order_of(server: str, seq: int) -> dict[str, Any]:
    """The order that an event has opened, when it is there."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while True:
        try:
            found: dict[str, Any] = get_json(f"{server}/orders/o-{seq}")
        except urllib.error.HTTPError:
            assert time.monotonic() < until
            time.sleep(0.1)
        else:
            return found


def state(page: Page, name: str) -> Any:
    """A member of the page's state."""
    return page.evaluate("(name) => window.gridmapView.store.state[name]", name)


def wait_state(page: Page, name: str, wanted: Any) -> None:
    """Wait until a member of the state is what is wanted."""
    until(
        page,
        "([name, wanted]) => JSON.stringify(window.gridmapView.store.state[name]) === wanted",
        arg=[name, json.dumps(wanted, separators=(",", ":"), ensure_ascii=False)],
    )


def show(page: Page, lon: float, lat: float, zoom: float) -> tuple[float, float]:
    """Jump to a place, wait until it is drawn; where it is on the screen."""
    x, y = page.evaluate(
        """async ([lon, lat, zoom]) => {
          const {map} = window.gridmapView;
          map.jumpTo({center: [lon, lat], zoom, pitch: 0, bearing: 0});
          map.triggerRepaint();
          await map.once("idle");
          const {x, y} = map.project([lon, lat]);
          return [x, y];
        }""",
        [lon, lat, zoom],
    )
    return float(x), float(y)


def idle(page: Page) -> None:
    """Wait until the map has nothing more to draw or to fly."""
    page.evaluate(
        """async () => {
          const {map} = window.gridmapView;
          while (map.isMoving() || !map.areTilesLoaded()) await new Promise((done) => setTimeout(done, 100));
        }"""
    )


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


def test_a_lost_connection_is_seen_and_nothing_is_lost_by_it(browser: Browser, server: str) -> None:
    with opened(browser, f"{server}/view?area=500103") as (page, _):
        page.evaluate(
            "() => { window.heard = []; "
            "window.gridmapView.bus.on('event', (data) => window.heard.push(data.id)) }"
        )
        until(page, "() => window.gridmapView.store.state.link === 'open'")
        report(server, "cut-0")
        until(page, "() => window.heard.includes('cut-0')")
        page.context.set_offline(True)
        page.evaluate("window.gridmapView.live.reader.source?.dispatchEvent(new Event('error'))")
        until(page, "() => document.getElementById('link').dataset.link === 'waiting'")
        for number in range(1, 6):
            report(server, f"cut-{number}")
        page.context.set_offline(False)
        page.evaluate("window.gridmapView.live.reader.open()")
        until(page, "() => window.heard.includes('cut-5')")
        until(page, "() => document.getElementById('link').dataset.link === 'open'")
        heard = [name for name in page.evaluate("window.heard") if name.startswith("cut-")]
        assert heard == [f"cut-{number}" for number in range(6)]


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
        done = CliRunner().invoke(main, ["load", str(out), "--home", str(city), "--author", "t"])
        assert done.exit_code == 0, done.output
        wait_state(page, "edition", before + 1)
        show(page, *MONUMENT, 17.6)
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
