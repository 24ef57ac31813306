"""Events coming in: single ones and batches, durable on SQLite; on a slow disk; a real month of outages.

`scripts/bench ingest [HOME]`. The server runs alone on the first core, what loads it on the second
(`tests/wrk.py`). Every answer means that the event is on disk. Without a home the city is Toytown; a home is
copied first. The slow disk is `tests/fsync_shim.c`: each fsync takes 5 ms longer. The yardstick is what the
disk does: 4 kB appended and synced, one after the other.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import outages
from click.testing import CliRunner
from torture_disk import build_shim
from wrk import ask, cpu_seconds, need, ours, say

from gridmap.cli import main as gridmap

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 3
SECONDS = 4
CLIENTS = 16
SLOWER_US = 5_000
BATCH = 100_000
PATIENCE_S = 900
TOYTOWN = Path(__file__).parents[2] / "data" / "toytown" / "toytown.geojson"
NDJSON = "application/x-ndjson"

SERVE = """
import sys
from gridmap.cli import main
main(["serve", "--home", sys.argv[1], "--port", "0"])
"""

SINGLE = """
local count = 0
math.randomseed({seed})
request = function()
  count = count + 1
  local body = string.format('{{"id":"{prefix}-%d","source":"12345","class":"城市管理","urgency":"yellow",'
    .. '"title":"井盖破损","lon":%.7f,"lat":%.7f,"crs":"wgs84","occurred_at":"2026-05-01T08:00:00+08:00"}}',
    count, {west} + math.random() * {width}, {south} + math.random() * {height})
  return wrk.format("POST", "/events", {{ ["Content-Type"] = "application/json" }}, body)
end
"""


class Load(NamedTuple):
    """What was found: events a second, microseconds of the server's CPU for each, two of the latencies."""

    rate: float
    cpu_us: float
    p50: str
    p99: str


class City(NamedTuple):
    """A home of its own that is served, and where its points are."""

    home: Path
    box: tuple[float, float, float, float]


def city_of(home: str | None, folder: Path) -> City:
    """A home to write to: a copy, or Toytown."""
    out = folder / "home"
    if home is not None:
        shutil.copytree(home, out)
    elif (done := CliRunner().invoke(gridmap, ["load", str(TOYTOWN), "--home", str(out)])).exit_code:
        raise SystemExit(done.output)
    with ours(SERVE, [str(out)]) as (_, port):
        areas = json.loads(ask(port, "/areas"))["areas"]
        shapes = [json.loads(ask(port, f"/areas/{each['code']}?f=geojson")) for each in areas]
    boxes = [each["bbox"] for each in shapes]
    west, south = (min(box[place] for box in boxes) for place in (0, 1))
    east, north = (max(box[place] for box in boxes) for place in (2, 3))
    return City(out, (west, south, east, north))


@contextmanager
def fresh(city: City, shim: Path | None = None) -> Iterator[tuple[int, int, Path]]:
    """A server on a copy of the city, alone on its core; with a shim its syncs are slow."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ends:
        home = Path(folder) / "home"
        shutil.copytree(city.home, home)
        more = {"LD_PRELOAD": str(shim), "GRIDMAP_FSYNC_DELAY_US": str(SLOWER_US)} if shim else {}
        before = dict(os.environ)
        os.environ.update(more)  # `ours` hands on what is there
        process, port = ends.enter_context(ours(SERVE, [str(home)]))
        os.environ.clear()
        os.environ.update(before)
        ask(port, "/values/grid/devices")  # waits until what stands in the city is read
        yield process, port, home / "gridmap.sqlite"


def wrk(process: int, port: int, script: Path) -> tuple[Load, int]:
    """Load a server with single events; also gives how many were acknowledged."""
    before = cpu_seconds(process)
    url = f"http://127.0.0.1:{port}/events"
    command = [
        "taskset",
        "-c",
        "1",
        "wrk",
        "-t1",
        f"-c{CLIENTS}",
        f"-d{SECONDS}s",
        "--latency",
        "-s",
        str(script),
    ]
    out = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(process) - before
    found = [re.search(text, out) for text in _TOLD]
    if "Non-2xx" in out or "Socket errors" in out or not all(found):
        raise SystemExit(f"wrk was not answered well:\n{out}")
    rate, count, p50, p99 = (each[1] for each in found if each)
    return Load(float(rate), 1e6 * used / int(count), p50, p99), int(count)


_TOLD = (r"Requests/sec:\s+([\d.]+)", r"(\d+) requests in", r"(?m)^\s+50%\s+(\S+)", r"(?m)^\s+99%\s+(\S+)")


def singles(city: City, shim: Path | None, name: str) -> None:
    """Single events from 16 clients, in rounds on one home."""
    west, south, east, north = city.box
    loads, acknowledged = [], 0
    with fresh(city, shim) as (process, port, database):
        for number in range(ROUNDS):
            script = database.with_name("events.lua")
            box = {"west": west, "south": south, "width": east - west, "height": north - south}
            script.write_text(SINGLE.format(seed=number, prefix=f"r{number}", **box), encoding="utf-8")
            load, count = wrk(process, port, script)
            loads.append(load)
            acknowledged += count
        kept = events_in(database)
    if kept < acknowledged:
        raise SystemExit(f"{acknowledged:,} events were acknowledged, {kept:,} are there")
    rate, cpu_us = (
        statistics.median(each.rate for each in loads),
        statistics.median(each.cpu_us for each in loads),
    )
    row(name, rate, f"{cpu_us:.0f} us", loads[-1].p50, loads[-1].p99)


def events_in(database: Path) -> int:
    """Events in the log."""
    with closing(sqlite3.connect(database)) as connection:
        found: int = connection.execute("SELECT count(*) FROM log WHERE kind = 'event'").fetchone()[0]
        return found


def batch(city: City) -> None:
    """100,000 lines in one request, each with its place in the city's box."""
    west, south, east, north = city.box
    lines = []
    for number in range(BATCH):
        lon = west + (east - west) * (number * 0.618033988 % 1)
        lat = south + (north - south) * (number * 0.754877666 % 1)
        said = {"id": f"b-{number}", "source": "12345", "class": "城市管理", "title": "井盖破损"}
        said |= {"urgency": "yellow", "occurred_at": "2026-05-01T08:00:00+08:00"}
        lines.append(
            json.dumps(
                said | {"lon": round(lon, 7), "lat": round(lat, 7), "crs": "wgs84"}, ensure_ascii=False
            )
        )
    body = "\n".join(lines).encode()
    rates, cpus, caught = [], [], []
    for _ in range(ROUNDS):
        with fresh(city) as (process, port, database):
            before, begin = cpu_seconds(process), time.perf_counter()
            said = json.loads(ask(port, "/events", "POST", body, NDJSON))
            rates.append(BATCH / (time.perf_counter() - begin))
            cpus.append(1e6 * (cpu_seconds(process) - before) / BATCH)
            if said["accepted"] != BATCH:
                raise SystemExit(f"{said['accepted']:,} of {BATCH:,} were accepted")
            caught.append(keeper_rate(database, begin))
            placed = placed_in(database)
    row(
        f"{BATCH:,} lines, {len(body) / BATCH:.0f} bytes each",
        statistics.median(rates),
        f"{statistics.median(cpus):.0f} us",
    )
    say(
        f"{placed:,} of them are in a grid; what is open was made of all of them at "
        f"{statistics.median(caught):,.0f} a second"
    )


def placed_in(database: Path) -> int:
    """Events with a grid."""
    with closing(sqlite3.connect(database)) as connection:
        query = """SELECT count(*) FROM log WHERE kind = 'event' AND instr(body, '"code":null') = 0"""
        found: int = connection.execute(query).fetchone()[0]
        return found


def keeper_rate(database: Path, begin: float) -> float:
    """Events a second, from the beginning until what is open is made of all of them."""
    with closing(sqlite3.connect(database)) as connection:
        while True:
            done, head = connection.execute(
                "SELECT (SELECT seq FROM checkpoints WHERE name = 'keeper'), (SELECT max(seq) FROM log)"
            ).fetchone()
            seconds = time.perf_counter() - begin
            if done == head:
                return events_in(database) / seconds
            if seconds > PATIENCE_S:
                raise SystemExit(f"the keeper is at {done} of {head} after {seconds:.0f} s")
            time.sleep(0.05)


def month(city: City) -> None:
    """All real events in bodies of 20,000 lines, and what is open in the end beside a plain replay."""
    rows = outages.real_rows()
    lines = [*outages.lines(rows)]
    with fresh(city) as (process, port, database):
        before, begin = cpu_seconds(process), time.perf_counter()
        for place in range(0, len(lines), 20_000):
            body = "\n".join(lines[place : place + 20_000]).encode()
            said = json.loads(ask(port, "/events", "POST", body, NDJSON))
            if said["rejected_count"]:
                raise SystemExit(f"rejected: {said['rejected'][:3]}")
        rate = len(lines) / (time.perf_counter() - begin)
        cpu_us = 1e6 * (cpu_seconds(process) - before) / len(lines)
        caught = keeper_rate(database, begin)
        found, expected = open_in(database), outages.replay(rows)
    row(f"{len(lines):,} outages, 20,000 at a time", rate, f"{cpu_us:.0f} us")
    if found != expected:
        raise SystemExit(f"{len(found):,} outages are open, a plain replay finds {len(expected):,}")
    say(
        f"{len(found):,} are open, as by a plain replay, with the last event and place of each; "
        f"made at {caught:,.0f} a second"
    )


def open_in(database: Path) -> dict[str, tuple[str, str]]:
    """What is open, by subject: the ids of its last event and of the last that said a place."""
    with closing(sqlite3.connect(database)) as connection:
        ids: dict[int, str] = {}
        placed: dict[str, str] = {}
        for seq, body in connection.execute("SELECT seq, body FROM log WHERE kind = 'event' ORDER BY seq"):
            said: dict[str, Any] = json.loads(body)
            ids[seq] = said["id"]
            if "at" in said:
                placed[said["subject"]] = said["id"]
        out = {}
        for thing, seq, body in connection.execute("SELECT thing, seq, body FROM situations WHERE is_open"):
            name = thing.partition("/")[2]
            out[name] = ids[seq], placed.get(name, "") if "at" in json.loads(body) else ""
        return out


def yardstick() -> float:
    """How often a second the disk takes 4 kB for good."""
    with tempfile.TemporaryDirectory() as folder:
        handle = os.open(Path(folder) / "x", os.O_WRONLY | os.O_CREAT)
        begin, count = time.perf_counter(), 0
        while time.perf_counter() - begin < 1:
            os.write(handle, b"x" * 4096)
            os.fdatasync(handle)
            count += 1
        os.close(handle)
        return count / (time.perf_counter() - begin)


def row(name: str, rate: float, cpu: str = "", p50: str = "", p99: str = "") -> None:
    """Print a line of the table."""
    say(f"{name:44}{rate:10,.0f}{cpu:>12}{p50:>10}{p99:>10}")


def main(home: str | None) -> None:
    """Print the table."""
    need()
    with tempfile.TemporaryDirectory() as folder:
        shim = build_shim(Path(folder))
        city = city_of(home, Path(folder))
        say(f"\n{CLIENTS} clients, medians of {ROUNDS} rounds of {SECONDS} s")
        say(f"{'':44}{'events/s':>10}{'CPU':>12}{'p50':>10}{'p99':>10}")
        row("the disk alone, 4 kB appended and synced", yardstick())
        singles(city, None, "single events")
        singles(city, shim, f"the same, each fsync {SLOWER_US // 1000} ms longer")
        batch(city)
        if outages.FILE.exists():
            month(city)
        else:
            say(f"{outages.FILE} is not there: no outages")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
