"""Rings as they stand in a tile: the bytes of a feature's geometry, made once for every rung.

A geometry of the Mapbox Vector Tile specification (2.1, section 4.3) is a run of steps, and only its first
one depends on the tile. So all that follows is kept ready, and a polygon that lies wholly within a tile is
copied. Kept are, for each feature: its row, its box, its first point, and where its bytes begin.

Long features also get *chunks*: runs of at most CHUNK points of one ring, with their box. A chunk beyond one
side of a tile cannot matter but by its first and last point, so a district of 30,000 points is cut in
microseconds.
"""

from __future__ import annotations

import numpy as np

from gridmap.kernels.jit import inline_kernel, kernel
from gridmap.types import Int32Array, Int64Array, UInt8Array

CHUNK = 64
"""Points in a chunk."""

CHUNK_FIELDS = 11
"""What is kept of a chunk; `fill_chunks` says what."""

LONG = 192
"""Points of a feature from which on it has chunks."""

BYTES_PER_POINT = 12
"""At most: two steps of five bytes, and the commands of a ring of three points."""

MOVE_TO = 9
CLOSE_PATH = 15
LINE_TO = 2


@inline_kernel
def put_number(out: UInt8Array, at: int, value: int) -> int:
    """Write a varint; gives where the next byte goes."""
    while value >= 128:
        out[at] = (value & 127) | 128
        value >>= 7
        at += 1
    out[at] = value
    return at + 1


@inline_kernel
def zigzag(value: int) -> int:
    """A signed number as an unsigned one: 0, -1, 1, -2 ... become 0, 1, 2, 3 ..."""
    return (value << 1) ^ (value >> 63)


@kernel
def _put_ring(xs: Int32Array, ys: Int32Array, x: int, y: int, first: bool, out: UInt8Array, at: int) -> int:
    """Write a ring, from where the pen is; of the first ring of a feature without the step to its start."""
    if not first:
        out[at] = MOVE_TO
        at = put_number(out, at + 1, zigzag(xs[0] - x))
        at = put_number(out, at, zigzag(ys[0] - y))
    at = put_number(out, at, ((len(xs) - 1) << 3) | LINE_TO)
    x, y = np.int64(xs[0]), np.int64(ys[0])
    for i in range(1, len(xs)):
        at = put_number(out, at, zigzag(xs[i] - x))
        at = put_number(out, at, zigzag(ys[i] - y))
        x, y = np.int64(xs[i]), np.int64(ys[i])
    out[at] = CLOSE_PATH
    return at + 1


@kernel
def pack_features(
    order: Int64Array,
    xs: Int32Array,
    ys: Int32Array,
    room: Int64Array,
    ring_sizes: Int32Array,
    ring_counts: Int32Array,
    rows: Int32Array,
    boxes: Int32Array,
    starts: Int32Array,
    places: Int64Array,
    out: UInt8Array,
) -> tuple[int, int]:
    """Pack the faces that have rings, in an order; gives how many there are, and how many bytes.

    Of feature i: rows[i], boxes[i] (west, north, east, south; y down), starts[i], and its bytes at
    places[i]:places[i + 1].
    """
    count = at = 0
    places[0] = 0
    for face in order:
        rings = ring_counts[face]
        if rings == 0:
            continue
        begin = point = room[face]
        x, y = np.int64(xs[begin]), np.int64(ys[begin])
        for ring in range(rings):
            size = abs(ring_sizes[begin + ring])
            at = _put_ring(xs[point : point + size], ys[point : point + size], x, y, ring == 0, out, at)
            point += size
            x, y = np.int64(xs[point - 1]), np.int64(ys[point - 1])
        rows[count] = face
        boxes[count, 0], boxes[count, 2] = xs[begin:point].min(), xs[begin:point].max()
        boxes[count, 1], boxes[count, 3] = ys[begin:point].min(), ys[begin:point].max()
        starts[count, 0], starts[count, 1] = xs[begin], ys[begin]
        count += 1
        places[count] = at
    return count, at


@inline_kernel
def get_number(data: UInt8Array, at: int) -> tuple[int, int]:
    """Read a varint: the number, and where the next byte is."""
    byte = np.int64(data[at])
    at += 1
    value = byte & 127
    shift = 7
    while byte >= 128:
        byte = np.int64(data[at])
        at += 1
        value |= (byte & 127) << shift
        shift += 7
    return value, at


@inline_kernel
def unzigzag(value: int) -> int:
    """The inverse of `zigzag`."""
    return (value >> 1) ^ -(value & 1)


@kernel
def count_chunks(places: Int64Array, data: UInt8Array, chunk_places: Int64Array) -> None:
    """Write where the chunks of every feature begin; a short feature has none."""
    chunk_places[0] = 0
    for feature in range(len(places) - 1):
        at, end = places[feature], places[feature + 1]
        chunks = points = 0
        first = True
        while at < end:
            if not first:
                _, at = get_number(data, at + 1)
                _, at = get_number(data, at)
            command, at = get_number(data, at)
            steps = command >> 3
            for _ in range(2 * steps):
                _, at = get_number(data, at)
            at += 1
            chunks += (steps + CHUNK) // CHUNK
            points += steps + 1
            first = False
        chunk_places[feature + 1] = chunk_places[feature] + (chunks if points >= LONG else 0)


@kernel
def fill_chunks(
    starts: Int32Array, places: Int64Array, data: UInt8Array, chunk_places: Int64Array, chunks: Int32Array
) -> None:
    """Write the chunks of long features.

    A chunk is (steps; 1 where it begins a ring, else 0; first x, y; last x, y; west, north, east, south;
    where its steps begin, from the beginning of the feature's bytes). Its first point is the last one of the
    chunk before, unless it begins a ring.
    """
    for feature in range(len(places) - 1):
        here = chunk_places[feature]
        if chunk_places[feature + 1] == here:
            continue
        at, end = places[feature], places[feature + 1]
        x, y = np.int64(starts[feature, 0]), np.int64(starts[feature, 1])
        first = True
        while at < end:
            if not first:
                step, at = get_number(data, at + 1)
                x += unzigzag(step)
                step, at = get_number(data, at)
                y += unzigzag(step)
            command, at = get_number(data, at)
            left = command >> 3
            begins = 1
            while left > 0 or begins == 1:
                chunk = chunks[here]
                here += 1
                size = min(left, CHUNK - begins)
                chunk[0], chunk[1], chunk[2], chunk[3] = size, begins, x, y
                chunk[6], chunk[7], chunk[8], chunk[9] = x, y, x, y
                chunk[10] = at - places[feature]
                for _ in range(size):
                    step, at = get_number(data, at)
                    x += unzigzag(step)
                    step, at = get_number(data, at)
                    y += unzigzag(step)
                    chunk[6], chunk[8] = min(chunk[6], x), max(chunk[8], x)
                    chunk[7], chunk[9] = min(chunk[7], y), max(chunk[9], y)
                chunk[4], chunk[5] = x, y
                left -= size
                begins = 0
            at += 1
            first = False


@kernel
def gather(
    begins: Int64Array, places: Int64Array, one: UInt8Array, other: UInt8Array, out: UInt8Array
) -> None:
    """Copy the bytes of features, from `begins[i]` on, to places[i]:places[i + 1].

    Places behind the end of `one` are in `other`.
    """
    for feature in range(len(begins)):
        begin, at = begins[feature], places[feature]
        size = places[feature + 1] - at
        if begin < len(one):
            out[at : at + size] = one[begin : begin + size]
        else:
            out[at : at + size] = other[begin - len(one) : begin - len(one) + size]
