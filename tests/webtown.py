"""Toytown as a twin, for the tests of the HTTP service."""

from __future__ import annotations

from datetime import UTC, datetime

from town import STEP, toytown

from gridmap.model import Edition
from gridmap.twin import Snapshot, Twin

NOTES = ("Toytown is drawn by hand.",)
DISTRICT, TOWN, COMMUNITY = "500999", "500999001", "500999001001"
HOLED, GRID, TWO_PARTS = "500999001001001", "500999001001002", "500999001002002"
SCALE = 10_000_000 // STEP


def make_twin(number: int = 7, *, proven: bool = True, notes: tuple[str, ...] = NOTES) -> Twin:
    """Make the twin that the tests serve."""
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
    return Twin(Snapshot(edition, toytown(), notes))


def place(x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude of a place on Toytown's plan (thousandths of a degree)."""
    return round(106.5 + x / SCALE, 7), round(29.5 + y / SCALE, 7)
