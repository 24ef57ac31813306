"""Measures: ellipsoidal, and adding up."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from oracles import geodesic_area_and_perimeter
from random_city import random_city
from town import toytown

from gridmap.coverage.arcs import coverage_of
from gridmap.coverage.measures import area_m2, measures_of, neighbours_of

DEGREE = 10_000_000


def test_toytown_agrees_with_geodesics() -> None:
    town = toytown()
    for depth in range(4):
        found = measures_of(town.coverage_at(depth))
        for row, polygon in enumerate(town.polygons_at(depth)):
            area, perimeter = geodesic_area_and_perimeter(polygon)
            assert found.areas_m2[row] == pytest.approx(area, rel=1e-8, abs=1e-3)
            assert found.perimeters_m[row] == pytest.approx(perimeter, rel=1e-7)


def test_a_wide_shape_agrees_with_geodesics() -> None:
    wide = shapely.Polygon([(105, 28), (110, 28.5), (109.5, 32.25), (107, 30), (105.25, 31.75)])
    hole = shapely.Polygon([(107, 29), (108, 29), (108, 29.5)])
    polygon = shapely.transform(wide.difference(hole), lambda xy: xy * DEGREE)
    area, perimeter = geodesic_area_and_perimeter(polygon, step=0.001)
    assert area_m2(polygon) == pytest.approx(area, rel=1e-9)
    found = measures_of(coverage_of(np.array([shapely.transform(shapely.segmentize(polygon, 1e5), np.rint)])))
    assert found.perimeters_m[0] == pytest.approx(perimeter, rel=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_areas_add_up_at_every_level(seed: int) -> None:
    city = random_city(seed).partition(given=False)
    areas = [measures_of(city.coverage_at(depth)).areas_m2 for depth in range(4)]
    for depth in range(1, 4):
        sums = np.bincount(city.parent_rows(depth), areas[depth], minlength=len(areas[depth - 1]))
        assert sums == pytest.approx(areas[depth - 1], rel=1e-6)
    for polygon, area in zip(city.polygons_at(3), areas[3], strict=True):
        assert area_m2(polygon) == pytest.approx(area, rel=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_neighbours_are_shapely_s(seed: int) -> None:
    grids = random_city(seed).grids
    found = neighbours_of(coverage_of(grids))
    shared = {
        (one, other)
        for one in range(len(grids))
        for other in range(one + 1, len(grids))
        if shapely.length(shapely.intersection(grids[one], grids[other])) > 0
    }
    assert list(zip(found.one.tolist(), found.other.tolist(), strict=True)) == sorted(shared)
    assert (found.border_m > 0).all()


def test_compactness() -> None:
    metres = 1 / 111_320
    circle = shapely.Point(0, 0).buffer(200 * metres * DEGREE, quad_segs=64)
    square = shapely.box(0, 0, 300 * metres * DEGREE, 300 * metres * DEGREE)
    both = [shapely.transform(shape, np.rint) for shape in (circle, square)]
    found = measures_of(coverage_of(np.array([*both, None], dtype=object)))
    assert found.compactness == pytest.approx([0.999, 0.785, 0.0], abs=0.008)
    assert found.areas_m2[2] == found.perimeters_m[2] == 0


def test_holes_and_parts_count() -> None:
    boxes = [
        shapely.box(*bounds) for bounds in ((0, 0, 1000, 1000), (100, 100, 200, 200), (120, 120, 130, 130))
    ]
    shape = shapely.union(shapely.difference(boxes[0], boxes[1]), boxes[2])
    whole, hole, island = (area_m2(box) for box in boxes)
    assert area_m2(shape) == pytest.approx(whole - hole + island)
