"""`POST /locate` as an Arrow IPC stream: the fastest way to ask for many points.

The reply holds the columns that came, untouched, and behind them `code`, a dictionary of the codes that
occur (4 bytes a row instead of 19; pandas, polars and DuckDB read it as text), `edition` and `error`.

What comes is not trusted: Arrow checks the stream's structure while it reads, all columns are validated
before they are written back, and compressed streams are refused, because a few kilobytes of them can be
gigabytes.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from gridmap.errors import InputError
from gridmap.model import NOWHERE
from tiles.web import problems
from tiles.web.answers import ADDED, check_free

if TYPE_CHECKING:
    from gridmap.types import Int32Array
    from tiles.web.answers import Answered, Asked


def answer(body: bytes, asked: Asked) -> bytes:
    """Answer a stream; raises InputError for a body that is none, or that lacks a column."""
    import pyarrow as pa

    table = _read(body, asked)
    for name in ("lon", "lat"):
        if table.schema.names.count(name) != 1:
            known = ", ".join(table.schema.names)[:200]
            raise InputError(name, f"there must be one column of this name; the columns are {known}")
    check_free(table.schema.names)
    table = table.combine_chunks()
    lons, lats = (_whole(table.column(name)) for name in ("lon", "lat"))
    for name, column in zip(ADDED, _added(asked.answer(lons, lats)), strict=True):
        table = table.append_column(name, column)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def sample() -> bytes:
    """A stream of one point."""
    import pyarrow as pa

    table = pa.table({"lon": [0.0], "lat": [0.0]})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _read(body: bytes, asked: Asked) -> Any:
    import pyarrow as pa

    try:
        for message in pa.ipc.MessageReader.open_stream(pa.BufferReader(body)):
            if is_compressed(message.metadata.to_pybytes()):
                text = "The Arrow stream is compressed: send it without compression."
                raise problems.Refusal(problems.OTHER_MEDIA_TYPE, text)
        with pa.ipc.open_stream(pa.BufferReader(body)) as reader:
            batches, count = [], 0
            for batch in reader:
                count += batch.num_rows
                asked.check_count(count)
                batch.validate(full=True)
                batches.append(batch)
            return pa.Table.from_batches(batches, reader.schema)
    except (pa.ArrowException, OSError, struct.error, IndexError) as error:
        raise InputError("body", f"is no Arrow IPC stream that can be read ({error})") from error


def is_compressed(metadata: bytes) -> bool:
    """Whether a message of a stream says that its buffers are compressed.

    pyarrow cannot be asked, so the flatbuffer is read: Message.header is a RecordBatch (type 3), or a
    DictionaryBatch (type 2) that holds one; RecordBatch.compression is its field 3 (Message.fbs).
    """
    message = _table(metadata, 0)
    kind = _field(metadata, message, 1)
    header = _field(metadata, message, 2)
    if not kind or not header or metadata[kind] not in (2, 3):
        return False
    batch = _table(metadata, header)
    if metadata[kind] == 2:
        data = _field(metadata, batch, 1)
        if not data:
            return False
        batch = _table(metadata, data)
    return bool(_field(metadata, batch, 3))


def _table(data: bytes, at: int) -> int:
    """Where the table begins that an offset points to."""
    return at + int(struct.unpack_from("<I", data, at)[0])


def _field(data: bytes, table: int, number: int) -> int:
    """Where a field of a table is, 0 when it is absent."""
    vtable = table - int(struct.unpack_from("<i", data, table)[0])
    if vtable < 0 or 4 + 2 * number >= struct.unpack_from("<H", data, vtable)[0]:
        return 0
    offset = int(struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0])
    return table + offset if offset else 0


def _whole(column: Any) -> Any:
    import pyarrow as pa

    return column.chunk(0) if column.num_chunks else pa.nulls(0, column.type)


@lru_cache(maxsize=8)
def _texts(codes: tuple[str, ...]) -> Any:
    """The codes of a level as an Arrow array, made once: 65,000 take 15 ms."""
    from gridmap.bulk.arrays import text_array

    return text_array(codes)


def _added(found: Answered) -> tuple[Any, Any, Any]:
    """The three columns."""
    import pyarrow as pa

    from gridmap.bulk.arrays import nullable, text_array

    rows = found.rows
    count = len(rows)
    if found.errors:
        rows = rows.copy()
        rows[list(found.errors)] = NOWHERE
    used = np.bincount(rows + 1, minlength=len(found.codes) + 1)[1:] > 0
    numbers: Int32Array = np.append(np.cumsum(used) - 1, NOWHERE).astype(
        np.int32
    )  # NOWHERE, -1, takes the last
    words = _texts(tuple(found.codes)).take(nullable(np.flatnonzero(used).astype(np.int32)))
    codes = pa.DictionaryArray.from_arrays(nullable(numbers[rows]), words)
    editions = np.full(count, found.edition, np.int32)
    edition = pa.Array.from_buffers(pa.int32(), count, [None, pa.py_buffer(editions)])
    if not found.errors:
        return codes, edition, pa.nulls(count, pa.string())
    errors = np.full(count, NOWHERE, np.int32)
    errors[list(found.errors)] = np.arange(len(found.errors))
    return codes, edition, text_array(list(found.errors.values())).take(nullable(errors))
