"""`GET /locate` beside nginx with a static file of the same size, and a million points as Arrow.

`scripts/bench http [HOME]`. Both servers run alone, one after the other in each round, on the first core; wrk
loads them from the second. CPU is what the server's process used for each request: it does not move with the
neighbours of a shared machine as the rates do. The city is that of a home, or Toytown without one. Needs
nginx-light and wrk, which are installed with apt as root.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
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
    from webtown import make_twin
    serve_loaded(make_twin, "127.0.0.1", 0, Limits())
"""

NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=10;
  default_type application/json;
  server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""

RANDOM_POINTS = """
math.randomseed(1)
request = function()
  local lon = {west} + math.random() * {width}
  local lat = {south} + math.random() * {height}
  return wrk.format("GET", string.format("/locate?lon=%.7f&lat=%.7f&crs=wgs84", lon, lat))
end
"""


class Load(NamedTuple):
    """What wrk found: requests a second, microseconds of the server's CPU for each, the slowest in 100."""

    rate: float
    cpu_us: float
    p99: str


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def cpu_seconds(process: int) -> float:
    """User and system time of a process and its children."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        values = text.rpartition(")")[2].split()
        if int(stat.parent.name) == process or int(values[1]) == process:
            total += int(values[11]) + int(values[12])
    return total / os.sysconf("SC_CLK_TCK")


def wrk(process: int, url: str, script: Path | None = None) -> Load:
    """Load a server from the second core."""
    more = ["-s", str(script)] if script else []
    before = cpu_seconds(process)
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{CLIENTS}", f"-d{SECONDS}s", "--latency", *more, url]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(process) - before
    found = {name: re.search(text, out) for name, text in _TOLD.items()}
    if found["bad"] or not all(found[name] for name in ("rate", "count", "p99")):
        raise SystemExit(f"wrk was not answered well:\n{out}")
    rate, count, p99 = (found[name][1] for name in ("rate", "count", "p99"))  # type: ignore[index]  # seen above
    return Load(float(rate), 1e6 * used / int(count), p99)


_TOLD = {
    "rate": r"Requests/sec:\s+([\d.]+)",
    "count": r"(\d+) requests in",
    "p99": r"(?m)^\s+99%\s+(\S+)",
    "bad": r"Non-2xx|Socket errors",
}


@contextmanager
def running(command: list[str], **options: object) -> Iterator[subprocess.Popen[str]]:
    """A server on the first core, ended by SIGTERM."""
    process = subprocess.Popen(["taskset", "-c", "0", *command], text=True, **options)  # type: ignore[call-overload]
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@contextmanager
def ours(home: str | None) -> Iterator[tuple[int, int]]:
    """Our server: its process and port."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-c", SERVE, *([home] if home else [])]
    with running(command, stdout=subprocess.PIPE, env=environment) as process:
        line = process.stdout.readline() if process.stdout else ""
        say(line.strip())
        yield process.pid, int(line.rpartition(":")[2].strip().rstrip("/"))


@contextmanager
def nginx(body: bytes) -> Iterator[tuple[int, int]]:
    """An nginx with one file: its process and port."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), 18_999
        folder.chmod(0o755)  # the worker is another user's
        (folder / "locate").write_bytes(body)
        (folder / "conf").write_text(NGINX.format(folder=folder, port=port))
        with running(["nginx", "-c", str(folder / "conf")], stderr=subprocess.DEVNULL) as process:
            for _ in range(100):
                try:
                    ask(port, "/locate")
                    break
                except OSError:
                    time.sleep(0.05)
            yield process.pid, port


def ask(port: int, path: str, method: str = "GET", body: bytes | None = None, kind: str = "") -> bytes:
    """One request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, {"Content-Type": kind} if kind else {})
    reply = connection.getresponse()
    found = reply.read()
    connection.close()
    if reply.status != 200:
        raise SystemExit(f"{method} {path}: {reply.status} {found[:500]!r}")
    return found


def row(name: str, loads: list[Load], peer: float | None = None) -> float:
    """Print the medians of some loads; gives the rate."""
    rate = statistics.median(each.rate for each in loads)
    cpu_us = statistics.median(each.cpu_us for each in loads)
    ratio = "" if peer is None else f"{rate / peer:10.2f}"
    say(f"{name:34}{rate:10,.0f}{cpu_us:12.1f}{loads[-1].p99:>12}{ratio}")
    return rate


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
    for program, package in (("nginx", "nginx-light"), ("wrk", "wrk")):
        if shutil.which(program) is None:
            subprocess.run([str(ROOT / "scripts" / "need"), package], check=True)
    with ours(home) as (process, port):
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
        plain: list[Load] = []
        spread: list[Load] = []
        static: list[Load] = []
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "points.lua"
            size = {"width": east - west, "height": north - south}
            script.write_text(RANDOM_POINTS.format(west=west, south=south, **size))
            for _ in range(ROUNDS):
                with nginx(body) as (peer, peer_port):
                    static.append(wrk(peer, f"http://127.0.0.1:{peer_port}/locate"))
                plain.append(wrk(process, url))
                spread.append(wrk(process, url, script))
        say(
            f"\n{len(body)} bytes of body, {CLIENTS} connections, medians of {ROUNDS} rounds of {SECONDS} s\n"
        )
        say(f"{'':34}{'requests/s':>10}{'CPU us':>12}{'p99':>12}{'of nginx':>10}")
        peer_rate = row("nginx, a static file", static)
        row("GET /locate, one point", plain, peer_rate)
        row("GET /locate, random points", spread, peer_rate)
        batches(port, west, south, east, north)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
