"""A service in a process of its own takes over what is published beside it, on one connection that stays."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from webtown import HOLED, place

from gridmap.publishing import load_areas

ROOT = Path(__file__).parent.parent
TOYTOWN = ROOT / "data" / "toytown" / "toytown.geojson"
PATIENCE_S = 60
"""Longer than any machine needs; what takes that long hangs."""

SERVE = "from gridmap.cli import main; main()"


def renamed(path: Path, name: str) -> Path:
    """Toytown with another name for one grid."""
    document: dict[str, Any] = json.loads(TOYTOWN.read_text(encoding="utf-8"))
    for feature in document["features"]:
        if feature["properties"]["code"] == HOLED:
            feature["properties"]["name"] = name
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_published_edition_is_taken_over_while_others_ask(tmp_path: Path) -> None:
    home = tmp_path / "home"
    load_areas(TOYTOWN, home, keep=False, author="me")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    process = subprocess.Popen(
        [
            sys.executable,
            "-X",
            "faulthandler",
            "-W",
            "error",
            "-c",
            SERVE,
            "serve",
            "--home",
            str(home),
            "--port",
            "0",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2].strip().rstrip("/"))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        lon, lat = place(0.5, 3.5)

        def ask(more: str = "") -> dict[str, Any]:
            connection.request("GET", f"/locate?lon={lon}&lat={lat}&crs=wgs84{more}")
            found: dict[str, Any] = json.loads(connection.getresponse().read())
            return found

        first = ask()
        assert (first["code"], first["edition"]) == (HOLED, 1)
        load_areas(renamed(tmp_path / "next.geojson", "新网格"), home, keep=False, author="me")
        begin = time.monotonic()
        while (found := ask())["edition"] == 1:  # the fast path ...
            assert found == first
            assert time.monotonic() - begin < PATIENCE_S
        assert (found["name"], found["edition"]) == ("新网格", 2)
        assert ask("&level=grid") == found  # ... and the app
        connection.request("GET", "/nearby?lon=106.5&lat=29.5&crs=wgs84")
        assert json.loads(connection.getresponse().read())["edition"] == 2
        connection.close()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, errors) == (0, "")
    finally:
        process.kill()
        process.communicate()
