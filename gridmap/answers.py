"""The answers of the service as typed values, for the client: one dataclass for each kind.

Under one major version the service only adds members; those that are not known here are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_type_hints

from gridmap.types import AnyArray

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Step:
    """One area of a path from the district down."""

    code: str
    name: str
    level: str


@dataclass(frozen=True, slots=True)
class Area:
    """An area in a list."""

    code: str
    name: str
    level: str
    kind: str


@dataclass(frozen=True, slots=True)
class Membership:
    """The finest area of one scheme that a point belongs to."""

    scheme: str
    code: str
    name: str
    level: str
    kind: str


@dataclass(frozen=True, slots=True)
class Nearest:
    """The grid nearest to a point, and how far it is in metres."""

    code: str
    name: str
    level: str
    kind: str
    distance_m: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """An area that an uncertain point may be in (code None: outside the city), and its part of the circle."""

    code: str | None
    name: str | None
    level: str | None
    kind: str | None
    share: float


@dataclass(frozen=True, slots=True)
class Location:
    """The area of a point; code, name, level and kind are None where no grid is.

    From `on_border` on: only where they were asked for, with `explain` or `accuracy_m`.
    """

    code: str | None
    name: str | None
    level: str | None
    kind: str | None
    path: tuple[Step, ...]
    memberships: tuple[Membership, ...]
    edition: int
    proven: bool
    on_border: bool | None = None
    edge_m: float | None = None
    rivals: tuple[Area, ...] = ()
    nearest: Nearest | None = None
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class Located:
    """The codes of many points in their order (None where no grid is), and why some cannot be used."""

    codes: AnyArray
    edition: int
    errors: Mapping[int, str]
    """By the position of the point."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing that is near, its place in the datum of the question, and the way to it."""

    code: str
    sort: str
    kind: str
    lon: float
    lat: float
    distance_m: float
    bearing_deg: float | None
    direction: str | None
    text: str
    grid: str | None
    shift: str | None


@dataclass(frozen=True, slots=True)
class Nearby:
    """Things near a point, the nearest first; `complete` says that there are no more of them."""

    things: tuple[Thing, ...]
    complete: bool
    edition: int


@dataclass(frozen=True, slots=True)
class GridWithin:
    """A grid that a polygon touches, the part of its area inside, and whether all of it is."""

    code: str
    name: str
    level: str
    kind: str
    share: float
    whole: bool


@dataclass(frozen=True, slots=True)
class Within:
    """What lies in a polygon; None where the city does not know."""

    grids: tuple[GridWithin, ...]
    area_m2: float
    buildings: int | None
    households: int | None
    people: int | None
    devices: int
    devices_by_kind: Mapping[str, int]
    edition: int
    proven: bool


@dataclass(frozen=True, slots=True)
class Measures:
    """Size and shape of an area."""

    area_m2: float
    perimeter_m: float
    compactness: float


@dataclass(frozen=True, slots=True)
class WholeArea:
    """One area with its path, the areas below it and its measures."""

    code: str
    name: str
    level: str
    kind: str
    parent: str | None
    path: tuple[Step, ...]
    children: tuple[Area, ...]
    measures: Measures
    edition: int
    proven: bool
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Values:
    """A number for each id of a layer of tiles, and up to which fact of the log they go."""

    ids: AnyArray
    values: AnyArray
    edition: int
    seq: int


def made(kind: type[T], value: Mapping[str, Any]) -> T:
    """A dataclass from a JSON object; members that it does not know are left out."""
    hints = get_type_hints(kind)
    known = {each.name for each in fields(kind) if each.name in value}  # type: ignore[arg-type]  # all are dataclasses
    return kind(**{name: _of_type(hints[name], value[name]) for name in known})


def _of_type(hint: Any, value: Any) -> Any:
    inner = [each for each in (hint, *get_args(hint)) if isinstance(each, type) and is_dataclass(each)]
    if not inner or value is None:
        return value
    if isinstance(value, list):
        return tuple(made(inner[0], each) for each in value)
    return made(inner[0], value)
