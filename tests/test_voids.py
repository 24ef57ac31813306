"""Voids: what a face encloses and does not own."""

from __future__ import annotations

import numpy as np
import shapely

from gridmap.coverage.arcs import coverage_of
from gridmap.coverage.voids import declared_voids, ring_key, voids_of


def voids(shape: shapely.Geometry) -> frozenset[bytes]:
    return voids_of(coverage_of(np.array([shape], dtype=object)))


def key(shape: shapely.Polygon) -> bytes:
    return ring_key(shape.exterior)


def test_a_hole_is_a_void_and_an_island_in_it_is_not() -> None:
    lake, island = shapely.box(2, 2, 8, 8), shapely.box(4, 4, 5, 5)
    assert voids(shapely.box(0, 0, 10, 10) - lake) == {key(lake)}
    assert voids((shapely.box(0, 0, 10, 10) - lake) | island) == {key(lake)}
    assert voids(shapely.box(0, 0, 10, 10)) == frozenset()


def test_parts_that_touch_twice_enclose_a_void() -> None:
    west = shapely.Polygon([(0, 0), (10, 0), (4, 5), (10, 10), (0, 10)])
    east = shapely.Polygon([(10, 0), (20, 0), (20, 10), (10, 10), (16, 5)])
    assert voids(west | east) == {key(shapely.Polygon([(10, 0), (16, 5), (10, 10), (4, 5)]))}
    assert declared_voids(np.array([west | east])) == voids(west | east)
    assert declared_voids(np.array([west, east])) == frozenset()


def test_lakes_that_touch_the_shore_and_each_other() -> None:
    bay = shapely.Polygon([(0, 0), (4, 2), (3, 3), (2, 4)])
    pond = shapely.Polygon([(3, 3), (6, 4), (4, 6)])
    assert voids(shapely.box(0, 0, 10, 10) - bay - pond) == {key(bay), key(pond)}


def test_keys_do_not_depend_on_how_a_ring_is_written() -> None:
    ring = shapely.LinearRing([(0, 0), (3, 0), (3, 3)])
    assert ring_key(ring) == ring_key(shapely.LinearRing([(3, 3), (3, 0), (0, 0)]))
    assert ring_key(ring) != ring_key(shapely.LinearRing([(0, 0), (3, 0), (3, 4)]))
