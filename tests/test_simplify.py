"""The rank of a vertex is the rule of Douglas and Peucker for every tolerance at once."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from tiles.kernels import simplify


def wiggle(seed: int, count: int = 200) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    random = np.random.default_rng(seed)
    return np.cumsum(random.normal(size=(count, 2)), axis=0)


def ranks_of(
    points: np.ndarray[tuple[int, int], np.dtype[np.float64]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    xs, ys = (np.ascontiguousarray(points[:, axis]) for axis in (0, 1))
    ranks = np.empty(len(points))
    simplify.rank_arcs(xs, ys, np.array([0, len(points)]), ranks)
    return ranks


@pytest.mark.parametrize("seed", range(20))
def test_what_is_kept_is_what_shapely_keeps(seed: int) -> None:
    points = wiggle(seed)
    ranks = ranks_of(points)
    for tolerance in (0.1, 0.5, 1.0, 3.0, 10.0):
        kept = points[ranks > tolerance]
        expected = shapely.simplify(shapely.LineString(points), tolerance, preserve_topology=False)
        assert np.array_equal(kept, shapely.get_coordinates(expected)), tolerance


def test_the_same_is_kept_whichever_way_the_arc_is_given() -> None:
    points = wiggle(3)
    assert np.allclose(ranks_of(points), ranks_of(points[::-1])[::-1], rtol=1e-12)


def test_the_ends_always_stay_and_a_loop_keeps_its_farthest_vertex() -> None:
    loop = np.array([(0, 0), (4, 1), (9, 0), (5, -1), (0, 0)], float)
    ranks = ranks_of(loop)
    assert ranks[0] == ranks[-1] == np.inf
    assert ranks.argsort()[-3] == 2
    assert ranks[2] == 9


def test_rounding_goes_to_the_nearest_and_drops_what_repeats() -> None:
    xs, ys = np.array([0.0, 0.4, 0.6, 2.5, 2.4]), np.zeros(5)
    found = simplify.quantise_arcs(xs, ys, np.full(5, 9.0), np.array([0, 3, 5]), 1.0, 1.0)
    assert [values.tolist() for values in found] == [[0, 1, 3, 2], [0, 0, 0, 0], [0, 2, 4]]


def test_an_arc_that_shrinks_to_a_point_keeps_it() -> None:
    xs, ys = np.array([0.1, 0.2, 0.3]), np.zeros(3)
    found = simplify.quantise_arcs(xs, ys, np.full(3, 9.0), np.array([0, 3]), 1.0, 1.0)
    assert [values.tolist() for values in found] == [[0], [0], [0, 1]]


def test_areas_of_arcs_add_up_to_the_area_of_their_ring() -> None:
    ring = np.array(shapely.box(1, 2, 4, 7).exterior.coords)
    xs, ys = (np.ascontiguousarray(ring[:, axis]) for axis in (0, 1))
    areas = np.empty(1)
    simplify.arc_areas(xs, ys, np.array([0, len(ring)]), areas)
    assert areas[0] == 15
