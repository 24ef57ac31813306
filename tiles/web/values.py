"""What changes is beside the tile: `GET /values/{layer}/{metric}`, a number for each id of a layer.

A page lays them over its tiles (`setFeatureState` in MapLibre), so a new number never costs a new geometry.
`seq` says how new the numbers are: of what is open, up to which number of the log they go; of what stands in
the city, by which edition they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from gridmap.casework import codes_of
from gridmap.errors import InputError
from gridmap.model import NOWHERE
from gridmap.tallies import rows_below
from tiles.web import fields, problems
from tiles.web.call import Call
from tiles.web.coded import coded
from tiles.web.events import affairs_of
from tiles.web.parameters import Parameter, quote, read_choice
from tiles.web.reply import ARROW, JSON, PROBLEM, Reply, to_json
from tiles.web.route import Route, json_response, reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridmap.board import Scene
    from gridmap.events.situations import State
    from gridmap.orders.order import WorkOrder
    from gridmap.twin import Snapshot
    from gridmap.types import BoolArray, FloatArray, Int64Array

AREA_M2: Final = "area_m2"
OPEN_EVENTS: Final = "open_events"
OPEN_ORDERS: Final = "open_orders"
GATES: Final = {
    "households": "households",
    "people": "households",
    AREA_M2: "areas",
    "buildings": "areas",
    "devices": "things",
    OPEN_EVENTS: "events",
    OPEN_ORDERS: "events",
}
"""The metrics, and what each discloses (a layer of the gate)."""

_IDS: Final = re.compile(r"[0-9]{1,16}(?:,[0-9]{1,16})*", re.ASCII)
_FORMATS: Final = {"json": JSON, "arrow": ARROW}

SCHEMAS: Final[dict[str, Any]] = {
    "Values": fields.closed(
        {
            "layer": {"type": "string", "description": "The layer of tiles whose ids these are."},
            "metric": {"type": "string", "enum": list(GATES)},
            "edition": fields.EDITION,
            "seq": {
                "type": "integer",
                "minimum": 0,
                "description": "Of open_events and open_orders the number of the log, else the edition.",
            },
            "ids": {
                "type": "array",
                "items": {"type": "integer", "minimum": 0},
                "description": "Feature ids as in the tiles, in the order of the codes.",
            },
            "values": {
                "type": "array",
                "items": {"type": "number"},
                "description": "The number of each id.",
            },
        },
        "A number for each area of a layer, for feature-state.",
    ),
}

_PARAMETERS: Final = (
    Parameter(
        "layer",
        {"type": "string", "examples": ["grid"]},
        "A level of the city: district, town, community, grid.",
        required=True,
        place="path",
    ),
    Parameter(
        "metric",
        {"type": "string", "enum": list(GATES), "examples": [AREA_M2]},
        "What is counted, drills left out; area_m2 is the ellipsoidal area.",
        required=True,
        place="path",
    ),
    Parameter(
        "area",
        {"type": "string", "minLength": 1},
        "Only what lies in the area of this code.",
        "give the code of an area, or leave it out",
    ),
    Parameter(
        "ids",
        {"type": "string", "pattern": "^[0-9]{1,16}(,[0-9]{1,16})*$"},
        "Only these ids, by comma; those that are not in the layer are left out.",
        "give ids by comma, such as ids=17,4, or leave it out",
    ),
    Parameter(
        "f",
        {"type": "string", "enum": list(_FORMATS)},
        "Form of the reply; without it the Accept header decides, and JSON is the default.",
        f"give one of {', '.join(_FORMATS)}, or leave it out",
    ),
)


def answer(call: Call) -> Reply:
    """Answer the numbers. Refuses a layer or metric that there is not (404), by name."""
    snapshot, metric = call.snapshot, call.path["metric"]
    depth = _depth(snapshot, call.path["layer"])
    if metric not in GATES:
        known = ", ".join(GATES)
        raise problems.Refusal(problems.NO_VALUES, f"{quote(metric)} is not counted here; there are {known}.")
    chosen = _chosen(call, depth)
    seq = snapshot.edition.number
    counts: Int64Array | FloatArray
    if metric in (OPEN_EVENTS, OPEN_ORDERS):
        scene = affairs_of(call).board.refresh()
        seq, counts = scene.seq, _open(snapshot, scene, metric, depth)
    else:
        counts = _values(snapshot, metric, depth)
    ids, values = snapshot.numbers[depth][chosen], counts[chosen]
    told = {
        "layer": call.path["layer"],
        "metric": metric,
        "edition": snapshot.edition.number,
        "seq": seq,
    }
    form = read_choice(call.query, "f", tuple(_FORMATS))
    media_type = _FORMATS[form] if form else _preferred(call.accept)
    body = _arrow(told, ids, values) if media_type == ARROW else _json(told, ids, values)
    return coded(Reply(body, media_type, layers=(GATES[metric],)), call.encodings, varies="Accept")


def _depth(snapshot: Snapshot, layer: str) -> int:
    levels = [table.level for table in snapshot.partition.levels]
    if layer not in levels:
        text = f"{quote(layer)} has no values; there are {', '.join(levels)}."
        raise problems.Refusal(problems.NO_VALUES, text)
    return levels.index(layer)


def _values(snapshot: Snapshot, metric: str, depth: int) -> Int64Array | FloatArray:
    if metric == AREA_M2:
        return snapshot.areas_m2(depth).round(3)  # square millimetres are finer than the lattice
    found = snapshot.surroundings.tallies.of(metric, depth)
    if found is None:
        text = f"Nobody knows of {metric} here: the city's store holds none."
        raise problems.Refusal(problems.NO_VALUES, text)
    return found


def _open(snapshot: Snapshot, scene: Scene, metric: str, depth: int) -> Int64Array:
    """How many things, or orders, are open in each area of a level.

    Until the keeper has given them the grids of a new edition, their places say which these are.
    """
    partition = snapshot.partition
    all_open: Mapping[str, State | WorkOrder] = scene.things if metric == OPEN_EVENTS else scene.orders
    found = [each for each in all_open.values() if not each.drill]
    codes = [each.code for each in found]
    if scene.edition != snapshot.edition.number:
        codes = codes_of([(each.code, each.at) for each in found], snapshot)
    known = [partition.finest.row_of.get(code) for code in codes if code is not None]
    rows = np.array([row for row in known if row is not None], np.int64)
    above = partition.ancestors[depth][rows]
    return np.bincount(above[above != NOWHERE], minlength=len(partition.levels[depth]))


def _chosen(call: Call, depth: int) -> BoolArray | slice:
    """Which rows of the layer are asked for."""
    snapshot, query = call.snapshot, call.query
    rows: BoolArray | slice = slice(None)
    if "area" in query:
        if not snapshot.has(query["area"]):
            text = f"{quote(query['area'])} is no area of edition {snapshot.edition.number}"
            raise InputError("area", f"{text}; give the code of one, or leave it out")
        area = snapshot.area(query["area"])
        above = snapshot.partition.depth_of(area.level)
        if above > depth:
            text = f"{quote(area.code)} is a {area.level}, in which no {call.path['layer']} lies"
            raise InputError("area", text)
        rows = np.zeros(len(snapshot.partition.levels[depth]), np.bool_)
        row = snapshot.partition.levels[above].row_of[area.code]
        rows[rows_below(snapshot.partition, above, row, depth)] = True
    if "ids" in query:
        if not _IDS.fullmatch(query["ids"]):
            raise InputError(
                "ids", f"{quote(query['ids'])} is no list of ids; give them by comma, such as 17,4"
            )
        wanted = np.array([int(each) for each in query["ids"].split(",")], np.int64)
        named = np.isin(snapshot.numbers[depth], wanted)
        rows = named if isinstance(rows, slice) else rows & named
    return rows


def _json(told: dict[str, Any], ids: Int64Array, values: Int64Array | FloatArray) -> bytes:
    return to_json({**told, "ids": ids.tolist(), "values": values.tolist()})


def _arrow(told: dict[str, Any], ids: Int64Array, values: Int64Array | FloatArray) -> bytes:
    """An Arrow IPC stream of two columns; what is told stands in its metadata under `gridmap`."""
    import pyarrow as pa

    table = pa.table({"id": ids, "value": values}).replace_schema_metadata({"gridmap": to_json(told)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]  # pyarrow has no types


def _preferred(accept: str) -> str:
    if not accept:
        return JSON
    return parse_accept_header(accept, MIMEAccept).best_match((JSON, ARROW), JSON)


ROUTES: Final = (
    Route(
        path="/values/{layer}/{metric}",
        name="values",
        layer="areas",
        answer=answer,
        summary="A number for each area of a layer 图层数值",
        description="For feature-state: ids are those of the tiles. Counts are of what stands in the grids; "
        "a level above has the sums. With `f=arrow` or by Accept: an Arrow IPC stream of two columns.",
        parameters=_PARAMETERS,
        responses={
            "200": {
                "description": "The numbers, in the order of the codes.",
                "content": {
                    JSON: {"schema": reference("Values")},
                    ARROW: {"schema": {"type": "string", "format": "binary"}},
                },
            },
            "404": json_response("No such layer or metric here.", "Problem", PROBLEM),
        },
    ),
)
