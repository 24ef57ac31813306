"""Where is that? `GET /search`: areas, buildings, devices, orders and places, by name, code, coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import shapely

from gridmap.errors import InputError
from gridmap.gazetteer.gazetteer import AREA, BUILDING, DEVICE
from gridmap.gazetteer.names import folded
from gridmap.lattice import to_degrees
from gridmap.model import NOWHERE
from gridmap.orders.order import order_from_json
from tiles.web import fields
from tiles.web.events import affairs_of
from tiles.web.kept import GAZETTEERS
from tiles.web.nearby import WORDS
from tiles.web.overview import position, read_area
from tiles.web.parameters import Parameter, quote, read_whole
from tiles.web.reply import PRIVATE, Reply, to_json
from tiles.web.route import Route, json_response, reference

if TYPE_CHECKING:
    from gridmap.gazetteer.gazetteer import Gazetteer, Hit
    from gridmap.twin import Snapshot
    from tiles.web.call import Call

USUAL: Final = 10
MOST: Final = 50
LONGEST: Final = 100
"""Letters of a question: longer than any name."""

BETWEEN: Final = " / "
"""Stands between the areas of a path."""

PLACE, ORDER = "place", "order"
_GATES: Final = {AREA: (), BUILDING: (), PLACE: (), DEVICE: ("things",), ORDER: ("events",)}
"""What a result of a kind discloses beside areas."""

SCHEMAS: Final[dict[str, Any]] = {
    "SearchResult": fields.closed(
        {
            "kind": {"type": "string", "enum": list(_GATES)},
            "code": {
                "type": ["string", "null"],
                "description": "Its permanent code; of an order its id; of a place the code of its grid, "
                "null where it is in none.",
            },
            "name": {"type": "string", "description": "What it is called."},
            "level": {"type": ["string", "null"], "description": "The level of an area; null for others."},
            "path": {
                "type": "string",
                "description": "The names of the areas that it lies in, from the district down.",
                "examples": ["渝中区 / 七星岗街道"],
            },
            "at": {
                "type": ["array", "null"],
                "items": {"type": "number"},
                "minItems": 2,
                "maxItems": 2,
                "description": "Longitude and latitude, WGS84; of an area a point inside.",
            },
            "bbox": {
                "type": ["array", "null"],
                "items": {"type": "number"},
                "minItems": 4,
                "maxItems": 4,
                "description": "West, south, east, north of an area.",
            },
        },
        "Something that was found.",
    ),
    "SearchResults": fields.closed(
        {
            "q": {"type": "string"},
            "results": {"type": "array", "items": reference("SearchResult"), "description": "Best first."},
        },
        "What a text can mean.",
    ),
}


def search(call: Call) -> Reply:
    """Answer what a text can mean; raises InputError for what cannot be used."""
    query, snapshot = call.query, call.snapshot
    text = query["q"].strip()
    if not 0 < len(text) <= LONGEST:
        raise InputError("q", f"{quote(query['q'])} is empty or longer than {LONGEST} letters; give a name")
    limit = read_whole(query, "limit", 1, MOST) if "limit" in query else USUAL
    gazetteer = GAZETTEERS.of(snapshot)
    results = [*_orders(call, text)]
    place = gazetteer.place(text)
    if place is not None:
        row = None if place.row == NOWHERE else place.row
        name = f"{place.lon:.6f}, {place.lat:.6f}"
        at = [round(place.lon, 7), round(place.lat, 7)]
        results.append(_result(PLACE, _grid(snapshot, row), name, _path(snapshot, row), at))
    within = position(snapshot, read_area(call)) if "area" in query else None
    results += [_found(snapshot, gazetteer, hit) for hit in gazetteer.find(text, limit, within)]
    results = results[:limit]
    kinds = {result["kind"] for result in results}
    layers = tuple(dict.fromkeys(layer for kind in _GATES if kind in kinds for layer in _GATES[kind]))
    # Where somebody looks can be where somebody is.
    return Reply(to_json({"q": query["q"], "results": results}), cache=PRIVATE, layers=layers)


def _orders(call: Call, text: str) -> list[dict[str, Any]]:
    """The order of an id such as o-17; none where there is no such order, or nobody keeps any."""
    id_ = folded(text)
    if call.affairs is None or not (id_.startswith("o-") and id_[2:].isascii() and id_[2:].isdigit()):
        return []
    row = affairs_of(call).book.looking(lambda desk: desk.orders([id_])).get(id_)
    if row is None:
        return []
    order, snapshot = order_from_json(row.body), call.snapshot
    known = order.code is not None and snapshot.has(order.code)
    path = snapshot.chain(order.code) if known and order.code is not None else []
    names = BETWEEN.join(area.name for area in path)
    return [_result(ORDER, order.id, order.title or order.class_, names, order.at and [*order.at])]


def _found(snapshot: Snapshot, gazetteer: Gazetteer, hit: Hit) -> dict[str, Any]:
    register = gazetteer.register
    if hit.sort == AREA:
        return _area(snapshot, *gazetteer.area(hit.row))
    if hit.sort == BUILDING:
        table, rows = register.buildings, gazetteer.buildings
        assert table is not None
        assert rows is not None
        name, code, xs, ys = table.name(hit.row), table.codes[hit.row], table.xs, table.ys
    else:
        devices, rows = register.devices, gazetteer.devices
        kind, code = devices.kinds[int(devices.kind_of[hit.row])], devices.codes[hit.row]
        name, xs, ys = WORDS.get(kind, kind), devices.xs, devices.ys
    lons, lats = to_degrees(xs[hit.row : hit.row + 1], ys[hit.row : hit.row + 1])
    grid = int(rows.grid_of[hit.row])
    path = _path(snapshot, None if grid == NOWHERE else grid)
    return _result(hit.sort, code, name or code, path, [float(lons[0]), float(lats[0])])


def _area(snapshot: Snapshot, depth: int, row: int) -> dict[str, Any]:
    table = snapshot.partition.levels[depth]
    above = BETWEEN.join(area.name for area in snapshot.chain(table.codes[row])[:-1])
    shape = snapshot.partition.polygons_at(depth)[row]
    found = _result(AREA, table.codes[row], table.names[row], above, None)
    found["level"] = table.level
    if not shapely.is_empty(shape):
        inside = shapely.point_on_surface(shape)
        west, south, east, north = shapely.bounds(shape).tolist()
        lons, lats = to_degrees([inside.x, west, east], [inside.y, south, north])
        found["at"] = [round(float(lons[0]), 7), round(float(lats[0]), 7)]
        found["bbox"] = [float(lons[1]), float(lats[1]), float(lons[2]), float(lats[2])]
    return found


def _result(kind: str, code: str | None, name: str, path: str, at: list[float] | None) -> dict[str, Any]:
    return {"kind": kind, "code": code, "name": name, "level": None, "path": path, "at": at, "bbox": None}


def _grid(snapshot: Snapshot, row: int | None) -> str | None:
    return None if row is None else snapshot.partition.finest.codes[row]


def _path(snapshot: Snapshot, row: int | None) -> str:
    """The names of a grid and of all areas above it."""
    return "" if row is None else BETWEEN.join(area.name for area in snapshot.chain_at(row))


ROUTES: Final = (
    Route(
        path="/search",
        name="search",
        layer="areas",
        answer=search,
        summary="Find an area, a building, a device, an order or a place 搜索",
        description="By any part of a name or an address, by the beginning of a code, by the id of an order, "
        "or by coordinates in any datum: `106.58068797,29.55611255 gcj02`, `29.556 N 106.58 E`, "
        "`106.58 29.55` (WGS84), `EPSG:4545 3271234 396789`.",
        parameters=(
            Parameter(
                "q",
                {"type": "string", "minLength": 1, "maxLength": LONGEST, "examples": ["街道"]},
                "What is looked for.",
                "give a name, a code or coordinates, for example q=七星岗",
                required=True,
            ),
            Parameter(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MOST},
                f"How many results at most; without it {USUAL}.",
                f"give a number from 1 to {MOST}, or leave it out",
            ),
            Parameter(
                "area",
                {"type": "string", "minLength": 1},
                "Only areas, buildings and devices in the area of this code.",
                "give the code of an area, or leave it out",
            ),
        ),
        responses={"200": json_response("What was found.", "SearchResults")},
    ),
)
