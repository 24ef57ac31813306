"""Is the service alive, and what does it serve: `/healthz` and `/readyz`."""

from __future__ import annotations

from typing import Any, Final

from gridmap.model import LEVELS
from tiles.web import fields
from tiles.web.call import Call
from tiles.web.reply import NEVER, Reply, json_reply
from tiles.web.route import Route, json_response

SCHEMAS: Final[dict[str, Any]] = {
    "Alive": fields.closed({"status": {"const": "alive"}}),
    "Ready": fields.closed(
        {
            "status": {"const": "ready"},
            "edition": fields.EDITION,
            "checksum": {"type": "string", "description": "Checksum of the edition's canonical areas."},
            "proven": fields.PROVEN,
            "synthetic": fields.SYNTHETIC,
            "counts": {
                "type": "object",
                "description": "How many areas each level has.",
                "additionalProperties": {"type": "integer", "minimum": 0},
                "examples": [dict.fromkeys(LEVELS, 1)],
            },
            "notes": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Plain sentences on the data: what is real and what is made.",
            },
        }
    ),
}


def alive(_call: Call) -> Reply:
    """Say that the process answers; nothing else is looked at, so a watchdog restarts only what is dead."""
    return json_reply({"status": "alive"}, cache=NEVER)


def ready(call: Call) -> Reply:
    """Say which edition is served. It is always 200: the port opens only when the city is loaded."""
    edition = call.snapshot.edition
    return json_reply(
        {
            "status": "ready",
            "edition": edition.number,
            "checksum": edition.checksum,
            "proven": edition.proven,
            "synthetic": edition.synthetic,
            "counts": dict(call.snapshot.counts),
            "notes": list(call.snapshot.notes),
        },
        cache=NEVER,
    )


ROUTES: Final = (
    Route(
        path="/healthz",
        name="healthz",
        layer="service",
        answer=alive,
        summary="Is the service alive? 服务是否存活",
        responses={"200": json_response("The process answers.", "Alive")},
    ),
    Route(
        path="/readyz",
        name="readyz",
        layer="service",
        answer=ready,
        summary="Which edition is served? 正在服务的版本",
        responses={"200": json_response("The city is loaded.", "Ready")},
    ),
)
