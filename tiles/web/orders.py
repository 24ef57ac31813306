"""Work orders: `GET /orders`, one with its history, and what somebody does to it.

Every reply says what may be done next, by whom. An order has a version, which is its ETag: who sends it back
in If-Match acts on what he has seen, or is told (412) that somebody else was faster. Actor and role are what
the caller says they are, until callers have names of their own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gridmap.casework import Request
from gridmap.errors import InputError, NotFoundError
from gridmap.order_rows import history
from gridmap.orders import transitions
from gridmap.orders.order import as_document, order_from_json
from gridmap.orders.requests import args_of
from gridmap.orders.words import ROLES, STATES
from gridmap.settings import ACTION_BYTES
from tiles.web.batch_json import read_object
from tiles.web.events import LAYER, affairs_of
from tiles.web.parameters import Parameter, quote, read_flag, read_whole
from tiles.web.reply import JSON, NEVER, Reply, json_reply, to_json
from tiles.web.route import Body, Route, json_response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridmap.orders.order import WorkOrder
    from tiles.web.call import Call

MOST: Final = 1_000
"""Orders of one page at most."""

_SAID: Final = ("action", "actor", "role", "note")
_TAG: Final = re.compile(r'(?:W/)?"(\d{1,9})"')


def get(call: Call) -> Reply:
    """Give orders in the order in which they were opened."""
    query = call.query
    since = read_whole(query, "since", 0, 999_999_999) if "since" in query else 0
    limit = read_whole(query, "limit", 1, MOST) if "limit" in query else 100
    codes = None
    if "area" in query:
        codes = call.snapshot.grids_of(query["area"])
    wanted = {name: query[name] for name in ("state", "person") if name in query}
    live = read_flag(query, "live")
    book = affairs_of(call).book
    rows = book.looking(lambda desk: desk.find_orders(since, limit, live=live, codes=codes, **wanted))
    said = [described(order_from_json(row.body), query) for row in rows]
    return json_reply({"orders": said, "next": rows[-1].number if rows else since}, cache=NEVER)


def get_one(call: Call) -> Reply:
    """Give an order with its history."""
    book, id_ = affairs_of(call).book, call.path["id"]

    def look(desk: Any) -> tuple[WorkOrder, list[Any]]:
        row = desk.orders([id_]).get(id_)
        if row is None:
            raise NotFoundError(f"There is no order {id_[:40]!r}.")
        order = order_from_json(row.body)
        return order, history(desk, order)

    order, entries = book.looking(look)
    said = described(order, call.query) | {"history": [as_document(entry) for entry in entries]}
    return _tagged(order, said)


def post_action(call: Call) -> Reply:
    """Let somebody act on an order."""
    said = read_object(call.body)
    for name in ("action", "actor", "role"):
        if not isinstance(said.get(name), str):
            came = "is missing" if said.get(name) is None else f"is {quote(str(said[name]))}, no text"
            raise InputError(name, f"{came}; send action, actor, role, and a note where one is needed")
    note = said.get("note") or ""
    if not isinstance(note, str):
        raise InputError("note", "is no text; write what others should know")
    args = args_of({name: value for name, value in said.items() if name not in _SAID})
    version = read_version(call.headers)
    request = Request(said["action"], said["actor"], said["role"], note, args, version)
    order = affairs_of(call).act(call.path["id"], request)
    return _tagged(order, described(order, {"role": request.role, "actor": request.actor}))


def get_transitions(_call: Call) -> Reply:
    """Give the table of what can happen to an order."""
    return json_reply(transitions.document())


def described(order: WorkOrder, asker: Mapping[str, str]) -> dict[str, Any]:
    """An order as it is handed out: all of it, and what may be done next.

    `asker` may name a role and an actor: then it is what these may do, else what each role may.
    """
    role, actor = asker.get("role"), asker.get("actor")
    if role is None:
        allowed: Any = {name: list(actions) for name, actions in transitions.allowed_by_role(order).items()}
    elif role in ROLES:
        allowed = list(transitions.allowed(order, role, actor))
    else:
        raise InputError("role", f"{quote(role)} is no role; give one of {', '.join(ROLES)}")
    state = STATES[order.state]
    return as_document(order) | {"state_zh": state.zh, "allowed_actions": allowed}


def read_version(headers: Mapping[str, str]) -> int | None:
    """The version that the caller has seen, None where he does not say."""
    text = headers.get("if-match", "*").strip()
    if text == "*":
        return None
    found = _TAG.fullmatch(text)
    if found is None:
        raise InputError(
            "If-Match", f"{quote(text)} is no ETag of an order; send the one that you were given"
        )
    return int(found[1])


def _tagged(order: WorkOrder, said: dict[str, Any]) -> Reply:
    return Reply(to_json(said), cache=NEVER, headers=(("ETag", f'"{order.version}"'),))


_TEXT: Final = {"type": "string"}
_ACTIONS: Final = {"type": "array", "items": _TEXT}
_ORDER: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A work order as it stands after `version` entries of its history.",
    "properties": {
        "id": {**_TEXT, "examples": ["o-17"]},
        "version": {"type": "integer", "minimum": 1},
        "state": {"type": "string", "enum": list(STATES)},
        "state_zh": _TEXT,
        "code": {"type": ["string", "null"], "description": "The grid of its place."},
        "allowed_actions": {
            "description": "What may be done next: by the role asked for, or by each role.",
            "oneOf": [_ACTIONS, {"type": "object", "additionalProperties": _ACTIONS}],
        },
        "clocks": {"type": "array", "items": {"type": "object"}},
        "history": {"type": "array", "items": {"type": "object"}, "description": "Of one order only."},
    },
    "required": ["id", "version", "state", "state_zh", "code", "allowed_actions", "clocks"],
}
SCHEMAS: Final[dict[str, Any]] = {
    "Order": _ORDER,
    "Orders": {
        "type": "object",
        "properties": {
            "orders": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}},
            "next": {"type": "integer", "description": "Ask on with since= this."},
        },
        "required": ["orders", "next"],
        "additionalProperties": False,
    },
    "OrderAction": {
        "type": "object",
        "description": "What somebody does. Beside these: what the action needs (see /orders/transitions).",
        "properties": {
            "action": {**_TEXT, "examples": ["accept"]},
            "actor": {**_TEXT, "description": "Who acts.", "examples": ["p-12"]},
            "role": {"type": "string", "enum": list(ROLES)},
            "note": _TEXT,
        },
        "required": ["action", "actor", "role"],
    },
    "Transitions": {"type": "object", "description": "States, actions, roles and the table of transitions."},
}

_ID: Final = Parameter(
    "id", {"type": "string", "examples": ["o-17"]}, "The order.", required=True, place="path"
)
_ASKER: Final = (
    Parameter("role", {"type": "string", "enum": list(ROLES)}, "Say only what this role may do next."),
    Parameter("actor", _TEXT, "Beside role: what this person may do next."),
)
_PROBLEM: Final = "application/problem+json"

ROUTES: Final = (
    Route(
        path="/orders",
        name="get_orders",
        layer=LAYER,
        answer=get,
        summary="Work orders. 工单列表",
        parameters=(
            Parameter("since", {"type": "integer", "minimum": 0}, "Orders behind this number."),
            Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST}, "At most so many; 100."),
            Parameter("area", {"type": "string"}, "Only of this area, whatever its level."),
            Parameter("state", {"type": "string", "enum": list(STATES)}, "Only in this state."),
            Parameter("person", {"type": "string"}, "Only those that this person has."),
            Parameter("live", {"type": "string", "enum": ["1", "0"]}, "1: only those not over yet."),
            *_ASKER,
        ),
        responses={"200": json_response("A page of orders, the oldest first.", "Orders")},
    ),
    Route(
        path="/orders/transitions",
        name="get_transitions",
        layer="documentation",
        answer=get_transitions,
        summary="What can happen to an order, by whom. 工单流转表",
        responses={"200": json_response("The table, with its words.", "Transitions")},
    ),
    Route(
        path="/orders/{id}",
        name="get_order",
        layer=LAYER,
        answer=get_one,
        summary="One order with its history. 单个工单",
        parameters=(_ID, *_ASKER),
        responses={"200": json_response("The order.", "Order")},
    ),
    Route(
        path="/orders/{id}/actions",
        name="act_on_order",
        layer=LAYER,
        answer=post_action,
        summary="Do something to an order. 工单操作",
        description="If-Match with the ETag of the order: only if nobody else was faster.",
        parameters=(_ID,),
        body=Body({JSON: {"schema": {"$ref": "#/components/schemas/OrderAction"}}}, ACTION_BYTES),
        responses={
            "200": json_response("The order as it is now.", "Order"),
            "403": json_response("This role or person may not do that.", "Problem", _PROBLEM),
            "409": json_response("Not in this state.", "Problem", _PROBLEM),
            "412": json_response("Somebody else was faster.", "Problem", _PROBLEM),
        },
    ),
)
