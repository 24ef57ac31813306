"""The page on a bad line: cut, dead without a word, a service that has forgotten what it said."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from browser import lack
from cable import cable
from served import served
from viewing import MONUMENT, opened, page_browser, report, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

LISTEN = """() => {
  window.heard = [];
  window.gridmapView.bus.on('event', (data) => window.heard.push(data.id));
}"""
LINK = "(wanted) => window.gridmapView.store.state.link === wanted"
SHOWN = "(wanted) => document.getElementById('right').innerText.includes(wanted)"
LOOK = "(center) => { window.gridmapView.map.jumpTo({center, zoom: 17, pitch: 0}) }"
AT = """(place, layer) => {
  const {map} = window.gridmapView;
  const {x, y} = map.project(place);
  return map.queryRenderedFeatures([[x - 60, y - 60], [x + 60, y + 60]], {layers: [layer]}).length;
}"""
AWAY = (106.5450, 29.5480)
"""A place in the district that the first picture does not show from near."""


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    with page_browser() as running:
        yield running


@pytest.fixture(name="home")
def _home(yuzhong: Path, tmp_path: Path) -> Path:
    if lack() is not None:
        pytest.skip(str(lack()))
    home = tmp_path / "home"
    shutil.copytree(yuzhong, home)
    return home


def test_what_happens_while_the_cable_is_cut_is_there_once_when_it_is_mended(
    browser: Browser, home: Path
) -> None:
    with served(home) as server, cable(server) as laid, opened(browser, f"{laid.address}/view") as (page, _):
        page.evaluate(LISTEN)
        until(page, LINK, "open")
        report(server, "cut-0")
        until(page, "() => window.heard.includes('cut-0')")
        page.evaluate("window.stays = true")
        laid.cut()
        until(page, LINK, "waiting")
        assert page.inner_text("#link") == "连接中断，正在重连"
        for number in range(1, 6):
            report(server, f"cut-{number}", urgency="orange")
        page.evaluate(LOOK, list(AWAY))
        until(page, "() => window.gridmapView.map.areTilesLoaded()")  # as far as they can be
        assert page.evaluate(f"(place) => ({AT})(place, 'building')", list(AWAY)) == 0
        laid.mend()
        until(page, LINK, "open")
        until(page, "() => window.heard.includes('cut-5')")
        until(page, SHOWN, "cut-5")
        until(page, f"(place) => ({AT})(place, 'building') > 0", list(AWAY))
        assert page.evaluate("window.heard") == [f"cut-{number}" for number in range(6)]
        assert page.evaluate("window.stays")


def test_a_line_that_is_silent_is_found_dead_and_opened_anew(browser: Browser, home: Path) -> None:
    with served(home) as server, cable(server) as laid, opened(browser, f"{laid.address}/view") as (page, _):
        page.evaluate(LISTEN)
        until(page, LINK, "open")
        beats = "new Promise((done) => window.gridmapView.live.reader.source.addEventListener('beat', done))"
        page.evaluate(f"{beats}.then(() => true)")  # a quiet city is no dead line
        laid.deaden()
        report(server, "dead-1")
        page.evaluate("window.gridmapView.live.reader.heardAt -= 60_000")
        until(page, LINK, "connecting")
        laid.cut()
        laid.mend()
        until(page, "() => window.heard.includes('dead-1')")
        until(page, LINK, "open")


def test_a_browser_that_is_offline_says_so_at_once(browser: Browser, home: Path) -> None:
    with served(home) as server, opened(browser, f"{server}/view") as (page, _):
        page.evaluate(LISTEN)
        until(page, LINK, "open")
        page.context.set_offline(True)
        until(page, LINK, "waiting")
        report(server, "off-1")
        page.context.set_offline(False)
        until(page, LINK, "open")
        until(page, "() => window.heard.includes('off-1')")
        assert page.evaluate("window.heard") == ["off-1"]


def test_a_service_that_came_back_from_a_copy_is_read_anew(
    browser: Browser, home: Path, tmp_path: Path
) -> None:
    """Its log ends before what the page has seen: the stream says `reset`; nothing of that future stays."""
    older = tmp_path / "older"
    shutil.copytree(home, older)
    with (
        served(home) as server,
        cable(server) as laid,
        opened(browser, f"{laid.address}/view") as (page, _),
    ):
        page.evaluate(
            "() => { window.gridmapView.bus.on('reset', (said) => { window.reason = said.reason }) }"
        )
        until(page, LINK, "open")
        for number in range(3):
            report(server, f"lost-{number}", urgency="red")
        until(page, SHOWN, "lost-2")
        laid.cut()
        with served(older) as restored:
            laid.lead_to(restored)
            laid.mend()
            until(page, "() => window.reason === 'future'")
            until(page, "(name) => !document.getElementById('right').innerText.includes(name)", "lost-")
            found = report(restored, "anew", urgency="red")
            until(page, SHOWN, "anew")
            until(page, "(id) => window.gridmapView.store.state.pinned.includes(id)", f"o-{found['seq']}")
            page.evaluate(LOOK, list(MONUMENT))
            until(page, f"(place) => ({AT})(place, 'event-disc') === 1", list(MONUMENT))
