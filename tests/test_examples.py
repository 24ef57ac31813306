"""The lines of the page /examples, run for real: by a shell with curl, by Python, by Node.js."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from checked import Checked
from frontdoor import front_door
from webtown import make_twin

from gridmap.twin import Twin
from tiles.gallery import Gallery
from tiles.web import (
    attachments,
    buildings,
    cards,
    classes,
    devices,
    events,
    ogc,
    ogc_collections,
    ogc_items,
    ogc_tiles,
    open311,
    orders,
    overlays,
    overview,
    replay,
    search,
    view,
)
from tiles.web.app import create_app, routes
from tiles.web.examples import EXAMPLES, PYTHON_FIRST, SERVICE
from tiles.web.fast import Fast
from tiles.web.live import routes as live
from tiles.web.tiling import Upkeep

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
OGC = (ogc, ogc_collections, ogc_items, ogc_tiles)
"""Whose clients know how to ask."""
HAPPENING = (attachments, devices, events, live, open311, orders, overlays, overview, replay)
"""What programs tell and follow; the client has no words for it yet, the README has lines for curl."""
ASKED_BY_THE_PAGE = (buildings, cards, classes, search, view)
"""What the page asks; others may too, the API page shows how."""
NAMES = [f"{at}-{example.operation}" for at, example in enumerate(EXAMPLES)]


@pytest.fixture(name="service", scope="module")
def _service(yuzhong: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("examples") / "home"
    shutil.copytree(yuzhong, home)  # the ladders of tiles are kept in it
    twin = Twin.open(home)
    tiling = Upkeep().tiling(Gallery(twin, home))
    app = create_app(twin, tiling)
    with front_door(app=app, fast=Fast(twin, tiling), body_limits=app.body_limits) as door:
        yield f"http://127.0.0.1:{door.port}"
    twin.close()


def run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "problems#" not in done.stdout, done.stdout
    return done.stdout.strip()


@pytest.mark.parametrize("example", EXAMPLES, ids=NAMES)
def test_the_curl_lines_work(example: object, service: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not here")
    line: str = example.curl  # type: ignore[attr-defined]  # an Example
    assert line.count(SERVICE) == 1
    assert run(
        [
            "sh",
            "-c",
            line.replace("curl ", "curl --silent --show-error --noproxy '*' ").replace(SERVICE, service),
        ],
        tmp_path,
    )


def test_the_python_lines_work(service: str, tmp_path: Path) -> None:
    first = PYTHON_FIRST.replace(SERVICE, service)
    lines = "\n".join(example.python for example in EXAMPLES)
    environment = {"PYTHONPATH": ":".join([str(ROOT), *sys.path]), "NO_PROXY": "*", "PYTHONUTF8": "1"}
    out = run([sys.executable, "-c", f"{first}\n{lines}\ncity.close()"], tmp_path, environment)
    assert "渝中区" in out
    assert len(out.splitlines()) >= len(EXAMPLES)


def test_the_javascript_lines_work(service: str, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not here")
    lines = "\n".join(example.javascript for example in EXAMPLES).replace(SERVICE, service)
    (tmp_path / "lines.mjs").write_text(lines, encoding="utf-8")
    out = run([node, "lines.mjs"], tmp_path)
    assert "渝中区" in out
    assert "undefined" not in out


def test_every_question_has_its_lines() -> None:
    asked = {example.operation for example in EXAMPLES}
    documented = {route.name for route in routes() if route.responses is not None}
    others = {route.name for part in (*OGC, *HAPPENING, *ASKED_BY_THE_PAGE) for route in part.ROUTES}
    assert asked == documented - others - {"healthz", "readyz"}


def test_the_page_shows_them() -> None:
    page = Checked(make_twin()).ask("/examples").get_data(as_text=True)
    for example in EXAMPLES:
        assert example.zh in page
        assert example.en in page
    assert page.count("<pre>") == 3 * len(EXAMPLES) + 1
