"""Arrow arrays made from NumPy's and looked at as such, without a copy and without pandas.

pyarrow's own `array()` and `to_numpy()` import pandas first, a quarter of a second in each process. Rows that
are `NOWHERE` are null in Arrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa

from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gridmap.types import FloatArray, Int32Array

Number = TypeVar("Number", bound=np.generic)


def nullable(rows: Int32Array) -> Any:
    """Rows as an Arrow array, NOWHERE as null."""
    bits = np.packbits(rows != NOWHERE, bitorder="little")
    rows = np.ascontiguousarray(rows, np.int32)
    return pa.Array.from_buffers(pa.int32(), len(rows), [pa.py_buffer(bits), pa.py_buffer(rows)])


def rows_of(values: Any) -> Int32Array:
    """An Arrow array of int32 as rows, null as NOWHERE."""
    rows = _view(values, np.int32)
    if not values.null_count:
        return rows
    bits = np.frombuffer(values.buffers()[0], np.uint8)
    valid = np.unpackbits(bits, count=values.offset + len(values), bitorder="little")[values.offset :]
    return np.where(valid, rows, np.int32(NOWHERE))


def floats_of(values: Any) -> FloatArray:
    """An Arrow array of doubles without nulls as it stands; it cannot be written to."""
    return _view(values, np.float64)


def _view(values: Any, dtype: type[Number]) -> NDArray[Number]:
    """The values of a fixed-width array, whatever stands where it is null."""
    data = values.buffers()[1]
    return np.frombuffer(b"" if data is None else data, dtype)[values.offset : values.offset + len(values)]


def text_array(texts: Sequence[str]) -> Any:
    """Texts as an Arrow array."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def select(schema: Any, names: Sequence[str]) -> Any:
    """Some fields of a schema."""
    return pa.schema([schema.field(name) for name in names])


def empty_batch(schema: Any) -> Any:
    """A batch without rows."""
    return pa.record_batch([pa.nulls(0, field.type) for field in schema], schema=schema)


def compact(column: Any) -> Any:
    """A chunked column of codes as one dictionary array whose dictionary holds the codes that occur."""
    chunks = column.chunks
    rows = np.concatenate([rows_of(chunk.indices) for chunk in chunks])
    codes = chunks[0].dictionary
    occurs = np.bincount(rows + 1, minlength=len(codes) + 1)[1:] > 0
    numbers = np.append(np.cumsum(occurs) - 1, NOWHERE).astype(np.int32)  # NOWHERE, -1, takes the last
    used = codes.take(nullable(np.flatnonzero(occurs).astype(np.int32)))
    return pa.DictionaryArray.from_arrays(nullable(numbers[rows]), used, safe=False)
