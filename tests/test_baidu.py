"""Baidu's Mercator: published values, the projection that it follows, its seams, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from tiles.baidu import FARTHEST, STARTS, to_degrees, to_metres

# lon, lat in BD-09 -> metres: the customary guide to Baidu's coordinates (2011), a public tile library.
PUBLISHED = [
    ((116.404, 39.915), (12958175.00, 4825923.77)),
    ((149.128661, -35.282083), (16601107.24, -4177372.21)),
]


def metres(lon: float, lat: float) -> tuple[float, float]:
    (east,), (north,) = to_metres(np.array([lon]), np.array([lat]))
    return float(east), float(north)


def degrees(east: float, north: float) -> tuple[float, float]:
    (lon,), (lat,) = to_degrees(np.array([east]), np.array([north]))
    return float(lon), float(lat)


@pytest.mark.parametrize(("place", "expected"), PUBLISHED)
def test_published_places(place: tuple[float, float], expected: tuple[float, float]) -> None:
    assert metres(*place) == pytest.approx(expected, abs=0.006)
    assert degrees(*expected) == pytest.approx(place, abs=1e-7)


@pytest.mark.parametrize(
    ("south", "north", "miss_m"),
    [(0, 15, 0.004), (15, 30, 0.01), (30, 45, 0.042), (45, 60, 0.45), (60, 74, 15)],
)
def test_it_follows_the_mercator_projection_of_the_clarke_1866_ellipsoid(
    south: float, north: float, miss_m: float
) -> None:
    """Another's projection, so every coefficient is held against something that is no copy of the table."""
    lats = np.linspace(south, north, 3001)[:-1]
    lons = np.linspace(-180, 180, 3001)[:-1]
    true = Transformer.from_pipeline("+proj=merc +ellps=clrk66").transform(lons, lats)
    easts, norths = to_metres(lons, lats)
    np.testing.assert_allclose(easts, true[0], rtol=0, atol=0.008)
    np.testing.assert_allclose(norths, true[1], rtol=0, atol=miss_m)


@given(st.floats(0.001, 180), st.floats(0.001, FARTHEST), st.sampled_from([-1, 1]), st.sampled_from([-1, 1]))
def test_the_way_back_is_exact(lon: float, lat: float, east: int, north: int) -> None:
    place = east * lon, north * lat
    assert degrees(*metres(*place)) == pytest.approx(place, abs=1e-11, rel=0)


@pytest.mark.parametrize(
    ("seam", "step_m"), [(0, 0.0074), (15, 0.0098), (30, 0.0444), (45, 0.412), (60, 14.63)]
)
def test_seams_step_up_and_both_sides_come_back(seam: float, step_m: float) -> None:
    below = metres(106.5, np.nextafter(seam, -1))
    above = metres(106.5, seam)
    assert above[1] - below[1] == pytest.approx(step_m, rel=0.02)
    assert abs(above[0] - below[0]) < 0.0014
    for side in (below, above):
        assert degrees(*side) == pytest.approx((106.5, seam), abs=1e-12)
    # A northing in the step belongs to no place.
    assert degrees(above[0], (below[1] + above[1]) / 2)[1] == pytest.approx(seam, abs=1e-12)


def test_northings_grow_with_the_latitude_everywhere() -> None:
    lats = np.sort(np.concatenate([np.linspace(-FARTHEST, FARTHEST, 100_001), STARTS, -STARTS]))
    assert (np.diff(np.unique(lats)) > 0).all()
    assert (np.diff(to_metres(np.zeros_like(np.unique(lats)), np.unique(lats))[1]) > 0).all()


def test_what_is_north_of_the_map_lies_on_its_edge() -> None:
    assert metres(0, 89) == metres(0, FARTHEST)
    assert degrees(0, 2e7)[1] == FARTHEST
    assert degrees(0, -2e7)[1] == -FARTHEST
