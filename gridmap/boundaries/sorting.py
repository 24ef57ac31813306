"""Order and uniqueness of large Arrow tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.types import Int64Array

PACKED_BITS: Final = 63
"""Whole numbers whose ranges together need no more bits are sorted as one."""


def in_order(table: Any, names: Sequence[str]) -> Any:
    """The rows sorted by some columns, equal rows in the order they had; a sorted table is not copied."""
    import pyarrow as pa
    import pyarrow.compute as pc

    keys = [table.column(name) for name in names]
    if all(pa.types.is_integer(key.type) for key in keys):
        packed = _packed([key.to_numpy() for key in keys])
        if packed is not None:
            if bool((packed[1:] >= packed[:-1]).all()):
                return table
            return table.take(pa.array(np.argsort(packed, kind="stable")))
    elif len(keys) == 1:
        whole = keys[0].combine_chunks()
        if (
            pc.all(pc.greater_equal(whole.slice(1), whole.slice(0, max(len(whole) - 1, 0)))).as_py()
            is not False
        ):
            return table
    return table.sort_by([(name, "ascending") for name in names])


def later_copies(values: Any) -> tuple[Int64Array, Int64Array]:
    """Rows whose value stands in an earlier row, and the first row that has it."""
    numbers = values.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    # Numbers are given in the order of first appearance, so a first one is larger than all before it.
    top = np.maximum.accumulate(numbers) if len(numbers) else numbers
    first = np.diff(top, prepend=-1) > 0
    copies = np.flatnonzero(~first)
    return copies, np.flatnonzero(first)[numbers[copies]]


def _packed(columns: Sequence[Any]) -> Int64Array | None:
    """Several columns of whole numbers as one that sorts like them; None where they do not fit."""
    if not len(columns[0]):
        return None
    lows = [int(column.min()) for column in columns]
    bits = [(int(column.max()) - low).bit_length() for column, low in zip(columns, lows, strict=True)]
    if sum(bits) > PACKED_BITS:
        return None
    out = np.zeros(len(columns[0]), np.int64)
    for column, low, width in zip(columns, lows, bits, strict=True):
        out <<= width
        out |= column.astype(np.int64) - low
    return out
