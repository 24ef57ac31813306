"""Which edges of two sorted lists are the same."""

from __future__ import annotations

import numpy as np

from gridmap.kernels.jit import inline_kernel, kernel
from gridmap.kernels.walk import LEFT, RIGHT, X1, X2, Y1, Y2
from gridmap.types import BoolArray, Int32Array


@inline_kernel
def _key(edges: Int32Array, i: int) -> tuple[int, int, int, int]:
    """The ends of an edge, the smaller (x, y) first."""
    one = edges[i, X1], edges[i, Y1]
    other = edges[i, X2], edges[i, Y2]
    if one < other:
        return one[0], one[1], other[0], other[1]
    return other[0], other[1], one[0], one[1]


@kernel
def match_edges(old: Int32Array, new: Int32Array) -> tuple[Int32Array, BoolArray]:
    """For each old edge the number of the same new one with the same faces, else -1; which are fresh.

    Both are sorted by their ends, the smaller (x, y) first, as `coverage.edges` sorts them.
    """
    number = np.full(len(old), -1, np.int32)
    fresh = np.ones(len(new), np.bool_)
    i = j = 0
    while i < len(old) and j < len(new):
        one, other = _key(old, i), _key(new, j)
        if one < other:
            i += 1
        elif other < one:
            j += 1
        else:
            if old[i, LEFT] == new[j, LEFT] and old[i, RIGHT] == new[j, RIGHT]:
                number[i] = j
                fresh[j] = False
            i += 1
            j += 1
    return number, fresh
