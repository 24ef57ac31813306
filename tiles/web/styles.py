"""Map styles: `GET /styles/dark.json` and `/styles/light.json`, which a MapLibre map takes as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gridmap.errors import InputError
from tiles.layers import LAYERS, PERSONAL
from tiles.palettes import PALETTES
from tiles.styles import style
from tiles.web import problems
from tiles.web.base import check_base
from tiles.web.call import Call
from tiles.web.parameters import Parameter, quote
from tiles.web.reply import PROBLEM, Reply, json_reply
from tiles.web.route import Route, json_response
from tiles.web.tilejson import EDITION_PARAMETERS, edition_of, wanted_edition

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEMAS: Final[dict[str, Any]] = {
    "Style": {
        "type": "object",
        "description": "A style of the MapLibre Style Specification 8; its metadata names the edition.",
        "properties": {
            "version": {"const": 8},
            "name": {"type": "string"},
            "metadata": {"type": "object"},
            "center": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            "zoom": {"type": "number"},
            "sources": {"type": "object", "additionalProperties": {"type": "object"}},
            "layers": {"type": "array", "items": {"type": "object"}},
        },
        "required": ["version", "name", "metadata", "center", "zoom", "sources", "layers"],
    },
}

_OPEN: Final = ", ".join(name for name, each in LAYERS.items() if each.gate == "areas")

_PARAMETERS: Final = (
    Parameter(
        "theme",
        {"type": "string", "enum": list(PALETTES), "examples": ["dark"]},
        "dark for walls of screens, light for offices.",
        required=True,
        place="path",
    ),
    Parameter(
        "layers",
        {"type": "string", "minLength": 1},
        "Only these layers, by comma; without it all but households. Pages of another origin may read "
        f"those of areas and buildings: {_OPEN}.",
        "name layers by comma, such as district,town,grid,label, or leave it out",
    ),
    *EDITION_PARAMETERS,
)


def answer(call: Call) -> Reply:
    """Answer a style. Refuses a theme or layer that is unknown (404), and editions as the TileJSON does."""
    theme = call.path["theme"]
    if theme not in PALETTES:
        known = ", ".join(f"/styles/{name}.json" for name in PALETTES)
        raise problems.Refusal(problems.NO_TILE, f"{quote(theme)} is no style here; there are {known}.")
    number = wanted_edition(call)
    gallery = call.tiling.gallery
    engine = gallery.current() if number is None else gallery.of_edition(number)
    usual = tuple(name for name in engine.layers if LAYERS[name].gate != PERSONAL)
    layers = read_drawn(call.query["layers"], engine.layers) if "layers" in call.query else usual
    edition = edition_of(call, engine.edition)
    base = check_base(call.base)
    return json_reply(style(engine, edition, theme, base, layers, pinned=number is not None))


def read_drawn(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """The layers that are asked for, by comma. InputError for one that is not there, or comes twice."""
    names = tuple(text.split(","))
    if len(set(names)) < len(names) or not set(names) <= set(known):
        raise InputError("layers", f"{quote(text)} must name, each once, some of {', '.join(known)}")
    return names


ROUTES: Final = (
    Route(
        path="/styles/{theme}.json",
        name="style",
        layer="areas",
        answer=answer,
        summary="How the tiles look in MapLibre 地图样式",
        description="`new maplibregl.Map({container, style: '/styles/dark.json'})`. Nothing is loaded from "
        "outside the service. Areas and buildings are coloured by feature-state: `hover`, `chosen` (true), "
        "`value` (0 to 1).",
        parameters=_PARAMETERS,
        responses={
            "200": json_response("The style.", "Style"),
            "404": json_response("No such style, layer or edition here.", "Problem", PROBLEM),
        },
    ),
)
