"""The canonical bytes of a partition: what an edition stores, and what its checksum is over.

Layout, all little-endian:

    magic        16 bytes  "GRIDMAP-EDITION" and a zero byte
    format       u32       1
    header size  u32       bytes of the JSON that follows
    header       JSON      {"datum", "scale", "sections": [[name, type, length in items], ...]},
                           filled up with blanks to 8 bytes
    sections     raw       one after the other, each filled up with zeros to 8 bytes

Tables are JSON arrays per column (UTF-8, no blanks); arcs are offsets (i64), xs, ys, left, right (i32) of
the finest level and, for an unproven partition, of each level whose given outlines differ. Codes order the
rows and the arcs are canonical, so the same areas give the same bytes whoever wrote them, and the SHA-256
of all bytes is the edition's checksum. Number, date, author and proof are not in here.
"""

from __future__ import annotations

import hashlib
import json
import struct
from typing import Any

import numpy as np

from gridmap.coverage.arcs import Coverage
from gridmap.coverage.partition import LevelTable, Partition
from gridmap.errors import DamageError
from gridmap.lattice import SCALE
from gridmap.model import NOWHERE
from gridmap.types import AnyArray

MAGIC = b"GRIDMAP-EDITION\0"
FORMAT = 1
DATUM = "CGCS2000/WGS84 longitude, latitude"
_HEAD = struct.Struct("<16sII")
_ARC_COLUMNS = (("offsets", "<i8"), ("xs", "<i4"), ("ys", "<i4"), ("left", "<i4"), ("right", "<i4"))
_TABLE_COLUMNS = ("codes", "names", "kinds", "parents")


def to_bytes(partition: Partition) -> bytes:
    """Write a partition as its canonical bytes."""
    sections: list[tuple[str, str, int, bytes]] = []
    for table in partition.levels:
        for column in _TABLE_COLUMNS:
            text = json.dumps(getattr(table, column), ensure_ascii=False, separators=(",", ":")).encode()
            sections.append((f"{table.level}/{column}", "json", len(text), text))
    coverages = [(partition.finest.level, partition.coverage), *sorted(partition.given.items())]
    for level, coverage in coverages:
        for column, kind in _ARC_COLUMNS:
            values = np.asarray(getattr(coverage, column)).astype(kind)
            sections.append((f"{level}/{column}", kind, len(values), values.tobytes()))
    header = json.dumps(
        {"datum": DATUM, "scale": SCALE, "sections": [list(section[:3]) for section in sections]},
        separators=(",", ":"),
    ).encode()
    header += b" " * (-(len(header) + _HEAD.size) % 8)
    body = [_HEAD.pack(MAGIC, FORMAT, len(header)), header]
    for *_, data in sections:
        body += [data, b"\0" * (-len(data) % 8)]
    return b"".join(body)


def checksum(body: bytes) -> str:
    """The checksum of an edition: SHA-256 over its canonical bytes, in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def from_bytes(body: bytes, *, outline_known: bool) -> Partition:
    """Read a partition back; `outline_known` comes from the edition's proof.

    Raises DamageError for bytes that are no edition, end too early, or do not fit together.
    """
    sections = _sections(body)
    tables: dict[str, dict[str, Any]] = {}
    arcs: dict[str, dict[str, AnyArray]] = {}
    for name, values in sections.items():
        level, _, column = name.rpartition("/")
        (tables if column in _TABLE_COLUMNS else arcs).setdefault(level, {})[column] = values
    try:
        levels = tuple(
            LevelTable(level, *(tuple(columns[name]) for name in _TABLE_COLUMNS))
            for level, columns in tables.items()
        )
        coverages = {
            level: Coverage(**columns, faces=len(tables[level]["codes"])) for level, columns in arcs.items()
        }
        finest = coverages.pop(levels[-1].level)
    except (KeyError, TypeError, IndexError) as error:
        raise DamageError(f"This edition lacks a section ({error}): restore the file.") from error
    for level, coverage in [(levels[-1].level, finest), *coverages.items()]:
        _refuse_misfits(level, coverage)
    return Partition(levels, finest, coverages, outline_known)


def _refuse_misfits(level: str, coverage: Coverage) -> None:
    """Kernels walk these arrays without looking: whatever they rely on is checked here, once."""
    offsets, arcs = coverage.offsets, len(coverage.left)
    fits = (
        len(offsets) == arcs + 1
        and len(coverage.right) == arcs
        and offsets[0] == 0
        and offsets[-1] == len(coverage.xs) == len(coverage.ys)
        and bool((np.diff(offsets) >= 2).all())
        and all(
            rows.min(initial=NOWHERE) >= NOWHERE and rows.max(initial=NOWHERE) < coverage.faces
            for rows in (coverage.left, coverage.right)
        )
    )
    if not fits:
        raise DamageError(f"The arcs of level {level} do not fit together: restore the file.")


def _sections(body: bytes) -> dict[str, Any]:
    if len(body) < _HEAD.size or not body.startswith(MAGIC):
        raise DamageError("These bytes are no gridmap edition: the magic word is missing. Restore the file.")
    _, version, size = _HEAD.unpack_from(body)
    if version != FORMAT:
        raise DamageError(f"This edition has format {version}, this gridmap reads {FORMAT}: update gridmap.")
    try:
        header = json.loads(body[_HEAD.size : _HEAD.size + size])
        scale, sections = (
            header["scale"],
            [(str(name), str(kind), int(n)) for name, kind, n in header["sections"]],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DamageError(f"The header of this edition is broken ({error}): restore the file.") from error
    if scale != SCALE:
        raise DamageError(f"This edition's scale is {scale}, not {SCALE}: it cannot be read here.")
    out: dict[str, Any] = {}
    at = _HEAD.size + size
    for name, kind, count in sections:
        out[name], at = _section(body, at, name, kind, count)
    if at != len(body):
        raise DamageError("There are bytes after the last section of this edition: restore the file.")
    return out


def _section(body: bytes, at: int, name: str, kind: str, count: int) -> tuple[Any, int]:
    """The values of one section, and where the next begins."""
    try:
        length = count if kind == "json" else count * np.dtype(kind).itemsize
        if count < 0 or at + length > len(body):
            raise DamageError(f"This edition ends in the middle of {name}: restore the file.")
        data = body[at : at + length]
        # A copy: kernels want writable arrays in native order.
        values = json.loads(data) if kind == "json" else np.frombuffer(data, kind).astype(kind[1:])
    except (ValueError, TypeError) as error:
        raise DamageError(f"Section {name} of this edition is broken ({error}): restore the file.") from error
    return values, at + length + (-length % 8)
