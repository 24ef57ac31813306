"""Point to row: the kernels that answer. Built slowly elsewhere; here nothing is checked twice.

Theory of operation. One point: its block, its cell; a cell without border is the answer, else half-planes
decide, and what is in doubt is walked exactly. Many points: the same in small chunks. A chunk is rounded to
the lattice by vector loops, its cells are worked out and asked for from memory; while they arrive the chunk
before is answered, as if no cell had a border, and its border points are gathered without a branch into two
lists (one line, several), their half-planes asked for too. When enough are held back they are decided; a
point in doubt joins a third list, walked in the end. So memory always has something to fetch and the core
something to reckon: chunks of a thousand points, each step for all of them, were 5 to 10 % slower.

Not-a-number and points outside fall into a ring of empty blocks around the city, without a branch. The exact
walk and the table of addresses are in gridmap.kernels.exact.
"""

from __future__ import annotations

import numpy as np

from gridmap.kernels.cells import ONE, SEVERAL, UNIT_BITS, WALK
from gridmap.kernels.exact import (
    BITS,
    CELLS,
    COLUMN0,
    COLUMNS,
    ROOT,
    ROW0,
    ROWS,
    SCALE,
    TABLE,
    UNIT_BASE,
    UNITS,
    walk_to,
)
from gridmap.kernels.halfplanes import FINE_BITS, tolerance
from gridmap.kernels.jit import array_at, declared_kernel, inline_kernel, kernel, prefetch
from gridmap.types import FloatArray, Int32Array, Int64Array, UInt32Array

CHUNK = 16
"""Points at a time: about as many reads as a core has under way at once."""


@inline_kernel
def _low(word: np.int32) -> np.int32:
    """The lower half of a word as a signed number."""
    return np.int32(np.int32(word << np.int32(16)) >> np.int32(16))


@inline_kernel
def _several(units: Int32Array, at: int, u: int, v: int, shift: int) -> tuple[int, bool]:
    """The face (row + 1) of a point in a cell with several half-planes, and whether that is in doubt."""
    certain = np.int32(tolerance(shift))
    face = units[at]
    doubt = False
    coarse = shift > FINE_BITS
    for _ in range(units[at + 1]):
        at += 4
        word, span = units[at], units[at + 2]
        f = np.int32(_low(word) * u + np.int32(word >> np.int32(16)) * v + units[at + 1])
        low, high = _low(span), np.int32(span >> np.int32(16))
        within = (v >= low) & (v < high)
        face += units[at + 3] if within & (f > 0) else np.int32(0)
        doubt |= (f <= certain) & (f >= -certain) & (within | (v == high))
        if coarse:
            doubt |= (f >= -certain) & ((v == low) | (v == high))
    return face, doubt


@inline_kernel
def _one(units: Int32Array, at: int, u: int, v: int, shift: int) -> tuple[int, bool]:
    """The same in a cell with one half-plane."""
    certain = np.int32(tolerance(shift))
    word = units[at]
    f = np.int32(_low(word) * u + np.int32(word >> np.int32(16)) * v + units[at + 1])
    return (units[at + 3] if f > 0 else units[at + 2]), (f <= certain) & (f >= -certain)


@inline_kernel
def _within(value: int, shift: int) -> np.int32:
    """A coordinate counted from the corner of its cell, in at most 14 bits."""
    coarse = max(np.int64(0), shift - FINE_BITS)
    return np.int32((value & ((np.int64(1) << shift) - 1)) >> coarse)


@inline_kernel
def _at(table: Int64Array, x: int, y: int) -> int:
    """The row at a lattice point within the blocks."""
    bits = table[BITS]
    block = ((y >> bits) - table[ROW0]) * table[COLUMNS] + (x >> bits) - table[COLUMN0]
    root = array_at(table[ROOT], block + 1, np.int64)[block]
    shift = root & 0xFF
    mask = (np.int64(1) << bits) - 1
    cell = (root >> 8) + (((y & mask) >> shift) << (bits - shift)) + ((x & mask) >> shift)
    code = array_at(table[CELLS] + 4 * cell, 1, np.uint32)[0]
    if code < np.uint32(ONE):
        return np.int64(code) - 1
    if code == np.uint32(WALK):
        return walk_to(table, x, y, np.int64(-1))
    u, v = _within(x, shift), _within(y, shift)
    unit_base = array_at(table[UNIT_BASE], block + 1, np.uint32)[block]
    at = 4 * (np.int64(unit_base) + np.int64(code & np.uint32(UNIT_BITS)))
    units = array_at(table[UNITS], np.int64(1) << 40, np.int32)
    if code < np.uint32(SEVERAL):
        face, doubt = _one(units, at, u, v, shift)
    else:
        face, doubt = _several(units, at, u, v, shift)
    if doubt:
        return walk_to(table, x, y, np.int64(-1))
    return np.int64(face) - 1


@declared_kernel("int64(int64, float64, float64)")
def locate_one(address: int, lon: float, lat: float) -> int:
    """The row at a place in degrees, -1 where there is none."""
    table = array_at(address, TABLE, np.int64)
    scale = np.float64(table[SCALE])
    bits = table[BITS]
    fx, fy = np.rint(lon * scale), np.rint(lat * scale)
    west, south = np.float64(table[COLUMN0] << bits), np.float64(table[ROW0] << bits)
    east = np.float64((table[COLUMN0] + table[COLUMNS]) << bits)
    north = np.float64((table[ROW0] + table[ROWS]) << bits)
    if not (fx >= west and fy >= south and fx < east and fy < north):
        return np.int64(-1)
    return _at(table, np.int64(fx), np.int64(fy))


@declared_kernel("int64(int64, int64, int64)")
def locate_one_unit(address: int, x: int, y: int) -> int:
    """The row at a lattice point, -1 where there is none."""
    table = array_at(address, TABLE, np.int64)
    column = (x >> table[BITS]) - table[COLUMN0]
    row = (y >> table[BITS]) - table[ROW0]
    if column < 0 or row < 0 or column >= table[COLUMNS] or row >= table[ROWS]:
        return np.int64(-1)
    return _at(table, x, y)


@inline_kernel
def _round_to_lattice(
    table: Int64Array, lons: FloatArray, lats: FloatArray, xs: Int32Array, ys: Int32Array
) -> None:
    """Round a chunk to the lattice; what is outside or no number goes to the ring of empty blocks."""
    bits = table[BITS]
    scale = np.float64(table[SCALE])
    west, south = np.float64(table[COLUMN0] << bits), np.float64(table[ROW0] << bits)
    east = np.float64(((table[COLUMN0] + table[COLUMNS]) << bits) - 1)
    north = np.float64(((table[ROW0] + table[ROWS]) << bits) - 1)
    for i in range(len(lons)):
        fx = np.rint(lons[i] * scale)
        fx = fx if fx > west else west
        fx = fx if fx < east else east
        xs[i] = np.int32(fx)
    for i in range(len(lats)):
        fy = np.rint(lats[i] * scale)
        fy = fy if fy > south else south
        fy = fy if fy < north else north
        ys[i] = np.int32(fy)


@inline_kernel
def _clamp(
    table: Int64Array, given_xs: Int32Array, given_ys: Int32Array, xs: Int32Array, ys: Int32Array
) -> None:
    """Copy a chunk of lattice points; what is outside goes to the ring of empty blocks."""
    bits = table[BITS]
    west, south = np.int32(table[COLUMN0] << bits), np.int32(table[ROW0] << bits)
    east = np.int32(((table[COLUMN0] + table[COLUMNS]) << bits) - 1)
    north = np.int32(((table[ROW0] + table[ROWS]) << bits) - 1)
    for i in range(len(given_xs)):
        xs[i] = min(max(given_xs[i], west), east)
    for i in range(len(given_ys)):
        ys[i] = min(max(given_ys[i], south), north)


LISTS = 3
"""Lists of border points: cells of one edge, of several, and points in doubt."""

LIST_WORDS = 4
"""Of a border point: its place in the batch and the bits of its cell, x, y, and where its units are."""

HELD = 64
"""Border points that are held back before they are decided: until then their units have arrived."""


@inline_kernel
def _hold(lists: Int64Array, which: int, n: int, place: int, x: int, y: int, at: int) -> None:
    """Write a border point into a list."""
    lists[which, n, 0] = place
    lists[which, n, 1] = x
    lists[which, n, 2] = y
    lists[which, n, 3] = at


@kernel
def _decide(table: Int64Array, lists: Int64Array, counts: Int64Array, out: Int32Array) -> None:
    """Answer the border points that are held back."""
    units = array_at(table[UNITS], np.int64(1) << 40, np.int32)
    doubts = np.int64(0)
    for j in range(counts[0]):
        place, x, y, at = lists[0, j]
        shift = place & 0xFF
        face, doubt = _one(units, at, _within(x, shift), _within(y, shift), shift)
        out[place >> 8] = np.int32(face) - np.int32(1)
        _hold(lists, 2, doubts, place, x, y, 0)
        doubts += np.int64(doubt)
    for j in range(counts[1]):
        place, x, y, at = lists[1, j]
        shift = place & 0xFF
        doubt = True
        if at >= 0:
            face, doubt = _several(units, at, _within(x, shift), _within(y, shift), shift)
            out[place >> 8] = np.int32(face) - np.int32(1)
        _hold(lists, 2, doubts, place, x, y, 0)
        doubts += np.int64(doubt)
    for j in range(doubts):
        out[lists[2, j, 0] >> 8] = np.int32(walk_to(table, lists[2, j, 1], lists[2, j, 2], np.int64(-1)))
    counts[:] = 0


@inline_kernel
def _aim(
    table: Int64Array, m: int, xs: Int32Array, ys: Int32Array, blocks: UInt32Array, wanted: UInt32Array
) -> None:
    """Work out the cells of the first m points of a chunk, all within the blocks, and ask for them."""
    bits = table[BITS]
    bits32 = np.int32(bits)
    column0, row0, columns = np.int32(table[COLUMN0]), np.int32(table[ROW0]), np.int32(table[COLUMNS])
    root = array_at(table[ROOT], table[COLUMNS] * table[ROWS], np.int64)
    cells_address = table[CELLS]
    block_mask = np.int32((1 << bits) - 1)
    for i in range(m):
        blocks[i] = np.uint32(((ys[i] >> bits32) - row0) * columns + (xs[i] >> bits32) - column0)
    for i in range(m):
        block = root[blocks[i]]
        shift = block & 0xFF
        line = np.int64((ys[i] & block_mask) >> shift) << (bits - shift)
        cell = (block >> 8) + line + np.int64((xs[i] & block_mask) >> shift)
        wanted[i] = cell
        prefetch(cells_address + 4 * cell)


@inline_kernel
def _read(
    table: Int64Array,
    begin: int,
    out: Int32Array,
    xs: Int32Array,
    ys: Int32Array,
    blocks: UInt32Array,
    wanted: UInt32Array,
    border: UInt32Array,
    codes: UInt32Array,
    lists: Int64Array,
    counts: Int64Array,
) -> None:
    """Answer the points of a chunk from the cells that were asked for; border points are held back.

    `out` is where the answers of this chunk go, which begins with point `begin` of all.
    """
    count = table[COLUMNS] * table[ROWS]
    root = array_at(table[ROOT], count, np.int64)
    unit_base = array_at(table[UNIT_BASE], count, np.uint32)
    cells = array_at(table[CELLS], np.int64(1) << 40, np.uint32)
    units_address = table[UNITS]
    borders = np.int64(0)
    for i in range(len(out)):
        code = cells[wanted[i]]
        out[i] = np.int32(code) - np.int32(1)
        border[borders] = np.uint32(i)
        codes[borders] = code
        borders += np.int64(code >> np.uint32(31))
    ones, several = counts[0], counts[1]
    for j in range(borders):
        i, code = border[j], codes[j]
        at = 4 * (np.int64(unit_base[blocks[i]]) + np.int64(code & np.uint32(UNIT_BITS)))
        prefetch(units_address + 4 * at)
        prefetch(units_address + 4 * at + 60)
        at = at if code != np.uint32(WALK) else np.int64(-1)
        place = ((begin + np.int64(i)) << 8) | (root[blocks[i]] & 0xFF)
        _hold(lists, 0, ones, place, np.int64(xs[i]), np.int64(ys[i]), at)
        _hold(lists, 1, several, place, np.int64(xs[i]), np.int64(ys[i]), at)
        which = np.int64((code >> np.uint32(30)) & np.uint32(1))
        ones += 1 - which
        several += which
    counts[0], counts[1] = ones, several


_READ_ONLY = 'Array({}, 1, "C", readonly=True)'


@declared_kernel(f"void({_READ_ONLY.format('float64')}, {_READ_ONLY.format('float64')}, int32[::1], int64)")
def locate_degrees(lons: FloatArray, lats: FloatArray, out: Int32Array, address: int) -> None:
    """The rows of many places in degrees, into `out`; -1 where there is none."""
    table = array_at(address, TABLE, np.int64)
    xs, ys = np.empty((2, CHUNK), np.int32), np.empty((2, CHUNK), np.int32)
    blocks, wanted = np.empty((2, CHUNK), np.uint32), np.empty((2, CHUNK), np.uint32)
    border, codes = np.empty(CHUNK + 1, np.uint32), np.empty(CHUNK + 1, np.uint32)
    lists, counts = np.empty((LISTS, 2 * (HELD + CHUNK) + 1, LIST_WORDS), np.int64), np.zeros(2, np.int64)
    count = len(lons)
    for begin in range(0, count + CHUNK, CHUNK):
        now, end = (begin // CHUNK) % 2, min(count, begin + CHUNK)
        if begin < count:
            _round_to_lattice(table, lons[begin:end], lats[begin:end], xs[now], ys[now])
            _aim(table, end - begin, xs[now], ys[now], blocks[now], wanted[now])
        if counts[0] + counts[1] >= HELD:
            _decide(table, lists, counts, out)
        if begin > 0:  # the chunk before: its cells have arrived meanwhile
            last, before = 1 - now, begin - CHUNK
            answers = out[before : min(count, begin)]
            _read(
                table,
                before,
                answers,
                xs[last],
                ys[last],
                blocks[last],
                wanted[last],
                border,
                codes,
                lists,
                counts,
            )
    _decide(table, lists, counts, out)


@declared_kernel(f"void({_READ_ONLY.format('int32')}, {_READ_ONLY.format('int32')}, int32[::1], int64)")
def locate_units(given_xs: Int32Array, given_ys: Int32Array, out: Int32Array, address: int) -> None:
    """The rows of many lattice points, into `out`; -1 where there is none."""
    table = array_at(address, TABLE, np.int64)
    xs, ys = np.empty((2, CHUNK), np.int32), np.empty((2, CHUNK), np.int32)
    blocks, wanted = np.empty((2, CHUNK), np.uint32), np.empty((2, CHUNK), np.uint32)
    border, codes = np.empty(CHUNK + 1, np.uint32), np.empty(CHUNK + 1, np.uint32)
    lists, counts = np.empty((LISTS, 2 * (HELD + CHUNK) + 1, LIST_WORDS), np.int64), np.zeros(2, np.int64)
    count = len(given_xs)
    for begin in range(0, count + CHUNK, CHUNK):
        now, end = (begin // CHUNK) % 2, min(count, begin + CHUNK)
        if begin < count:
            _clamp(table, given_xs[begin:end], given_ys[begin:end], xs[now], ys[now])
            _aim(table, end - begin, xs[now], ys[now], blocks[now], wanted[now])
        if counts[0] + counts[1] >= HELD:
            _decide(table, lists, counts, out)
        if begin > 0:  # the chunk before: its cells have arrived meanwhile
            last, before = 1 - now, begin - CHUNK
            answers = out[before : min(count, begin)]
            _read(
                table,
                before,
                answers,
                xs[last],
                ys[last],
                blocks[last],
                wanted[last],
                border,
                codes,
                lists,
                counts,
            )
    _decide(table, lists, counts, out)
