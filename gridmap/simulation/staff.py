"""Simulated staff: they accept, work on, report back, check and close orders, mostly in time.

What they do next is drawn from what the service says is allowed, by the state of the order (CHOICES); the
draw depends on seed, order and version alone. When they do it is a plausible time, divided by the speed of
the run. The clocks of orders are the service's own and always run on the wall: so that an order is in time,
nobody waits longer than a part of what is left, and a share of the orders is late on purpose: what would stop
their clock is done after 82 to 180 % of it, whatever the speed, so that notices are told.

They touch only orders of the simulator's own events. When one is closed, so is the thing it was about.
"""

from __future__ import annotations

from datetime import datetime
from math import exp
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gridmap.orders.words import HANDLERS, OVER, ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    Order = Mapping[str, Any]


class Choice(NamedTuple):
    """Something that may be done in a state, how often, and by which roles: the first that is allowed."""

    weight: float
    action: str
    roles: tuple[str, ...]


_CHECKERS: Final = ("verifier", "community", "supervisor")
_DESKS: Final = ("dispatcher", "supervisor")

CHOICES: Final[dict[str, tuple[Choice, ...]]] = {
    "reported": (Choice(92, "verify", ("verifier",)), Choice(8, "reject", ("verifier",))),
    "verified": (Choice(1, "file", ("dispatcher", "verifier")),),
    "filed": (Choice(7, "dispatch", ("dispatcher",)), Choice(3, "void", ("dispatcher",))),
    "returned": (Choice(1, "dispatch", ("dispatcher",)),),
    "dispatched": (
        Choice(83, "accept", HANDLERS),
        Choice(12, "handle_on_spot", HANDLERS),
        Choice(3, "return", HANDLERS),
        Choice(2, "escalate", HANDLERS),
    ),
    "accepted": (Choice(7, "arrive", HANDLERS), Choice(3, "start", HANDLERS)),
    "processing": (
        Choice(88, "feedback", HANDLERS),
        Choice(4, "request_delay", HANDLERS),
        Choice(3, "whistle", ("grid_leader", "community", "town", *_DESKS)),
        Choice(3, "escalate", HANDLERS),
        Choice(2, "suspend", _DESKS),
    ),
    "delay_requested": (Choice(4, "grant_delay", _DESKS), Choice(1, "refuse_delay", _DESKS)),
    "suspended": (Choice(1, "resume", _DESKS),),
    "escalated": (Choice(1, "accept", HANDLERS), Choice(1, "dispatch", ("dispatcher",))),
    "feedback": (Choice(93, "check", _CHECKERS), Choice(7, "rework", _CHECKERS)),
    "rework": (Choice(1, "start", HANDLERS),),
    "checked": (Choice(1, "close", ("verifier", "dispatcher", "supervisor")),),
    "closed": (Choice(1, "evaluate", ("resident",)),),
}
"""What is done in each state, by weight. In the states not named nothing is."""

WAITS_S: Final = {
    "reported": 300,
    "verified": 120,
    "filed": 300,
    "returned": 600,
    "dispatched": 420,
    "accepted": 900,
    "processing": 3600,
    "delay_requested": 1200,
    "suspended": 7200,
    "escalated": 900,
    "feedback": 1800,
    "rework": 1800,
    "checked": 600,
    "closed": 5400,
}
"""The usual time in a state before something happens, in seconds."""
HASTE: Final = {"red": 0.1, "orange": 0.3, "yellow": 0.8, "blue": 1.5}
EVALUATED: Final = 0.35
"""Part of the closed orders that residents grade."""
LATE: Final = 0.08
"""Part of the orders that are late on purpose, or nearly."""
IN_TIME: Final = 0.6
"""Who is not late waits at most for this part of what is left of the clock."""
STOPS: Final = {"dispatched": "accept", "accepted": "arrive", "processing": "close"}
"""The clock that the next thing done in a state stops."""

_DEPARTMENTS: Final = (
    *("城市管理局", "住房城乡建委", "生态环境局", "应急管理局", "公安派出所"),
    *("市场监管所", "消防救援站", "民政局", "水利局", "燃气公司"),
)
_NOTES: Final = {
    "reject": ("不属于网格职责范围", "重复上报，不予立案"),
    "void": ("多次回访，地点无法核实", "来电人表示已解决"),
    "return": ("不属本网格范围，退回改派", "需专业部门处置"),
    "escalate": ("网格无法处置，请上级协调", "涉及多个部门，上报处理"),
    "request_delay": ("待配件到货", "当事人外出，约定改日调解"),
    "suspend": ("等待产权单位答复", "雨天无法施工，暂缓"),
    "feedback": (
        "已现场处置完毕",
        "已清理并恢复原状",
        "双方达成调解协议",
        "已联系责任单位修复",
        "已上门核实并安抚",
    ),
    "handle_on_spot": ("巡查中当场处置", "现场即办，无需派单"),
    "rework": ("处置不彻底，请返工", "照片与现场不符，请重新处理"),
    "reply": ("已派人到场处置", "已会同社区处理完毕"),
}
_CITY_DESK: Final = {
    "grid": None,
    "post": "desk:city",
    "person": None,
    "role": "department",
    "level": "department",
}
"""Who handles what has no place: a department of the city."""


class Pace(NamedTuple):
    """How a run goes: seed and speed."""

    seed: int
    speed: float


def is_done(order: Order) -> bool:
    """Whether staff have nothing more to do with an order."""
    return order["state"] in OVER and order["state"] != "closed"


def wait_s(order: Order, now: float, pace: Pace) -> float | None:
    """How long it takes until something happens to an order; None where nothing does."""
    state = order["state"]
    chance = _chance(pace, order, f"{order['version']}/when")
    if state not in WAITS_S or (state == "closed" and chance.random() >= EVALUATED):
        return None
    usual = WAITS_S[state] * HASTE.get(order["urgency"], 1.0)
    drawn = usual * exp(chance.gauss(0.0, 0.5)) / (pace.speed or 1e9)
    clock = _running(order, STOPS.get(state, ""))
    if clock is None:
        return drawn
    begin, due = _seconds(clock["started_at"]), _seconds(clock["due_at"])
    late = late_share(order, pace, clock["name"])
    if late is not None:
        return max(begin + (due - begin) * late - now, drawn)
    left = due - now
    return min(drawn, IN_TIME * left) if left > 0 else drawn


def late_share(order: Order, pace: Pace, clock: str) -> float | None:
    """How much of a clock is used before it is stopped, where that is decided beforehand; 1.0 is in time."""
    chance = _chance(pace, order, "late")
    if chance.random() >= LATE:
        return None
    return chance.uniform(0.82, 1.8) if chance.choice(("accept", "accept", "close")) == clock else None


def next_action(order: Order, pace: Pace) -> dict[str, Any] | None:
    """What is done to an order next, as it is sent; None where nothing that is known here is allowed.

    `order` says by role what is allowed.
    """
    chance = _chance(pace, order, f"{order['version']}/what")
    allowed: Mapping[str, list[str]] = order["allowed_actions"]
    owing = [call["department"] for call in order["called"] if call["ended_at"] is None]
    if owing and order["state"] not in ("reported", "filed", "dispatched") and "department" in allowed:
        said = {"action": "reply", "actor": owing[0], "role": "department", "department": owing[0]}
        return said | {"note": chance.choice(_NOTES["reply"])}
    found = []
    for choice in CHOICES.get(order["state"], ()):
        role = next((role for role in choice.roles if choice.action in allowed.get(role, ())), None)
        if role is not None:
            found.append((choice, role))
    if not found:
        return None
    choice, role = chance.choices(found, [each.weight for each, _ in found])[0]
    said = {"action": choice.action, "actor": _actor(order, role, chance), "role": role}
    if choice.action in _NOTES:
        said["note"] = chance.choice(_NOTES[choice.action])
    return said | _more(order, choice.action, chance)


def _more(order: Order, action: str, chance: Random) -> dict[str, Any]:
    """What an action needs beside its note."""
    if action == "evaluate":
        return {"satisfaction": chance.choices(range(1, 6), (2, 3, 10, 35, 50))[0]}
    if action == "whistle":
        called = {call["department"] for call in order["called"]}
        free = [name for name in _DEPARTMENTS if name not in called]
        return {"departments": chance.sample(free, chance.choice((1, 2, 2, 3)))}
    if action == "dispatch" and (order["queue"] is not None or order["level"] == "city"):
        return {"assignment": _CITY_DESK}
    return {}


def _actor(order: Order, role: str, chance: Random) -> str:
    """Who acts: the one who has the order, where he has this role, else somebody at that desk."""
    have = order["assignees"][0] if order["assignees"] else None
    if have is not None and have["person"] and have["role"] == role:
        return str(have["person"])
    return f"{ROLES[role].zh}{chance.randrange(1, 30):02}"


def _running(order: Order, name: str) -> Mapping[str, Any] | None:
    """The clock of a name that runs, None where none does."""
    for clock in reversed(order["clocks"]):
        if clock["name"] == name and clock["done_at"] is None and clock["due_at"] and clock["since"]:
            found: Mapping[str, Any] = clock
            return found
    return None


def _chance(pace: Pace, order: Order, what: str) -> Random:
    return Random(f"{pace.seed}/{order['id']}/{what}")


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
