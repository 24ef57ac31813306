"""The classes of a choropleth: `GET /classes/{layer}/{metric}`, of the numbers that `/values` gives."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

import numpy as np

from gridmap.classes import METHODS, MOST_CLASSES, NATURAL_BREAKS, Class, Classifier
from tiles.web import fields, values
from tiles.web.call import Call
from tiles.web.parameters import Parameter, read_choice, read_whole
from tiles.web.reply import JSON, PROBLEM, Reply, to_json
from tiles.web.route import Route, json_response, reference

USUAL: Final = 6
"""Classes when nobody says how many."""

PER_M2: Final = 1_000
"""Areas are told in thousandths of a square metre; all else is counted in ones."""

_CLASSIFIER: Final = Classifier()

SCHEMAS: Final[dict[str, Any]] = {
    "Class": fields.closed(
        {
            "from": {"type": "number", "description": "The smallest number that can be in it."},
            "to": {
                "type": "number",
                "description": "Numbers in it are below this; those of the last class go up to it.",
            },
            "count": {"type": "integer", "minimum": 0, "description": "How many areas are in it."},
        }
    ),
    "Classes": fields.closed(
        {
            "layer": {"type": "string", "description": "The layer of tiles whose areas these are."},
            "metric": {"type": "string", "enum": list(values.GATES)},
            "edition": fields.EDITION,
            "seq": {"type": "integer", "minimum": 0, "description": "As in /values."},
            "method": {"type": "string", "enum": list(METHODS)},
            "k": {"type": "integer", "minimum": 2, "description": "How many classes were asked for."},
            "classes": {
                "type": "array",
                "items": reference("Class"),
                "description": "The lowest first; fewer than k where there are fewer different numbers.",
            },
            "total": {"type": "integer", "minimum": 0, "description": "Areas in all classes together."},
            "zeros": {"type": "integer", "minimum": 0, "description": "Areas of which the number is 0."},
        },
        "How the numbers of a layer are cut into classes.",
    ),
}

_PARAMETERS: Final = (
    *(each for each in values.ROUTES[0].parameters if each.name in ("layer", "metric", "area")),
    Parameter(
        "method",
        {"type": "string", "enum": list(METHODS)},
        f"How the numbers are cut; without it {NATURAL_BREAKS}, those of Fisher and Jenks.",
        f"give one of {', '.join(METHODS)}, or leave it out",
    ),
    Parameter(
        "k",
        {"type": "integer", "minimum": 2, "maximum": MOST_CLASSES},
        f"How many classes at most; without it {USUAL}.",
        f"give a number from 2 to {MOST_CLASSES}, or leave it out",
    ),
)


def answer(call: Call) -> Reply:
    """Answer the classes of the numbers that /values gives; refusals as there."""
    method = read_choice(call.query, "method", METHODS) or NATURAL_BREAKS
    k = read_whole(call.query, "k", 2, MOST_CLASSES) if "k" in call.query else USUAL
    found = _numbers(call)
    metric = call.path["metric"]
    scale = PER_M2 if metric == values.AREA_M2 else 1
    units = np.rint(np.array(found["values"], np.float64) * scale).astype(np.int64)
    classes = _CLASSIFIER.classes(units, method, k)
    told = {
        **{name: found[name] for name in ("layer", "metric", "edition", "seq")},
        "method": method,
        "k": k,
        "classes": [_class(each, scale) for each in classes],
        "total": len(units),
        "zeros": int(np.count_nonzero(units == 0)),
    }
    return Reply(to_json(told), layers=(values.GATES[metric],))


def _numbers(call: Call) -> dict[str, Any]:
    """What /values says to the same question: whatever it refuses is refused here."""
    query = {name: value for name, value in call.query.items() if name == "area"}
    asked = replace(call, query=query, accept=JSON, encodings="")
    said: dict[str, Any] = json.loads(values.answer(asked).body)
    return said


def _class(found: Class, scale: int) -> dict[str, float]:
    begin, end = (each if scale == 1 else each / scale for each in (found.begin, found.end))
    return {"from": begin, "to": end, "count": found.count}


ROUTES: Final = (
    Route(
        path="/classes/{layer}/{metric}",
        name="classes",
        layer="areas",
        answer=answer,
        summary="Classes for the colours of a map 分级",
        description="Numbers are cut by `mapclassify`. It is loaded, which takes some seconds, when the page "
        "is opened or the first question comes.",
        parameters=_PARAMETERS,
        responses={
            "200": json_response("The classes, the lowest first.", "Classes"),
            "404": json_response("No such layer or metric here.", "Problem", PROBLEM),
        },
    ),
)
