"""The service in the words of the OGC API: landing page, conformance, tile matrix sets.

QGIS, GDAL and other clients begin at `/` and follow links. `tiles.web.ogc_collections` goes on from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from tiles.matrices import IDENTIFIERS, matrix_set
from tiles.web import docs, fields, problems
from tiles.web.base import check_base
from tiles.web.parameters import Parameter, quote, read_choice
from tiles.web.reply import HTML, JSON, PROBLEM, Reply, json_reply
from tiles.web.route import Route, json_response, reference

if TYPE_CHECKING:
    from tiles.web.call import Call

_SPECIFIED: Final = "http://www.opengis.net/spec"
_RELATION: Final = "http://www.opengis.net/def/rel/ogc/1.0"
TILING_SCHEMES: Final = f"{_RELATION}/tiling-schemes"
TILING_SCHEME: Final = f"{_RELATION}/tiling-scheme"
TILESETS: Final = f"{_RELATION}/tilesets-vector"

CONFORMANCE: Final = (
    f"{_SPECIFIED}/ogcapi-common-1/1.0/conf/core",
    f"{_SPECIFIED}/ogcapi-common-1/1.0/conf/landing-page",
    f"{_SPECIFIED}/ogcapi-common-1/1.0/conf/json",
    f"{_SPECIFIED}/ogcapi-common-2/1.0/conf/collections",
    f"{_SPECIFIED}/ogcapi-features-1/1.0/conf/core",
    f"{_SPECIFIED}/ogcapi-features-1/1.0/conf/geojson",
    f"{_SPECIFIED}/ogcapi-tiles-1/1.0/conf/core",
    f"{_SPECIFIED}/ogcapi-tiles-1/1.0/conf/tileset",
    f"{_SPECIFIED}/ogcapi-tiles-1/1.0/conf/tilesets-list",
    f"{_SPECIFIED}/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    f"{_SPECIFIED}/ogcapi-tiles-1/1.0/conf/mvt",
    f"{_SPECIFIED}/tms/2.0/conf/tilematrixset",
    f"{_SPECIFIED}/tms/2.0/conf/json-tilematrixset",
)
"""What is kept. Not oas30: the document is OpenAPI 3.1. Not html: only the landing page is one, too."""

SCHEMAS: Final[dict[str, Any]] = {
    "Link": {
        "type": "object",
        "description": "A link (RFC 8288).",
        "properties": {
            "href": {"type": "string"},
            "rel": {"type": "string"},
            "type": {"type": "string"},
            "title": {"type": "string"},
            "templated": {"type": "boolean"},
        },
        "required": ["href", "rel"],
        "additionalProperties": False,
    },
    "Landing": fields.closed(
        {
            "title": {"type": "string"},
            "description": {"type": "string"},
            "links": {"type": "array", "items": reference("Link")},
        }
    ),
    "Conformance": fields.closed({"conformsTo": {"type": "array", "items": {"type": "string"}}}),
    "MatrixSets": fields.closed(
        {
            "tileMatrixSets": {
                "type": "array",
                "items": fields.closed(
                    {
                        "id": {"type": "string"},
                        "title": {"type": "string"},
                        "uri": {"type": "string"},
                        "links": {"type": "array", "items": reference("Link")},
                    },
                    optional=("uri",),
                ),
            }
        }
    ),
    "MatrixSet": {
        "type": "object",
        "description": "A tile matrix set (OGC 17-083r4): how squares are numbered and where they lie.",
        "properties": {
            "id": {"type": "string"},
            "title": {"type": "string"},
            "orderedAxes": {"type": "array", "items": {"type": "string"}},
            "tileMatrices": {"type": "array", "items": {"type": "object"}},
        },
        "required": ["id", "title", "crs", "orderedAxes", "tileMatrices"],
    },
}

_FORMATS: Final = {"json": JSON, "html": HTML}

AS_JSON: Final = Parameter(
    "f", {"type": "string", "enum": ["json"]}, "Form of the reply: JSON.", "give json, or leave it out"
)


def link(base: str, path: str, rel: str, media_type: str = JSON, title: str = "") -> dict[str, Any]:
    """A link to an address of the service."""
    told: dict[str, Any] = {"href": f"{base}{path}", "rel": rel, "type": media_type}
    if "{" in path:
        told["templated"] = True
    return {**told, **({"title": title} if title else {})}


def landing(call: Call) -> Reply:
    """Answer what is here and where: a page for people in a browser, JSON for everybody else."""
    form = read_choice(call.query, "f", tuple(_FORMATS))
    if (_FORMATS[form] if form else _preferred(call.accept)) == HTML:
        page = docs.index(call)
        return Reply(page.body, HTML, headers=(("Vary", "Accept"),))
    base = check_base(call.base)
    edition = call.snapshot.edition
    links = [
        link(base, "/", "self", title="This document"),
        link(base, "/?f=html", "alternate", "text/html", "The same for people"),
        link(base, "/openapi.json", "service-desc", title="The API (OpenAPI 3.1)"),
        link(base, "/docs", "service-doc", "text/html", "The API explained"),
        link(base, "/conformance", "conformance", title="The standards that are kept"),
        link(base, "/collections", "data", title="The areas"),
        link(base, "/tileMatrixSets", TILING_SCHEMES, title="How tiles are numbered"),
        link(base, "/tiles/grid.json", "related", title="The tiles of the grids (TileJSON)"),
        link(base, "/readyz", "related", title="Which edition is served"),
    ]
    marks = ", ".join(
        ["proven" if edition.proven else "NOT PROVEN", *(["synthetic"] if edition.synthetic else [])]
    )
    told = {
        "title": "gridmap 网格地图服务",
        "description": f"The grids of a city and the areas above them. Edition {edition.number}, {marks}.",
        "links": links,
    }
    reply = json_reply(told)
    return Reply(reply.body, headers=(("Vary", "Accept"),))


def conformance(_call: Call) -> Reply:
    """Answer which parts of which standards are kept."""
    return json_reply({"conformsTo": CONFORMANCE})


def matrix_sets(call: Call) -> Reply:
    """List the tile matrix sets, one for each scheme."""
    base = check_base(call.base)
    told = []
    for name, scheme in IDENTIFIERS.items():
        found = matrix_set(scheme)
        uri = {"uri": found["uri"]} if "uri" in found else {}
        links = [link(base, f"/tileMatrixSets/{name}", "self")]
        told.append({"id": name, "title": found["title"], **uri, "links": links})
    return json_reply({"tileMatrixSets": told})


def one_matrix_set(call: Call) -> Reply:
    """Answer one tile matrix set; refuses one that there is not."""
    name = call.path["tileMatrixSetId"]
    if name not in IDENTIFIERS:
        raise no_matrix_set(name)
    return json_reply(matrix_set(IDENTIFIERS[name]))


def no_matrix_set(name: str) -> problems.Refusal:
    """The refusal of a tile matrix set that there is not."""
    known = ", ".join(IDENTIFIERS)
    return problems.Refusal(problems.NO_TILE, f"{quote(name)} is no tile matrix set here; there are {known}.")


def _preferred(accept: str) -> str:
    if not accept:
        return JSON
    page = HTML.partition(";")[0]
    best = parse_accept_header(accept, MIMEAccept).best_match((JSON, page), JSON)
    return HTML if best == page else JSON


MATRIX_SET: Final = Parameter(
    "tileMatrixSetId",
    {"type": "string", "enum": list(IDENTIFIERS), "examples": ["WebMercatorQuad"]},
    "How squares are numbered, on which datum.",
    required=True,
    place="path",
)

ROUTES: Final = (
    Route(
        path="/",
        name="landing",
        layer="service",
        answer=landing,
        summary="What is here, and where 首页",
        description="The landing page of the OGC API: JSON, or a page for people in a browser.",
        parameters=(
            Parameter(
                "f",
                {"type": "string", "enum": list(_FORMATS)},
                "Form of the reply; without it the Accept header decides, and JSON is the default.",
                f"give one of {', '.join(_FORMATS)}, or leave it out",
            ),
        ),
        responses={
            "200": {
                "description": "The links.",
                "content": {
                    JSON: {"schema": reference("Landing")},
                    HTML: {"schema": {"type": "string"}},
                },
            }
        },
    ),
    Route(
        path="/conformance",
        name="conformance",
        layer="service",
        answer=conformance,
        summary="Which parts of the OGC API are kept 所符合的标准",
        parameters=(AS_JSON,),
        responses={"200": json_response("The conformance classes.", "Conformance")},
    ),
    Route(
        path="/tileMatrixSets",
        name="tile_matrix_sets",
        layer="documentation",
        answer=matrix_sets,
        summary="How tiles can be numbered 瓦片编号方案",
        parameters=(AS_JSON,),
        responses={"200": json_response("The tile matrix sets.", "MatrixSets")},
    ),
    Route(
        path="/tileMatrixSets/{tileMatrixSetId}",
        name="tile_matrix_set",
        layer="documentation",
        answer=one_matrix_set,
        summary="One way to number tiles 单个编号方案",
        parameters=(MATRIX_SET, AS_JSON),
        responses={
            "200": json_response("The tile matrix set.", "MatrixSet"),
            "404": json_response("There is no such tile matrix set.", "Problem", PROBLEM),
        },
    ),
)
