"""The Hilbert curve: an order in which neighbours on the map are neighbours in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from gridmap.types import AnyArray, Int64Array

HILBERT_BITS: Final = 16
"""The curve goes through 65,536 squares a side; points in one square stay in the order given."""


def along_curve(xs: AnyArray, ys: AnyArray) -> Int64Array:
    """The order of points along a Hilbert curve through their box, equal places in the order given.

    Neighbours on the curve are neighbours on the map, so what a square holds stands in few runs.
    """
    if not len(xs):
        return np.empty(0, np.int64)
    side = max(float(xs.max()) - float(xs.min()), float(ys.max()) - float(ys.min())) or 1.0
    largest = (1 << HILBERT_BITS) - 1
    x = ((xs - float(xs.min())) / side * largest).astype(np.int64)
    y = ((ys - float(ys.min())) / side * largest).astype(np.int64)
    way = np.zeros(len(xs), np.int64)
    for bit in range(HILBERT_BITS - 1, -1, -1):
        right, up = (x >> bit) & 1, (y >> bit) & 1
        way = (way << 2) | ((3 * right) ^ up)
        turned, flipped = up == 0, (up == 0) & (right == 1)
        x, y = np.where(flipped, largest - x, x), np.where(flipped, largest - y, y)
        x, y = np.where(turned, y, x), np.where(turned, x, y)
    return np.argsort(way, kind="stable")
