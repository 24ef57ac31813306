"""`GET /locate` beside nginx with a static file of the same size, and a million points as Arrow.

`scripts/bench http [HOME]`. Both servers run alone, one after the other in each round (`tests/wrk.py`). The
city is that of a home, or Toytown without one.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from wrk import Effort, Load, ask, head, need, nginx, ours, row, say, wrk

ROUNDS = 3
SECONDS = 4
CLIENTS = 32
POINTS = 1_000_000

SERVE = """
import sys
from pathlib import Path
from tiles.web.limits import Limits
from tiles.web.server import serve, serve_loaded
if len(sys.argv) > 1:
    serve(Path(sys.argv[1]), port=0)
else:
    from tiletown import make_tiling
    from webtown import make_twin
    twin = make_twin()
    serve_loaded(lambda: (twin, make_tiling(twin)), "127.0.0.1", 0, Limits())
"""

RANDOM_POINTS = """
math.randomseed(1)
request = function()
  local lon = {west} + math.random() * {width}
  local lat = {south} + math.random() * {height}
  return wrk.format("GET", string.format("/locate?lon=%.7f&lat=%.7f&crs=wgs84", lon, lat))
end
"""


def batches(port: int, west: float, south: float, east: float, north: float) -> None:
    """A million points as an Arrow stream, there and back over one connection."""
    places = np.random.default_rng(1).uniform((west, south), (east, north), (POINTS, 2))
    table = pa.table({"lon": places[:, 0].copy(), "lat": places[:, 1].copy()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    body = sink.getvalue().to_pybytes()
    times = []
    for _ in range(7):
        begin = time.perf_counter()
        found = ask(port, "/locate?crs=wgs84", "POST", body, "application/vnd.apache.arrow.stream")
        times.append(time.perf_counter() - begin)
    rows = pa.ipc.open_stream(found).read_all().num_rows
    say(
        f"\n{rows:,} points as Arrow, {len(body) / 1e6:.0f} MB there, {len(found) / 1e6:.0f} MB back:"
        f" first {times[0]:.2f} s, median {statistics.median(times):.2f} s, best {min(times):.2f} s"
    )


def main(home: str | None) -> None:
    """Print the table."""
    need()
    with ours(SERVE, [home] if home else []) as (process, port):
        found = ask(port, "/areas").decode()
        code = re.search(r'"code":"([^"]+)"', found)
        feature = ask(port, f"/areas/{code[1]}?f=geojson").decode() if code else ""
        box = re.search(r'"bbox":\[([^]]+)\]', feature)
        if box is None:
            raise SystemExit("the city has no area with a shape")
        west, south, east, north = (float(each) for each in box[1].split(","))
        path = f"/locate?lon={(west + east) / 2:.6f}&lat={(south + north) / 2:.6f}&crs=wgs84"
        body = ask(port, path)
        ask(port, path.replace("/locate", "/nearby"))  # waits until what stands in the city is read
        url = f"http://127.0.0.1:{port}{path}"
        effort = Effort(CLIENTS, SECONDS)
        plain: list[Load] = []
        spread: list[Load] = []
        static: list[Load] = []
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "points.lua"
            size = {"width": east - west, "height": north - south}
            script.write_text(RANDOM_POINTS.format(west=west, south=south, **size))
            for _ in range(ROUNDS):
                with nginx("locate", body) as (peer, peer_port):
                    static.append(wrk(peer, f"http://127.0.0.1:{peer_port}/locate", effort))
                plain.append(wrk(process, url, effort))
                spread.append(wrk(process, url, effort, script))
        say(
            f"\n{len(body)} bytes of body, {CLIENTS} connections, medians of {ROUNDS} rounds of {SECONDS} s\n"
        )
        head()
        peer_rate = row("nginx, a static file", static)
        row("GET /locate, one point", plain, peer_rate)
        row("GET /locate, random points", spread, peer_rate)
        batches(port, west, south, east, north)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
