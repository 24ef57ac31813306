"""Regions: the pieces that loose edges enclose."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gridmap.coverage.edges import directed, edges_of, unpack
from gridmap.coverage.regions import Cover, Loose, Region, corners_inside, regions_of
from gridmap.types import Geometries


def loose_of(polygons: Geometries) -> Loose:
    edges = edges_of(polygons)
    begin, end, faces = directed(edges.chosen(edges.unmatched))
    return Loose(np.stack([unpack(begin), unpack(end)], axis=1), faces)


def regions(*polygons: shapely.Geometry) -> list[Region]:
    shapes: Geometries = np.array(polygons, dtype=object)
    return regions_of(loose_of(shapes), shapes)


def test_an_overlap_and_a_gap() -> None:
    found = regions(
        shapely.box(0, 0, 10, 10),
        shapely.box(8, 0, 20, 10),
        shapely.box(0, 10, 20, 20) - shapely.box(5, 10, 6, 11),
    )
    by_cover = {region.covers: region for region in found}
    assert set(by_cover) == {(0,), (1,), (2,), (0, 1), ()}
    assert shapely.bounds(by_cover[0, 1].polygon).tolist() == [8, 0, 10, 10]
    assert shapely.bounds(by_cover[()].polygon).tolist() == [5, 10, 6, 11]
    assert all(region.polygon.contains_properly(region.point) for region in found)


def test_regions_know_their_edges() -> None:
    (region,) = regions(shapely.box(0, 0, 10, 10))
    assert region.edges.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("seed", range(20))
def test_the_faces_of_a_region_are_right_even_where_it_is_thin(seed: int) -> None:
    random = np.random.default_rng(seed)
    shapes: Geometries = np.array(
        [shapely.MultiPoint(random.integers(0, 1_000_000, (6, 2))).convex_hull for _ in range(5)],
        dtype=object,
    )
    for region in regions_of(loose_of(shapes), shapes):
        middle = shapely.point_on_surface(region.polygon)
        owners = np.flatnonzero(shapely.contains_properly(shapes, middle))
        assert region.covers == tuple(owners.tolist())


def test_members_share_an_area() -> None:
    cover = Cover(np.array([shapely.box(0, 0, 4, 4), shapely.box(4, 0, 8, 4), shapely.box(8, 0, 9, 4)]))
    rows, shared = cover.members(shapely.box(2, 1, 8, 5))
    assert rows.tolist() == [0, 1]
    assert [shape.area for shape in shared] == [6, 12]
    rows, shared = cover.members(shapely.box(-1, -1, 20, 20))
    assert rows.tolist() == [0, 1, 2]
    assert [shape.area for shape in shared] == [16, 16, 4]


def test_members_may_be_invalid() -> None:
    tie = shapely.Polygon([(0, 0), (4, 4), (4, 0), (0, 4)])
    rows, shared = Cover(np.array([tie])).members(shapely.box(0, 0, 2, 4))
    assert rows.tolist() == [0]
    assert shared[0].area == 4


def test_corners_inside_edges_are_exact() -> None:
    far = 800_000_000
    ends = np.array(
        [
            [[-far, 0], [far, 2]],  # passes through (0, 1) exactly
            [[0, 1], [5, 9]],  # begins on it
            [[far - 1, 2], [5, 9]],  # 1e-9 units beside it
            [[far, 2], [7, 9]],  # begins where it ends
        ],
        np.int64,
    )
    corners, edges = corners_inside(ends)
    assert list(zip(corners.tolist(), edges.tolist(), strict=True)) == [(2, 0)]


def test_no_edges_make_no_regions() -> None:
    assert regions_of(loose_of(np.array([], dtype=object)), np.array([], dtype=object)) == []
    assert [len(values) for values in corners_inside(np.empty((0, 2, 2), np.int64))] == [0, 0]
