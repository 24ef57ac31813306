"""A CSV file, plain or packed: a task for each block of records, and one file of their texts.

A record's own bytes stay as they are, quotes, encoding and line ends included; the codes are written behind
them. So nothing in the other columns is understood, and nothing can change. A record with too few or too many
values gets empty codes at its end and stands among the refused rows.
"""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gridmap.boundaries.delimited import PACKED, Block, CsvForm, CsvSource
from gridmap.bulk.answer import REASON, assign_batch
from gridmap.bulk.arrays import compact, rows_of
from gridmap.bulk.footer import copy_bytes
from gridmap.bulk.geometry import agreed, check_column, no_columns
from gridmap.bulk.parquet_file import check_free
from gridmap.bulk.parts import REFUSED, Counts, refused_rows
from gridmap.bulk.question import Columns
from gridmap.errors import InputError
from gridmap.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from gridmap.bulk.question import Asked, Question
    from gridmap.types import Int32Array, Int64Array

SUFFIXES: Final = (".csv", ".tsv", ".csv.gz", ".tsv.gz")

BLOCK: Final = 16 << 20
"""Bytes of text in a task: some 200,000 rows; two of them and what they become fit into 100 MB."""

LEVEL: Final = 6
"""How hard gzip works; the usual."""


class CsvInput:
    """A CSV file whose rows shall get codes. Raises InputError naming the file and what to do."""

    unit: Final = "line"

    def __init__(self, path: Path, asked: Asked) -> None:
        self.path = path
        self._source = CsvSource(path, BLOCK)
        columns = self._source.columns
        if asked.lon is None or asked.lat is None:
            raise InputError(str(path), no_columns(columns))
        for name in (asked.lon, asked.lat):
            check_column(name, columns, str(path))
        self.spot = Columns(asked.lon, asked.lat, agreed(None, asked.crs, str(path)))
        check_free([added.column for added in asked.added], columns, str(path))

    def tasks(self, question: Question) -> Iterator[Records]:
        """A task for each block of records, in order; the file is read while they are asked for."""
        before = 0.0
        packed = self.path.suffix.lower() == PACKED
        for block in self._source.blocks():
            text = block.text if packed else b""  # workers read for themselves where they can
            starts, lines = (each.astype(np.int32) for each in (block.starts, block.lines - block.line))
            place = (block.offset, len(block.text), block.line)
            share = block.share - before
            yield Records(self.path, self._source.form, place, text, starts, lines, share, question)
            before = block.share

    def assemble(self, parts: Sequence[Path], question: Question, target: BinaryIO) -> None:
        """Write the whole output to an empty file."""
        form, header = self._source.form, self._source.header
        text = header.rstrip(b"\r\n")
        names = [_cell(added.column, form) for added in question.added]
        whole = b"".join([text, *names, header[len(text) :]])
        if parts and not header.endswith((b"\n", b"\r")):
            whole += b"\n"
        target.write(gzip.compress(whole, LEVEL, mtime=0) if self.path.suffix.lower() == PACKED else whole)
        for part in parts:
            with part.open("rb") as file:
                copy_bytes(file, target, part.stat().st_size)


def _cell(text: str, form: CsvForm) -> bytes:
    """A value with the delimiter before it, in quotes where it needs them, in the file's encoding."""
    out = io.StringIO()
    csv.writer(out, delimiter=form.delimiter, lineterminator="").writerow([text])
    return (form.delimiter + out.getvalue()).encode(form.encoding or "utf-8", errors="replace")


@dataclass(frozen=True)
class Records:
    """The codes of the records of a block: `place` is its offset in the file, its length and its first line.

    `text` is the block where the file is packed, else empty; `starts` and `lines` of the records count from
    the beginning of the block.
    """

    path: Path
    form: CsvForm
    place: tuple[int, int, int]
    text: bytes
    starts: Int32Array
    lines: Int32Array
    share: float
    question: Question

    def write(self, file: BinaryIO) -> tuple[Counts, Any]:
        """Write the records with their codes."""
        block = self._block()
        spot = self.question.spot
        columns = [self.form.columns.index(name) for name in spot.names]
        parsed = self.form.parsed(block, columns)
        answers = assign_batch(pa.record_batch(parsed.columns, names=spot.names), self.question)
        good = np.searchsorted(block.lines, parsed.lines)
        cells = [self._cells(answers.column(a.column), good, len(block.lines)) for a in self.question.added]
        text = _with_cells(block, cells)
        packed = self.path.suffix.lower() == PACKED
        file.write(gzip.compress(text, LEVEL, mtime=0) if packed else text)
        reasons = answers.column(REASON)
        refused = refused_rows(parsed.lines, reasons)
        if parsed.broken:
            numbers, said = zip(*parsed.broken, strict=True)
            refused = pa.concat_tables([refused, pa.table({"number": numbers, "reason": said}, REFUSED)])
            refused = refused.sort_by("number")
        empty = answers.column(self.question.added[0].column).null_count
        nowhere = empty - (len(reasons) - reasons.null_count)
        return Counts(len(parsed.lines) + len(parsed.broken), nowhere, refused.num_rows), refused

    def _block(self) -> Block:
        offset, length, line = self.place
        text = self.text
        if not text:
            with self.path.open("rb") as file:
                file.seek(offset)
                text = file.read(length)
        return Block(offset, line, text, self.starts.astype(np.int64), self.lines + np.int64(line), 1.0)

    def _cells(self, codes: Any, good: Int64Array, rows: int) -> Any:
        """What stands behind each record: the delimiter and the code, or the delimiter alone."""
        codes = compact(pa.chunked_array([codes]))
        words = [*(_cell(code, self.form) for code in codes.dictionary.to_pylist()), self._empty]
        numbers = np.full(rows, NOWHERE, np.int32)
        numbers[good] = rows_of(codes.indices)
        numbers[numbers == NOWHERE] = len(words) - 1
        return pa.array(words, pa.binary()).take(pa.array(numbers))

    @property
    def _empty(self) -> bytes:
        return self.form.delimiter.encode()


def _with_cells(block: Block, cells: Sequence[Any]) -> Any:
    """The text of a block with cells behind each record, before its line end, as one buffer."""
    octets = np.frombuffer(block.text, np.uint8)
    ends = np.append(block.starts[1:], len(octets))
    tails = ends.copy()
    while True:  # each round takes one character of line end, also those of empty lines that follow
        ended = np.isin(octets[ends - 1], (10, 13))
        if not ended.any():
            break
        ends -= ended
    begins = np.append(0, tails[:-1])  # empty lines at the beginning of a block go with its first record
    bounds = np.append(np.column_stack([begins, ends]).ravel(), len(octets)).astype(np.int32)
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(block.text)]
    pieces = pa.Array.from_buffers(pa.binary(), len(bounds) - 1, buffers)
    records, line_ends = (pieces.take(pa.array(np.arange(first, len(pieces), 2))) for first in (0, 1))
    joined = pc.binary_join_element_wise(records, *cells, line_ends, b"")
    _, offsets, data = joined.buffers()
    bounds = np.frombuffer(offsets, np.int32)[[joined.offset, joined.offset + len(joined)]]
    return data.slice(int(bounds[0]), int(bounds[1] - bounds[0]))
