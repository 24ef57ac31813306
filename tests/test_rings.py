"""Rings: polygons come back from their arcs."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from oracles import polygons_from_arcs
from random_city import random_city
from town import grid_polygons

from gridmap.coverage.arcs import coverage_of
from gridmap.coverage.rings import in_degrees, polygons_of
from gridmap.types import Geometries


def there_and_back(*polygons: shapely.Geometry | None) -> Geometries:
    return polygons_of(coverage_of(np.array(polygons, dtype=object)))


@pytest.mark.parametrize("seed", range(60))
def test_polygons_come_back(seed: int) -> None:
    grids = random_city(seed).grids
    back = polygons_of(coverage_of(grids))
    assert shapely.is_valid(back).all()
    assert shapely.equals(back, grids).all()
    assert np.array_equal(shapely.get_num_coordinates(back), shapely.get_num_coordinates(grids))


@pytest.mark.parametrize("seed", range(60, 90))
def test_shapely_s_polygonizer_finds_the_same(seed: int) -> None:
    coverage = coverage_of(random_city(seed).grids)
    assert shapely.equals(polygons_of(coverage), polygons_from_arcs(coverage)).all()


def test_shells_run_counter_clockwise_and_holes_clockwise() -> None:
    for polygon in polygons_of(coverage_of(grid_polygons())):
        for part in shapely.get_parts(polygon):
            assert part.exterior.is_ccw
            assert not any(ring.is_ccw for ring in part.interiors)


def test_an_island_in_a_lake_does_not_take_the_lake() -> None:
    land = shapely.box(0, 0, 20, 20).difference(shapely.box(4, 4, 16, 16))
    island = shapely.box(8, 8, 12, 12)
    pond = shapely.box(30, 0, 40, 10).difference(shapely.box(33, 3, 36, 6))
    both = shapely.union_all([land, island, pond])
    assert there_and_back(both)[0].equals(both)
    assert there_and_back(both)[0].is_valid


def test_holes_may_touch_each_other_and_the_shell() -> None:
    corner = shapely.Polygon([(0, 0), (4, 2), (3, 3), (2, 4)])
    ring = shapely.Polygon([(3, 3), (6, 4), (4, 6), (2, 8), (1, 6), (2, 4)])
    shape = shapely.box(0, 0, 10, 10).difference(corner).difference(ring)
    back = there_and_back(shape, corner, ring)
    assert shapely.is_valid(back).all()
    assert shapely.equals(back, np.array([shape, corner, ring])).all()


def test_holes_that_touch_twice_leave_an_island() -> None:
    west = shapely.Polygon([(2, 2), (5, 2), (4, 5), (5, 8), (2, 8)])
    east = shapely.Polygon([(5, 2), (8, 2), (8, 8), (5, 8), (6, 5)])
    shape = shapely.box(0, 0, 10, 10).difference(west).difference(east)
    back = there_and_back(shape, west, east)
    assert len(shapely.get_parts(back[0])) == 2
    assert shapely.is_valid(back).all()
    assert shapely.equals(back, np.array([shape, west, east])).all()


def test_parts_may_meet_in_a_corner() -> None:
    chess = shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(1, 1, 2, 2)])
    other = shapely.MultiPolygon([shapely.box(1, 0, 2, 1), shapely.box(0, 1, 1, 2)])
    back = there_and_back(chess, other)
    assert [len(polygon.geoms) for polygon in back] == [2, 2]
    assert shapely.is_valid(back).all()


def test_a_ring_that_touches_itself_becomes_a_hole() -> None:
    touching = shapely.Polygon([(0, 0), (4, 0), (4, 4), (0, 4), (0, 0), (1, 3), (3, 1)])
    back = there_and_back(touching)[0]
    assert back.is_valid
    assert back.area == 16 - 4


def test_a_figure_of_eight_keeps_its_row() -> None:
    eight = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    back = there_and_back(shapely.box(5, 5, 6, 6), eight)[1]
    assert not back.is_valid
    assert back.intersects(shapely.Point(0, 1))


def test_degrees_are_the_nearest_doubles() -> None:
    polygon = shapely.box(1_065_770_001, 295_590_003, 1_065_770_011, 295_590_013)
    degrees = in_degrees(np.array([polygon], dtype=object))[0]
    assert degrees.bounds == (106.5770001, 29.5590003, 106.5770011, 29.5590013)
