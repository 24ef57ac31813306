"""Tallies: a number for every area of a level, the sum of what its grids have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gridmap.coverage.partition import Partition
    from gridmap.types import Int32Array, Int64Array

COUNTED: Final = ("households", "people", "buildings", "devices")
"""What is counted by grid. Who is in no grid is in no area."""


class Tallies:
    """Sums by area of what was counted by grid; a count that nobody knows is None at every level."""

    def __init__(self, partition: Partition, by_grid: Mapping[str, Int64Array | None]) -> None:
        """`by_grid` has an entry for each of COUNTED, a number for each row of the finest level."""
        self._partition = partition
        self._by_grid = by_grid

    def of(self, what: str, depth: int) -> Int64Array | None:
        """The sums for the areas of a level, by row."""
        counts = self._by_grid[what]
        if counts is None or depth == len(self._partition.levels) - 1:
            return counts
        rows, size = self._partition.ancestors[depth], len(self._partition.levels[depth])
        inside = rows != NOWHERE
        # bincount adds up in float64, exactly as long as sums stay below 2**53.
        return np.bincount(rows[inside], counts[inside], size).astype(np.int64)


def rows_below(partition: Partition, above: int, row: int, depth: int) -> Int32Array:
    """The rows at a level of the areas in one area of a level above (or the same), sorted."""
    rows = np.arange(len(partition.levels[depth]), dtype=np.int32)
    for each in range(depth, above, -1):
        rows = np.append(partition.parent_rows(each), np.int32(NOWHERE))[rows]
    return np.flatnonzero(rows == row).astype(np.int32)
