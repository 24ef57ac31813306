"""From the borders of a rung to the rings of its faces: simple rings, shells before their holes.

Theory of operation. A face's directed arcs, face on the left, become directed edges in a small hash table. If
no vertex is left twice the edges are rings already. Where borders were rounded onto each other some are:
edges that run both ways cancel (what lay between them has no area any more), and at the vertices that are
left twice the ring follows the wedge of its own interior and splits, as in `gridmap.kernels.topology`. So
rings never touch themselves, and polygons are valid whenever the borders are noded.

Rings are written as tiles want them: shells run clockwise as one sees them (y down), holes the other way, and
each shell is followed by its holes. Points are whole numbers; products of differences fit an int64.
"""

from __future__ import annotations

import numpy as np

from gridmap.kernels.jit import inline_kernel, kernel
from gridmap.kernels.topology import clockwise_before
from gridmap.types import BoolArray, Int32Array, Int64Array

MIX = np.int64(0x2545F4914F6CDD1D)
LOW = np.int64(0xFFFFFFFF)


@inline_kernel
def _slot(key: int, mask: int) -> int:
    mixed = key * MIX
    return (mixed ^ (mixed >> 29)) & mask


@inline_kernel
def _x(key: int) -> int:
    return key >> 32


@inline_kernel
def _y(key: int) -> int:
    """The y of a packed point, upwards."""
    return -np.int64(np.int32(key & LOW))


@kernel
def _edges_of(
    arcs: Int64Array,
    xs: Int32Array,
    ys: Int32Array,
    offsets: Int64Array,
    starts: Int64Array,
    ends: Int64Array,
) -> int:
    """The directed edges of signed arcs (~arc is walked backwards) as packed points; gives their number."""
    count = 0
    for signed in arcs:
        backward = signed < 0
        arc = ~signed if backward else signed
        first, last = offsets[arc], offsets[arc + 1] - 1
        here = last if backward else first
        key = (np.int64(xs[here]) << 32) | (np.int64(ys[here]) & LOW)
        for k in range(1, last - first + 1):
            there = last - k if backward else first + k
            after = (np.int64(xs[there]) << 32) | (np.int64(ys[there]) & LOW)
            starts[count], ends[count] = key, after
            key = after
            count += 1
    return count


@kernel
def _enter(starts: Int64Array, count: int, heads: Int32Array, following: Int32Array, mask: int) -> bool:
    """Put edges into the hash table by their start; tells whether some vertex is left more than once."""
    heads[: mask + 1] = -1
    again = False
    for edge in range(count):
        slot = _slot(starts[edge], mask)
        other = heads[slot]
        while other >= 0 and not again:
            again = starts[other] == starts[edge]
            other = following[other]
        following[edge] = heads[slot]
        heads[slot] = edge
    return again


@kernel
def _cancel(
    starts: Int64Array,
    ends: Int64Array,
    count: int,
    heads: Int32Array,
    following: Int32Array,
    mask: int,
    dead: BoolArray,
) -> None:
    """Mark edges that meet their reverse. One that runs twice the same way stays, or rings would be open."""
    for edge in range(count):
        other = heads[_slot(ends[edge], mask)]
        while other >= 0 and not dead[edge]:
            if not dead[other] and starts[other] == ends[edge] and ends[other] == starts[edge]:
                dead[edge] = dead[other] = True
            other = following[other]


@kernel
def _next(
    edge: int,
    starts: Int64Array,
    ends: Int64Array,
    heads: Int32Array,
    following: Int32Array,
    mask: int,
    dead: BoolArray,
) -> int:
    """The edge that goes on where one ends, in the wedge of the interior; -1 where none does."""
    key = ends[edge]
    dx, dy = _x(starts[edge]) - _x(key), _y(starts[edge]) - _y(key)
    best = -1
    other = heads[_slot(key, mask)]
    while other >= 0:
        if starts[other] == key and not dead[other]:
            if best < 0:
                best = other
            else:
                ox, oy = _x(ends[other]) - _x(key), _y(ends[other]) - _y(key)
                bx, by = _x(ends[best]) - _x(key), _y(ends[best]) - _y(key)
                if clockwise_before(dx, dy, ox, oy, bx, by):
                    best = other
        other = following[other]
    return best


@kernel
def _first_of(key: int, starts: Int64Array, heads: Int32Array, following: Int32Array, mask: int) -> int:
    """One edge to stand for all that leave a vertex; -1 where none does."""
    found = -1
    other = heads[_slot(key, mask)]
    while other >= 0:
        if starts[other] == key:
            found = other
        other = following[other]
    return found


@kernel
def _rings(
    starts: Int64Array,
    ends: Int64Array,
    count: int,
    heads: Int32Array,
    following: Int32Array,
    mask: int,
    dead: BoolArray,
    place: Int32Array,
    stack: Int32Array,
    out: Int64Array,
    sizes: Int32Array,
) -> int:
    """Join edges into simple rings of packed points; gives the number of rings. Uses up `dead`."""
    rings = written = 0
    place[:count] = -1
    for begin in range(count):
        if dead[begin]:
            continue
        edge, top = begin, 0
        while edge >= 0:
            dead[edge] = True
            place[_first_of(starts[edge], starts, heads, following, mask)] = top
            stack[top] = edge
            top += 1
            node = _first_of(ends[edge], starts, heads, following, mask)
            if node >= 0 and place[node] >= 0:
                bottom = place[node]
                for i in range(bottom, top):
                    place[_first_of(starts[stack[i]], starts, heads, following, mask)] = -1
                    out[written + i - bottom] = starts[stack[i]]
                if top - bottom > 2:
                    sizes[rings] = top - bottom
                    written += top - bottom
                    rings += 1
                top = bottom
                if top == 0:
                    break
            edge = _next(edge, starts, ends, heads, following, mask, dead)
        for i in range(top):  # an open chain bounds nothing
            place[_first_of(starts[stack[i]], starts, heads, following, mask)] = -1
    return rings


@kernel
def _plain_rings(
    starts: Int64Array,
    ends: Int64Array,
    count: int,
    heads: Int32Array,
    following: Int32Array,
    mask: int,
    dead: BoolArray,
    out: Int64Array,
    sizes: Int32Array,
) -> int:
    """As `_rings`, where no vertex is left twice: every edge has one that follows, mostly the next one."""
    rings = written = 0
    for begin in range(count):
        if dead[begin]:
            continue
        edge, size = begin, 0
        while edge >= 0 and not dead[edge]:
            dead[edge] = True
            out[written + size] = starts[edge]
            size += 1
            if edge + 1 < count and starts[edge + 1] == ends[edge]:
                edge += 1
            else:
                edge = _first_of(ends[edge], starts, heads, following, mask)
        if edge == begin and size > 2:
            sizes[rings] = size
            rings += 1
            written += size
    return rings


@kernel
def _double_area(points: Int64Array) -> int:
    """Twice the area of a ring of packed points, positive when it runs counter-clockwise (y up)."""
    total = np.int64(0)
    x0, y0 = _x(points[0]), _y(points[0])
    for i in range(1, len(points) - 1):
        ax, ay = _x(points[i]) - x0, _y(points[i]) - y0
        bx, by = _x(points[i + 1]) - x0, _y(points[i + 1]) - y0
        total += ax * by - ay * bx
    return total


@kernel
def _holds(points: Int64Array, px: int, py: int) -> bool:
    """Whether a ring goes round a point given in doubled coordinates, which lies on none of its edges."""
    inside = False
    ax, ay = 2 * _x(points[-1]), 2 * _y(points[-1])
    for key in points:
        bx, by = 2 * _x(key), 2 * _y(key)
        if (ay > py) != (by > py):
            side = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
            if (side > 0) == (by > ay):
                inside = not inside
        ax, ay = bx, by
    return inside


@kernel
def _owners(
    points: Int64Array, begins: Int64Array, areas: Int64Array, rings: int, owners: Int32Array
) -> None:
    """For each ring its shell: itself for a shell, the smallest shell around it for a hole.

    -1 for a hole without a shell and a shell within a shell: rounding turned a tiny face inside out, and
    these are its neighbours' views of it.
    """
    for ring in range(rings):
        first, second = points[begins[ring]], points[begins[ring] + 1]
        px, py = _x(first) + _x(second), _y(first) + _y(second)
        best, depth = -1, 0
        for other in range(rings):
            if other == ring or abs(areas[other]) <= abs(areas[ring]) or rings == 1:
                continue
            if _holds(points[begins[other] : begins[other + 1]], px, py):
                depth += 1 if areas[other] > 0 else -1
                if areas[other] > 0 and (best < 0 or areas[other] < areas[best]):
                    best = other
        if areas[ring] > 0:
            owners[ring] = ring if depth == 0 else -1
        else:
            owners[ring] = best if depth == 1 else -1


@kernel
def trace_faces(
    face_arcs: Int64Array,
    arc_places: Int64Array,
    room: Int64Array,
    xs: Int32Array,
    ys: Int32Array,
    offsets: Int64Array,
    first: int,
    last: int,
    out_xs: Int32Array,
    out_ys: Int32Array,
    ring_sizes: Int32Array,
    ring_counts: Int32Array,
    turned_counts: Int32Array,
) -> None:
    """Trace the faces from `first` to before `last`.

    The arcs of face i are face_arcs[arc_places[i]:arc_places[i + 1]]; its points and ring sizes are written
    from room[i] on. A ring of size n takes n points; holes have negative sizes. ring_counts gets how many
    rings a face has, 0 for one that encloses nothing any more. Rings that rounding turned inside out follow,
    turned_counts of them.
    """
    most = 0
    for face in range(first, last):
        most = max(most, room[face + 1] - room[face])
    starts, ends = np.empty(most + 1, np.int64), np.empty(most + 1, np.int64)
    following, place = np.empty(most + 1, np.int32), np.empty(most + 1, np.int32)
    stack, dead = np.empty(most + 1, np.int32), np.empty(most + 1, np.bool_)
    points, sizes = np.empty(most + 1, np.int64), np.empty(most + 1, np.int32)
    begins, areas = np.empty(most + 2, np.int64), np.empty(most + 1, np.int64)
    slots = 2
    while slots < 2 * most:
        slots *= 2
    heads = np.empty(slots, np.int32)
    for face in range(first, last):
        arcs = face_arcs[arc_places[face] : arc_places[face + 1]]
        count = _edges_of(arcs, xs, ys, offsets, starts, ends)
        ring_counts[face] = turned_counts[face] = 0
        if count < 3:
            continue
        mask = 1
        while mask < 2 * count:
            mask *= 2
        mask -= 1
        dead[:count] = False
        if _enter(starts, count, heads, following, mask):
            _cancel(starts, ends, count, heads, following, mask, dead)
            rings = _rings(starts, ends, count, heads, following, mask, dead, place, stack, points, sizes)
        else:
            rings = _plain_rings(starts, ends, count, heads, following, mask, dead, points, sizes)
        begins[0] = 0
        for ring in range(rings):
            begins[ring + 1] = begins[ring] + sizes[ring]
            areas[ring] = _double_area(points[begins[ring] : begins[ring + 1]])
        _owners(points, begins, areas, rings, stack)
        ring_counts[face], turned_counts[face] = _write(
            points, begins, areas, stack, rings, room[face], out_xs, out_ys, ring_sizes
        )


@kernel
def _write(
    points: Int64Array,
    begins: Int64Array,
    areas: Int64Array,
    owners: Int32Array,
    rings: int,
    at: int,
    out_xs: Int32Array,
    out_ys: Int32Array,
    ring_sizes: Int32Array,
) -> tuple[int, int]:
    """Write every shell and then its holes, and then what is turned; gives how many rings of each."""
    written, place = 0, at
    for shell in range(rings):
        if areas[shell] <= 0 or owners[shell] != shell:
            continue
        for turn in range(2):
            for ring in range(rings):
                if (ring == shell) != (turn == 0) or owners[ring] != shell or areas[ring] == 0:
                    continue
                place = _write_ring(points, begins[ring], begins[ring + 1], out_xs, out_ys, place)
                size = begins[ring + 1] - begins[ring]
                ring_sizes[at + written] = size if turn == 0 else -size
                written += 1
    turned = 0
    for ring in range(rings):
        if areas[ring] < 0 and owners[ring] < 0:
            place = _write_ring(points, begins[ring], begins[ring + 1], out_xs, out_ys, place)
            ring_sizes[at + written + turned] = begins[ring] - begins[ring + 1]
            turned += 1
    return written, turned


@inline_kernel
def _write_ring(
    points: Int64Array, begin: int, end: int, out_xs: Int32Array, out_ys: Int32Array, place: int
) -> int:
    """Write a ring the other way round; gives where the next one goes."""
    for i in range(end - 1, begin - 1, -1):
        out_xs[place], out_ys[place] = _x(points[i]), -_y(points[i])
        place += 1
    return place
