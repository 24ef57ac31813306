"""The exact rule over what an index keeps: the smallest row that covers a lattice point, nothing spared.

A point walks from the corner of its bin, where the faces are known, over the edges of that bin. Only points
in doubt come here: on a border or within millimetres of it, or where polygons overlap. It is also what the
fast paths are held against in the tests, beside an oracle that knows nothing of bins.

Everything that kernels read is named by one table of addresses (`index.artefact` fills it), because handing
over twenty arrays costs more than a whole lookup.
"""

from __future__ import annotations

import numpy as np

from gridmap.kernels.cells import bin_bits
from gridmap.kernels.jit import array_at, declared_kernel, kernel
from gridmap.kernels.walk import LEFT, RIGHT, X1, X2, Y1, Y2, crosses_along, crosses_upwards, lies_on
from gridmap.types import Int32Array, Int64Array

(
    ROOT,  # addresses
    UNIT_BASE,
    CELLS,
    UNITS,
    BIN_BASE,
    BIN_PLACES,
    BIN_ENTRIES,
    BIN_SUMS,
    EDGES,
    HEAVY_BINS,
    HEAVY_PLACES,
    HEAVY_ROWS,
    WILD_BOXES,
    WILD_ROWS,
    WILD_PLACES,
    WILD_EDGES,
    BITS,  # numbers
    COLUMN0,
    ROW0,
    COLUMNS,
    ROWS,
    HEAVY,
    WILD,
    SCALE,
) = range(24)
"""The places of a table: int64 addresses of arrays, then numbers."""

TABLE = 24
NOBODY = 1 << 31
"""Above every row."""


@kernel
def _heavy_owner(table: Int64Array, number: int, toggled: Int32Array, count: int, above: int) -> int:
    """The smallest row above another that covers a place, from those at the bin's corner and those toggled.

    A row covers the place when it stands an odd number of times among both.
    """
    heavy = table[HEAVY]
    bins = array_at(table[HEAVY_BINS], heavy, np.int64)
    at = np.searchsorted(bins, number)
    rows = toggled[:count]
    if at < heavy and bins[at] == number:
        places = array_at(table[HEAVY_PLACES], heavy + 1, np.int64)
        members = array_at(table[HEAVY_ROWS], places[heavy], np.int32)
        rows = np.concatenate((rows, members[places[at] : places[at + 1]]))
    else:
        sums = array_at(table[BIN_SUMS], 2 * number + 2, np.int64)
        if sums[2 * number + 1] == 1:
            rows = np.append(rows, np.int32(sums[2 * number] - 1))
    rows = np.sort(rows)
    i = 0
    while i < len(rows):
        j = i
        while j < len(rows) and rows[j] == rows[i]:
            j += 1
        if (j - i) % 2 == 1 and rows[i] > above:
            return np.int64(rows[i])
        i = j
    return np.int64(NOBODY)


@kernel
def _wild_owner(table: Int64Array, x: int, y: int, above: int) -> int:
    """The smallest row above another among the invalid polygons that cover a point, by the even-odd rule."""
    best = np.int64(NOBODY)
    wild = table[WILD]
    boxes = array_at(table[WILD_BOXES], 4 * wild, np.int32)
    rows = array_at(table[WILD_ROWS], wild, np.int32)
    places = array_at(table[WILD_PLACES], wild + 1, np.int64)
    edges = array_at(table[WILD_EDGES], 4 * places[wild], np.int32)
    for i in range(wild):
        box = boxes[4 * i : 4 * i + 4]
        if rows[i] >= best or rows[i] <= above or x < box[0] or y < box[1] or x > box[2] or y > box[3]:
            continue
        inside = False
        for k in range(4 * places[i], 4 * places[i + 1], 4):
            x1, y1 = np.int64(edges[k]), np.int64(edges[k + 1])
            x2, y2 = np.int64(edges[k + 2]), np.int64(edges[k + 3])
            if lies_on(x1, y1, x2, y2, x, y):
                inside = True
                break
            if (y1 <= y) != (y2 <= y) and (x2 - x1) * (y - y1) < (x - x1) * (y2 - y1):
                inside = not inside
        if inside:
            best = np.int64(rows[i])
    return best


@kernel
def walk_to(table: Int64Array, x: int, y: int, above: int) -> int:
    """The smallest row above another (-1 for any) that covers a lattice point within the blocks, or -1.

    The exact rule, nothing spared: walks from the corner of the point's bin over the edges of that bin.
    """
    bits = table[BITS]
    block = ((y >> bits) - table[ROW0]) * table[COLUMNS] + (x >> bits) - table[COLUMN0]
    blocks = table[COLUMNS] * table[ROWS]
    shift = array_at(table[ROOT], blocks, np.int64)[block] & 0xFF
    inner = bin_bits(bits - shift)
    bin_shift = bits - inner
    mask = (np.int64(1) << inner) - 1
    number = array_at(table[BIN_BASE], blocks, np.int64)[block]
    number += (((y >> bin_shift) & mask) << inner) + ((x >> bin_shift) & mask)
    places = array_at(table[BIN_PLACES], number + 2, np.int64)
    first, last = places[number], places[number + 1]
    entries = array_at(table[BIN_ENTRIES], last, np.int32)
    sums = array_at(table[BIN_SUMS], 2 * number + 2, np.int64)
    edges = array_at(table[EDGES], np.int64(1) << 40, np.int32)
    faces, count = sums[2 * number], sums[2 * number + 1]
    kx, ky = 2 * ((x >> bin_shift) << bin_shift) - 1, 2 * ((y >> bin_shift) << bin_shift) - 1
    best = np.int64(NOBODY)
    toggled = np.empty(2 * (last - first) + 1 if table[HEAVY] >= 0 else 0, np.int32)
    toggles = 0
    for i in range(first, last):
        e = 6 * np.int64(entries[i])
        x1, y1 = np.int64(edges[e + X1]), np.int64(edges[e + Y1])
        x2, y2 = np.int64(edges[e + X2]), np.int64(edges[e + Y2])
        left, right = np.int64(edges[e + LEFT]), np.int64(edges[e + RIGHT])
        up = crosses_upwards(x1, y1, x2, y2, kx, ky, 2 * y)
        along = crosses_along(x1, y1, x2, y2, 2 * y, kx, 2 * x)
        faces += (up + along) * (right - left)
        count += (up + along) * (np.int64(right >= 0) - np.int64(left >= 0))
        if len(toggled) and (up + along) % 2 != 0:
            if left >= 0:
                toggled[toggles] = left
                toggles += 1
            if right >= 0:
                toggled[toggles] = right
                toggles += 1
        if lies_on(x1, y1, x2, y2, x, y):
            if left > above:
                best = min(best, left)
            if right > above:
                best = min(best, right)
    if len(toggled) and count > 1:
        best = min(best, _heavy_owner(table, number, toggled, toggles, above))
    elif count > 0 and faces - 1 > above:
        best = min(best, faces - 1)
    if table[WILD] > 0:
        best = min(best, _wild_owner(table, x, y, above))
    return best if best < NOBODY else np.int64(-1)


@declared_kernel("int64(int64, int64, int64, int64)")
def next_row(address: int, x: int, y: int, above: int) -> int:
    """The smallest row above another (-1 for any) that covers a lattice point, or -1; exact, and slower."""
    table = array_at(address, TABLE, np.int64)
    column, row = (x >> table[BITS]) - table[COLUMN0], (y >> table[BITS]) - table[ROW0]
    if column < 0 or row < 0 or column >= table[COLUMNS] or row >= table[ROWS]:
        return np.int64(-1)
    return walk_to(table, x, y, above)
