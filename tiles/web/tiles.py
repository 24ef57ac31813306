"""Vector tiles: `GET /tiles/{token}/{layers}/{scheme}/{z}/{x}/{y}.mvt`.

The token names all that a tile is made from, so a tile never changes and is kept by whoever likes for a year.
Who wants what is true now asks the TileJSON for the current token (`tiles.web.tilejson`). A reply is kept
ready for the wire, encoded, with its headers; `tiles.web.fast_tiles` sends it from the event loop, this route
over Flask, and both make it here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gridmap.errors import InputError
from tiles.address import SCHEMES, Tile
from tiles.codings import CODINGS, IDENTITY
from tiles.layers import LAYERS, PERSONAL
from tiles.web import gate, problems
from tiles.web.accept import choose_coding
from tiles.web.call import Call
from tiles.web.parameters import Parameter, quote
from tiles.web.reply import IMMUTABLE, IMMUTABLE_PRIVATE, MVT, PROBLEM, Reply
from tiles.web.route import Route, json_response
from tiles.web.tiling import engine_of, read_layers, read_scheme
from tiles.web.wire import head_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tiles.wanted import TileEngine
    from tiles.web.tiling import Plan, Ready, Tiling

LAYER: Final = "areas"
"""What every tile discloses at least; things are disclosed beside it."""

_NUMBER: Final = re.compile(r"0|-?[1-9][0-9]{0,8}", re.ASCII)

LAYERS_PARAMETER: Final = Parameter(
    "layers",
    {"type": "string", "examples": ["grid"]},
    f"One layer, or several by comma: {', '.join(LAYERS)}.",
    required=True,
    place="path",
)
_PARAMETERS: Final = (
    Parameter(
        "token",
        {"type": "string", "examples": ["12-9f3ac1b2"]},
        "The build token that the TileJSON names: edition and a hash of all that the tiles are made from.",
        required=True,
        place="path",
    ),
    LAYERS_PARAMETER,
    Parameter(
        "scheme",
        {"type": "string", "enum": list(SCHEMES)},
        "How squares are numbered, on which datum: "
        + "; ".join(f"{each.name}: {each.title}" for each in SCHEMES.values()),
        required=True,
        place="path",
    ),
    *(
        Parameter(name, {"type": "integer", "examples": [0]}, text, required=True, place="path")
        for name, text in (("z", "Zoom."), ("x", "Column."), ("y", "Row."))
    ),
)


def tile(call: Call) -> Reply:
    """Answer a tile, empty (204) where nothing is.

    Refuses what is unknown (404) and nonsense (400) by name.
    """
    token, layers, scheme = (call.path[name] for name in ("token", "layers", "scheme"))
    coding = wanted_coding(call)
    place = read_tile(call.path)
    return reply_of(find(call.tiling, token, layers, scheme, place, coding), coding)


def wanted_coding(call: Call) -> str:
    """The coding that a tile is sent in; a refusal (406) for who takes none of them."""
    coding = choose_coding(call.encodings)
    if coding is None:
        known = ", ".join((*CODINGS, IDENTITY))
        text = f"Accept-Encoding refuses all that tiles are sent in: {known}."
        raise problems.Refusal(problems.NOT_ACCEPTABLE, text)
    return coding


def find(tiling: Tiling, token: str, layers: str, scheme: str, place: Tile, coding: str) -> Ready:
    """A tile by its address: kept, or read from the folder, or made. Refuses as `tile` does."""
    read_layers(layers)
    read_scheme(scheme)
    address = f"{token}/{layers}/{scheme}/{place.z}/{place.x}/{place.y}"
    key = (f"/tiles/{address}.mvt".encode(), coding)
    ready = tiling.ready.get(key)
    if ready is None:
        engine = engine_of(tiling.gallery, token)
        plan = tiling.plan(engine, layers, scheme)
        plan.check(place)
        name = f"{address}.{coding}"
        with tiling.maker.turn(name):
            ready = tiling.ready.get(key)
            if ready is None:
                body = (
                    make(tiling, engine, plan, place, coding)
                    if PERSONAL in plan.gates.split(",")
                    else tiling.maker.make_or_read(name, lambda: make(tiling, engine, plan, place, coding))
                )
                ready = keep(tiling, key, body, plan, coding)
    return ready


def reply_of(ready: Ready, coding: str, cache: str = "") -> Reply:
    """The reply of a tile that is kept; `cache` says how long others may keep it, where not for ever."""
    gates, size, wire = ready
    return _reply(wire[len(wire) - size :], coding, gates, cache)


def read_tile(path: Mapping[str, str], called: Mapping[str, str] | None = None) -> Tile:
    """The numbers of an address. InputError for what is no whole number as one writes it: 007, +7, 1e3.

    `called` is what the caller calls z, x and y, where that is something else.
    """
    for name in Tile._fields:
        if not _NUMBER.fullmatch(path[name]):
            told = called[name] if called else name
            raise InputError(told, f"{quote(path[name])} is no whole number; give one such as 13")
    return Tile(*(int(path[name]) for name in Tile._fields))


def make(tiling: Tiling, engine: TileEngine, plan: Plan, place: Tile, coding: str) -> bytes:
    """The encoded tile of an address that was checked."""
    kind = (engine.token, plan.text, plan.scheme.name, place.z, coding)
    return tiling.maker.make(engine, plan.by_zoom[place.z], plan.scheme.name, place, coding, kind)


def keep(tiling: Tiling, key: tuple[bytes, str], body: bytes, plan: Plan, coding: str) -> Ready:
    """The reply of an encoded tile, ready for the wire, and kept."""
    _, headers = gate.admit(_reply(body, coding, plan.gates), LAYER, gate.EVERYTHING)
    if body:
        headers.append(("Content-Length", str(len(body))))
    wire = head_lines(headers) + b"\r\n" + body
    ready = (plan.gates, len(body), wire)
    tiling.ready.put(key, ready, len(key[0]) + len(wire))
    return ready


def _reply(body: bytes, coding: str, gates: str, cache: str = "") -> Reply:
    open_to_all = gate.OPEN.issuperset(gates.split(","))
    cache = cache or (IMMUTABLE if open_to_all else IMMUTABLE_PRIVATE)
    coded = [("Content-Encoding", coding)] if body and coding != IDENTITY else []
    headers = (*coded, ("Vary", "Accept-Encoding"))
    return Reply(body, MVT, 200 if body else 204, cache, headers, tuple(gates.split(",")))


ROUTES: Final = (
    Route(
        path="/tiles/{token}/{layers}/{scheme}/{z}/{x}/{y}.mvt",
        name="tile",
        layer=LAYER,
        answer=tile,
        summary="A vector tile 矢量瓦片",
        description="Immutable: the TileJSON (`/tiles/{layers}.json`) names the address, with its token. "
        "Sent as the Accept-Encoding header wants it: " + ", ".join(CODINGS) + ". Of several layers, those "
        "are in the tile that are served at its zoom.",
        parameters=_PARAMETERS,
        responses={
            "200": {
                "description": "A Mapbox Vector Tile, version 2.",
                "content": {MVT: {"schema": {"type": "string", "format": "binary"}}},
            },
            "204": {"description": "Nothing is in this tile."},
            "404": json_response(
                "No such token, layer or scheme here, or none at this zoom.", "Problem", PROBLEM
            ),
            "406": json_response("Accept-Encoding refuses all that tiles are sent in.", "Problem", PROBLEM),
        },
    ),
)
