"""A polygon cut to a square so that it stays valid: along the sides, from where it leaves to where it enters.

Theory of operation. The inside of the square is open: a point on a side is outside. Rings are walked; every
run of edges inside becomes a *chain* from one place on the sides to another. The interior lies on the left of
shells and holes alike (x to the right, y up), and so does the square's when its sides are walked from
(low, low) to (high, low) and on. So from the end of a chain the cut polygon goes along the sides to the next
beginning of one. That joins what belongs together, also where a ring leaves and enters many times, which the
customary cutting by one side after the other turns into rings that run back over themselves.

Places on the sides are ordered by where the edge truly meets them, and rounded to whole numbers afterwards.
Both polygons beside an edge round it alike, because an edge is cut from its smaller end to its larger one.
"""

from __future__ import annotations

import math

import numpy as np

from gridmap.kernels.jit import inline_kernel, kernel
from gridmap.types import BoolArray, FloatArray, Int64Array
from tiles.kernels.parts import Scratch

TIE = 1e-6
"""Units of way. Where a ring touches a side from within, and the interior goes on along that side on both
hands, it enters this much before it leaves, so that what comes along the side goes in there."""


@inline_kernel
def _enters(ax: int, ay: int, bx: int, by: int, low: int, high: int) -> tuple[float, float]:
    """Between which shares of its length an edge is in the square, if first < second (Liang and Barsky)."""
    begin, end = 0.0, 1.0
    dx, dy = float(bx - ax), float(by - ay)
    if dx > 0:
        begin, end = max(begin, (low - ax) / dx), min(end, (high - ax) / dx)
    elif dx < 0:
        begin, end = max(begin, (high - ax) / dx), min(end, (low - ax) / dx)
    elif ax <= low or ax >= high:
        end = -1.0
    if dy > 0:
        begin, end = max(begin, (low - ay) / dy), min(end, (high - ay) / dy)
    elif dy < 0:
        begin, end = max(begin, (high - ay) / dy), min(end, (low - ay) / dy)
    elif ay <= low or ay >= high:
        end = -1.0
    return begin, end


@inline_kernel
def _meets(ax: int, ay: int, bx: int, by: int, share: float, low: int, high: int) -> tuple[int, int, float]:
    """Where an edge meets the sides at a share of its length: x, y, and how far round the square that is."""
    x, y = ax + share * (bx - ax), ay + share * (by - ay)
    side = high - low
    south, north, west, east = abs(y - low), abs(y - high), abs(x - low), abs(x - high)
    nearest = min(south, north, west, east)
    if nearest == south:
        way = x - low
        y = float(low)
    elif nearest == east:
        way = side + (y - low)
        x = float(high)
    elif nearest == north:
        way = 2 * side + (high - x)
        y = float(high)
    else:
        way = 3 * side + (high - y)
        x = float(low)
    return math.floor(x + 0.5), math.floor(y + 0.5), way


@inline_kernel
def _meets_evenly(
    ax: int, ay: int, bx: int, by: int, share: float, low: int, high: int
) -> tuple[int, int, float]:
    """As `_meets`, computed from the smaller end whichever way the edge runs."""
    if (ax, ay) > (bx, by):
        return _meets(bx, by, ax, ay, 1.0 - share, low, high)
    return _meets(ax, ay, bx, by, share, low, high)


@inline_kernel
def _first_outside(xs: Int64Array, ys: Int64Array, low: int, high: int) -> int:
    """The first vertex beyond a side, else the first on one, else -1."""
    on_side = -1
    for i in range(len(xs)):
        if xs[i] < low or xs[i] > high or ys[i] < low or ys[i] > high:
            return i
        if on_side < 0 and (xs[i] == low or xs[i] == high or ys[i] == low or ys[i] == high):
            on_side = i
    return on_side


@inline_kernel
def _beyond(ax: int, ay: int, bx: int, by: int, low: int, high: int) -> bool:
    """Whether an edge lies beyond one of the sides."""
    return (
        (ax <= low and bx <= low)
        or (ax >= high and bx >= high)
        or (ay <= low and by <= low)
        or (ay >= high and by >= high)
    )


@kernel
def _chains(
    xs: Int64Array,
    ys: Int64Array,
    low: int,
    high: int,
    chain_xs: Int64Array,
    chain_ys: Int64Array,
    at: int,
    bounds: Int64Array,
    ways: FloatArray,
    chains: int,
) -> tuple[int, int]:
    """Append the chains of one ring: points from `at` on, bounds (first, behind last), ways (in, out).

    Gives where points go on, and the number of chains. A ring that is wholly inside becomes one chain whose
    ways are both negative.
    """
    first = _first_outside(xs, ys, low, high)
    if first < 0:
        chain_xs[at : at + len(xs)], chain_ys[at : at + len(xs)] = xs, ys
        bounds[chains, 0], bounds[chains, 1] = at, at + len(xs)
        ways[chains, 0] = ways[chains, 1] = -1.0
        return at + len(xs), chains + 1
    ax, ay, dx, dy = xs[first], ys[first], np.int64(0), np.int64(0)
    a_in, left_at_a = False, False
    for step in range(first + 1, first + len(xs) + 1):
        i = step if step < len(xs) else step - len(xs)
        bx, by = xs[i], ys[i]
        b_in, ended = low < bx < high and low < by < high, False
        if a_in and b_in:
            chain_xs[at], chain_ys[at] = bx, by
            at += 1
        elif a_in or b_in or not _beyond(ax, ay, bx, by, low, high):
            begin, end = _enters(ax, ay, bx, by, low, high)
            if a_in or b_in or begin < end:
                if not a_in:
                    x, y, way = _meets_evenly(ax, ay, bx, by, begin, low, high)
                    if left_at_a and dx * (by - ay) - dy * (bx - ax) < 0:
                        way = max(way - TIE, 0.0)
                    bounds[chains, 0], ways[chains, 0] = at, way
                    chain_xs[at], chain_ys[at] = x, y
                    at += 1
                if b_in:
                    chain_xs[at], chain_ys[at] = bx, by
                    at += 1
                else:
                    x, y, way = _meets_evenly(ax, ay, bx, by, end, low, high)
                    chain_xs[at], chain_ys[at] = x, y
                    at += 1
                    bounds[chains, 1], ways[chains, 1], ended = at, way, True
                    chains += 1
        left_at_a = ended and low <= bx <= high and low <= by <= high
        ax, ay, dx, dy, a_in = bx, by, bx - ax, by - ay, b_in
    return at, chains


@kernel
def _goes_round(xs: Int64Array, ys: Int64Array, ends: Int64Array, rings: int, low: int) -> bool:
    """Whether rings go round the place half a unit inside the corner (low, low), where no vertex can be."""
    winding = begin = 0
    for ring in range(rings):
        ax, ay = xs[ends[ring] - 1], ys[ends[ring] - 1]
        for i in range(begin, ends[ring]):
            bx, by = xs[i], ys[i]
            if (ay <= low) != (by <= low):
                side = (bx - ax) * (2 * (low - ay) + 1) - (by - ay) * (2 * (low - ax) + 1)
                if ay <= low and side > 0:
                    winding += 1
                elif ay > low and side < 0:
                    winding -= 1
            ax, ay = bx, by
        begin = ends[ring]
    return winding != 0


@inline_kernel
def _append(out_xs: Int64Array, out_ys: Int64Array, begin: int, at: int, x: int, y: int) -> int:
    """Append a point unless it stands there already."""
    if at > begin and out_xs[at - 1] == x and out_ys[at - 1] == y:
        return at
    out_xs[at], out_ys[at] = x, y
    return at + 1


@inline_kernel
def _round_corners(
    out_xs: Int64Array, out_ys: Int64Array, begin: int, at: int, way: float, until: float, low: int, high: int
) -> int:
    """Append the corners of the square that are passed on the way round from one place to another."""
    side = float(high - low)
    if until < way:
        until += 4 * side
    corner = math.floor(way / side) + 1
    while corner * side < until:
        turn = corner & 3
        x = high if 0 < turn < 3 else low
        y = low if turn < 2 else high
        at = _append(out_xs, out_ys, begin, at, x, y)
        corner += 1
    return at


@kernel
def _double_area(xs: Int64Array, ys: Int64Array, begin: int, end: int) -> int:
    """Twice the area of a ring."""
    total = np.int64(0)
    x0, y0 = xs[begin], ys[begin]
    for i in range(begin + 1, end - 1):
        total += (xs[i] - x0) * (ys[i + 1] - y0) - (ys[i] - y0) * (xs[i + 1] - x0)
    return total


@kernel
def _take(
    xs: Int64Array,
    ys: Int64Array,
    begin: int,
    end: int,
    out_xs: Int64Array,
    out_ys: Int64Array,
    out_ends: Int64Array,
    areas: Int64Array,
    count: int,
) -> int:
    """Append a ring to the cut polygon, unless it encloses nothing; gives how many rings there are."""
    while end - begin > 1 and xs[end - 1] == xs[begin] and ys[end - 1] == ys[begin]:
        end -= 1
    area = _double_area(xs, ys, begin, end) if end - begin > 2 else 0
    if area == 0:
        return count
    at = 0 if count == 0 else out_ends[count - 1]
    for i in range(begin, end):
        out_xs[at], out_ys[at] = xs[i], ys[i]
        at += 1
    out_ends[count], areas[count] = at, area
    return count + 1


@kernel
def _split(
    xs: Int64Array,
    ys: Int64Array,
    size: int,
    low: int,
    high: int,
    on_sides: Int64Array,
    out_xs: Int64Array,
    out_ys: Int64Array,
    out_ends: Int64Array,
    areas: Int64Array,
    count: int,
) -> int:
    """Append a ring that may come to a place on the sides again: it falls into one ring for each time.

    Works in place: what is done is popped off.
    """
    top = sides = 0
    for i in range(size):
        x, y = xs[i], ys[i]
        if x == low or x == high or y == low or y == high:
            for k in range(sides - 1, -1, -1):
                place = on_sides[k]
                if xs[place] == x and ys[place] == y:
                    count = _take(xs, ys, place, top, out_xs, out_ys, out_ends, areas, count)
                    top, sides = place, k
                    break
            on_sides[sides] = top
            sides += 1
        xs[top], ys[top] = x, y
        top += 1
    return _take(xs, ys, 0, top, out_xs, out_ys, out_ends, areas, count)


@inline_kernel
def _first_from(ways: FloatArray, order: Int64Array, cut: int, way: float) -> int:
    """The place in `order` of the first chain that begins at a way round or behind it; 0 when none does."""
    least, most = 0, cut
    while least < most:
        middle = (least + most) >> 1
        if ways[order[middle], 0] >= way:
            most = middle
        else:
            least = middle + 1
    return least if least < cut else 0


@kernel
def _sorted_ways(ways: FloatArray, chains: int, order: Int64Array, used: BoolArray) -> int:
    """Write the chains that begin on a side in the order in which they do; gives how many there are."""
    cut = 0
    for chain in range(chains):
        used[chain] = False
        if ways[chain, 0] >= 0:
            place = cut
            while place > 0 and ways[order[place - 1], 0] > ways[chain, 0]:
                order[place] = order[place - 1]
                place -= 1
            order[place] = chain
            cut += 1
    return cut


@kernel
def _whole_square(scratch: Scratch, low: int, high: int) -> int:
    """Make the square itself the cut polygon."""
    out_xs, out_ys = scratch.cut_xs, scratch.cut_ys
    out_xs[0], out_xs[1], out_xs[2], out_xs[3] = low, high, high, low
    out_ys[0], out_ys[1], out_ys[2], out_ys[3] = low, low, high, high
    scratch.cut_ends[0], scratch.areas[0] = 4, 2 * (high - low) * (high - low)
    return 1


@kernel
def clip(scratch: Scratch, rings: int, low: int, high: int) -> int:
    """Cut a polygon to the square from low to high: rings in xs, ys, ends; the cut ones in cut_xs and so on.

    Gives how many rings the cut polygon has; `areas` holds twice their areas, negative for holes. The input
    is written on: arrays have room for four points more than twice the input.
    """
    xs, ys, ends, bounds, ways = scratch.xs, scratch.ys, scratch.ends, scratch.bounds, scratch.ways
    chain_xs, chain_ys, order, used = scratch.chain_xs, scratch.chain_ys, scratch.order, scratch.used
    out_xs, out_ys, out_ends, areas = scratch.cut_xs, scratch.cut_ys, scratch.cut_ends, scratch.areas
    at = chains = begin = 0
    for ring in range(rings):
        at, chains = _chains(
            xs[begin : ends[ring]],
            ys[begin : ends[ring]],
            low,
            high,
            chain_xs,
            chain_ys,
            at,
            bounds,
            ways,
            chains,
        )
        begin = ends[ring]
    cut = _sorted_ways(ways, chains, order, used)
    count = 0
    if cut == 0 and _goes_round(xs, ys, ends, rings, low):
        count = _whole_square(scratch, low, high)
    for chain in range(chains):
        if used[chain]:
            continue
        at, here = 0, chain  # the ring is put together where the input stood
        while not used[here]:
            used[here] = True
            for i in range(bounds[here, 0], bounds[here, 1]):
                at = _append(xs, ys, 0, at, chain_xs[i], chain_ys[i])
            if ways[here, 0] < 0:
                break
            following = order[_first_from(ways, order, cut, ways[here, 1])]
            at = _round_corners(xs, ys, 0, at, ways[here, 1], ways[following, 0], low, high)
            here = following
        if ways[here, 0] < 0:
            count = _take(xs, ys, 0, at, out_xs, out_ys, out_ends, areas, count)
        else:
            count = _split(xs, ys, at, low, high, scratch.on_sides, out_xs, out_ys, out_ends, areas, count)
    return count
