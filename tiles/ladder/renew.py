"""A rung of the next edition from the same rung of the one before: only what a change can reach is made anew.

Theory of operation. Every arc is simplified and rounded by itself, which is quick, so all of them are. What
takes time is to look for meetings, to trace and to pack, and all that depends on neighbours alone. So an arc
that was there before, and what mending did to it (`Edits`), is taken over as it was; new arcs are looked at,
and with them the mended ones near a new or a vanished arc, as if they had never been mended. Faces that
are new, or have one of these arcs or one that mending touched now, are traced and packed; the bytes of all
others are copied. `tests/test_renew.py` holds the result against a ladder built from nothing, byte for byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from tiles.kernels import pack
from tiles.ladder.borders import Faces, plain_arcs
from tiles.ladder.changes import NONE
from tiles.ladder.rungs import Edits, Lines, edits_of, mended, noded, packed, quantised, rungs_of
from tiles.packed import with_boxes

if TYPE_CHECKING:
    from gridmap.types import BoolArray, FloatArray, Int64Array
    from tiles.kernels.parts import Rung
    from tiles.ladder.borders import Borders
    from tiles.ladder.changes import Changes

CROWDED: Final = 0.01
"""Share of arcs that were mended from which on a rung is built from nothing: mends reach each other there."""

REACH: Final = 8
"""Units of the tile within which borders may have met: twice a unit of simplifying, rounding and bending."""


@dataclass(frozen=True)
class Before:
    """What is known of the edition before, for one rung: its rungs by level, and what mending did."""

    rungs: tuple[Rung, ...]
    edits: Edits


def renewed(
    before: Before,
    borders: Borders,
    changes: Changes,
    vanished: FloatArray,
    orders: tuple[Int64Array, ...],
    units: float,
) -> tuple[list[Rung], Edits]:
    """The rung of every level, and what mending did.

    `vanished` (n, 4) are the boxes of arcs that are gone, on the plane; `orders` as for `rungs.rungs_of`.
    """
    if len(before.edits.arcs) > CROWDED * len(changes.new_arcs):
        return rungs_of(borders, orders, units)
    plain = quantised(borders, units)
    kept = _kept(before.edits, changes, _boxes(plain, changes.old_arcs == NONE), vanished * units)
    expected = _substituted(plain, kept)
    touched = changes.old_arcs == NONE
    again = changes.new_arcs[np.setdiff1d(before.edits.arcs, changes.old_arcs[kept.arcs])]
    touched[again[again != NONE]] = True
    lines = noded(expected, _segments(expected, touched))
    sizes = np.diff(expected.offsets)
    while True:
        touched |= np.diff(lines.offsets) != sizes
        dirty = [
            np.union1d(_faces_with(faces, touched), np.flatnonzero(rows == NONE))
            for faces, rows in zip(borders.levels, changes.old_rows, strict=True)
        ]
        chosen = [
            (_picked(faces, which), areas[which])
            for faces, areas, which in zip(borders.levels, borders.areas, dirty, strict=True)
        ]
        lines, traced = mended(lines, chosen, units)
        if not ((np.diff(lines.offsets) != sizes) & ~touched).any():
            break
    rungs = []
    for depth, (each, which) in enumerate(zip(traced, dirty, strict=True)):
        fresh = packed(each, np.arange(len(which)))
        fresh = fresh._replace(rows=which[fresh.rows].astype(np.int32))
        stays = changes.old_rows[depth].copy()
        stays[which] = NONE
        rungs.append(_joined(before.rungs[depth], stays, fresh, orders[depth]))
    return rungs, edits_of(plain, lines)


def _boxes(lines: Lines, arcs: BoolArray) -> FloatArray:
    """The boxes (n, 4) of some arcs, in units of the tile."""
    if not arcs.any():
        return np.empty((0, 4))
    sizes = np.diff(lines.offsets)
    mine = np.repeat(arcs, sizes)
    starts = np.concatenate([[0], np.cumsum(sizes[arcs])])[:-1]
    sides = [
        function.reduceat(values[mine], starts)
        for function, values in (
            (np.minimum, lines.xs),
            (np.minimum, lines.ys),
            (np.maximum, lines.xs),
            (np.maximum, lines.ys),
        )
    ]
    return np.stack(sides, axis=1).astype(np.float64)


def _kept(edits: Edits, changes: Changes, fresh: FloatArray, vanished: FloatArray) -> Edits:
    """What mending did to arcs that are still there and far from every change, by their new numbers.

    What was mended near something that is mended again is mended again too.
    """
    number = changes.new_arcs[edits.arcs]
    boxes = _boxes(Lines(edits.xs, edits.ys, edits.offsets), np.ones(len(edits.arcs), np.bool_))
    gone = number == NONE
    reached = np.concatenate([fresh, vanished, boxes[gone]])
    while len(reached):
        near = np.zeros(len(boxes), np.bool_)
        for box in reached:
            near |= (
                (boxes[:, 0] <= box[2] + REACH)
                & (boxes[:, 2] >= box[0] - REACH)
                & (boxes[:, 1] <= box[3] + REACH)
                & (boxes[:, 3] >= box[1] - REACH)
            )
        reached = boxes[near & ~gone]
        gone |= near
    return edits.chosen(np.flatnonzero(~gone), number)


def _substituted(lines: Lines, edits: Edits) -> Lines:
    """Lines with the arcs that were mended as they were then."""
    sizes = np.diff(lines.offsets)
    sizes[edits.arcs] = np.diff(edits.offsets)
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    xs, ys = np.empty(offsets[-1], np.int32), np.empty(offsets[-1], np.int32)
    own = np.ones(len(sizes), np.bool_)
    own[edits.arcs] = False
    plain = np.repeat(own, np.diff(lines.offsets))
    here = np.repeat(own, sizes)
    xs[here], ys[here] = lines.xs[plain], lines.ys[plain]
    # Edits stand in the order of their arcs.
    xs[~here], ys[~here] = edits.xs, edits.ys
    return Lines(xs, ys, offsets.astype(np.int64))


def _segments(lines: Lines, arcs: BoolArray) -> BoolArray:
    """The segments of some arcs."""
    return np.repeat(arcs, np.diff(lines.offsets))


def _faces_with(faces: Faces, arcs: BoolArray) -> Int64Array:
    """The faces that some arcs bound."""
    face = np.repeat(np.arange(len(faces)), np.diff(faces.places))
    return np.unique(face[arcs[plain_arcs(faces.arcs)]])


def _picked(faces: Faces, which: Int64Array) -> Faces:
    """Some faces, in the order given."""
    sizes = np.diff(faces.places)[which]
    places = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    source = np.repeat(faces.places[which] - places[:-1], sizes) + np.arange(places[-1])
    return Faces(faces.level, faces.arcs[source], places)


def _joined(old: Rung, stays: Int64Array, fresh: Rung, order: Int64Array) -> Rung:
    """Features that stay as they were and fresh ones, in an order.

    `stays` is, for each row, the row that the feature had before; NONE where it is fresh or not drawn.
    """
    before = np.full(max(int(old.rows.max(initial=-1)), int(stays.max(initial=-1))) + 1, NONE, np.int64)
    before[old.rows] = np.arange(len(old.rows))
    source = np.where(stays == NONE, NONE, before[stays] if len(before) else NONE)
    source[fresh.rows] = len(old.rows) + np.arange(len(fresh.rows))
    rows = order[source[order] != NONE]
    picked = source[rows]
    begins = np.concatenate([old.places[:-1], fresh.places[:-1] + len(old.data)])[picked]
    sizes = np.concatenate([np.diff(old.places), np.diff(fresh.places)])[picked]
    places = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    data = np.empty(int(places[-1]), np.uint8)
    pack.gather(begins, places, old.data, fresh.data, data)
    return with_boxes(
        rows.astype(np.int32),
        np.concatenate([old.boxes, fresh.boxes])[picked],
        np.concatenate([old.starts, fresh.starts])[picked],
        places,
        data,
    )
