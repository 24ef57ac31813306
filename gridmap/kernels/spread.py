"""Which squares an edge touches: blocks of the city, bins of a block, cells of a bin.

A square of 2**shift units at (x0, y0) is the region from half a unit below and left of its lattice points to
half a unit above and right of them, so squares leave nothing out between them. An edge is given to every
square that it touches, and now and then to one that it passes within PAD units: too many edges do no harm
there, one too few would.
"""

from __future__ import annotations

import numpy as np

from gridmap.kernels.jit import inline_kernel, kernel
from gridmap.kernels.walk import X1, X2, Y1, Y2
from gridmap.types import Int32Array, Int64Array

PAD = 0.01
"""Units: far above what rounding does to the crossings below (1e-6), far below half a unit."""


CROSSING = 1_024
"""Parts of a block's side in which the border in it is measured."""


@inline_kernel
def reach(x1: int, y1: int, x2: int, y2: int, low: float, high: float) -> tuple[float, float]:
    """From which x to which an upward edge reaches within the heights low to high."""
    if y1 == y2:
        return float(x1), float(x2)
    slope = (x2 - x1) / (y2 - y1)
    a = x1 + (max(float(y1), low) - y1) * slope
    b = x1 + (min(float(y2), high) - y1) * slope
    return min(a, b), max(a, b)


@kernel
def spread_over_blocks(
    edges: Int32Array,
    bits: int,
    column0: int,
    row0: int,
    columns: int,
    places: Int64Array,
    entries: Int32Array,
    crossings: Int64Array,
) -> None:
    """Give the edges to the blocks they touch.

    With empty `entries` counts them: block b into places[b + 1], and how wide and tall its edges are
    together, in parts of CROSSING of a block, into crossings[b]: so many cells of that size they cross.
    Else writes them at places[b], which moves on.
    """
    count = len(entries) == 0
    side = float(np.int64(1) << bits)
    for edge in range(len(edges)):
        x1, y1 = np.int64(edges[edge, X1]), np.int64(edges[edge, Y1])
        x2, y2 = np.int64(edges[edge, X2]), np.int64(edges[edge, Y2])
        for row in range(y1 >> bits, (y2 >> bits) + 1):
            low = float(row << bits) - 0.5
            west, east = reach(x1, y1, x2, y2, low, low + side)
            first = np.int64(np.floor(west + 0.5 - PAD)) >> bits
            last = np.int64(np.floor(east + 0.5 + PAD)) >> bits
            tall = min(float(y2), low + side) - max(float(y1), low)
            for column in range(first, last + 1):
                block = (row - row0) * columns + column - column0
                if count:
                    places[block + 1] += 1
                    begin = float(column << bits) - 0.5
                    wide = max(0.0, min(east, begin + side) - max(west, begin))
                    share = wide / (east - west) if last > first and east > west else 1.0
                    crossings[block] += 1 + np.int64(CROSSING * (wide + tall * share) / side)
                else:
                    entries[places[block]] = edge
                    places[block] += 1


@inline_kernel
def _rows(y1: int, y2: int, y0: int, shift: int, side: int) -> tuple[int, int]:
    return max(0, (y1 - y0) >> shift), min(side - 1, (y2 - y0) >> shift)


@inline_kernel
def _columns(west: float, east: float, x0: int, shift: int, side: int) -> tuple[int, int]:
    first = (np.int64(np.floor(west + 0.5 - PAD)) - x0) >> shift
    last = (np.int64(np.floor(east + 0.5 + PAD)) - x0) >> shift
    return max(0, first), min(side - 1, last)


@kernel
def spread_over_squares(
    edges: Int32Array,
    entries: Int32Array,
    first: int,
    last: int,
    x0: int,
    y0: int,
    shift: int,
    side: int,
    starts: Int32Array,
    given: Int32Array,
) -> Int32Array:
    """Give entries[first:last] to the side x side squares of 2**shift units whose corner is (x0, y0).

    Square i gets given[starts[i]:starts[i + 1]]; the order of entries is kept. Gives `given`, or a larger
    array in its place when it was too small.
    """
    squares = side * side
    starts[: squares + 2] = 0
    height = float(np.int64(1) << shift)
    for turn in range(2):
        for i in range(first, last):
            edge = entries[i]
            x1, y1 = np.int64(edges[edge, X1]), np.int64(edges[edge, Y1])
            x2, y2 = np.int64(edges[edge, X2]), np.int64(edges[edge, Y2])
            row, top = _rows(y1, y2, y0, shift, side)
            while row <= top:
                low = float(y0 + (row << shift)) - 0.5
                west, east = reach(x1, y1, x2, y2, low, low + height)
                begin, end = _columns(west, east, x0, shift, side)
                for column in range(begin, end + 1):
                    square = row * side + column
                    if turn == 0:
                        starts[square + 2] += 1
                    else:
                        given[starts[square + 1]] = edge
                        starts[square + 1] += 1
                row += 1
        if turn == 0:
            for square in range(squares):
                starts[square + 2] += starts[square + 1]
            if starts[squares + 1] > len(given):
                given = np.empty(2 * starts[squares + 1], np.int32)
    return given
