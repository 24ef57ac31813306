"""The vocabulary: the words of the town as frozen values. A new word is explained here first.

Area     a node of the hierarchy district > town > community > grid; `code` is permanent.
row      a dense int32 position inside one level of one edition, ordered by code; never leaves the process.
Edition  a published, immutable, numbered set of areas with its proof.
Scheme   one partition of the city (governance grids, police grids ...); a point has one area in each.
Finding  a check's result: rule, level, codes, place, size, a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

NOWHERE: Final = -1
"""The row of a point that no area covers, and the face outside the city."""

GOVERNANCE: Final = "governance"
"""The scheme whose areas an edition holds: the city's own grids."""

DEVICE: Final = "device"
STAFF: Final = "staff"
RESOURCE: Final = "resource"
SORTS: Final = (DEVICE, STAFF, RESOURCE)
"""The sorts of things that can be near a place."""

LEVELS: Final = ("district", "town", "community", "grid")
"""The levels of the governance scheme, from the widest to the finest."""


@dataclass(frozen=True, slots=True)
class Area:
    """A node of the hierarchy, without its shape."""

    code: str
    name: str
    level: str
    kind: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: which rule is broken by which areas, where (degrees), how large, in one sentence.

    `size_m2` is the ellipsoidal area concerned (0 where the defect has no area); `lon, lat` is a point in
    or on it, and is None only where a defect has no place (an area without any shape).
    """

    rule: str
    level: str
    codes: tuple[str, ...]
    lon: float | None
    lat: float | None
    size_m2: float
    text: str


@dataclass(frozen=True, slots=True)
class Edition:
    """A published, immutable, numbered set of areas with its proof.

    `checksum` is over the canonical areas alone (code, name, level, kind, parent, arcs), so two editions
    with the same areas have the same checksum, whoever published them and when. `base` is the edition it
    followed, None for the first.
    """

    number: int
    base: int | None
    checksum: str
    proven: bool
    synthetic: bool
    author: str
    reason: str
    effective_at: datetime
    published_at: datetime
    blob: str


@dataclass(frozen=True, slots=True)
class ColumnSet:
    """A table of things with a place (households, buildings): one columnar file behind the blob door."""

    kind: str
    rows: int
    blob: str
    synthetic: bool
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Device:
    """A thing that reports: a door, a smoke alarm, a camera. `x, y` are lattice units."""

    code: str
    kind: str
    x: int
    y: int
    building: str | None


@dataclass(frozen=True, slots=True)
class StaffPost:
    """A post on the duty roster of a grid. One person may hold several; `person` is an id, never a name."""

    code: str
    grid: str
    role: str
    person: str
    shift: str
