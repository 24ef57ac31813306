"""Areas and lengths on the ellipsoid against known figures and geodesics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pyproj import Geod

from gridmap.kernels.ellipsoid import line_measures

DEGREE = 10_000_000
SURFACE_M2 = 510_065_621_724_088.44
"""The surface of the WGS84 ellipsoid: 2 pi a^2 (1 + (1 - e^2) / e artanh e)."""
QUADRANT_M = 10_001_965.729312
"""From the equator to the pole along a meridian of WGS84."""


def measured(points: list[tuple[float, float]]) -> tuple[float, float]:
    """Area and length of one line through points in degrees."""
    xy = np.array(points) * DEGREE
    areas, lengths = line_measures(
        np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1]), np.array([0, len(xy)])
    )
    return float(areas[0]), float(lengths[0])


def test_the_whole_ellipsoid() -> None:
    along = np.arange(-180, 181, 10)
    ring = [(x, -90) for x in along] + [(x, 90) for x in along[::-1]] + [(-180, -90)]
    assert measured(ring)[0] == pytest.approx(SURFACE_M2, rel=1e-13)


def test_a_quarter_of_a_meridian() -> None:
    steps = [(106.5, y / 100) for y in range(9001)]
    assert measured(steps) == pytest.approx((0, QUADRANT_M), rel=1e-9)


def test_a_quarter_of_the_equator() -> None:
    assert measured([(0, 0), (45, 0), (90, 0)])[1] == pytest.approx(math.pi / 2 * 6378137, rel=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_short_edges_are_as_long_as_geodesics(seed: int) -> None:
    random = np.random.default_rng(seed)
    start = random.uniform((-170, -70), (170, 70))
    end = start + random.uniform(-0.05, 0.05, 2)
    geodesic = Geod(ellps="WGS84").inv(*start, *end)[2]
    assert measured([tuple(start), tuple(end)])[1] == pytest.approx(geodesic, rel=1e-6)


def test_turning_round_changes_the_sign_only() -> None:
    ring = [(105.0, 28.0), (110.0, 28.5), (109.0, 32.0), (105.0, 28.0)]
    area, length = measured(ring)
    assert area > 0
    assert measured(ring[::-1]) == pytest.approx((-area, length), rel=1e-14)


def test_one_edge_is_as_good_as_many() -> None:
    """The three-point rule: an edge of a degree, whole and in a hundred pieces."""
    one = [(106.0, 29.0), (107.0, 30.0)]
    many = [(106 + i / 100, 29 + i / 100) for i in range(101)]
    assert measured(one)[0] == pytest.approx(measured(many)[0], rel=1e-12)


def test_many_lines_at_once() -> None:
    xs = np.array([0, DEGREE, 5 * DEGREE, 5 * DEGREE, 7 * DEGREE], float)
    areas, lengths = line_measures(xs, np.zeros(5), np.array([0, 2, 2, 5]))
    assert areas.tolist() == [0, 0, 0]
    assert lengths[1] == 0
    assert lengths[2] == pytest.approx(2 * lengths[0])
