"""The examples to copy, in pages of another origin: the element, MapLibre, OpenLayers."""

from __future__ import annotations

import mimetypes
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import pytest
from browser import LIBRARIES, PATIENCE_MS, Seen, chromium, need
from served import get_json
from viewing import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

EXAMPLES: Final = Path(__file__).parent.parent / "docs" / "embed"
WRITTEN: Final = "http://127.0.0.1:8000"
"""The service's address as the examples have it."""


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    need()
    with chromium() as running:
        yield running


@contextmanager
def another_origin(service: str) -> Iterator[str]:
    """A server on another port that has the examples, with the address of the service put in."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            file = LIBRARIES / path.removeprefix("/lib/") if path.startswith("/lib/") else EXAMPLES / path[1:]
            body = file.read_bytes() if file.is_file() else b""
            if file.suffix == ".html":
                body = body.replace(WRITTEN.encode(), service.encode())
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", mimetypes.guess_type(file.name)[0] or "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_said: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def example(browser: Browser, service: str, name: str) -> Iterator[Page]:
    """An example in a browser; afterwards nothing went wrong, and nobody else was asked for anything."""
    seen = Seen()
    with another_origin(service) as origin:
        context = browser.new_context(viewport={"width": 1000, "height": 700}, service_workers="block")
        try:
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.on("request", lambda request: seen.asked.append(request.url))
            page.on("pageerror", lambda error: seen.faults.append(str(error)))
            page.on("console", lambda said: seen.console.append(said.text) if said.type == "error" else None)
            page.goto(f"{origin}/{name}")
            yield page
            assert seen.faults == []
            assert [line for line in seen.console if "favicon" not in line and "404" not in line] == []
            assert seen.hosts <= {urlsplit(service).netloc, urlsplit(origin).netloc}
        finally:
            context.close()


def test_the_element_shows_the_map_and_tells_what_was_clicked(browser: Browser, service: str) -> None:
    with example(browser, service, "element.html") as page:
        until(page, "() => document.querySelector('#said').dataset.edition === '1'")
        frame = page.frames[1]
        until(
            frame,
            "() => window.gridmapView?.map?.areTilesLoaded() && !window.gridmapView.map.isMoving()",
        )
        assert frame.evaluate("() => window.gridmapView.store.state.hidden.join()") == "order,device"
        frame.evaluate("() => window.gridmapView.map.jumpTo({center: [106.577, 29.559], zoom: 16, pitch: 0})")
        page.wait_for_timeout(500)
        box = page.locator("iframe").bounding_box()
        assert box is not None
        x, y = frame.evaluate(
            "() => { const p = window.gridmapView.map.project([106.577, 29.559]); return [p.x, p.y] }"
        )
        page.mouse.click(box["x"] + x, box["y"] + y)
        until(page, "() => /\\d{6}/.test(document.querySelector('#said').textContent)")
        page.evaluate("() => { document.querySelector('gridmap-view').area = '500103003' }")
        until(frame, "() => window.gridmapView.store.state.area === '500103003'")
        page.evaluate("() => { document.querySelector('gridmap-view').theme = 'light' }")
        until(frame, "() => document.documentElement.dataset.theme === 'light'")
        assert (
            frame.evaluate(
                "() => [window.gridmapView.store.state.area, document.documentElement.dataset.theme].join()"
            )
            == "500103003,light"
        )


@pytest.mark.parametrize("name", ["maplibre.html", "openlayers.html"])
def test_an_example_of_a_map_library_names_the_grid_that_was_clicked(
    browser: Browser, service: str, name: str
) -> None:
    code = get_json(f"{service}/locate?lon=106.577&lat=29.559&crs=wgs84")["code"]
    with example(browser, service, name) as page:
        until(page, "() => document.body.dataset.drawn === 'true'")
        page.mouse.click(500, 350)
        until(page, "(code) => document.title.endsWith(code)", code)


def test_the_example_of_amap_names_tiles_and_lookups_of_its_datum() -> None:
    """It cannot be run here: AMap's script wants a key and the internet."""
    text = (EXAMPLES / "amap.html").read_text(encoding="utf-8")
    assert "scheme=gcj02" in text
    assert "crs=gcj02" in text
    assert "Not run by our tests" in text
