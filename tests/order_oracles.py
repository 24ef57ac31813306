"""The slow, obvious truth about time limits, and a small town of orders to try the machine on.

The oracle knows one thing: which minutes are worked. It lists them one by one and counts. A clock of n
minutes that starts with a minute is due when n of the minutes from there on have gone by.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import chinese_calendar  # type: ignore[import-untyped, unused-ignore]  # it ships no types

from gridmap.model import Area, StaffPost
from gridmap.orders.dispatch import assign
from gridmap.orders.facts import Facts, facts_of
from gridmap.orders.machine import act, open_order
from gridmap.orders.requests import Args, args_of
from gridmap.orders.rules import Rules

if TYPE_CHECKING:
    from gridmap.orders.order import Assignment, OrderEntry, WorkOrder

CHINA = timezone(timedelta(hours=8))
RULES = Rules.of({})
CALENDAR = RULES.work_calendar()
NOON = datetime(2026, 4, 29, 12, tzinfo=CHINA)
GRID = "500103001001001"
NEIGHBOUR = "500103001001002"
CHAIN = [
    Area("500103", "渝中区", "district", "", None),
    Area("500103001", "七星岗街道", "town", "", "500103"),
    Area("500103001001", "一社区", "community", "", "500103001"),
    Area(GRID, "一网格", "grid", "basic", "500103001001"),
]
STAFF = [
    StaffPost(f"{GRID}-01", GRID, "网格长", "P-head", "白班 09:00-18:00"),
    StaffPost(f"{GRID}-02", GRID, "专职网格员", "P-full", "早班 07:00-15:00"),
    StaffPost(f"{GRID}-03", GRID, "兼职网格员", "P-part", "周末班 09:00-18:00"),
    StaffPost(f"{GRID}-04", GRID, "网格指导员", "P-guide", "待命"),
    StaffPost(f"{GRID}-05", GRID, "微网格长", "P-micro", "待命"),
]


def worked_minutes(first: date, last: date) -> list[int]:
    """Every minute that is worked from one day to another, as minutes since 1970, one by one."""
    found = []
    day = first
    while day <= last:
        known = day.year <= 2026
        works = chinese_calendar.is_workday(day) if known else day.weekday() < 5
        if works:
            midnight = int(datetime(day.year, day.month, day.day, tzinfo=CHINA).timestamp()) // 60
            for minute in range(24 * 60):
                if 9 * 60 <= minute < 12 * 60 or 14 * 60 <= minute < 18 * 60:
                    found.append(midnight + minute)  # noqa: PERF401 - meant to be read minute by minute
        day += timedelta(days=1)
    return found


def due(start: datetime, minutes: int, worked: list[int] | None) -> datetime:
    """When so many minutes have gone by: those of the list, or any where there is no list."""
    begin = int(start.timestamp()) // 60
    if worked is None:
        return start + timedelta(minutes=minutes)
    last = worked[bisect_left(worked, begin) + minutes - 1]
    return datetime.fromtimestamp((last + 1) * 60, UTC)


@dataclass
class Ticking:
    """A clock that is walked through minute by minute; `instants` is when it had used so many percent."""

    allowed: int
    used: int
    instants: dict[int, datetime]


def walked(segments: list[tuple[int, int, bool]], allowed: int, worked: frozenset[int] | None) -> Ticking:
    """What a clock has used after stretches (from minute, to minute, does it run), one after the other."""
    clock = Ticking(allowed, 0, {})
    for begin, end, runs in segments:
        for minute in range(begin, end):
            if runs and (worked is None or minute in worked):
                clock.used += 1
            for percent in (80, 100, 150):
                if percent not in clock.instants and clock.used * 100 >= allowed * percent:
                    clock.instants[percent] = datetime.fromtimestamp((minute + 1) * 60, UTC)
    return clock


def event(**changed: Any) -> dict[str, Any]:
    """A manhole cover in the first grid, unless something else is said."""
    body: dict[str, Any] = {
        "id": "a-1",
        "source": "12345",
        "class": "城市管理",
        "urgency": "yellow",
        "title": "井盖破损",
        "code": GRID,
        "at": [106.577, 29.559],
    }
    if "class_" in changed:
        changed["class"] = changed.pop("class_")
    return {**body, **changed}


def facts(seq: int = 17, now: datetime = NOON, **changed: Any) -> Facts:
    """The facts of such an event."""
    return facts_of(event(**changed), seq, now)


def opened(seq: int = 17, now: datetime = NOON, **changed: Any) -> tuple[WorkOrder, OrderEntry]:
    """The order of such an event."""
    given = facts(seq, now, **changed)
    return open_order(given, assign(given, CHAIN, STAFF, RULES, calendar=CALENDAR), RULES, CALENDAR, now)


def other(level: str = "grid", person: str | None = "P-part") -> Assignment:
    """An assignment to somebody else."""
    role = "grid_member" if level == "grid" else level
    return args_of(
        {"assignment": {"grid": GRID, "post": "x", "person": person, "role": role, "level": level}}
    ).assignment  # type: ignore[return-value]  # it was given


ENOUGH: dict[str, dict[str, Any]] = {
    "reject": {},
    "handle_on_spot": {"photos": ["ph-1"]},
    "evaluate": {"satisfaction": 5},
    "whistle": {"departments": ["民政局", "消防"]},
    "reassign": {
        "assignment": {
            "grid": GRID,
            "post": f"{GRID}-03",
            "person": "P-part",
            "role": "grid_member",
            "level": "grid",
        }
    },
    "merge": {"into": "o-1"},
    "absorb": {"absorbed": {"order": "o-2", "handlers": ["P-two"]}},
    "move": {"code": NEIGHBOUR},
    "regrade": {"urgency": "orange"},
}
"""What each action needs beside a note."""


class Life:
    """An order with its whole history, moved by plain calls."""

    def __init__(self, seq: int = 17, now: datetime = NOON, **changed: Any) -> None:
        self.order, first = opened(seq, now, **changed)
        self.history = [first]
        self.now = now

    def do(
        self, action: str, role: str, actor: str = "", minutes: int = 1, note: str = "说明", **args: Any
    ) -> Life:
        """Take an action, some minutes after the one before."""
        self.now += timedelta(minutes=minutes)
        given = {**ENOUGH.get(action, {}), **args}
        self.order, entry = act(
            self.order,
            action,
            actor or f"{role}-1",
            role,
            note,
            self.now,
            rules=RULES,
            calendar=CALENDAR,
            args=args_of(given) if given else Args(),
        )
        self.history.append(entry)
        return self


WAYS: dict[str, list[tuple[str, str]]] = {
    "reported": [],
    "verified": [("verify", "verifier")],
    "rejected": [("reject", "verifier")],
    "filed": [("verify", "verifier"), ("file", "dispatcher")],
    "dispatched": [("verify", "verifier"), ("file", "dispatcher"), ("dispatch", "dispatcher")],
}
"""How to come to each state from a resident's report."""
WAYS["accepted"] = [*WAYS["dispatched"], ("accept", "grid_member")]
WAYS["processing"] = [*WAYS["accepted"], ("start", "grid_member")]
WAYS["delay_requested"] = [*WAYS["processing"], ("request_delay", "grid_member")]
WAYS["suspended"] = [*WAYS["processing"], ("suspend", "dispatcher")]
WAYS["returned"] = [*WAYS["accepted"], ("return", "grid_member")]
WAYS["feedback"] = [*WAYS["processing"], ("feedback", "grid_member")]
WAYS["checked"] = [*WAYS["feedback"], ("check", "verifier")]
WAYS["rework"] = [*WAYS["feedback"], ("rework", "verifier")]
WAYS["closed"] = [*WAYS["checked"], ("close", "verifier")]
WAYS["evaluated"] = [*WAYS["closed"], ("evaluate", "resident")]
WAYS["escalated"] = [*WAYS["dispatched"], ("escalate", "grid_member")]
WAYS["merged"] = [("merge", "dispatcher")]
WAYS["voided"] = [("void", "dispatcher")]


def standing(state: str) -> Life:
    """An order that stands in a state."""
    life = Life(source="resident")
    for action, role in WAYS[state]:
        life.do(action, role)
    assert life.order.state == state
    return life
