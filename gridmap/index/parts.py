"""The parts of an index: its arrays, and what each is for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from gridmap.index.plan import Blocks
    from gridmap.types import AnyArray, Int32Array, Int64Array, UInt32Array

DTYPES: Final = {
    "root": "<i8",
    "unit_base": "<u4",
    "cells": "<u4",
    "units": "<i4",
    "bin_base": "<i8",
    "bin_places": "<i8",
    "bin_entries": "<i4",
    "bin_sums": "<i8",
    "edges": "<i4",
    "heavy_bins": "<i8",
    "heavy_places": "<i8",
    "heavy_rows": "<i4",
    "wild_boxes": "<i4",
    "wild_rows": "<i4",
    "wild_places": "<i8",
    "wild_edges": "<i4",
    "crossings": "<i8",
}
"""The type of every array, in the order of the file."""

HOT: Final = ("root", "unit_base", "cells", "units")
"""What every lookup reads; the rest is for points in doubt, explanations, and building windows anew."""

WIDTHS: Final = {"units": 4, "bin_sums": 2, "edges": 6, "wild_boxes": 4, "wild_edges": 4}
"""Columns of the arrays that have two dimensions."""


@dataclass(frozen=True)
class Wild:
    """Polygons that are not valid, kept by the even-odd rule, outside of all edges with faces.

    `boxes` (n, 4) west, south, east, north; `rows` (n,); the edges (m, 4) of polygon i are
    edges[places[i]:places[i + 1]].
    """

    boxes: Int32Array
    rows: Int32Array
    places: Int64Array
    edges: Int32Array


NO_WILD: Final = Wild(
    np.empty((0, 4), np.int32), np.empty(0, np.int32), np.zeros(1, np.int64), np.empty((0, 4), np.int32)
)


@dataclass(frozen=True)
class Parts:
    """All arrays of an index.

    root         (blocks,)    number of the first cell << 8 | bits of a cell's side
    unit_base    (blocks,)    number of the first unit
    cells        (cells,)     see gridmap.kernels.cells
    units        (units, 4)   see gridmap.kernels.halfplanes
    bin_base     (blocks + 1,)  number of the first bin
    bin_places   (bins + 1,)  the edges of bin i are bin_entries[bin_places[i]:bin_places[i + 1]]
    bin_sums     (bins, 2)    faces at the corner of the bin as row + 1 added up, and their number
    edges        (edges, 6)   x1, y1, x2, y2 upwards, row on the left, row on the right
    heavy_*                   the rows at corners of bins that several rows cover; see kernels.overlap
    wild_*                    see Wild
    crossings    (blocks,)    how much border each block has, for the plan
    """

    blocks: Blocks
    rung: int
    faces: int
    single: bool
    root: Int64Array
    unit_base: UInt32Array
    cells: UInt32Array
    units: Int32Array
    bin_base: Int64Array
    bin_places: Int64Array
    bin_entries: Int32Array
    bin_sums: Int64Array
    edges: Int32Array
    heavy_bins: Int64Array
    heavy_places: Int64Array
    heavy_rows: Int32Array
    wild_boxes: Int32Array
    wild_rows: Int32Array
    wild_places: Int64Array
    wild_edges: Int32Array
    crossings: Int64Array

    def arrays(self) -> dict[str, AnyArray]:
        """The arrays by name, in the order of the file."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name in DTYPES}

    @property
    def wild(self) -> Wild:
        """The invalid polygons."""
        return Wild(self.wild_boxes, self.wild_rows, self.wild_places, self.wild_edges)
