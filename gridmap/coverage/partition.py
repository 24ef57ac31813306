"""Partition: the areas of all levels and the coverage of the finest one, which is all the geometry there is.

Only the finest level has faces; the levels above are integer arrays of parents, and their outlines follow
from the arcs. Outlines that a file gives for them are evidence: compared edge for edge, kept (`given`) only
where they say something else, and then the partition is unproven.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gridmap.coverage.arcs import Coverage, coverage_of, merged
from gridmap.coverage.rings import polygons_of
from gridmap.errors import InputError, NotFoundError
from gridmap.model import NOWHERE, Area

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gridmap.coverage.edges import Edges
    from gridmap.types import Geometries, Int32Array, Int64Array


@dataclass(frozen=True)
class LevelTable:
    """The areas of one level in the order of their codes; a position in it is the area's row."""

    level: str
    codes: tuple[str, ...]
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    parents: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Row by code."""
        return {code: row for row, code in enumerate(self.codes)}

    def area(self, row: int) -> Area:
        """The area at a row."""
        return Area(self.codes[row], self.names[row], self.level, self.kinds[row], self.parents[row])


@dataclass(frozen=True)
class Partition:
    """One partition of the city: tables from the widest to the finest level, and the coverage of the finest.

    `given` holds, by level, outlines that a file gave and that differ from what the grids make.
    `outline_known` says that the outer boundary was compared with outlines given for the widest level, so a
    lake left out of the city is no gap.
    """

    levels: tuple[LevelTable, ...]
    coverage: Coverage
    given: Mapping[str, Coverage] = field(default_factory=dict)
    outline_known: bool = False

    @property
    def finest(self) -> LevelTable:
        """The table of the level that has faces."""
        return self.levels[-1]

    @property
    def counts(self) -> dict[str, int]:
        """How many areas each level has, widest first."""
        return {table.level: len(table) for table in self.levels}

    def areas(self) -> Iterator[Area]:
        """All areas, widest level first, by code."""
        for table in self.levels:
            for row in range(len(table)):
                yield table.area(row)

    def parent_rows(self, depth: int) -> Int32Array:
        """For each row of level `depth` the row of its parent one level up, NOWHERE where there is none."""
        if depth == 0:
            return np.full(len(self.levels[0]), NOWHERE, np.int32)
        above = self.levels[depth - 1].row_of
        parents = self.levels[depth].parents
        return np.array([NOWHERE if p is None else above.get(p, NOWHERE) for p in parents], np.int32)

    @cached_property
    def ancestors(self) -> tuple[Int32Array, ...]:
        """For each level, the row there of every finest row: a grid's chain is one column of these."""
        rows = np.arange(len(self.finest), dtype=np.int32)
        out = [rows]
        for depth in range(len(self.levels) - 1, 0, -1):
            rows = np.append(self.parent_rows(depth), NOWHERE).astype(np.int32)[rows]
            out.append(rows)
        return tuple(reversed(out))

    def coverage_at(self, depth: int) -> Coverage:
        """The coverage that the grids make at a level, 0 for the widest."""
        if depth not in self._coverages:
            self._coverages[depth] = self._merged(depth)
        return self._coverages[depth]

    def polygons_at(self, depth: int) -> Geometries:
        """The polygons that the grids make at a level, in lattice units, by row."""
        if depth not in self._polygons:
            self._polygons[depth] = polygons_of(self.coverage_at(depth))
        return self._polygons[depth]

    def outlines_at(self, depth: int) -> Geometries:
        """The outlines of a level as they were given where they differ, else as the grids make them."""
        level = self.levels[depth].level
        if level not in self.given:
            return self.polygons_at(depth)
        if level not in self._outlines:
            self._outlines[level] = polygons_of(self.given[level])
        return self._outlines[level]

    def depth_of(self, level: str) -> int:
        """The position of a level, 0 for the widest. Raises NotFoundError for a name that none has."""
        for depth, table in enumerate(self.levels):
            if table.level == level:
                return depth
        known = ", ".join(table.level for table in self.levels)
        raise NotFoundError(f"There is no level {level!r} here; the levels are {known}.")

    @cached_property
    def _coverages(self) -> dict[int, Coverage]:
        return {}

    @cached_property
    def _outlines(self) -> dict[str, Geometries]:
        return {}

    @cached_property
    def _polygons(self) -> dict[int, Geometries]:
        return {}

    def _merged(self, depth: int) -> Coverage:
        if depth == len(self.levels) - 1:
            return self.coverage
        return merged(self.coverage, self.ancestors[depth], len(self.levels[depth]))


def partition_of(tables: Sequence[LevelTable], polygons: Mapping[str, Geometries]) -> Partition:
    """Build a partition from tables, widest level first, and polygons by level in lattice units.

    Rows come in any order, polygons in that of their table. The finest level must have polygons; those of
    other levels are compared with what the finest make, edge for edge, and kept only where they differ.
    Raises InputError for a code that stands twice or is empty, for a finest level without areas or polygons,
    for another number of polygons than areas, and as `edges.edges_of` does.
    """
    finest = tables[-1].level
    if finest not in polygons or not len(tables[-1]):
        raise InputError("polygons", f"the finest level, {finest}, has no polygons: nothing can be covered")
    _refuse_bad_codes(tables)
    _refuse_other_counts(tables, polygons)
    orders = {table.level: _order(table) for table in tables}
    levels = tuple(_reordered(table, orders[table.level]) for table in tables)
    plain = Partition(levels, coverage_of(polygons[finest][orders[finest]]))
    given = {}
    for depth, table in enumerate(levels[:-1]):
        if table.level in polygons:
            evidence = coverage_of(polygons[table.level][orders[table.level]])
            if not same_edges(evidence.edges, plain.coverage_at(depth).edges):
                given[table.level] = evidence
    known = levels[0].level in polygons and len(levels) > 1
    return Partition(levels, plain.coverage, given, outline_known=known)


def same_edges(one: Edges, other: Edges) -> bool:
    """Whether two sets of edges are the same, with the same faces on the same sides."""
    return (
        np.array_equal(one.vertices, other.vertices)
        and np.array_equal(one.lows, other.lows)
        and np.array_equal(one.highs, other.highs)
        and np.array_equal(one.left, other.left)
        and np.array_equal(one.right, other.right)
    )


def level_table(
    level: str,
    codes: Sequence[str],
    names: Sequence[str],
    kinds: Sequence[str],
    parents: Sequence[str | None],
) -> LevelTable:
    """A level's table from columns of equal length, in the order given."""
    return LevelTable(level, tuple(codes), tuple(names), tuple(kinds), tuple(parents))


def _order(table: LevelTable) -> Int64Array:
    return np.array(sorted(range(len(table)), key=table.codes.__getitem__), np.int64)


def _refuse_bad_codes(tables: Sequence[LevelTable]) -> None:
    seen: dict[str, str] = {}
    for table in tables:
        for row, code in enumerate(table.codes):
            if not code:
                raise InputError("code", f"row {row} of level {table.level} has none: every area needs one")
            if code in seen:
                text = f"{code!r} stands twice, as {seen[code]} and as {table.level}: each area needs its own"
                raise InputError("code", text)
            seen[code] = table.level


def _refuse_other_counts(tables: Sequence[LevelTable], polygons: Mapping[str, Geometries]) -> None:
    for table in tables:
        if table.level in polygons and len(polygons[table.level]) != len(table):
            text = (
                f"{len(polygons[table.level])} for {len(table)} areas of level {table.level}: give one each"
            )
            raise InputError("polygons", text)


def _reordered(table: LevelTable, order: Int64Array) -> LevelTable:
    if np.array_equal(order, np.arange(len(table))):
        return table
    return LevelTable(
        table.level,
        tuple(table.codes[i] for i in order),
        tuple(table.names[i] for i in order),
        tuple(table.kinds[i] for i in order),
        tuple(table.parents[i] for i in order),
    )
