"""Who gets an order, and why. The same input always gives the same answer.

1. The grid is the finest area of the chain. Without one the desk of the finest area known gets the order
   (district, town, community), or the city's, into the queue `unassigned`.
2. An urgent order goes to the grid whatever its matter is. Of others the matter decides who leads: official
   ones the town, community ones the community, family ones the grid.
3. Among the posts of the grid those on duty come first, then those on call, then the rest; free ones before
   those who have their hands full; then the posts that the class asks first, the nearest, the least loaded.
   For an urgent order the nearest comes before the post. What is still equal is decided by the code of
   the post, so there is one answer.
4. Where nobody of the grid is on duty or on call, and others were given (neighbours), those of them who are
   come before.
5. Who is called in parallel (the family doctor, 120 ...) is a matter of the kind.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import cos, hypot, radians
from typing import TYPE_CHECKING, Final, NamedTuple

from gridmap.orders.calendar import CHINA
from gridmap.orders.order import Assignment, Reason
from gridmap.orders.words import LEVELS, ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from gridmap.model import Area, StaffPost
    from gridmap.orders.calendar import WorkCalendar
    from gridmap.orders.facts import Facts
    from gridmap.orders.rules import Rules

UNASSIGNED: Final = "unassigned"
CITY_DESK: Final = "desk:city"
ON_DUTY, ON_CALL, OFF_DUTY = 0, 1, 2
DUTY: Final = (Reason("当班", "on duty"), Reason("待命", "on call"), Reason("不当班", "off duty"))
METRES_PER_DEGREE: Final = 111_195.0
"""Of latitude, on a sphere of 6,371 km: good enough to say who is nearer."""
DAY_MINUTES: Final = 1440
_TIME: Final = r"([01]\d|2[0-3]|24(?=:00)):([0-5]\d)"
_HOURS: Final = re.compile(f"{_TIME}-{_TIME}")


class Candidate(NamedTuple):
    """A post that could get the order: what it is compared by, and what is said of it."""

    rank: tuple[object, ...]
    post: StaffPost
    duty: int
    load: int | None
    distance_m: float | None


def assign(
    facts: Facts,
    chain: Sequence[Area],
    staff: Iterable[StaffPost],
    rules: Rules,
    *,
    positions: Mapping[str, tuple[float, float]] | None = None,
    loads: Mapping[str, int] | None = None,
    calendar: WorkCalendar | None = None,
) -> Assignment:
    """Who gets the order of an event.

    `chain` is the event's areas from the widest to the finest, as Snapshot.chain gives them; empty where it
    has no place. `staff` are the posts of the grid, and of neighbours where these may help out. `positions`
    are persons' lon, lat in degrees, `loads` their open orders; whoever is not in them has no known
    position, and none.
    """
    kind = rules.kind_of(facts.title, facts.class_, facts.kind)
    rule = rules.clock_rule(kind, facts.class_, facts.urgency)
    called = rules.responders.get(kind, ()) if kind is not None else ()
    grid = chain[-1].code if chain and chain[-1].level == "grid" else None
    if grid is None:
        return _without_grid(chain, called)
    lead = "grid" if rule.urgent or facts.matter is None else rules.matters.get(facts.matter, "grid")
    reasons = [Reason(f"责任网格 {grid}", f"the responsible grid is {grid}")]
    if lead != "grid":
        level = LEVELS[lead]
        reasons.append(
            Reason(f"事项类型由{level.zh}牵头", f"matters of this type are led by the level {level.en}")
        )
        return _desk(lead, chain, grid, called, reasons)
    best = _best(facts, grid, staff, rules, rule.urgent, positions or {}, loads, calendar)
    if best is None:
        reasons.append(Reason("网格无人员，转社区", "the grid has no staff, so its community decides"))
        return _desk("community", chain, grid, called, reasons)
    reasons.append(_why(best, grid))
    if called:
        reasons.append(Reason(f"同时呼叫：{'、'.join(called)}", f"called in parallel: {', '.join(called)}"))
    role = rules.staff_roles[best.post.role]
    return Assignment(grid, best.post.code, best.post.person, role, "grid", called, None, tuple(reasons))


def on_duty(shift: str, at: datetime, calendar: WorkCalendar | None = None) -> int:
    """Whether a shift such as `早班 07:00-15:00` is ON_DUTY at an instant, ON_CALL, or OFF_DUTY.

    A night's shift ends the next morning, and 24:00 is midnight at either end. `白班` works on working days,
    `周末班` on the others, all others every day; a shift that names no hours is on call. Without a calendar
    Saturday and Sunday are free.
    """
    hours = _hours(shift)
    if hours is None:
        return ON_CALL
    local = at.astimezone(CHINA)
    begin, end = hours
    minute = local.hour * 60 + local.minute
    inside = begin <= minute < end if begin < end else minute >= begin or minute < end
    if not inside:
        return OFF_DUTY
    if shift.startswith(("白班", "周末班")):
        day = local.date()
        working = day.weekday() < 5 if calendar is None else calendar.is_workday(day)
        return ON_DUTY if working == shift.startswith("白班") else OFF_DUTY
    return ON_DUTY


@lru_cache(maxsize=256)
def _hours(shift: str) -> tuple[int, int] | None:
    """The minutes of the day between which a shift works, None where it names none."""
    found = _HOURS.search(shift)
    if found is None:
        return None
    h1, m1, h2, m2 = map(int, found.groups())
    return (h1 * 60 + m1) % DAY_MINUTES, h2 * 60 + m2


def _best(
    facts: Facts,
    grid: str,
    staff: Iterable[StaffPost],
    rules: Rules,
    urgent: bool,
    positions: Mapping[str, tuple[float, float]],
    loads: Mapping[str, int] | None,
    calendar: WorkCalendar | None,
) -> Candidate | None:
    """The first candidate by the rules at the head of this module, None where there is none."""
    order = rules.posts.get(facts.class_, rules.posts["*"])
    own_busy = True
    found = []
    for post in staff:
        if post.role not in rules.staff_roles:
            continue
        duty = on_duty(post.shift, facts.received_at, calendar)
        load = None if loads is None else loads.get(post.person, 0)
        distance_m = _distance_m(facts.at, positions.get(post.person))
        place = order.index(post.role) if post.role in order else len(order)
        near = float("inf") if distance_m is None else distance_m
        own_busy = own_busy and (post.grid != grid or duty == OFF_DUTY)
        rank = (
            duty,
            (load or 0) >= rules.full,
            *((near, place) if urgent else (place, near)),
            load or 0,
            post.code,
        )
        found.append(Candidate(rank, post, duty, load, distance_m))
    own = [each for each in found if each.post.grid == grid]
    helpers = [each for each in found if each.post.grid != grid and each.duty != OFF_DUTY] if own_busy else []
    return min(helpers or own, key=lambda each: each.rank, default=None)


def _why(best: Candidate, grid: str) -> Reason:
    """What decided for a candidate, in words."""
    zh = [f"{best.post.role} {best.post.person} {DUTY[best.duty].zh}"]
    en = [f"{best.post.role} {best.post.person} is {DUTY[best.duty].en}"]
    if best.post.grid != grid:
        zh.append(f"本网格无人当班，由 {best.post.grid} 支援")
        en.append(f"helps out from {best.post.grid}, because nobody of this grid is there")
    if best.distance_m is not None:
        zh.append(f"距现场 {best.distance_m:.0f} 米")
        en.append(f"{best.distance_m:.0f} m away")
    if best.load is not None:
        zh.append(f"在办 {best.load} 单")
        en.append(f"{best.load} open orders")
    return Reason("，".join(zh), ", ".join(en))


def _without_grid(chain: Sequence[Area], called: tuple[str, ...]) -> Assignment:
    """The desk for an order whose grid is not known: that of the finest area known, or the city's."""
    if not chain:
        reason = Reason("无网格可派，进入市级待分配", "no grid is known, so it waits at the city's desk")
        return Assignment(None, CITY_DESK, None, "dispatcher", "city", called, UNASSIGNED, (reason,))
    area = chain[-1]
    level = LEVELS[area.level]
    reason = Reason(
        f"仅知{level.zh} {area.code}，进入待分配",
        f"only the {level.en} {area.code} is known, so it waits at its desk",
    )
    return Assignment(None, f"desk:{area.code}", None, area.level, area.level, called, UNASSIGNED, (reason,))


def _desk(
    level: str, chain: Sequence[Area], grid: str, called: tuple[str, ...], reasons: list[Reason]
) -> Assignment:
    """The desk of a level above the grid, or of the next one up that the chain has."""
    for area in reversed(chain[:-1]):
        if _AT.get(area.level, -1) >= _AT[level]:
            reasons.append(Reason(f"{ROLES[area.level].zh} {area.code} 值班席", f"the desk of {area.code}"))
            return Assignment(
                grid, f"desk:{area.code}", None, area.level, area.level, called, None, tuple(reasons)
            )
    reasons.append(
        Reason("上级缺失，进入市级待分配", "no such level is known, so it waits at the city's desk")
    )
    return Assignment(grid, CITY_DESK, None, "dispatcher", "city", called, UNASSIGNED, tuple(reasons))


_AT: Final = {"community": 1, "town": 2, "district": 3, "department": 4}


def _distance_m(a: tuple[float, float] | None, b: tuple[float, float] | None) -> float | None:
    """Metres between two places, on a flat map about the first; None where one is not known."""
    if a is None or b is None:
        return None
    return METRES_PER_DEGREE * hypot((b[0] - a[0]) * cos(radians(a[1])), b[1] - a[1])
