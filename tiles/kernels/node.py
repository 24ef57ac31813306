"""Where simplified borders meet although they should not: found and mended on the whole numbers of a rung.

Theory of operation. Borders that were simplified and rounded may touch or cross. Here every segment is put
into square cells of a hash table, and each pair that shares a cell is tested, exactly: an end of one inside
the other becomes a vertex of both; a proper crossing becomes a vertex at the nearest whole numbers of both.
A rounded crossing moves its segments a little, which may make them meet others, so the caller goes on until a
round finds nothing. After that two segments share nothing but vertices, and what encloses nothing cancels.

Cells are looked into stripe by stripe of columns, so that a table fits a core's cache and threads share the
work. Only the first round looks at everything; later ones at what is near a segment that is `fresh`.
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


@inline_kernel
def _rows_in_column(ax: int, ay: int, bx: int, by: int, column: int, shift: int) -> tuple[int, int]:
    """The rows of cells that a segment may touch within a column of cells; a unit more at each end."""
    low, high = min(ay, by), max(ay, by)
    if ax >> shift != bx >> shift and low >> shift != high >> shift:
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
def near_fresh(
    xs: Int32Array, ys: Int32Array, offsets: Int64Array, fresh: BoolArray, shift: int
) -> Int32Array:
    """The segments that share a cell with a fresh one, and a few more: cells are marked by a mixed number."""
    marks = np.zeros(MARKS, np.bool_)
    near = np.empty(len(xs), np.int32)
    count = 0
    for turn in range(2):
        for arc in range(len(offsets) - 1):
            for i in range(offsets[arc], offsets[arc + 1] - 1):
                if turn == 0 and not fresh[i]:
                    continue
                ax, ay, bx, by = np.int64(xs[i]), np.int64(ys[i]), np.int64(xs[i + 1]), np.int64(ys[i + 1])
                found = False
                for column in range(min(ax, bx) >> shift, (max(ax, bx) >> shift) + 1):
                    first, last = _rows_in_column(ax, ay, bx, by, column, shift)
                    for row in range(first, last + 1):
                        mark = (column * MIX_X + row * MIX_Y) & (MARKS - 1)
                        if turn == 0:
                            marks[mark] = True
                        else:
                            found |= marks[mark]
                if found:
                    near[count] = i
                    count += 1
    return near[:count].copy()


@kernel
def in_stripes(
    xs: Int32Array, offsets: Int64Array, shift: int, bounds: Int64Array
) -> tuple[Int64Array, Int32Array]:
    """The segments of each stripe of columns, from bounds[i] to before bounds[i + 1].

    They are members[places[i]:places[i + 1]]. One that reaches through several stripes is in each of them.
    """
    places = np.zeros(len(bounds) + 1, np.int64)
    members = np.empty(0, np.int32)
    for turn in range(2):
        for arc in range(len(offsets) - 1):
            for i in range(offsets[arc], offsets[arc + 1] - 1):
                west = min(xs[i], xs[i + 1]) >> shift
                east = max(xs[i], xs[i + 1]) >> shift
                stripe = np.searchsorted(bounds, west, "right") - 1
                while stripe < len(bounds) - 1 and bounds[stripe] <= east:
                    if turn == 1:
                        members[places[stripe + 1]] = i
                    places[stripe + 1 if turn == 1 else stripe + 2] += 1
                    stripe += 1
        if turn == 0:
            for stripe in range(2, len(places)):
                places[stripe] += places[stripe - 1]
            members = np.empty(places[-1], np.int32)
    return places[:-1].copy(), members


@kernel
def _enter(
    xs: Int32Array,
    ys: Int32Array,
    i: int,
    shift: int,
    first_column: int,
    last_column: int,
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
    mask = len(heads) - 1
    ax, ay, bx, by = np.int64(xs[i]), np.int64(ys[i]), np.int64(xs[i + 1]), np.int64(ys[i + 1])
    west, east = max(min(ax, bx) >> shift, first_column), min(max(ax, bx) >> shift, last_column)
    for column in range(west, east + 1):
        first, last = _rows_in_column(ax, ay, bx, by, column, shift)
        for row in range(first, last + 1):
            slot = (column * MIX_X + row * MIX_Y) & mask
            cell = (column << 32) + (row & 0xFFFFFFFF)
            entry = heads[slot]
            while entry >= 0:
                if cells[entry] == cell:
                    j = np.int64(entries[entry, 0])
                    if fresh[i] or fresh[j]:
                        count = _pair(xs, ys, j, i, found, alongs, count)
                entry = entries[entry, 1]
            if used < len(cells):
                cells[used] = cell
                entries[used, 0], entries[used, 1] = i, heads[slot]
                heads[slot] = used
            used += 1
    return used, count


@kernel
def find_meetings(
    xs: Int32Array,
    ys: Int32Array,
    members: Int32Array,
    fresh: BoolArray,
    shift: int,
    first_column: int,
    last_column: int,
    found: Int64Array,
    alongs: FloatArray,
) -> int:
    """Find where some segments meet otherwise than in common vertices, within columns of cells.

    `found` (n, 3) gets the segment (its first vertex) and a vertex to be put into it, `alongs` its squared
    way from the beginning. Cells have sides of 2**shift units. Gives how many vertices there are; when they
    do not fit, call again with more room.
    """
    room = 4 * len(members) + 64
    while True:
        slots = 1
        while slots < room:
            slots *= 2
        heads = np.full(slots, -1, np.int32)
        cells, entries = np.empty(room, np.int64), np.empty((room, 2), np.int32)
        used = count = 0
        for i in members:
            used, count = _enter(
                xs,
                ys,
                i,
                shift,
                first_column,
                last_column,
                heads,
                cells,
                entries,
                used,
                fresh,
                found,
                alongs,
                count,
            )
        if used <= room:
            return count
        room = used


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
