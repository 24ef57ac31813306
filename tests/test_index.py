"""GridIndex against exact whole-number ray casting: one owner for every point, whatever the polygons are."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import shapely
from damage import damaged_city
from hypothesis import given, settings
from hypothesis import strategies as st
from mesh import mesh
from oracles import covering_rows, owner_of
from pyproj import Geod
from random_city import random_city
from town import SOUTH, STEP, WEST, toytown

import gridmap
from gridmap import lattice
from gridmap.coverage.arcs import coverage_of
from gridmap.errors import DamageError, InputError
from gridmap.index import plan
from gridmap.index.index import GridIndex
from gridmap.kernels import cells
from gridmap.lattice import SCALE
from gridmap.model import NOWHERE
from gridmap.types import Geometries, Int64Array


def degrees(polygons: Geometries) -> Geometries:
    return np.asarray(shapely.transform(polygons, lambda xy: xy / SCALE), dtype=object)


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


def check(index: GridIndex, polygons: Geometries, points: Int64Array) -> None:
    """Every way to ask gives the oracle's answer."""
    expected = [owner_of(int(x), int(y), polygons) for x, y in points]
    xs, ys = points[:, 0].astype(np.int32), points[:, 1].astype(np.int32)
    lons, lats = lattice.to_degrees(xs, ys)
    assert index.at_many(xs, ys).tolist() == expected
    assert index.locate_many(lons, lats).tolist() == expected
    assert [index.at(int(x), int(y)) for x, y in points[::7]] == expected[::7]
    assert [index.locate(lon, lat) for lon, lat in zip(lons[::7], lats[::7], strict=True)] == expected[::7]
    for x, y in points[::11]:
        assert index.covering(int(x), int(y)) == covering_rows(int(x), int(y), polygons)


@pytest.mark.parametrize("seed", range(20))
def test_cities(seed: int) -> None:
    grids = random_city(seed).grids
    points = interesting_points(grids, seed, 60)
    check(GridIndex.build(degrees(grids)), grids, points)
    check(GridIndex.from_coverage(coverage_of(grids), proven=True), grids, points)


@pytest.mark.parametrize("seed", range(60))
def test_overlapping_and_invalid_polygons(seed: int) -> None:
    damaged = damaged_city(seed)
    points = interesting_points(damaged.grids, seed, 40)
    check(GridIndex.build(degrees(damaged.grids), invalid="evenodd"), damaged.grids, points)
    if damaged.valid:
        check(GridIndex.from_coverage(coverage_of(damaged.grids)), damaged.grids, points)


@pytest.mark.parametrize("rung", [-12, -6, 0, 6])
@pytest.mark.parametrize("seed", range(4))
def test_cells_of_any_size(seed: int, rung: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where many borders share a cell, and where cells are too large for 14 bits."""
    monkeypatch.setattr(plan, "FEWEST_BLOCKS", 16)
    monkeypatch.setattr(plan, "FINEST_RUNG", rung)
    city = random_city(seed, size=100_000 if seed % 2 else 600).grids
    check(GridIndex.build(degrees(city)), city, interesting_points(city, seed, 80))


@pytest.mark.parametrize("seed", range(6))
def test_stacks_of_overlapping_boxes(seed: int) -> None:
    random = np.random.default_rng(seed)
    low = random.integers(0, 5_000, (40, 2)) * 2
    high = low + random.integers(1, 2_500, (40, 2)) * 2
    boxes: Geometries = np.asarray(shapely.box(*low.T, *high.T), dtype=object)
    index = GridIndex.build(degrees(boxes))
    assert not index.parts.single
    assert len(index.parts.heavy_bins) > 0
    check(index, boxes, interesting_points(boxes, seed, 120))


def test_the_shop_window() -> None:
    assert gridmap.GridIndex is GridIndex
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        getattr(gridmap, "Nothing")  # noqa: B009 - mypy would see it


def test_the_fast_paths_really_ran() -> None:
    """In a city of ordinary size most border cells have one half-plane, and nearly nothing is walked."""
    index = GridIndex.from_coverage(toytown().coverage, proven=True)
    kinds = index.parts.cells
    one = int(((kinds >> 30) == cells.ONE >> 30).sum())
    several = int(((kinds >> 30) == cells.SEVERAL >> 30).sum())
    assert one > several > 0
    assert not (kinds == cells.WALK).any()


@pytest.mark.parametrize("seed", range(10))
def test_the_oracle_is_shapely_s_covers(seed: int) -> None:
    grids = random_city(seed).grids
    for x, y in interesting_points(grids, seed, 40):
        covering = np.flatnonzero(shapely.covers(grids, shapely.Point(x, y)))
        assert owner_of(int(x), int(y), grids) == (covering[0] if len(covering) else NOWHERE)
        assert covering_rows(int(x), int(y), grids) == tuple(covering)


def test_long_edges_are_exact() -> None:
    far = 400_000_000
    south = shapely.Polygon([(-far, 0), (far, 2), (far, -9), (-far, -9)])
    north = shapely.Polygon([(-far, 0), (-far, 9), (far, 9), (far, 2)])
    shapes: Geometries = np.array([north, south], dtype=object)
    near = np.array([(x, y) for x in (-far, 0, 1, far - 1, far) for y in (-9, 0, 1, 2, 3, 9, 10)])
    index = GridIndex.from_coverage(coverage_of(shapes))
    check(index, shapes, near)
    assert index.at(1, 1) == 1  # a hair below the border


def test_the_whole_earth() -> None:
    wests, souths = (each.ravel() for each in np.meshgrid(np.arange(-180.0, 180, 60), [-90.0, 0.0]))
    shapes: Geometries = np.asarray(shapely.box(wests, souths, wests + 60, souths + 90), dtype=object)
    index = GridIndex.build(shapes)
    units = np.asarray(shapely.transform(shapes, lambda xy: xy * SCALE), dtype=object)
    edge = [
        (-180, -90),
        (180, 90),
        (180, 0),
        (0, 0),
        (59.9999999, -0.0000001),
        (-180, 45),
        (179.9999999, -90),
    ]
    check(index, units, np.rint(np.array(edge) * SCALE).astype(np.int64))
    assert index.locate(180.0000001, 0) == index.locate(0, -90.0000001) == index.locate(540, 0) == NOWHERE


def test_what_is_no_number_is_nowhere() -> None:
    index = GridIndex.from_coverage(toytown().coverage, proven=True)
    odd = np.array([math.nan, math.inf, -math.inf, 1e300, -1e300, 106.5005, 106.5005])
    other = np.array([29.5, 29.5, 29.5, 29.5, 29.5, math.nan, math.inf])
    assert index.locate_many(odd, other).tolist() == [NOWHERE] * 7
    assert [index.locate(x, y) for x, y in zip(odd, other, strict=True)] == [NOWHERE] * 7


def test_empty_shapes_own_nothing() -> None:
    shapes: Geometries = np.array([None, shapely.Polygon(), shapely.box(0, 0, 2, 2)], dtype=object)
    index = GridIndex.build(shapes)
    assert [index.locate(lon, 1) for lon in (-1, 0, 1, 2, 3)] == [NOWHERE, 2, 2, 2, NOWHERE]
    assert index.locate_many([], []).tolist() == []
    assert GridIndex.build(shapes[:2]).locate_many([1.0], [1.0]).tolist() == [NOWHERE]
    assert GridIndex.build([]).locate(1, 1) == NOWHERE
    assert GridIndex.build([]).explain(1, 1).edge_m == math.inf


def test_columns_of_any_make() -> None:
    index = GridIndex.from_coverage(toytown().coverage, proven=True)
    lons, lats = np.linspace(106.5, 106.51, 5_000), np.linspace(29.5, 29.505, 5_000)
    expected = index.locate_many(lons, lats)
    assert (expected != NOWHERE).any()
    frozen = lons.copy()
    frozen.flags.writeable = False
    spread = np.repeat(lats, 2)[::2]
    assert index.locate_many(frozen, spread).tolist() == expected.tolist()
    assert index.locate_many(lons.tolist(), lats.tolist(), threads=3).tolist() == expected.tolist()
    with pytest.raises(InputError, match="lats"):
        index.locate_many(lons, lats[1:])


def test_invalid_polygons_are_refused_by_row() -> None:
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    with pytest.raises(InputError, match=r"2 polygons are not valid: rows 1, 2 .*Self-intersection"):
        GridIndex.build([shapely.box(5, 5, 6, 6), bow, bow])
    index = GridIndex.build([shapely.box(5, 5, 6, 6), bow], invalid="evenodd")
    places = ((0.2, 1), (1, 0.2), (1, 1), (1.8, 1), (1, 1.8), (5, 5))
    assert [index.locate(*place) for place in places] == [1, NOWHERE, 1, 1, NOWHERE, 0]


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (shapely.Point(1, 1), "row 1 is a POINT"),
        (shapely.box(170, 80, 190, 85), r"row 1 has a corner at 190.0"),
        (shapely.Polygon([(0, 0), (1, math.inf), (1, 1)]), "row 1 has a corner at"),
    ],
)
def test_what_is_no_area_is_refused(shape: shapely.Geometry, words: str) -> None:
    with pytest.raises(InputError, match=words):
        GridIndex.build([shapely.box(0, 0, 1, 1), shape])


def test_codes_must_fit() -> None:
    boxes = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]
    assert GridIndex.build(boxes, ["a", "b"]).codes == ("a", "b")
    with pytest.raises(InputError, match="1 for 2 polygons"):
        GridIndex.build(boxes, ["a"])
    with pytest.raises(InputError, match="'a' stands twice"):
        GridIndex.build(boxes, ["a", "a"])


def test_memory_is_bounded_by_the_budget() -> None:
    city = random_city(3, size=2_000_000).grids
    small = GridIndex.build(degrees(city), budget_mb=1)
    assert small.nbytes < 2_000_000 < GridIndex.build(degrees(city), budget_mb=64).nbytes
    check(small, city, interesting_points(city, 3, 40))
    with pytest.raises(InputError, match=r"budget_mb: 1 MB hold no index of these areas; give \d+ or more"):
        GridIndex.build(degrees(mesh(180)), budget_mb=1)


# Files


def test_a_file_gives_the_same_index(tmp_path: Path) -> None:
    town = toytown()
    built = GridIndex.from_coverage(town.coverage, town.finest.codes, proven=True)
    built.save(tmp_path / "one")
    GridIndex.from_coverage(town.coverage, town.finest.codes, proven=True, threads=1).save(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    opened = GridIndex.open(str(tmp_path / "one"))
    opened.verify()
    assert (opened.codes, opened.nbytes, len(opened)) == (town.finest.codes, built.nbytes, 9)
    polygons = town.polygons_at(3)
    check(opened, polygons, interesting_points(polygons, 1, 60))


def test_files_that_are_damaged_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "index"
    GridIndex.from_coverage(toytown().coverage, proven=True).save(file)
    whole = file.read_bytes()
    with pytest.raises(FileNotFoundError):
        GridIndex.open(tmp_path / "none")
    for bytes_, words in (
        (b"", "magic word"),
        (b"x" + whole[1:], "magic word"),
        (whole[:16] + b"\7" + whole[17:], "format 7"),
        (whole[:100] + b"!" + whole[101:], "header is damaged"),
        (whole[:-5_000], "cut short"),
    ):
        file.write_bytes(bytes_)
        with pytest.raises(DamageError, match=words):
            GridIndex.open(file)
    begin = 56 + int.from_bytes(whole[20:24], "little")
    header = json.loads(whole[56:begin])
    for name, _, _, offset, _ in header["arrays"]:
        at = begin + offset
        if name in ("cells", "edges"):
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(DamageError, match=name):
                GridIndex.open(file).verify()


# Windows


def moved(polygons: Geometries, random: np.random.Generator, reach: int) -> Geometries:
    """The same polygons with one shared corner moved, for all that have it; None when one became invalid."""
    corners = shapely.get_coordinates(polygons)
    corner = corners[random.integers(len(corners))]
    step = random.integers(-reach, reach + 1, 2)

    def move(xy: np.ndarray) -> np.ndarray:
        return np.where((xy == corner).all(axis=1, keepdims=True), xy + step, xy)

    return np.asarray(shapely.transform(polygons, move), dtype=object)


@pytest.mark.parametrize("seed", range(30))
def test_a_window_is_built_as_all_would_be(seed: int, tmp_path: Path) -> None:
    random = np.random.default_rng(seed)
    before = random_city(seed, size=40_000).grids
    after = moved(before, random, 2_000)
    coverage = coverage_of(after)
    old = GridIndex.from_coverage(coverage_of(before), budget_mb=4)
    if not (shapely.is_valid(after).all() and GridIndex.build(degrees(after)).parts.single):
        return
    GridIndex.from_coverage(coverage, budget_mb=4).save(tmp_path / "whole")
    GridIndex.from_coverage(coverage, budget_mb=4, old=old).save(tmp_path / "window")
    assert (tmp_path / "window").read_bytes() == (tmp_path / "whole").read_bytes()


# Explanations


@given(st.floats(106.49, 106.52), st.floats(29.49, 29.51))
@settings(max_examples=150, deadline=None)
def test_an_explanation_is_true(lon: float, lat: float) -> None:
    town = toytown()
    index = TOWN
    said = index.explain(lon, lat)
    x, y = lattice.point_to_lattice(lon, lat)
    polygons = town.polygons_at(3)
    assert (said.row, *said.rivals) == (covering_rows(x, y, polygons) or (NOWHERE,))
    borders = shapely.boundary(polygons)
    assert said.on_border == bool((shapely.distance(borders, shapely.Point(x, y)) == 0).any())
    expected, nearest = _nearest(polygons, x, y)
    assert said.edge_m == pytest.approx(expected, rel=1e-5, abs=1e-3)
    assert said.nearest in ({said.row} if said.row != NOWHERE else nearest)


TOWN = GridIndex.from_coverage(toytown().coverage, proven=True)


def _nearest(polygons: Geometries, x: int, y: int) -> tuple[float, set[int]]:
    """The distance along the ellipsoid to the nearest border by trying many places on it, and whose it is."""
    geod = Geod(ellps="WGS84")
    east, north = lattice.metres_per_degree(y / SCALE)
    best: dict[int, float] = {}
    for row, polygon in enumerate(polygons):
        flat = shapely.transform(
            shapely.boundary(polygon), lambda xy: (xy - (x, y)) * (east / SCALE, north / SCALE)
        )
        foot = shapely.get_coordinates(shapely.shortest_line(shapely.Point(0, 0), flat))[1]
        to = (x + foot[0] / east * SCALE) / SCALE, (y + foot[1] / north * SCALE) / SCALE
        best[row] = geod.inv(x / SCALE, y / SCALE, *to)[2]
    least = min(best.values())
    return least, {row for row, metres in best.items() if metres <= least + 0.01}


def test_invalid_polygons_are_explained_too() -> None:
    bow = shapely.Polygon([(106, 29), (106.02, 29.02), (106.02, 29), (106, 29.02)])
    index = GridIndex.build([shapely.box(106.5, 29, 106.6, 29.1), bow], invalid="evenodd")
    _, north = lattice.metres_per_degree(29.01)
    inside, outside = index.explain(106.005, 29.01), index.explain(106.01, 29.03)
    assert (inside.row, inside.on_border, inside.nearest) == (1, False, 1)
    assert 0 < inside.edge_m < 0.005 * north
    assert (outside.row, outside.nearest) == (NOWHERE, 1)
    assert outside.edge_m > 0.01 * north
    assert index.explain(106.01, 29.01).on_border


def test_far_away() -> None:
    said = TOWN.explain(100.0, 20.0)
    assert said.row == NOWHERE
    assert said.nearest != NOWHERE
    assert said.edge_m == pytest.approx(1_250_000, rel=0.02)


def test_an_uncertain_fix_has_candidates() -> None:
    place = (WEST + 2 * STEP) / SCALE, (SOUTH + 2 * STEP) / SCALE  # where four grids meet
    found = TOWN.candidates(*place, 30.0)
    assert sum(share for _, share in found) == pytest.approx(1)
    assert [share for _, share in found] == sorted((share for _, share in found), reverse=True)
    circle = shapely.Point(0, 0).buffer(30, 256)
    east, north = lattice.metres_per_degree(place[1])
    for row, polygon in enumerate(degrees(toytown().polygons_at(3))):
        flat = shapely.transform(polygon, lambda xy: (xy - place) * (east, north))
        share = shapely.intersection(flat, circle).area / circle.area
        assert dict(found).get(row, 0.0) == pytest.approx(share, abs=0.002)
    with pytest.raises(InputError, match="accuracy_m"):
        TOWN.candidates(*place, 0)


def test_toytown_stories() -> None:
    town = toytown()

    def grid_at(x: float, y: float) -> str | None:
        row = TOWN.at(WEST + round(x * STEP), SOUTH + round(y * STEP))
        return None if row == NOWHERE else town.finest.names[row]

    assert grid_at(1, 3) == "玩具小学"
    assert grid_at(0.8, 3) == "学府社区第1网格"  # on the wall of the school
    assert grid_at(5, 3.2) == "南门社区第2网格"  # the enclave across the river
    assert grid_at(8.7, 1.2) == "桥头村第3网格"  # the island
    assert grid_at(8.2, 1.2) is None  # the water between
    assert grid_at(2, 2) == "学府社区第1网格"  # four grids meet
    assert grid_at(6, 1) == "河东农贸市场"
