"""The page in a browser, for tests and pictures: opening it, waiting for it, reporting to its service."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import javascript
import pytest
from browser import PATIENCE_MS, Seen, chromium, need
from served import get_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Frame, Page

MONUMENT: Final = (106.5770, 29.5590)
READY: Final = "() => document.documentElement.dataset.ready === 'true'"
SIZE: Final = (1366, 768)


@contextmanager
def page_browser() -> Iterator[Browser]:
    """A browser; the test is skipped where there is none, or the page's libraries are not installed."""
    need()
    if not (javascript.NODE.parent / "page" / "node_modules" / "maplibre-gl").is_dir():
        pytest.skip("the page's libraries are not installed here: scripts/node page")
    with chromium() as running:
        yield running


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
