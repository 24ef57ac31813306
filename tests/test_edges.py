"""Edges: what two neighbours share becomes one record, exactly."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import shapely
from oracles import segments_of
from random_city import random_city

from gridmap.coverage.edges import Edges, directed, edges_from_directed, edges_of, pack, sign_of_areas, unpack
from gridmap.errors import InputError
from gridmap.model import NOWHERE
from gridmap.types import Geometries


def shapes(*polygons: shapely.Geometry | None) -> Geometries:
    return np.array(polygons, dtype=object)


def records(edges: Edges) -> list[tuple[list[int], list[int], int, int]]:
    return [
        (edges.vertices[low].tolist(), edges.vertices[high].tolist(), int(left), int(right))
        for low, high, left, right in zip(edges.lows, edges.highs, edges.left, edges.right, strict=True)
    ]


def test_neighbours_share_one_record() -> None:
    edges = edges_of(shapes(shapely.box(0, 0, 2, 2), shapely.box(2, 0, 4, 2)))
    assert ([2, 0], [2, 2], 0, 1) in records(edges)  # walking north, the western square is on the left
    assert len(edges) == 7
    assert edges.unmatched.sum() == 6
    assert not edges.repeated.any()


def test_ring_direction_does_not_matter() -> None:
    square = shapely.Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], [[(1, 1), (2, 1), (2, 2), (1, 2)]])
    turned = shapely.Polygon(square.exterior.reverse(), [square.interiors[0].reverse()])
    assert records(edges_of(shapes(square))) == records(edges_of(shapes(turned)))


def test_overlapping_faces_get_further_records() -> None:
    square = shapely.box(0, 0, 2, 2)
    edges = edges_of(shapes(square, square, square))
    assert len(edges) == 12
    assert edges.repeated.all()
    assert Counter(edges.left.tolist() + edges.right.tolist()) == {0: 4, 1: 4, 2: 4, NOWHERE: 12}


def test_parts_of_one_face_that_share_a_side_are_joined() -> None:
    two = shapely.MultiPolygon([shapely.box(0, 0, 2, 2), shapely.box(2, 0, 4, 2)])
    assert len(edges_of(shapes(two))) == 6


def test_rings_without_an_area_own_nothing() -> None:
    line = shapely.Polygon([(0, 0), (4, 0), (2, 0)])
    spike = shapely.Polygon([(0, 0), (2, 0), (2, 2), (5, 5), (2, 2), (0, 2)])
    eight = shapely.Polygon([(10, 0), (12, 2), (12, 0), (10, 2)])
    assert len(edges_of(shapes(line, None, shapely.Polygon(), shapely.MultiPolygon()))) == 0
    assert len(edges_of(shapes(spike))) == 4
    assert len(edges_of(shapes(eight))) == 4  # no area by the sum, yet two lobes


def test_empty_parts_do_not_shift_the_others() -> None:
    square = shapely.box(0, 0, 2, 2)
    mixed = shapely.from_wkt("MULTIPOLYGON (EMPTY, ((0 0, 2 0, 2 2, 0 2, 0 0)), EMPTY)")
    for row in range(3):
        some: list[shapely.Geometry | None] = [None, shapely.Polygon(), None]
        some[row] = mixed
        edges = edges_of(shapes(*some))
        assert {face for face in edges.left.tolist() + edges.right.tolist() if face != NOWHERE} == {row}
        assert len(edges) == len(edges_of(shapes(square)))


@pytest.mark.parametrize("seed", range(20))
def test_edges_are_the_sides_of_the_polygons(seed: int) -> None:
    grids = random_city(seed).grids
    sides = {(min(side), max(side), row) for row, grid in enumerate(grids) for side in segments_of(grid)}
    found = [
        (tuple(low), tuple(high), row)
        for low, high, left, right in records(edges_of(grids))
        for row in (left, right)
        if row != NOWHERE
    ]
    assert sorted(found) == sorted(sides)


@pytest.mark.parametrize("seed", range(10))
def test_directed_edges_give_the_same_edges_again(seed: int) -> None:
    edges = edges_of(random_city(seed).grids)
    assert records(edges_from_directed(*directed(edges))) == records(edges)


def test_packed_points_sort_like_points() -> None:
    points = np.array(
        [(x, y) for x in (-1_800_000_000, -1, 0, 7) for y in (-900_000_000, -1, 0, 900_000_000)]
    )
    keys = pack(points[:, 0], points[:, 1])
    assert (np.diff(keys) > 0).all()
    assert np.array_equal(unpack(keys), points)


def test_the_sign_of_an_area_is_exact() -> None:
    far = 1_700_000_000
    thin = np.array([(-far, 0), (0, 0), (far, 1), (-far, 0)])  # twice the area is 1.7e9, its terms are 6e18
    huge = np.array([(-far, -8e8), (far, -8e8), (far, 8e8), (-far, 8e8), (-far, -8e8)], np.int64)
    for ring, sign in ((thin, 1), (thin[::-1], -1), (huge, 1), (huge[::-1], -1), (thin[[0, 1, 0, 0]], 0)):
        offsets = np.array([0, len(ring)])
        assert sign_of_areas(np.ascontiguousarray(ring), offsets).tolist() == [sign]


@pytest.mark.parametrize(
    ("polygon", "said"),
    [
        (shapely.Polygon([(0, 0), (1, 0), (0.5, 1)]), "polygon 1 has a corner at 0.5"),
        (shapely.Polygon([(0, 0), (2_000_000_000, 0), (0, 1)]), "polygon 1 has a corner at 2000000000"),
        (shapely.Polygon([(0, 0), (900_000_001, 0), (0, 1)]), "polygon 1 has an edge of 90.0 degrees at"),
        (shapely.LineString([(0, 0), (1, 0)]), "number 1 is a LINESTRING"),
    ],
)
def test_what_is_no_polygon_on_the_lattice_is_refused(polygon: shapely.Geometry, said: str) -> None:
    with pytest.raises(InputError, match=said):
        edges_of(shapes(shapely.box(0, 0, 1, 1), polygon))


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_corner_that_is_no_number_is_refused() -> None:
    with pytest.raises(InputError, match="polygon 0 has a corner at nan"):
        edges_of(shapes(shapely.Polygon([(0, 0), (1, 0), (np.nan, 1)])))


def test_the_longest_edge_is_in() -> None:
    assert len(edges_of(shapes(shapely.Polygon([(0, 0), (900_000_000, 0), (0, 1)])))) == 3
