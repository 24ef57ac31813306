"""What is asked of every row: where it lies, which levels' codes it shall get. Plain values, picklable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from gridmap.store.address import CityAddress

Encoding: TypeAlias = Literal["wkb", "point"]
"""How points are written: well-known binary, or coordinates as numbers (GeoArrow)."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The place of a row in two columns of numbers, east and north in a datum that `gridmap.crs` knows."""

    lon: str
    lat: str
    crs: str

    @property
    def names(self) -> list[str]:
        """The columns that must be read."""
        return [self.lon, self.lat]


@dataclass(frozen=True, slots=True)
class Points:
    """The place of a row in one column of points: WKB, or GeoArrow's separated or interleaved coordinates."""

    column: str
    encoding: Encoding
    crs: str

    @property
    def names(self) -> list[str]:
        """The columns that must be read."""
        return [self.column]


@dataclass(frozen=True, slots=True)
class Added:
    """A column to add: the codes of the areas of a level."""

    level: str
    column: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asks for: columns of places and their datum where named, and what to add.

    Nothing to add means the codes of the finest level.
    """

    lon: str | None
    lat: str | None
    crs: str | None
    added: tuple[Added, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """Which area of each level each row is in, by one edition of one city.

    The checksum says which areas are meant, whatever a worker elsewhere finds under the same address.
    """

    place: CityAddress
    edition: int
    checksum: str
    added: tuple[Added, ...]
    spot: Columns | Points
