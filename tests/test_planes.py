"""Planes: the formulas as they are written down, the way back, and boxes that hold all they should."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from gridmap import crs
from gridmap.errors import InputError
from tiles.planes import PLANES

NAMES = ["mercator", "gcj02", "bd09", "degrees"]
CHINA = 73.0, 2.0, 136.0, 54.0
"""Well inside GCJ-02's box: west, south, east, north."""

LANDMARK = 106.5770, 29.5590
"""解放碑."""


def obvious_mercator(lon: float, lat: float) -> tuple[float, float]:
    """Web Mercator by the textbook's other formula."""
    up = math.log(math.tan(math.pi / 4 + math.radians(lat) / 2))
    return lon / 360 + 0.5, 0.5 - up / (2 * math.pi)


def china(seed: int, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    west, south, east, north = CHINA
    return random.uniform(west, east, count), random.uniform(south, north, count)


def test_the_planes_are_these() -> None:
    assert list(PLANES) == NAMES
    assert all(plane.name == name for name, plane in PLANES.items())


@given(st.floats(-180, 180), st.floats(-85.06, 85.06))
def test_mercator_is_the_textbooks(lon: float, lat: float) -> None:
    (x,), (y,) = PLANES["mercator"].project([lon], [lat])
    assert (x, y) == pytest.approx(obvious_mercator(lon, lat), abs=1e-14)


def test_datums_are_shifted_before_projecting() -> None:
    """The chain of published values: WGS84, GCJ-02, BD-09 (8 decimals)."""
    (x,), (y,) = PLANES["gcj02"].project(*np.reshape(LANDMARK, (2, 1)))
    assert (x, y) == pytest.approx(obvious_mercator(106.58068797, 29.55611255), abs=3e-11)
    (x,), (y,) = PLANES["bd09"].project(*np.reshape(LANDMARK, (2, 1)))
    # What Baidu's projection follows, here within a centimetre (test_baidu).
    expected = Transformer.from_pipeline("+proj=merc +ellps=clrk66").transform(106.58716472, 29.56226742)
    assert (x * 2**26, -y * 2**26) == pytest.approx(expected, abs=0.011)


def test_degrees_are_only_scaled() -> None:
    xs, ys = PLANES["degrees"].project([-180, 0, 180, 106.577], [90, 0, -90, 29.559])
    np.testing.assert_allclose(xs, [0, 0.5, 1, (106.577 + 180) / 360], rtol=0, atol=1e-15)
    np.testing.assert_allclose(ys, [0, 0.25, 0.5, (90 - 29.559) / 360], rtol=0, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_the_way_back(name: str) -> None:
    lons, lats = china(1)
    plane = PLANES[name]
    back = plane.unproject(*plane.project(lons, lats))
    np.testing.assert_allclose(back, (lons, lats), rtol=0, atol=1e-10)
    left, top, right, bottom = plane.extent
    xs, ys = plane.project(lons, lats)
    assert ((xs > left) & (xs < right) & (ys > top) & (ys < bottom)).all()
    east, south = plane.project(lons + 0.1, lats)[0], plane.project(lons, lats - 0.1)[1]
    assert ((east > xs) & (south > ys)).all(), "x grows to the east and y to the south"


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_globe_has_a_place_and_comes_back_or_to_the_edge(name: str) -> None:
    plane = PLANES[name]
    lons, lats = (each.ravel() for each in np.meshgrid(np.linspace(-180, 180, 73), np.linspace(-90, 90, 37)))
    xs, ys = plane.project(lons, lats)
    assert np.isfinite(xs).all()
    assert np.isfinite(ys).all()
    _, back = plane.unproject(xs, ys)
    edge = 73.9 if name == "bd09" else 90
    near = 0.01  # the borders of GCJ-02's box, and Baidu's shift at 180
    np.testing.assert_allclose(
        back, np.clip(lats, -edge, edge), rtol=0, atol=0.11 if name == "bd09" else near
    )
    far = plane.unproject([-1e9, 1e9], [1e9, -1e9])
    assert np.isfinite(far).all()


@pytest.mark.parametrize("name", NAMES)
def test_no_place_is_refused(name: str) -> None:
    plane = PLANES[name]
    with pytest.raises(InputError):
        plane.project([181.0], [0.0])
    with pytest.raises(InputError):
        plane.project([0.0], [math.nan])
    with pytest.raises(InputError):
        plane.unproject([math.nan], [0.0])
    with pytest.raises(InputError):
        plane.unproject([0.1, 0.2], [0.1])


@pytest.mark.parametrize("name", ["gcj02", "bd09"])
def test_the_bounds_of_a_shift_hold(name: str) -> None:
    plane = PLANES[name]
    lons, lats = crs.from_lonlat(*china(2, 200_000), plane.datum)
    step = 1e-5
    here = np.array(crs.to_lonlat(lons, lats, plane.datum)) - (lons, lats)
    east = np.array(crs.to_lonlat(lons + step, lats, plane.datum)) - (lons + step, lats)
    north = np.array(crs.to_lonlat(lons, lats + step, plane.datum)) - (lons, lats + step)
    assert np.abs(here).max() < plane.shift.farthest
    assert ((np.abs(east - here) + np.abs(north - here)) / step).max() < plane.shift.steepness


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("zoom", [3, 7, 11, 16, 20])
def test_a_box_holds_its_rectangle_and_little_more(name: str, zoom: int) -> None:
    plane, random = PLANES[name], np.random.default_rng(zoom)
    for x, y in zip(*plane.project(*china(zoom, 30)), strict=True):
        side = 2.0**-zoom
        xs, ys = random.uniform(x, x + side, 500), random.uniform(y, y + side, 500)
        xs[:4], ys[:4] = (x, x + side, x, x + side), (y, y, y + side, y + side)
        lons, lats = plane.unproject(xs, ys)
        west, south, east, north = plane.lonlat_box(x, y, x + side, y + side)
        assert west <= lons.min()
        assert lons.max() <= east
        assert south <= lats.min()
        assert lats.max() <= north
        room = 2 * plane.shift.steepness * max(np.ptp(lons), np.ptp(lats)) + 1e-12
        at_border = zoom < 8 or lats.max() > 53 or lats.min() < 2 or lons.min() < 73 or lons.max() > 136
        if not at_border:
            assert east - west <= np.ptp(lons) + room
            assert north - south <= np.ptp(lats) + room


def test_a_box_of_the_world_is_the_world() -> None:
    assert PLANES["mercator"].lonlat_box(0, 0, 1, 1) == pytest.approx(
        (-180, -85.0511287798, 180, 85.0511287798)
    )
    assert PLANES["degrees"].lonlat_box(-1, -1, 2, 2) == (-180, -90, 180, 90)
