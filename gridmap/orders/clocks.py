"""How the clocks of an order run, stand still, and are over; when 80, 100 and 150 % of them are used.

Every clock of an order starts when the order is opened: whoever reported something waits from then on, also
while it is verified and dispatched. What a state does to a clock stands in COURSES; in a state that is not
named there the clock is over.

- `accept` runs until somebody accepts. Who returns an order or escalates it, or is relieved of it, leaves a
  new round for the next.
- `arrive` runs until somebody is on site; whoever reports back without having said so was there by then.
- `close` runs on while a delay is only asked for, after a return and in rework: none of these is a way to
  gain time. It stands still while the order is suspended (by somebody else than the handler), and from
  feedback on: then the verifier's own clock `check` runs, and a verifier who sleeps makes no handler late.
  Rework goes on with what was left. A granted delay makes it longer.
- `reply:<department>` runs for each called department from the whistle to its reply, and stands still while
  the order does.

A clock counts used seconds, so its due time moves with its pauses: due = the instant at which used =
allowed. Time of the kind that does not run (the night, for office hours) uses nothing up. The instants of
the marks depend on the order and the calendar alone, not on who looks when: each is given once, however
often the server was down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from gridmap.orders.calendar import CHINA, WORKING
from gridmap.orders.order import Clock, Mark
from gridmap.orders.rules import duration

if TYPE_CHECKING:
    from datetime import datetime

    from gridmap.orders.calendar import WorkCalendar
    from gridmap.orders.order import WorkOrder
    from gridmap.orders.rules import ClockRule

PERCENTS: Final = (80, 100, 150)
YELLOW, RED, SUPERVISED = PERCENTS
LAMPS: Final = {80: "yellow", 100: "red", 150: "supervised"}
REPLY: Final = "reply:"

_BEFORE: Final = frozenset({"reported", "verified", "filed", "dispatched", "returned", "escalated"})
_AT_WORK: Final = frozenset({"accepted", "processing", "delay_requested", "rework"})
_PAUSED: Final = frozenset({"suspended"})
_VERIFYING: Final = frozenset({"feedback", "checked"})


class Course(NamedTuple):
    """The states in which a clock runs, and those in which it stands still; in all others it is over."""

    runs: frozenset[str]
    stands: frozenset[str]


COURSES: Final = {
    "accept": Course(_BEFORE, frozenset()),
    "arrive": Course(_BEFORE | _AT_WORK, _PAUSED),
    "close": Course(_BEFORE | _AT_WORK, _PAUSED | _VERIFYING),
    "check": Course(_VERIFYING, frozenset()),
    REPLY: Course(_BEFORE | _AT_WORK | _VERIFYING, _PAUSED),
}


class Notice(NamedTuple):
    """So many percent of a clock of an order are used up at an instant; `due` is when its time is up."""

    order: str
    clock: str
    percent: int
    at: datetime
    due: datetime

    @property
    def key(self) -> str:
        """What makes it the same notice when it is found again."""
        return f"{self.order}:{self.clock}:{self.percent}"


def start(name: str, number: int, text: str, at: datetime, calendar: WorkCalendar) -> Clock:
    """A clock of so long a duration that begins to run; `number` is its round, from 1."""
    span = duration(text)
    seconds = span.on(calendar)
    due = calendar.due(at, seconds, span.hours)
    return Clock(name, number, span.hours, seconds, at, at, 0, due, _assumed(span.hours, due, calendar))


def used(clock: Clock, now: datetime, calendar: WorkCalendar) -> int:
    """The seconds of a clock that are used up."""
    if clock.since is None:
        return clock.used_s
    return clock.used_s + calendar.elapsed(clock.since, now, clock.hours)


def stop(clock: Clock, now: datetime, calendar: WorkCalendar, *, done: bool) -> Clock:
    """The clock stands still from now on, or is over (`done`)."""
    if clock.done_at is not None or (clock.since is None and not done):
        return clock
    spent = used(clock, now, calendar)
    due = clock.due_at if done or spent >= clock.allowed_s else None
    return msgspec.structs.replace(
        clock,
        since=None,
        used_s=spent,
        due_at=due,
        done_at=now if done else None,
        passed=_passed(clock, spent, calendar),
    )


def go_on(clock: Clock, now: datetime, calendar: WorkCalendar) -> Clock:
    """A clock that stood still runs again, with what was left of it."""
    if clock.done_at is not None or clock.since is not None:
        return clock
    return _timed(msgspec.structs.replace(clock, since=now), calendar)


def extend(clock: Clock, seconds: int, now: datetime, calendar: WorkCalendar) -> Clock:
    """A clock that is not over gets more time. Marks passed stay passed: nobody is warned twice."""
    if clock.done_at is not None:
        return clock
    longer = msgspec.structs.replace(
        clock,
        allowed_s=clock.allowed_s + seconds,
        passed=_passed(clock, used(clock, now, calendar), calendar),
    )
    if longer.since is not None:
        return _timed(longer, calendar)
    return longer if longer.late else msgspec.structs.replace(longer, due_at=None)


def retimed(clock: Clock, calendar: WorkCalendar) -> Clock:
    """The clock with its due time after a change of the calendar."""
    return clock if clock.since is None else _timed(clock, calendar)


def settle(clocks: tuple[Clock, ...], state: str, now: datetime, calendar: WorkCalendar) -> tuple[Clock, ...]:
    """The clocks as a state wants them: running, standing still or over."""
    out = []
    for clock in clocks:
        course = COURSES[REPLY if clock.name.startswith(REPLY) else clock.name]
        if state in course.runs:
            out.append(go_on(clock, now, calendar))
        else:
            out.append(stop(clock, now, calendar, done=state not in course.stands))
    return tuple(out)


def finish(clocks: tuple[Clock, ...], name: str, now: datetime, calendar: WorkCalendar) -> tuple[Clock, ...]:
    """The clocks, those of a name over."""
    return tuple(stop(each, now, calendar, done=True) if each.name == name else each for each in clocks)


def again(
    clocks: tuple[Clock, ...], name: str, text: str, now: datetime, calendar: WorkCalendar
) -> tuple[Clock, ...]:
    """The clocks with a new round of one name; an earlier one is over."""
    number = 1 + sum(clock.name == name for clock in clocks)
    return (*finish(clocks, name, now, calendar), start(name, number, text, now, calendar))


def first(
    rule: ClockRule, called: tuple[str, ...], at: datetime, calendar: WorkCalendar
) -> tuple[Clock, ...]:
    """The clocks of a new order."""
    names = (("accept", rule.accept), ("arrive", rule.arrive), ("close", rule.close))
    made = [start(name, 1, text, at, calendar) for name, text in names if text is not None]
    return (*made, *(start(REPLY + name, 1, rule.reply, at, calendar) for name in called))


def renewed(order: WorkOrder, rule: ClockRule, at: datetime, calendar: WorkCalendar) -> tuple[Clock, ...]:
    """The clocks of an order by another rule: a new round of each limit that is not met yet.

    Who is at work already is not asked when he will arrive.
    """
    ticking = order.clocks
    for name, text in (("accept", rule.accept), ("arrive", rule.arrive), ("close", rule.close)):
        have = order.clock(name)
        runs = order.state in COURSES["accept"].runs or (name == "arrive" and order.state == "accepted")
        is_over = have.done_at is not None if have is not None else not runs
        if is_over:
            continue
        if text is None:
            ticking = finish(ticking, name, at, calendar)
        else:
            ticking = again(ticking, name, text, at, calendar)
    return ticking


def marks(clock: Clock, calendar: WorkCalendar) -> list[Mark]:
    """When each percent of a clock was used up, or will be if it runs on."""
    if clock.since is None:
        return list(clock.passed)
    met = {mark.percent for mark in clock.passed}
    ahead = [Mark(percent, _instant(clock, percent, calendar)) for percent in PERCENTS if percent not in met]
    return [*clock.passed, *ahead]


def coming(order: WorkOrder, calendar: WorkCalendar) -> list[Notice]:
    """All notices of an order by time; one to come holds only until the order's next version."""
    found = [
        Notice(order.id, clock.key, mark.percent, mark.at, _due(clock, mark))
        for clock in order.clocks
        for mark in marks(clock, calendar)
    ]
    return sorted(found, key=lambda notice: (notice.at, notice.clock, notice.percent))


def notices(order: WorkOrder, now: datetime, calendar: WorkCalendar) -> list[Notice]:
    """The notices of an order up to now, by time; a clock that is over gives those that came while it ran."""
    return [notice for notice in coming(order, calendar) if notice.at <= now]


def next_notice(order: WorkOrder, now: datetime, calendar: WorkCalendar) -> Notice | None:
    """The first notice after now, so that a timer can sleep until then; None where none is to come."""
    return next((notice for notice in coming(order, calendar) if notice.at > now), None)


def lamp(order: WorkOrder, now: datetime, calendar: WorkCalendar) -> str:
    """The worst lamp of the clocks that are not over: green, yellow, red or supervised."""
    worst = 0
    for clock in order.clocks:
        if clock.done_at is None:
            spent = used(clock, now, calendar) * 100
            worst = max([worst, *(p for p in PERCENTS if spent >= clock.allowed_s * p)])
    return LAMPS.get(worst, "green")


def next_due(order: WorkOrder) -> datetime | None:
    """When the first clock that runs is used up; None while none runs."""
    running = [clock.due_at for clock in order.clocks if clock.since is not None and clock.done_at is None]
    return min((due for due in running if due is not None), default=None)


def _timed(clock: Clock, calendar: WorkCalendar) -> Clock:
    """A running clock with its due time; one whose time was up in an earlier stretch keeps that."""
    assert clock.since is not None
    left = clock.allowed_s - clock.used_s
    if left <= 0 and clock.due_at is not None:
        return clock
    due = calendar.due(clock.since, left, clock.hours)
    return msgspec.structs.replace(clock, due_at=due, assumed=_assumed(clock.hours, due, calendar))


def _instant(clock: Clock, percent: int, calendar: WorkCalendar) -> datetime:
    """When a running clock has used so many percent, rounded up to the second."""
    assert clock.since is not None
    if percent == RED and clock.due_at is not None:
        return clock.due_at
    need = -(-clock.allowed_s * percent // 100) - clock.used_s
    return calendar.due(clock.since, need, clock.hours)


def _passed(clock: Clock, spent: int, calendar: WorkCalendar) -> tuple[Mark, ...]:
    """The marks of a clock that has used so many seconds."""
    if clock.since is None or spent * 100 < clock.allowed_s * PERCENTS[0]:
        return clock.passed
    met = {mark.percent for mark in clock.passed}
    new = [
        Mark(percent, _instant(clock, percent, calendar))
        for percent in PERCENTS
        if percent not in met and spent * 100 >= clock.allowed_s * percent
    ]
    return (*clock.passed, *new)


def _due(clock: Clock, mark: Mark) -> datetime:
    """The due time a notice states: the clock's, or where it stands still the mark's own."""
    return clock.due_at if clock.due_at is not None else mark.at


def _assumed(hours: str, due: datetime, calendar: WorkCalendar) -> bool:
    """Whether a due time lies where the holidays are not known yet."""
    return hours == WORKING and not calendar.knows(due.astimezone(CHINA).date())
