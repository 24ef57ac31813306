"""The twin: what a snapshot answers, and a home without a city."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from town import GRIDS, toytown
from webtown import HOLED, TWO_PARTS, make_twin, place

from gridmap import crs
from gridmap.errors import HomeError, InputError, NotFoundError
from gridmap.store.home import Home
from gridmap.twin import Snapshot, Twin

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def toy() -> Snapshot:
    return make_twin().current


@pytest.mark.parametrize(
    ("x", "y", "code"),
    [
        (1.0, 1.0, "500999001002001"),
        (1.1, 3.0, "500999001001901"),  # the school in its hole
        (5.0, 3.2, TWO_PARTS),  # the enclave
        (8.7, 1.2, "500999100200003"),  # the island
        (8.3, 1.2, None),  # the water between
        (2.0, 2.0, HOLED),  # a corner of four grids belongs to the smallest code
        (0.8, 3.0, HOLED),  # so does the school's fence
        (6.0, 1.0, "500999100200901"),
        (0.0, 0.0, "500999001002001"),  # the outer border belongs to the city
        (-0.0001, 0.0, None),
    ],
)
def test_a_point_has_one_owner(toy: Snapshot, x: float, y: float, code: str | None) -> None:
    assert toy.locate(*place(x, y), "wgs84") == code


def test_the_same_place_in_every_datum_is_in_the_same_grid(toy: Snapshot) -> None:
    lon, lat = place(3.0, 1.0)
    for name in ("cgcs2000", "gcj02", "bd09", "EPSG:4490", "EPSG:4524"):
        x, y = crs.from_lonlat([lon], [lat], name)
        assert toy.locate(float(x[0]), float(y[0]), name) == TWO_PARTS


@pytest.mark.parametrize(
    ("lon", "lat", "datum", "name"),
    [
        (181.0, 29.5, "wgs84", "lon"),
        (106.5, 95.0, "wgs84", "lat"),
        (float("nan"), 29.5, "wgs84", "lon"),
        (float("inf"), 29.5, "gcj02", "lon"),
        (106.5, float("nan"), "bd09", "lat"),
        (106.5, 29.5, "", "crs"),
        (106.5, 29.5, "mars", "crs"),
    ],
)
def test_what_cannot_be_used_is_called_by_its_name(
    toy: Snapshot, lon: float, lat: float, datum: str, name: str
) -> None:
    with pytest.raises(InputError) as refused:
        toy.locate(lon, lat, datum)
    assert refused.value.name == name


def test_the_tree_can_be_walked(toy: Snapshot) -> None:
    assert [area.code for area in toy.children(None)] == ["500999"]
    assert [area.code for area in toy.chain(HOLED)] == ["500999", "500999001", "500999001001", HOLED]
    walked = [
        grid.code
        for district in toy.children(None)
        for town in toy.children(district.code)
        for community in toy.children(town.code)
        for grid in toy.children(community.code)
    ]
    assert walked == list(GRIDS)
    assert toy.children(HOLED) == []
    with pytest.raises(NotFoundError, match="500998"):
        toy.area("500998")


def test_measures_of_parents_are_sums(toy: Snapshot) -> None:
    grids = sum(toy.measures(code).area_m2 for code in GRIDS)
    assert toy.measures("500999").area_m2 == pytest.approx(grids, rel=1e-12)
    school = toy.measures("500999001001901")
    assert school.area_m2 == pytest.approx(school.perimeter_m**2 / 16, rel=0.02)  # nearly a square
    assert school.compactness == pytest.approx(0.78, abs=0.02)


def test_polygons_are_in_degrees(toy: Snapshot) -> None:
    assert toy.polygon("500999001001901").bounds == (106.5008, 29.5028, 106.5014, 29.5034)
    assert toy.polygon("500999").area == pytest.approx(toytown().polygons_at(0)[0].area / 1e14)


def test_a_home_without_a_city_says_how_to_get_one(tmp_path: Path) -> None:
    Home.create(tmp_path / "home")
    with pytest.raises(HomeError, match="gridmap city chongqing --home"):
        Twin.open(tmp_path / "home")


def test_a_copied_home_answers_the_same(yuzhong: Path, tmp_path: Path) -> None:
    shutil.copytree(yuzhong, tmp_path / "elsewhere")
    one, other = Twin.open(yuzhong).current, Twin.open(tmp_path / "elsewhere").current
    assert one.edition == other.edition
    assert one.locate(106.577, 29.559, "wgs84") == other.locate(106.577, 29.559, "wgs84") is not None
    assert any("ynthetic" in note for note in other.notes)
