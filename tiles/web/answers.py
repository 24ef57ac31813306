"""Many points asked and answered at once, whatever form they came in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gridmap.errors import InputError
from tiles.web import problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gridmap.settings import Setting
    from gridmap.twin import Snapshot
    from gridmap.types import Int32Array

ADDED: Final = ("code", "edition", "error")
"""What every row gets."""


@dataclass(frozen=True)
class Answered:
    """The row of each point at the level asked for (NOWHERE where none is), and why some cannot be used."""

    rows: Int32Array
    codes: Sequence[str]
    """The codes of that level by row."""
    errors: Mapping[int, str]
    """By the position of the point."""
    edition: int


@dataclass(frozen=True)
class Asked:
    """What is asked of every point: in which datum it is ("" where the body says it), and at which level."""

    snapshot: Snapshot
    crs: str
    depth: int | None
    most: Setting

    def check_count(self, count: int) -> None:
        """Refuse more points than the setting allows."""
        most = self.most.number()
        if count > most:
            text = f"{count:,} points are too many: at most {most:,} are answered at once ({self.most.name})."
            raise problems.Refusal(problems.TOO_LARGE, text, most)

    def answer(self, lons: Any, lats: Any) -> Answered:
        """Answer points given as two Arrow arrays of numbers or texts; raises InputError for other types."""
        import pyarrow as pa

        from gridmap import crs
        from gridmap.bulk.places import places_of
        from gridmap.bulk.question import Columns

        self.check_count(len(lons))
        spot = Columns("lon", "lat", crs.check_crs(self.crs))
        longitudes, latitudes, faults = places_of(pa.record_batch([lons, lats], spot.names), spot)
        errors = {}
        if faults.bad.any():
            bad, reasons = faults.reasons()
            errors = dict(zip(bad.tolist(), reasons.to_pylist(), strict=True))
        snapshot = self.snapshot
        rows = snapshot.rows_at(longitudes, latitudes, self.depth)
        table = snapshot.partition.levels[-1 if self.depth is None else self.depth]
        return Answered(rows, table.codes, errors, snapshot.edition.number)


def check_free(columns: Iterable[str]) -> None:
    """Refuse columns that are called like one of those that are added."""
    taken = [name for name in ADDED if name in columns]
    if taken:
        raise InputError(taken[0], "is the name of a column that is added: call yours another name")
