"""Scenery: what tiles are made of is what the store holds, and its fingerprint says when it changed."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from store_contract import STORES, new_store

from gridmap.errors import ConflictError
from gridmap.model import Device
from gridmap.scenery import read_scenery, scenery_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gridmap.scenery import HouseholdColumns
    from gridmap.store.store import Store

BUILDINGS = {
    "code": ["b1", "b2", "b3"],
    "community": ["c", "c", "c"],
    "x": pa.array([10, 20, 30], pa.int32()),
    "y": pa.array([-1, -2, -3], pa.int32()),
    "width_m": pa.array([28.5, 0, 3], pa.float32()),
    "depth_m": pa.array([12.5, 0, 4], pa.float32()),
    "bearing_deg": pa.array([121, 0, 360], pa.int16()),
    "floors": pa.array([7, 1, 255], pa.uint8()),
    "units": pa.array([2, 1, 1], pa.uint8()),
    "use": pa.array(["residential", "shop", "residential"]).dictionary_encode(),
    "name": ["一栋", "", "三栋"],
    "address": ["x", "y", "z"],
}
DEVICES = [Device("d2", "smoke", 5, 6, None), Device("d1", "door", 3, 4, "b1")]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with new_store(request.param, tmp_path) as spec, spec.open() as opened:
        yield opened


def test_an_empty_city_has_an_empty_scenery(store: Store) -> None:
    found = read_scenery(store)
    assert found.buildings is None
    assert len(found.devices.codes) == len(found.devices.xs) == len(found.devices.kinds) == 0
    assert found.fingerprint == read_scenery(store).fingerprint


def test_columns_are_what_was_stored(store: Store) -> None:
    store.put_columns("buildings", pa.table(BUILDINGS), synthetic=True)
    store.put_devices(DEVICES)
    found = read_scenery(store)
    there, devices = found.buildings, found.devices
    assert there is not None
    assert there.codes.to_pylist() == BUILDINGS["code"]
    assert there.names.to_pylist() == BUILDINGS["name"]
    assert there.uses.to_pylist() == ["residential", "shop", "residential"]
    assert there.uses.dictionary.to_pylist() == ["residential", "shop"]
    expected = {
        "xs": (np.int32, [10, 20, 30]),
        "ys": (np.int32, [-1, -2, -3]),
        "widths_m": (np.float32, [28.5, 0, 3]),
        "depths_m": (np.float32, [12.5, 0, 4]),
        "bearings_deg": (np.int16, [121, 0, 360]),
        "floors": (np.uint8, [7, 1, 255]),
        "numbers": (np.int64, [1, 2, 3]),
    }
    for name, (dtype, values) in expected.items():
        column = getattr(there, name)
        assert (column.dtype, column.tolist()) == (dtype, values), name
    assert devices.codes.to_pylist() == ["d1", "d2"]
    assert devices.kinds.to_pylist() == ["door", "smoke"]
    assert [each.tolist() for each in (devices.xs, devices.ys, devices.numbers)] == [[3, 5], [4, 6], [1, 2]]
    assert {each.dtype for each in (devices.xs, devices.ys)} == {np.dtype(np.int32)}


def test_texts_of_a_file_in_pieces_come_in_one(store: Store, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    plain = {**BUILDINGS, "use": ["residential", "shop", "residential"]}
    pq.write_table(pa.table(plain), tmp_path / "b.parquet", row_group_size=1, compression="zstd")
    store.put_columns("buildings", tmp_path / "b.parquet", synthetic=False)
    there = read_scenery(store).buildings
    assert there is not None
    assert there.uses.to_pylist() == plain["use"]
    assert there.uses.dictionary.to_pylist() == ["residential", "shop"]
    assert there.codes.to_pylist() == plain["code"]


def test_the_fingerprint_changes_with_whatever_is_drawn_and_only_then(store: Store) -> None:
    prints = [read_scenery(store).fingerprint]

    def changed() -> None:
        prints.append(read_scenery(store).fingerprint)
        assert len(set(prints)) == len(prints)
        assert read_scenery(store).fingerprint == prints[-1]

    table = pa.table(BUILDINGS)
    store.put_columns("buildings", table, synthetic=True)
    changed()
    store.put_columns("buildings", table.slice(1), synthetic=True)
    changed()
    store.put_devices(DEVICES)
    changed()
    store.put_devices([DEVICES[0]])
    changed()
    store.put_devices([Device("d2", "smoke", 5, 7, None)])
    changed()
    store.put_devices([Device("d2", "water", 5, 7, None)])
    changed()
    store.put_devices([Device("d2", "water", 5, 7, "b2")])  # nothing that is drawn
    assert read_scenery(store).fingerprint == prints[-1]
    store.put_columns("buildings", table, synthetic=True)
    store.put_devices([])
    assert read_scenery(store).fingerprint == prints[1]


HOUSEHOLDS = {
    "building": pa.array([0, 0, 2], pa.int32()),
    "unit": pa.array([1, 2, 1], pa.uint8()),
    "floor": pa.array([-1, 3, 9], pa.int16()),
    "room": pa.array([0, 1203, 3], pa.uint16()),
    "people": pa.array([2, 1, 7], pa.uint16()),
}


def doors(found: HouseholdColumns | None) -> list[list[int]]:
    assert found is not None
    return [each.tolist() for each in (found.offsets, found.units, found.floors, found.rooms)]


def test_households_are_sorted_by_building_and_kept_in_a_file(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    store.put_columns("households", pa.table(HOUSEHOLDS), synthetic=True)
    assert read_scenery(store, folder).households is None  # nobody knows where
    store.put_columns("buildings", pa.table(BUILDINGS), synthetic=True)
    expected = [[0, 2, 2, 3], [1, 2, 1], [-1, 3, 9], [0, 1203, 3]]
    first = read_scenery(store, folder)
    assert doors(first.households) == expected
    (kept,) = folder.iterdir()
    before = kept.stat().st_mtime_ns
    second = read_scenery(store, folder)
    assert (second.fingerprint, doors(second.households)) == (first.fingerprint, expected)
    assert kept.stat().st_mtime_ns == before
    kept.write_bytes(kept.read_bytes()[:500])
    assert doors(read_scenery(store, folder).households) == expected
    assert doors(read_scenery(store).households) == expected
    for cut in (1, 2):
        store.put_columns("households", pa.table(HOUSEHOLDS).slice(cut), synthetic=True)
        other = read_scenery(store, folder)
        assert other.fingerprint != first.fingerprint
        assert len(doors(other.households)[1]) == 3 - cut
    assert len(list(folder.iterdir())) == 2


def test_what_is_known_is_given_again_while_nothing_changes(store: Store) -> None:
    store.put_columns("buildings", pa.table(BUILDINGS), synthetic=True)
    known = read_scenery(store)
    assert read_scenery(store, known=known) is known
    store.put_devices(DEVICES)
    assert read_scenery(store, known=known) is not known


def test_what_is_read_later_is_of_the_same_moment_or_refused(store: Store) -> None:
    store.put_columns("buildings", pa.table(BUILDINGS), synthetic=True)
    found, late = (scenery_of(store, lambda: nullcontext(store)) for _ in range(2))
    assert found.buildings is not None
    store.put_columns("buildings", pa.table(BUILDINGS).slice(1), synthetic=True)
    assert len(found.buildings.codes) == 3
    with pytest.raises(ConflictError, match="give the command again"):
        _ = late.buildings
