"""How an area, an edition and a measure are written in a reply, and the schemas that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tiles.web.route import reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.model import Area

_CODE: Final = {
    "type": "string",
    "description": "Permanent code of the area; never used again for another one.",
}
_NAME: Final = {"type": "string", "description": "The area's name, in Chinese."}
_LEVEL: Final = {"type": "string", "description": "district, town, community or grid.", "examples": ["grid"]}
_KIND: Final = {
    "type": "string",
    "description": "Its kind within its level: a grid is basic or exclusive (a school, a market ...).",
    "examples": ["basic"],
}
EDITION: Final = {
    "type": "integer",
    "minimum": 1,
    "description": "Number of the published, immutable set of areas that this was answered from.",
}
PROVEN: Final = {
    "type": "boolean",
    "description": "Whether that edition is proven to be a partition: no gap, no overlap, no missing grid.",
}
SYNTHETIC: Final = {
    "type": "boolean",
    "description": "Whether the areas are made up (a synthetic city), not surveyed.",
}


def closed(properties: dict[str, Any], description: str = "", optional: Sequence[str] = ()) -> dict[str, Any]:
    """The schema of an object that has all of these members, but for the optional ones, and no others."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema for a member that can be null."""
    return {**schema, "type": [schema["type"], "null"]}


SCHEMAS: Final[dict[str, Any]] = {
    "Step": closed(
        {"code": _CODE, "name": _NAME, "level": _LEVEL}, "One step of a path from the district down."
    ),
    "Child": closed({"code": _CODE, "name": _NAME, "level": _LEVEL, "kind": _KIND}, "An area in a list."),
    "Measures": closed(
        {
            "area_m2": {"type": "number", "description": "Ellipsoidal area in square metres."},
            "perimeter_m": {
                "type": "number",
                "description": "Length of the border in metres, holes included.",
            },
            "compactness": {
                "type": "number",
                "description": "Polsby-Popper compactness: 4 pi area / perimeter squared; 1 is a circle.",
            },
        },
        "Size and shape of an area.",
    ),
}

AREA: Final[dict[str, Any]] = {"code": _CODE, "name": _NAME, "level": _LEVEL, "kind": _KIND}
"""The members that every description of one area begins with."""

PATH: Final = {
    "type": "array",
    "items": reference("Step"),
    "description": "From the district to the area itself.",
}


def step(area: Area) -> dict[str, str]:
    """Write one step of a path."""
    return {"code": area.code, "name": area.name, "level": area.level}


def child(area: Area) -> dict[str, str]:
    """Write one area of a list."""
    return {"code": area.code, "name": area.name, "level": area.level, "kind": area.kind}
