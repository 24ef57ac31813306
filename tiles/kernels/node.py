"""Where simplified borders meet although they should not: found and mended on the whole numbers of a rung.

Theory of operation. Borders that were simplified and rounded may touch or cross. Here every segment is put
into square cells of a hash table, and each pair that shares a cell is tested, exactly: an end of one inside
the other becomes a vertex of both; a proper crossing becomes a vertex at the nearest whole numbers of both.
A rounded crossing moves its segments a little, which may make them meet others, so the caller goes on until a
round finds nothing. After that two segments share nothing but vertices, and what encloses nothing cancels.

Only the first round looks at everything. Later ones look at pairs of which one was put in by the round
before: `fresh` marks the segments by their first vertex.
"""

from __future__ import annotations

import math

import numpy as np

from gridmap.kernels.jit import inline_kernel, kernel
from gridmap.types import BoolArray, FloatArray, Int32Array, Int64Array

MIX_X = np.int64(0x1B873593)
MIX_Y = np.int64(0x2545F491)

MARKS = 1 << 16
"""Marks of cells, by their mixed number: another cell with the same mark is looked into in vain."""


@inline_kernel
def _cross(ax: int, ay: int, bx: int, by: int) -> int:
    return ax * by - ay * bx


@inline_kernel
def _inside(px: int, py: int, ax: int, ay: int, bx: int, by: int) -> bool:
    """Whether a point that is on the line through a and b lies strictly between them."""
    along = (px - ax) * (bx - ax) + (py - ay) * (by - ay)
    return bool(0 < along < (bx - ax) * (bx - ax) + (by - ay) * (by - ay))


@kernel
def _rows_in_column(ax: int, ay: int, bx: int, by: int, column: int, shift: int) -> tuple[int, int]:
    """The rows of cells that a segment may touch within a column of cells; a unit more at each end."""
    low, high = min(ay, by), max(ay, by)
    if ax != bx:
        slope = (by - ay) / (bx - ax)
        west = ay + ((column << shift) - ax) * slope
        east = ay + (((column + 1) << shift) - ax) * slope
        low = max(low, math.floor(min(west, east)) - 1)
        high = min(high, math.ceil(max(west, east)) + 1)
    return low >> shift, high >> shift


@kernel
def _pair(
    xs: Int32Array, ys: Int32Array, i: int, j: int, found: Int64Array, alongs: FloatArray, count: int
) -> int:
    """Test segments i, i + 1 and j, j + 1; append (segment, x, y) of new vertices. Gives their number."""
    ax, ay, bx, by = np.int64(xs[i]), np.int64(ys[i]), np.int64(xs[i + 1]), np.int64(ys[i + 1])
    cx, cy, dx, dy = np.int64(xs[j]), np.int64(ys[j]), np.int64(xs[j + 1]), np.int64(ys[j + 1])
    if max(ax, bx) < min(cx, dx) or max(cx, dx) < min(ax, bx):
        return count
    if max(ay, by) < min(cy, dy) or max(cy, dy) < min(ay, by):
        return count
    side_c = _cross(bx - ax, by - ay, cx - ax, cy - ay)
    side_d = _cross(bx - ax, by - ay, dx - ax, dy - ay)
    if (side_c > 0 and side_d > 0) or (side_c < 0 and side_d < 0):
        return count
    side_a = _cross(dx - cx, dy - cy, ax - cx, ay - cy)
    side_b = _cross(dx - cx, dy - cy, bx - cx, by - cy)
    if side_c == 0 and _inside(cx, cy, ax, ay, bx, by):
        count = _add(found, alongs, count, i, ax, ay, cx, cy)
    if side_d == 0 and _inside(dx, dy, ax, ay, bx, by):
        count = _add(found, alongs, count, i, ax, ay, dx, dy)
    if side_a == 0 and _inside(ax, ay, cx, cy, dx, dy):
        count = _add(found, alongs, count, j, cx, cy, ax, ay)
    if side_b == 0 and _inside(bx, by, cx, cy, dx, dy):
        count = _add(found, alongs, count, j, cx, cy, bx, by)
    crossing = (side_a > 0) != (side_b > 0) and (side_c > 0) != (side_d > 0)
    if crossing and side_a != 0 and side_b != 0 and side_c != 0 and side_d != 0:
        share = side_c / (side_c - side_d)
        x = cx + np.int64(math.floor(share * (dx - cx) + 0.5))
        y = cy + np.int64(math.floor(share * (dy - cy) + 0.5))
        if (x != ax or y != ay) and (x != bx or y != by):
            count = _add(found, alongs, count, i, ax, ay, x, y)
        if (x != cx or y != cy) and (x != dx or y != dy):
            count = _add(found, alongs, count, j, cx, cy, x, y)
    return count


@inline_kernel
def _add(
    found: Int64Array, alongs: FloatArray, count: int, segment: int, ax: int, ay: int, x: int, y: int
) -> int:
    if count < len(found):
        found[count, 0], found[count, 1], found[count, 2] = segment, x, y
        alongs[count] = float((x - ax) * (x - ax) + (y - ay) * (y - ay))
    return count + 1


@kernel
def _mark(xs: Int32Array, ys: Int32Array, i: int, shift: int, marks: BoolArray) -> None:
    """Mark the cells of a segment."""
    mask = len(marks) - 1
    ax, ay, bx, by = np.int64(xs[i]), np.int64(ys[i]), np.int64(xs[i + 1]), np.int64(ys[i + 1])
    for column in range(min(ax, bx) >> shift, (max(ax, bx) >> shift) + 1):
        first, last = _rows_in_column(ax, ay, bx, by, column, shift)
        for row in range(first, last + 1):
            marks[(column * MIX_X + row * MIX_Y) & mask] = True


@kernel
def _walk(
    xs: Int32Array,
    ys: Int32Array,
    i: int,
    shift: int,
    marks: BoolArray,
    heads: Int32Array,
    cells: Int64Array,
    entries: Int32Array,
    used: int,
    fresh: BoolArray,
    found: Int64Array,
    alongs: FloatArray,
    count: int,
) -> tuple[int, int]:
    """Put a segment into its cells and test it against what is there; gives entries used, vertices found."""
    mask, mark_mask = len(heads) - 1, len(marks) - 1
    ax, ay, bx, by = np.int64(xs[i]), np.int64(ys[i]), np.int64(xs[i + 1]), np.int64(ys[i + 1])
    for column in range(min(ax, bx) >> shift, (max(ax, bx) >> shift) + 1):
        first, last = _rows_in_column(ax, ay, bx, by, column, shift)
        for row in range(first, last + 1):
            mixed = column * MIX_X + row * MIX_Y
            if not marks[mixed & mark_mask]:
                continue
            cell = (column << 32) + (row & 0xFFFFFFFF)
            entry = heads[mixed & mask]
            while entry >= 0:
                if cells[entry] == cell:
                    j = np.int64(entries[entry, 0])
                    if fresh[i] or fresh[j]:
                        count = _pair(xs, ys, j, i, found, alongs, count)
                entry = entries[entry, 1]
            if used < len(cells):
                cells[used] = cell
                entries[used, 0], entries[used, 1] = i, heads[mixed & mask]
                heads[mixed & mask] = used
            used += 1
    return used, count


@kernel
def find_meetings(
    xs: Int32Array,
    ys: Int32Array,
    offsets: Int64Array,
    fresh: BoolArray,
    some: bool,
    shift: int,
    room: int,
    found: Int64Array,
    alongs: FloatArray,
) -> tuple[int, int]:
    """Find where segments of polylines meet otherwise than in common vertices.

    `found` (n, 3) gets the segment (its first vertex) and a vertex to be put into it, `alongs` its squared
    way from the beginning. Cells have sides of 2**shift units and there are entries for `room` of them. Where
    only `some` segments are fresh, only their cells are looked into. Gives how many entries and how many
    vertices there are; when they do not fit, call again with more.
    """
    slots = 1
    while slots < room:
        slots *= 2
    marks = np.full(MARKS if some else 1, not some, np.bool_)
    if some:
        for arc in range(len(offsets) - 1):
            for i in range(offsets[arc], offsets[arc + 1] - 1):
                if fresh[i]:
                    _mark(xs, ys, i, shift, marks)
    heads = np.full(slots, -1, np.int32)
    cells = np.empty(room, np.int64)
    entries = np.empty((room, 2), np.int32)
    used = count = 0
    for arc in range(len(offsets) - 1):
        for i in range(offsets[arc], offsets[arc + 1] - 1):
            used, count = _walk(
                xs, ys, i, shift, marks, heads, cells, entries, used, fresh, found, alongs, count
            )
    return used, count


@kernel
def put_in(
    xs: Int32Array, ys: Int32Array, offsets: Int64Array, found: Int64Array
) -> tuple[Int32Array, Int32Array, Int64Array, BoolArray]:
    """Put vertices into polylines: `found` is sorted by segment, then by the way along it.

    A vertex that stands there already is left out. Gives the polylines and which segments are new.
    """
    most = len(xs) + len(found)
    out_xs, out_ys = np.empty(most, np.int32), np.empty(most, np.int32)
    fresh = np.zeros(most, np.bool_)
    out_offsets = np.zeros(len(offsets), np.int64)
    used = at = 0
    for arc in range(len(offsets) - 1):
        for i in range(offsets[arc], offsets[arc + 1]):
            out_xs[used], out_ys[used] = xs[i], ys[i]
            used += 1
            while at < len(found) and found[at, 0] == i:
                x, y = np.int32(found[at, 1]), np.int32(found[at, 2])
                at += 1
                same = (x == out_xs[used - 1] and y == out_ys[used - 1]) or (
                    x == xs[i + 1] and y == ys[i + 1]
                )
                if not same:
                    fresh[used - 1] = fresh[used] = True
                    out_xs[used], out_ys[used] = x, y
                    used += 1
        out_offsets[arc + 1] = used
    return out_xs[:used].copy(), out_ys[:used].copy(), out_offsets, fresh[:used].copy()
