"""What the encoder works on: a layer's geometry at a zoom, what its features say, and a thread's scratch.

Each is a tuple of arrays. To hand over thirty arrays costs as much as to make a small tile, so a call hands
over three numbers: the addresses of tables that hold the address and the length of every array. `table_of`
makes such a table; whoever makes it keeps it and the arrays alive.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gridmap.kernels.jit import array_at, inline_kernel
from gridmap.types import AnyArray, BoolArray, FloatArray, Int32Array, Int64Array, UInt8Array
from tiles.kernels.pack import CHUNK_FIELDS


class Rung(NamedTuple):
    """The geometry of a layer at a zoom; `tiles.kernels.pack` says how. A point has a start and no bytes."""

    rows: Int32Array
    boxes: Int32Array
    blocks: Int32Array
    supers: Int32Array
    starts: Int32Array
    places: Int64Array
    data: UInt8Array
    chunk_places: Int64Array
    chunks: Int32Array


class Attributes(NamedTuple):
    """What the features of a layer say, by row: the id, values of their own, values that they share.

    The messages of its own values are own[own_places[row]:own_places[row + 1]], `owned[0]` of them; `shared`
    (rows times columns, flat) numbers the messages values[value_places[i]:value_places[i + 1]].
    """

    ids: Int64Array
    owned: Int64Array
    own_places: Int64Array
    own: UInt8Array
    shared: Int32Array
    value_places: Int64Array
    values: UInt8Array
    head: UInt8Array
    tail: UInt8Array


class Scratch(NamedTuple):
    """What one thread writes on; `tick` counts layers, so that no stamp need be wiped."""

    found: Int64Array
    out: UInt8Array
    side: UInt8Array
    stamps: Int64Array
    numbers: Int32Array
    tick: Int64Array
    xs: Int64Array
    ys: Int64Array
    ends: Int64Array
    chain_xs: Int64Array
    chain_ys: Int64Array
    bounds: Int64Array
    ways: FloatArray
    order: Int64Array
    used: BoolArray
    on_sides: Int64Array
    cut_xs: Int64Array
    cut_ys: Int64Array
    cut_ends: Int64Array
    areas: Int64Array


class Square(NamedTuple):
    """A square of the map: its corner in units of the tile, what is cut away, and how much finer it is."""

    left: int
    top: int
    low: int
    high: int
    shift: int


def table_of(arrays: Rung | Attributes | Scratch) -> Int64Array:
    """The table of a tuple of arrays: address and first length of each."""
    table = np.zeros(2 * len(arrays), np.int64)
    each: AnyArray
    for place, each in enumerate(arrays):
        table[2 * place], table[2 * place + 1] = each.ctypes.data, len(each)
    return table


@inline_kernel
def _numbers(table: Int64Array, place: int) -> Int64Array:
    return array_at(table[2 * place], table[2 * place + 1], np.int64)


@inline_kernel
def _small(table: Int64Array, place: int) -> Int32Array:
    return array_at(table[2 * place], table[2 * place + 1], np.int32)


@inline_kernel
def _wide(table: Int64Array, place: int, width: int) -> Int32Array:
    return array_at(table[2 * place], (table[2 * place + 1], width), np.int32)


@inline_kernel
def _bytes(table: Int64Array, place: int) -> UInt8Array:
    return array_at(table[2 * place], table[2 * place + 1], np.uint8)


@inline_kernel
def rung_at(address: int) -> Rung:
    """The rung whose table is at an address."""
    t = array_at(address, 18, np.int64)
    return Rung(
        _small(t, 0),
        _wide(t, 1, 4),
        _wide(t, 2, 4),
        _wide(t, 3, 4),
        _wide(t, 4, 2),
        _numbers(t, 5),
        _bytes(t, 6),
        _numbers(t, 7),
        _wide(t, 8, CHUNK_FIELDS),
    )


@inline_kernel
def attributes_at(address: int) -> Attributes:
    """The attributes whose table is at an address."""
    t = array_at(address, 18, np.int64)
    return Attributes(
        _numbers(t, 0),
        _numbers(t, 1),
        _numbers(t, 2),
        _bytes(t, 3),
        _small(t, 4),
        _numbers(t, 5),
        _bytes(t, 6),
        _bytes(t, 7),
        _bytes(t, 8),
    )


@inline_kernel
def scratch_at(address: int) -> Scratch:
    """The scratch whose table is at an address."""
    t = array_at(address, 40, np.int64)
    return Scratch(
        _numbers(t, 0),
        _bytes(t, 1),
        _bytes(t, 2),
        _numbers(t, 3),
        _small(t, 4),
        _numbers(t, 5),
        _numbers(t, 6),
        _numbers(t, 7),
        _numbers(t, 8),
        _numbers(t, 9),
        _numbers(t, 10),
        array_at(t[22], (t[23], 2), np.int64),
        array_at(t[24], (t[25], 2), np.float64),
        _numbers(t, 13),
        array_at(t[28], t[29], np.bool_),
        _numbers(t, 15),
        _numbers(t, 16),
        _numbers(t, 17),
        _numbers(t, 18),
        _numbers(t, 19),
    )
