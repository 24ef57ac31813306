"""Building the index: from edges given to blocks to the cells, half-planes and bins of every block.

Theory of operation. The plane is cut into *blocks* of 2**bits units; a block is cut into 2**depth x 2**depth
*cells*, deeper where more border is; cells are grouped into *bins* of up to 8 x 8. Which face lies at the
corner of a block, a bin or a cell is known by walking from its neighbour along its sides, exactly, over the
edges that touch it. Every block is built from its own edges and its own corner alone, so blocks can be built
on several threads, and again one by one when a border has moved.

A cell is one number of 32 bits:

    row + 1 (0 is nobody)          no border touches it
    ONE | unit                     one edge crosses it from side to side
    SEVERAL | unit                 any other: a header unit and n half-planes
    WALK                           every point is decided by exact walking

`unit` counts within the units of the block. Counts of covering faces are kept beside their sum everywhere:
where polygons overlap the sum says nothing, and such cells are WALK.
"""

from __future__ import annotations

import numpy as np

from gridmap.kernels.halfplanes import crosses_whole, encode_one, encode_several
from gridmap.kernels.jit import inline_kernel, kernel
from gridmap.kernels.spread import spread_over_squares
from gridmap.kernels.walk import LEFT, RIGHT, X1, X2, Y1, Y2, crosses_along, crosses_upwards
from gridmap.types import Int32Array, Int64Array, UInt8Array, UInt32Array

ONE = 0x80000000
SEVERAL = 0xC0000000
WALK = 0xFFFFFFFF
UNIT_BITS = 0x3FFFFFFF
"""The bits of a cell that count units; the last number is taken by WALK."""

BIN_BITS = 3
"""A bin has 2**3 cells a side: about twenty edges to walk over in a city."""


@inline_kernel
def bin_bits(depth: int) -> int:
    """The bins of a block a side, as a power of two."""
    return depth - BIN_BITS if depth > BIN_BITS else 0


@inline_kernel
def _add(edges: Int32Array, edge: int, way: int, sums: Int64Array, at: int) -> None:
    """Cross an edge: from its left to its right when `way` is 1, back when -1. sums (n, 2): faces, count."""
    left, right = np.int64(edges[edge, LEFT]), np.int64(edges[edge, RIGHT])
    sums[at, 0] += way * (right - left)
    sums[at, 1] += way * (np.int64(right >= 0) - np.int64(left >= 0))


@inline_kernel
def _walk_along(
    edges: Int32Array,
    entries: Int32Array,
    first: int,
    last: int,
    x: int,
    y: int,
    length: int,
    sums: Int64Array,
    at: int,
) -> None:
    """Walk along the lower side of a square at (x, y), adding to sums[at]."""
    for i in range(first, last):
        edge = entries[i]
        way = crosses_along(
            np.int64(edges[edge, X1]),
            np.int64(edges[edge, Y1]),
            np.int64(edges[edge, X2]),
            np.int64(edges[edge, Y2]),
            2 * y - 1,
            2 * x - 1,
            2 * (x + length) - 1,
        )
        if way != 0:
            _add(edges, edge, way, sums, at)


@inline_kernel
def _walk_up(
    edges: Int32Array,
    entries: Int32Array,
    first: int,
    last: int,
    x: int,
    y: int,
    length: int,
    sums: Int64Array,
    at: int,
) -> None:
    """Walk up the left side of a square at (x, y), adding to sums[at]."""
    for i in range(first, last):
        edge = entries[i]
        way = crosses_upwards(
            np.int64(edges[edge, X1]),
            np.int64(edges[edge, Y1]),
            np.int64(edges[edge, X2]),
            np.int64(edges[edge, Y2]),
            2 * x - 1,
            2 * y - 1,
            2 * (y + length) - 1,
        )
        if way != 0:
            _add(edges, edge, way, sums, at)


@kernel
def walk_block_corners(
    edges: Int32Array,
    places: Int64Array,
    entries: Int32Array,
    bits: int,
    column0: int,
    row0: int,
    columns: int,
    sums: Int64Array,
) -> int:
    """The faces at the corners of all blocks, into sums (blocks, 2): faces as row + 1, and their number.

    Each row of blocks begins outside. Gives how many rows do not end outside: 0, or the edges are not the
    borders of anything.
    """
    rows = (len(places) - 1) // columns
    length = np.int64(1) << bits
    open_rows = 0
    here = np.zeros((1, 2), np.int64)
    for row in range(rows):
        here[:] = 0
        for column in range(columns):
            block = row * columns + column
            sums[block] = here[0]
            x, y = (column0 + column) << bits, (row0 + row) << bits
            _walk_along(edges, entries, places[block], places[block + 1], x, y, length, here, 0)
        open_rows += here[0, 0] != 0 or here[0, 1] != 0
    return open_rows


@kernel
def _corners(
    edges: Int32Array,
    entries: Int32Array,
    starts: Int32Array,
    x0: int,
    y0: int,
    shift: int,
    side: int,
    faces: int,
    count: int,
    sums: Int64Array,
) -> None:
    """The faces at the corners of the squares of a larger one, whose own corner has (faces, count)."""
    length = np.int64(1) << shift
    sums[0, 0], sums[0, 1] = faces, count
    for row in range(side):
        y = y0 + (row << shift)
        for column in range(side):
            square = row * side + column
            first, last = starts[square], starts[square + 1]
            x = x0 + (column << shift)
            if column + 1 < side:
                sums[square + 1] = sums[square]
                _walk_along(edges, entries, first, last, x, y, length, sums, square + 1)
            if column == 0 and row + 1 < side:
                sums[square + side] = sums[square]
                _walk_up(edges, entries, first, last, x, y, length, sums, square + side)


@inline_kernel
def _mixed(edges: Int32Array, entries: Int32Array, first: int, last: int) -> bool:
    """Whether an edge with nobody on one side is among these: the number of covering faces changes there."""
    for i in range(first, last):
        edge = entries[i]
        if edges[edge, LEFT] < 0 or edges[edge, RIGHT] < 0:
            return True
    return False


@inline_kernel
def _cell(
    edges: Int32Array,
    entries: Int32Array,
    first: int,
    last: int,
    x: int,
    y: int,
    shift: int,
    faces: int,
    units: Int32Array,
    base: int,
    used: int,
) -> tuple[int, int]:
    """The number of a border cell that no two faces share, and how many units it takes."""
    at = base + used if base >= 0 else np.int64(-1)
    if last - first == 1:
        edge = entries[first]
        x1, y1 = np.int64(edges[edge, X1]), np.int64(edges[edge, Y1])
        x2, y2 = np.int64(edges[edge, X2]), np.int64(edges[edge, Y2])
        if crosses_whole(x1, y1, x2, y2, x, y, np.int64(1) << shift):
            size = encode_one(edges, edge, x, y, shift, units, at)
            if size == 1:
                return ONE | used, np.int64(1)
            face = edges[edge, RIGHT] if size == 0 else edges[edge, LEFT]
            return np.int64(face) + 1, np.int64(0)
    size = encode_several(edges, entries, first, last, x, y, shift, faces, units, at)
    if size == 1:
        return faces, np.int64(0)
    return SEVERAL | used, size


@inline_kernel
def _code(
    edges: Int32Array,
    entries: Int32Array,
    first: int,
    last: int,
    x: int,
    y: int,
    shift: int,
    sums: Int64Array,
    cell: int,
    single: bool,
    units: Int32Array,
    base: int,
    used: int,
) -> tuple[int, int]:
    """The number of a cell, and how many units it takes."""
    faces, count = sums[cell, 0], sums[cell, 1]
    if first == last:
        return (faces if count < 2 else np.int64(WALK)), np.int64(0)
    if not single and (count > 1 or _mixed(edges, entries, first, last)):
        return np.int64(WALK), np.int64(0)
    return _cell(edges, entries, first, last, x, y, shift, faces, units, base, used)


@inline_kernel
def _build_cells(
    edges: Int32Array,
    entries: Int32Array,
    starts: Int32Array,
    sums: Int64Array,
    x: int,
    y: int,
    shift: int,
    side: int,
    depth: int,
    single: bool,
    units: Int32Array,
    base: int,
    used: int,
    cells: UInt32Array,
    line: int,
    fill: bool,
) -> int:
    """Build the side x side cells of a bin at (x, y); gives how many units of the block are used by then."""
    for cell in range(side * side):
        row, column = cell // side, cell % side
        cx, cy = x + (column << shift), y + (row << shift)
        low, high = starts[cell], starts[cell + 1]
        code, size = _code(edges, entries, low, high, cx, cy, shift, sums, cell, single, units, base, used)
        used += size
        if fill:
            cells[line + (row << depth) + column] = code
    return used


@kernel
def build_blocks(
    some: Int64Array,
    frame: tuple[int, int, int, int],
    source: tuple[Int32Array, Int64Array, Int32Array, Int64Array, UInt8Array],
    bases: tuple[Int64Array, Int64Array, Int64Array, Int64Array],
    out: tuple[Int32Array, Int64Array, UInt32Array, Int32Array],
    single: bool,
    fill: bool,
) -> None:
    """Build some blocks.

    frame   bits, column0, row0, columns of the blocks
    source  edges, their places in blocks and entries, faces at the corners of blocks, depths
    bases   where the bins, cells and units of each block begin, and the edges of each bin
    out     edges of bins, faces at the corners of bins, cells, units (flat)

    Without `fill` it only counts: units of a block into their base + 1, edges of a bin likewise. `single`
    says that no point has two faces.
    """
    bits, column0, row0, columns = frame
    edges, places, entries, sums, depths = source
    bin_base, cell_base, unit_base, bin_places = bases
    bin_entries, bin_sums, cells, units = out
    most = np.int64(1) << (2 * bin_bits(np.int64(depths.max())))
    starts, corners, given = (
        np.empty(most + 2, np.int32),
        np.empty((most, 2), np.int64),
        np.empty(1, np.int32),
    )
    inner_starts, inner = np.empty((1 << (2 * BIN_BITS)) + 2, np.int32), np.empty(1, np.int32)
    inner_sums = np.empty((1 << (2 * BIN_BITS), 2), np.int64)
    for block in some:
        x0, y0 = (column0 + block % columns) << bits, (row0 + block // columns) << bits
        depth = np.int64(depths[block])
        inner_bits, shift, side_bits = bin_bits(depth), bits - depth, min(depth, BIN_BITS)
        wide, side, bin_shift = np.int64(1) << inner_bits, np.int64(1) << side_bits, bits - inner_bits
        begin, end = places[block], places[block + 1]
        given = spread_over_squares(edges, entries, begin, end, x0, y0, bin_shift, wide, starts, given)
        _corners(edges, given, starts, x0, y0, bin_shift, wide, sums[block, 0], sums[block, 1], corners)
        base, used = unit_base[block] if fill else np.int64(-1), np.int64(0)
        for bin_ in range(wide * wide):
            x, y = x0 + ((bin_ % wide) << bin_shift), y0 + ((bin_ // wide) << bin_shift)
            first, last, number = starts[bin_], starts[bin_ + 1], bin_base[block] + bin_
            if fill:
                bin_sums[number] = corners[bin_]
                bin_entries[bin_places[number] : bin_places[number + 1]] = given[first:last]
            else:
                bin_places[number + 1] = last - first
            inner = spread_over_squares(edges, given, first, last, x, y, shift, side, inner_starts, inner)
            faces, count = corners[bin_, 0], corners[bin_, 1]
            _corners(edges, inner, inner_starts, x, y, shift, side, faces, count, inner_sums)
            line = cell_base[block] + ((bin_ // wide) << (side_bits + depth)) + ((bin_ % wide) << side_bits)
            used = _build_cells(
                edges, inner, inner_starts, inner_sums,
                x, y, shift, side, depth, single, units, base, used, cells, line, fill,
            )  # fmt: skip
        if not fill:
            unit_base[block + 1] = used
