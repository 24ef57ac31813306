"""All households in one file: a row each, with its building's code and place, for people with other tools.

Households are stored without a place of their own, by the row of their building; here both are joined, a
batch at a time, so the file may be larger than the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from gridmap.boundaries.whole import whole_file
from gridmap.errors import InputError
from gridmap.lattice import to_degrees

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gridmap.model import ColumnSet

BATCH_ROWS: Final = 1 << 20
"""Rows in a row group, and in memory: some 60 MB."""

DATUM: Final = "EPSG:4490"
"""What the file says of `lon` and `lat`: CGCS2000, which WGS84 is equal to here."""

DOORS: Final = ("unit", "floor", "room", "people")
"""The stored columns that are written as they are; small numbers, so each gets a dictionary."""


class Columns(Protocol):
    """What gives stored columns: `gridmap.store.store.Store` does."""

    def columns(self, kind: str, names: Sequence[str] | None = None) -> Any:
        """Some columns of a kind as an Arrow table."""

    def column_set(self, kind: str) -> ColumnSet:
        """What is known of the columns of a kind."""

    def column_file(self, kind: str) -> Path:
        """The Parquet file of a kind."""


def write_households(store: Columns, path: Path, progress: Callable[[str, float], None] | None = None) -> int:
    """Write all households as Parquet, a row each, sorted by building and door; returns how many.

    The columns are `household` (its number in this table, from 1; another table gives others), `building`
    (its code), `lon`, `lat` (degrees, of the building's point), unit, floor, room and people. The metadata of
    the file says which datum that is (`crs`) and whether they are made up (`synthetic`). Twelve million take
    some seconds and half a gigabyte of memory. Raises NotFoundError when no buildings or no households are
    stored, and InputError for a file that is no .parquet or cannot be written.
    """
    import pyarrow.parquet as pq

    if path.suffix.lower() != ".parquet":
        raise InputError(str(path), "households are written as Parquet; name a file that ends in .parquet")
    tell = progress or (lambda _step, _share: None)
    tell("reading the buildings", 0.0)
    places = _Places(store.columns("buildings", ["code", "x", "y"]))
    total = store.column_set("households").rows
    with (
        pq.ParquetFile(store.column_file("households"), memory_map=True) as source,
        whole_file(path) as part,
        pq.ParquetWriter(
            part,
            _schema(source.schema_arrow, store.column_set("households").synthetic),
            compression="zstd",
            use_dictionary=list(DOORS),
            column_encoding={"household": "DELTA_BINARY_PACKED"},
        ) as sink,
    ):
        done = 0
        for batch in source.iter_batches(batch_size=BATCH_ROWS):
            tell("writing households", done / max(total, 1))
            sink.write_batch(places.joined(batch, done, sink.schema), row_group_size=BATCH_ROWS)
            done += batch.num_rows
    return done


def _schema(stored: Any, synthetic: bool) -> Any:
    import pyarrow as pa

    return pa.schema(
        [("household", pa.int64()), ("building", pa.string()), ("lon", pa.float64()), ("lat", pa.float64())]
        + [(name, stored.field(name).type) for name in DOORS],
        metadata={"crs": DATUM, "synthetic": str(synthetic).lower()},
    )


class _Places:
    """The codes and places of all buildings, by row."""

    def __init__(self, buildings: Any) -> None:
        import pyarrow as pa

        lons, lats = to_degrees(buildings.column("x").to_numpy(), buildings.column("y").to_numpy())
        self._columns = [buildings.column("code").combine_chunks(), pa.array(lons), pa.array(lats)]

    def joined(self, batch: Any, before: int, schema: Any) -> Any:
        """A batch of households with their buildings' codes and places; `before` it came so many others."""
        import pyarrow as pa

        rows = batch.column("building")
        if batch.num_rows and rows.to_numpy().max() >= len(self._columns[0]):
            text = "some live in buildings that are not stored; store all buildings, then households again"
            raise InputError("households", text)
        numbers = pa.array(np.arange(before + 1, before + batch.num_rows + 1))
        places = [column.take(rows) for column in self._columns]
        return pa.record_batch([numbers, *places, *map(batch.column, DOORS)], schema=schema)
