"""What each action changes of an order beside its state: a function of the case for each, giving new values.

Clocks are settled afterwards by the state (gridmap.orders.clocks); here are only those that an action
itself ends, begins or lengthens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from msgspec import UNSET

from gridmap.errors import InputError
from gridmap.orders import clocks
from gridmap.orders.calendar import WORKING
from gridmap.orders.order import Assignee, Call
from gridmap.orders.rules import duration
from gridmap.orders.words import LEVELS, URGENCIES, level_above

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gridmap.orders.calendar import WorkCalendar
    from gridmap.orders.order import Assignment, WorkOrder
    from gridmap.orders.requests import Args
    from gridmap.orders.rules import ClockRule, Rules

Values = dict[str, Any]


class Case(NamedTuple):
    """An action on an order, with all it may look at."""

    order: WorkOrder
    actor: str
    role: str
    note: str
    at: datetime
    args: Args
    rule: ClockRule
    rules: Rules
    calendar: WorkCalendar


def given_to(case: Case, assignment: Assignment) -> Values:
    """The order is given to somebody else; whoever he brings along is called."""
    new = tuple(name for name in assignment.called if name not in case.order.outstanding)
    values: Values = {
        "level": assignment.level,
        "queue": assignment.queue,
        "assignees": (assignment.assignee,),
        "reasons": assignment.reasons,
    }
    return {**values, **called(case, new)} if new else values


def called(case: Case, names: tuple[str, ...]) -> Values:
    """Departments are called, each with a clock of its own."""
    ticking = case.order.clocks
    for name in names:
        ticking = clocks.again(ticking, clocks.REPLY + name, case.rule.reply, case.at, case.calendar)
    return {
        "called": (*case.order.called, *(Call(name, case.at) for name in names)),
        "clocks": ticking,
    }


def _dispatch(case: Case) -> Values:
    return {} if case.args.assignment is None else given_to(case, case.args.assignment)


def _accept(case: Case) -> Values:
    """Who accepts is the one who has it; at the post may be another person than it was meant for."""
    have = case.order.assignees[0]
    if (have.person, have.role) == (case.actor, case.role):
        return {}
    new = msgspec.structs.replace(have, person=case.actor, role=case.role)
    return {"assignees": (new, *case.order.assignees[1:]), "queue": None}


def _arrive(case: Case) -> Values:
    return {"clocks": clocks.finish(case.order.clocks, "arrive", case.at, case.calendar), **_photos(case)}


def _photos(case: Case) -> Values:
    new = tuple(photo for photo in dict.fromkeys(case.args.photos) if photo not in case.order.photos)
    return {"photos": (*case.order.photos, *new)} if new else {}


def _on_spot(case: Case) -> Values:
    return {"on_spot": True, **_accept(case), **_photos(case)}


def _request_delay(case: Case) -> Values:
    return {"asked_delay_s": None if case.args.duration is None else _delay_s(case, case.args.duration)}


def _grant_delay(case: Case) -> Values:
    """The time that was granted, else that which was asked for, else the usual part of the rule's."""
    order = case.order
    if case.args.duration is not None:
        seconds = _delay_s(case, case.args.duration)
    elif order.asked_delay_s is not None:
        seconds = order.asked_delay_s
    else:
        base = duration(case.rule.close).on(case.calendar)
        seconds = -(-base * case.rules.delay_percent // 100)
    ticking = tuple(
        clocks.extend(clock, seconds, case.at, case.calendar) if clock.name == "close" else clock
        for clock in order.clocks
    )
    return {"clocks": ticking, "delays": order.delays + 1, "asked_delay_s": None}


def _delay_s(case: Case, text: str) -> int:
    """A delay in the seconds of its clock. Raises InputError where it is of the other kind of time."""
    clock, span = case.order.clock("close"), duration(text)
    assert clock is not None  # every rule has a time for closing
    if span.hours != clock.hours:
        units = "4wh, 2wd" if clock.hours == WORKING else "30min, 4h, 2d"
        raise InputError(
            "duration", f"the clock of this order counts {clock.hours} time; write such as {units}"
        )
    return span.on(case.calendar)


def _escalate(case: Case) -> Values:
    """One level up, or to the one that was named; to its desk where nobody was named."""
    order, args = case.order, case.args
    level = args.level or level_above(order.level)
    assert level is not None  # the guard below_top, looked at before
    counted = {"escalations": order.escalations + 1, "asked_delay_s": None}
    if args.assignment is not None:
        return {**given_to(case, args.assignment), **counted}
    desk = Assignee(f"desk:{level}", None, level, order.code)
    return {"level": level, "queue": None, "assignees": (desk,), **counted}


def _whistle(case: Case) -> Values:
    return called(case, case.args.departments)


def _reply(case: Case) -> Values:
    """A department has replied, or need not any more."""
    name = case.args.department or case.order.outstanding[0]
    ended = tuple(
        msgspec.structs.replace(call, ended_at=case.at, reply=case.note, by=case.actor)
        if call.department == name and call.ended_at is None
        else call
        for call in case.order.called
    )
    ticking = clocks.finish(case.order.clocks, clocks.REPLY + name, case.at, case.calendar)
    return {"called": ended, "clocks": ticking, **_photos(case)}


def _release(case: Case) -> Values:
    name = case.args.department or case.order.outstanding[0]
    ended = tuple(
        msgspec.structs.replace(call, ended_at=case.at, by=case.actor)
        if call.department == name and call.ended_at is None
        else call
        for call in case.order.called
    )
    return {
        "called": ended,
        "clocks": clocks.finish(case.order.clocks, clocks.REPLY + name, case.at, case.calendar),
    }


def _reassign(case: Case) -> Values:
    assert case.args.assignment is not None  # needed by the table
    return {**given_to(case, case.args.assignment), "asked_delay_s": None}


def _absorb(case: Case) -> Values:
    """Another order was merged into this one: who handled it cannot verify this one either."""
    other = case.args.absorbed
    assert other is not None  # needed by the table
    return {
        "absorbed": (*case.order.absorbed, other.order),
        "handlers": tuple(dict.fromkeys((*case.order.handlers, *other.handlers))),
        "note": case.note or f"{other.order} 并入本单 / {other.order} was merged into this order",
    }


def _move(case: Case) -> Values:
    """The thing moved, and its order with it; or the boundary did, not the place. Its history says which."""
    order, args = case.order, case.args
    values: Values = {} if args.assignment is None else given_to(case, args.assignment)
    values |= {"code": args.code or None, "at": args.at}
    text = _moved(order.code, args.code or None, is_thing=args.at is not UNSET)
    return {**values, "note": f"{text}; {case.note}" if case.note else text}


def _moved(before: str | None, after: str | None, *, is_thing: bool) -> str:
    """What moved, and from which grid to which."""
    zh, en = ("事发位置变动", "the thing moved") if is_thing else ("边界调整", "the boundary moved")
    if before != after:
        return f"{zh}：{before or '无'} -> {after or '无'} / {en}: {before} -> {after}"
    return f"{zh}，仍属 {after} / {en} within {after}" if after else f"{zh}，仍无网格 / {en} in no grid"


def _regrade(case: Case) -> Values:
    """Another urgency, or no drill any more. Where that means other limits, those not met yet begin anew."""
    order, urgency = case.order, case.args.urgency
    assert urgency is not None  # needed by the table
    rule = case.rules.clock_rule(order.kind, order.class_, urgency)
    before, after = URGENCIES[order.urgency], URGENCIES[urgency]
    text = f"紧急程度：{before.zh} -> {after.zh} / urgency: {before.en} -> {after.en}"
    if order.drill and case.args.drill is False:
        text += "；演练转为实情 / a drill no more"
    values: Values = {
        "urgency": urgency,
        "drill": order.drill if case.args.drill is None else case.args.drill,
        "note": f"{text}; {case.note}" if case.note else text,
    }
    if rule.rule != order.rule:
        values |= {"rule": rule.rule, "clocks": clocks.renewed(order, rule, case.at, case.calendar)}
    return values


def _retime(case: Case) -> Values:
    return {"clocks": tuple(clocks.retimed(clock, case.calendar) for clock in case.order.clocks)}


def _supervise(case: Case) -> Values:
    level = LEVELS[case.order.level]
    note = case.note or f"督办：{level.zh} / supervised at the level {level.en}"
    return {"supervised": case.order.supervised + 1, "note": note}


EFFECTS: Final[dict[str, Callable[[Case], Values]]] = {
    "dispatch": _dispatch,
    "accept": _accept,
    "arrive": _arrive,
    "handle_on_spot": _on_spot,
    "request_delay": _request_delay,
    "grant_delay": _grant_delay,
    "refuse_delay": lambda case: {"asked_delay_s": None},  # noqa: ARG005 - every effect is given its case
    "return": lambda case: {"returns": case.order.returns + 1},
    "feedback": _photos,
    "rework": lambda case: {"reworks": case.order.reworks + 1},
    "close": lambda case: {"closed_at": case.at},
    "evaluate": lambda case: {"satisfaction": case.args.satisfaction},
    "escalate": _escalate,
    "whistle": _whistle,
    "reply": _reply,
    "release": _release,
    "supervise": _supervise,
    "reassign": _reassign,
    "merge": lambda case: {"merged_into": case.args.into},
    "absorb": _absorb,
    "regrade": _regrade,
    "move": _move,
    "retime": _retime,
}
