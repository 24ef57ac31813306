"""What a benchmark of HTTP needs: a server alone on the first core, wrk (github.com/wg/wrk) on the second.

nginx-light and wrk are installed with apt as root. CPU is what the server's process used for each request: it
does not move with the neighbours of a shared machine as the rates do.
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

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parent.parent

NGINX = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=10;
  default_type application/json;
  server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""


class Effort(NamedTuple):
    """How a server is loaded: connections, and for how long."""

    clients: int
    seconds: int


class Load(NamedTuple):
    """What wrk found: requests a second, microseconds of the server's CPU for each, the slowest in 100."""

    rate: float
    cpu_us: float
    p99: str


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def need() -> None:
    """Install nginx and wrk where they are missing."""
    for program, package in (("nginx", "nginx-light"), ("wrk", "wrk")):
        if shutil.which(program) is None:
            subprocess.run([str(ROOT / "scripts" / "need"), package], check=True)


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


def wrk(process: int, url: str, effort: Effort, script: Path | None = None, header: str = "") -> Load:
    """Load a server from the second core, by one address or by a script's."""
    more = [*(["-s", str(script)] if script else []), *(["-H", header] if header else [])]
    before = cpu_seconds(process)
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{effort.clients}", f"-d{effort.seconds}s"]
    out = subprocess.run(
        [*command, "--latency", *more, url], capture_output=True, text=True, check=True
    ).stdout
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
def ours(code: str, arguments: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Our server, started by Python code that says its line: its process and port."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-c", code, *arguments]
    with running(command, stdout=subprocess.PIPE, env=environment) as process:
        line = process.stdout.readline() if process.stdout else ""
        say(line.strip())
        yield process.pid, int(line.rpartition(":")[2].strip().rstrip("/"))


@contextmanager
def nginx(name: str, body: bytes) -> Iterator[tuple[int, int]]:
    """An nginx with one file: its process and port."""
    with tempfile.TemporaryDirectory() as place:
        folder, port = Path(place), 18_999
        folder.chmod(0o755)  # the worker is another user's
        (folder / name).write_bytes(body)
        (folder / "conf").write_text(NGINX.format(folder=folder, port=port))
        with running(["nginx", "-c", str(folder / "conf")], stderr=subprocess.DEVNULL) as process:
            for _ in range(100):
                try:
                    ask(port, f"/{name}")
                    break
                except OSError:
                    time.sleep(0.05)
            yield process.pid, port


def ask(port: int, path: str, method: str = "GET", body: bytes | None = None, kind: str = "") -> bytes:
    """One request; 204 is as good as 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, {"Content-Type": kind} if kind else {})
    reply = connection.getresponse()
    found = reply.read()
    connection.close()
    if reply.status not in (200, 204):
        raise SystemExit(f"{method} {path}: {reply.status} {found[:500]!r}")
    return found


def row(name: str, loads: list[Load], peer: float | None = None) -> float:
    """Print the medians of some loads; gives the rate."""
    rate = statistics.median(each.rate for each in loads)
    cpu_us = statistics.median(each.cpu_us for each in loads)
    ratio = "" if peer is None else f"{rate / peer:10.2f}"
    say(f"{name:40}{rate:10,.0f}{cpu_us:12.1f}{loads[-1].p99:>12}{ratio}")
    return rate


def head() -> None:
    """Print the line above the rows."""
    say(f"{'':40}{'requests/s':>10}{'CPU us':>12}{'p99':>12}{'of nginx':>10}")
