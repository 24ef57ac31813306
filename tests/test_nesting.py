"""Nesting: outlines in a file are held against the areas below them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from random_city import City, random_city
from town import grid_polygons, tables, toytown

from gridmap.coverage.measures import area_m2
from gridmap.coverage.proof import examine
from gridmap.model import Finding
from gridmap.types import Geometries


def toytown_with(**outlines: Geometries) -> list[Finding]:
    return list(examine(City(tables(), grid_polygons(), outlines).partition(given=True)).findings)


def test_outlines_that_fit_say_nothing() -> None:
    town = toytown()
    assert toytown_with(town=town.polygons_at(1), community=town.polygons_at(2)) == []


def test_a_grid_in_the_outline_of_another_community() -> None:
    town = toytown()
    south, grid = town.polygons_at(2)[1], town.polygons_at(3)[3]
    moved = np.array([town.polygons_at(2)[0] | grid, south - grid, town.polygons_at(2)[2]])
    (finding,) = toytown_with(community=moved)
    assert (finding.rule, finding.level) == ("outside_parent", "grid")
    assert finding.codes == ("500999001002001", "500999001002", "500999001001")
    assert finding.size_m2 == pytest.approx(area_m2(grid))
    assert "belongs to 500999001002 but lies in the outline of 500999001001" in finding.text


def test_an_outline_without_its_grid() -> None:
    town = toytown()
    grid = town.polygons_at(3)[3]
    less = np.array([town.polygons_at(2)[0], town.polygons_at(2)[1] - grid, town.polygons_at(2)[2]])
    (finding,) = toytown_with(community=less)
    assert (finding.rule, finding.codes) == ("outside_parent", ("500999001002001", "500999001002"))
    assert "in no outline of any community" in finding.text


def test_an_outline_that_reaches_too_far() -> None:
    town = toytown()
    patch = shapely.transform(
        shapely.box(0, 0, 5000, 4000), lambda xy: xy + town.polygons_at(3)[0].bounds[:2]
    )
    patch = shapely.transform(patch, lambda xy: xy - 9000)
    more = np.array([town.polygons_at(1)[0] | patch, town.polygons_at(1)[1]])
    (finding,) = toytown_with(town=more)
    assert (finding.rule, finding.level, finding.codes) == ("gap", "town", ("500999001",))
    assert finding.size_m2 == pytest.approx(area_m2(patch))


def test_outlines_that_overlap() -> None:
    town = toytown()
    first, second = town.polygons_at(1)
    patch = shapely.transform(
        shapely.box(0, 0, 4000, 4000), lambda xy: xy + second.representative_point().coords[0]
    )
    patch = shapely.transform(patch, np.rint)
    (finding,) = toytown_with(town=np.array([first | patch, second]))
    assert (finding.rule, finding.level, finding.codes) == ("overlap", "town", ("500999001", "500999100"))


def test_an_outline_with_a_corner_too_many() -> None:
    town = toytown()
    outline = town.polygons_at(0)[0]
    sides = shapely.transform(shapely.segmentize(outline, 30_000), np.rint)
    (*findings,) = toytown_with(district=np.array([sides]))
    assert {finding.rule for finding in findings} == {"t_junction"}


@pytest.mark.parametrize("seed", range(25))
def test_swapped_outlines_are_found_at_their_level(seed: int) -> None:
    city = random_city(seed)
    outlines = {level: shapes.copy() for level, shapes in city.outlines.items()}
    if len(outlines["community"]) < 2:
        return
    outlines["community"][[0, 1]] = outlines["community"][[1, 0]]
    findings = examine(City(city.tables, city.grids, outlines).partition(given=True)).findings
    codes = city.tables[2].codes[:2]
    astray = {finding.codes[0] for finding in findings if finding.level == "grid"}
    assert astray == {code for code in city.tables[3].codes if code.startswith(codes)}
    # The outlines of the towns, held against those of the communities, show the communities astray.
    same_town = codes[0][:9] == codes[1][:9]
    assert {f.codes[0] for f in findings if f.level == "community"} == (set() if same_town else set(codes))
