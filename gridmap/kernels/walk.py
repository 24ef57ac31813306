"""Exact walking: from a place whose faces are known to another one, adding up the borders crossed.

Theory of operation. Every edge is written upwards (y1 < y2, or y1 == y2 and x1 < x2) with the face on its
left and on its right. Whoever knows which faces cover a place K can learn it for any other place P by walking
from K up to the height of P and then along to P: each edge crossed takes one face away and brings another
one. Faces are added up as row + 1 (0 is nobody), so what stands in between cancels; a second sum counts how
many faces there are. Where that count is 1 the sum *is* the owner.

Places K lie half a unit off the lattice, so no corner of a polygon is ever on the way up. For the way along,
and where an edge runs through K or P, every place is moved by an infinitely small (e, e**2): a tie on an
upward edge counts as its right side, a tie on a level edge as its left side (above). One rule everywhere, so
the sums agree on whatever way one comes.

Places are given doubled (kx = 2 x), so half units are whole numbers. Edges span at most 9e8 units and places
lie within 2**28 units of them: each product stays below 2**62. Two products are compared, never subtracted.
"""

from __future__ import annotations

from gridmap.kernels.jit import inline_kernel

X1, Y1, X2, Y2, LEFT, RIGHT = range(6)
"""The columns of an edge: lattice units, and rows or -1."""


@inline_kernel
def on_left(x1: int, y1: int, x2: int, y2: int, kx: int, ky: int) -> bool:
    """Whether a doubled place, moved by (e, e**2), lies on the left of an upward edge."""
    up = (x2 - x1) * (ky - 2 * y1)
    along = (kx - 2 * x1) * (y2 - y1)
    return up > along or (up == along and y1 == y2)


@inline_kernel
def crosses_upwards(x1: int, y1: int, x2: int, y2: int, kx: int, low: int, high: int) -> int:
    """How a way up the line x = kx / 2 (never on the lattice) crosses an edge.

    1 from its left to its right, -1 from its right to its left, 0 not at all. `low` and `high` are doubled.
    """
    if (2 * x1 < kx) == (2 * x2 < kx):
        return 0
    before = on_left(x1, y1, x2, y2, kx, low)
    after = on_left(x1, y1, x2, y2, kx, high)
    if before == after:
        return 0
    return 1 if before else -1


@inline_kernel
def crosses_along(x1: int, y1: int, x2: int, y2: int, ky: int, west: int, east: int) -> int:
    """How a way along the height ky / 2 crosses an edge: 1 left to right, -1 right to left, 0 not at all."""
    if (2 * y1 <= ky) == (2 * y2 <= ky):
        return 0
    before = on_left(x1, y1, x2, y2, west, ky)
    after = on_left(x1, y1, x2, y2, east, ky)
    if before == after:
        return 0
    return 1 if before else -1


@inline_kernel
def lies_on(x1: int, y1: int, x2: int, y2: int, x: int, y: int) -> bool:
    """Whether a lattice point lies on an edge, its ends included."""
    if y < y1 or y > y2 or (x < x1 and x < x2) or (x > x1 and x > x2):
        return False
    return (x2 - x1) * (y - y1) == (x - x1) * (y2 - y1)
