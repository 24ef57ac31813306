"""The proof: proven if and only if the areas are a partition at every level."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import shapely
from damage import damaged_city
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles import is_partition
from random_city import City, outlines, random_city
from town import toytown

from gridmap.coverage.canonical import from_bytes, to_bytes
from gridmap.coverage.partition import Partition, level_table, partition_of
from gridmap.coverage.proof import examine
from gridmap.model import Finding
from gridmap.types import Geometries


def city_of(grids: Sequence[shapely.Geometry | None], parents: list[str] | None = None) -> City:
    """A city with opaque codes: grids a, b, c ... in the communities named, all in the town T."""
    above = parents or ["C"] * len(grids)
    communities = sorted(set(above))
    tables = (
        level_table("town", ["T"], ["T"], [""], [None]),
        level_table("community", communities, communities, [""] * len(communities), ["T"] * len(communities)),
        level_table("grid", list("abcdefgh"[: len(grids)]), [""] * len(grids), [""] * len(grids), above),
    )
    shapes: Geometries = np.array(grids, dtype=object)
    drawn = ~shapely.is_missing(shapes)
    unions = [shapely.union_all(shapes[drawn & np.array([p == c for p in above])]) for c in communities]
    outer: Geometries = np.array([shapely.union_all(shapes[drawn])], dtype=object)
    return City(tables, shapes, {"town": outer, "community": np.array(unions, dtype=object)})


def found(partition: Partition) -> list[Finding]:
    """The findings, which must be the same for the partition as it is stored."""
    proof = examine(partition)
    stored = examine(from_bytes(to_bytes(partition), outline_known=partition.outline_known))
    assert proof == stored
    assert proof.proven is (not proof.findings)
    return list(proof.findings)


def test_toytown_is_proven() -> None:
    proof = examine(toytown())
    assert proof.findings == ()
    assert proof.notes == (
        "codes follow the national rule",
        "2 areas of level grid have several parts (islands, enclaves)",
        "2 holes lie in areas of level grid, each filled by others or outside",
        "no outlines were given for the widest level: the outer border is believed as it is",
    )


@pytest.mark.parametrize("seed", range(250))
def test_clean_cities_raise_no_alarm(seed: int) -> None:
    city = random_city(seed)
    assert is_partition(city.grids, {})
    assert shapely.coverage_is_valid(city.grids)
    assert found(city.partition(given=False)) == []
    assert found(city.partition(given=True)) == []


@settings(max_examples=1500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_proven_if_and_only_if_it_is_a_partition(seed: int) -> None:
    damaged = damaged_city(seed)
    findings = found(damaged.partition())
    if damaged.valid:
        assert (findings == []) == is_partition(damaged.grids, damaged.outlines()), findings
    for finding in findings:
        assert "no partner here" not in finding.text  # every defect has a name
        assert "differs here" not in finding.text


def test_the_damage_is_of_both_kinds() -> None:
    """The test above would be empty if damage never, or always, left a partition."""
    outcomes = Counter(
        (damaged.valid, examine(damaged.partition()).proven) for damaged in map(damaged_city, range(300))
    )
    assert outcomes[True, True] > 30
    assert outcomes[True, False] > 100
    assert outcomes[False, False] > 5


@pytest.mark.parametrize("seed", range(150))
def test_whatever_shapely_refuses_is_not_proven(seed: int) -> None:
    damaged = damaged_city(seed)
    if damaged.valid and not shapely.coverage_is_valid(damaged.grids):
        assert not examine(damaged.partition()).proven


LAND = shapely.box(0, 0, 40, 40)
LAKE = shapely.box(10, 10, 20, 20)


def halves(shape: shapely.Geometry, x: int) -> list[shapely.Geometry]:
    return [shapely.intersection(shape, shapely.box(a, 0, b, 40)) for a, b in ((0, x), (x, 40))]


def test_a_lake_is_no_gap_where_an_outline_declares_it() -> None:
    for city in (city_of([LAND - LAKE]), city_of(halves(LAND - LAKE, 14))):
        rules = [finding.rule for finding in found(city.partition(given=False))]
        assert rules in (["hole_without_filler"], ["missing_grid"])
        assert found(city.partition(given=True)) == []


def test_a_void_between_two_outlines_is_a_gap() -> None:
    grids = halves(LAND - LAKE, 14)
    tables = (
        level_table("town", ["S", "T"], ["", ""], ["", ""], [None, None]),
        level_table("grid", ["a", "b"], ["", ""], ["", ""], ["S", "T"]),
    )
    shapes: Geometries = np.array(grids, dtype=object)
    finding = found(partition_of(tables, {"town": shapes, "grid": shapes}))[0]
    assert (finding.rule, finding.codes) == ("missing_grid", ("a", "b"))


def test_a_void_that_nobody_declared_is_found_beside_other_faults() -> None:
    """The outlines have the void, too, but were made from grids; only the border between them differs."""

    def split(bend: int) -> Geometries:
        south, shore = [(14, 0), (bend, 5), (14, 10)], [(14, 20), (14, 40)]
        west = shapely.Polygon([(0, 0), *south, (10, 10), (10, 20), *shore, (0, 40)])
        east = shapely.Polygon([(40, 0), *south, (20, 10), (20, 20), *shore, (40, 40)])
        return np.array([west, east], dtype=object)

    tables = (
        level_table("town", ["S", "T"], ["", ""], ["", ""], [None, None]),
        level_table("grid", ["a", "b"], ["", ""], ["", ""], ["S", "T"]),
    )
    partition = replace(partition_of(tables, {"grid": split(14), "town": split(16)}), outline_known=False)
    assert [(finding.rule, finding.codes) for finding in found(partition)] == [
        ("missing_grid", ("a", "b")),
        ("outside_parent", ("b", "T", "S")),
    ]


def test_an_island_in_a_lake_is_land() -> None:
    island = shapely.box(13, 13, 16, 16)
    city = city_of([LAND - LAKE, island], ["C", "D"])
    assert found(city.partition(given=True)) == []
    assert [finding.rule for finding in found(city.partition(given=False))] == ["missing_grid"]


def test_a_void_between_parts_that_touch_twice_is_a_gap() -> None:
    west = shapely.Polygon([(0, 0), (10, 0), (4, 5), (10, 10), (0, 10)])
    east = shapely.Polygon([(10, 0), (20, 0), (20, 10), (10, 10), (16, 5)])
    assert [f.rule for f in found(city_of([west, east]).partition(given=False))] == ["missing_grid"]
    assert [f.rule for f in found(city_of([shapely.union(west, east)]).partition(given=False))] == [
        "hole_without_filler"
    ]
    assert found(city_of([shapely.union(west, east)]).partition(given=True)) == []


def test_a_straight_chord_with_one_corner_too_few_is_found_without_outlines() -> None:
    """Two grids are the whole city; the chord between them ends on the outer border on both sides."""
    north = shapely.Polygon([(0, 10), (20, 10), (20, 20), (0, 20)])
    south = shapely.Polygon([(0, 0), (20, 0), (20, 10), (10, 10), (0, 10)])
    finding = found(city_of([north, south]).partition(given=False))[0]
    assert (finding.rule, finding.codes, finding.size_m2) == ("t_junction", ("a", "b"), 0.0)
    assert (finding.lon, finding.lat) == (1e-6, 1e-6)


def test_grids_that_overlap_are_found_though_their_outlines_overlap_alike() -> None:
    grids = [shapely.box(0, 0, 10, 10), shapely.box(8, 0, 20, 10)]
    tables = (
        level_table("town", ["S", "T"], ["", ""], ["", ""], [None, None]),
        level_table("grid", ["a", "b"], ["", ""], ["", ""], ["S", "T"]),
    )
    shapes: Geometries = np.array(grids, dtype=object)
    findings = found(partition_of(tables, {"town": shapes, "grid": shapes}))
    assert {"overlap"} == {finding.rule for finding in findings}
    assert findings[0].codes == ("a", "b")


def test_faces_may_meet_in_a_point() -> None:
    grids = [shapely.box(0, 0, 5, 5), shapely.box(5, 5, 10, 10)]
    assert found(city_of(grids).partition(given=False)) == []
    assert found(city_of(grids).partition(given=True)) == []


def test_a_corner_that_touches_the_middle_of_a_side_outside_is_found() -> None:
    grids = [shapely.box(0, 0, 10, 5), shapely.Polygon([(5, 5), (8, 9), (2, 9)])]
    city = city_of(grids)
    assert [(f.rule, f.codes) for f in found(city.partition(given=False))] == [("t_junction", ("a", "b"))]
    # The outline, united by shapely, has the corner there that grid a lacks.
    assert [(f.rule, f.codes) for f in found(city.partition(given=True))] == [("t_junction", ("a",))]


def test_enclaves_in_enclaves() -> None:
    rings = [shapely.box(a, a, 40 - a, 40 - a) for a in (0, 5, 10, 15)]
    grids = [outer - inner for outer, inner in zip(rings, [*rings[1:], shapely.Polygon()], strict=True)]
    city = city_of([grids[0] | grids[2], grids[1], grids[3]], ["C", "D", "C"])
    assert found(city.partition(given=False)) == []
    assert found(city.partition(given=True)) == []


def test_one_grid_alone_is_a_city() -> None:
    assert found(city_of([LAND]).partition(given=False)) == []
    assert found(city_of([LAND]).partition(given=True)) == []


def test_a_city_without_any_shape_has_one_finding_for_each_grid() -> None:
    grids: list[shapely.Geometry | None] = [None, shapely.Polygon()]
    city = city_of(grids)
    findings = found(partition_of(city.tables, {"grid": city.grids}))
    assert [(finding.rule, finding.codes, finding.lon) for finding in findings] == [
        ("no_shape", ("a",), None),
        ("no_shape", ("b",), None),
    ]


def test_parts_that_overlap_along_common_edges_are_found() -> None:
    both = shapely.MultiPolygon([shapely.box(0, 0, 10, 10), shapely.box(0, 0, 10, 5)])
    assert "invalid_polygon" in {finding.rule for finding in found(city_of([both]).partition(given=False))}


def test_an_outline_that_is_missing_is_found() -> None:
    city = random_city(5)
    shapes = {level: outline.copy() for level, outline in city.outlines.items()}
    shapes["town"][0] = None
    findings = found(City(city.tables, city.grids, shapes).partition(given=True))
    assert [(finding.rule, finding.level, finding.codes) for finding in findings] == [
        ("no_shape", "town", city.tables[1].codes[:1])
    ]


def test_an_invalid_outline_is_found() -> None:
    city = city_of(halves(LAND, 20))
    tie = shapely.Polygon([(0, 0), (40, 40), (40, 0), (0, 40)])
    city.outlines["town"][0] = tie
    findings = found(city.partition(given=True))
    assert ("invalid_polygon", "town", ("T",)) in [(f.rule, f.level, f.codes) for f in findings]


@pytest.mark.parametrize("seed", range(30))
def test_swapped_grids_lie_outside_their_outlines(seed: int) -> None:
    """With opaque codes only the outlines tell."""
    city = random_city(seed)
    grid = city.tables[-1]
    parents = list(grid.parents)
    one, other = 0, len(parents) - 1
    parents[one], parents[other] = parents[other], parents[one]
    letters = [f"g{number:02}" for number in range(len(grid))]
    tables = (*city.tables[:-1], level_table("grid", letters, grid.names, grid.kinds, parents))
    findings = examine(City(tables, city.grids, city.outlines).partition(given=True)).findings
    if parents[one] == parents[other]:
        assert findings == ()
    else:
        assert {"outside_parent"} == {finding.rule for finding in findings}
        named = {finding.codes[0] for finding in findings if finding.level == "grid"}
        assert named == {letters[one], letters[other]}


def test_the_outlines_of_the_builder_are_the_sums() -> None:
    city = random_city(1)
    again = outlines(city.tables, city.grids)
    assert all(shapely.equals(again[level], city.outlines[level]).all() for level in again)
