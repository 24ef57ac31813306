"""Live tiles: what is open as of a number of the log, `/tiles/live/{seq}/{layer}/{scheme}/{z}/{x}/{y}.mvt`.

A tile is at least as new as its address says, never older; `X-Gridmap-Seq` says how new it is. So a page that
has seen number 17 in the stream asks for 17 and sees what 17 did. What came later may be in it too, so it is
kept by nobody for longer than a few seconds. A number that this process has not seen yet is waited for, for
a moment: another process may have written it.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import numpy as np

from gridmap.errors import InputError
from gridmap.orders.clocks import next_due
from tiles.address import SCHEMES
from tiles.overlay import URGENCIES, Overlay, Pins
from tiles.web import problems
from tiles.web.events import LAYER, affairs_of
from tiles.web.parameters import Parameter, quote
from tiles.web.reply import MVT, NEVER, Reply, json_reply
from tiles.web.route import Route, json_response
from tiles.web.tiles import read_tile
from tiles.web.tiling import read_scheme

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gridmap.board import Board, Scene
    from gridmap.orders.order import WorkOrder
    from tiles.web.call import Call

PATIENCE_S: Final = 2.0
"""How long a number of the log is waited for that is not here yet."""

OFTEN_S: Final = 0.1
"""The board is brought up to date at most so often, unless a newer number is asked for."""

DEEPEST: Final = 22
LAYERS: Final = ("event", "order")


class Scenery:
    """The overlays of the newest scene; made when somebody asks. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._scene: Scene | None = None
        self._made: dict[str, Overlay] = {}
        self._looked = 0.0

    def scene(self, call: Call, seq: int) -> Scene:
        """What is open, as of this number or a later one where that comes in time."""
        board = affairs_of(call).board
        until = time.monotonic() + PATIENCE_S
        while True:
            if board.scene.seq < seq or time.monotonic() - self._looked > OFTEN_S:
                self._looked = time.monotonic()
                board.refresh()
            if board.scene.seq >= seq or time.monotonic() > until:
                return board.scene
            time.sleep(OFTEN_S / 4)

    def overlay(self, scene: Scene, layer: str) -> Overlay:
        """The overlay of a layer of a scene."""
        with self._lock:
            if self._scene is not scene:
                self._scene, self._made = scene, {}
            found = self._made.get(layer)
            if found is None:
                found = self._made[layer] = Overlay(layer, _PINS[layer](scene))
            return found


_of: Final[WeakKeyDictionary[Board, Scenery]] = WeakKeyDictionary()


def scenery_of(call: Call) -> Scenery:
    """The overlays of what goes on in the city that is asked."""
    return _of.setdefault(affairs_of(call).board, Scenery())


def tile(call: Call) -> Reply:
    """Answer a live tile, empty (204) where nothing is open."""
    layer, scheme = read_layer(call.path["layer"]), call.path["scheme"]
    read_scheme(scheme)
    place = read_tile(call.path)
    if not SCHEMES[scheme].holds(place):
        raise problems.Refusal(problems.NO_TILE, f"{scheme} has no tile {place.z}/{place.x}/{place.y}.")
    scenery = scenery_of(call)
    scene = scenery.scene(call, read_seq(call.path["seq"]))
    body = scenery.overlay(scene, layer).draw(scheme, place)
    headers = (("X-Gridmap-Seq", str(scene.seq)),)
    return Reply(body, MVT, 200 if body else 204, NEVER, headers)


def document(call: Call) -> Reply:
    """Answer the TileJSON of a live layer, as of now."""
    layer = read_layer(call.path["layer"])
    scheme = call.query.get("scheme", "xyz")
    read_scheme(scheme)
    scene = scenery_of(call).scene(call, 0)
    fields = _FIELDS[layer]
    said = {
        "tilejson": "3.0.0",
        "name": layer,
        "description": f"Open as of number {scene.seq} of the log.",
        "tiles": [f"{call.base}/tiles/live/{scene.seq}/{layer}/{scheme}/{{z}}/{{x}}/{{y}}.mvt"],
        "minzoom": SCHEMES[scheme].lowest,
        "maxzoom": min(SCHEMES[scheme].deepest, DEEPEST),
        "bounds": list(call.snapshot.bounds),
        "vector_layers": [{"id": layer, "fields": fields}],
        "seq": scene.seq,
    }
    return json_reply(said, cache=NEVER)


def read_layer(text: str) -> str:
    """A live layer. Refusal: there is none so named."""
    if text not in LAYERS:
        detail = f"{quote(text)} is no live layer; there are {', '.join(LAYERS)}."
        raise problems.Refusal(problems.NO_TILE, detail)
    return text


def read_seq(text: str) -> int:
    """A number of the log. InputError: it is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InputError("seq", f"{quote(text)} is no number of the log; give one, or 0 for what there is")
    return int(text)


def _event_pins(scene: Scene) -> Pins:
    states = [state for state in scene.things.values() if state.at is not None]
    sayings = [
        {
            "seq": state.last,
            "class": state.class_,
            "urgency": state.urgency,
            "title": state.title,
            "code": state.code,
            "opened_at": state.opened_at,
            "drill": state.drill or None,
        }
        for state in states
    ]
    return _pins([state.at for state in states], [state.first for state in states], sayings)


def _order_pins(scene: Scene) -> Pins:
    orders = [order for order in scene.orders.values() if order.at is not None]
    sayings = [
        {
            "order": order.id,
            "state": order.state,
            "class": order.class_,
            "urgency": order.urgency,
            "title": order.title,
            "code": order.code,
            "due_at": _due(order),
            "drill": order.drill or None,
        }
        for order in orders
    ]
    return _pins([order.at for order in orders], [order.event.seq for order in orders], sayings)


def _due(order: WorkOrder) -> str | None:
    due = next_due(order)
    return None if due is None else due.strftime("%Y-%m-%dT%H:%M:%SZ")


def _pins(places: Sequence[Any], ids: Sequence[int], sayings: Sequence[dict[str, Any]]) -> Pins:
    lons, lats = (np.array([place[axis] for place in places], np.float64) for axis in (0, 1))
    return Pins(lons, lats, ids, [URGENCIES.index(each["urgency"]) for each in sayings], sayings)


_PINS: Final[dict[str, Callable[[Scene], Pins]]] = {"event": _event_pins, "order": _order_pins}
_COMMON: Final = {
    "count": "how many are here; above 1 it is a cluster",
    "urgency": "red, orange, yellow, blue: of a cluster, its most urgent",
    **{f"count_{name}": f"of a cluster: how many are {name}" for name in URGENCIES},
    "class": "what it is about",
    "title": "in words",
    "code": "the grid",
    "drill": "true for a drill",
}
_FIELDS: Final = {
    "event": {**_COMMON, "seq": "the event that last changed it", "opened_at": "since when it is open"},
    "order": {**_COMMON, "order": "the order's id", "state": "its state", "due_at": "the next due time"},
}

_LAYER: Final = Parameter(
    "layer", {"type": "string", "enum": list(LAYERS)}, "What is open.", required=True, place="path"
)
_SCHEME: Final = {"type": "string", "enum": list(SCHEMES)}
_NUMBERS: Final = tuple(
    Parameter(name, {"type": "integer", "examples": [0]}, text, required=True, place="path")
    for name, text in (("z", "Zoom."), ("x", "Column."), ("y", "Row."))
)

ROUTES: Final = (
    Route(
        path="/tiles/live/{seq}/{layer}/{scheme}/{z}/{x}/{y}.mvt",
        name="live_tile",
        layer=LAYER,
        answer=tile,
        summary="What is open now, as a vector tile. 实时瓦片",
        description="At least as new as `seq`; the reply's X-Gridmap-Seq says how new.",
        parameters=(
            Parameter("seq", {"type": "integer"}, "A number of the log.", required=True, place="path"),
            _LAYER,
            Parameter("scheme", _SCHEME, "How squares are numbered.", required=True, place="path"),
            *_NUMBERS,
        ),
        responses={
            "200": {
                "description": "A Mapbox Vector Tile, version 2.",
                "content": {MVT: {"schema": {"type": "string", "format": "binary"}}},
            },
            "204": {"description": "Nothing is open in this tile."},
        },
    ),
    Route(
        path="/tiles/live/{layer}.json",
        name="live_tilejson",
        layer=LAYER,
        answer=document,
        summary="The TileJSON of what is open now. 实时图层",
        parameters=(_LAYER, Parameter("scheme", _SCHEME, "Without it xyz.")),
        responses={"200": json_response("TileJSON 3.0, and the number of the log.", "LiveTileJSON")},
    ),
)

SCHEMAS: Final[dict[str, Any]] = {
    "LiveTileJSON": {
        "type": "object",
        "properties": {
            "tilejson": {"const": "3.0.0"},
            "tiles": {"type": "array", "items": {"type": "string"}},
            "seq": {"type": "integer"},
        },
        "required": ["tilejson", "tiles", "seq"],
    }
}
