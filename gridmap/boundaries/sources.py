"""Tables of things from files: CSV or Parquet, in batches, every row with its number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.boundaries.delimited import Batch, CsvSource
from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BATCH_ROWS: Final = 1 << 20
CSV: Final = (".csv", ".tsv", ".txt")
PARQUET: Final = (".parquet", ".geoparquet")


class ParquetSource:
    """A Parquet file: the names of its columns, and its rows in batches, counted from 1."""

    unit: Final = "row"

    def __init__(self, path: Path, batch_rows: int = BATCH_ROWS) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._path = path
        self._batch_rows = batch_rows
        try:
            with pq.ParquetFile(path, memory_map=True) as file:
                self.columns: list[str] = list(file.schema_arrow.names)
        except (OSError, pa.ArrowException) as error:
            raise self._unreadable(error) from error

    def batches(self, columns: Sequence[int]) -> Iterator[Batch]:
        """The rows, with the columns at these positions in the types that the file has."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = [self.columns[column] for column in columns]
        try:
            with pq.ParquetFile(self._path, memory_map=True) as file:
                done, total = 0, max(file.metadata.num_rows, 1)
                for batch in file.iter_batches(batch_size=self._batch_rows, columns=names):
                    lines = np.arange(done + 1, done + batch.num_rows + 1, dtype=np.int64)
                    done += batch.num_rows
                    yield Batch([batch.column(name) for name in names], lines, [], done / total)
        except (OSError, pa.ArrowException) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> InputError:
        return InputError(str(self._path), f"is no Parquet file that can be read ({error}): write it anew")


def open_source(path: Path) -> CsvSource | ParquetSource:
    """Open a file by its suffix. Raises InputError naming the file, what is wrong with it and the remedy."""
    suffix = path.suffix.lower()
    if not path.is_file():
        raise InputError(str(path), "there is no such file: look at its name and folder")
    if suffix not in CSV + PARQUET:
        known = ", ".join(CSV + PARQUET)
        raise InputError(str(path), f"is of no known type ({known}): save it as CSV (UTF-8) or Parquet")
    try:
        return ParquetSource(path) if suffix in PARQUET else CsvSource(path)
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror}): look at its rights") from error
