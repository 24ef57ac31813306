"""The tiles of a level in the words of OGC API Tiles: **row before column**, and always the current edition.

The tiles are those of `tiles.web.tiles`, byte for byte; only their addresses hold no token, so they are asked
about each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tiles.documents import limits_of
from tiles.matrices import IDENTIFIERS, matrix_set
from tiles.web import fields
from tiles.web.base import check_base
from tiles.web.ogc import AS_JSON, MATRIX_SET, TILING_SCHEME, link, no_matrix_set
from tiles.web.ogc_collections import COLLECTION, depth_of
from tiles.web.parameters import Parameter
from tiles.web.reply import MVT, PROBLEM, REVALIDATE, Reply, json_reply
from tiles.web.route import Route, json_response, reference
from tiles.web.tiles import find, read_tile, reply_of, wanted_coding

if TYPE_CHECKING:
    from tiles.address import Scheme
    from tiles.web.call import Call

_LINKS: Final = {"type": "array", "items": reference("Link")}
_TILESET: Final[dict[str, Any]] = {
    "title": {"type": "string"},
    "dataType": {"const": "vector"},
    "crs": {"description": "As in the tile matrix set."},
    "tileMatrixSetId": {"type": "string"},
    "tileMatrixSetURI": {"type": "string"},
    "links": _LINKS,
}
SCHEMAS: Final[dict[str, Any]] = {
    "Tilesets": fields.closed(
        {
            "links": _LINKS,
            "tilesets": {"type": "array", "items": fields.closed(_TILESET, optional=("tileMatrixSetURI",))},
        }
    ),
    "Tileset": fields.closed(
        {
            **_TILESET,
            "layers": {"type": "array", "items": {"type": "object"}},
            "tileMatrixSetLimits": {
                "type": "array",
                "items": fields.closed(
                    {
                        "tileMatrix": {"type": "string"},
                        **{
                            name: {"type": "integer"}
                            for name in ("minTileRow", "maxTileRow", "minTileCol", "maxTileCol")
                        },
                    }
                ),
                "description": "Where there are tiles: the zooms, and rows and columns of each.",
            },
        },
        "The tiles of a level in a tile matrix set.",
        optional=("tileMatrixSetURI",),
    ),
}


def tilesets(call: Call) -> Reply:
    """List the tile sets of a level, one for each tile matrix set."""
    depth_of(call)
    base, level = check_base(call.base), call.path["collectionId"]
    told = [_tileset(base, level, name, scheme) for name, scheme in IDENTIFIERS.items()]
    return json_reply({"links": [link(base, f"/collections/{level}/tiles", "self")], "tilesets": told})


def tileset(call: Call) -> Reply:
    """Describe the tiles of a level in one tile matrix set: where there are some, and their address."""
    depth_of(call)
    name, scheme = _scheme(call)
    base, level = check_base(call.base), call.path["collectionId"]
    engine = call.tiling.gallery.current()
    found = _tileset(base, level, name, scheme)
    address = f"/collections/{level}/tiles/{name}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    found["links"].append(link(base, address, "item", MVT))
    plan = call.tiling.plan(engine, level, scheme.name)
    return json_reply(
        {
            **found,
            "layers": [{"id": level, "dataType": "vector", "geometryDimension": 2}],
            "tileMatrixSetLimits": limits_of(engine.bounds, scheme, *plan.zooms),
        }
    )


def tile(call: Call) -> Reply:
    """Answer a tile of the current edition, empty (204) where nothing is; refuses as `tiles.web.tiles`."""
    depth_of(call)
    _, scheme = _scheme(call)
    coding = wanted_coding(call)
    names = {"z": "tileMatrix", "x": "tileCol", "y": "tileRow"}
    place = read_tile({short: call.path[name] for short, name in names.items()}, names)
    token = call.tiling.gallery.current().token
    ready = find(call.tiling, token, call.path["collectionId"], scheme.name, place, coding)
    return reply_of(ready, coding, REVALIDATE)


def _scheme(call: Call) -> tuple[str, Scheme]:
    name = call.path["tileMatrixSetId"]
    if name not in IDENTIFIERS:
        raise no_matrix_set(name)
    return name, IDENTIFIERS[name]


def _tileset(base: str, level: str, name: str, scheme: Scheme) -> dict[str, Any]:
    found = matrix_set(scheme)
    return {
        "title": f"{level}, {found['title']}",
        "dataType": "vector",
        "crs": found["crs"],
        "tileMatrixSetId": name,
        **({"tileMatrixSetURI": found["uri"]} if "uri" in found else {}),
        "links": [
            link(base, f"/collections/{level}/tiles/{name}", "self"),
            link(base, f"/tileMatrixSets/{name}", TILING_SCHEME),
        ],
    }


_NUMBERS: Final = tuple(
    Parameter(name, {"type": "integer", "examples": [0]}, text, required=True, place="path")
    for name, text in (("tileMatrix", "Zoom."), ("tileRow", "Row."), ("tileCol", "Column."))
)

ROUTES: Final = (
    Route(
        path="/collections/{collectionId}/tiles",
        name="tilesets",
        layer="areas",
        answer=tilesets,
        summary="The tile sets of a level 数据集的瓦片集",
        parameters=(COLLECTION, AS_JSON),
        responses={
            "200": json_response("The tile sets.", "Tilesets"),
            "404": json_response("There is no such collection.", "Problem", PROBLEM),
        },
    ),
    Route(
        path="/collections/{collectionId}/tiles/{tileMatrixSetId}",
        name="tileset",
        layer="areas",
        answer=tileset,
        summary="One tile set of a level 单个瓦片集",
        parameters=(COLLECTION, MATRIX_SET, AS_JSON),
        responses={
            "200": json_response("The tile set.", "Tileset"),
            "404": json_response("No such collection or tile matrix set.", "Problem", PROBLEM),
        },
    ),
    Route(
        path="/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}",
        name="collection_tile",
        layer="areas",
        answer=tile,
        summary="A tile of a level, row before column 按标准取瓦片",
        description="The tiles of `/tiles`, of the current edition.",
        parameters=(
            COLLECTION,
            MATRIX_SET,
            *_NUMBERS,
            Parameter("f", {"type": "string", "enum": ["mvt"]}, "Form: MVT.", "give mvt, or leave it out"),
        ),
        responses={
            "200": {
                "description": "A Mapbox Vector Tile, version 2.",
                "content": {MVT: {"schema": {"type": "string", "format": "binary"}}},
            },
            "204": {"description": "Nothing is in this tile."},
            "404": json_response("No such collection, tile matrix set or zoom.", "Problem", PROBLEM),
        },
    ),
)
