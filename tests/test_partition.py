"""Partition: tables, parents and what a file says besides the grids."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from random_city import City, random_city
from town import grid_polygons, tables, toytown

from gridmap.coverage.canonical import to_bytes
from gridmap.coverage.partition import level_table, partition_of
from gridmap.errors import InputError, NotFoundError
from gridmap.model import NOWHERE


def test_rows_follow_the_codes() -> None:
    order = np.random.default_rng(1).permutation(9)
    grid = tables()[-1]
    mixed = level_table(
        "grid",
        [grid.codes[i] for i in order],
        [grid.names[i] for i in order],
        [grid.kinds[i] for i in order],
        [grid.parents[i] for i in order],
    )
    town = partition_of((*tables()[:-1], mixed), {"grid": grid_polygons()[order]})
    assert town.finest.codes == tuple(sorted(grid.codes))
    assert to_bytes(town) == to_bytes(toytown())


def test_chains_of_parents() -> None:
    town = toytown()
    assert town.counts == {"district": 1, "town": 2, "community": 3, "grid": 9}
    assert town.parent_rows(0).tolist() == [NOWHERE]
    assert town.parent_rows(3).tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 2]
    assert [rows.tolist() for rows in town.ancestors] == [
        [0] * 9,
        [0] * 5 + [1] * 4,
        [0, 0, 0, 1, 1, 2, 2, 2, 2],
        list(range(9)),
    ]
    assert [area.code for area in town.areas()][:3] == ["500999", "500999001", "500999100"]
    assert town.depth_of("community") == 2
    with pytest.raises(NotFoundError, match="the levels are district, town, community, grid"):
        town.depth_of("village")


def test_a_grid_without_a_parent_is_nowhere_above() -> None:
    grid = tables()[-1]
    parents = [None, "nobody", *grid.parents[2:]]
    odd = level_table("grid", grid.codes, grid.names, grid.kinds, parents)
    town = partition_of((*tables()[:-1], odd), {"grid": grid_polygons()})
    assert town.parent_rows(3)[:3].tolist() == [NOWHERE, NOWHERE, 0]
    assert town.ancestors[0][:3].tolist() == [NOWHERE, NOWHERE, 0]
    assert town.polygons_at(2)[0].area < toytown().polygons_at(2)[0].area


@pytest.mark.parametrize("seed", range(10))
def test_outlines_that_agree_are_not_kept(seed: int) -> None:
    city = random_city(seed)
    bare, full = city.partition(given=False), city.partition(given=True)
    assert not full.given
    assert (bare.outline_known, full.outline_known) == (False, True)
    assert to_bytes(bare) == to_bytes(full)
    for depth, table in enumerate(city.tables[:-1]):
        assert shapely.equals(full.polygons_at(depth), city.outlines[table.level]).all()


def test_outlines_that_differ_are_kept_as_they_are() -> None:
    city = random_city(3)
    outlines = {**city.outlines, "town": shapely.segmentize(city.outlines["town"], 40.0)}
    outlines["town"] = shapely.transform(outlines["town"], np.rint)
    town = City(city.tables, city.grids, outlines).partition(given=True)
    assert list(town.given) == ["town"]
    assert shapely.equals(town.outlines_at(1), outlines["town"]).all()
    assert shapely.equals(town.polygons_at(1), city.outlines["town"]).all()
    assert town.outlines_at(0) is town.polygons_at(0)


def test_one_level_alone() -> None:
    grids = level_table("grid", ["b", "a"], ["", ""], ["", ""], [None, None])
    alone = partition_of([grids], {"grid": np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])})
    assert alone.finest.codes == ("a", "b")
    assert alone.polygons_at(0)[0].bounds == (1, 0, 2, 1)
    assert not alone.outline_known


def test_what_makes_no_partition_is_refused() -> None:
    squares = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])

    def made(codes: list[str], shapes: np.ndarray, level: str = "grid") -> None:
        table = level_table("grid", codes, [""] * len(codes), [""] * len(codes), [None] * len(codes))
        partition_of([table], {level: shapes})

    with pytest.raises(InputError, match="'a' stands twice, as grid and as grid"):
        made(["a", "a"], squares)
    with pytest.raises(InputError, match="row 1 of level grid has none"):
        made(["a", ""], squares)
    with pytest.raises(InputError, match="2 for 1 areas of level grid"):
        made(["a"], squares)
    with pytest.raises(InputError, match="the finest level, grid, has no polygons"):
        made(["a", "b"], squares, level="town")
    with pytest.raises(InputError, match="the finest level, grid, has no polygons"):
        made([], squares[:0])
