"""Toytown as a twin, for the tests of the HTTP service."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from town import STEP, toytown

from gridmap.index.index import GridIndex
from gridmap.inventory import NOTHING, Inventory
from gridmap.lookup import Lookup
from gridmap.model import Edition
from gridmap.surroundings import Source
from gridmap.twin import Snapshot, Twin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gridmap.coverage.partition import Partition
    from gridmap.model import StaffPost

NOTES = ("Toytown is drawn by hand.",)
DISTRICT, TOWN, COMMUNITY = "500999", "500999001", "500999001001"
HOLED, GRID, TWO_PARTS = "500999001001001", "500999001001002", "500999001002002"
SCALE = 10_000_000 // STEP


class Held(Source):
    """A source that holds what a test gives it, instead of a store."""

    def __init__(self, inventory: Inventory = NOTHING, posts: Sequence[StaffPost] = ()) -> None:
        super().__init__(None)
        self._inventory = replace(inventory, has_staff=bool(posts))
        self._posts = posts
        self.published: list[Edition] = []

    def inventory(self) -> Inventory:
        return self._inventory

    def editions(self) -> Sequence[Edition]:
        return self.published

    def features(self) -> Mapping[str, int]:
        """As `OracleEngine` numbers them."""
        return {area.code: number for number, area in enumerate(toytown().areas(), 1)}

    def posts(self, grid: str) -> Sequence[StaffPost]:
        return [post for post in self._posts if post.grid == grid]


def make_twin(
    number: int = 7,
    *,
    proven: bool = True,
    notes: tuple[str, ...] = NOTES,
    source: Source | None = None,
    partition: Partition | None = None,
    schemes: Mapping[str, Twin] | None = None,
) -> Twin:
    """Make the twin that the tests serve: Toytown, or another partition."""
    then = datetime(2026, 5, 1, tzinfo=UTC)
    edition = Edition(
        number=number,
        base=number - 1,
        checksum="5e" * 32,
        proven=proven,
        synthetic=True,
        author="test",
        reason="a town for tests",
        effective_at=then,
        published_at=then,
        blob="ab" * 32,
    )
    town = partition or toytown()
    lookup = Lookup(edition, town, GridIndex.from_coverage(town.coverage, town.finest.codes))
    return Twin(Snapshot(lookup, notes, source or Held(), schemes))


def place(x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude of a place on Toytown's plan (thousandths of a degree)."""
    return round(106.5 + x / SCALE, 7), round(29.5 + y / SCALE, 7)
