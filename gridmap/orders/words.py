"""The words of work orders, each with its Chinese and its English label.

A key is for ever: it stands in the log, in rules and in the programs of others. Labels are for people and
may change.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Label(NamedTuple):
    """What people read for a key."""

    zh: str
    en: str


STATES: Final = {
    "reported": Label("已上报", "reported"),
    "verified": Label("已核实", "verified"),
    "rejected": Label("不予立案", "rejected"),
    "filed": Label("已立案", "filed"),
    "dispatched": Label("已派遣", "dispatched"),
    "accepted": Label("已接单", "accepted"),
    "processing": Label("处理中", "in hand"),
    "delay_requested": Label("申请延期", "delay requested"),
    "suspended": Label("已挂起", "suspended"),
    "returned": Label("已退单", "returned"),
    "feedback": Label("已反馈", "fed back"),
    "checked": Label("已核查", "checked"),
    "rework": Label("返工", "rework"),
    "escalated": Label("已上报上级", "escalated"),
    "closed": Label("已结案", "closed"),
    "evaluated": Label("已评价", "evaluated"),
    "merged": Label("已合并", "merged"),
    "voided": Label("已作废", "void"),
}
"""Every state of an order. A whistle and a supervision are marks, not states: the work goes on meanwhile."""

OVER: Final = frozenset({"rejected", "closed", "evaluated", "merged", "voided"})
"""States in which nobody works any more; a closed order can still be evaluated."""
LIVE: Final = tuple(state for state in STATES if state not in OVER)
"""States in which somebody owes an answer."""

ACTIONS: Final = {
    "open": Label("建单", "open"),
    "verify": Label("核实", "verify"),
    "reject": Label("不予立案", "reject"),
    "file": Label("立案", "file"),
    "dispatch": Label("派遣", "dispatch"),
    "accept": Label("接单", "accept"),
    "arrive": Label("到场", "arrive"),
    "start": Label("开始处理", "start"),
    "handle_on_spot": Label("当场处置", "handle on the spot"),
    "request_delay": Label("申请延期", "ask for a delay"),
    "grant_delay": Label("同意延期", "grant the delay"),
    "refuse_delay": Label("驳回延期", "refuse the delay"),
    "suspend": Label("挂起", "suspend"),
    "resume": Label("恢复", "resume"),
    "return": Label("退单", "return"),
    "feedback": Label("反馈", "report back"),
    "check": Label("核查通过", "check"),
    "rework": Label("退回返工", "send back"),
    "close": Label("结案", "close"),
    "evaluate": Label("评价", "evaluate"),
    "escalate": Label("上报上级", "escalate"),
    "whistle": Label("吹哨", "whistle"),
    "reply": Label("部门回复", "reply"),
    "release": Label("撤回吹哨", "release"),
    "supervise": Label("督办", "supervise"),
    "reassign": Label("改派", "reassign"),
    "merge": Label("合并", "merge"),
    "absorb": Label("并入", "absorb"),
    "void": Label("作废", "void"),
    "regrade": Label("调整紧急程度", "change the urgency"),
    "move": Label("位置调整", "move with its place"),
    "retime": Label("重算时限", "count the time anew"),
}
"""Every action. `move`, `absorb` and `retime` are the system's own."""

ROLES: Final = {
    "microgrid_leader": Label("微网格长", "micro-grid leader"),
    "grid_member": Label("网格员", "grid member"),
    "grid_leader": Label("网格长", "grid leader"),
    "instructor": Label("网格指导员", "grid instructor"),
    "community": Label("社区", "community"),
    "town": Label("镇街", "town"),
    "district": Label("区县", "district"),
    "department": Label("部门", "department"),
    "dispatcher": Label("派遣员", "dispatcher"),
    "verifier": Label("核查员", "verifier"),
    "supervisor": Label("督办员", "supervisor"),
    "resident": Label("居民", "resident"),
    "system": Label("系统", "system"),
}
"""Who acts. Until tokens exist a role is what the caller says it is."""

LEVELS: Final = {
    "microgrid": Label("微网格", "micro-grid"),
    "grid": Label("网格", "grid"),
    "community": Label("社区", "community"),
    "town": Label("镇街", "town"),
    "district": Label("区县", "district"),
    "department": Label("部门", "department"),
    "city": Label("市级", "city"),
}
"""Who leads, in the order of escalation. `city` is the desk of orders without a place, beside the ladder."""
LADDER: Final = ("microgrid", "grid", "community", "town", "district", "department")

HOLDERS: Final = {
    "microgrid": ("microgrid_leader", "grid_member", "grid_leader"),
    "grid": ("grid_member", "grid_leader", "microgrid_leader", "instructor"),
    "community": ("community",),
    "town": ("town",),
    "district": ("district",),
    "department": ("department",),
    "city": (),
}
"""The roles that handle an order of each level; after an escalation the level below no longer does."""
HANDLERS: Final = ("microgrid_leader", "grid_member", "grid_leader", "instructor", *LADDER[2:])
"""The roles that handle orders at all."""

URGENCIES: Final = {
    "red": Label("红", "red"),
    "orange": Label("橙", "orange"),
    "yellow": Label("黄", "yellow"),
    "blue": Label("蓝", "blue"),
}
CLASSES: Final = (
    "矛盾纠纷",
    "公共安全",
    "社会治安",
    "城市管理",
    "生态环境",
    "民生服务",
    "特殊关爱",
    "应急",
    "党建政务",
    "其他",
)
MATTERS: Final = ("official", "family", "community")


def level_above(level: str) -> str | None:
    """The next step of the ladder, None at its top and for the city's desk."""
    if level not in LADDER or level == LADDER[-1]:
        return None
    return LADDER[LADDER.index(level) + 1]
