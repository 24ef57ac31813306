"""Which rows cover the corners of bins where more than one does: the overlaps of an unproven edition.

Only there is a list of rows needed; elsewhere the sum that is kept for every bin is the row itself. Works as
walking does everywhere: a row of blocks begins outside, and every edge crossed takes one row out of the list
and puts another one in.
"""

from __future__ import annotations

import numpy as np

from gridmap.kernels.cells import WALK, bin_bits
from gridmap.kernels.jit import inline_kernel, kernel
from gridmap.kernels.walk import LEFT, RIGHT, X1, X2, Y1, Y2, crosses_along, crosses_upwards
from gridmap.types import Int32Array, Int64Array, UInt8Array, UInt32Array


@inline_kernel
def _toggle(members: Int32Array, count: int, row: int) -> int:
    """Take a row out of the first `count` members when it is among them, else put it in; gives the count."""
    if row < 0:
        return count
    for i in range(count):
        if members[i] == row:
            members[i] = members[count - 1]
            return count - 1
    members[count] = row
    return count + 1


@kernel
def _step(
    edges: Int32Array,
    entries: Int32Array,
    first: int,
    last: int,
    kx: int,
    ky: int,
    to_x: int,
    to_y: int,
    members: Int32Array,
    count: int,
) -> tuple[Int32Array, int]:
    """Walk from (kx, ky) up to to_y and along to to_x, all doubled; gives the members and their number."""
    for i in range(first, last):
        edge = entries[i]
        x1, y1 = np.int64(edges[edge, X1]), np.int64(edges[edge, Y1])
        x2, y2 = np.int64(edges[edge, X2]), np.int64(edges[edge, Y2])
        ways = crosses_upwards(x1, y1, x2, y2, kx, ky, to_y) + crosses_along(x1, y1, x2, y2, to_y, kx, to_x)
        if ways % 2 == 0:
            continue
        if count + 2 > len(members):
            members = np.concatenate((members, np.empty(len(members), np.int32)))
        count = _toggle(members, count, np.int64(edges[edge, LEFT]))
        count = _toggle(members, count, np.int64(edges[edge, RIGHT]))
    return members, count


@kernel
def heavy_bins(
    edges: Int32Array,
    places: Int64Array,
    entries: Int32Array,
    depths: UInt8Array,
    bits: int,
    column0: int,
    row0: int,
    columns: int,
    bin_base: Int64Array,
    bin_sums: Int64Array,
) -> tuple[Int64Array, Int64Array, Int32Array]:
    """The bins whose corner several rows cover: their numbers, and their rows as places and a flat list."""
    heavy = 0
    for i in range(len(bin_sums)):
        heavy += bin_sums[i, 1] > 1
    numbers, starts = np.empty(heavy, np.int64), np.zeros(heavy + 1, np.int64)
    rows = np.empty(1024, np.int32)
    found = np.int64(0)
    at_block, at_bin = np.empty(16, np.int32), np.empty(16, np.int32)
    length = np.int64(1) << bits
    for row in range((len(places) - 1) // columns):
        count = np.int64(0)
        for column in range(columns):
            block = row * columns + column
            first, last = places[block], places[block + 1]
            kx, ky = 2 * ((column0 + column) << bits) - 1, 2 * ((row0 + row) << bits) - 1
            inner = bin_bits(np.int64(depths[block]))
            step = length >> inner
            for bin_ in range(np.int64(1) << (2 * inner)):
                number = bin_base[block] + bin_
                if bin_sums[number, 1] <= 1:
                    continue
                to_x = kx + 2 * step * (bin_ & ((1 << inner) - 1))
                to_y = ky + 2 * step * (bin_ >> inner)
                if len(at_bin) < len(at_block):
                    at_bin = np.empty(len(at_block), np.int32)
                at_bin[:count] = at_block[:count]
                at_bin, size = _step(edges, entries, first, last, kx, ky, to_x, to_y, at_bin, count)
                while starts[found] + size > len(rows):
                    rows = np.concatenate((rows, np.empty(len(rows), np.int32)))
                rows[starts[found] : starts[found] + size] = np.sort(at_bin[:size])
                numbers[found] = number
                starts[found + 1] = starts[found] + size
                found += 1
            at_block, count = _step(edges, entries, first, last, kx, ky, kx + 2 * length, ky, at_block, count)
    return numbers, starts, rows[: starts[found]].copy()


@kernel
def walk_in_boxes(
    boxes: Int32Array,
    bits: int,
    column0: int,
    row0: int,
    columns: int,
    depths: UInt8Array,
    cell_base: Int64Array,
    cells: UInt32Array,
) -> None:
    """Make every cell that a box (n, 4: west, south, east, north) touches one that is decided by walking."""
    for i in range(len(boxes)):
        west, south = np.int64(boxes[i, 0]), np.int64(boxes[i, 1])
        east, north = np.int64(boxes[i, 2]), np.int64(boxes[i, 3])
        for row in range(south >> bits, (north >> bits) + 1):
            for column in range(west >> bits, (east >> bits) + 1):
                block = (row - row0) * columns + column - column0
                depth = np.int64(depths[block])
                shift, last = bits - depth, (np.int64(1) << depth) - 1
                x0, y0 = column << bits, row << bits
                low, high = max(0, (south - y0) >> shift), min(last, (north - y0) >> shift)
                begin, end = max(0, (west - x0) >> shift), min(last, (east - x0) >> shift)
                for y in range(low, high + 1):
                    line = cell_base[block] + (y << depth)
                    cells[line + begin : line + end + 1] = WALK
