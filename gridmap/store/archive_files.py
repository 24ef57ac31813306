"""The files of the log's archives: rows of the log as Parquet, packed with zstd, in the blob store.

A file says all that the table said of a row, its checksum included, so it can be read by anybody, and tested
without a database. The same rows make the same bytes: an archive that is made twice is one blob.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from gridmap.errors import DamageError, NotFoundError
from gridmap.store import log

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

    from gridmap.store.blobs import BlobStore
    from gridmap.store.log import Entry

GROUP: Final = 2_500
"""Rows that are packed together: 5 ms for whoever asks for one old row; larger groups pack no better. Part of
the format: files that are there are cut so."""

_NAMES: Final = ("seq", "kind", "key", "body", "checksum")
_WHOLE: Final = ("seq", "checksum")


class Archive(NamedTuple):
    """Rows of the log in a blob, from one number to another; times in ms since 1970, None where none is said.

    `begin_ms` and `end_ms` are when the first and the last row were written that say so.
    """

    first: int
    last: int
    rows: int
    blob: str
    size: int
    begin_ms: int | None
    end_ms: int | None
    archived_ms: int

    def __str__(self) -> str:
        return f"rows {self.first} to {self.last} of the log are archived in blob {self.blob}"


def table_of(entries: Sequence[Entry]) -> pa.Table:
    """Rows of the log, one or more, as columns: seq, kind, key, body, checksum."""
    import pyarrow as pa

    rows = [(*entry, log.row_checksum(*entry)) for entry in entries]
    columns = [
        _numbers(each) if name in _WHOLE else _texts(each)
        for name, each in zip(_NAMES, zip(*rows, strict=True), strict=True)
    ]
    return pa.Table.from_arrays(columns, list(_NAMES))


def _numbers(values: Sequence[int]) -> pa.Array:
    """Whole numbers. `pa.array` would import pandas, which takes a third of a second and 40 MB."""
    import pyarrow as pa

    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(np.array(values, np.int64))])


def _texts(values: Sequence[str]) -> pa.Array:
    import pyarrow as pa

    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


def rows_of(table: pa.Table, places: Sequence[int]) -> list[Entry]:
    """Rows at some places, in order, as they were written. DamageError: one is not."""
    first = places[0]
    part = table.slice(first, places[-1] - first + 1)
    rows = list(zip(*(part[name].to_pylist() for name in _NAMES), strict=True))
    return [log.tested(rows[place - first]) for place in places]


def stored(blobs: BlobStore, table: pa.Table) -> tuple[str, int]:
    """Store rows as a blob; its key and its size. The same rows make the same bytes."""
    with blobs.writer() as sink:
        write_parquet(sink, [table])
        size = sink.tell()
    return sink.key, size


def write_parquet(sink: Any, tables: Iterable[pa.Table]) -> None:
    """Write rows as Parquet, packed with zstd, into a file or what takes bytes as one does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.int64() if name in _WHOLE else pa.string()) for name in _NAMES])
    options: dict[str, Any] = {
        "compression": "zstd",
        "use_dictionary": ["kind"],
        "column_encoding": {"seq": "DELTA_BINARY_PACKED", "checksum": "PLAIN"},
    }
    with pq.ParquetWriter(sink, schema, **options) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=GROUP)


def unpacked(blobs: BlobStore, archive: Archive, group: int) -> pa.Table:
    """Some rows of an archive, the GROUP of this place. DamageError: its blob is gone, or is another."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    said = str(archive)
    try:
        with pq.ParquetFile(blobs.path(archive.blob), memory_map=True) as file:
            if file.metadata.num_rows != archive.rows or archive.rows != archive.last - archive.first + 1:
                raise DamageError(f"{said}, which holds {file.metadata.num_rows}: restore the database")
            return file.read_row_group(group, list(_NAMES))
    except NotFoundError as error:
        raise DamageError(f"{said}, which is gone: {error}") from error
    except (OSError, pa.ArrowException) as error:
        raise DamageError(f"{said}, which cannot be read ({error}): restore it from a backup") from error
