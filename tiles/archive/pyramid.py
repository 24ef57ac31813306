"""The pyramid of tiles: which squares of each zoom may hold something, so that only those are asked for.

A square may hold what has a box that reaches into it or into its buffer. Boxes are those of the features as
they are, not as a zoom shows them: to look only below tiles that hold something would lose an island that is
too small to be seen from far. So nothing is lost, and some squares are asked for in vain, which is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gridmap.types import FloatArray, Int64Array
    from tiles.address import Scheme

SQUARES_AT_ONCE: Final = 4_000_000
"""So many squares of boxes are listed at once (100 MB)."""


class Numbered(NamedTuple):
    """A tile's address with its number in the pyramid."""

    number: int
    z: int
    x: int
    y: int


def squares_of(boxes: FloatArray, z: int, margin: float) -> tuple[Int64Array, Int64Array]:
    """The columns and rows of the squares of a zoom that boxes reach into, each once, in no order.

    `boxes` (n, 4) are left, top, right, bottom on the plane; they are wider by a margin, in tiles.
    """
    scaled = boxes * 2.0**z
    low = np.floor(scaled[:, :2] - margin).astype(np.int64)
    sizes = np.floor(scaled[:, 2:] + margin).astype(np.int64) - low + 1
    found = np.unique(
        np.concatenate(
            [
                np.unique(_packed(low[first:last], sizes[first:last]))
                for first, last in _slices(sizes.prod(axis=1))
            ]
            or [np.empty(0, np.int64)]
        )
    )
    return found >> 32, (found & 0xFFFFFFFF) - (1 << 31)


def _slices(counts: Int64Array) -> Iterator[tuple[int, int]]:
    """Runs of boxes with no more squares than are listed at once, or of one box."""
    ends = np.cumsum(counts)
    first = 0
    while first < len(counts):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + SQUARES_AT_ONCE, "right")))
        yield first, last
        first = last


def _packed(low: Int64Array, sizes: Int64Array) -> Int64Array:
    """Every square of every box as one number: the column, then the row (which Baidu's plane has below 0)."""
    counts = sizes.prod(axis=1)
    box = np.repeat(np.arange(len(low)), counts)
    place = np.arange(len(box)) - np.repeat(np.cumsum(counts) - counts, counts)
    across, down = place % sizes[box, 0], place // sizes[box, 0]
    columns, rows = low[box, 0] + across, low[box, 1] + down
    return np.asarray((columns << 32) + rows + (1 << 31), np.int64)


def addresses_of(
    scheme: Scheme, z: int, columns: Int64Array, rows: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """The x and y of squares in a scheme; squares that its map does not have are left out."""
    wide, high = scheme.squares(z)
    good = (columns >= wide.start) & (columns < wide.stop) & (rows >= high.start) & (rows < high.stop)
    first, second = scheme.tile(z, 0, 0).y, scheme.tile(z, 0, 1).y  # a row's y is one step up or down
    return columns[good], first + (second - first) * rows[good]


def tile_numbers(z: int, columns: Int64Array, rows: Int64Array) -> Int64Array:
    """The numbers of the tiles of one zoom: tiles of the zooms before, then along the Hilbert curve."""
    xs, ys = columns.astype(np.int64), rows.astype(np.int64)
    numbers = np.full(len(xs), (4**z - 1) // 3, np.int64)
    for level in range(z - 1, -1, -1):
        side = np.int64(1) << level
        right, lower = (xs & side) > 0, (ys & side) > 0
        numbers += ((3 * right) ^ lower).astype(np.int64) << (2 * level)
        # The curve enters the upper quarters turned, the upper right one turned the other way.
        turned, mirrored = ~lower, right & ~lower
        xs, ys = np.where(mirrored, side - 1 - xs, xs), np.where(mirrored, side - 1 - ys, ys)
        xs, ys = np.where(turned, ys, xs), np.where(turned, xs, ys)
    return numbers


def layers_at(zooms: Sequence[tuple[str, int]], z: int) -> tuple[str, ...]:
    """The layers that are drawn at a zoom, of (name, lowest zoom).

    A layer stays to the end of an archive, though a server need not serve it so far: a map that shows tiles
    of one zoom cannot show one layer of them from a zoom above.
    """
    return tuple(name for name, lowest in zooms if lowest <= z)
