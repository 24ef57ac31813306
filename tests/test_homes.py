"""Households: a point for each inside its building, ids that stay, and nothing of who lives there."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from drawn import DOORS, decoded, scenery, subject
from hypothesis import given, settings
from hypothesis import strategies as st
from town import toytown
from webtown import place

from gridmap.errors import InputError
from gridmap.scenery import HouseholdColumns, Scenery, by_building
from tiles.address import SCHEMES
from tiles.engine import Engine
from tiles.homes import DOOR_BITS, ids_of
from tiles.layers import LAYERS

SPOT = place(1, 1)
FAR = place(7, 3)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(subject(toytown(), scenery([SPOT, FAR])))


def around(engine: Engine, layer: str, scheme: str = "xyz", zoom: int = 18) -> list[dict[str, Any]]:
    tile = SCHEMES[scheme].tile_at(*SPOT, zoom)
    return decoded(engine.tile([layer], scheme, *tile)).get(layer, [])


def test_it_is_there_at_the_two_deepest_zooms_and_behind_the_gate_of_households(engine: Engine) -> None:
    assert LAYERS["household"].gate == "households"
    assert {engine.zooms("household", scheme) for scheme in SCHEMES} == {(17, 18)}


def test_a_point_says_its_door_and_nothing_of_who_lives_there(engine: Engine) -> None:
    found = [each["properties"] for each in around(engine, "household")]
    assert found == [
        {"code": "B0-1--1-0", "unit": 1, "floor": -1, "room": 0},
        {"code": "B0-1-2-1201", "unit": 1, "floor": 2, "room": 1201},
        {"code": "B0-1-2-1201-2", "unit": 1, "floor": 2, "room": 1201},
        {"code": "B0-2-9-3", "unit": 2, "floor": 9, "room": 3},
    ]
    assert set(LAYERS["household"].fields) == {"code", "unit", "floor", "room"}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("zoom", [17, 18])
def test_households_stand_apart_inside_their_building(engine: Engine, scheme: str, zoom: int) -> None:
    (building,) = around(engine, "building", scheme, zoom)
    found = around(engine, "household", scheme, zoom)
    shapes = [each["shape"] for each in found]
    assert len(shapes) == len(DOORS)
    assert shapely.covers(building["shape"].buffer(1), shapes).all()
    assert len({(each.x, each.y) for each in shapes}) == len(DOORS)


def test_ids_are_those_of_the_door_whoever_else_moves_in(engine: Engine) -> None:
    ids = {each["properties"]["code"]: each["id"] for each in around(engine, "household")}
    fewer = scenery([SPOT, FAR])
    some = HouseholdColumns(
        np.array([0, 2, 2], np.int32),
        np.array([1, 2], np.uint8),
        np.array([2, 9], np.int16),
        np.array([1201, 3], np.uint16),
    )
    other = Scenery("less", fewer.devices, fewer.read_buildings, lambda: some)
    again = around(Engine(subject(toytown(), other)), "household")
    assert {each["properties"]["code"]: each["id"] for each in again} == {
        code: ids[code] for code in ("B0-1-2-1201", "B0-2-9-3")
    }
    assert {number >> DOOR_BITS for number in ids.values()} == {1}


def test_a_tile_beside_shows_the_same_and_an_empty_one_is_empty(engine: Engine) -> None:
    tile = SCHEMES["xyz"].tile_at(*SPOT, 17)
    assert engine.tile(["household"], "xyz", 17, tile.x + 8, tile.y) == b""
    bare = Engine(subject(toytown(), scenery()))
    assert bare.zooms("household", "xyz") == (17, 18)
    assert bare.tile(["household"], "xyz", *tile) == b""
    assert "household" in bare.layers
    assert len(bare.boxes("household", "xyz")) == 0
    assert len(engine.boxes("household", "xyz")) == 2
    buildings_only = scenery([SPOT])
    unlived = Scenery("b", buildings_only.devices, buildings_only.read_buildings, lambda: None)
    assert Engine(subject(toytown(), unlived)).tile(["household"], "xyz", *tile) == b""


def test_at_any_zoom_of_the_scheme_also_beyond_the_served_ones(engine: Engine) -> None:
    """Units of the deepest zooms do not go into 32 bits."""
    for zoom in (20, 22):
        (building,) = around(engine, "building", zoom=zoom)
        shape = building["shape"]
        assert shape.is_valid
        assert len(around(engine, "household", zoom=zoom)) >= 1


@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 2), st.integers(-2, 3), st.integers(0, 3)), max_size=60
    ),
    st.randoms(use_true_random=False),
)
def test_ids_are_different_small_enough_and_the_same_in_any_order_of_buildings(
    homes: list[tuple[int, int, int, int]], chance: Random
) -> None:
    homes = sorted(homes)
    numbers, doors = columns_of(homes)
    given_ids = ids_of(numbers, doors)
    assert len(set(given_ids.tolist())) == len(homes)
    assert all(0 < each < 2**53 for each in given_ids.tolist())
    assert (given_ids >> DOOR_BITS == numbers).all()
    order = sorted({each[0] for each in homes}, key=lambda _: chance.random())
    places = [place for number in order for place, each in enumerate(homes) if each[0] == number]
    assert ids_of(numbers[places], doors[places]).tolist() == given_ids[places].tolist()


def columns_of(homes: list[tuple[int, int, int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(homes, np.int64).reshape(-1, 4)
    return table[:, 0], (table[:, 1] << 32) + ((table[:, 2] + (1 << 15)) << 16) + table[:, 3]


@settings(deadline=None)  # pyarrow is imported on the way
@given(st.lists(st.tuples(*[st.integers(0, 4)] * 4), max_size=40))
def test_columns_are_sorted_by_building_and_door(rows: list[tuple[int, int, int, int]]) -> None:
    names = ("building", "unit", "floor", "room")
    types = (pa.int32(), pa.uint8(), pa.int16(), pa.uint16())
    table = pa.table({name: pa.array([row[i] for row in rows], types[i]) for i, name in enumerate(names)})
    found = by_building(table, 5)
    told = [
        (building, *door)
        for building in range(5)
        for door in zip(
            *(
                column[found.offsets[building] : found.offsets[building + 1]].tolist()
                for column in (found.units, found.floors, found.rooms)
            ),
            strict=True,
        )
    ]
    assert told == sorted(rows)


def test_a_household_without_a_building_is_refused() -> None:
    table = pa.table({name: [3] for name in ("building", "unit", "floor", "room")})
    with pytest.raises(InputError, match="buildings that are not stored"):
        by_building(table, 3)
