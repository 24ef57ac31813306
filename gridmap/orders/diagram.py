"""The table of transitions as a picture: states as boxes, actions as arrows, every row as text below.

What is drawn comes from the table alone; only where a box stands, and which way an arrow with
something in between goes, is said here. A row with many source states is not drawn as arrows but listed
at the right. A state without a place here, or an arrow through a box, fails in test_transitions.py.
"""

from __future__ import annotations

import unicodedata
from typing import Final
from xml.sax.saxutils import escape

from gridmap.orders.transitions import NEW, SAME, TABLE, Transition
from gridmap.orders.words import ACTIONS, LIVE, OVER, ROLES, STATES

WIDTH: Final = 2040
BOX: Final = (136, 56)
PITCH: Final = 196
LEFT: Final = 112
ROWS: Final = (180, 330, 500, 620)
MANY: Final = 7
"""Rows with so many source states are listed, not drawn."""

PLACES: Final = {
    "reported": (0.0, 1),
    "verified": (1.0, 1),
    "filed": (2.0, 1),
    "dispatched": (3.0, 1),
    "accepted": (4.0, 1),
    "processing": (5.0, 1),
    "feedback": (6.0, 1),
    "checked": (7.0, 1),
    "closed": (8.0, 1),
    "evaluated": (9.0, 1),
    "suspended": (4.5, 0),
    "delay_requested": (5.5, 0),
    "rejected": (0.0, 2),
    "returned": (3.5, 2),
    "rework": (6.5, 2),
    "escalated": (4.0, 3),
    "merged": (5.4, 3),
    "voided": (6.4, 3),
}
"""The column and the row of every state; columns may be broken."""

Point = tuple[float, float]
STYLE: Final = """
    text { font-family: sans-serif; fill: #cfe8ff; font-size: 15px }
    .title { font-size: 30px; font-weight: bold; fill: #ffffff }
    .zh { font-size: 18px; font-weight: bold; fill: #ffffff }
    .en { font-size: 15px; fill: #8fb4d9 }
    .mid { text-anchor: middle }
    .key { font-family: monospace; font-size: 15px; fill: #19d7ff }
    .head { fill: #ffd166; font-size: 16px; font-weight: bold }
    .verb { fill: #ffd166; font-size: 15px; paint-order: stroke; stroke: #07142b; stroke-width: 5px }
    .live { fill: #10305c; stroke: #3aa0ff; stroke-width: 1.5 }
    .over { fill: #0b1f3f; stroke: #2bd576; stroke-width: 1.5 }
    .line { fill: none; stroke: #19d7ff; stroke-width: 1.8 }
    .card { fill: #0b1f3f; stroke: #1d4e7e; stroke-width: 1.5 }
    .rule { stroke: #1d4e7e; stroke-width: 1 }"""


def centre(state: str) -> Point:
    """The middle of a state's box."""
    column, row = PLACES[state]
    return LEFT + column * PITCH, float(ROWS[row])


def drawn() -> dict[tuple[str, str], list[str]]:
    """The arrows: each pair of states, and the actions that lead from the one to the other."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in TABLE:
        if row.to != SAME and row.states != (NEW,) and len(row.states) < MANY:
            for state in row.states:
                if state != row.to:
                    found.setdefault((state, row.to), []).append(row.action)
    return found


def listed() -> list[Transition]:
    """The rows that are listed beside the arrows: from many states, or to the same state."""
    return [row for row in TABLE if row.states != (NEW,) and (row.to == SAME or len(row.states) >= MANY)]


def svg() -> str:
    """The picture, as the text of docs/order-states.svg."""
    body = [*_arrows(), *(_box(state) for state in STATES), *_entrance(), *_anywhere()]
    table, height = _rows(742)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
            'aria-labelledby="title desc">',
            '  <title id="title">The states of a work order</title>',
            '  <desc id="desc">Every state of a work order, the actions that lead from one to another, and '
            "for each who may take it. Made from the table of transitions by scripts/order_diagram.</desc>",
            f"  <style>{STYLE}\n  </style>",
            '  <defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            'orient="auto"><path d="M0 0 10 5 0 10z" fill="#19d7ff"/></marker></defs>',
            f'  <rect width="{WIDTH}" height="{height}" fill="#07142b"/>',
            _text(48, 58, "title", "工单状态 · The states of a work order"),
            *body,
            *table,
            "</svg>",
            "",
        ]
    )


def _box(state: str) -> str:
    """A state: its Chinese label over its key."""
    (x, y), (w, h) = centre(state), BOX
    kind = "over" if state in OVER else "live"
    return (
        f'  <rect class="{kind}" x="{x - w / 2:g}" y="{y - h / 2:g}" width="{w}" height="{h}" rx="8"/>\n'
        + _text(x, y - 3, "zh mid", STATES[state].zh)
        + "\n"
        + _text(x, y + 18, "key mid", state)
    )


def _arrows() -> list[str]:
    """All arrows. Those of one action whose labels would stand in one place share one label."""
    out, said = [], set()
    for (state, to), actions in drawn().items():
        points, (x, y) = way(state, to)
        out.append(_line(points))
        for number, action in enumerate(actions):
            if (action, to, x, y) not in said:
                said.add((action, to, x, y))
                label = ACTIONS[action].zh if _beside(state, to) else f"{ACTIONS[action].zh} {action}"
                out.append(_text(x, y + (32 if _beside(state, to) else 18) * number, "verb mid", label))
    return out


def _beside(state: str, to: str) -> bool:
    """Whether two boxes stand side by side in the main row, so that labels must be short."""
    return PLACES[state][1] == PLACES[to][1] == 1 and not _over(state, to)


def _over(state: str, to: str) -> bool:
    """Whether an arrow goes over the top: along the main row, past other boxes."""
    return PLACES[state][1] == PLACES[to][1] == 1 and abs(PLACES[to][0] - PLACES[state][0]) > 1


def way(state: str, to: str) -> tuple[list[Point], Point]:
    """The corners of an arrow from its box to the other, and where its label stands."""
    (x1, y1), (x2, y2) = centre(state), centre(to)
    w, h = BOX[0] / 2, BOX[1] / 2
    if (state, to) in WAYS:
        return WAYS[state, to]
    if _over(state, to):
        top = ROWS[0] - 62.0
        return [(x1, y1 - h), (x1, top), (x2, top), (x2, y2 - h)], (x2 - PITCH * 0.6, top - 8)
    if y1 == y2:
        side = 1 if x2 > x1 else -1
        return [(x1 + side * w, y1), (x2 - side * w, y2)], ((x1 + x2) / 2, y1 - 10)
    down = 1 if y2 > y1 else -1
    x = (max(x1, x2) - w + min(x1, x2) + w) / 2
    return [(x, y1 + down * h), (x, y2 - down * h)], (x, (y1 + y2) / 2 + 5)


def _column(column: float) -> float:
    """The x of a column."""
    return LEFT + column * PITCH


_H: Final = BOX[1] / 2
_W: Final = BOX[0] / 2
_UNDER: Final = ROWS[1] + 78.0
"""The height of the way to `returned`, below the main row."""

WAYS: Final[dict[tuple[str, str], tuple[list[Point], Point]]] = {
    ("dispatched", "returned"): (
        [(_column(3.25), ROWS[1] + _H), (_column(3.25), ROWS[2] - _H)],
        (_column(3.62), _UNDER + 22),
    ),
    ("accepted", "returned"): (
        [(_column(3.78), ROWS[1] + _H), (_column(3.78), ROWS[2] - _H)],
        (_column(3.62), _UNDER + 22),
    ),
    ("processing", "returned"): (
        [
            (_column(4.8), ROWS[1] + _H),
            (_column(4.8), ROWS[2] - 14),
            (_column(3.5) + _W, ROWS[2] - 14),
        ],
        (_column(4.5), ROWS[2] - 22),
    ),
    ("returned", "dispatched"): (
        [(_column(3.5) - _W, ROWS[2]), (_column(2.9), ROWS[2]), (_column(2.9), ROWS[1] + _H)],
        (_column(2.9), _UNDER + 22),
    ),
    ("rework", "returned"): (
        [(_column(6.5) - _W, ROWS[2] + 12), (_column(3.5) + _W, ROWS[2] + 12)],
        (_column(4.9), ROWS[2] + 30),
    ),
    ("rework", "processing"): (
        [(_column(6.5) - _W, ROWS[2] - 8), (_column(5.15), ROWS[2] - 8), (_column(5.15), ROWS[1] + _H)],
        (_column(5.58), ROWS[2] - 34),
    ),
    ("escalated", "dispatched"): (
        [(_column(4.0) - _W, ROWS[3]), (_column(2.9), ROWS[3]), (_column(2.9), ROWS[1] + _H)],
        (_column(2.9), _UNDER + 22),
    ),
    ("escalated", "accepted"): (
        [(_column(4.1), ROWS[3] - _H), (_column(4.1), ROWS[1] + _H)],
        (_column(4.28), ROWS[1] + 54),
    ),
    ("feedback", "rework"): (
        [(_column(6.25), ROWS[1] + _H), (_column(6.25), ROWS[2] - _H)],
        (_column(7.12), _UNDER + 22),
    ),
    ("checked", "rework"): (
        [(_column(6.75), ROWS[1] + _H), (_column(6.75), ROWS[2] - _H)],
        (_column(7.12), _UNDER + 22),
    ),
    ("processing", "suspended"): (
        [(_column(4.78), ROWS[1] - _H), (_column(4.78), ROWS[0] + _H)],
        (_column(4.78), ROWS[0] + 84),
    ),
    ("suspended", "processing"): (
        [(_column(4.4), ROWS[0] + _H), (_column(4.4), ROWS[1] - 48), (_column(4.72), ROWS[1] - _H)],
        (_column(4.3), ROWS[1] - 52),
    ),
    ("processing", "delay_requested"): (
        [(_column(5.22), ROWS[1] - _H), (_column(5.22), ROWS[0] + _H)],
        (_column(5.22), ROWS[0] + 52),
    ),
    ("delay_requested", "processing"): (
        [(_column(5.62), ROWS[0] + _H), (_column(5.62), ROWS[1] - 48), (_column(5.28), ROWS[1] - _H)],
        (_column(5.62), ROWS[0] + 76),
    ),
}
"""Ways that are not the straight one; a label stands once where several arrows of one action meet."""


def _line(points: list[Point]) -> str:
    """An arrow along its corners."""
    path = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'  <polyline class="line" points="{path}" marker-end="url(#tip)"/>'


def _entrance() -> list[str]:
    """Arrows from nowhere: where orders begin, and where they can go from many states."""
    out = []
    for row in TABLE:
        begins = row.states == (NEW,)
        if begins or (row.states == LIVE and row.to != SAME):
            x, y = centre(row.to)
            x -= BOX[0] / 4
            out.append(_line([(x, y - 60), (x, y - BOX[1] / 2)]))
            label = ACTIONS[row.action].zh if begins else f"{ACTIONS[row.action].zh} {row.action}"
            out.append(_text(x, y - 66, "verb mid", label))
    return out


def _anywhere() -> list[str]:
    """The card of what can happen from many states."""
    x, y, step = _column(7.5), ROWS[1] + 60.0, 23
    rows = listed()
    out = [
        f'  <rect class="card" x="{x:g}" y="{y:g}" width="{WIDTH - x - 40:g}" '
        f'height="{len(rows) * step + 50}" rx="10"/>',
        _text(x + 18, y + 28, "head", "进行中的任何状态 · from any live state"),
    ]
    for number, row in enumerate(rows):
        to = "状态不变 same" if row.to == SAME else f"→ {STATES[row.to].zh} {row.to}"
        some = "" if row.states == LIVE else f"（{len(row.states)} 个状态）"
        out.append(_text(x + 18, y + 54 + number * step, "", f"{ACTIONS[row.action].zh} {row.action}{some}"))
        out.append(_text(x + 226, y + 54 + number * step, "", to))
    return out


def _rows(top: int) -> tuple[list[str], int]:
    """The whole table as text, a line or more for each row; and the height it ends at."""
    columns = (48, 290, 690, 910, 1570)
    heads = ("动作 action", "自 from", "至 to", "谁 who", "条件 needs, guards")
    out = [_text(x, top, "head", text) for x, text in zip(columns, heads, strict=True)]
    y = top + 12
    for row in TABLE:
        action = ACTIONS[row.action]
        cells = (
            [f"{action.zh} {row.action}"],
            _wrapped(_states(row), 390),
            ["状态不变 same" if row.to == SAME else f"{STATES[row.to].zh} {row.to}"],
            _wrapped("、".join(f"{ROLES[role].zh}" for role in row.roles), 640),
            _wrapped(_conditions(row), 440),
        )
        out.append(f'  <path class="rule" d="M40 {y}H{WIDTH - 40}"/>')
        for x, lines in zip(columns, cells, strict=True):
            out += [_text(x, y + 20 + 20 * number, "", line) for number, line in enumerate(lines)]
        y += 8 + 20 * max(len(lines) for lines in cells)
    return out, y + 30


def _states(row: Transition) -> str:
    """The source states of a row in words."""
    if row.states == LIVE:
        return "进行中的任何状态 any live state"
    return "、".join("新建" if state == NEW else STATES[state].zh for state in row.states)


def _conditions(row: Transition) -> str:
    """What a row asks for, in words."""
    said = {
        "holder": "须为本级办理人",
        "not_handler": "办理人回避",
        "below_top": "尚有上级",
        "outstanding": "有部门未回复",
        "all_replied": "部门均已回复",
        "handles": "计为办理人",
    }
    needs = [f"须附 {', '.join(row.needs)}"] if row.needs else []
    return "；".join([*needs, *(text for flag, text in said.items() if getattr(row, flag))])


def _wrapped(text: str, most: int) -> list[str]:
    """A text in lines of at most so many units, broken after 、 ； or a blank."""
    lines, line = [], ""
    for part in _parts(text):
        if line and _breadth(line + part) > most:
            lines.append(line)
            line = ""
        line += part
    return [*lines, line]


def _parts(text: str) -> list[str]:
    """A text cut behind every place where a line may end."""
    out, part = [], ""
    for letter in text:
        part += letter
        if letter in "、； ":
            out.append(part)
            part = ""
    return [*out, part]


def _breadth(text: str) -> float:
    """About how wide a text of 15 units is drawn."""
    return sum(15 if unicodedata.east_asian_width(letter) in "WF" else 8.2 for letter in text)


def _text(x: float, y: float, kind: str, text: str) -> str:
    """A line of text."""
    style = f' class="{kind}"' if kind else ""
    return f'  <text{style} x="{x:g}" y="{y:g}">{escape(text)}</text>'
