"""Who lives where: households and people in shapes, and households when their buildings' table changes.

Both are asked of stored columns; a store is anything that gives them by kind and names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.types import AnyArray, Geometries, Int64Array


class Columns(Protocol):
    """What gives stored columns: `gridmap.store.store.Store` does."""

    def columns(self, kind: str, names: Sequence[str] | None = None) -> Any:
        """Some columns of a kind as an Arrow table."""


class Residents(NamedTuple):
    """How many households, and how many people in them."""

    households: int
    people: int


def households_in(store: Columns, shapes: Geometries) -> list[Residents]:
    """Count the households and people whose building's point lies in each shape, its border included.

    `shapes` are in lattice units. A point on the border of two shapes counts in both. Raises NotFoundError
    when the store holds no buildings or no households. Two million buildings take about two seconds, then a
    shape of some hundred buildings a tenth of a millisecond.
    """
    buildings = store.columns("buildings", ["x", "y"])
    living = store.columns("households", ["building", "people"])
    count = buildings.num_rows
    of = living.column("building").to_numpy()
    households = np.bincount(of, minlength=count)
    people = np.bincount(of, living.column("people").to_numpy(), minlength=count).astype(np.int64)
    inside = _Inside(buildings.column("x").to_numpy(), buildings.column("y").to_numpy())
    rows = [inside.rows(shape) for shape in shapes]
    return [Residents(int(households[each].sum()), int(people[each].sum())) for each in rows]


def follow_buildings(households: Any, before: Any, after: Any) -> tuple[Any, int]:
    """Households that name rows of one table of buildings, naming the rows of another; and how many are lost.

    `before` and `after` are the columns of codes (Arrow) in the order of their rows. Households of buildings
    that the new table lacks are left out and counted. The order of the rows stays that of the buildings.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from gridmap.boundaries.sorting import in_order

    new_row = pc.index_in(before.combine_chunks(), value_set=after.combine_chunks())
    rows = new_row.take(households.column("building").combine_chunks())
    kept = households.set_column(households.column_names.index("building"), "building", rows.cast(pa.int32()))
    kept = kept.filter(rows.is_valid())
    return in_order(kept, ("building", "unit", "floor", "room")), households.num_rows - kept.num_rows


class _Inside:
    """Finds points in shapes: sorted by square cells, so that a shape looks only at the points around it."""

    def __init__(self, xs: AnyArray, ys: AnyArray) -> None:
        keys = _key(_cell(xs), _cell(ys))
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]
        self._xs, self._ys = xs[self._order].astype(np.float64), ys[self._order].astype(np.float64)

    def rows(self, shape: shapely.Geometry) -> Int64Array:
        """The rows of the points that a shape covers."""
        if shapely.is_empty(shape):
            return np.zeros(0, np.int64)
        west, south, east, north = _cell(np.floor(shapely.bounds(shape)))
        columns = np.arange(west, east + 1)
        begin = np.searchsorted(self._keys, _key(columns, south))
        end = np.searchsorted(self._keys, _key(columns, north), side="right")
        near = np.concatenate([np.arange(low, high) for low, high in zip(begin, end, strict=True)])
        shapely.prepare(shape)
        hit = shapely.intersects_xy(shape, self._xs[near], self._ys[near])
        return np.asarray(self._order[near[hit]], np.int64)


def _cell(units: AnyArray) -> Int64Array:
    """The number of the cell of a lattice coordinate, from 0: cells are 180 m high."""
    return np.asarray((units.astype(np.int64) + 2**31) >> 14)


def _key(columns: Int64Array, rows: Int64Array) -> Int64Array:
    return np.asarray((columns << 32) + rows)
