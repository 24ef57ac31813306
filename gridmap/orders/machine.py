"""How an order comes to be and moves: everything is looked up in the table, and made by `apply`.

`act` looks in this order: is the caller's version the current one (StaleOrderError), is the action possible
in this state (WrongStateError), for this role and person (WrongRoleError), and is everything there that it
needs (InputError). Only then are the changes worked out, as an entry; the new order is what `apply` makes
of it. Nothing is changed in place, ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gridmap.errors import InputError
from gridmap.orders import clocks
from gridmap.orders.effects import EFFECTS, Case
from gridmap.orders.errors import StaleOrderError, WrongRoleError, WrongStateError
from gridmap.orders.order import Call, Changes, OrderEntry, apply, whole_seconds
from gridmap.orders.requests import NO_ARGS, Args, check_needs
from gridmap.orders.transitions import ROWS, SAME, allowed, hindrance
from gridmap.orders.words import ACTIONS, ROLES, STATES

if TYPE_CHECKING:
    from datetime import datetime

    from gridmap.orders.calendar import WorkCalendar
    from gridmap.orders.facts import Facts
    from gridmap.orders.order import Assignment, Clock, WorkOrder
    from gridmap.orders.rules import Rules
    from gridmap.orders.transitions import Transition

SYSTEM = "system"


def open_order(
    facts: Facts, assignment: Assignment, rules: Rules, calendar: WorkCalendar, now: datetime
) -> tuple[WorkOrder, OrderEntry]:
    """The order that an event opens, and the first entry of its history.

    It is dispatched at once; filed, to wait for a dispatcher, where nobody could be found for it; or
    reported, to be verified first, where its source is one of `rules.verify_sources` and it is not urgent.
    """
    at = whole_seconds(now)
    kind = rules.kind_of(facts.title, facts.class_, facts.kind)
    rule = rules.clock_rule(kind, facts.class_, facts.urgency)
    if facts.event.source in rules.verify_sources and not rule.urgent:
        state = "reported"
    else:
        state = "dispatched" if assignment.queue is None else "filed"
    changes = Changes(
        event=facts.event,
        class_=facts.class_,
        urgency=facts.urgency,
        kind=kind,
        rule=rule.rule,
        matter=facts.matter,
        title=facts.title,
        drill=facts.drill,
        code=facts.code,
        at=facts.at,
        level=assignment.level,
        queue=assignment.queue,
        assignees=(assignment.assignee,),
        reasons=assignment.reasons,
        opened_at=at,
        clocks=clocks.first(rule, assignment.called, at, calendar),
        called=tuple(Call(name, at) for name in assignment.called),
    )
    entry = OrderEntry(facts.order_id, 1, "open", SYSTEM, SYSTEM, "", at, None, state, changes)
    return apply(None, entry), entry


def act(
    order: WorkOrder,
    action: str,
    actor: str,
    role: str,
    note: str,
    now: datetime,
    *,
    rules: Rules,
    calendar: WorkCalendar,
    args: Args = NO_ARGS,
    expected_version: int | None = None,
) -> tuple[WorkOrder, OrderEntry]:
    """The order after an action, and the entry for its history. Raises OrderError or InputError.

    An instant before the order's last entry (clocks of two machines differ) counts as that of the last entry.
    """
    if expected_version is not None and expected_version != order.version:
        raise _stale(order, role, actor, expected_version)
    row = permitted(order, action, actor, role)
    check_needs(order, row, actor, note, args)
    at = max(whole_seconds(now), order.updated_at)
    rule = rules.named(order.rule, order.kind, order.class_, order.urgency)
    case = Case(order, actor, role, note, at, args, rule, rules, calendar)
    to = order.state if row.to == SAME else row.to
    values: dict[str, Any] = EFFECTS[action](case) if action in EFFECTS else {}
    if row.handles and actor not in order.handlers:
        values["handlers"] = (*order.handlers, actor)
    ticking = values.get("clocks", order.clocks)
    values["clocks"] = _clocks(case, action, to, ticking)
    if values["clocks"] == order.clocks:
        del values["clocks"]
    text = values.pop("note", note)
    entry = OrderEntry(
        order.id, order.version + 1, action, actor, role, text, at, order.state, to, Changes(**values)
    )
    return apply(order, entry), entry


def permitted(order: WorkOrder, action: str, actor: str, role: str) -> Transition:
    """The row of the table for an action. Raises WrongStateError, WrongRoleError, or InputError."""
    if action not in ACTIONS:
        raise InputError("action", f"{action!r} is no action; write one of {', '.join(ACTIONS)}")
    if role not in ROLES:
        raise InputError("role", f"{role!r} is no role; write one of {', '.join(ROLES)}")
    doing, state = ACTIONS[action], STATES[order.state]
    row = ROWS.get((order.state, action))
    if row is None:
        english = f"{action!r} is not possible while it is {state.en}."
        raise WrongStateError(
            order.id,
            order.state,
            allowed(order, role, actor),
            english,
            f"当前状态“{state.zh}”不能{doing.zh}。",
        )
    if role not in row.roles:
        english = f"a {ROLES[role].en} may not {action!r}; this is for: {', '.join(row.roles)}."
        chinese = (
            f"{ROLES[role].zh}无权{doing.zh}，须由{'、'.join(ROLES[each].zh for each in row.roles)}操作。"
        )
        raise WrongRoleError(order.id, order.state, allowed(order, role, actor), english, chinese)
    hindered = hindrance(row, order, role, actor)
    if hindered is not None:
        personal, english, chinese = hindered
        kind = WrongRoleError if personal else WrongStateError
        raise kind(order.id, order.state, allowed(order, role, actor), english, chinese)
    return row


def _clocks(case: Case, action: str, to: str, ticking: tuple[Clock, ...]) -> tuple[Clock, ...]:
    """The clocks after an action: settled in the new state, with the new rounds that it begins."""
    order, at, calendar = case.order, case.at, case.calendar
    begins = clocks.COURSES["accept"].runs
    anew = to in begins and (order.state not in begins or action == "escalate")
    settled = clocks.settle(ticking, to, at, calendar)
    if anew:
        settled = clocks.again(settled, "accept", case.rule.accept, at, calendar)
    if to == "feedback" and order.state != "feedback":
        settled = clocks.again(settled, "check", case.rule.check, at, calendar)
    return settled


def _stale(order: WorkOrder, role: str, actor: str, expected: int) -> StaleOrderError:
    """Somebody else moved the order since the caller read it."""
    english = f"you read version {expected}, it is at version {order.version} by now; read it again."
    chinese = f"您读到的是第 {expected} 版，现已是第 {order.version} 版，请重新读取。"
    known = allowed(order, role, actor) if role in ROLES else ()
    return StaleOrderError(order.id, order.state, known, english, chinese)
