"""Building an index: edges to blocks, blocks to cells, and again only where a border has moved.

A block is built from the edges that touch it and the face at its corner, and from nothing else. So an index
whose borders have moved a little takes every other block from the old one, byte for byte what a full build
would make.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.errors import GridmapError
from gridmap.index.parts import NO_WILD, Parts
from gridmap.index.plan import blocks_over, choose_rung, default_budget_mb, depths_at
from gridmap.kernels import cells as kernels
from gridmap.kernels.halfplanes import UNIT
from gridmap.kernels.jit import in_threads
from gridmap.kernels.match import match_edges
from gridmap.kernels.overlap import heavy_bins, walk_in_boxes
from gridmap.kernels.spread import spread_over_blocks

if TYPE_CHECKING:
    from gridmap.coverage.edges import Edges
    from gridmap.index.parts import Wild
    from gridmap.index.plan import Blocks
    from gridmap.types import AnyArray, Int32Array, Int64Array, UInt8Array

_NO_HEAVY: Final = np.empty(0, np.int64), np.zeros(1, np.int64), np.empty(0, np.int32)

SMALLEST_SLICE: Final = 1_024
"""Blocks for each thread at least; one takes 20 microseconds or so."""


def upward(edges: Edges) -> Int32Array:
    """Write edges (n, 6) as the index has them: upwards, then the face on the left and on the right."""
    points = edges.vertices.astype(np.int32)
    low, high = points[edges.lows], points[edges.highs]
    down = low[:, 1] > high[:, 1]
    out = np.empty((len(edges), 6), np.int32)
    out[:, 0:2] = np.where(down[:, None], high, low)
    out[:, 2:4] = np.where(down[:, None], low, high)
    out[:, 4] = np.where(down, edges.right, edges.left)
    out[:, 5] = np.where(down, edges.left, edges.right)
    return out


def build(
    edges: Int32Array,
    faces: int,
    *,
    single: bool,
    wild: Wild = NO_WILD,
    budget_mb: int | None = None,
    threads: int | None = None,
    old: Parts | None = None,
) -> Parts:
    """Build the parts of an index of upward edges.

    `single` promises that no point lies in the inside of two faces. With `old`, an index of nearly the same
    edges, only what differs is built. InputError: the budget is too small.
    """
    blocks = _blocks(edges, wild, faces)
    spread = _spread(edges, blocks)
    rung = choose_rung(
        spread.crossings, int(spread.places[-1]), blocks.bits, budget_mb or default_budget_mb(faces)
    )
    depths = depths_at(rung, spread.crossings, blocks.bits).astype(np.uint8)
    work = _Work(edges, spread, depths, blocks, single, threads)
    if old is not None and single and old.single and (old.blocks, old.rung) == (blocks, rung):
        parts = _renewed(work, old)
    else:
        parts = _whole(work)
    heavy = _NO_HEAVY
    if not single:
        places = spread.places, spread.entries
        heavy = heavy_bins(edges, *places, depths, *_frame(blocks), parts["bin_base"], parts["bin_sums"])
    if len(wild.rows):
        cell_base = parts["root"] >> 8
        walk_in_boxes(wild.boxes, *_frame(blocks), depths, cell_base, parts["cells"])
    return Parts(
        blocks,
        rung,
        faces,
        single,
        **parts,
        edges=edges,
        heavy_bins=heavy[0],
        heavy_places=heavy[1],
        heavy_rows=heavy[2],
        wild_boxes=wild.boxes,
        wild_rows=wild.rows,
        wild_places=wild.places,
        wild_edges=wild.edges,
        crossings=spread.crossings,
    )


@dataclass(frozen=True)
class _Spread:
    """Edges given to blocks: those of block b are entries[places[b]:places[b + 1]]; faces at its corner."""

    places: Int64Array
    entries: Int32Array
    crossings: Int64Array
    sums: Int64Array


@dataclass(frozen=True)
class _Work:
    """What is to be built."""

    edges: Int32Array
    spread: _Spread
    depths: UInt8Array
    blocks: Blocks
    single: bool
    threads: int | None

    @cached_property
    def bin_base(self) -> Int64Array:
        inner = np.maximum(self.depths.astype(np.int64) - kernels.BIN_BITS, 0)
        return _summed(np.left_shift(np.int64(1), 2 * inner))

    @cached_property
    def cell_base(self) -> Int64Array:
        return _summed(np.left_shift(np.int64(1), 2 * self.depths.astype(np.int64)))


def _frame(blocks: Blocks) -> tuple[int, int, int, int]:
    return blocks.bits, blocks.column0, blocks.row0, blocks.columns


def _summed(counts: Int64Array) -> Int64Array:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _blocks(edges: Int32Array, wild: Wild, faces: int) -> Blocks:
    ends = np.concatenate([edges[:, 0:2], edges[:, 2:4], wild.boxes[:, 0:2], wild.boxes[:, 2:4]])
    if len(ends) == 0:
        ends = np.zeros((1, 2), np.int32)
    low, high = ends.min(axis=0), ends.max(axis=0)
    return blocks_over((int(low[0]), int(low[1])), (int(high[0]), int(high[1])), faces)


def _spread(edges: Int32Array, blocks: Blocks) -> _Spread:
    places, crossings = np.zeros(len(blocks) + 1, np.int64), np.zeros(len(blocks), np.int64)
    frame = _frame(blocks)
    spread_over_blocks(edges, *frame, places, np.empty(0, np.int32), crossings)
    places = np.cumsum(places)
    entries = np.empty(max(1, int(places[-1])), np.int32)
    spread_over_blocks(edges, *frame, places[:-1].copy(), entries, crossings)
    sums = np.zeros((len(blocks), 2), np.int64)
    if kernels.walk_block_corners(edges, places, entries, *frame, sums):
        raise GridmapError(
            "These edges are the border of nothing: they do not close. This is a fault of gridmap."
        )
    return _Spread(places, entries, crossings, sums)


def _whole(work: _Work) -> dict[str, AnyArray]:
    every = np.arange(len(work.blocks), dtype=np.int64)
    units, bins = _counted(work, every)
    parts = _empty(work, _summed(units), _summed(bins))
    _fill(work, every, parts, _summed(units))
    return parts


def _renewed(work: _Work, old: Parts) -> dict[str, AnyArray]:
    """Take the blocks that are as they were from the old index, and build the others."""
    number, changed = _changed(work, old)
    some = np.flatnonzero(changed).astype(np.int64)
    units, bins = _counted(work, some)
    old_units = np.append(old.unit_base, len(old.units)).astype(np.int64)
    clean = ~changed
    units[clean] = np.diff(old_units)[clean]
    clean_bins = np.repeat(clean, np.diff(work.bin_base))
    bins[clean_bins] = np.diff(old.bin_places)[np.repeat(clean, np.diff(old.bin_base))]
    unit_base, bin_places = _summed(units), _summed(bins)
    parts = _empty(work, unit_base, bin_places)
    entries = number[old.bin_entries]
    old_cells = np.append(old.root >> 8, len(old.cells))
    edges_base = bin_places[work.bin_base], old.bin_places[old.bin_base]
    for first, last in _runs(clean):
        for name, values, (new_base, old_base) in (
            ("cells", old.cells, (work.cell_base, old_cells)),
            ("units", old.units, (unit_base, old_units)),
            ("bin_sums", old.bin_sums, (work.bin_base, old.bin_base)),
            ("bin_entries", entries, edges_base),
        ):
            parts[name][new_base[first] : new_base[last]] = values[old_base[first] : old_base[last]]
    _fill(work, some, parts, unit_base)
    return parts


def _changed(work: _Work, old: Parts) -> tuple[Int32Array, AnyArray]:
    """The new number of each old edge, and which blocks have other edges or another face at their corner."""
    number, fresh = match_edges(old.edges, work.edges)
    gone = old.edges[number < 0]
    frame = _frame(work.blocks)
    changed = np.zeros(len(work.blocks), np.bool_)
    for lines in (gone, work.edges[fresh]):
        touched = np.zeros(len(work.blocks) + 1, np.int64)
        spread_over_blocks(
            lines, *frame, touched, np.empty(0, np.int32), np.zeros(len(work.blocks), np.int64)
        )
        changed |= touched[1:] > 0
    changed |= (work.spread.sums != old.bin_sums[old.bin_base[:-1]]).any(axis=1)
    return number, changed


def _runs(clean: AnyArray) -> list[tuple[int, int]]:
    """The stretches of blocks that are all clean."""
    bounds = np.flatnonzero(np.diff(np.concatenate([[False], clean, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in bounds.reshape(-1, 2)]


def _counted(work: _Work, some: Int64Array) -> tuple[Int64Array, Int64Array]:
    """How many units each block has, and how many edges each bin; 0 for blocks not asked for."""
    units = np.zeros(len(work.blocks) + 1, np.int64)
    bins = np.zeros(work.bin_base[-1] + 1, np.int64)
    nothing = np.empty(0, np.int32)
    _run(
        work,
        some,
        units,
        bins,
        nothing,
        np.empty((0, 2), np.int64),
        np.empty(0, np.uint32),
        nothing,
        fill=False,
    )
    return units[1:], bins[1:]


def _empty(work: _Work, unit_base: Int64Array, bin_places: Int64Array) -> dict[str, AnyArray]:
    shifts = work.blocks.bits - work.depths.astype(np.int64)
    return {
        "root": (work.cell_base[:-1] << 8) | shifts,
        "unit_base": unit_base[:-1].astype(np.uint32),
        "cells": np.empty(int(work.cell_base[-1]), np.uint32),
        "units": np.empty((int(unit_base[-1]), UNIT), np.int32),
        "bin_base": work.bin_base,
        "bin_places": bin_places,
        "bin_entries": np.empty(int(bin_places[-1]), np.int32),
        "bin_sums": np.empty((int(work.bin_base[-1]), 2), np.int64),
    }


def _fill(work: _Work, some: Int64Array, parts: dict[str, AnyArray], unit_base: Int64Array) -> None:
    _run(
        work,
        some,
        unit_base,
        parts["bin_places"],
        parts["bin_entries"],
        parts["bin_sums"],
        parts["cells"],
        parts["units"].reshape(-1),
        fill=True,
    )


def _run(
    work: _Work,
    some: Int64Array,
    units_at: Int64Array,
    bin_places: Int64Array,
    bin_entries: Int32Array,
    bin_sums: Int64Array,
    cells: AnyArray,
    units: Int32Array,
    *,
    fill: bool,
) -> None:
    spread = work.spread
    source = work.edges, spread.places, spread.entries, spread.sums, work.depths
    bases = work.bin_base, work.cell_base, units_at, bin_places
    out = bin_entries, bin_sums, cells, units
    shared = (_frame(work.blocks), source, bases, out, work.single, fill)
    in_threads(kernels.build_blocks, [some], work.threads, shared=shared, smallest=SMALLEST_SLICE)
