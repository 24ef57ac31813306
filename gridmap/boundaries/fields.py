"""What buildings, households, devices and staff posts consist of: one table, which files are checked against.

A kind is a row of THINGS, a field a row of its `fields`. The names and order of the stored columns are those
of the tables that a synthetic city has; numbers of floors, rooms and people are wider here, because real
rooms are called 1203 and real households may be a dormitory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

LARGEST_X: Final = 1_800_000_000
LARGEST_Y: Final = 900_000_000


@dataclass(frozen=True)
class Field:
    """A field: what it is called, what is allowed in it, and what stands there when a file says nothing.

    `stored` is the Arrow type of the stored column. `default` is used where the file has no such column or an
    empty value, and only when the field is not required. `words` are the only texts allowed, where given;
    `refers` names the things of which it must be a code; `by_name` is False for columns that are never taken
    because they happen to have this name.
    """

    name: str
    form: Literal["text", "whole", "number"]
    stored: str
    help: str
    required: bool = True
    default: str | float | None = None
    low: float = 0
    high: float = 0
    words: tuple[str, ...] = ()
    refers: str = ""
    by_name: bool = True


@dataclass(frozen=True)
class Kind:
    """A kind of things: its fields, of which `either` are alternatives, one group of which a file must have.

    `stored` are the columns of the result in their order; it is sorted by `order`. `unique` is the field that
    no two may share, empty where there is none.
    """

    name: str
    fields: tuple[Field, ...]
    stored: tuple[str, ...]
    order: tuple[str, ...]
    unique: str = ""
    either: tuple[tuple[str, ...], ...] = ()

    def field(self, name: str) -> Field:
        """The field of a name. KeyError for one that there is none of."""
        return {field.name: field for field in self.fields}[name]


CODE: Final = Field("code", "text", "string", "its permanent code; every one needs its own")
PLACE: Final = (
    Field(
        "lon", "number", "double", "longitude or easting in the datum that --crs names", low=-1e9, high=1e9
    ),
    Field("lat", "number", "double", "latitude or northing", low=-1e9, high=1e9),
    Field("x", "whole", "int32", "longitude in lattice units", low=-LARGEST_X, high=LARGEST_X, by_name=False),
    Field("y", "whole", "int32", "latitude in lattice units", low=-LARGEST_Y, high=LARGEST_Y, by_name=False),
)
"""x and y must be named: columns that are called so hold metres, as a rule."""
DEVICE_KINDS: Final = (
    "camera",
    "door",
    "electric",
    "gas",
    "lift",
    "manhole",
    "slope",
    "smoke",
    "sos",
    "water",
)
USES: Final = (
    "residential",
    "shop",
    "school",
    "hospital",
    "market",
    "office",
    "factory",
    "storage",
    "public",
)

BUILDINGS: Final = Kind(
    "buildings",
    (
        CODE,
        *PLACE,
        Field("community", "text", "dictionary", "code of its community", required=False, default=""),
        Field(
            "width_m", "number", "float", "along its front; 0: unknown", required=False, default=0, high=2000
        ),
        Field("depth_m", "number", "float", "behind its front", required=False, default=0, high=2000),
        Field(
            "bearing_deg", "whole", "int16", "of its front, from north", required=False, default=0, high=360
        ),
        Field("floors", "whole", "uint8", "floors above ground", required=False, default=1, high=255),
        Field("units", "whole", "uint8", "staircases with a door of their own", False, 1, high=255),
        Field("use", "text", "dictionary", "what it is for", False, "residential", words=USES),
        Field("name", "text", "string", "what people call it", required=False, default=""),
        Field("address", "text", "string", "street and number", required=False, default=""),
    ),
    (
        "code",
        "community",
        "x",
        "y",
        "width_m",
        "depth_m",
        "bearing_deg",
        "floors",
        "units",
        "use",
        "name",
        "address",
    ),
    ("code",),
    unique="code",
    either=(("lon", "lat"), ("x", "y")),
)
HOUSEHOLDS: Final = Kind(
    "households",
    (
        Field("building", "text", "int32", "code of its building", refers="buildings"),
        Field(
            "building_row",
            "whole",
            "int32",
            "row of its building, from 0",
            refers="buildings",
            high=2**31 - 1,
        ),
        Field("unit", "whole", "uint8", "staircase", required=False, default=1, high=255),
        Field(
            "floor", "whole", "int16", "below ground: negative", required=False, default=1, low=-9, high=200
        ),
        Field(
            "room", "whole", "uint16", "number of the flat; 0: unknown", required=False, default=0, high=65535
        ),
        Field("people", "whole", "uint16", "how many live in it", high=65535),
    ),
    ("building", "unit", "floor", "room", "people"),
    ("building", "unit", "floor", "room"),
    either=(("building",), ("building_row",)),
)
DEVICES: Final = Kind(
    "devices",
    (
        CODE,
        Field("kind", "text", "string", "what reports", words=DEVICE_KINDS),
        *PLACE,
        Field(
            "building", "text", "string", "code of the building it is in", required=False, refers="buildings"
        ),
    ),
    ("code", "kind", "x", "y", "building"),
    ("code",),
    unique="code",
    either=(("lon", "lat"), ("x", "y")),
)
STAFF: Final = Kind(
    "staff",
    (
        CODE,
        Field("grid", "text", "string", "code of its grid", refers="grids"),
        Field("role", "text", "string", "such as 网格长"),
        Field("person", "text", "string", "an id, never a name"),
        Field("shift", "text", "string", "hours on duty", required=False, default=""),
    ),
    ("code", "grid", "role", "person", "shift"),
    ("code",),
    unique="code",
)
THINGS: Final = {kind.name: kind for kind in (BUILDINGS, HOUSEHOLDS, DEVICES, STAFF)}
"""Every kind of things that files are read for."""
