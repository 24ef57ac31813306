"""The file of an index, and the table of addresses through which kernels read it.

Layout, all little-endian:

    magic        16 bytes  "GRIDMAP-INDEX" and three zero bytes
    format       u32       1
    header size  u32       bytes of the header
    checksum     32 bytes  SHA-256 of the header
    header       JSON      facts, and for each array its name, type, shape, offset and SHA-256
    arrays       raw       each beginning at a multiple of 4,096

Opening maps the file and looks at magic, format, header checksum and sizes: milliseconds, whatever its size.
`verify` reads everything. The same edges give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridmap.durable import make_folder, part_file, settle
from gridmap.errors import DamageError
from gridmap.index.parts import DTYPES, WIDTHS, Parts
from gridmap.index.plan import Blocks
from gridmap.kernels import exact
from gridmap.lattice import SCALE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.types import AnyArray, Int64Array

MAGIC: Final = b"GRIDMAP-INDEX\0\0\0"
FORMAT: Final = 1
PAGE: Final = 4_096
DATUM: Final = "CGCS2000/WGS84 longitude, latitude"
CODES: Final = "codes"
_HEAD: Final = struct.Struct("<16sII32s")


def save(path: Path, parts: Parts, codes: Sequence[str] | None) -> None:
    """Write an index durably: whole or not at all."""
    arrays: dict[str, AnyArray] = {
        name: np.ascontiguousarray(array, DTYPES[name]) for name, array in parts.arrays().items()
    }
    text = json.dumps(
        None if codes is None else list(codes), ensure_ascii=False, separators=(",", ":")
    ).encode()
    arrays[CODES] = np.frombuffer(text, np.uint8)
    offset, sections = 0, []
    for name, array in arrays.items():
        digest = hashlib.sha256(array.data).hexdigest()
        sections.append([name, array.dtype.str, list(array.shape), offset, digest])
        offset += array.nbytes + -array.nbytes % PAGE
    header = json.dumps(
        {
            "datum": DATUM,
            "scale": SCALE,
            "blocks": [getattr(parts.blocks, name) for name in Blocks.__dataclass_fields__],
            "rung": parts.rung,
            "faces": parts.faces,
            "single": parts.single,
            "arrays": sections,
        },
        separators=(",", ":"),
    ).encode()
    header += b" " * (-(len(header) + _HEAD.size) % PAGE)
    make_folder(path.parent)
    with part_file(path.parent) as (file, part):
        file.write(_HEAD.pack(MAGIC, FORMAT, len(header), hashlib.sha256(header).digest()) + header)
        for array in arrays.values():
            file.write(array.data if array.size else b"")
            file.write(b"\0" * (-array.nbytes % PAGE))
        settle(file, part, path)


def load(path: Path) -> tuple[Parts, tuple[str, ...] | None]:
    """Map a file: the parts and the codes.

    Raises FileNotFoundError; DamageError for a file that is no index, of another format, cut short, or whose
    header is damaged.
    """
    header, begin = _header(path)
    try:
        found = {name: (kind, shape, at) for name, kind, shape, at, _ in header["arrays"]}
        size = max(begin + at + _bytes(kind, shape) for kind, shape, at in found.values())
        if path.stat().st_size < size:
            raise DamageError(f"{path}: is cut short: remove it, it is built anew")
        if header["scale"] != SCALE or set(found) != {*DTYPES, CODES}:
            raise DamageError(f"{path}: is of another kind of index: remove it, it is built anew")
        blob = np.memmap(path, np.uint8, "r")
        arrays = {
            name: np.frombuffer(blob, kind, int(np.prod(shape)), begin + at).reshape(shape)
            for name, (kind, shape, at) in found.items()
        }
        _refuse_other_types(path, arrays)
        codes = json.loads(arrays.pop(CODES).tobytes())
        blocks = Blocks(*header["blocks"])
        parts = Parts(blocks, header["rung"], header["faces"], header["single"], **arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise DamageError(f"{path}: its header does not fit together ({error}): remove it") from error
    return parts, None if codes is None else tuple(codes)


def verify(path: Path) -> None:
    """Read every array of a file and compare it with its checksum. DamageError: which is damaged."""
    header, begin = _header(path)
    blob = np.memmap(path, np.uint8, "r")
    for name, kind, shape, at, digest in header["arrays"]:
        size = _bytes(kind, shape)
        if hashlib.sha256(blob[begin + at : begin + at + size].data).hexdigest() != digest:
            raise DamageError(
                f"{path}: {name} is damaged: remove the file, it is built anew from the edition"
            )


def address_table(parts: Parts) -> Int64Array:
    """The table of addresses and numbers that kernels read; the parts must outlive it."""
    table = np.zeros(exact.TABLE, np.int64)
    for place, name in _PLACES.items():
        array = getattr(parts, name)
        table[place] = array.ctypes.data if array.size else 0
    blocks = parts.blocks
    table[exact.BITS], table[exact.COLUMN0], table[exact.ROW0] = blocks.bits, blocks.column0, blocks.row0
    table[exact.COLUMNS], table[exact.ROWS] = blocks.columns, blocks.rows
    table[exact.HEAVY] = -1 if parts.single else len(parts.heavy_bins)
    table[exact.WILD] = len(parts.wild_rows)
    table[exact.SCALE] = SCALE
    return table


_PLACES: Final = {
    exact.ROOT: "root",
    exact.UNIT_BASE: "unit_base",
    exact.CELLS: "cells",
    exact.UNITS: "units",
    exact.BIN_BASE: "bin_base",
    exact.BIN_PLACES: "bin_places",
    exact.BIN_ENTRIES: "bin_entries",
    exact.BIN_SUMS: "bin_sums",
    exact.EDGES: "edges",
    exact.HEAVY_BINS: "heavy_bins",
    exact.HEAVY_PLACES: "heavy_places",
    exact.HEAVY_ROWS: "heavy_rows",
    exact.WILD_BOXES: "wild_boxes",
    exact.WILD_ROWS: "wild_rows",
    exact.WILD_PLACES: "wild_places",
    exact.WILD_EDGES: "wild_edges",
}


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """The checked header of a file, and where its arrays begin."""
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size or not head.startswith(MAGIC):
            raise DamageError(f"{path}: is no index of gridmap: the magic word is missing. Remove it.")
        _, version, size, digest = _HEAD.unpack(head)
        if version != FORMAT:
            raise DamageError(f"{path}: has format {version}, this gridmap reads {FORMAT}: remove it")
        header = file.read(size)
    if len(header) < size or hashlib.sha256(header).digest() != digest:
        raise DamageError(f"{path}: its header is damaged: remove the file, it is built anew")
    found: dict[str, Any] = json.loads(header)
    return found, _HEAD.size + size


def _bytes(kind: str, shape: Sequence[int]) -> int:
    return int(np.prod(shape)) * np.dtype(kind).itemsize


def _refuse_other_types(path: Path, arrays: dict[str, AnyArray]) -> None:
    for name, kind in DTYPES.items():
        if arrays[name].dtype.str != kind or arrays[name].shape[1:] != (
            (WIDTHS[name],) if name in WIDTHS else ()
        ):
            raise DamageError(f"{path}: {name} has another type than it should: remove the file")
