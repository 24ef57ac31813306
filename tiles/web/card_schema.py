"""The schemas of an area's card (`tiles.web.cards`)."""

from __future__ import annotations

from typing import Any, Final

from gridmap.model import STAFF
from gridmap.orders.clocks import LAMPS
from gridmap.orders.words import ROLES, STATES, URGENCIES
from tiles.web import fields, posts
from tiles.web.buildings import HOUSEHOLDS, PEOPLE
from tiles.web.route import reference

OF_AREAS: Final = (
    "code",
    "name",
    "level",
    "kind",
    "parent",
    "path",
    "edition",
    "synthetic",
    "measures",
)
"""What a card has of what /areas says."""

_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}
_WHEN: Final = {"type": "string", "format": "date-time"}
_WHEN_OR_NULL: Final = {"type": ["string", "null"], "format": "date-time"}
_URGENCY: Final = {"type": "string", "enum": list(URGENCIES)}
_OP: Final = {"type": "string", "enum": ["open", "update", "close"]}


def _many(schema: str, description: str) -> dict[str, Any]:
    return {"type": "array", "items": reference(schema), "description": description}


_STOCK: Final = fields.closed(
    {
        "households": HOUSEHOLDS,
        "people": PEOPLE,
        "buildings": {"type": ["integer", "null"], "minimum": 0, "description": "Null where nobody knows."},
        "devices": _COUNT,
        STAFF: {**_COUNT, "description": "Posts of the roster."},
    },
    "What there is in an area.",
)

_CARD: Final[dict[str, Any]] = {
    **fields.AREA,
    "parent": {"type": ["string", "null"], "description": "Code of the area it lies in; null at the top."},
    "path": fields.PATH,
    "edition": fields.EDITION,
    "synthetic": fields.SYNTHETIC,
    "measures": reference("Measures"),
    "stock": reference("CardStock"),
    "buildings": _many("CardBuilding", "Of a grid: its buildings, the tallest first, 60 at most."),
    "devices": _many("CardDevices", "By kind."),
    STAFF: _many("CardPost", "Of a grid: its posts, those on duty first, 20 at most."),
    "orders": {
        "oneOf": [reference("CardOrders"), {"type": "null"}],
        "description": "Orders that are live now, drills left out; null where this server keeps none.",
    },
    "history": {
        "type": ["array", "null"],
        "items": reference("CardEvent"),
        "description": "The last 20 events among the newest 20,000 rows of the log, the newest first. "
        "An event lies where it does by this edition, one without a place where its thing does. "
        "null where this server keeps none.",
    },
    "neighbours": _many("CardNeighbour", "Of the same level, the longest border first, 30 at most."),
    "editions": _many("CardEdition", "Up to the one told of, the newest first, 20 at most."),
    "nearest": {
        "oneOf": [reference("CardNearest"), {"type": "null"}],
        "description": "What is nearest to a point inside: a resource, or a device where none is known.",
    },
}

SCHEMAS: Final[dict[str, Any]] = {
    "Card": fields.closed(_CARD, "All that is known of an area."),
    "CardStock": _STOCK,
    "CardBuilding": fields.closed(
        {"code": _TEXT, "name": _TEXT, "use": _TEXT, "height": _COUNT, "households": HOUSEHOLDS}
    ),
    "CardDevices": fields.closed(
        {
            "kind": _TEXT,
            "total": _COUNT,
            "online": _COUNT,
            "offline": _COUNT,
            "unheard": {**_COUNT, "description": "Of which nothing was ever heard."},
        }
    ),
    "CardPost": fields.closed(
        {
            "code": _TEXT,
            **posts.MEMBERS,
            "acts_as": {
                "type": ["string", "null"],
                "enum": [*ROLES, None],
                "description": "The role in which somebody of this post acts on orders; null where the rules "
                "know none, or this server keeps no orders.",
                "examples": ["grid_leader"],
            },
        }
    ),
    "CardOrders": fields.closed(
        {
            "open": _COUNT,
            "overdue": {**_COUNT, "description": "With a running clock that is used up."},
            "latest": _many("CardOrder", "The most urgent first, 20 at most."),
        }
    ),
    "CardOrder": fields.closed(
        {
            "id": _TEXT,
            "title": _TEXT,
            "class": _TEXT,
            "urgency": _URGENCY,
            "state": {"type": "string", "enum": list(STATES)},
            "state_zh": _TEXT,
            "opened_at": _WHEN,
            "due_at": {**_WHEN_OR_NULL, "description": "When the next running clock is used up."},
            "lamp": {"type": "string", "enum": ["green", *LAMPS.values()]},
        }
    ),
    "CardEvent": fields.closed(
        {
            "seq": {**_COUNT, "description": "Its number in the log."},
            "title": _TEXT,
            "class": _TEXT,
            "urgency": _URGENCY,
            "op": _OP,
            "drill": {"type": "boolean", "description": "Whether it was said to be a drill."},
            "occurred_at": {**_WHEN, "description": "Not later than it was reported."},
        }
    ),
    "CardNeighbour": fields.closed(
        {
            "code": _TEXT,
            "name": _TEXT,
            "shared_m": {"type": "number", "minimum": 0, "description": "Metres of common border."},
        }
    ),
    "CardEdition": fields.closed(
        {
            "number": {"type": "integer", "minimum": 1},
            "effective_at": _WHEN,
            "reason": _TEXT,
            "author": _TEXT,
            "changed": {
                "type": ["boolean", "null"],
                "description": "Whether name or shape differ from the edition before; "
                "null where that cannot be told in a moment.",
            },
        }
    ),
    "CardNearest": fields.closed({"zh": {**_TEXT, "examples": ["西南方向200米处有鱼塘"]}, "en": _TEXT}),
}
