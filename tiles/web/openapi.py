"""The OpenAPI 3.1 document, made from the same route declarations that the server answers by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tiles.web import (
    areas,
    attachments,
    batch,
    buildings,
    cards,
    classes,
    devices,
    events,
    fields,
    health,
    locate,
    nearby,
    ogc,
    ogc_collections,
    ogc_items,
    ogc_tiles,
    open311,
    orders,
    overlays,
    overview,
    replay,
    search,
    styles,
    tilejson,
    values,
    view,
    within,
)
from tiles.web.gate import LAYERS
from tiles.web.reply import PROBLEM
from tiles.web.route import HOUSE, json_response

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tiles.web.route import Route

API_VERSION: Final = "0.1.0"
"""Version of the HTTP interface; under one major number members are added, never taken away or changed."""

_DESCRIPTION: Final = """\
Which grid is this point in, and what is known of an area. 查询点所属网格与区域信息。

- The datum of a point is always named (`crs`), never guessed. 坐标系必须写明。
- Every GET answers HEAD and OPTIONS too. Every error is an RFC 9457 problem;
  under /open311/v2 it is what that standard says.
- Replies carry the number of their edition, and an ETag: ask again with `If-None-Match`.
"""

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems#bad-parameter"]},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What is wrong, where, and what to do."},
        "detail_zh": {"type": "string", "description": "The same advice in a short Chinese sentence."},
        "parameter": {"type": "string", "description": "The parameter concerned."},
        "received": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What came for it, each value.",
        },
        "limit": {"type": "integer", "description": "The limit that was exceeded."},
        "zooms": {
            "type": "array",
            "items": {"type": "integer"},
            "minItems": 2,
            "maxItems": 2,
            "description": "The lowest and the deepest zoom that there is.",
        },
        "order": {"type": "string", "description": "The order that was not moved."},
        "state": {"type": "string", "description": "The state that it is in."},
        "allowed_actions": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What the role and person may do instead.",
        },
        "token": {"type": "string", "description": "The current build token of the tiles."},
    },
    "required": ["type", "title", "status", "detail", "detail_zh"],
    "additionalProperties": False,
}


def api_document(routes: Iterable[Route]) -> dict[str, Any]:
    """Write the document of all routes that declare their responses."""
    routes = tuple(route for route in routes if route.responses is not None)
    told = {route.layer for route in routes}
    known = (
        fields,
        health,
        locate,
        batch,
        nearby,
        within,
        areas,
        tilejson,
        styles,
        values,
        classes,
        cards,
        buildings,
        search,
        view,
        events,
        attachments,
        orders,
        overlays,
        open311,
        devices,
        overview,
        replay,
    )
    parts = (*known, ogc, ogc_collections, ogc_items, ogc_tiles)
    schemas = {name: schema for part in parts for name, schema in part.SCHEMAS.items()} | {
        "Problem": _PROBLEM
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gridmap",
            "version": API_VERSION,
            "summary": "The grid map service. 网格地图服务",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "tags": [{"name": layer, "description": what} for layer, what in LAYERS.items() if layer in told],
        "paths": _paths(routes),
        "components": {"schemas": schemas},
    }


def _paths(routes: Sequence[Route]) -> dict[str, dict[str, Any]]:
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return paths


def _operation(route: Route) -> dict[str, Any]:
    problems = {
        "400": json_response(
            "A parameter is missing, unknown, repeated or cannot be used.", "Problem", PROBLEM
        ),
        "default": json_response("Any other error.", "Problem", PROBLEM),
    }
    body = {}
    if route.body is not None:
        body = {"requestBody": {"required": True, "content": dict(route.body.content)}}
        problems |= {
            "413": json_response("More than the limit, which is told.", "Problem", PROBLEM),
            "415": json_response("The body is of a type that is not taken.", "Problem", PROBLEM),
        }
    if route.manner is not HOUSE:
        problems = {}
    return {
        "operationId": route.name,
        "tags": [route.layer],
        "summary": route.summary,
        "description": route.description,
        **body,
        "parameters": [parameter.document() for parameter in route.parameters],
        "responses": {**(route.responses or {}), **problems},
    }
