"""One rung: the borders simplified and rounded for a zoom, mended, traced, and packed as tiles want them.

What rounding does is this, and nothing else:

- A vertex that moves a border by less than a unit of the tile is left out (TOLERANCE), the others go to the
  nearest whole number. Borders that then touch or cross get common vertices.
- A face that encloses nothing any more is not drawn. Its ground is its neighbours', because their borders
  met: a rung has no gap and no overlap, and the areas drawn add up to the area of the city's outline. A face
  that rounding turned inside out is closed (`kernels.mend`).
- **A face of LARGE square units or more is always drawn.** Where rounding closed one, a border of it is bent
  outwards by a unit, for both neighbours alike, until it is open again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.kernels.jit import in_threads
from tiles.kernels import mend, node, pack, simplify, trace
from tiles.kernels.parts import Rung
from tiles.ladder.borders import plain_arcs
from tiles.packed import with_boxes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gridmap.types import BoolArray, FloatArray, Int32Array, Int64Array
    from tiles.ladder.borders import Borders, Faces

    Levels = Sequence[tuple[Faces, FloatArray]]

TOLERANCE: Final = 1.0
"""Units of a tile by which a border may move: an eighth of a pixel of the usual 512."""

LARGE: Final = 4.0
"""Square units from which on a face is always drawn."""

ROUNDS: Final = 12
"""Rounds of mending. Two are usual; raw New York blocks, which are no partition, needed all at low zooms."""

STRIPE: Final = 8_192
"""Vertices in a stripe of the search for meetings: its table takes a few hundred kilobytes."""

PATIENCE: Final = 4
"""Rounds after which a turned ring is closed along another of its edges: two may turn each other for ever."""

FACES_AT_ONCE: Final = 2_048
"""Faces that a thread traces at least."""


@dataclass
class Lines:
    """Borders in whole numbers: the vertices of arc i are offsets[i]:offsets[i + 1]."""

    xs: Int32Array
    ys: Int32Array
    offsets: Int64Array


@dataclass
class Traced:
    """The rings of some faces of a level, in their order; `kernels.trace` says how they stand."""

    faces: Faces
    areas: FloatArray
    room: Int64Array
    xs: Int32Array
    ys: Int32Array
    ring_sizes: Int32Array
    ring_counts: Int32Array
    turned_counts: Int32Array

    def lost(self, units: float) -> Int64Array:
        """Faces of LARGE square units or more that enclose nothing."""
        return np.flatnonzero((self.ring_counts == 0) & (self.areas * units * units >= LARGE))


@dataclass(frozen=True)
class Edits:
    """What mending did: the arcs that it put vertices into, ascending, and all their vertices."""

    arcs: Int64Array
    offsets: Int64Array
    xs: Int32Array
    ys: Int32Array

    def chosen(self, which: Int64Array, numbers: Int64Array) -> Edits:
        """Some of them, under other numbers (`numbers[i]` for the arc at place i)."""
        which = which[np.argsort(numbers[which])]
        sizes = np.diff(self.offsets)[which]
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        source = np.repeat(self.offsets[which] - offsets[:-1], sizes) + np.arange(offsets[-1])
        return Edits(numbers[which], offsets, self.xs[source], self.ys[source])


def edits_of(plain: Lines, lines: Lines) -> Edits:
    """What mending did to plain lines: it only ever adds vertices."""
    sizes = np.diff(lines.offsets)
    arcs = np.flatnonzero(sizes != np.diff(plain.offsets))
    source = np.repeat(sizes != np.diff(plain.offsets), sizes)
    offsets = np.concatenate([[0], np.cumsum(sizes[arcs])]).astype(np.int64)
    return Edits(arcs, offsets, lines.xs[source], lines.ys[source])


def rungs_of(borders: Borders, orders: tuple[Int64Array, ...], units: float) -> tuple[list[Rung], Edits]:
    """The rung of every level, with `units` units of a tile in one of the plane, and what mending did.

    `orders` says in which order the faces of each level stand.
    """
    plain = quantised(borders, units)
    lines, traced = mended(noded(plain), list(zip(borders.levels, borders.areas, strict=True)), units)
    rungs = [packed(each, order) for each, order in zip(traced, orders, strict=True)]
    return rungs, edits_of(plain, lines)


def quantised(borders: Borders, units: float) -> Lines:
    """The borders simplified and rounded, with `units` units of a tile in one of the plane."""
    return Lines(
        *simplify.quantise_arcs(
            borders.xs, borders.ys, borders.ranks, borders.offsets, units, TOLERANCE / units
        )
    )


def mended(lines: Lines, levels: Levels, units: float) -> tuple[Lines, list[Traced]]:
    """Noded lines on which no face is turned inside out and no large one is closed, and the faces' rings.

    `levels` are the faces to look at, the finest level last. Each place is mended by itself, whatever goes on
    elsewhere. After a quarter of the rounds closed faces stay closed: rather one of them than an overlap.
    """
    tries: dict[tuple[int, int], int] = {}
    for turn in range(4 * ROUNDS):
        traced = [traced_of(lines, faces, areas) for faces, areas in levels]
        taken = np.zeros(len(lines.xs), np.bool_)
        found, alongs = _closing(lines, traced[-1], taken, turn // PATIENCE)
        if turn < ROUNDS:
            opened = _opening(lines, traced, units, taken, tries)
            found, alongs = np.concatenate([found, opened]), np.append(alongs, np.ones(len(opened)))
        if not len(found):
            break
        lines, fresh = _with(lines, found, alongs)
        lines = noded(lines, fresh)
    return lines, traced


def noded(lines: Lines, fresh: BoolArray | None = None) -> Lines:
    """Lines that share nothing but vertices; only segments that are `fresh` are looked at, where some are."""
    shift = _cell_bits(lines)
    for _ in range(ROUNDS):
        found, alongs = _meetings(lines, fresh, shift)
        if not len(found):
            break
        lines, fresh = _with(lines, found, alongs)
    return lines


def _meetings(lines: Lines, fresh: BoolArray | None, shift: int) -> tuple[Int64Array, FloatArray]:
    """Where segments meet otherwise than in vertices: (segment, x, y), and how far along."""
    xs, ys, offsets = lines.xs, lines.ys, lines.offsets
    if fresh is not None:
        near = node.near_fresh(xs, ys, offsets, fresh, shift)
        return _search(lines, near, fresh, shift, -(1 << 31), 1 << 31)
    # A vertex in sixteen is enough to make stripes of about equal weight.
    columns = np.sort(xs[::16] >> shift)[STRIPE // 16 :: STRIPE // 16]
    bounds = np.unique(np.concatenate([[xs.min() >> shift], columns, [(xs.max() >> shift) + 1]])).astype(
        np.int64
    )
    places, members = node.in_stripes(xs, offsets, shift, bounds)
    everything = np.ones(len(xs), np.bool_)
    found: list[tuple[Int64Array, FloatArray]] = []

    def search(numbers: Int64Array) -> None:
        for stripe in numbers.tolist():
            mine = members[places[stripe] : places[stripe + 1]]
            ends = int(bounds[stripe]), int(bounds[stripe + 1]) - 1
            found.append(_search(lines, mine, everything, shift, *ends))

    in_threads(search, [np.arange(len(bounds) - 1)], smallest=1)
    return np.concatenate([each for each, _ in found]), np.concatenate([each for _, each in found])


def _search(
    lines: Lines, members: Int32Array, fresh: BoolArray, shift: int, first: int, last: int
) -> tuple[Int64Array, FloatArray]:
    most = 256
    while True:
        found, alongs = np.empty((most, 3), np.int64), np.empty(most)
        count = node.find_meetings(lines.xs, lines.ys, members, fresh, shift, first, last, found, alongs)
        if count <= most:
            return found[:count], alongs[:count]
        most = count


def _with(lines: Lines, found: Int64Array, alongs: FloatArray) -> tuple[Lines, BoolArray]:
    """Lines with vertices put into segments, and which segments are new."""
    order = np.lexsort((found[:, 2], found[:, 1], alongs, found[:, 0]))  # whoever found them first
    xs, ys, offsets, fresh = node.put_in(
        lines.xs, lines.ys, lines.offsets, np.ascontiguousarray(found[order])
    )
    return Lines(xs, ys, offsets), fresh


def _cell_bits(lines: Lines) -> int:
    """Cells about as wide as a segment is long: few segments in a cell, few cells for a segment."""
    if len(lines.xs) < 2:
        return 2
    steps = np.abs(np.diff(lines.xs)) + np.abs(np.diff(lines.ys))
    steps[lines.offsets[1:-1] - 1] = 0
    segments = len(lines.xs) - len(lines.offsets) + 1
    mean = float(steps.sum(dtype=np.int64)) / max(segments, 1)
    return max(2, int(np.log2(max(mean, 1.0))))


def traced_of(lines: Lines, faces: Faces, areas: FloatArray) -> Traced:
    """The rings of faces."""
    sizes = np.diff(lines.offsets) - 1
    room = np.concatenate([[0], np.cumsum(sizes[plain_arcs(faces.arcs)])])[faces.places]
    points = int(room[-1])
    out = Traced(
        faces,
        areas,
        room,
        np.empty(points, np.int32),
        np.empty(points, np.int32),
        np.empty(points + 1, np.int32),
        np.zeros(len(faces), np.int32),
        np.zeros(len(faces), np.int32),
    )

    def some(numbers: Int64Array) -> None:
        trace.trace_faces(
            faces.arcs,
            faces.places,
            room,
            lines.xs,
            lines.ys,
            lines.offsets,
            int(numbers[0]),
            int(numbers[-1]) + 1,
            out.xs,
            out.ys,
            out.ring_sizes,
            out.ring_counts,
            out.turned_counts,
        )

    if len(faces):
        in_threads(some, [np.arange(len(faces))], smallest=FACES_AT_ONCE)
    return out


def _closing(lines: Lines, traced: Traced, taken: BoolArray, other: int) -> tuple[Int64Array, FloatArray]:
    """The vertices that close the rings that are turned inside out."""
    turned = np.flatnonzero(traced.turned_counts)
    room = int((traced.room[turned + 1] - traced.room[turned]).sum())
    found, alongs = np.empty((room, 3), np.int64), np.empty(room)
    count = mend.close_turned(
        turned,
        traced.faces.arcs,
        traced.faces.places,
        traced.room,
        traced.xs,
        traced.ys,
        traced.ring_sizes,
        traced.ring_counts,
        traced.turned_counts,
        lines.xs,
        lines.ys,
        lines.offsets,
        other,
        taken,
        found,
        alongs,
    )
    return found[:count], alongs[:count]


def _opening(
    lines: Lines,
    traced: list[Traced],
    units: float,
    taken: BoolArray,
    tries: dict[tuple[int, int], int],
) -> Int64Array:
    """The vertices that open large faces that rounding closed, on segments that are not taken yet."""
    found = []
    for depth, each in enumerate(traced):
        places = each.faces.places
        for face in each.lost(units).tolist():
            turn = tries.get((depth, face), 0)
            tries[depth, face] = turn + 1
            put = _bulge(lines, each.faces.arcs[places[face] : places[face + 1]], turn)
            if put is not None and not taken[put[0]]:
                taken[put[0]] = True
                found.append(put)
    return np.array(found, np.int64).reshape(-1, 3)


def _bulge(lines: Lines, arcs: Int64Array, turn: int) -> tuple[int, int, int] | None:
    """Where to bend a closed face outwards: one of its longest segments, and a vertex beside its middle.

    Each turn takes another segment, because beyond one of them there may be no room. None when all of its
    borders have shrunk to points.
    """
    segments = []
    for signed in arcs.tolist():
        arc = ~signed if signed < 0 else signed
        for i in range(int(lines.offsets[arc]), int(lines.offsets[arc + 1]) - 1):
            dx, dy = int(lines.xs[i + 1] - lines.xs[i]), int(lines.ys[i + 1] - lines.ys[i])
            segments.append((-float(np.hypot(dx, dy)), i, dx, dy, -1 if signed < 0 else 1))
    if not segments:
        return None
    segments.sort()
    length, i, dx, dy, sign = segments[turn % len(segments)]
    # The face lies on the left seen with y up: outwards is to the right, which is (-dy, dx) with y down.
    x = (int(lines.xs[i]) + int(lines.xs[i + 1])) / 2 + sign * dy / length
    y = (int(lines.ys[i]) + int(lines.ys[i + 1])) / 2 - sign * dx / length
    return i, int(np.floor(x + 0.5)), int(np.floor(y + 0.5))


def packed(traced: Traced, order: Int64Array) -> Rung:
    """The faces that are drawn, in an order, as tiles want them."""
    faces, points = len(traced.ring_counts), int(traced.room[-1])
    rows, starts = np.empty(faces, np.int32), np.empty((faces, 2), np.int32)
    boxes, places = np.empty((faces, 4), np.int32), np.zeros(faces + 1, np.int64)
    data = np.empty(pack.BYTES_PER_POINT * points + 16, np.uint8)
    count, size = pack.pack_features(
        order,
        traced.xs,
        traced.ys,
        traced.room,
        traced.ring_sizes,
        traced.ring_counts,
        rows,
        boxes,
        starts,
        places,
        data,
    )
    return with_boxes(
        rows[:count].copy(),
        boxes[:count].copy(),
        starts[:count].copy(),
        places[: count + 1].copy(),
        data[:size].copy(),
    )
