"""The operator's own base map under the grids, from another server, in a real browser."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from PIL import Image
from served import served
from viewing import MONUMENT, clean, idle, opened, page_browser, until

from gridmap.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

ORANGE = (255, 128, 0)
"""No colour of ours: where the canvas has it, the base map is seen."""

TILE = re.compile(r"/(xyz/\d+/\d+/\d+\.png|wmts\?.*TILEMATRIX=\d+&TILEROW=\d+&TILECOL=\d+)")

ORANGE_AT = """([lon, lat]) => {
  const {map} = window.gridmapView;
  return new Promise((done) => {
    map.once("render", () => {
      const canvas = map.getCanvas();
      const copy = document.createElement("canvas");
      copy.width = canvas.width;
      copy.height = canvas.height;
      const ink = copy.getContext("2d");
      ink.drawImage(canvas, 0, 0);
      const {x, y} = map.project([lon, lat]);
      const scale = canvas.width / canvas.clientWidth;
      const [red, green, blue] = ink.getImageData(x * scale, y * scale, 1, 1).data;
      done(red > 200 && red > green && green > blue);
    });
    map.triggerRepaint();
  });
}"""
JUMP = "([lon, lat, zoom]) => { window.gridmapView.map.jumpTo({center: [lon, lat], zoom, pitch: 0}) }"
DRAWN = """(layer) => {
  const {map} = window.gridmapView;
  return Boolean(map.getLayer(layer)) && map.queryRenderedFeatures({layers: [layer]}).length > 0;
}"""
OUTSIDE = (106.20, 29.40)
"""A place beyond the district, where nothing of ours is drawn but the ground."""


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    with page_browser() as running:
        yield running


@contextmanager
def hosted(files: dict[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """Serve tiles of one colour, and files in ranges; the address, and the paths that were asked for."""
    asked: list[str] = []
    drawn = io.BytesIO()
    Image.new("RGB", (256, 256), ORANGE).save(drawn, "PNG")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            body, status = files.get(self.path), 200
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if TILE.fullmatch(self.path):
                body = drawn.getvalue()
            elif body is not None and found:
                body, status = body[int(found[1]) : int(found[2]) + 1], 206
            self.send_response(404 if body is None else status)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "template",
    [
        "/xyz/{z}/{x}/{y}.png",
        "/wmts?LAYER=img&TILEMATRIX={TileMatrix}&TILEROW={TileRow}&TILECOL={TileCol}",
    ],
)
def test_pictures_of_another_server_lie_under_the_grids(
    browser: Browser, yuzhong: Path, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hosted({}) as (host, asked):
        monkeypatch.setenv("GRIDMAP_BASE_MAP", host + template)
        monkeypatch.setenv("GRIDMAP_BASE_MAP_CREDIT", "测绘院")
        with served(yuzhong) as server, opened(browser, f"{server}/view?theme=light") as (page, seen):
            page.evaluate(JUMP, [*OUTSIDE, 11])
            until(page, ORANGE_AT, list(OUTSIDE))
            assert all(TILE.fullmatch(path) for path in asked)
            assert "测绘院" in page.inner_text(".maplibregl-ctrl-attrib")
            clean(seen, server, host)


def test_an_archive_of_vectors_on_another_server_is_drawn_in_lines(
    browser: Browser, yuzhong: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "base.pmtiles"
    done = CliRunner().invoke(main, ["tiles", "archive", str(out), "--home", str(yuzhong), "--zooms", "8-12"])
    assert done.exit_code == 0, done.output
    with hosted({"/base.pmtiles": out.read_bytes()}) as (host, asked):
        monkeypatch.setenv("GRIDMAP_BASE_MAP", f"{host}/base.pmtiles")
        with served(yuzhong) as server, opened(browser, f"{server}/view") as (page, seen):
            page.evaluate(JUMP, [*MONUMENT, 12])
            until(page, DRAWN, "base-community-line")
            page.click("#theme")
            until(page, "() => document.documentElement.dataset.theme === 'light'")
            idle(page)
            until(page, DRAWN, "base-community-line")
            assert set(asked) == {"/base.pmtiles"}
            clean(seen, server, host)


def test_a_base_map_that_is_away_is_told_and_the_grids_are_there(
    browser: Browser, yuzhong: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hosted({}) as (host, _):
        monkeypatch.setenv("GRIDMAP_BASE_MAP", f"{host}/none.pmtiles")
        with served(yuzhong) as server, opened(browser, f"{server}/view?area=500103") as (page, seen):
            page.wait_for_selector(".toast.grave")
            assert "底图无法读取" in page.inner_text("#toasts")
            until(page, DRAWN, "town-line")
            assert seen.faults == []
