"""One building: `GET /buildings/{code}`, its units, floors and rooms, and how many live in it.

Who lives behind a door is not known here, and how many is not told: a household's people are at most a few,
which names them. Of a building the number of people is told from `LEAST_PEOPLE` on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gridmap.errors import NotFoundError
from gridmap.gazetteer.doors import by_unit, doors_of
from gridmap.lattice import to_degrees
from gridmap.model import NOWHERE
from tiles.houses import FLOOR_M
from tiles.web import fields
from tiles.web.kept import GAZETTEERS
from tiles.web.parameters import Parameter, quote
from tiles.web.reply import PRIVATE, PROBLEM, json_reply
from tiles.web.route import Route, json_response, reference

if TYPE_CHECKING:
    from gridmap.gazetteer.register import BuildingTable, Register
    from tiles.web.call import Call
    from tiles.web.reply import Reply

LAYER: Final = "households"

LEAST_PEOPLE: Final = 5
"""Fewer people of one building or household are nobody's business: their number is not told."""

_COUNT: Final = {"type": ["integer", "null"], "minimum": 0}
PEOPLE: Final = {
    **_COUNT,
    "description": f"Null where nobody knows, and where it is above 0 and below {LEAST_PEOPLE}.",
}
HOUSEHOLDS: Final = {**_COUNT, "description": "Null where nobody knows."}

SCHEMAS: Final[dict[str, Any]] = {
    "Room": fields.closed(
        {
            "room": {"type": "string", "description": "What it is called.", "examples": ["1203"]},
            "code": {"type": "string", "description": "The household's code, as in the tiles."},
        },
        "The home of a household. Who lives there is not told, nor how many.",
    ),
    "Floor": fields.closed(
        {"floor": {"type": "integer"}, "rooms": {"type": "array", "items": reference("Room")}}
    ),
    "Unit": fields.closed(
        {
            "unit": {"type": "string", "examples": ["1"]},
            "floors": {
                "type": "array",
                "items": reference("Floor"),
                "description": "From the top down, those where somebody lives.",
            },
        }
    ),
    "Building": fields.closed(
        {
            "code": {"type": "string", "description": "Its permanent code."},
            "name": {"type": "string"},
            "use": {"type": "string", "examples": ["residential"]},
            "height": {
                "type": "integer",
                "minimum": 0,
                "description": "Metres, as it is drawn: three a floor.",
            },
            "at": {
                "type": "array",
                "items": {"type": "number"},
                "minItems": 2,
                "maxItems": 2,
                "description": "Longitude and latitude of its middle, WGS84.",
            },
            "grid": {"oneOf": [reference("GridName"), {"type": "null"}], "description": "The grid it is in."},
            "path": {
                **fields.PATH,
                "description": "From the district to its grid; empty where it is in none.",
            },
            "edition": fields.EDITION,
            "households": HOUSEHOLDS,
            "people": PEOPLE,
            "units": {
                "type": "array",
                "items": reference("Unit"),
                "description": "Empty where nobody lives, and where nobody knows.",
            },
        },
        "A building.",
    ),
    "GridName": fields.closed({"code": {"type": "string"}, "name": {"type": "string"}}),
}


def answer(call: Call) -> Reply:
    """Describe one building. Raises NotFoundError for a code that none has."""
    snapshot, code = call.snapshot, call.path["code"]
    gazetteer = GAZETTEERS.of(snapshot)
    table, rows = gazetteer.register.buildings, gazetteer.buildings
    row = None if table is None else table.codes.row_of(code)
    if table is None or rows is None or row is None:
        raise NotFoundError(f"There is no building {quote(code)}.")
    grid = int(rows.grid_of[row])
    chain = snapshot.chain_at(grid)
    lons, lats = to_degrees(table.xs[row : row + 1], table.ys[row : row + 1])
    return json_reply(
        {
            **named(table, row),
            "at": [float(lons[0]), float(lats[0])],
            "grid": None if grid == NOWHERE else {"code": chain[-1].code, "name": chain[-1].name},
            "path": [fields.step(area) for area in chain],
            "edition": snapshot.edition.number,
            "households": None if table.households is None else int(table.households[row]),
            "people": told_people(None if table.people is None else int(table.people[row])),
            "units": _units(gazetteer.register, row, code),
        },
        cache=PRIVATE,
    )


def named(table: BuildingTable, row: int) -> dict[str, Any]:
    """What every description of a building begins with."""
    return {
        "code": table.codes[row],
        "name": table.name(row),
        "use": table.use(row),
        "height": FLOOR_M * int(table.floors[row]),
    }


def told_people(people: int | None) -> int | None:
    """A number of people as it may be told: none of them is 0, a few are null."""
    return None if people is None or 0 < people < LEAST_PEOPLE else people


def _units(register: Register, row: int, code: str) -> list[dict[str, Any]]:
    homes = register.homes
    units = {} if homes is None else by_unit(doors_of(homes, row))
    return [
        {
            "unit": str(unit),
            "floors": [
                {
                    "floor": floor,
                    "rooms": [{"room": door.label, "code": door.code(code)} for door in doors],
                }
                for floor, doors in floors.items()
            ],
        }
        for unit, floors in units.items()
    ]


ROUTES: Final = (
    Route(
        path="/buildings/{code}",
        name="building",
        layer=LAYER,
        answer=answer,
        summary="One building: units, floors, rooms 单栋楼宇",
        description="Who lives in a room is not told, nor how many; few people of a building are not either.",
        parameters=(
            Parameter(
                "code",
                {"type": "string", "examples": ["500103001003000001"]},
                "Code of the building.",
                required=True,
                place="path",
            ),
        ),
        responses={
            "200": json_response("The building.", "Building"),
            "404": json_response("No building has this code.", "Problem", PROBLEM),
        },
    ),
)
