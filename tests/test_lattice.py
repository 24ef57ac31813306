"""Degrees and lattice units: exact there and back, and nothing but places on the globe gets in."""

import math
import re
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap import lattice
from gridmap.errors import InputError

LON_UNITS = st.integers(-180 * lattice.SCALE, 180 * lattice.SCALE)
LAT_UNITS = st.integers(-90 * lattice.SCALE, 90 * lattice.SCALE)


def literal(units: int) -> str:
    """The decimal that a lattice number is, as text: the slow, obvious way."""
    return str(Decimal(units).scaleb(-7))


@settings(deadline=None)
@given(LON_UNITS, LAT_UNITS)
def test_seven_decimals_come_back_as_they_went_in(x: int, y: int) -> None:
    lon, lat = float(literal(x)), float(literal(y))
    xs, ys = lattice.to_lattice([lon], [lat])
    assert (xs[0], ys[0]) == (x, y)
    assert xs.dtype == ys.dtype == np.int32
    lons, lats = lattice.to_degrees(xs, ys)
    assert (lons[0], lats[0]) == (lon, lat)
    assert lattice.point_to_lattice(lon, lat) == (x, y)


def test_a_million_numbers_come_back() -> None:
    units = np.random.default_rng(7).integers(-1_800_000_000, 1_800_000_001, 1_000_000)
    units[:4] = -1_800_000_000, 1_800_000_000, 0, 1
    halves = units // 2
    xs, ys = lattice.to_lattice(*lattice.to_degrees(units, halves))
    assert np.array_equal(xs, units)
    assert np.array_equal(ys, halves)


@settings(deadline=None)
@given(st.floats(-180, 180), st.floats(-90, 90))
def test_any_float_goes_to_the_nearest_unit_and_one_point_as_many(lon: float, lat: float) -> None:
    xs, ys = lattice.to_lattice([lon], [lat])
    for value, unit in ((lon, xs[0]), (lat, ys[0])):
        # The product is rounded once more than the exact one: by at most 2**-23 units.
        assert abs(Decimal(value).scaleb(7) - int(unit)) <= Decimal("0.5") + Decimal(2) ** -22
        assert unit == (Decimal(value * lattice.SCALE)).to_integral_value(ROUND_HALF_EVEN)
    assert lattice.point_to_lattice(lon, lat) == (xs[0], ys[0])


def test_an_exact_half_goes_to_the_even_unit() -> None:
    halves = np.array([0.5, 1.5, 2.5, -0.5, -1.5]) / lattice.SCALE
    assert lattice.to_lattice(halves, halves)[0].tolist() == [0, 2, 2, 0, -2]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 180.0000001, -181, 1e300])
@pytest.mark.parametrize("position", [0, 3, 99_999])
def test_the_first_bad_longitude_is_named(bad: float, position: int) -> None:
    lons, lats = np.zeros(100_000), np.zeros(100_000)
    lons[position:] = bad
    with pytest.raises(InputError, match=re.escape(f"lons: number {position} (counted from 0) is {bad}")):
        lattice.to_lattice(lons, lats)


@pytest.mark.parametrize("bad", [math.nan, math.inf, 90.0000001, -90.1])
def test_a_bad_latitude_is_named(bad: float) -> None:
    with pytest.raises(InputError, match=r"^lats: number 1 ") as refusal:
        lattice.to_lattice([0, 0, 0], [0, bad, 0])
    assert refusal.value.name == "lats"


@pytest.mark.parametrize(
    ("lon", "lat", "name"),
    [
        (math.nan, 0, "lon"),
        (math.inf, 0, "lon"),
        (180.1, 0, "lon"),
        (10**400, 0, "lon"),
        (0, math.nan, "lat"),
        (0, -90.1, "lat"),
        ("106.5", 0, "lon"),
        (0, None, "lat"),
    ],
)
def test_one_bad_point_is_named(lon: float, lat: float, name: str) -> None:
    with pytest.raises(InputError) as refusal:
        lattice.point_to_lattice(lon, lat)
    assert refusal.value.name == name


@pytest.mark.parametrize(
    "lons",
    [
        ["106.5"],
        [None],
        [True],
        [1 + 2j],
        [[106.5]],
        106.5,
        [[1], [2, 3]],
        np.ma.masked_invalid([math.nan]),
        np.array([1.0], dtype=object),
    ],
)
def test_what_is_no_column_of_numbers_is_refused(lons: list[float]) -> None:
    with pytest.raises(InputError) as refusal:
        lattice.to_lattice(lons, [29.5])
    assert refusal.value.name == "lons"


def test_columns_of_two_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="1 values beside 2 lons"):
        lattice.to_lattice([1, 2], [1])


def test_no_points_are_no_points() -> None:
    xs, ys = lattice.to_lattice([], [])
    assert xs.dtype == ys.dtype == np.int32
    assert xs.size == ys.size == 0


def test_input_is_left_alone_and_other_numbers_are_welcome() -> None:
    lons = np.array([106.577, 180.0])
    before = lons.copy()
    lattice.to_lattice(lons, lons / 2)
    assert np.array_equal(lons, before)
    assert (
        lattice.to_lattice(np.array([106], dtype=np.uint8), np.array([29], dtype=np.int64))[0][0]
        == 1_060_000_000
    )
    assert lattice.to_lattice(np.array([0.5], dtype=np.float32), [0])[0][0] == 5_000_000
    assert lattice.point_to_lattice(np.float64(0.5), 3) == (5_000_000, 30_000_000)
    assert lattice.to_lattice(np.arange(10.0)[::2], np.arange(5))[0].tolist() == [
        20_000_000 * i for i in range(5)
    ]
