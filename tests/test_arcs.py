"""Arcs: one canonical form, whatever the polygons came in."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import shapely
from damage import damaged_city
from random_city import random_city
from town import toytown

from gridmap.coverage.arcs import Coverage, coverage_from_edges, coverage_of, merged
from gridmap.coverage.edges import Edges
from gridmap.coverage.rings import polygons_of
from gridmap.model import NOWHERE


def same(one: Coverage, other: Coverage) -> bool:
    names = [field.name for field in dataclasses.fields(Coverage)]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def same_edges(one: Edges, other: Edges) -> bool:
    names = [field.name for field in dataclasses.fields(Edges)]
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def reversed_rings(polygon: shapely.Geometry, by: int) -> shapely.Geometry:
    """The same polygon: its rings turned round and begun elsewhere, its parts and holes in another order."""

    def other(ring: shapely.LinearRing) -> np.ndarray:
        return np.roll(shapely.get_coordinates(ring)[:-1][::-1], by, axis=0)

    parts = [
        shapely.Polygon(other(part.exterior), [other(ring) for ring in reversed(part.interiors)])
        for part in shapely.get_parts(polygon)
    ]
    return shapely.MultiPolygon(parts[::-1])


@pytest.mark.parametrize("seed", range(25))
def test_arcs_do_not_depend_on_how_rings_are_written(seed: int) -> None:
    grids = random_city(seed).grids
    other = np.array([reversed_rings(grid, seed + row) for row, grid in enumerate(grids)], dtype=object)
    assert same(coverage_of(grids), coverage_of(other))


@pytest.mark.parametrize("seed", range(60))
def test_edges_come_back_from_arcs(seed: int) -> None:
    grids = damaged_city(seed).grids if seed % 2 else random_city(seed).grids
    made = coverage_of(grids)
    read = dataclasses.replace(made)  # without the edges that it was made from
    assert "edges" in made.__dict__
    assert "edges" not in read.__dict__
    assert same_edges(read.edges, made.edges)
    assert same(coverage_from_edges(read.edges, len(grids)), made)


@pytest.mark.parametrize("seed", range(25))
def test_arcs_are_in_canonical_order(seed: int) -> None:
    coverage = coverage_of(random_city(seed).grids)
    points = list(zip(coverage.xs.tolist(), coverage.ys.tolist(), strict=True))
    arcs = [points[a:b] for a, b in zip(coverage.offsets, coverage.offsets[1:], strict=False)]
    assert [arc[:2] for arc in arcs] == sorted(arc[:2] for arc in arcs)
    for arc, left, right in zip(arcs, coverage.left, coverage.right, strict=True):
        assert arc[:2] <= arc[::-1][:2]
        assert left != right
        if arc[0] == arc[-1] and sum(arc[0] in (other[0], other[-1]) for other in arcs) == 1:
            assert arc[0] == min(arc)


@pytest.mark.parametrize("seed", range(40))
def test_merging_is_shapely_s_union(seed: int) -> None:
    random = np.random.default_rng(seed)
    grids = random_city(seed).grids
    count = int(random.integers(1, 6))
    parents = random.integers(NOWHERE, count, len(grids)).astype(np.int32)
    coverage = coverage_of(grids)
    upper = merged(coverage, parents, count)
    assert upper.faces == count
    for row, polygon in enumerate(polygons_of(upper)):
        union = shapely.union_all(grids[parents == row])
        assert polygon.is_valid
        assert polygon.equals(union)
        assert shapely.symmetric_difference(polygon, union).area == 0


@pytest.mark.parametrize("seed", range(40))
def test_merging_twice_is_merging_once_even_where_grids_overlap(seed: int) -> None:
    grids = damaged_city(seed).grids
    random = np.random.default_rng(seed)
    first, second = (
        random.integers(0, 4, len(grids)).astype(np.int32),
        random.integers(0, 2, 4).astype(np.int32),
    )
    coverage = coverage_of(grids)
    assert same(merged(merged(coverage, first, 4), second, 2), merged(coverage, second[first], 2))


def test_toytown_by_hand() -> None:
    coverage = toytown().coverage
    first, last = coverage.nodes
    loops = np.flatnonzero(first == last)
    # The school, the enclave and the island are loops without a node; the market has two nodes on a border.
    assert len(loops) == 3
    assert coverage.faces == 9


def test_no_polygons_make_no_arcs() -> None:
    coverage = coverage_of(np.array([None, shapely.Polygon()], dtype=object))
    assert len(coverage) == 0
    assert shapely.is_empty(polygons_of(coverage)).all()
    assert len(merged(coverage, np.zeros(2, np.int32), 1)) == 0
