"""Which vertex of a border can be left out on which rung: Douglas-Peucker as a rank, arc by arc.

A vertex's rank is how far the border would move if it and all lesser ones were left out, in units of the
plane; ends of arcs are never left out. Ranks are made so that a vertex never outranks those that it was found
between, so "keep what ranks at least t" is one and the same simplification whatever t is. An arc is the same
for both of its neighbours and for all levels that it bounds: they agree on every rung without talking.
"""

from __future__ import annotations

import math

import numpy as np

from gridmap.kernels.jit import inline_kernel, kernel
from gridmap.types import FloatArray, Int32Array, Int64Array


@inline_kernel
def _distance2(x: float, y: float, ax: float, ay: float, dx: float, dy: float, length2: float) -> float:
    """The squared distance of a point from the segment that begins at a and goes d."""
    x -= ax
    y -= ay
    if length2 > 0:
        t = min(max((x * dx + y * dy) / length2, 0.0), 1.0)
        x -= t * dx
        y -= t * dy
    return x * x + y * y


@kernel
def rank_arcs(xs: FloatArray, ys: FloatArray, offsets: Int64Array, ranks: FloatArray) -> None:
    """Write the rank of every vertex of every arc; that of both ends is infinite.

    A loop begins and ends at one vertex: its farthest vertex then ranks by its distance from there.
    """
    longest = 0
    for arc in range(len(offsets) - 1):
        longest = max(longest, offsets[arc + 1] - offsets[arc])
    stack = np.empty((longest + 2, 2), np.int64)
    for arc in range(len(offsets) - 1):
        first, last = offsets[arc], offsets[arc + 1] - 1
        ranks[first] = np.inf
        ranks[last] = np.inf
        stack[0, 0], stack[0, 1] = first, last
        top = 1
        while top > 0:
            top -= 1
            begin, end = stack[top, 0], stack[top, 1]
            if end - begin < 2:
                continue
            ax, ay = xs[begin], ys[begin]
            dx, dy = xs[end] - ax, ys[end] - ay
            length2 = dx * dx + dy * dy
            farthest, most = begin + 1, -1.0
            for i in range(begin + 1, end):
                away = _distance2(xs[i], ys[i], ax, ay, dx, dy, length2)
                if away > most:
                    farthest, most = i, away
            ranks[farthest] = min(math.sqrt(most), ranks[begin], ranks[end])
            stack[top, 0], stack[top, 1] = begin, farthest
            stack[top + 1, 0], stack[top + 1, 1] = farthest, end
            top += 2


@kernel
def quantise_arcs(
    xs: FloatArray, ys: FloatArray, ranks: FloatArray, offsets: Int64Array, scale: float, least: float
) -> tuple[Int32Array, Int32Array, Int64Array]:
    """The vertices that rank at least `least`, times `scale` in whole numbers, repeated ones once.

    Every arc keeps a point at least: one that shrinks to a point has nothing more.
    """
    out_xs = np.empty(len(xs), np.int32)
    out_ys = np.empty(len(xs), np.int32)
    out_offsets = np.zeros(len(offsets), np.int64)
    used = 0
    for arc in range(len(offsets) - 1):
        begin = used
        for i in range(offsets[arc], offsets[arc + 1]):
            if ranks[i] < least:
                continue
            x = np.int32(math.floor(xs[i] * scale + 0.5))
            y = np.int32(math.floor(ys[i] * scale + 0.5))
            if used > begin and out_xs[used - 1] == x and out_ys[used - 1] == y:
                continue
            out_xs[used] = x
            out_ys[used] = y
            used += 1
        out_offsets[arc + 1] = used
    return out_xs[:used].copy(), out_ys[:used].copy(), out_offsets


@kernel
def arc_areas(xs: FloatArray, ys: FloatArray, offsets: Int64Array, areas: FloatArray) -> None:
    """Write the area between every arc and the origin, seen with x to the right and y up."""
    for arc in range(len(offsets) - 1):
        total = 0.0
        for i in range(offsets[arc], offsets[arc + 1] - 1):
            total += xs[i] * ys[i + 1] - xs[i + 1] * ys[i]
        areas[arc] = total / 2
