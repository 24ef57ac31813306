"""Findings: sentences with codes, a place in degrees and a size."""

from __future__ import annotations

import re

import numpy as np
import pytest
import shapely
from planted import OUTSIDE, PLANTERS
from random_city import City, random_city
from town import SOUTH, STEP, WEST, grid_polygons, tables, toytown

from gridmap.coverage import findings
from gridmap.coverage.partition import level_table, partition_of
from gridmap.coverage.proof import examine
from gridmap.model import Finding

RULES = set(re.findall(r"^    (\w+)  ", findings.__doc__ or "", re.M))


def with_grids(**columns: list[str | None]) -> list[Finding]:
    """What an examination says of Toytown with other columns in its table of grids."""
    grid = tables()[-1]
    old = {"codes": grid.codes, "names": grid.names, "kinds": grid.kinds, "parents": grid.parents}
    table = level_table("grid", **{**old, **columns})  # type: ignore[arg-type]
    return list(examine(partition_of((*tables()[:-1], table), {"grid": grid_polygons()})).findings)


def test_the_docstring_lists_twelve_rules() -> None:
    assert len(RULES) == 12


@pytest.mark.parametrize("planter", [*PLANTERS, *OUTSIDE], ids=lambda planter: planter.__name__)
def test_every_finding_keeps_the_form(planter: object) -> None:
    for seed in range(12):
        plant = planter(random_city(seed, size=300), np.random.default_rng(seed), True)  # type: ignore[operator]
        if plant is None:
            continue
        known = {code for table in plant.areas.tables for code in table.codes}
        for finding in [*plant.areas.broken(), *examine(plant.areas.partition()).findings]:
            assert finding.rule in RULES
            assert finding.level in {"district", "town", "community", "grid"}
            assert finding.codes
            assert set(finding.codes) <= known
            assert len(set(finding.codes)) == len(finding.codes)
            assert finding.size_m2 >= 0
            assert finding.text.endswith(".")
            assert any(code in finding.text for code in finding.codes)
            if finding.lon is not None:
                assert finding.lat is not None
                assert abs(finding.lon - 106.5) < 0.01
                assert abs(finding.lat - 29.5) < 0.01


def test_a_code_below_another_parent() -> None:
    parents = list(tables()[-1].parents)
    parents[0] = "500999001002"
    (finding,) = with_grids(parents=parents)
    assert (finding.rule, finding.level) == ("wrong_parent", "grid")
    assert finding.codes == ("500999001001001", "500999001002", "500999001001")
    assert finding.lon is not None
    assert finding.lat is not None
    place = shapely.Point((finding.lon - WEST / 1e7) * 1e7 + WEST, (finding.lat - SOUTH / 1e7) * 1e7 + SOUTH)
    assert toytown().polygons_at(3)[0].covers(place)


def test_a_parent_that_does_not_exist() -> None:
    parents = list(tables()[-1].parents)
    parents[3:5] = ["500999001777", None]
    both = [finding for finding in with_grids(parents=parents) if finding.rule == "wrong_parent"]
    assert [finding.codes for finding in both] == [
        ("500999001002001", "500999001777"),
        ("500999001002002",),
    ]
    assert "its parent 500999001777 is no community here" in both[0].text
    assert "it names no community as its parent" in both[1].text


def test_an_area_without_children() -> None:
    town = tables()
    more = level_table(
        "community",
        [*town[2].codes, "500999100201"],
        [*town[2].names, "empty"],
        [*town[2].kinds, ""],
        [*town[2].parents, "500999100"],
    )
    (finding,) = examine(partition_of((*town[:2], more, town[3]), {"grid": grid_polygons()})).findings
    assert (finding.rule, finding.level, finding.codes) == ("missing_grid", "community", ("500999100201",))
    assert finding.lon is None


def test_invalid_polygons_say_where() -> None:
    tie = shapely.Polygon([(0, 0), (STEP, STEP), (STEP, 0), (0, STEP)])
    finding = findings.invalid("grid", "a", tie)
    assert (finding.rule, finding.lon, finding.lat) == ("invalid_polygon", 0.0005, 0.0005)
    assert finding.size_m2 == pytest.approx(111_320 * 110_574 / 1e6 / 2, rel=1e-3)
    touching = shapely.Polygon([(0, 0), (4, 0), (4, 4), (0, 4), (0, 0), (1, 3), (3, 1)])
    assert findings.invalid("grid", "a", touching).rule == "self_touching_ring"


def test_many_codes_are_cut_short_in_words_only() -> None:
    assert findings.listed(["a", "b", "c", "d"]) == "a and b and c and d"
    assert findings.listed([str(n) for n in range(9)]) == "0, 1, 2 and 6 more"
    assert findings.listed([]) == "the city's outline"


def town_without(row: int) -> City:
    """Toytown with one grid taken out of its file."""
    keep = [other for other in range(9) if other != row]
    grid = tables()[-1]
    codes, names, kinds = (
        [column[other] for other in keep] for column in (grid.codes, grid.names, grid.kinds)
    )
    table = level_table("grid", codes, names, kinds, [grid.parents[other] for other in keep])
    whole = {town.level: toytown().polygons_at(depth) for depth, town in enumerate(tables()[:-1])}
    return City((*tables()[:-1], table), grid_polygons()[keep], whole)


def test_a_missing_grid_names_its_community() -> None:
    (finding,) = examine(town_without(3).partition(given=True)).findings
    around = ("500999001001001", "500999001002002")
    assert (finding.rule, finding.codes) == ("missing_grid", ("500999001002", *around))


def test_a_small_void_with_four_corners_is_a_gap() -> None:
    """The market between two grids: nobody can tell it from a corner of one of them drawn aside."""
    for given in (True, False):
        (finding,) = examine(town_without(8).partition(given=given)).findings
        assert (finding.rule, finding.codes) == ("gap", ("500999100200002", "500999100200003"))
