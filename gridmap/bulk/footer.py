"""A Parquet file with columns added, without reading those it has: its own bytes, new chunks, a new footer.

Theory of operation. Everything in a Parquet file is found through its footer, by absolute offsets. So the
file that a job writes begins with all bytes of its input up to the footer, unchanged and in their places:
columns, dictionaries, page indexes, bloom filters, also what no library here could write again. The chunks of
the added columns follow, and then the input's footer with three things more: the columns in the schema, their
chunks in each row group, and what they are in the file's metadata. Columns that are not ours are never
decoded, which is why the whole takes a tenth of the time that writing the table anew does, and why nothing in
them can change.

The format allows chunks anywhere in a file; readers find those of a row group by their offsets. What was
tried and left out: writing tables anew in every process and joining the parts (0.4 s for a million rows and
column upon column of encodings to keep as they were), and one writer for all (it cannot keep up with two
readers).

Field numbers are those of parquet.thrift in apache/parquet-format.
"""

from __future__ import annotations

import base64
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import pyarrow as pa

from gridmap.bulk.arrays import empty_batch
from gridmap.bulk.thrift import BINARY, I32, I64, LIST, STRUCT, Struct, ThriftError, read_struct, write_struct
from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

MAGIC: Final = b"PAR1"
ENCRYPTED: Final = b"PARE"
TAIL: Final = 8
"""Bytes after the footer: its length, and the magic word again."""

ARROW_SCHEMA: Final = "ARROW:schema"
"""The metadata in which Arrow keeps its own schema; every column of the file must be in it."""

OURS: Final = "gridmap"
"""The metadata in which we say what was added: column, level, edition and checksum of each."""

COPIED: Final = 1 << 20
"""Bytes copied at a time where the kernel cannot do it alone."""

# FileMetaData
SCHEMA, ROW_GROUPS, KEY_VALUES, COLUMN_ORDERS = 2, 4, 5, 7
# SchemaElement
CHILDREN = 5
# RowGroup
COLUMNS, BYTES, GROUP_ROWS, PACKED_BYTES = 1, 2, 3, 6
# ColumnChunk and its ColumnMetaData
FILE_OFFSET, CHUNK = 2, 3
UNPACKED_SIZE, PACKED_SIZE, PAGE_OFFSETS = 6, 7, (9, 10, 11)


@dataclass(frozen=True)
class Footer:
    """A file's footer as a tree, and where it begins: there the data end."""

    tree: Struct
    begin: int

    @property
    def groups(self) -> list[Struct]:
        """The row groups."""
        found: list[Struct] = self.tree[ROW_GROUPS][1][1]
        return found


def read_footer(path: Path) -> Footer:
    """Read the footer of a Parquet file. InputError: it has none, or one that is encrypted."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL))
        tail = file.read()
        if tail[4:] == ENCRYPTED:
            raise InputError(str(path), "is encrypted: decrypt it first")
        begin = size - TAIL - int.from_bytes(tail[:4], "little")
        if tail[4:] != MAGIC or begin < len(MAGIC):
            raise InputError(str(path), "is no whole Parquet file: write or copy it anew")
        file.seek(begin)
        try:
            return Footer(read_struct(file.read(size - TAIL - begin)), begin)
        except ThriftError as error:
            raise InputError(str(path), f"has a broken footer ({error}): write or copy it anew") from error


def append_columns(
    source: Path, parts: Sequence[Path], columns: Any, said: Sequence[Mapping[str, Any]], target: BinaryIO
) -> None:
    """Write a Parquet file with columns added to `target`, which is empty.

    `parts` are Parquet files of the added columns, which together have the row groups of `source` in order;
    `columns` is an Arrow schema of them. `said` goes to the metadata, after what an earlier job said there.
    """
    footer = read_footer(source)
    with source.open("rb") as file:
        copy_bytes(file, target, footer.begin)
    added = (group for part in parts for group in _copied(part, target))
    for group, beside in zip(footer.groups, added, strict=True):
        _append_chunks(group, beside)
    _append_schema(footer.tree, columns)
    _append_metadata(footer.tree, columns, said)
    body = write_struct(footer.tree)
    target.write(body + len(body).to_bytes(4, "little") + MAGIC)


def _copied(path: Path, target: BinaryIO) -> Iterator[Struct]:
    """Copy the chunks of a part; gives its row groups with the offsets that they have in the target."""
    part = read_footer(path)
    shift = target.seek(0, os.SEEK_END) - len(MAGIC)
    with path.open("rb") as file:
        file.seek(len(MAGIC))
        copy_bytes(file, target, part.begin - len(MAGIC))
    for group in part.groups:
        for chunk in group[COLUMNS][1][1]:
            _shifted(chunk, FILE_OFFSET, shift)
            for field in PAGE_OFFSETS:
                _shifted(chunk[CHUNK][1], field, shift)
        yield group


def _append_chunks(group: Struct, beside: Struct) -> None:
    """Enter the chunks of another row group, of as many rows, behind those of a row group."""
    if beside[GROUP_ROWS] != group[GROUP_ROWS]:
        raise ThriftError("a part has not as many rows as its row group")
    for chunk in beside[COLUMNS][1][1]:
        group[COLUMNS][1][1].append(chunk)
        _shifted(group, BYTES, chunk[CHUNK][1][UNPACKED_SIZE][1])
        _shifted(group, PACKED_BYTES, chunk[CHUNK][1][PACKED_SIZE][1])


def _shifted(struct: Struct, field: int, by: int) -> None:
    """Add to a number that is there and not 0; 0 is how writers say that they do not tell."""
    kind, value = struct.get(field, (I64, 0))
    if value:
        struct[field] = kind, value + by


def _append_schema(tree: Struct, columns: Any) -> None:
    """Add the elements of flat columns at the end of the root's children, which is the end of the list."""
    elements = tree[SCHEMA][1][1]
    root = elements[0]
    added = _elements(columns)
    root[CHILDREN] = I32, root.get(CHILDREN, (I32, 0))[1] + len(added)
    elements.extend(added)
    if COLUMN_ORDERS in tree:  # of each column: by its type
        tree[COLUMN_ORDERS][1][1].extend({1: (STRUCT, {})} for _ in added)


def _elements(columns: Any) -> list[Struct]:
    """Schema elements of flat columns, as Arrow's writer makes them."""
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_batches([empty_batch(columns)]), sink)
    data = sink.getvalue().to_pybytes()
    length = int.from_bytes(data[-TAIL:-4], "little")
    tree = read_struct(data[-TAIL - length : -TAIL])
    elements: list[Struct] = tree[SCHEMA][1][1][1:]
    return elements


def _append_metadata(tree: Struct, columns: Any, said: Sequence[Mapping[str, Any]]) -> None:
    pairs = dict(_pairs(tree))
    pairs[OURS] = _added_to(pairs.get(OURS, b""), said)
    if ARROW_SCHEMA in pairs:
        pairs[ARROW_SCHEMA] = _with_fields(pairs[ARROW_SCHEMA], columns, pairs[OURS])
    items = [{1: (BINARY, key.encode()), 2: (BINARY, value)} for key, value in pairs.items()]
    tree[KEY_VALUES] = LIST, (STRUCT, items)


def _pairs(tree: Struct) -> Iterator[tuple[str, bytes]]:
    for pair in tree.get(KEY_VALUES, (LIST, (STRUCT, [])))[1][1]:
        yield pair[1][1].decode("utf-8", errors="replace"), pair.get(2, (BINARY, b""))[1]


def _with_fields(stored: bytes, columns: Any, ours: bytes) -> bytes:
    """Arrow's schema as it is kept in the metadata, with the columns added, and with our own metadata.

    Arrow's reader takes the file's metadata from there.
    """
    schema = pa.ipc.read_schema(pa.BufferReader(base64.b64decode(stored)))
    for field in columns:
        schema = schema.append(field)
    schema = schema.with_metadata({**(schema.metadata or {}), OURS.encode(): ours})
    return base64.b64encode(schema.serialize().to_pybytes())


def _added_to(stored: bytes, said: Sequence[Mapping[str, Any]]) -> bytes:
    """What is said of the added columns, after what was said before; it is not for others to read anew."""
    before: Any = None
    with suppress(ValueError):
        before = json.loads(stored)
    whole = before if isinstance(before, dict) else {}
    whole["assigned"] = [*whole.get("assigned", []), *said]
    return json.dumps(whole, ensure_ascii=False).encode()


def copy_bytes(source: BinaryIO, target: BinaryIO, length: int) -> None:
    """Copy bytes from where one file stands to where another does, inside the kernel where it can.

    Raises EOFError when the source ends before.
    """
    target.flush()
    at, to = source.tell(), target.tell()
    if hasattr(os, "copy_file_range"):
        with suppress(OSError):  # another file system, or one that cannot: the ordinary way takes over
            while length and (done := os.copy_file_range(source.fileno(), target.fileno(), length, at, to)):
                at, to, length = at + done, to + done, length - done
    source.seek(at)
    target.seek(to)
    while length:
        piece = source.read(min(length, COPIED))
        if not piece:
            raise EOFError(f"{source.name} ends {length} bytes too early")
        target.write(piece)
        length -= len(piece)
