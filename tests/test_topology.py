"""The loops over edges, arcs and rings, on small arrays written by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from gridmap.kernels import topology


def pairs(*uses: tuple[int, int, int, bool]) -> list[tuple[int, int, int]]:
    """What pair_faces makes of (low, high, face, forward): (index, left, right)."""
    lows, highs, faces, forward = (list(column) for column in zip(*sorted(uses), strict=True))
    edge, left, right = topology.pair_faces(
        np.array(lows, np.int64), np.array(highs, np.int64), np.array(forward), np.array(faces, np.int32)
    )
    return list(zip(edge.tolist(), left.tolist(), right.tolist(), strict=True))


def test_two_neighbours_are_one_record() -> None:
    assert pairs((0, 1, 5, True), (0, 1, 7, False)) == [(0, 5, 7)]
    assert pairs((0, 1, 5, False), (0, 1, 7, True), (0, 2, 7, True)) == [(0, 7, 5), (2, 7, -1)]


def test_further_faces_get_records_in_their_order() -> None:
    assert pairs((0, 1, 1, True), (0, 1, 2, True), (0, 1, 3, False)) == [(0, 1, 3), (0, 2, -1)]


@pytest.mark.parametrize("directions", [(True, True), (True, False), (False, False)])
def test_an_even_number_of_uses_cancels(directions: tuple[bool, bool]) -> None:
    assert pairs(*((0, 1, 4, forward) for forward in directions)) == []


def test_an_odd_number_leaves_the_majority() -> None:
    assert pairs((0, 1, 4, True), (0, 1, 4, True), (0, 1, 4, False)) == [(0, 4, -1)]
    assert pairs((0, 1, 4, False), (0, 1, 4, True), (0, 1, 4, False)) == [(0, -1, 4)]


def test_no_edges() -> None:
    none = np.empty(0, np.int64)
    edge, left, right = topology.pair_faces(none, none, np.empty(0, np.bool_), np.empty(0, np.int32))
    assert len(edge) == len(left) == len(right) == 0


def test_double_areas_say_when_they_are_exact() -> None:
    xs = np.array([0, 4, 4, 0, -1_800_000_000, 1_800_000_000, 0, -1_800_000_000], np.int64)
    ys = np.array([0, 0, 3, 0, -900_000_000, -900_000_000, 900_000_000, -900_000_000], np.int64)
    exact, rough = topology.double_areas(xs, ys, np.array([0, 4, 8]))
    assert exact[0] == rough[0] == 12
    assert rough[1] == 6.48e18  # more than 2**62; still positive as an int64, but nobody relies on it


def traced(
    arcs: list[tuple[int, int, int]], steps: dict[int, tuple[tuple[int, int], tuple[int, int]]]
) -> list[list[int]]:
    """The rings that trace_rings makes of (face, start, end), sorted, with their first and last steps."""
    faces, starts, ends = (np.array(column) for column in zip(*arcs, strict=True))
    candidates = np.array(
        [
            [sum((f, s) < (face, end) for f, s, _ in arcs), sum((f, s) <= (face, end) for f, s, _ in arcs)]
            for face, _, end in arcs
        ]
    )
    leaving = np.array([steps[arc][0] for arc in range(len(arcs))], np.int64)
    arriving = np.array([steps[arc][1] for arc in range(len(arcs))], np.int64)
    rings, offsets = topology.trace_rings(
        faces.astype(np.int32), starts.astype(np.int64), ends.astype(np.int64), leaving, arriving, candidates
    )
    return [rings[a:b].tolist() for a, b in pairwise(offsets)]


def test_a_ring_follows_its_own_wedge() -> None:
    """Two squares of one face that meet in node 0: north-east and south-west of it."""
    steps = {0: ((1, 0), (0, -1)), 1: ((-1, 0), (0, 1))}
    assert traced([(0, 0, 0), (0, 0, 0)], steps) == [[0], [1]]


def test_a_ring_splits_where_it_comes_back() -> None:
    """A shell through nodes 0 and 1, a hole that hangs on node 1: two rings, both simple."""
    arcs = [(0, 0, 1), (0, 1, 0), (0, 1, 1)]
    steps = {0: ((1, 0), (1, 0)), 1: ((0, 1), (0, -1)), 2: ((-1, 2), (1, -1))}
    assert sorted(map(sorted, traced(arcs, steps))) == [[0, 1], [2]]


def test_an_open_chain_bounds_nothing() -> None:
    """It ends at a node with a larger number than any that an arc begins at."""
    assert traced([(0, 0, 1), (0, 1, 9)], {0: ((1, 0), (1, 0)), 1: ((1, 0), (1, 0))}) == []
    assert traced([(0, 0, 9)], {0: ((1, 0), (1, 0))}) == []


def test_ring_vertices_close_the_ring() -> None:
    xs, ys = np.array([0, 2, 2, 2, 0, 0], np.int32), np.array([0, 0, 2, 2, 2, 0], np.int32)
    points, offsets = topology.ring_vertices(
        np.array([0, 1]),
        np.array([0, 2]),
        np.array([0, 1]),
        np.array([False, False]),
        np.array([0, 3, 6]),
        xs,
        ys,
    )
    assert points.tolist() == [[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]
    assert offsets.tolist() == [0, 5]


def test_ring_vertices_walk_arcs_backwards() -> None:
    xs, ys = np.array([0, 2, 2, 0, 0, 2], np.int32), np.array([0, 0, 2, 0, 2, 2], np.int32)
    points, _ = topology.ring_vertices(
        np.array([1, 0]),
        np.array([0, 2]),
        np.array([0, 1]),
        np.array([True, False]),
        np.array([0, 3, 6]),
        xs,
        ys,
    )
    assert points.tolist() == [[0, 0], [0, 2], [2, 2], [2, 0], [0, 0]]
