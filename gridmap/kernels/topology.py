"""Loops over edges, arcs and rings: arrays in, arrays out.

Coordinates are lattice units as int64; a vertex number is its place in the sorted list of distinct
vertices, so that comparing numbers compares (x, y). Faces are rows, -1 is no face. Products of two
differences stay below 2**62 because no edge spans more than 90 degrees (9e8 units), so every orientation
here is exact.
"""

from __future__ import annotations

import numpy as np

from gridmap.kernels.jit import inline_kernel, kernel
from gridmap.types import BoolArray, FloatArray, Int32Array, Int64Array


@kernel
def double_areas(xs: Int64Array, ys: Int64Array, offsets: Int64Array) -> tuple[Int64Array, FloatArray]:
    """Twice the signed area of closed rings, as a wrapped int64 and as a float.

    Integer arithmetic wraps modulo 2**64, so the integer is exact whenever the float says that the true
    value is below 2**62; above that the sign of the float is beyond doubt. `sign_of_areas` in
    coverage.edges puts the two together.
    """
    rings = len(offsets) - 1
    exact = np.zeros(rings, np.int64)
    rough = np.zeros(rings, np.float64)
    for ring in range(rings):
        first = offsets[ring]
        for i in range(first, offsets[ring + 1] - 1):
            ax, ay = xs[i] - xs[first], ys[i] - ys[first]
            bx, by = xs[i + 1] - xs[first], ys[i + 1] - ys[first]
            exact[ring] += ax * by - bx * ay
            rough[ring] += float(ax) * float(by) - float(bx) * float(ay)
    return exact, rough


@kernel
def pair_faces(
    lows: Int64Array, highs: Int64Array, forward: BoolArray, faces: Int32Array
) -> tuple[Int64Array, Int32Array, Int32Array]:
    """Turn directed edges, sorted by (low, high, face), into records with a left and a right face.

    One record per edge in a proper coverage. Where several faces lie on one side the further ones get
    records of their own, in face order. A face that uses an edge an even number of times cancels itself; of
    an odd number one is left, on the side of the majority. Gives (index of an edge, left, right).
    """
    n = len(lows)
    edge = np.empty(n, np.int64)
    left = np.full(n, -1, np.int32)
    right = np.full(n, -1, np.int32)
    records = 0
    i = 0
    while i < n:
        begin = i
        lefts = rights = records
        while i < n and lows[i] == lows[begin] and highs[i] == highs[begin]:
            face, uses, balance = faces[i], 0, 0
            while i < n and lows[i] == lows[begin] and highs[i] == highs[begin] and faces[i] == face:
                balance += 1 if forward[i] else -1
                uses += 1
                i += 1
            if uses % 2 == 0:
                continue
            if balance > 0:
                left[lefts] = face
                edge[lefts] = begin
                lefts += 1
            else:
                right[rights] = face
                edge[rights] = begin
                rights += 1
        records = max(lefts, rights)
    return edge[:records].copy(), left[:records].copy(), right[:records].copy()


@inline_kernel
def _continues(
    one: int, two: int, vertex: int, lows: Int32Array, left: Int32Array, right: Int32Array
) -> bool:
    """Whether two edges at a vertex have the same face on the same hand when one walks through."""
    one_leaves = lows[one] == vertex
    two_leaves = lows[two] == vertex
    if one_leaves == two_leaves:
        return bool(left[one] == right[two] and right[one] == left[two])
    return bool(left[one] == left[two] and right[one] == right[two])


@kernel
def find_nodes(
    lows: Int32Array,
    left: Int32Array,
    right: Int32Array,
    around: Int64Array,
    incident: Int32Array,
) -> BoolArray:
    """A vertex is a node unless exactly two edges meet there and the faces beside them go on."""
    nodes = np.zeros(len(around) - 1, np.bool_)
    for vertex in range(len(nodes)):
        first = around[vertex]
        if around[vertex + 1] - first != 2:
            nodes[vertex] = True
        else:
            nodes[vertex] = not _continues(incident[first], incident[first + 1], vertex, lows, left, right)
    return nodes


@kernel
def walk_arcs(
    lows: Int32Array,
    highs: Int32Array,
    left: Int32Array,
    right: Int32Array,
    around: Int64Array,
    incident: Int32Array,
    nodes: BoolArray,
) -> tuple[Int32Array, Int64Array, Int32Array, Int32Array]:
    """Chain edges into arcs from node to node, each in its canonical direction.

    Gives (vertices of all arcs, offsets, left, right). A loop without a node begins at its smallest vertex.
    The canonical direction is the one whose first two vertices are the smaller pair.
    """
    edges = len(lows)
    seen = np.zeros(edges, np.bool_)
    path = np.empty(2 * edges, np.int32)
    offsets = np.zeros(edges + 1, np.int64)
    arc_left = np.empty(edges, np.int32)
    arc_right = np.empty(edges, np.int32)
    arcs = 0
    used = 0
    for turn in range(2):  # first from the nodes, then the loops that have none
        for begin in range(edges):
            if seen[begin]:
                continue
            edge = begin
            at = lows[edge]
            if turn == 0:
                if not nodes[at]:
                    at = highs[edge]
                if not nodes[at]:
                    continue
            start = used
            forward = at == lows[edge]
            arc_left[arcs] = left[edge] if forward else right[edge]
            arc_right[arcs] = right[edge] if forward else left[edge]
            path[used] = at
            used += 1
            while True:
                seen[edge] = True
                at = highs[edge] if at == lows[edge] else lows[edge]
                path[used] = at
                used += 1
                if nodes[at] or at == path[start]:
                    break
                one = incident[around[at]]
                edge = incident[around[at] + 1] if one == edge else one
            last = used - 1
            if (path[last], path[last - 1]) < (path[start], path[start + 1]):
                path[start:used] = path[start:used][::-1].copy()
                arc_left[arcs], arc_right[arcs] = arc_right[arcs], arc_left[arcs]
            arcs += 1
            offsets[arcs] = used
    return path[:used].copy(), offsets[: arcs + 1].copy(), arc_left[:arcs].copy(), arc_right[:arcs].copy()


@inline_kernel
def clockwise_before(dx: int, dy: int, ax: int, ay: int, bx: int, by: int) -> bool:
    """Turning clockwise from direction d, is a met before b? The direction d itself comes last."""
    side_a = dx * ay - dy * ax
    side_b = dx * by - dy * bx
    half_a = 0 if side_a < 0 or (side_a == 0 and dx * ax + dy * ay < 0) else 1
    half_b = 0 if side_b < 0 or (side_b == 0 and dx * bx + dy * by < 0) else 1
    if half_a != half_b:
        return half_a < half_b
    return ax * by - ay * bx < 0


@kernel
def trace_rings(
    faces: Int32Array,
    starts: Int64Array,
    ends: Int64Array,
    leaving: Int64Array,
    arriving: Int64Array,
    candidates: Int64Array,
) -> tuple[Int64Array, Int64Array]:
    """Join directed arcs, sorted by (face, start node), into simple rings with the face on their left.

    `leaving` and `arriving` are (n, 2) first and last steps of each arc; `candidates` is (n, 2), the range
    of arcs of the same face that leave the node where this one ends. At a node with several ways on, the
    ring follows the wedge of its own interior; a ring that comes back to a node splits there, so every ring
    is simple. Gives (arcs of all rings, ring offsets).
    """
    n = len(faces)
    used = np.zeros(n, np.bool_)
    nodes = max(starts.max(), ends.max()) + 1 if n else 0  # an open chain ends where none begins
    place = np.full(nodes, -1, np.int64)
    stack = np.empty(n, np.int64)
    out = np.empty(n, np.int64)
    offsets = np.zeros(n + 1, np.int64)
    rings = 0
    written = 0
    for begin in range(n):
        if used[begin]:
            continue
        arc = begin
        top = 0
        while arc >= 0:
            used[arc] = True
            place[starts[arc]] = top
            stack[top] = arc
            top += 1
            node = ends[arc]
            if place[node] >= 0:
                bottom = place[node]
                for i in range(bottom, top):
                    place[starts[stack[i]]] = -1
                    out[written] = stack[i]
                    written += 1
                top = bottom
                rings += 1
                offsets[rings] = written
                if top == 0:
                    break
            best = -1
            dx, dy = -arriving[arc, 0], -arriving[arc, 1]
            for other in range(candidates[arc, 0], candidates[arc, 1]):
                if used[other]:
                    continue
                if best < 0 or clockwise_before(
                    dx, dy, leaving[other, 0], leaving[other, 1], leaving[best, 0], leaving[best, 1]
                ):
                    best = other
            arc = best
        for i in range(top):  # an open chain bounds nothing; the proof counts what is left out here
            place[starts[stack[i]]] = -1
    return out[:written].copy(), offsets[: rings + 1].copy()


@kernel
def ring_vertices(
    ring_arcs: Int64Array,
    ring_offsets: Int64Array,
    arc_of: Int64Array,
    backward: BoolArray,
    arc_offsets: Int64Array,
    xs: Int32Array,
    ys: Int32Array,
) -> tuple[FloatArray, Int64Array]:
    """Write out the closed rings as an (n, 2) array of lattice units and their offsets."""
    rings = len(ring_offsets) - 1
    offsets = np.zeros(rings + 1, np.int64)
    for ring in range(rings):
        count = 1
        for i in range(ring_offsets[ring], ring_offsets[ring + 1]):
            arc = arc_of[ring_arcs[i]]
            count += arc_offsets[arc + 1] - arc_offsets[arc] - 1
        offsets[ring + 1] = offsets[ring] + count
    out = np.empty((offsets[rings], 2), np.float64)
    for ring in range(rings):
        at = offsets[ring]
        for i in range(ring_offsets[ring], ring_offsets[ring + 1]):
            directed = ring_arcs[i]
            arc = arc_of[directed]
            first, last = arc_offsets[arc], arc_offsets[arc + 1] - 1
            for k in range(last - first):
                source = last - k if backward[directed] else first + k
                out[at, 0] = xs[source]
                out[at, 1] = ys[source]
                at += 1
        out[at] = out[offsets[ring]]
    return out, offsets
