"""The nearest border of a point, and every row that covers it: what explains an answer."""

from __future__ import annotations

import math

import numpy as np

from gridmap.kernels.ellipsoid import metres_per_unit
from gridmap.kernels.exact import (
    BIN_BASE,
    BIN_ENTRIES,
    BIN_PLACES,
    BITS,
    COLUMN0,
    COLUMNS,
    EDGES,
    ROW0,
    ROWS,
    TABLE,
)
from gridmap.kernels.jit import array_at, declared_kernel, inline_kernel
from gridmap.kernels.walk import X1, X2, Y1, Y2


@inline_kernel
def _to_edge(ax: float, ay: float, bx: float, by: float, east: float, north: float) -> tuple[float, float]:
    """The distance in metres from the origin to an edge on a plane, and the height of its foot in units."""
    dx, dy = (bx - ax) * east, (by - ay) * north
    length = dx * dx + dy * dy
    share = 0.0 if length == 0 else min(1.0, max(0.0, -(ax * east * dx + ay * north * dy) / length))
    return math.hypot(ax * east + share * dx, ay * north + share * dy), ay + share * (by - ay)


@inline_kernel
def _beyond(point: int, low: int, high: int) -> int:
    """How far a coordinate lies outside of a range, 0 within."""
    return max(np.int64(0), low - point, point - high)


@inline_kernel
def _at_least(x: int, y: int, x0: int, y0: int, side: int) -> float:
    """No point of a square is nearer than this, in metres: measured where a degree is shortest, less 1 %."""
    east = metres_per_unit(float(max(abs(y), abs(y0), abs(y0 + side))))[0]
    north = metres_per_unit(0.0)[1]  # a degree of latitude is shortest at the equator
    return 0.99 * math.hypot(_beyond(x, x0, x0 + side) * east, _beyond(y, y0, y0 + side) * north)


@declared_kernel("Tuple((float64, int64))(int64, int64, int64)")
def nearest_edge(address: int, x: int, y: int) -> tuple[float, int]:
    """The distance in metres from a lattice point to the nearest edge and its number; inf, -1 without.

    Blocks are searched in rings around the one that is nearest to the point, until a whole ring is farther
    than what was found.
    """
    table = array_at(address, TABLE, np.int64)
    bits, columns, rows = table[BITS], table[COLUMNS], table[ROWS]
    bin_base = array_at(table[BIN_BASE], columns * rows + 1, np.int64)
    bin_places = array_at(table[BIN_PLACES], np.int64(1) << 40, np.int64)
    entries = array_at(table[BIN_ENTRIES], np.int64(1) << 40, np.int32)
    edges = array_at(table[EDGES], np.int64(1) << 40, np.int32)
    column = min(max(np.int64(0), (x >> bits) - table[COLUMN0]), columns - 1)
    row = min(max(np.int64(0), (y >> bits) - table[ROW0]), rows - 1)
    side = np.int64(1) << bits
    best, best_edge = np.inf, np.int64(-1)
    for ring in range(max(columns, rows)):
        nearest_of_ring = np.inf
        for r in range(max(0, row - ring), min(rows - 1, row + ring) + 1):
            step = 1 if abs(r - row) == ring else 2 * ring
            for c in range(column - ring, column + ring + 1, max(1, step)):
                if c < 0 or c >= columns:
                    continue
                x0, y0 = (c + table[COLUMN0]) << bits, (r + table[ROW0]) << bits
                bound = _at_least(x, y, x0, y0, side)
                nearest_of_ring = min(nearest_of_ring, bound)
                if bound > best:
                    continue
                block = r * columns + c
                east, north = metres_per_unit(0.5 * (y + min(max(y, y0), y0 + side)))
                for i in range(bin_places[bin_base[block]], bin_places[bin_base[block + 1]]):
                    e = 6 * np.int64(entries[i])
                    ax, ay = float(edges[e + X1] - x), float(edges[e + Y1] - y)
                    bx, by = float(edges[e + X2] - x), float(edges[e + Y2] - y)
                    metres, foot = _to_edge(ax, ay, bx, by, east, north)
                    if metres > 1.01 * best:
                        continue
                    # Now at the latitude halfway to the foot: the plane that fits best.
                    there = metres_per_unit(y + 0.5 * foot)
                    metres = _to_edge(ax, ay, bx, by, there[0], there[1])[0]
                    if metres < best or (metres == best and entries[i] < best_edge):
                        best, best_edge = metres, np.int64(entries[i])
        if nearest_of_ring > best:
            break
    return best, best_edge
