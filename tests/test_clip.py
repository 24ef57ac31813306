"""Polygons cut to a tile: what shapely would cut, valid, and with each shell before its holes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely
from drawn import decoded, drawn, shapes_in
from hypothesis import given, settings
from hypothesis import strategies as st
from mesh import mesh

from tiles.encoder import Window

if TYPE_CHECKING:
    from gridmap.types import Geometries

SQUARE = shapely.box(-64, -64, 4160, 4160)


def window(left: int = 0, top: int = 0) -> Window:
    return Window(left, top, 4096, 64)


def whole(shapes: Geometries) -> Geometries:
    """Shapes on whole numbers, those that stay valid."""
    rounded = np.asarray(shapely.transform(shapes, np.rint), dtype=object)
    return np.asarray(rounded[shapely.is_valid(rounded) & (shapely.area(rounded) > 0)], dtype=object)


def stars(seed: int, count: int = 60) -> Geometries:
    """Spiky polygons with holes, of all sizes, in and around a tile."""
    random = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        middle, size = random.uniform(-3000, 7000, 2), 10 ** random.uniform(1, 4)
        turns = np.sort(random.uniform(0, 2 * np.pi, random.integers(3, 40)))
        reach = size * random.uniform(0.2, 1, len(turns))
        shell = middle + np.stack([np.cos(turns), np.sin(turns)], axis=1) * reach[:, None]
        inner = middle + (shell - middle) * 0.4
        out.append(shapely.Polygon(shell, [inner] if random.random() < 0.5 else []))
    return whole(np.array(out, dtype=object))


def check(shapes: Geometries, left: int = 0, top: int = 0) -> None:
    square = shapely.affinity.translate(SQUARE, left, top)
    found = {
        feature["id"]: feature["shape"]
        for feature in decoded(drawn(shapes).encode(window(left, top))).get("shape", [])
    }
    assert shapely.is_valid(np.array(list(found.values()), dtype=object)).all()
    for number, shape in enumerate(shapes, 1):
        true = shapely.affinity.translate(shapely.intersection(shape, square), -left, -top)
        cut = found.get(number, shapely.Polygon())
        # An edge that is cut ends half a unit off at most, so it moves by that much over what is left of it.
        allowed = 0.5 * shapely.length(shapely.intersection(shape.boundary, square)) + 1
        assert shapely.area(shapely.symmetric_difference(cut, true)) <= allowed, number
        inside = shapely.contains_properly(square, shape)
        if inside:
            assert shapely.equals(cut, true)


@pytest.mark.parametrize("seed", range(12))
def test_stars_are_cut_as_shapely_cuts_them(seed: int) -> None:
    check(stars(seed))


def test_a_city_is_cut_without_gap_or_overlap() -> None:
    shapes = whole(shapely.transform(mesh(24), lambda xy: (xy - (1_060_000_000, 290_000_000)) / 64))
    city = drawn(shapes)
    for left, top in ((0, 0), (1000, 1000), (-2000, 3000), (2500, -1000)):
        found = shapes_in(city.encode(window(left, top)), "shape")
        assert shapely.is_valid(found).all()
        square = shapely.affinity.translate(SQUARE, left, top)
        ground = shapely.area(shapely.intersection(shapely.union_all(shapes), square))
        assert shapely.area(found).sum() == pytest.approx(ground, abs=2000)
        joined = shapely.area(shapely.union_all(found))
        assert shapely.area(found).sum() - joined < 50  # only edges that were cut may overlap, by half a unit


POINTS = st.lists(st.tuples(st.integers(-3, 8), st.integers(-3, 8)), min_size=3, max_size=9, unique=True)


@settings(max_examples=400, deadline=None)
@given(POINTS)
def test_polygons_with_vertices_on_the_sides_stay_valid(points: list[tuple[int, int]]) -> None:
    # The corners of the square are at 0 and 4 of these coordinates, so that vertices often lie on its sides.
    shape = shapely.Polygon([(x * 1056 - 64, y * 1056 - 64) for x, y in points])
    if shape.is_valid and shape.area > 0:
        check(np.array([shape], dtype=object))


def test_a_polygon_around_the_tile_becomes_the_square_with_the_holes_inside() -> None:
    hole = shapely.box(100, 100, 200, 200)
    shape = shapely.box(-9000, -9000, 9000, 9000) - hole
    (found,) = shapes_in(drawn([shape]).encode(window()), "shape")
    assert shapely.equals(found, SQUARE - hole)


def test_a_tile_in_a_hole_is_empty() -> None:
    shape = shapely.box(-9000, -9000, 9000, 9000) - shapely.box(-5000, -5000, 5000, 5000)
    assert drawn([shape]).encode(window()) == b""


def test_a_comb_falls_into_its_teeth() -> None:
    teeth = [shapely.box(x, -5000, x + 100, 4000) for x in range(0, 4000, 200)]
    comb = shapely.union_all([shapely.box(0, -6000, 4000, -5000), *teeth])
    (found,) = shapes_in(drawn([comb]).encode(window()), "shape")
    assert len(found.geoms) == 20
    assert shapely.equals(found, comb & SQUARE)


def test_long_polygons_are_cut_alike_with_and_without_their_chunks() -> None:
    random = np.random.default_rng(7)
    turns = np.sort(random.uniform(0, 2 * np.pi, 6000))
    reach = 90_000 + 3_000 * np.sin(40 * turns) + random.uniform(-300, 300, 6000)
    shape = shapely.Polygon(np.rint(np.stack([np.cos(turns), np.sin(turns)], axis=1) * reach[:, None]))
    for part in shapely.get_parts(shapely.make_valid(shape)):
        if part.area > 1e6:
            for left, top in ((88_000, -2_000), (-2_000, -94_000), (60_000, 60_000), (0, 0)):
                check(np.array([part], dtype=object), left, top)
