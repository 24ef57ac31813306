"""Chromium for tests and pictures: pages of ours with map libraries, drawn without a screen or a graphics card.

The pages lie in `tests/pages`, the libraries in `.venv/node`. The browser asks for them at the address of the
service, below `/-/`, or at an origin of its own, `ELSEWHERE`; both are answered here, everything else by
the service. So a page can be of the service's origin, or of another one, and nothing is opened in the service
for it.
"""

from __future__ import annotations

import mimetypes
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

import javascript
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Route

PAGES: Final = Path(__file__).parent / "pages"
LIBRARIES: Final = javascript.NODE / "node_modules"
CHROMIUM: Final = "chromium"
FOLDER: Final = "/-/"
ELSEWHERE: Final = "http://centre.test"
"""An origin of another service's: nobody is asked for it."""

FLAGS: Final = (
    "--no-sandbox",  # a container's root has none
    "--use-angle=swiftshader",  # WebGL by the processor
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    # Nothing is asked of anybody but the service.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
PATIENCE_MS: Final = 120_000
"""Longer than any page needs; what takes that long hangs."""

mimetypes.add_type("text/javascript", ".mjs")


@cache
def lack() -> str | None:
    """Say what is missing here for a browser, with the line to type; None when nothing is."""
    if shutil.which(CHROMIUM) is None:
        return "no browser is installed here: scripts/need chromium fonts-wqy-microhei"
    if not (LIBRARIES / "maplibre-gl").is_dir():
        return "the map libraries are not installed here: scripts/node"
    return None


def need() -> None:
    """Skip the test that asks where there is no browser, or nothing to show in it."""
    if (reason := lack()) is not None:
        pytest.skip(reason)


@dataclass
class Seen:
    """What a page did: the hosts and addresses that it asked, what its console said, what went wrong."""

    asked: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def hosts(self) -> set[str]:
        """Everybody that was asked for something."""
        return {urlsplit(address).netloc for address in self.asked if address.startswith("http")}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = shutil.which(CHROMIUM)
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def shown(
    browser: Browser,
    server: str,
    name: str,
    size: tuple[int, int] = (1280, 720),
    origin: str | None = None,
    **query: Any,
) -> Iterator[tuple[Page, Seen]]:
    """A page of ours, drawn to its end; its origin is the service's unless another one is given."""
    seen = Seen()
    origin = origin or server
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, service_workers="block")
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: seen.asked.append(request.url))
        page.on("console", lambda message: seen.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: seen.faults.append(str(error)))
        page.on("requestfailed", lambda request: seen.faults.append(f"{request.url}: {request.failure}"))
        context.route(f"{origin}{FOLDER}**", _answer)
        page.goto(f"{origin}{FOLDER}{name}?{urlencode({'server': server, **query}, safe=',:/')}")
        page.wait_for_function("window.drawn !== undefined")
        page.evaluate("window.drawn")
        yield page, seen
    finally:
        context.close()


def _answer(route: Route) -> None:
    """A file of ours or of a library, as the address below the folder names it."""
    path = urlsplit(route.request.url).path.removeprefix(FOLDER)
    file = LIBRARIES / path.removeprefix("lib/") if path.startswith("lib/") else PAGES / path
    if not file.is_file():
        route.fulfill(status=404)
        return
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    route.fulfill(body=file.read_bytes(), headers={"Content-Type": f"{kind}; charset=utf-8"})
