"""CSV as it comes: a block of records at a time, each record with the number of its line.

Theory of operation. A block is cut at the end of a record by one exact pass over its bytes
(`kernels.records`), which also numbers the lines, blank ones and those inside quotes included. Arrow then
parses the block alone. So memory holds one block, whatever the file's size, and any row can be named by its
line. Arrow's own streaming reader was refused: it does not know on which line a row stands.

UTF-8 with or without a byte order mark, or GB18030 (GBK, GB 2312), which Chinese spreadsheets write: the
first block that has more than ASCII decides, by what most of its lines are. Text that most of the file's
encoding cannot explain becomes U+FFFD, which the checks refuse row by row.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from gridmap.errors import InputError
from gridmap.kernels.records import record_starts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from gridmap.types import Int64Array

BLOCK: Final = 32 << 20
"""Bytes read at a time: about a million households."""
PACKED: Final = ".gz"
MARK: Final = b"\xef\xbb\xbf"
"""The byte order mark that Excel writes before UTF-8."""

LONGEST: Final = 4 * BLOCK
"""A longer record is a quote that nobody closed."""
ENCODINGS: Final = ("utf-8", "gb18030")
LINES_ASKED: Final = 2000
DELIMITERS: Final = (",", "\t", ";")


@dataclass(frozen=True)
class Batch:
    """Some rows: columns in the order asked for (Arrow arrays), and the line or row number of each row.

    `broken` holds line and reason of each record that has not as many values as the header.
    """

    columns: list[Any]
    lines: Int64Array
    broken: list[tuple[int, str]]
    share: float
    """How much of the file is read, 0 to 1."""


@dataclass(frozen=True)
class Block:
    """Whole records: text from an offset and a line of the (unpacked) file, each one's begin and line."""

    offset: int
    line: int
    text: bytes
    starts: Int64Array
    lines: Int64Array
    share: float


@dataclass(frozen=True)
class CsvForm:
    """How a CSV file is written: all that is needed to understand any block of it, in any process.

    `encoding` is empty as long as only ASCII was seen.
    """

    name: str
    columns: tuple[str, ...]
    delimiter: str
    encoding: str

    def parsed(self, block: Block, columns: Sequence[int]) -> Batch:
        """The columns at these positions as texts; empty texts are null. InputError names the lines."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        lines, invalid = block.lines, list[tuple[int, int, str]]()

        def skip(row: Any) -> str:
            invalid.append((row.number - 1, row.actual_columns, row.text))
            return "skip"

        data = self._decoded(block.text)
        if data.startswith(MARK):  # inside a file it is text, but Arrow drops it where a buffer begins
            data = MARK + data
        wanted = [str(column) for column in columns]
        table = arrow_csv.read_csv(
            pa.BufferReader(data),
            read_options=arrow_csv.ReadOptions(
                use_threads=False,
                block_size=len(data) + 1,
                column_names=[str(column) for column in range(len(self.columns))],
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=skip
            ),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=True,
                null_values=[""],
            ),
        )
        if table.num_rows + len(invalid) != len(lines):
            said = f"lines {lines[0]} to {lines[-1]}: its quotes cannot be understood; write it anew"
            raise InputError(self.name, said)
        good = np.ones(len(lines), np.bool_)
        good[[row for row, _, _ in invalid]] = False
        broken = [
            (int(lines[row]), f"has {found} values, the header has {len(self.columns)}")
            for row, found, said in invalid
            if said.strip()
        ]
        chunks = [table.column(name).combine_chunks() for name in wanted]
        return Batch(chunks, lines[good], broken, block.share)

    def _decoded(self, text: bytes) -> bytes:
        """The text as valid UTF-8."""
        if text.isascii():
            return text
        if self.encoding == "utf-8":
            try:
                text.decode("utf-8")
            except UnicodeDecodeError:
                return text.decode("utf-8", errors="replace").encode()
            return text
        return text.decode(self.encoding, errors="replace").encode()


class CsvSource:
    """A CSV file, plain or packed with gzip (.gz): how it is written, and its records in blocks.

    `header` is its text as it stands, with mark and line end. `form` learns the encoding with the first block
    that has more than ASCII. InputError names the file.
    """

    unit: Final = "line"

    def __init__(self, path: Path, block: int = BLOCK) -> None:
        self._path = path
        self._block = block
        with self._opened() as (file, _):
            first = file.read(block)
        self._refuse_other_files(first)
        marked, first = first, first.removeprefix(MARK)
        delimiter = _delimiter(first)
        starts = record_starts(first, delimiter, whole=len(first) < block)[0]
        if not len(starts):
            raise InputError(str(path), "is empty: there is nothing to read")
        header = first[: int(starts[1]) if len(starts) > 1 else len(first)]
        self.header: bytes = marked[: len(marked) - len(first)] + header
        encoding = "" if header.isascii() else self._decided(first)
        text = header.decode(encoding or "ascii", errors="replace").lstrip("\r\n")
        names = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        self.columns: list[str] = [name.strip() for name in names]
        self.form = CsvForm(str(path), tuple(self.columns), delimiter, encoding)

    def batches(self, columns: Sequence[int]) -> Iterator[Batch]:
        """The rows, with the columns at these positions as texts; empty texts are null."""
        for block in self.blocks():
            yield self.form.parsed(block, columns)

    def blocks(self) -> Iterator[Block]:
        """All records but the header, in order; a block is made of some `block` bytes."""
        size = max(self._path.stat().st_size, 1)
        with self._opened() as (file, packed):
            rest = self._after_mark(file)
            line, header, offset = 1, True, file.tell() - len(rest)
            while True:
                piece = file.read(self._block)
                text = rest + piece
                starts, lines, end, passed = record_starts(text, self.form.delimiter, whole=not piece)
                begin, before = 0, 0
                if header and len(starts):
                    # The header's record goes, with the empty lines around it.
                    starts, lines, header = starts[1:], lines[1:], False
                    begin, before = (int(starts[0]), int(lines[0])) if len(starts) else (end, passed)
                if len(starts):
                    records = text[begin:end]
                    self._learn(records)
                    place = (offset + begin, line + before)
                    yield Block(*place, records, starts - begin, lines + line, packed.tell() / size)
                if not piece:
                    return
                rest, line, offset = text[end:], line + passed, offset + end
                if len(rest) > max(LONGEST, 4 * self._block):
                    said = f"line {line}: a quote is opened here and never closed; correct the file"
                    raise InputError(str(self._path), said)

    @contextmanager
    def _opened(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        """The file as it reads, and the file as it lies there; the same when it is not packed."""
        with self._path.open("rb") as file:
            if self._path.suffix.lower() != PACKED:
                yield file, file
                return
            with gzip.open(file) as unpacked:
                try:
                    yield cast("BinaryIO", unpacked), file
                except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                    text = f"is no whole gzip file ({error}): copy it anew, or unpack it first"
                    raise InputError(str(self._path), text) from error

    def _after_mark(self, file: BinaryIO) -> bytes:
        return file.read(3).removeprefix(MARK)

    def _learn(self, text: bytes) -> None:
        """Decide the encoding at the first text that has more than ASCII."""
        if not self.form.encoding and not text.isascii():
            self.form = replace(self.form, encoding=self._decided(text))

    def _decided(self, text: bytes) -> str:
        """The encoding of most lines that are not ASCII; UTF-8 when both fit, it seldom does by chance."""
        lines = [line for line in text.splitlines() if not line.isascii()][:LINES_ASKED]
        for encoding in ENCODINGS:
            if sum(_fits(line, encoding) for line in lines) * 2 > len(lines):
                return encoding
        said = "is neither UTF-8 nor GB18030 (GBK): save it as UTF-8, for instance as 'CSV UTF-8' in Excel"
        raise InputError(str(self._path), said)

    def _refuse_other_files(self, first: bytes) -> None:
        if not first:
            raise InputError(str(self._path), "is empty: there is nothing to read")
        if first.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise InputError(str(self._path), "is UTF-16: save it as UTF-8 ('CSV UTF-8' in Excel)")
        if first.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
            raise InputError(str(self._path), "is a spreadsheet: save it as CSV ('CSV UTF-8' in Excel)")
        if b"\0" in first:
            raise InputError(str(self._path), "is no text: give a CSV or Parquet file")


def _delimiter(first: bytes) -> str:
    """The one of the known delimiters that the first line has most of, a comma when it has none."""
    line = next((line for line in first.splitlines() if line.strip()), b"")
    return max(DELIMITERS, key=lambda each: line.count(each.encode()))


def _fits(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
