"""The areas of a level as features: `/collections/{collectionId}/items` (OGC API Features, core).

Items come in the order of their codes, and the next page is named by the last code of this one, so pages lose
and repeat nothing, also when an edition is published between them. A page ends at its limit, or when its
borders are long enough: a district has a hundred thousand vertices.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote as escaped
from urllib.parse import urlencode

import numpy as np
import shapely

from gridmap.coverage.rings import in_degrees
from gridmap.errors import InputError, NotFoundError
from tiles.web import fields
from tiles.web.base import check_base
from tiles.web.coded import coded
from tiles.web.ogc import link
from tiles.web.ogc_collections import COLLECTION, depth_of
from tiles.web.parameters import Parameter, quote, read_decimal
from tiles.web.reply import GEOJSON, JSON, PROBLEM, Reply, to_json
from tiles.web.route import Route, json_response, reference
from tiles.web.tilejson import read_moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from gridmap.types import Int64Array
    from tiles.web.call import Call

USUAL: Final = 10
MOST: Final = 2000
"""Items in one reply; who asks for more gets these and a link to the next, as the standard wants it."""

MOST_VERTICES: Final = 200_000
"""Corners in one reply (5 MB), unless one area alone has more."""

_PROPERTIES: Final = fields.closed(
    {
        **fields.AREA,
        "parent": {"type": ["string", "null"], "description": "Code of the area it lies in."},
        "number": {"type": "integer", "description": "Its id in the tiles, and in /values."},
        "area_m2": {"type": "number", "description": "Ellipsoidal area in square metres."},
    }
)
_ITEM: Final[dict[str, Any]] = {
    "type": {"const": "Feature"},
    "id": {"type": "string", "description": "The area's code."},
    "properties": _PROPERTIES,
    "geometry": reference("Border"),
}
_LINKS: Final = {"type": "array", "items": reference("Link")}

SCHEMAS: Final[dict[str, Any]] = {
    "ItemInList": fields.closed(_ITEM, "An area as a GeoJSON Feature."),
    "Item": fields.closed({**_ITEM, "links": _LINKS}, "An area as a GeoJSON Feature."),
    "Items": fields.closed(
        {
            "type": {"const": "FeatureCollection"},
            "numberMatched": {"type": "integer", "minimum": 0},
            "numberReturned": {"type": "integer", "minimum": 0},
            "links": _LINKS,
            "features": {"type": "array", "items": reference("ItemInList")},
        },
        "Areas in the order of their codes.",
    ),
}

_AS_GEOJSON: Final = Parameter(
    "f",
    {"type": "string", "enum": ["json", "geojson"]},
    "Form of the reply: GeoJSON, by either name.",
    "give geojson, or leave it out",
)
_PARAMETERS: Final = (
    COLLECTION,
    Parameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
        f"How many at most; {MOST:,} where more are asked for. Fewer come where borders are long.",
        f"give a number from 1 to {MOST}, or leave it out",
    ),
    Parameter(
        "bbox",
        {"type": "string", "examples": ["106.5,29.5,106.6,29.6"]},
        "Only areas that touch this box: west,south,east,north in degrees, WGS84.",
        "give four numbers by comma, such as 106.5,29.5,106.6,29.6, or leave it out",
    ),
    Parameter(
        "datetime",
        {"type": "string"},
        "Only areas in force then: a time of RFC 3339, or two with a slash between them (.. is open). All "
        "areas of an edition are in force from its beginning on; past ones are not answered here.",
        "give a time such as 2026-05-01T00:00:00Z, or leave it out",
    ),
    Parameter(
        "after",
        {"type": "string", "minLength": 1},
        "Only areas whose code comes after this one; the next link has it.",
        "give a code, or leave it out",
    ),
    _AS_GEOJSON,
)


def items(call: Call) -> Reply:
    """Answer a page of areas; InputError for a parameter that cannot be used."""
    depth = depth_of(call)
    limit = _read_limit(call.query.get("limit"))
    rows = _matching(call, depth)
    table = call.snapshot.partition.levels[depth]
    begin = 0
    if "after" in call.query:
        begin = int(np.searchsorted(rows, bisect_right(table.codes, call.query["after"])))
    page = _page(call, depth, rows[begin : begin + limit])
    base, here = check_base(call.base), f"/collections/{table.level}/items"
    links = [
        link(base, _with(here, call.query), "self", GEOJSON),
        link(base, f"/collections/{table.level}", "collection"),
    ]
    if begin + len(page) < len(rows):
        following = {**call.query, "limit": str(limit), "after": table.codes[page[-1]]}
        links.append(link(base, _with(here, following), "next", GEOJSON))
    told = {
        "type": "FeatureCollection",
        "numberMatched": len(rows),
        "numberReturned": len(page),
        "links": links,
    }
    body = to_json(told)[:-1] + b',"features":[' + b",".join(_features(call, depth, page)) + b"]}"
    return coded(Reply(body, GEOJSON), call.encodings)


def item(call: Call) -> Reply:
    """Answer one area. NotFoundError for a code that the level has not."""
    depth = depth_of(call)
    table, code = call.snapshot.partition.levels[depth], call.path["featureId"]
    row = table.row_of.get(code)
    if row is None:
        call.snapshot.area(code)  # tells that there is none, where there is none
        raise NotFoundError(f"{quote(code)} is no {table.level}: it is in another collection.")
    (feature,) = _features(call, depth, np.array([row]))
    base, here = check_base(call.base), f"/collections/{table.level}"
    links = [
        link(base, f"{here}/items/{escaped(code)}", "self", GEOJSON),
        link(base, here, "collection"),
        link(base, f"/areas/{escaped(code)}", "related", JSON, "Its path, its children, its measures"),
    ]
    return coded(Reply(feature[:-1] + b',"links":' + to_json(links) + b"}", GEOJSON), call.encodings)


def _read_limit(text: str | None) -> int:
    if text is None:
        return USUAL
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise InputError("limit", f"{quote(text)} is no whole number from 1 on; at most {MOST} are answered")
    return min(int(text), MOST)


def _matching(call: Call, depth: int) -> Int64Array:
    """The rows of a level that the box and the time let through, sorted."""
    snapshot, query = call.snapshot, call.query
    if "datetime" in query and not _in_force(snapshot.edition.effective_at, query["datetime"]):
        return np.zeros(0, np.int64)
    if "bbox" in query:
        return snapshot.rows_touching(depth, _read_box(query["bbox"]))
    return np.arange(len(snapshot.partition.levels[depth]))


def _read_box(text: str) -> shapely.Geometry:
    """A box in degrees; two of them where its west is east of its east. InputError for what is none."""
    parts = text.split(",")
    if len(parts) not in (4, 6):
        raise InputError("bbox", f"{quote(text)} is no box; give west,south,east,north in degrees")
    numbers = [read_decimal("bbox", part) for part in parts]
    west, south, east, north = numbers if len(numbers) == 4 else [numbers[at] for at in (0, 1, 3, 4)]
    inside = all(-180 <= lon <= 180 for lon in (west, east)) and -90 <= south <= north <= 90
    if not inside:
        raise InputError("bbox", f"{quote(text)} is not within -180 to 180 and -90 to 90, south below north")
    if west <= east:
        return shapely.box(west, south, east, north)
    return shapely.MultiPolygon([shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)])


def _in_force(since: datetime, text: str) -> bool:
    """Whether an edition that is in force from a time on is so at another, or at some time between two."""
    first, slash, last = text.partition("/")
    if not slash:
        return read_moment(text) >= since
    opened = ("", "..")
    if first not in opened and last not in opened and read_moment(first) > read_moment(last):
        raise InputError("datetime", f"{quote(text)} ends before it begins")
    if first not in opened:
        read_moment(first)
    return last in opened or read_moment(last) >= since


def _page(call: Call, depth: int, rows: Int64Array) -> Int64Array:
    """As many of some rows as one reply holds, the first in any case."""
    shapes = call.snapshot.partition.polygons_at(depth)[rows]
    corners = np.cumsum(shapely.get_num_coordinates(shapes))
    return rows[: max(1, int(np.searchsorted(corners, MOST_VERTICES, "right")))]


def _features(call: Call, depth: int, rows: Int64Array) -> list[bytes]:
    """Areas as GeoJSON Features; the coordinates are written by GEOS."""
    snapshot = call.snapshot
    table = snapshot.partition.levels[depth]
    shapes = in_degrees(snapshot.partition.polygons_at(depth)[rows])
    # RFC 7946, 3.1.6: outer rings counter-clockwise, holes clockwise.
    written = shapely.to_geojson(shapely.orient_polygons(shapes, exterior_cw=False))
    numbers, sizes = snapshot.numbers[depth][rows].tolist(), snapshot.areas_m2(depth)[rows].tolist()
    out = []
    for row, shape, text, number, size in zip(rows.tolist(), shapes, written, numbers, sizes, strict=True):
        area = table.area(row)
        more = {"parent": area.parent, "number": number, "area_m2": round(size, 3)}
        feature = {"type": "Feature", "id": area.code, "properties": {**fields.child(area), **more}}
        geometry = b"null" if shapely.is_empty(shape) else text.encode()
        out.append(to_json(feature)[:-1] + b',"geometry":' + geometry + b"}")
    return out


def _with(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


ROUTES: Final = (
    Route(
        path="/collections/{collectionId}/items",
        name="items",
        layer="areas",
        answer=items,
        summary="The areas of a level with their borders 数据集要素",
        description="GeoJSON, page by page; QGIS and GDAL open it as OGC API Features.",
        parameters=_PARAMETERS,
        responses={
            "200": json_response("A page of areas.", "Items", GEOJSON),
            "404": json_response("There is no such collection.", "Problem", PROBLEM),
        },
    ),
    Route(
        path="/collections/{collectionId}/items/{featureId}",
        name="item",
        layer="areas",
        answer=item,
        summary="One area of a level with its border 单个要素",
        parameters=(
            COLLECTION,
            Parameter(
                "featureId",
                {"type": "string", "examples": ["500103"]},
                "Code of the area.",
                required=True,
                place="path",
            ),
            _AS_GEOJSON,
        ),
        responses={
            "200": json_response("The area.", "Item", GEOJSON),
            "404": json_response("No such collection, or no such area in it.", "Problem", PROBLEM),
        },
    ),
)
