"""The pictures of the holographic page: a made-up day so far, at four sizes, in both themes."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx
from served import get_json, served
from viewing import opened, state, until

from gridmap.simulation.day import CHINA, Plan, day
from gridmap.simulation.link import Link, WallClock
from gridmap.simulation.served_city import ServedCity
from gridmap.simulation.staff import Pace, next_action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

REPORTS: Final = 900
"""Things that are reported in the day."""
MOVED: Final = 250
"""Orders that staff have worked on."""
EVENING: Final = 19
"""The hour of the pictures, in China, whenever they are made: by then a day has something to show."""
MONUMENT: Final = (106.577, 29.559)


class Picture(NamedTuple):
    """A size, what the page is asked for, and the level of the area whose card is open."""

    size: tuple[int, int]
    query: str
    card: str | None = None


SIZES: Final[dict[str, Picture]] = {
    "laptop": Picture((1366, 768), "metric=open_orders"),
    "desk": Picture((1920, 1080), "metric=households", "grid"),
    "wall": Picture((3840, 1080), "metric=open_orders"),
    "phone": Picture((390, 844), ""),
}
PICTURES: Final = {f"page-{name}-{theme}": (name, theme) for name in SIZES for theme in ("dark", "light")}


@contextmanager
def evening(home: Path) -> Iterator[str]:
    """The address of a service on a copy of a city, in which a day has happened so far."""
    now = datetime.now(CHINA)
    evening = now.replace(hour=EVENING, minute=30)
    ahead = (evening if evening > now else evening + timedelta(days=1)) - now
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "home"
        shutil.copytree(home, copy)
        with served(copy, ahead_s=int(ahead.total_seconds())) as server:
            live_a_day(server, now + ahead)
            get_json(f"{server}/classes/grid/households")  # the first ones take seconds
            yield server


def live_a_day(server: str, now: datetime) -> None:
    """Report what has happened on a day up to a moment, and let staff work on some of it."""
    link = Link(server, WallClock())
    try:
        second = now.hour * 3600 + now.minute * 60
        told = day(ServedCity(link), Plan(seed=7, per_day=REPORTS), now.date())
        events: list[dict[str, Any]] = [each.event for each in told if each.second < second]
        body = "\n".join(json.dumps(each, ensure_ascii=False) for each in events)
        headers = {"Content-Type": "application/x-ndjson"}
        httpx.post(f"{server}/events", content=body.encode(), headers=headers, timeout=60).raise_for_status()
        chance = Random(3)
        orders = (link.get("/orders", {"live": 1, "limit": MOVED}) or {})["orders"]
        for order in orders:
            for _ in range(chance.randrange(5)):
                found = link.get(f"/orders/{order['id']}")
                action = None if found is None else next_action(found, Pace(7, 1.0))
                if action is None or action["action"] == "handle_on_spot":
                    break
                link.act(order["id"], action)
    finally:
        link.close()


def draw(browser: Browser, server: str, name: str) -> bytes:
    """One picture, and nothing may go wrong in it."""
    kind, theme = PICTURES[name]
    size, query, card = SIZES[kind]
    path = get_json(f"{server}/locate?lon={MONUMENT[0]}&lat={MONUMENT[1]}&crs=wgs84")["path"]
    codes = {step["level"]: step["code"] for step in path}
    area = codes[card] if card else codes["district"]
    address = f"{server}/view?area={area}&theme={theme}&{query}"
    if card:
        address += f"&card=area:{area}"
    options: dict[str, Any] = {"reduced_motion": "reduce"}
    if kind == "phone":
        place = {"longitude": MONUMENT[0], "latitude": MONUMENT[1]}
        options |= {
            "geolocation": place,
            "permissions": ["geolocation"],
            "is_mobile": True,
            "has_touch": True,
        }
    with opened(browser, address, size, **options) as (page, seen):
        if kind == "phone":
            page.get_by_role("button", name="用我的位置").click()
            page.wait_for_timeout(2_000)
        settle(page)
        if seen.faults or seen.console:
            raise SystemExit(f"screenshots: {name}: {seen.faults} {seen.console}")
        return page.screenshot()


def settle(page: Page) -> None:
    """Wait until the map stands, the figures are there and the live tiles are drawn."""
    until(page, "() => window.gridmapView.store.state.link === 'open'")
    assert state(page, "edition")
    until(page, "() => !window.gridmapView.map.isMoving() && window.gridmapView.map.areTilesLoaded()")
    page.wait_for_timeout(4_000)
    until(page, "() => window.gridmapView.map.areTilesLoaded()")
