"""The life of a work order as one table: from which states, by which roles, an action leads where.

Everything that is allowed stands in TABLE; what does not is refused. The diagram in docs/order-states.svg,
the document that GET /orders/transitions answers and the list of allowed actions are made of it.

What a row says beyond states, action and roles are guards, each a plain fact about the order:

- `holder`: of the roles that handle orders, only those of the order's own level (words.HOLDERS). After an
  escalation the grid member no longer handles; desks (dispatcher, supervisor, system) are not concerned.
- `not_handler`: not a person who handled this order in any round, under whatever role he comes now. An
  order that was merged into this one brings its handlers along.
- `below_top`: there is a level above. `outstanding`: a called department still owes its reply.
  `all_replied`: none does.
- `needs`: what the caller must send along: a note, photos, departments ...
- `handles`: whoever does this has had a hand in the case, and never verifies it.

Decisions. Who gains from an action does not decide it: a handler asks for a delay and somebody else grants
it; he cannot suspend his own order, because that stops his clock. A whistle, a reply and a supervision
leave the state as it is (SAME), because the work goes on meanwhile; but nothing is closed while a
department owes its reply. A person who is given an order that another had accepted must accept it himself,
so `reassign` leads back to dispatched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gridmap.orders.words import ACTIONS, HANDLERS, HOLDERS, LEVELS, LIVE, OVER, ROLES, STATES, level_above

if TYPE_CHECKING:
    from gridmap.orders.order import WorkOrder

NEW: Final = "new"
"""Before an order exists; `open` leads out of it, to where the rules say."""
SAME: Final = "same"
"""The state stays what it is."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A row of the table: in one of `states`, one of `roles` may take `action`, which leads `to`."""

    states: tuple[str, ...]
    action: str
    roles: tuple[str, ...]
    to: str
    needs: tuple[str, ...] = ()
    holder: bool = False
    not_handler: bool = False
    below_top: bool = False
    outstanding: bool = False
    all_replied: bool = False
    handles: bool = False


ON_SPOT: Final = ("grid_member", "grid_leader", "microgrid_leader")
DESKS: Final = ("community", "town", "district")
GIVEN: Final = ("dispatched", "accepted", "processing", "delay_requested", "suspended", "rework", "escalated")
"""States in which somebody has the order and another can be given it."""
T = Transition

TABLE: Final = (
    T((NEW,), "open", ("system",), "reported"),
    T((NEW,), "open", ("system",), "filed"),
    T((NEW,), "open", ("system",), "dispatched"),
    T(
        ("reported",),
        "verify",
        ("verifier", "dispatcher", *ON_SPOT, "community"),
        "verified",
        not_handler=True,
    ),
    T(
        ("reported",),
        "reject",
        ("verifier", "dispatcher", "community"),
        "rejected",
        ("note",),
        not_handler=True,
    ),
    T(("verified",), "file", ("dispatcher", "verifier", "system"), "filed"),
    T(("filed", "returned", "escalated"), "dispatch", ("dispatcher", "system", *DESKS), "dispatched"),
    T(("dispatched", "escalated"), "accept", HANDLERS, "accepted", holder=True, handles=True),
    T(("accepted", "processing", "rework"), "arrive", HANDLERS, "processing", holder=True, handles=True),
    T(("accepted", "rework"), "start", HANDLERS, "processing", holder=True, handles=True),
    T(
        ("reported", "verified", "filed", "dispatched", "accepted", "processing"),
        "handle_on_spot",
        ON_SPOT,
        "feedback",
        ("photos",),
        holder=True,
        handles=True,
    ),
    T(("processing",), "request_delay", HANDLERS, "delay_requested", ("note",), holder=True, handles=True),
    T(("delay_requested",), "grant_delay", ("dispatcher", "supervisor"), "processing", not_handler=True),
    T(("delay_requested",), "refuse_delay", ("dispatcher", "supervisor"), "processing", not_handler=True),
    T(("processing",), "suspend", ("dispatcher", "supervisor"), "suspended", ("note",), not_handler=True),
    T(("suspended",), "resume", ("dispatcher", "supervisor", *HANDLERS), "processing", holder=True),
    T(
        ("dispatched", "accepted", "processing", "rework"),
        "return",
        HANDLERS,
        "returned",
        ("note",),
        holder=True,
    ),
    T(("processing",), "feedback", HANDLERS, "feedback", ("note",), holder=True, handles=True),
    T(("feedback",), "check", ("verifier", "community", "supervisor"), "checked", not_handler=True),
    T(
        ("feedback", "checked"),
        "rework",
        ("verifier", "community", "supervisor"),
        "rework",
        ("note",),
        not_handler=True,
    ),
    T(
        ("checked",),
        "close",
        ("verifier", "dispatcher", "supervisor"),
        "closed",
        not_handler=True,
        all_replied=True,
    ),
    T(("closed",), "evaluate", ("resident", "verifier"), "evaluated", ("satisfaction",), not_handler=True),
    T(
        LIVE,
        "escalate",
        (*HANDLERS, "dispatcher", "supervisor", "system"),
        "escalated",
        ("note",),
        holder=True,
        below_top=True,
    ),
    T(LIVE, "whistle", (*DESKS, "grid_leader", "dispatcher", "supervisor"), SAME, ("departments",)),
    T(LIVE, "reply", ("department",), SAME, ("note",), outstanding=True, handles=True),
    T(LIVE, "release", ("dispatcher", "supervisor", *DESKS), SAME, ("note",), outstanding=True),
    T(LIVE, "supervise", ("supervisor", "system"), SAME),
    T(GIVEN, "reassign", ("dispatcher", "supervisor", "system"), "dispatched", ("assignment",)),
    T(LIVE, "merge", ("dispatcher", "verifier"), "merged", ("into",), not_handler=True),
    T(LIVE, "absorb", ("system",), SAME, ("absorbed",)),
    T(LIVE, "void", ("dispatcher", "supervisor", "system"), "voided", ("note",), not_handler=True),
    T(LIVE, "regrade", ("dispatcher", "supervisor", "system"), SAME, ("urgency",)),
    T(LIVE, "move", ("system",), SAME, ("code",)),
    T(LIVE, "retime", ("system",), SAME),
)
"""All that can happen to an order, in the order in which allowed actions are listed."""

ROWS: Final = {(state, row.action): row for row in TABLE for state in row.states if state != NEW}
"""The row of each state and action; there is one at most (test_transitions.py)."""
BY_STATE: Final = {
    state: tuple(ROWS[state, action] for action in ACTIONS if (state, action) in ROWS) for state in STATES
}
"""The rows of each state, in the order of the actions."""


def hindrance(
    row: Transition, order: WorkOrder, role: str, actor: str | None
) -> tuple[bool, str, str] | None:
    """What guard stands in the way: whether it lies in the person, then why, in English and Chinese.

    None where nothing does. Without an actor the guards on persons are taken to be met.
    """
    if row.holder and role in HANDLERS and role not in HOLDERS[order.level]:
        level = LEVELS[order.level]
        english = f"it is handled by the level {level.en} now, not by a {ROLES[role].en}."
        return True, english, f"此单现由{level.zh}办理，{ROLES[role].zh}不能操作。"
    if row.not_handler and actor is not None and actor in order.handlers:
        english = f"{actor} has handled it, and nobody verifies or decides his own case."
        return True, english, f"{actor} 办理过此单，办理人不得{ACTIONS[row.action].zh}自己的案件。"
    if row.below_top and level_above(order.level) is None:
        level = LEVELS[order.level]
        return False, f"there is no level above {level.en}.", f"{level.zh}之上没有上级。"
    if row.outstanding and not order.outstanding:
        return False, "no called department owes a reply.", "没有待回复的部门。"
    if row.all_replied and order.outstanding:
        names = ", ".join(order.outstanding)
        return False, f"{names} still owe a reply; let them reply, or release them.", f"{names} 尚未回复。"
    return None


def allowed(order: WorkOrder, role: str, actor: str | None = None) -> tuple[str, ...]:
    """The actions that this role, and this person if he is named, may take on the order as it stands."""
    return tuple(
        row.action
        for row in BY_STATE[order.state]
        if role in row.roles and hindrance(row, order, role, actor) is None
    )


def allowed_by_role(order: WorkOrder) -> dict[str, tuple[str, ...]]:
    """The actions of every role that may do anything to the order as it stands, whoever the person is."""
    found = {role: allowed(order, role) for role in ROLES}
    return {role: actions for role, actions in found.items() if actions}


def document() -> dict[str, Any]:
    """The table with all its words, as GET /orders/transitions answers it."""
    flags = ("holder", "not_handler", "below_top", "outstanding", "all_replied", "handles")
    return {
        "states": [
            {"state": key, "zh": label.zh, "en": label.en, "live": key not in OVER}
            for key, label in STATES.items()
        ],
        "actions": [{"action": key, "zh": label.zh, "en": label.en} for key, label in ACTIONS.items()],
        "roles": [{"role": key, "zh": label.zh, "en": label.en} for key, label in ROLES.items()],
        "levels": [
            {"level": key, "zh": label.zh, "en": label.en, "holders": list(HOLDERS[key])}
            for key, label in LEVELS.items()
        ],
        "transitions": [
            {
                "states": list(row.states),
                "action": row.action,
                "roles": list(row.roles),
                "to": row.to,
                "needs": list(row.needs),
                "guards": [flag for flag in flags if getattr(row, flag)],
            }
            for row in TABLE
        ],
    }
