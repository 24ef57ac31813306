"""GridIndex against exact whole-number ray casting: one owner for every point."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from damage import damaged_city
from oracles import owner_of
from random_city import random_city
from town import SOUTH, STEP, WEST, toytown

from gridmap.index.index import GridIndex
from gridmap.model import NOWHERE
from gridmap.types import Geometries, Int64Array


def interesting_points(polygons: Geometries, seed: int, count: int) -> Int64Array:
    """Lattice points anywhere around, corners, middles of sides (coordinates are even), and beside them."""
    random = np.random.default_rng(seed)
    corners = shapely.get_coordinates(polygons)
    middles = (corners[1:] + corners[:-1]) / 2
    middles = middles[(middles % 1 == 0).all(axis=1)]
    low, high = corners.min(axis=0) - 20, corners.max(axis=0) + 20
    some = [random.permutation(points)[:count] for points in (corners, middles)]
    beside = np.concatenate(some) + random.integers(-1, 2, (sum(map(len, some)), 2))
    return np.concatenate([*some, beside, random.integers(low, high, (count, 2))]).astype(np.int64)


def check(polygons: Geometries, points: Int64Array) -> None:
    index = GridIndex(polygons)
    expected = [owner_of(int(x), int(y), polygons) for x, y in points]
    xs, ys = points[:, 0].astype(np.int32), points[:, 1].astype(np.int32)
    assert index.locate_many(xs, ys).tolist() == expected
    assert [index.locate(int(x), int(y)) for x, y in points[::7]] == expected[::7]


@pytest.mark.parametrize("seed", range(20))
def test_cities(seed: int) -> None:
    grids = random_city(seed).grids
    check(grids, interesting_points(grids, seed, 60))


@pytest.mark.parametrize("seed", range(40))
def test_overlapping_polygons_belong_to_the_smallest_row(seed: int) -> None:
    damaged = damaged_city(seed)
    if damaged.valid:
        check(damaged.grids, interesting_points(damaged.grids, seed, 40))


@pytest.mark.parametrize("seed", range(10))
def test_the_oracle_is_shapely_s_covers(seed: int) -> None:
    grids = random_city(seed).grids
    for x, y in interesting_points(grids, seed, 40):
        covering = np.flatnonzero(shapely.covers(grids, shapely.Point(x, y)))
        assert owner_of(int(x), int(y), grids) == (covering[0] if len(covering) else NOWHERE)


def test_long_edges_are_exact() -> None:
    far = 800_000_000
    south = shapely.Polygon([(-far, 0), (far, 2), (far, -9), (-far, -9)])
    north = shapely.Polygon([(-far, 0), (-far, 9), (far, 9), (far, 2)])
    shapes: Geometries = np.array([north, south], dtype=object)
    near = np.array([(x, y) for x in (-far, 0, 1, far - 1, far) for y in (-9, 0, 1, 2, 3, 9, 10)])
    check(shapes, near)
    assert GridIndex(shapes).locate(1, 1) == 1  # 1e-9 units below the border


def test_empty_shapes_own_nothing() -> None:
    shapes: Geometries = np.array([None, shapely.Polygon(), shapely.box(0, 0, 2, 2)], dtype=object)
    index = GridIndex(shapes)
    assert [index.locate(x, 1) for x in (-1, 0, 1, 2, 3)] == [NOWHERE, 2, 2, 2, NOWHERE]
    assert index.locate_many(np.array([], np.int32), np.array([], np.int32)).tolist() == []
    assert GridIndex(shapes[:2]).locate_many(np.array([1], np.int32), np.array([1], np.int32)).tolist() == [
        NOWHERE
    ]


def test_toytown_stories() -> None:
    town = toytown()
    index = GridIndex(town.polygons_at(3))

    def grid_at(x: float, y: float) -> str | None:
        row = index.locate(WEST + round(x * STEP), SOUTH + round(y * STEP))
        return None if row == NOWHERE else town.finest.names[row]

    assert grid_at(1, 3) == "玩具小学"
    assert grid_at(0.8, 3) == "学府社区第1网格"  # on the wall of the school
    assert grid_at(5, 3.2) == "南门社区第2网格"  # the enclave across the river
    assert grid_at(8.7, 1.2) == "桥头村第3网格"  # the island
    assert grid_at(8.2, 1.2) is None  # the water between
    assert grid_at(2, 2) == "学府社区第1网格"  # four grids meet
    assert grid_at(6, 1) == "河东农贸市场"
