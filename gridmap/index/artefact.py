"""The file of an index, and the table of addresses through which kernels read it.

The file is one of `gridmap.arrayfile`: opening it takes milliseconds, `verify` reads everything, and the same
edges give the same bytes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.arrayfile import Kind, open_arrays, save_arrays, verify_arrays
from gridmap.errors import DamageError
from gridmap.index.parts import DTYPES, WIDTHS, Parts
from gridmap.index.plan import Blocks
from gridmap.kernels import exact
from gridmap.lattice import SCALE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gridmap.types import AnyArray, Int64Array

INDEX: Final = Kind("index", b"GRIDMAP-INDEX", 1)
DATUM: Final = "CGCS2000/WGS84 longitude, latitude"
CODES: Final = "codes"


def save(path: Path, parts: Parts, codes: Sequence[str] | None) -> None:
    """Write an index durably: whole or not at all."""
    arrays: dict[str, AnyArray] = {
        name: np.ascontiguousarray(array, DTYPES[name]) for name, array in parts.arrays().items()
    }
    text = json.dumps(
        None if codes is None else list(codes), ensure_ascii=False, separators=(",", ":")
    ).encode()
    arrays[CODES] = np.frombuffer(text, np.uint8)
    facts = {
        "datum": DATUM,
        "scale": SCALE,
        "blocks": [getattr(parts.blocks, name) for name in Blocks.__dataclass_fields__],
        "rung": parts.rung,
        "faces": parts.faces,
        "single": parts.single,
    }
    save_arrays(path, INDEX, facts, arrays)


def load(path: Path) -> tuple[Parts, tuple[str, ...] | None]:
    """Map a file: the parts and the codes; raises as `arrayfile.open_arrays`."""
    facts, arrays = open_arrays(path, INDEX)
    try:
        if facts["scale"] != SCALE or set(arrays) != {*DTYPES, CODES}:
            raise DamageError(f"{path}: is of another kind of index: remove it, it is built anew")
        _refuse_other_types(path, arrays)
        codes = json.loads(arrays.pop(CODES).tobytes())
        blocks = Blocks(*facts["blocks"])
        parts = Parts(blocks, facts["rung"], facts["faces"], facts["single"], **arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise DamageError(f"{path}: its header does not fit together ({error}): remove it") from error
    return parts, None if codes is None else tuple(codes)


def verify(path: Path) -> None:
    """Read every array of a file and compare it with its checksum. DamageError: which is damaged."""
    verify_arrays(path, INDEX)


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


def _refuse_other_types(path: Path, arrays: dict[str, AnyArray]) -> None:
    for name, kind in DTYPES.items():
        if arrays[name].dtype.str != kind or arrays[name].shape[1:] != (
            (WIDTHS[name],) if name in WIDTHS else ()
        ):
            raise DamageError(f"{path}: {name} has another type than it should: remove the file")
