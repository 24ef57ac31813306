"""Chromium for tests and pictures: pages of ours with map libraries, drawn without screen or graphics card.

The pages lie in `tests/pages`, the libraries in `.venv/node`. To a page of the service's own origin they are
given at the service's address below `/-/`, by the browser, so that nothing is opened in the service for it;
to a page of another origin by a server of their own (`elsewhere`).
"""

from __future__ import annotations

import mimetypes
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

import javascript
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser, Page, Route

PAGES: Final = Path(__file__).parent / "pages"
LIBRARIES: Final = javascript.NODE / "node_modules"
CHROMIUM: Final = "chromium"
FOLDER: Final = "/-/"

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
PATIENCE_MS: Final = 60_000
"""Longer than any page needs; what takes that long hangs."""

mimetypes.add_type("text/javascript", ".mjs")


@cache
def lack() -> str | None:
    """Say what is missing here for a browser, with the line to type; None when nothing is."""
    if shutil.which(CHROMIUM) is None:
        return "no browser is installed here: scripts/need chromium fonts-wqy-microhei"
    if find_spec("playwright") is None:
        return "playwright is not installed here: scripts/setup"
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
    query: Mapping[str, object],
    size: tuple[int, int] = (1280, 720),
    origin: str | None = None,
) -> Iterator[tuple[Page, Seen]]:
    """A page of ours, drawn to its end; its origin is the service's unless another one is given."""
    from playwright.sync_api import Error

    seen = Seen()
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, service_workers="block")
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: seen.asked.append(request.url))
        page.on("console", lambda message: seen.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: seen.faults.append(str(error)))
        page.on("requestfailed", lambda request: seen.faults.append(f"{request.url}: {request.failure}"))
        context.route(f"{server}{FOLDER}**", _answer)
        words = urlencode({"server": server, **query}, safe=",:/")
        try:
            page.goto(f"{origin or server}{FOLDER}{name}?{words}")
            page.wait_for_function("window.drawn")
        except Error as error:
            raise AssertionError(f"{name} was not drawn: {error}; {seen.faults}; {seen.console}") from error
        yield page, seen
    finally:
        context.close()


@contextmanager
def elsewhere() -> Iterator[str]:
    """Another origin that has our pages: a server on a port of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Pages(BaseHTTPRequestHandler):
    """Gives the files of the pages."""

    def do_GET(self) -> None:
        file = _file(urlsplit(self.path).path)
        self.send_response(404 if file is None else 200)
        body = b"" if file is None else file.read_bytes()
        if file is not None:
            self.send_header("Content-Type", _kind(file))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_said: object) -> None:
        """Say nothing."""


def _answer(route: Route) -> None:
    file = _file(urlsplit(route.request.url).path)
    if file is None:
        route.fulfill(status=404)
    else:
        route.fulfill(body=file.read_bytes(), headers={"Content-Type": _kind(file)})


def _file(path: str) -> Path | None:
    """The file of ours or of a library that an address below the folder names."""
    path = path.removeprefix(FOLDER)
    file = LIBRARIES / path.removeprefix("lib/") if path.startswith("lib/") else PAGES / path
    return file if file.is_file() else None


def _kind(file: Path) -> str:
    return f"{mimetypes.guess_type(file.name)[0] or 'application/octet-stream'}; charset=utf-8"
