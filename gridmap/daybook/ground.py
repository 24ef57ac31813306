"""The ground: the grids of one edition, as those who count by grid see them.

A place is a row of the finest level. What lies in no grid is counted too, in one more place behind the last
row: the row NOWHERE, -1, is that place in any array that has it. The whole city has it, no area has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.coverage.partition import Partition
    from gridmap.model import Edition
    from gridmap.types import AnyArray, BoolArray, FloatArray, Int32Array, Int64Array


class City(Protocol):
    """What is asked of an edition; a `Snapshot` of the twin is one."""

    @property
    def edition(self) -> Edition:
        """Which one it is."""

    @property
    def partition(self) -> Partition:
        """Its areas."""

    def rows_at(self, lons: FloatArray, lats: FloatArray) -> Int32Array:
        """The rows of the grids at points in degrees."""


class Ground:
    """The grids of one edition."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.partition = city.partition
        self._parents: dict[int, Int32Array] = {}
        self.places = len(city.partition.finest) + 1
        """How many grids there are, and one for what is in none."""

    def rows(self, lons: FloatArray, lats: FloatArray, codes: Sequence[str | None]) -> Int32Array:
        """The row of each thing: by its point, and without one (NaN) by its code, which is permanent."""
        row_of = self.partition.finest.row_of
        out = np.full(len(lons), NOWHERE, np.int32)
        has_point = np.isfinite(lons)
        if has_point.any():
            out[has_point] = self.city.rows_at(lons[has_point], lats[has_point])
        for place in np.flatnonzero(~has_point).tolist():
            code = codes[place]
            out[place] = NOWHERE if code is None else row_of.get(code, NOWHERE)
        return out

    def inside(self, code: str | None) -> BoolArray:
        """Of each place, whether it is in the area of a code that there is; without one all are."""
        if code is None:
            return np.ones(self.places, np.bool_)
        depth, row = self.find(code)
        return np.append(self.partition.ancestors[depth] == row, np.False_)

    def find(self, code: str) -> tuple[int, int]:
        """The level of the area of a code that there is, and its row there."""
        for depth, table in enumerate(self.partition.levels):
            if code in table.row_of:
                return depth, table.row_of[code]
        raise KeyError(code)

    def parents(self, depth: int) -> Int32Array:
        """For each row of a level the row of its parent one level up, NOWHERE where there is none."""
        if depth not in self._parents:
            self._parents[depth] = self.partition.parent_rows(depth)
        return self._parents[depth]

    def counted(self, rows: AnyArray) -> Int64Array:
        """How many of some rows there are, by place."""
        return np.bincount(np.where(rows == NOWHERE, self.places - 1, rows), minlength=self.places)

    def by_area(self, counts: AnyArray, depth: int) -> Int64Array:
        """The sums of what was counted by place, for the areas of a level, by row."""
        above, size = self.partition.ancestors[depth], len(self.partition.levels[depth])
        has_area = above != NOWHERE
        return np.bincount(above[has_area], counts[:-1][has_area], size).astype(np.int64)
