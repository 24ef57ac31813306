"""What a border cell of the index holds: a few half-planes in 16 bytes each, and what they are worth.

Theory of operation. Within a cell a point is (u, v), counted from the cell's lower left corner. In a cell of
more than 2**14 units a side they are shifted right until they fit 14 bits. An edge becomes f(u, v) = a u +
b v + c, positive on its right, scaled so that the larger of a and b is 32,767: two int16 and one int32. The
rounding of a, b and c moves f by less than `tolerance(shift)`, so a larger |f| is beyond doubt, and what is
in doubt (points within a few millimetres of a line) is decided by exact walking instead.

Two forms:

    a cell that one edge crosses from side to side, 1 unit:
        a, b | c | face on the left | face on the right
    any other, 1 + n units:
        face at the corner | n | 0 | 0
        a, b | c | low, high | change                    n times

A point at height v crosses a half-plane when low <= v < high and f > 0; then the change (face on the right
minus face on the left) is added to the face at the corner. It is in doubt where low <= v <= high and f is
near 0; where v was shifted, v == low and v == high are too. Where an edge enters through the left side of the
cell, the way up that side crosses it: that is a half-plane without a line (f is large everywhere) from the
height of the crossing upwards, and the edge itself then begins or ends at that height. A level edge changes
nothing; it stands there so that points on it are in doubt. Faces are row + 1, 0 is nobody.
"""

from __future__ import annotations

import numpy as np

from gridmap.kernels.jit import inline_kernel, kernel
from gridmap.kernels.walk import LEFT, RIGHT, X1, X2, Y1, Y2, on_left
from gridmap.types import Int32Array

UNIT = 4
"""Words of 32 bits in a unit."""

FINE_BITS = 14
"""Bits of u and v."""

STEEPEST = 32_767.0
"""What the larger of a and b is scaled to."""

EVERYWHERE = 1 << 30
"""f of a half-plane without a line: above every tolerance."""

MARGIN = 3
"""Units around a cell within which no end of an edge may lie that crosses the cell from side to side."""

OPEN_LOW = -1
"""The low of an edge that begins below the cell."""

OPEN_HIGH = 32_767
"""The high of an edge that ends above the cell."""


@inline_kernel
def coarse_shift(shift: int) -> int:
    """How far u and v are shifted right in a cell of 2**shift units a side."""
    return shift - FINE_BITS if shift > FINE_BITS else 0


@inline_kernel
def tolerance(shift: int) -> int:
    """Up to this |f| is in doubt: a, b are off by 1/2, c by less than 1, shifting loses up to 2 x 32,767."""
    if shift > FINE_BITS:
        return (1 << FINE_BITS) + 2 + 2 * 32_767
    return (1 << shift) + 2


@inline_kernel
def line_of(x1: int, y1: int, x2: int, y2: int, x0: int, y0: int, shift: int) -> tuple[int, int, int]:
    """The rounded a, b, c of an upward edge in the cell at (x0, y0)."""
    dx, dy = x2 - x1, y2 - y1
    steep = float(max(abs(dx), dy))
    scale = STEEPEST / steep
    a = np.int64(np.rint(dy * scale))
    b = np.int64(np.rint(-dx * scale))
    exact = dx * (y1 - y0) - dy * (x1 - x0)  # each product is below 2**62
    coarse = np.float64(np.int64(1) << coarse_shift(shift))
    c = np.int64(np.rint(float(exact) * scale / coarse))
    return a, b, c


@inline_kernel
def extremes(a: int, b: int, c: int, last: int) -> tuple[int, int]:
    """The smallest and the largest value of f at the corners (0 or last) of a cell."""
    low = c + min(a, 0) * last + min(b, 0) * last
    high = c + max(a, 0) * last + max(b, 0) * last
    return low, high


@inline_kernel
def entry_height(x1: int, y1: int, x2: int, y2: int, kx: int) -> int:
    """The first lattice height at or above the crossing of an edge with the line x = kx / 2. Exact."""
    run, rise = (kx - 2 * x1) * (y2 - y1), 2 * (x2 - x1)
    if rise < 0:
        run, rise = -run, -rise
    return y1 - (-run) // rise


@inline_kernel
def _write(units: Int32Array, at: int, a: int, b: int, c: int, low: int, high: int, change: int) -> None:
    units[at] = np.int32((a & 0xFFFF) | (b << 16))
    units[at + 1] = np.int32(c)
    units[at + 2] = np.int32((low & 0xFFFF) | (high << 16))
    units[at + 3] = np.int32(change)


@inline_kernel
def crosses_whole(x1: int, y1: int, x2: int, y2: int, x0: int, y0: int, side: int) -> bool:
    """Whether both ends of an edge lie clearly outside a cell."""
    first = x1 < x0 - MARGIN or x1 > x0 + side + MARGIN or y1 < y0 - MARGIN or y1 > y0 + side + MARGIN
    last = x2 < x0 - MARGIN or x2 > x0 + side + MARGIN or y2 < y0 - MARGIN or y2 > y0 + side + MARGIN
    return first and last


@kernel
def encode_one(edges: Int32Array, edge: int, x0: int, y0: int, shift: int, units: Int32Array, at: int) -> int:
    """Write the unit of an edge that crosses a cell from side to side; gives its size in units.

    0: it only passes by, and the cell has one face, that of the edge's right; -1: the same, of its left.
    Nothing is written when `at` is negative.
    """
    x1, y1 = np.int64(edges[edge, X1]), np.int64(edges[edge, Y1])
    x2, y2 = np.int64(edges[edge, X2]), np.int64(edges[edge, Y2])
    a, b, c = line_of(x1, y1, x2, y2, x0, y0, shift)
    low, high = extremes(a, b, c, (1 << min(shift, FINE_BITS)) - 1)
    certain = tolerance(shift)
    if low > certain:
        return 0
    if high < -certain:
        return -1
    if at >= 0:
        at *= UNIT
        units[at] = np.int32((a & 0xFFFF) | (b << 16))
        units[at + 1] = np.int32(c)
        units[at + 2] = edges[edge, LEFT] + 1
        units[at + 3] = edges[edge, RIGHT] + 1
    return 1


@inline_kernel
def _level(y: int, x0: int, x1: int, y0: int, shift: int, units: Int32Array, at: int) -> int:
    """Write a level edge that begins at x1: it changes nothing, but points on it are in doubt."""
    height = y - y0
    if height < 0 or height >> shift > 0 or (x1 - x0) >> shift > 0:
        return 0
    if at >= 0:
        height >>= coarse_shift(shift)
        b = np.int64(STEEPEST)
        _write(units, at * UNIT, 0, b, -b * height, height, height, 0)
    return 1


@inline_kernel
def _encode_edge(
    x1: int, y1: int, x2: int, y2: int, change: int, x0: int, y0: int, shift: int, units: Int32Array, at: int
) -> int:
    """Write the half-planes of an edge, none to two; gives their number. Nothing when `at` is negative."""
    side, coarse, kx = np.int64(1) << shift, coarse_shift(shift), 2 * x0 - 1
    low, high = y1 - y0, y2 - y0
    used = np.int64(0)
    if 2 * x1 < kx and 2 * x2 < kx:
        return used
    if (2 * x1 < kx) != (2 * x2 < kx):
        height = entry_height(x1, y1, x2, y2, kx) - y0
        rising = x2 > x1
        above = on_left(x1, y1, x2, y2, kx, 2 * y0 - 1) != rising
        if above and height < side:
            if at >= 0:
                step = -change if rising else change
                _write(units, at * UNIT, 0, 0, EVERYWHERE, height >> coarse, OPEN_HIGH, step)
            used += 1
        if rising:
            low = height
        else:
            high = height
    if y1 == y2:
        return used + _level(y1, x0, x1, y0, shift, units, at + used if at >= 0 else at)
    if high < 0 or low >= side:
        return used
    a, b, c = line_of(x1, y1, x2, y2, x0, y0, shift)
    if extremes(a, b, c, (1 << min(shift, FINE_BITS)) - 1)[1] < -tolerance(shift):
        return used
    if at >= 0:
        begin = low >> coarse if low >= 0 else OPEN_LOW
        end = high >> coarse if high < side else OPEN_HIGH
        _write(units, (at + used) * UNIT, a, b, c, begin, end, change)
    return used + 1


@kernel
def encode_several(
    edges: Int32Array,
    entries: Int32Array,
    first: int,
    last: int,
    x0: int,
    y0: int,
    shift: int,
    corner: int,
    units: Int32Array,
    at: int,
) -> int:
    """Write the units of a cell with the edges entries[first:last]; gives their number.

    `corner` is the face at the corner. 1 means that no edge matters: the cell is all the corner's, and no
    unit is needed. Nothing is written when `at` is negative.
    """
    used = np.int64(1)
    for i in range(first, last):
        edge = entries[i]
        used += _encode_edge(
            np.int64(edges[edge, X1]),
            np.int64(edges[edge, Y1]),
            np.int64(edges[edge, X2]),
            np.int64(edges[edge, Y2]),
            np.int64(edges[edge, RIGHT]) - np.int64(edges[edge, LEFT]),
            x0,
            y0,
            shift,
            units,
            at + used if at >= 0 else np.int64(-1),
        )
    if at >= 0 and used > 1:
        units[at * UNIT] = np.int32(corner)
        units[at * UNIT + 1] = np.int32(used - 1)
        units[at * UNIT + 2] = 0
        units[at * UNIT + 3] = 0
    return used
