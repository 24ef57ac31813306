"""Columnar files: millions of buildings and households as one Parquet file each, compressed with zstd.

12 million rows are no row-by-row matter: they go from a file or a table into the blob store as a stream, a
row group at a time, and come back memory mapped.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gridmap.errors import DamageError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from gridmap.store.blobs import BlobStore

GROUP_ROWS: Final = 1 << 20
"""Rows in a row group, and in memory while a file is rewritten: 12 million households make 12 groups."""


def store_columns(blobs: BlobStore, source: Path | pa.Table) -> tuple[str, int]:
    """Store a Parquet file or an Arrow table as a zstd Parquet blob; return its key and number of rows.

    A file that is zstd already is taken byte for byte. InputError: the file is not readable Parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if isinstance(source, pa.Table):
        return _write(blobs, source.schema, iter(source.to_batches(max_chunksize=GROUP_ROWS)))
    try:
        with pq.ParquetFile(source, memory_map=True) as file:
            if _all_zstd(file.metadata):
                return blobs.put_file(Path(source)), int(file.metadata.num_rows)
            return _write(blobs, file.schema_arrow, file.iter_batches(batch_size=GROUP_ROWS))
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            "file", f"{source} is no Parquet file that can be read ({error}): give another"
        ) from error


def read_columns(path: Path, rows: int, names: Sequence[str] | None) -> pa.Table:
    """Read all or some columns of a stored file, memory mapped.

    DamageError: it has not the rows that were stored.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, memory_map=True) as file:
        found = file.metadata.num_rows
        if found != rows:
            raise DamageError(
                f"{path}: holds {found} rows where {rows} were stored: restore the home from a backup"
            )
        known = set(file.schema_arrow.names)
        for name in names or ():
            if name not in known:
                raise InputError(
                    "columns", f"there is no column {name}; there are {', '.join(sorted(known))}"
                )
        return file.read(columns=None if names is None else list(names))


def give_back() -> None:
    """Give the system the memory that Arrow keeps for later: much was read that is not read again soon."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def _all_zstd(metadata: Any) -> bool:
    chunks = (
        metadata.row_group(group).column(column)
        for group in range(metadata.num_row_groups)
        for column in range(metadata.num_columns)
    )
    return all(chunk.compression == "ZSTD" for chunk in chunks)


def _write(blobs: BlobStore, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> tuple[str, int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 0
    # Rows of buildings and places run in steps: as differences they take a third of what a dictionary does.
    steps = [field.name for field in schema if pa.types.is_int32(field.type) or pa.types.is_int64(field.type)]
    options = {
        "compression": "zstd",
        "column_encoding": dict.fromkeys(steps, "DELTA_BINARY_PACKED"),
        "use_dictionary": [name for name in schema.names if name not in steps],
    }
    with blobs.writer() as sink, pq.ParquetWriter(sink, schema, **options) as writer:
        for batch in batches:
            writer.write_batch(batch, row_group_size=GROUP_ROWS)
            rows += batch.num_rows
    return sink.key, rows
