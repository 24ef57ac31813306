"""Rungs: borders that neighbours and levels share on every zoom, nothing large lost, no gap, no overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import shapely
from drawn import city
from tile_oracle import rung_polygons
from town import toytown

from gridmap.coverage.partition import level_table, partition_of
from tiles.curve import along_curve
from tiles.ladder.borders import borders_of
from tiles.ladder.rungs import LARGE, rungs_of
from tiles.planes import PLANES

if TYPE_CHECKING:
    from gridmap.types import Geometries
    from tiles.ladder.borders import Borders


def by_row(borders: Borders, zoom: int) -> list[dict[int, Any]]:
    orders = tuple(np.arange(len(faces)) for faces in borders.levels)
    out = []
    for rung in rungs_of(borders, orders, float(4096 << zoom))[0]:
        rows, shapes = rung_polygons(rung)
        out.append(dict(zip(rows, shapes, strict=True)))
    return out


def shapes_of(found: dict[int, Any]) -> Geometries:
    return np.array(list(found.values()), dtype=object)


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("zoom", [4, 6, 8, 9, 10, 11, 12, 14, 16])
def test_a_rung_has_no_gap_no_overlap_and_only_valid_polygons(plane: str, zoom: int) -> None:
    partition = city()
    borders = borders_of(partition, PLANES[plane])
    communities, grids = by_row(borders, zoom)
    for found in (communities, grids):
        shapes = shapes_of(found)
        assert shapely.is_valid(shapes).all()
        joined = shapely.union_all(shapes)
        assert shapely.area(shapes).sum() == joined.area
        assert not [hole for part in shapely.get_parts(joined) for hole in part.interiors]
    assert shapely.equals(shapely.union_all(shapes_of(grids)), shapely.union_all(shapes_of(communities)))


@pytest.mark.parametrize("zoom", [6, 9, 12, 15])
def test_a_community_is_the_union_of_its_grids_on_every_rung(zoom: int) -> None:
    partition = city(seed=4)
    communities, grids = by_row(borders_of(partition, PLANES["mercator"]), zoom)
    ancestors = partition.ancestors[0]
    for row, shape in communities.items():
        mine = [grids[grid] for grid in np.flatnonzero(ancestors == row).tolist() if grid in grids]
        assert shapely.equals(shapely.union_all(mine), shape)


@pytest.mark.parametrize(
    ("flatten", "zoom"), [(0.02, 11), (0.02, 12), (0.05, 10), (0.1, 10), (0.3, 9), (1.0, 8)]
)
def test_nothing_large_is_lost_and_no_ground_is_won(flatten: float, zoom: int) -> None:
    borders = borders_of(city(seed=3, flatten=flatten), PLANES["mercator"])
    units = float(4096 << zoom)
    for areas, found in zip(borders.areas, by_row(borders, zoom), strict=True):
        large = np.flatnonzero(areas * units**2 >= LARGE)
        assert set(large.tolist()) <= set(found)
        shapes = shapes_of(found)
        assert shapely.is_valid(shapes).all()
        assert shapely.area(shapes).sum() == shapely.union_all(shapes).area


def test_toytown_keeps_its_hole_its_enclave_and_its_island() -> None:
    partition = toytown()
    borders = borders_of(partition, PLANES["mercator"])
    grids = by_row(borders, 14)[-1]
    assert len(grids) == 9
    rows = partition.finest.row_of
    assert len(grids[rows["500999001001001"]].interiors) == 1
    assert len(grids[rows["500999001002002"]].geoms) == 2
    assert len(grids[rows["500999100200003"]].geoms) == 2
    school = shapely.Polygon(grids[rows["500999001001001"]].interiors[0])
    assert shapely.equals(school, grids[rows["500999001001901"]])


def test_areas_of_faces_are_those_of_their_polygons() -> None:
    partition = toytown()
    plane = PLANES["degrees"]
    for depth, areas in enumerate(borders_of(partition, plane).areas):
        true = shapely.area(partition.polygons_at(depth)) / 360e7**2
        assert areas == pytest.approx(true)


def test_long_edges_stay_where_they_are_on_a_plane_that_bends_them() -> None:
    square = shapely.box(1_060_000_000, 290_000_000, 1_066_000_000, 296_000_000)
    table = level_table("grid", ["a"], ["a"], ["basic"], [None])
    partition = partition_of([table], {"grid": np.array([square], dtype=object)})
    for name in ("mercator", "gcj02", "bd09"):
        plane = PLANES[name]
        borders = borders_of(partition, plane)
        share = np.linspace(0, 1, 5001)
        true = np.stack(plane.project(np.full(5001, 106.0), 29.0 + 0.6 * share), axis=1)
        drawn = shapely.LineString(np.stack([borders.xs, borders.ys], axis=1))
        metres = shapely.distance(drawn, shapely.points(true)).max() * 40_075_017
        assert metres < 0.05, name


def test_the_curve_goes_everywhere_in_short_steps() -> None:
    side = 32
    xs, ys = (values.ravel().astype(float) for values in np.meshgrid(np.arange(side), np.arange(side)))
    order = along_curve(xs, ys)
    assert sorted(order.tolist()) == list(range(side * side))
    steps = np.abs(np.diff(xs[order])) + np.abs(np.diff(ys[order]))
    assert steps.mean() < 1.2
    assert along_curve(np.empty(0), np.empty(0)).size == 0
