"""What rounding turned inside out is closed, what it closed although it is large is opened again.

Theory of operation. Add up how often each face goes round a place: over all faces the sum is one inside the
city, whatever rounding did: borders are shared. So as long as no face goes round a place the wrong way, every
place has exactly one face, and there is neither gap nor overlap. A ring that runs the wrong way is closed by
laying its longest edge along its other edges: it cancels, and the face beyond gives up what it had too much.

Both mends put vertices into borders, for both neighbours alike.
"""

from __future__ import annotations

import numpy as np

from gridmap.kernels.jit import inline_kernel, kernel
from gridmap.types import BoolArray, FloatArray, Int32Array, Int64Array


@inline_kernel
def _segment(
    ax: int,
    ay: int,
    bx: int,
    by: int,
    arcs: Int64Array,
    xs: Int32Array,
    ys: Int32Array,
    offsets: Int64Array,
) -> int:
    """A segment of some arcs between two points, whichever way it runs; -1 where there is none."""
    for signed in arcs:
        arc = ~signed if signed < 0 else signed
        for i in range(offsets[arc], offsets[arc + 1] - 1):
            ahead = xs[i] == ax and ys[i] == ay and xs[i + 1] == bx and ys[i + 1] == by
            back = xs[i] == bx and ys[i] == by and xs[i + 1] == ax and ys[i + 1] == ay
            if ahead or back:
                return i
    return -1


@kernel
def close_turned(
    faces: Int64Array,
    face_arcs: Int64Array,
    arc_places: Int64Array,
    room: Int64Array,
    ring_xs: Int32Array,
    ring_ys: Int32Array,
    ring_sizes: Int32Array,
    ring_counts: Int32Array,
    turned_counts: Int32Array,
    xs: Int32Array,
    ys: Int32Array,
    offsets: Int64Array,
    other: int,
    taken: BoolArray,
    found: Int64Array,
    alongs: FloatArray,
) -> int:
    """Find the vertices that close turned rings: (segment, x, y), and the place of each along its segment.

    `other` edges further than the longest is laid along the others. A segment takes the vertices of one ring
    (`taken`); the others wait for the next round. Gives how many vertices there are.
    """
    count = 0
    for face in faces:
        arcs = face_arcs[arc_places[face] : arc_places[face + 1]]
        begin = room[face]
        for ring in range(ring_counts[face] + turned_counts[face]):
            size = abs(ring_sizes[room[face] + ring])
            if ring >= ring_counts[face]:
                px, py = ring_xs[begin : begin + size], ring_ys[begin : begin + size]
                longest, most = 0, np.int64(-1)
                for i in range(size):
                    j = i + 1 if i + 1 < size else 0
                    dx, dy = np.int64(px[j]) - px[i], np.int64(py[j]) - py[i]
                    if dx * dx + dy * dy > most:
                        longest, most = i, dx * dx + dy * dy
                longest = (longest + other) % size
                j = longest + 1 if longest + 1 < size else 0
                segment = _segment(px[longest], py[longest], px[j], py[j], arcs, xs, ys, offsets)
                if segment >= 0 and not taken[segment]:
                    taken[segment] = True
                    ahead = xs[segment] == px[longest] and ys[segment] == py[longest]
                    for k in range(1, size - 1):
                        i = longest - k if ahead else longest + 1 + k
                        i = i % size
                        found[count, 0], found[count, 1], found[count, 2] = segment, px[i], py[i]
                        alongs[count] = k
                        count += 1
            begin += size
    return count
