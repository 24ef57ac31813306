"""A polygon of a rung in the units of a tile: read from its bytes, cut to the square, written again."""

from __future__ import annotations

import numpy as np

from gridmap.kernels.jit import inline_kernel, kernel
from gridmap.types import Int64Array, UInt8Array
from tiles.kernels.clip import clip
from tiles.kernels.pack import CLOSE_PATH, LINE_TO, MOVE_TO, get_number, put_number, unzigzag, zigzag
from tiles.kernels.parts import Rung, Scratch, Square

WRITTEN = -(1 << 62)
"""Twice the area of a hole that is written: larger than any shell."""


@inline_kernel
def _step(data: UInt8Array, at: int, x: int, y: int) -> tuple[int, int, int]:
    """Read a step: where the pen is then, and where the next byte is."""
    dx, at = get_number(data, at)
    dy, at = get_number(data, at)
    return x + unzigzag(dx), y + unzigzag(dy), at


@kernel
def _read_short(
    rung: Rung, feature: int, square: Square, xs: Int64Array, ys: Int64Array, ends: Int64Array
) -> int:
    """Read a feature's rings from its bytes, in units of the tile; gives how many rings."""
    data = rung.data[rung.places[feature] : rung.places[feature + 1]]
    shift, left, top = square.shift, square.left, square.top
    x, y = np.int64(rung.starts[feature, 0]), np.int64(rung.starts[feature, 1])
    rings = used = at = 0
    while at < len(data):
        if at > 0:
            x, y, at = _step(data, at + 1, x, y)
        command, at = get_number(data, at)
        xs[used], ys[used] = (x << shift) - left, (y << shift) - top
        used += 1
        for _ in range(command >> 3):
            x, y, at = _step(data, at, x, y)
            xs[used], ys[used] = (x << shift) - left, (y << shift) - top
            used += 1
        at += 1
        ends[rings] = used
        rings += 1
    return rings


@kernel
def _read_long(
    rung: Rung, feature: int, square: Square, xs: Int64Array, ys: Int64Array, ends: Int64Array
) -> int:
    """As `_read_short`, but of a chunk beyond one side of the square only the first and last points are read.

    That changes nothing inside, and no way round a place inside.
    """
    data = rung.data[rung.places[feature] : rung.places[feature + 1]]
    shift, left, top, low, high = square.shift, square.left, square.top, square.low, square.high
    rings = used = 0
    for number in range(rung.chunk_places[feature], rung.chunk_places[feature + 1]):
        chunk = rung.chunks[number]
        x, y, at = np.int64(chunk[2]), np.int64(chunk[3]), np.int64(chunk[10])
        if chunk[1] == 1:
            if used > 0:
                ends[rings] = used
                rings += 1
            xs[used], ys[used] = (x << shift) - left, (y << shift) - top
            used += 1
        west, north = (np.int64(chunk[6]) << shift) - left, (np.int64(chunk[7]) << shift) - top
        east, south = (np.int64(chunk[8]) << shift) - left, (np.int64(chunk[9]) << shift) - top
        if east <= low or west >= high or south <= low or north >= high:
            xs[used] = (np.int64(chunk[4]) << shift) - left
            ys[used] = (np.int64(chunk[5]) << shift) - top
            used += 1
            continue
        for _ in range(chunk[0]):
            x, y, at = _step(data, at, x, y)
            xs[used], ys[used] = (x << shift) - left, (y << shift) - top
            used += 1
    ends[rings] = used
    return rings + 1


@kernel
def _put_ring(
    xs: Int64Array, ys: Int64Array, begin: int, end: int, x: int, y: int, out: UInt8Array, at: int
) -> int:
    """Write a ring, from where the pen is."""
    out[at] = MOVE_TO
    at = put_number(out, at + 1, zigzag(xs[begin] - x))
    at = put_number(out, at, zigzag(ys[begin] - y))
    at = put_number(out, at, ((end - begin - 1) << 3) | LINE_TO)
    for i in range(begin + 1, end):
        at = put_number(out, at, zigzag(xs[i] - xs[i - 1]))
        at = put_number(out, at, zigzag(ys[i] - ys[i - 1]))
    out[at] = CLOSE_PATH
    return at + 1


@inline_kernel
def _goes_round(xs: Int64Array, ys: Int64Array, begin: int, end: int, px: int, py: int) -> bool:
    """Whether a ring goes round a point given in doubled coordinates, which lies on none of its edges."""
    inside = False
    ax, ay = 2 * xs[end - 1], 2 * ys[end - 1]
    for i in range(begin, end):
        bx, by = 2 * xs[i], 2 * ys[i]
        if (ay > py) != (by > py):
            side = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
            if (side > 0) == (by > ay):
                inside = not inside
        ax, ay = bx, by
    return inside


@kernel
def _put_rings(scratch: Scratch, rings: int, at: int) -> int:
    """Write the cut rings to `side`: every shell, then its holes; gives where the geometry ends."""
    xs, ys, ends, areas = scratch.cut_xs, scratch.cut_ys, scratch.cut_ends, scratch.areas
    shells = holes = 0
    for ring in range(rings):
        if areas[ring] > 0:
            shells += 1
        else:
            holes += 1
    x = y = 0
    for shell in range(rings):
        if areas[shell] < 0:
            continue
        begin = 0 if shell == 0 else ends[shell - 1]
        at = _put_ring(xs, ys, begin, ends[shell], x, y, scratch.side, at)
        x, y = xs[ends[shell] - 1], ys[ends[shell] - 1]
        if holes == 0:
            continue
        for hole in range(rings):
            first = 0 if hole == 0 else ends[hole - 1]
            if areas[hole] > 0 or -areas[hole] > areas[shell]:
                continue
            px, py = xs[first] + xs[first + 1], ys[first] + ys[first + 1]
            if shells > 1 and not _goes_round(xs, ys, begin, ends[shell], px, py):
                continue
            at = _put_ring(xs, ys, first, ends[hole], x, y, scratch.side, at)
            x, y = xs[ends[hole] - 1], ys[ends[hole] - 1]
            areas[hole] = WRITTEN
    return at


@kernel
def cut_polygon(rung: Rung, feature: int, square: Square, scratch: Scratch, at: int) -> int:
    """Write what is in the square of a polygon to `side` from `at` on; gives where it ends (at: nothing)."""
    if rung.chunk_places[feature] == rung.chunk_places[feature + 1]:
        rings = _read_short(rung, feature, square, scratch.xs, scratch.ys, scratch.ends)
    else:
        rings = _read_long(rung, feature, square, scratch.xs, scratch.ys, scratch.ends)
    return _put_rings(scratch, clip(scratch, rings, square.low, square.high), at)
