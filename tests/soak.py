"""The page for a long time on a large city: what it costs its browser, and whether it keeps up.

`scripts/soak page [--minutes 10] [--home DIR]`. 65,000 grids, 2,000 open events, 20 events a second, and a
page of 1920 x 1080 in Chromium without a graphics card. Every second event closes an open one, so there stay
as many. Told are, for each minute: scripting outside animation frames (what the browser says of all scripts,
less what frames took), the heap after a forced collection, and how long urgent events took from their
acknowledgement to the list of alarms on the screen.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from browser import CHROMIUM, FLAGS, lack
from served import get_json, served

from gridmap.founding import SEED, found_chongqing
from gridmap.store.address import CityAddress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import CDPSession, Page

OPEN: Final = 2_000
A_SECOND: Final = 20
PROBE_EVERY_S: Final = 10
SIZE: Final = {"width": 1920, "height": 1080}

PATIENCE_S: Final = 60.0

SCRIPT_MS: Final = 200.0
"""Scripting outside frames that a second may cost."""
HEAP_MB: Final = 1.0
"""Growth of the heap in a minute."""
SEEN_S: Final = 2.0
"""From the acknowledgement to the screen."""

COUNTED: Final = """
window.framesMs = 0;
const asked = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (call) => asked((now) => {
  const begun = performance.now();
  try { call(now); } finally { window.framesMs += performance.now() - begun; }
});
"""
"""Counts what animation frames take; put into the page before its own scripts."""


class Minute(NamedTuple):
    """What one minute cost."""

    script_ms: float
    frames_ms: float
    heap_mb: float


class City:
    """The service, and who reports to it: a thread that keeps the pace, and the probes of the caller."""

    def __init__(self, server: str) -> None:
        self.server = server
        self._chance = random.Random(3)
        west, south, east, north = get_json(f"{server}/tiles/grid.json")["bounds"]
        self._box = (west, south, east, north)
        self._open: list[str] = []
        self._count = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.behind_s = 0.0

    def fill(self) -> None:
        """Have as many things open as there are to be."""
        lines = [json.dumps(self._opening("yellow"), ensure_ascii=False) for _ in range(OPEN)]
        self._post("\n".join(lines).encode(), "application/x-ndjson")

    def begin(self) -> None:
        """Report from now on."""
        self._thread.start()

    def end(self) -> None:
        """Report no more."""
        self._ended.set()
        self._thread.join()

    def probe(self) -> tuple[str, float]:
        """Report something urgent; what it is called, and when that was acknowledged."""
        event = self._opening("red")
        event["title"] = f"probe {event['id']}"
        self._post(json.dumps(event, ensure_ascii=False).encode(), "application/json")
        return str(event["title"]), time.monotonic()

    def _run(self) -> None:
        begun, number = time.monotonic(), 0
        while not self._ended.is_set():
            due = begun + number / A_SECOND
            self.behind_s = max(self.behind_s, time.monotonic() - due)
            time.sleep(max(0.0, due - time.monotonic()))
            event = self._closing() if number % 2 else self._opening("yellow")
            self._post(json.dumps(event, ensure_ascii=False).encode(), "application/json")
            number += 1

    def _opening(self, urgency: str) -> dict[str, Any]:
        self._count += 1
        west, south, east, north = self._box
        name = f"soak-{self._count}"
        self._open.append(name)
        return {
            "id": name,
            "source": "soak",
            "class": self._chance.choice(("城市管理", "矛盾纠纷", "公共安全", "民生服务")),
            "urgency": urgency,
            "title": "井盖破损",
            "lon": round(self._chance.uniform(west, east), 6),
            "lat": round(self._chance.uniform(south, north), 6),
            "crs": "wgs84",
        }

    def _closing(self) -> dict[str, Any]:
        subject = self._open.pop(self._chance.randrange(len(self._open) // 2))
        self._count += 1
        return {
            "id": f"{subject}-end",
            "source": "soak",
            "class": "城市管理",
            "op": "close",
            "subject": subject,
        }

    def _post(self, body: bytes, kind: str) -> None:
        request = urllib.request.Request(f"{self.server}/events", body, {"Content-Type": kind}, method="POST")
        with urllib.request.urlopen(request, timeout=60) as reply:
            reply.read()


class Watched:
    """A page whose costs are read from the browser."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self._page = page
        self._session = session
        session.send("Performance.enable")

    def script_s(self) -> float:
        """Seconds of all scripts so far."""
        return self._metrics()["ScriptDuration"]

    def frames_s(self) -> float:
        """Seconds of animation frames so far."""
        return float(self._page.evaluate("window.framesMs")) / 1000

    def heap_mb(self) -> float:
        """Megabytes in use after a collection."""
        self._session.send("HeapProfiler.collectGarbage")
        return self._metrics()["JSHeapUsedSize"] / 1e6

    def wait_for(self, title: str) -> float:
        """When an alarm of a title stood in the list."""
        wait(self._page, "(title) => document.body.innerText.includes(title)", title)
        return time.monotonic()

    def _metrics(self) -> dict[str, float]:
        found = self._session.send("Performance.getMetrics")["metrics"]
        return {each["name"]: each["value"] for each in found}


def soak(server: str, minutes: int) -> bool:
    """Watch a page for some minutes; whether all is as it should be."""
    from playwright.sync_api import sync_playwright

    city = City(server)
    city.fill()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=f"/usr/bin/{CHROMIUM}", args=[*FLAGS, "--enable-precise-memory-info"]
        )
        page = browser.new_context(viewport=SIZE, service_workers="block").new_page()  # type: ignore[arg-type]
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.add_init_script(COUNTED)
        page.goto(f"{server}/view")
        wait(page, "() => document.documentElement.dataset.ready === 'true'")
        watched = Watched(page, page.context.new_cdp_session(page))
        city.begin()
        time.sleep(20)  # what is loaded at the beginning is not what it costs
        found, seen = [], list[float]()
        say(f"{'minute':>6}{'scripts':>14}{'frames':>14}{'heap':>12}{'seen after':>14}")
        for number in range(minutes):
            minute, times = one_minute(watched, city)
            found.append(minute)
            seen += times
            cost = f"{minute.script_ms:9.0f} ms/s{minute.frames_ms:9.0f} ms/s{minute.heap_mb:9.1f} MB"
            say(f"{number + 1:6}{cost}{max(times):12.2f} s")
        city.end()
        browser.close()
    return verdict(found, seen, faults, city.behind_s)


def wait(page: Page, holds: str, arg: object = None) -> None:
    """Wait until a function of the page gives true; Playwright's own way is forbidden (`eval`)."""
    end = time.monotonic() + PATIENCE_S
    while not page.evaluate(holds, arg):
        if time.monotonic() > end:
            raise SystemExit(f"soak: the page never came to {holds}")
        time.sleep(0.05)


def one_minute(watched: Watched, city: City) -> tuple[Minute, list[float]]:
    """Watch for a minute, and look every ten seconds how soon an urgent event is on the screen."""
    begun = time.monotonic()
    script, frames = watched.script_s(), watched.frames_s()
    times = []
    while time.monotonic() - begun < 60:
        title, acknowledged = city.probe()
        times.append(watched.wait_for(title) - acknowledged)
        time.sleep(max(0.0, PROBE_EVERY_S - times[-1]))
    seconds = time.monotonic() - begun
    in_frames = 1000 * (watched.frames_s() - frames) / seconds
    scripts = 1000 * (watched.script_s() - script) / seconds
    return Minute(scripts - in_frames, in_frames, watched.heap_mb()), times


def verdict(found: Sequence[Minute], seen: Sequence[float], faults: Sequence[str], behind_s: float) -> bool:
    """Say what was found, and whether it is what is asked."""
    script = statistics.mean(each.script_ms for each in found)
    growth = growth_of([each.heap_mb for each in found])
    good = [
        told("scripting outside frames", f"{script:.0f} ms a second", good=script < SCRIPT_MS),
        told("the heap grows", f"{growth:+.2f} MB a minute", good=growth < HEAP_MB),
        told("an event is on the screen within", f"{max(seen):.2f} s", good=max(seen) < SEEN_S),
        told("errors of the page", f"{len(faults)} {faults[:2] or ''}", good=not faults),
    ]
    say(f"the reports were {behind_s:.1f} s late at most")
    return all(good)


def growth_of(heap: Sequence[float]) -> float:
    """Megabytes a minute, by the straight line through all minutes but the first."""
    later = heap[1:] if len(heap) > 2 else heap
    if len(later) < 2:
        return 0.0
    return statistics.linear_regression(range(len(later)), later).slope


def told(name: str, text: str, *, good: bool) -> bool:
    """Say a finding, and whether it is what is asked."""
    say(f"{name:40}{text:>30}  {'ok' if good else 'NOT MET'}")
    return good


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Soak; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/soak", description=(__doc__ or "").split("\n", maxsplit=1)[0]
    )
    parser.add_argument("what", choices=("page",))
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--home", type=Path, help="A city to copy; without one Chongqing is built.")
    given = parser.parse_args()
    if (reason := lack()) is not None:
        sys.stderr.write(f"soak: {reason}\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        if given.home is None:
            say("building Chongqing")
            found_chongqing(CityAddress(home), None, SEED, lambda _step, _share: None)
        else:
            shutil.copytree(given.home, home)
        with served(home) as server:
            return 0 if soak(server, given.minutes) else 1


if __name__ == "__main__":
    sys.exit(main())
