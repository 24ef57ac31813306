"""The levels of the city as collections of the OGC API: `/collections` and `/collections/{collectionId}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tiles.layers import LAYERS
from tiles.web import fields, problems
from tiles.web.base import check_base
from tiles.web.ogc import AS_JSON, TILESETS, link
from tiles.web.parameters import Parameter, quote
from tiles.web.reply import GEOJSON, PROBLEM, Reply, json_reply
from tiles.web.route import Route, json_response, reference

if TYPE_CHECKING:
    from tiles.web.call import Call

CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_GREGORIAN: Final = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"

SCHEMAS: Final[dict[str, Any]] = {
    "Collection": fields.closed(
        {
            "id": {"type": "string", "description": "The level: district, town, community, grid."},
            "title": {"type": "string"},
            "description": {"type": "string"},
            "itemType": {"const": "feature"},
            "crs": {"type": "array", "items": {"type": "string"}},
            "extent": {
                "type": "object",
                "description": "The city's box, and since when its edition is in force.",
            },
            "links": {"type": "array", "items": reference("Link")},
        }
    ),
    "Collections": fields.closed(
        {
            "links": {"type": "array", "items": reference("Link")},
            "collections": {"type": "array", "items": reference("Collection")},
        }
    ),
}

COLLECTION: Final = Parameter(
    "collectionId",
    {"type": "string", "examples": ["grid"]},
    "A level of the city: district, town, community, grid.",
    required=True,
    place="path",
)


def depth_of(call: Call) -> int:
    """The level that a request names. Refuses a collection that there is not (404)."""
    name = call.path["collectionId"]
    levels = [table.level for table in call.snapshot.partition.levels]
    if name not in levels:
        text = f"{quote(name)} is no collection; there are {', '.join(levels)}."
        raise problems.Refusal(problems.NO_COLLECTION, text)
    return levels.index(name)


def collections(call: Call) -> Reply:
    """List the levels of the city."""
    base = check_base(call.base)
    told = [_described(call, base, table.level) for table in call.snapshot.partition.levels]
    return json_reply({"links": [link(base, "/collections", "self")], "collections": told})


def collection(call: Call) -> Reply:
    """Describe one level."""
    depth_of(call)
    return json_reply(_described(call, check_base(call.base), call.path["collectionId"]))


def _described(call: Call, base: str, level: str) -> dict[str, Any]:
    snapshot = call.snapshot
    edition = snapshot.edition
    marks = ["proven" if edition.proven else "NOT PROVEN", *(["synthetic"] if edition.synthetic else [])]
    here = f"/collections/{level}"
    titled = LAYERS.get(level)
    return {
        "id": level,
        "title": titled.title if titled else level,
        "description": f"{snapshot.counts[level]:,} areas of edition {edition.number}, {', '.join(marks)}.",
        "itemType": "feature",
        "crs": [CRS84],
        "extent": {
            "spatial": {"bbox": [list(snapshot.bounds)], "crs": CRS84},
            "temporal": {"interval": [[_instant(call), None]], "trs": _GREGORIAN},
        },
        "links": [
            link(base, here, "self"),
            link(base, f"{here}/items", "items", GEOJSON, "The areas with their borders"),
            *([link(base, f"{here}/tiles", TILESETS, title="Vector tiles")] if titled else []),
        ],
    }


def _instant(call: Call) -> str:
    return call.snapshot.edition.effective_at.isoformat().replace("+00:00", "Z")


ROUTES: Final = (
    Route(
        path="/collections",
        name="collections",
        layer="areas",
        answer=collections,
        summary="The levels of the city as collections 数据集",
        parameters=(AS_JSON,),
        responses={"200": json_response("The collections.", "Collections")},
    ),
    Route(
        path="/collections/{collectionId}",
        name="collection",
        layer="areas",
        answer=collection,
        summary="One level as a collection 单个数据集",
        parameters=(COLLECTION, AS_JSON),
        responses={
            "200": json_response("The collection.", "Collection"),
            "404": json_response("There is no such collection.", "Problem", PROBLEM),
        },
    ),
)
