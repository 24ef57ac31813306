"""What of an edition's borders is still there in the next: arcs by their vertices, faces by code and arcs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tiles.ladder.borders import plain_arcs

if TYPE_CHECKING:
    from gridmap.coverage.arcs import Coverage
    from gridmap.coverage.partition import Partition
    from gridmap.types import BoolArray, Int64Array
    from tiles.ladder.borders import Faces

NONE: Final = -1

_MIX: Final = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))


@dataclass(frozen=True)
class Changes:
    """How an edition's borders follow from another's.

    `old_arcs` is, for each arc, its number in the other edition, NONE for a new one; `new_arcs` the inverse.
    `old_rows` is, for each level and face, its row there when its code and all its arcs are the same, else
    NONE.
    """

    old_arcs: Int64Array
    new_arcs: Int64Array
    old_rows: tuple[Int64Array, ...]


def changes_between(
    before: Partition, old: tuple[Faces, ...], after: Partition, new: tuple[Faces, ...]
) -> Changes:
    """Compare two partitions with the same levels; `old` and `new` are their faces."""
    old_arcs = _matched(after.coverage, before.coverage)
    new_arcs = np.full(len(before.coverage), NONE, np.int64)
    there = np.flatnonzero(old_arcs != NONE)
    new_arcs[old_arcs[there]] = there
    rows = []
    for depth in range(len(new)):
        known = before.levels[depth].row_of
        named = np.array([known.get(code, NONE) for code in after.levels[depth].codes], np.int64)
        rows.append(np.where(_same(new[depth], old[depth], named, old_arcs), named, NONE))
    return Changes(old_arcs, new_arcs, tuple(rows))


def _matched(arcs: Coverage, among: Coverage) -> Int64Array:
    """For each arc the number of the one with the same vertices in the same order, NONE where none has."""
    found = np.full(len(arcs), NONE, np.int64)
    words, others = _words(arcs), _words(among)
    order = np.argsort(others, kind="stable")
    place = np.searchsorted(others[order], words)
    sure = np.flatnonzero(place < len(order))
    sure = sure[others[order[place[sure]]] == words[sure]]
    candidates = order[place[sure]]
    sizes, other_sizes = np.diff(arcs.offsets)[sure], np.diff(among.offsets)[candidates]
    sure, candidates = sure[sizes == other_sizes], candidates[sizes == other_sizes]
    sizes = np.diff(arcs.offsets)[sure]
    run = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    here, there = (
        np.repeat(arcs.offsets[sure], sizes) + run,
        np.repeat(among.offsets[candidates], sizes) + run,
    )
    differ = (arcs.xs[here] != among.xs[there]) | (arcs.ys[here] != among.ys[there])
    wrong = np.unique(np.repeat(np.arange(len(sure)), sizes)[differ])
    good = np.ones(len(sure), np.bool_)
    good[wrong] = False
    found[sure[good]] = candidates[good]
    return found


def _words(arcs: Coverage) -> Int64Array:
    """A number for each arc that mixes all its vertices; the same vertices give the same number."""
    if not len(arcs):
        return np.empty(0, np.int64)
    run = np.arange(len(arcs.xs)) - np.repeat(arcs.offsets[:-1], np.diff(arcs.offsets))
    mixed = (arcs.xs.astype(np.uint64) * _MIX[0]) ^ (arcs.ys.astype(np.uint64) * _MIX[1])
    mixed = (mixed + run.astype(np.uint64)) * _MIX[2]
    mixed ^= mixed >> np.uint64(31)
    return np.add.reduceat(mixed, arcs.offsets[:-1]).view(np.int64)


def _same(new: Faces, old: Faces, named: Int64Array, old_arcs: Int64Array) -> BoolArray:
    """Which faces are bounded by the very arcs by which the face of the same code was, in the same order."""
    sizes = np.diff(new.places)
    same = named != NONE
    same[same] = np.diff(old.places)[named[same]] == sizes[same]
    rows = np.flatnonzero(same)
    many = sizes[rows]
    run = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    mine = new.arcs[np.repeat(new.places[rows], many) + run]
    theirs = old.arcs[np.repeat(old.places[named[rows]], many) + run]
    differ = ((mine < 0) != (theirs < 0)) | (old_arcs[plain_arcs(mine)] != plain_arcs(theirs))
    same[np.unique(np.repeat(rows, many)[differ])] = False
    return np.asarray(same, np.bool_)
