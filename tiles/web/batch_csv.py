"""`POST /locate` as CSV: a table with columns lon and lat, whose text comes back as it is, with three more.

Nothing of the other columns is understood: the bytes of a record stay, quotes and line ends included, and
code, edition and error are written behind them. UTF-8 or GB18030, with comma, semicolon or tab.
"""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.errors import InputError
from gridmap.model import NOWHERE
from tiles.web.answers import ADDED, check_free

if TYPE_CHECKING:
    from gridmap.boundaries.delimited import Block, CsvForm
    from gridmap.types import Int64Array
    from tiles.web.answers import Asked

NO_VALUES: Final = "has no values"
MARK: Final = b"\xef\xbb\xbf"


def answer(body: bytes, asked: Asked) -> bytes:
    """Answer a table; raises InputError for a body that is none, or that lacks a column."""
    from gridmap.boundaries.delimited import Block, CsvForm
    from gridmap.kernels.records import record_starts

    text = _as_utf8(body.removeprefix(MARK))
    first = next((line for line in text.splitlines() if line.strip()), b"")
    delimiter = max(",\t;", key=lambda each: first.count(each.encode()))
    starts, lines, _, _ = record_starts(text, delimiter, whole=True)
    if not len(starts):
        raise InputError("body", "is empty: send a header and rows")
    asked.check_count(len(starts) - 1)
    end = int(starts[1]) if len(starts) > 1 else len(text)
    header, records = text[:end], text[end:]
    names = [
        name.strip()
        for name in next(csv.reader(io.StringIO(header.decode().lstrip("\r\n")), delimiter=delimiter))
    ]
    for name in ("lon", "lat"):
        if names.count(name) != 1:
            raise InputError(
                name, f"there must be one column of this name; the columns are {', '.join(names)[:200]}"
            )
    check_free(names)
    form = CsvForm("body", tuple(names), delimiter, "utf-8")
    block = Block(end, 0, records, starts[1:] - end, lines[1:] + 1, 1.0)
    rows = _answered(form, block, asked) if len(block.starts) else []
    ending = b"\r\n" if header.endswith(b"\r\n") else b"\n"
    return b"".join([_behind(header, delimiter.encode() + delimiter.join(ADDED).encode(), ending), *rows])


def _answered(form: CsvForm, block: Block, asked: Asked) -> list[bytes]:
    """The text of every record with its three values."""
    parsed = form.parsed(block, [form.columns.index("lon"), form.columns.index("lat")])
    at = np.searchsorted(block.lines, parsed.lines)
    found = asked.answer(*parsed.columns)
    said: list[str | None] = [NO_VALUES] * len(block.starts)
    for line, reason in parsed.broken:
        said[int(np.searchsorted(block.lines, line))] = reason
    rows = np.full(len(block.starts), NOWHERE, np.int64)
    rows[at] = found.rows
    for position, row in enumerate(at.tolist()):
        said[row] = found.errors.get(position)
    mark = form.delimiter
    words = _words(found.codes, rows)
    ending = b"\r\n" if b"\r\n" in block.text[:65_536] else b"\n"
    edition = f"{mark}{found.edition}{mark}"
    bounds = [*block.starts.tolist(), len(block.text)]
    return [
        _behind(block.text[begin:end], f"{mark}{word}{edition}{_quoted(why)}".encode(), ending)
        for (begin, end), word, why in zip(pairwise(bounds), words, said, strict=True)
    ]


def _words(codes: object, rows: Int64Array) -> list[str]:
    """The code of each row, "" for NOWHERE."""
    known = [*codes, ""]  # type: ignore[misc]  # NOWHERE, -1, takes the last
    return [known[row] for row in rows.tolist()]


def _behind(record: bytes, more: bytes, ending: bytes) -> bytes:
    """A record with more before its line end."""
    bare = record.rstrip(b"\r\n")
    return bare + more + (record[len(bare) :] or ending)


def _quoted(text: str | None) -> str:
    """A sentence as a value."""
    return '"' + text.replace('"', '""') + '"' if text else ""


def _as_utf8(text: bytes) -> bytes:
    for encoding in ("utf-8", "gb18030"):
        try:
            return text.decode(encoding).encode()
        except UnicodeDecodeError:
            continue
    raise InputError("body", "is neither UTF-8 nor GB18030 (GBK): send it as UTF-8")
