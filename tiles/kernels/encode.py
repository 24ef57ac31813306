"""A layer of a tile, as bytes: what is in the square, copied where it is whole, cut where it is not.

Theory of operation. A layer message of the Mapbox Vector Tile specification (2.1) is written in one pass:
features forward from a fixed place, values beside them, and at the end the head in front of it. Nothing is
allocated: the scratch belongs to one thread, and when it is too small the call says so and is made again with
more.

Boxes of features stand in blocks of 32, and those in blocks of 32 again: a square finds its features among
65,000 by looking at a few hundred boxes. Features stand along a Hilbert curve, so neighbours share blocks.

A square may be finer than the rung: coordinates of the rung are shifted left by `shift` bits first. Of points
it may also be coarser (a negative shift).
"""

from __future__ import annotations

import numpy as np

from gridmap.kernels.jit import copy_bytes, declared_kernel, inline_kernel, kernel
from gridmap.types import Int32Array, Int64Array, UInt8Array
from tiles.kernels.feature import cut_polygon
from tiles.kernels.pack import MOVE_TO, put_number, zigzag
from tiles.kernels.parts import Attributes, Rung, Scratch, Square, attributes_at, rung_at, scratch_at

BLOCK = 32
"""Boxes in a block."""

HEAD_ROOM = 512
"""Bytes in front of the features, for the head of the layer."""

FEATURE_ROOM = 128
"""More than all of a feature takes besides its geometry and its own value."""

CUT_ROOM = 16
"""Bytes of a cut polygon for each of the whole one, at most: a step of two bytes can become two of five."""

POINT, POLYGON = 1, 3
"""Types of geometry in the specification."""


@inline_kernel
def _length(value: int) -> int:
    """Bytes of a varint."""
    count = 1
    while value >= 128:
        value >>= 7
        count += 1
    return count


@inline_kernel
def _copy(source: UInt8Array, begin: int, end: int, out: UInt8Array, at: int) -> int:
    """Copy bytes; gives where the next byte goes."""
    size = end - begin
    copy_bytes(out.ctypes.data + at, source.ctypes.data + begin, size)
    return at + size


@inline_kernel
def _apart(boxes: Int32Array, i: int, west: int, north: int, east: int, south: int) -> bool:
    """Whether a box lies outside a square; boxes that touch do not."""
    return (boxes[i, 0] > east) | (boxes[i, 2] < west) | (boxes[i, 1] > south) | (boxes[i, 3] < north)


@inline_kernel
def _within(boxes: Int32Array, i: int, west: int, north: int, east: int, south: int) -> bool:
    """Whether a box lies within a square."""
    return (boxes[i, 0] >= west) & (boxes[i, 2] <= east) & (boxes[i, 1] >= north) & (boxes[i, 3] <= south)


@kernel
def block_boxes(boxes: Int32Array) -> Int32Array:
    """The boxes around runs of BLOCK boxes."""
    count = (len(boxes) + BLOCK - 1) // BLOCK
    out = np.empty((count, 4), np.int32)
    for block in range(count):
        run = boxes[block * BLOCK : (block + 1) * BLOCK]
        out[block, 0], out[block, 1] = run[:, 0].min(), run[:, 1].min()
        out[block, 2], out[block, 3] = run[:, 2].max(), run[:, 3].max()
    return out


@inline_kernel
def _put_tags(
    row: int,
    owned: int,
    columns: int,
    shared: Int32Array,
    value_places: Int64Array,
    messages: UInt8Array,
    stamps: Int64Array,
    numbers: Int32Array,
    tick: int,
    side: UInt8Array,
    values: int,
    count: int,
) -> tuple[int, int, int]:
    """Write a feature's tags to the beginning of `side`, and values that are new from `values` on.

    Its own values have the numbers from `count` on. Gives where values go on, the next value's number, and
    how many bytes of tags there are.
    """
    tags = 0
    for column in range(owned):
        side[tags] = column
        tags = put_number(side, tags + 1, count)
        count += 1
    for column in range(columns):
        value = shared[row * columns + column]
        if stamps[value] != tick:
            stamps[value] = tick
            numbers[value] = count
            values = _copy(messages, value_places[value], value_places[value + 1], side, values)
            count += 1
        side[tags] = owned + column
        tags = put_number(side, tags + 1, np.int64(numbers[value]))
    return values, count, tags


@inline_kernel
def _open_feature(
    identity: int, side: UInt8Array, tags: int, kind: int, size: int, out: UInt8Array, at: int
) -> int:
    """Write a feature up to its geometry, which takes `size` bytes."""
    body = 1 + _length(identity) + 1 + _length(tags) + tags + 2 + 1 + _length(size) + size
    out[at] = 0x12
    at = put_number(out, at + 1, body)
    out[at] = 0x08
    at = put_number(out, at + 1, identity)
    out[at] = 0x12
    at = put_number(out, at + 1, tags)
    at = _copy(side, 0, tags, out, at)
    out[at], out[at + 1], out[at + 2] = 0x18, kind, 0x22
    return put_number(out, at + 3, size)


@kernel
def _find(rung: Rung, square: Square, found: Int64Array) -> int:
    """Write which features may be in a square, in their order; gives how many."""
    boxes, blocks, supers = rung.boxes, rung.blocks, rung.supers
    low, high = square.low, square.high
    shift, finer = max(square.shift, 0), max(-square.shift, 0)
    more = (1 << shift) + (1 << finer) - 2
    west, north = ((square.left + low) << finer) >> shift, ((square.top + low) << finer) >> shift
    east = (((square.left + high) << finer) + more) >> shift
    south = (((square.top + high) << finer) + more) >> shift
    count = 0
    for outer in range(len(supers)):
        if _apart(supers, outer, west, north, east, south):
            continue
        for block in range(outer * BLOCK, min((outer + 1) * BLOCK, len(blocks))):
            if _apart(blocks, block, west, north, east, south):
                continue
            for feature in range(block * BLOCK, min((block + 1) * BLOCK, len(boxes))):
                if not _apart(boxes, feature, west, north, east, south):
                    found[count] = feature
                    count += 1
    return count


@kernel
def _put_features(
    rung: Rung, attributes: Attributes, scratch: Scratch, kind: int, square: Square, candidates: int
) -> tuple[int, int, int]:
    """Write the candidates that are in a square; gives where features and values end, and how many values.

    -1 and the bytes that would be needed when the scratch is too small. Arrays are taken out of their tuples
    before the loop: inside it each of them would cost two calls to count references.
    """
    rows, boxes, starts, places, data = rung.rows, rung.boxes, rung.starts, rung.places, rung.data
    out, side, stamps, numbers = scratch.out, scratch.side, scratch.stamps, scratch.numbers
    found, tick = scratch.found, scratch.tick[0]
    ids, own_places, own, shared = attributes.ids, attributes.own_places, attributes.own, attributes.shared
    value_places, messages, owned = attributes.value_places, attributes.values, attributes.owned[0]
    columns = len(shared) // len(ids)
    low, high = square.low, square.high
    shift, finer = max(square.shift, 0), max(-square.shift, 0)
    west, north, east, south = square.left + low, square.top + low, square.left + high, square.top + high
    at, values, count = HEAD_ROOM, FEATURE_ROOM, 0
    for candidate in range(candidates):
        feature = found[candidate]
        row, begin, end = np.int64(rows[feature]), places[feature], places[feature + 1]
        x = ((np.int64(starts[feature, 0]) << shift) >> finer) - square.left
        y = ((np.int64(starts[feature, 1]) << shift) >> finer) - square.top
        if kind == POINT and (x < low or y < low or x > high or y > high):
            continue
        whole = kind == POINT or (shift == 0 and _within(boxes, feature, west, north, east, south))
        own_size = own_places[row + 1] - own_places[row]
        need = (1 if whole else CUT_ROOM) * (end - begin) + own_size + 4 * FEATURE_ROOM
        if at + need > len(out) or values + need > len(side):
            return -1, max(at, values) + need, 0
        geometry = written = values + own_size + 2 * FEATURE_ROOM
        if not whole:
            written = cut_polygon(rung, feature, square, scratch, geometry)
            if written == geometry:
                continue
        values = _copy(own, own_places[row], own_places[row + 1], side, values)
        values, count, tags = _put_tags(
            row, owned, columns, shared, value_places, messages, stamps, numbers, tick, side, values, count
        )  # fmt: skip
        if whole:
            x, y = zigzag(x), zigzag(y)
            size = 1 + _length(x) + _length(y) + end - begin
            at = _open_feature(ids[row], side, tags, kind, size, out, at)
            out[at] = MOVE_TO
            at = put_number(out, put_number(out, at + 1, x), y)
            at = _copy(data, begin, end, out, at)
        else:
            at = _open_feature(ids[row], side, tags, kind, written - geometry, out, at)
            at = _copy(side, geometry, written, out, at)
    return at, values, count


@kernel
def _close(
    attributes: Attributes, side: UInt8Array, values: int, out: UInt8Array, at: int
) -> tuple[int, int]:
    """Put values and keys behind the features and the head before them."""
    if at + values + len(attributes.tail) > len(out):
        return -1, at + values + len(attributes.tail)
    at = _copy(side, FEATURE_ROOM, values, out, at)
    at = _copy(attributes.tail, 0, len(attributes.tail), out, at)
    head = len(attributes.head)
    size = at - HEAD_ROOM + head
    begin = HEAD_ROOM - head - _length(size) - 1
    out[begin] = 0x1A
    here = put_number(out, begin + 1, size)
    _copy(attributes.head, 0, head, out, here)
    return begin, at


@declared_kernel("UniTuple(int64, 2)(int64, int64, int64, int64, int64, int64, int64, int64, int64)")
def encode_layer(
    rung_address: int,
    attributes_address: int,
    scratch_address: int,
    kind: int,
    shift: int,
    left: int,
    top: int,
    extent: int,
    buffer: int,
) -> tuple[int, int]:
    """Write the layer of the square whose corner is (left, top), in units of the tile.

    Gives the first byte in the scratch's `out` and the one behind the last; 0, 0 when nothing is in the
    square, and -1 with the bytes that would be needed when the scratch is too small.
    """
    rung, attributes = rung_at(rung_address), attributes_at(attributes_address)
    scratch = scratch_at(scratch_address)
    scratch.tick[0] += 1
    square = Square(left, top, -buffer, extent + buffer, shift)
    candidates = _find(rung, square, scratch.found)
    at, values, count = _put_features(rung, attributes, scratch, kind, square, candidates)
    if at < 0:
        return at, values
    if count == 0:
        return 0, 0
    return _close(attributes, scratch.side, values, scratch.out, at)
