"""A Parquet or GeoParquet file: tasks of whole row groups, and one file of all of them (see `footer`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gridmap.bulk.answer import BATCH_ROWS, REASON, assign_batch
from gridmap.bulk.arrays import compact, empty_batch, select
from gridmap.bulk.footer import append_columns
from gridmap.bulk.geometry import spot_of
from gridmap.bulk.parts import Counts, refused_rows
from gridmap.bulk.places import check_types
from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from gridmap.bulk.question import Asked, Question

SUFFIXES: Final = (".parquet", ".geoparquet")

TASK_ROWS: Final = 1 << 20
"""Rows in a task, where row groups are smaller: an eighth of a second's work, some megabytes of memory."""

LARGEST_DICTIONARY: Final = 1 << 30
"""Bytes of a dictionary page: always a dictionary, for codes are long and repeat."""

CODECS: Final = {"UNCOMPRESSED": "none", "LZO": "snappy"}
"""The codec for added columns where it is not called as the file's: who can read the file can read them."""


class ParquetInput:
    """A Parquet file whose rows shall get codes. Raises InputError naming the file and what to do."""

    unit: Final = "row"

    def __init__(self, path: Path, asked: Asked) -> None:
        self.path = path
        try:
            with pq.ParquetFile(path) as file:
                schema, facts = file.schema_arrow, file.metadata
        except (OSError, pa.ArrowException) as error:
            raise InputError(
                str(path), f"is no Parquet file that can be read ({error}): write it anew"
            ) from error
        self.groups = [facts.row_group(group).num_rows for group in range(facts.num_row_groups)]
        self.codec = _codec(facts)
        self.spot = spot_of(schema, asked, str(path))
        check_types(select(schema, self.spot.names), self.spot, str(path))
        check_free([added.column for added in asked.added], schema.names, str(path))

    def tasks(self, question: Question) -> Iterator[RowGroups]:
        """Tasks of some row groups each, in order."""
        total, first = max(sum(self.groups), 1), 0
        for begin, end in _cut(self.groups):
            rows = sum(self.groups[begin:end])
            yield RowGroups(self.path, begin, end, first + 1, rows / total, self.codec, question)
            first += rows

    def assemble(self, parts: Sequence[Path], question: Question, target: BinaryIO) -> None:
        """Write the whole output to an empty file."""
        said = [
            {"column": a.column, "level": a.level, "edition": question.edition, "checksum": question.checksum}
            for a in question.added
        ]
        append_columns(self.path, parts, added_schema(question), said, target)


def check_free(names: Sequence[str], columns: Sequence[str], where: str) -> None:
    """Refuse to add a column that a file has already."""
    for name in names:
        if name in columns:
            text = f"has a column {name!r} already; call the new one otherwise: --level LEVEL=NAME"
            raise InputError(where, text)


def _codec(facts: Any) -> str:
    if not facts.num_row_groups or not facts.num_columns:
        return "snappy"
    name = str(facts.row_group(0).column(0).compression)
    return CODECS.get(name, name.lower())


def _cut(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut row groups into runs of not more than `TASK_ROWS`, or of one that is larger."""
    begin = count = 0
    for group, more in enumerate(rows):
        if group > begin and count + more > TASK_ROWS:
            yield begin, group
            begin, count = group, 0
        count += more
    if begin < len(rows):
        yield begin, len(rows)


@dataclass(frozen=True)
class RowGroups:
    """The codes of row groups `begin` to before `end`; `first` is the number of their first row, from 1."""

    path: Path
    begin: int
    end: int
    first: int
    share: float
    codec: str
    question: Question

    def write(self, file: BinaryIO) -> tuple[Counts, Any]:
        """Write the added columns as a Parquet file of as many row groups."""
        stat = self.path.stat()
        facts = _facts(self.path, stat.st_size, stat.st_mtime_ns)
        counts, refused = Counts(), []
        with (
            pq.ParquetFile(self.path, metadata=facts, memory_map=True) as source,
            pq.ParquetWriter(
                file,
                added_schema(self.question),
                compression=self.codec,
                dictionary_pagesize_limit=LARGEST_DICTIONARY,
                store_schema=False,
            ) as writer,
        ):
            for group in range(self.begin, self.end):
                codes, reasons = self._answered(source, group)
                writer.write_table(codes, row_group_size=max(1, codes.num_rows))
                first = self.first + counts.rows
                refused.append(refused_rows(np.arange(first, first + len(reasons)), reasons))
                rejected = refused[-1].num_rows
                counts += Counts(len(reasons), codes.column(0).null_count - rejected, rejected)
        return counts, pa.concat_tables(refused)

    def _answered(self, source: Any, group: int) -> tuple[Any, Any]:
        """The columns of codes of a row group, and its column of reasons."""
        names = [added.column for added in self.question.added]
        places = self.question.spot.names
        found = source.iter_batches(BATCH_ROWS, row_groups=[group], columns=places, use_threads=False)
        batches = [assign_batch(batch, self.question).select([*names, REASON]) for batch in found]
        if not batches:
            nothing = empty_batch(select(source.schema_arrow, places))
            batches = [assign_batch(nothing, self.question).select([*names, REASON])]
        table = pa.Table.from_batches(batches)
        codes = pa.table([compact(table.column(name)) for name in names], added_schema(self.question))
        return codes, table.column(REASON)


def added_schema(question: Question) -> Any:
    """The Arrow schema of the columns of codes."""
    codes = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([pa.field(added.column, codes) for added in question.added])


@lru_cache(maxsize=4)
def _facts(path: Path, _size: int, _mtime_ns: int) -> Any:
    """The footer of a file, read once in each process: that of a large file has many row groups."""
    return pq.read_metadata(path)
