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
from tiles.kernels.encode import block_boxes
from tiles.kernels.parts import Rung

if TYPE_CHECKING:
    from gridmap.types import AnyArray, BoolArray, FloatArray, Int32Array, Int64Array
    from tiles.ladder.borders import Borders, Faces

TOLERANCE: Final = 1.0
"""Units of a tile by which a border may move: an eighth of a pixel of the usual 512."""

LARGE: Final = 4.0
"""Square units from which on a face is always drawn."""

ROUNDS: Final = 12
"""Rounds of mending; two are usual, and four were the most seen."""

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
    """The rings of a level; `kernels.trace` says how they stand."""

    room: Int64Array
    xs: Int32Array
    ys: Int32Array
    ring_sizes: Int32Array
    ring_counts: Int32Array
    turned_counts: Int32Array


def rungs_of(borders: Borders, orders: tuple[Int64Array, ...], units: float) -> list[Rung]:
    """The rung of every level, with `units` units of a tile in one of the plane.

    `orders` says in which order the faces of each level stand.
    """
    _, traced = mended(noded(Lines(*_quantised(borders, units))), borders.levels, units)
    return [_packed(each, order) for each, order in zip(traced, orders, strict=True)]


def mended(lines: Lines, levels: tuple[Faces, ...], units: float) -> tuple[Lines, list[Traced]]:
    """Lines on which no face is turned inside out and no large one is closed, and the rings of each level.

    After half of the rounds closed faces stay closed: rather one of them than an overlap.
    """
    traced = [traced_of(lines, faces) for faces in levels]
    for turn in range(2 * ROUNDS):
        found = _closing(lines, levels[-1], traced[-1], turn)
        if not found and turn < ROUNDS:
            found = _opening(lines, levels, traced, units, turn)
        if not found:
            break
        lines, fresh = _with(lines, *found)
        lines = noded(lines, fresh)
        traced = [traced_of(lines, faces) for faces in levels]
    return lines, traced


def lost(faces: Faces, traced: Traced, units: float) -> Int64Array:
    """Faces of LARGE square units or more that enclose nothing on a rung."""
    return np.flatnonzero((traced.ring_counts == 0) & (faces.areas * units * units >= LARGE))


def _quantised(borders: Borders, units: float) -> tuple[Int32Array, Int32Array, Int64Array]:
    return simplify.quantise_arcs(
        borders.xs, borders.ys, borders.ranks, borders.offsets, units, TOLERANCE / units
    )


def noded(lines: Lines, fresh: BoolArray | None = None) -> Lines:
    """Lines that share nothing but vertices; `fresh` says which segments are to be looked at."""
    shift = _cell_bits(lines)
    some = fresh is not None
    if fresh is None:
        fresh = np.ones(len(lines.xs), np.bool_)
    for _ in range(ROUNDS):
        room = 1 << 16 if some else 4 * len(lines.xs) + 1024
        most = 4_096
        while True:
            found, alongs = np.empty((most, 3), np.int64), np.empty(most)
            used, count = node.find_meetings(
                lines.xs, lines.ys, lines.offsets, fresh, some, shift, room, found, alongs
            )
            if used <= room and count <= most:
                break
            room, most = max(room, used), max(most, count)
        if count == 0:
            break
        lines, fresh = _with(lines, found[:count], alongs[:count])
        some = True
    return lines


def _with(lines: Lines, found: Int64Array, alongs: FloatArray) -> tuple[Lines, BoolArray]:
    """Lines with vertices put into segments, and which segments are new."""
    order = np.lexsort((alongs, found[:, 0]))
    xs, ys, offsets, fresh = node.put_in(
        lines.xs, lines.ys, lines.offsets, np.ascontiguousarray(found[order])
    )
    return Lines(xs, ys, offsets), fresh


def _cell_bits(lines: Lines) -> int:
    """Cells twice as wide as a segment is long: few segments in a cell, few cells for a segment."""
    if len(lines.xs) < 2:
        return 3
    steps = np.abs(np.diff(lines.xs)) + np.abs(np.diff(lines.ys))
    steps[lines.offsets[1:-1] - 1] = 0
    segments = len(lines.xs) - len(lines.offsets) + 1
    mean = float(steps.sum(dtype=np.int64)) / max(segments, 1)
    return max(3, int(np.log2(max(mean, 1.0))) + 1)


def traced_of(lines: Lines, faces: Faces) -> Traced:
    """The rings of all faces of a level."""
    sizes = np.diff(lines.offsets) - 1
    per_arc = sizes[np.where(faces.arcs < 0, ~faces.arcs, faces.arcs)]
    room = np.concatenate([[0], np.cumsum(per_arc)])[faces.places]
    points = int(room[-1])
    out = Traced(
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


def _closing(lines: Lines, faces: Faces, traced: Traced, turn: int) -> tuple[Int64Array, FloatArray] | None:
    """The vertices that close the rings that are turned inside out, None where there is none."""
    turned = np.flatnonzero(traced.turned_counts)
    room = int((traced.room[turned + 1] - traced.room[turned]).sum())
    found, alongs = np.empty((room, 3), np.int64), np.empty(room)
    count = mend.close_turned(
        turned,
        faces.arcs,
        faces.places,
        traced.room,
        traced.xs,
        traced.ys,
        traced.ring_sizes,
        traced.ring_counts,
        traced.turned_counts,
        lines.xs,
        lines.ys,
        lines.offsets,
        turn // PATIENCE,
        np.zeros(len(lines.xs), np.bool_),
        found,
        alongs,
    )
    return (found[:count], alongs[:count]) if count else None


def _opening(
    lines: Lines, levels: tuple[Faces, ...], traced: list[Traced], units: float, turn: int
) -> tuple[Int64Array, FloatArray] | None:
    """The vertices that open large faces that rounding closed, None where there is none."""
    found: dict[int, tuple[int, int, int]] = {}
    for faces, each in zip(levels, traced, strict=True):
        for face in lost(faces, each, units):
            put = _bulge(lines, faces.arcs[faces.places[face] : faces.places[face + 1]], turn)
            if put is not None:
                found[put[0]] = put
    if not found:
        return None
    return np.array([found[segment] for segment in sorted(found)], np.int64), np.ones(len(found))


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


def _packed(traced: Traced, order: Int64Array) -> Rung:
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


def with_boxes(
    rows: Int32Array, boxes: Int32Array, starts: Int32Array, places: Int64Array, data: AnyArray
) -> Rung:
    """A rung with the boxes of its blocks and the chunks of its long features."""
    blocks = block_boxes(boxes)
    chunk_places = np.zeros(len(rows) + 1, np.int64)
    pack.count_chunks(places, data, chunk_places)
    chunks = np.empty((int(chunk_places[-1]), pack.CHUNK_FIELDS), np.int32)
    pack.fill_chunks(starts, places, data, chunk_places, chunks)
    return Rung(rows, boxes, blocks, block_boxes(blocks), starts, places, data, chunk_places, chunks)
