"""Repair: what is narrow gets one owner, what is wide stays, what was right is untouched."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from random_city import random_city
from town import grid_polygons, tables, toytown

from gridmap.boundaries.repair import repair
from gridmap.coverage.partition import Partition, partition_of
from gridmap.coverage.proof import examine
from gridmap.errors import InputError
from gridmap.index.index import GridIndex
from gridmap.types import Geometries


def city_of(polygons: Geometries) -> Partition:
    """Toytown's outlines, and grids that may differ from them."""
    town = toytown()
    given = {table.level: town.polygons_at(depth) for depth, table in enumerate(town.levels[:-1])}
    return partition_of(tables(), given | {"grid": polygons})


def shifted(code_row: int, units: float) -> Partition:
    """Toytown with one grid grown (or shrunk) by some lattice units all around."""
    polygons = grid_polygons()
    grown = shapely.buffer(polygons[code_row], units, join_style="mitre")
    polygons[code_row] = shapely.set_precision(grown, 1)
    return city_of(polygons)


@pytest.mark.parametrize("units", [30, -30, 3, -3, 1, -1])
@pytest.mark.parametrize("row", [1, 3, 4, 5, 6])
def test_a_narrow_difference_is_mended(row: int, units: float) -> None:
    broken = shifted(row, units)
    assert not examine(broken).proven
    mended, mends = repair(broken, 0.5)
    assert examine(mended).findings == ()
    assert mends
    assert {mend.rule for mend in mends} <= {"gap", "overlap"}
    assert all(mend.owner in mended.finest.row_of for mend in mends)


def test_what_is_wider_than_the_tolerance_stays() -> None:
    broken = shifted(3, -300)  # a gap of 3.3 m
    mended, mends = repair(broken, 0.5)
    assert mends == []
    assert examine(mended).findings == examine(broken).findings


def test_a_proven_partition_is_left_as_it_is() -> None:
    town = toytown()
    mended, mends = repair(town, 10)
    assert mends == []
    assert mended.coverage is town.coverage


def test_untouched_polygons_stay_identical() -> None:
    before, (after, _) = toytown(), repair(shifted(6, -20), 0.5)
    depth = 3
    far = [0, 2, 3]  # the western grids do not touch the one that was shrunk
    same = shapely.equals_exact(
        shapely.normalize(before.polygons_at(depth)[far]), shapely.normalize(after.polygons_at(depth)[far])
    )
    assert same.all()


def test_no_covered_point_changes_its_owner() -> None:
    broken = shifted(4, 40)
    mended, _ = repair(broken, 0.6)
    random = np.random.default_rng(3)
    west, south, east, north = shapely.total_bounds(broken.polygons_at(3))
    xs = random.integers(int(west), int(east), 20_000).astype(np.int32)
    ys = random.integers(int(south), int(north), 20_000).astype(np.int32)
    before = GridIndex.from_coverage(broken.coverage).at_many(xs, ys)
    after = GridIndex.from_coverage(mended.coverage).at_many(xs, ys)
    moved = before != after
    assert (before[moved] == -1).all()  # only gaps get an owner


def test_a_missing_corner_is_put_in() -> None:
    polygons = grid_polygons()
    shell = shapely.get_coordinates(polygons[3])
    polygons[3] = shapely.Polygon(np.insert(shell, 2, (shell[1] + shell[2]) / 2, axis=0))
    broken = city_of(polygons)
    assert [finding.rule for finding in examine(broken).findings] == ["t_junction"]
    mended, mends = repair(broken, 0.1)
    assert examine(mended).proven
    assert mends == []


@pytest.mark.parametrize("seed", range(12))
def test_random_cities_with_slips_are_mended(seed: int) -> None:
    city = random_city(seed, size=60_000)
    random = np.random.default_rng(seed)
    polygons = city.grids.copy()
    for row in random.choice(len(polygons), max(1, len(polygons) // 5), replace=False):
        slip = random.choice([-8, -3, 3, 8])
        moved = shapely.set_precision(shapely.buffer(polygons[row], slip, join_style="mitre"), 1)
        if not moved.is_empty:
            polygons[row] = moved
    broken = partition_of(city.tables, {city.tables[-1].level: polygons})
    mended, _ = repair(broken, 1.0)
    narrow = [finding for finding in examine(mended).findings if finding.rule in {"overlap", "t_junction"}]
    assert narrow == []


@pytest.mark.parametrize("tolerance", [0, -1, float("nan"), float("inf")])
def test_a_tolerance_is_a_positive_number(tolerance: float) -> None:
    with pytest.raises(InputError, match="repair"):
        repair(toytown(), tolerance)
