"""The door to Arrow for the city: strings and dictionaries by the million, no Python loop over rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gridmap.types import AnyArray, BoolArray

Column: TypeAlias = Any
"""A pyarrow Array. pyarrow ships no types; from here on the name says what is meant."""
Table: TypeAlias = Any
"""A pyarrow Table, for the same reason."""


def stream(seed: int, *purpose: str) -> np.random.Generator:
    """Give the random numbers for one purpose: streams of different purposes never disturb each other."""
    return np.random.default_rng([seed, crc32(" ".join(purpose).encode())])


def table(columns: Mapping[str, Column | AnyArray]) -> Table:
    """Make a table that says in its metadata that it is synthetic."""
    return pa.table(dict(columns)).replace_schema_metadata({"synthetic": "true"})


def stacked(tables: Sequence[Table]) -> Table:
    """Put tables of the same columns below each other, as one piece with one dictionary per column."""
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def words(choices: Sequence[str], rows: AnyArray) -> Column:
    """Write out `choices[row]` for every row as a string column."""
    return pa.array(choices, pa.string()).take(pa.array(rows))


def category(choices: Sequence[str], rows: AnyArray) -> Column:
    """Keep `choices[row]` as a dictionary column: each word is stored once."""
    # One index type for all: tables of districts are put together, and then their dictionaries grow.
    return pa.DictionaryArray.from_arrays(pa.array(rows.astype(np.int32)), pa.array(choices, pa.string()))


def joined(*parts: Column | str) -> Column:
    """Join strings and string columns row by row."""
    return pc.binary_join_element_wise(*parts, "")


def plain(numbers: AnyArray) -> Column:
    """Write numbers as strings without leading zeros."""
    return pc.cast(pa.array(numbers), pa.string())


def padded(numbers: AnyArray, digits: int) -> Column:
    """Write numbers from 0 as strings of exactly `digits` digits; OverflowError when one does not fit."""
    if len(numbers) and int(numbers.max()) >= 10**digits:
        raise OverflowError(f"{int(numbers.max())} does not fit into {digits} digits")
    powers = 10 ** np.arange(digits - 1, -1, -1, dtype=np.int64)
    text = (numbers.astype(np.int64)[:, None] // powers % 10 + ord("0")).astype(np.uint8)
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * digits
    return pa.Array.from_buffers(pa.string(), len(numbers), [None, pa.py_buffer(offsets), pa.py_buffer(text)])


def either(condition: BoolArray, yes: Column, no: Column) -> Column:
    """Take `yes` in the rows where the condition holds and `no` in the others."""
    return pc.if_else(pa.array(condition), yes, no)


def choose(column: Column, rows: AnyArray) -> Column:
    """Pick rows of a column; the row -1 gives null."""
    return column.take(pa.array(rows, mask=rows < 0))


def take_numbers(source: Table, name: str) -> AnyArray:
    """Read one numeric column of a table as a NumPy array."""
    numbers: AnyArray = source.column(name).to_numpy()
    return numbers
