"""Numbers for ever, in every store: given once, kept by what is gone, the same for old homes and new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text
from store_contract import SINCE_0002, STORES, new_store

from gridmap.errors import DamageError, InputError, NotFoundError
from gridmap.store import column_sets, columns, numbers, schema
from gridmap.store.numbers import BUILDING_NUMBERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection
    from store_contract import StoreSpec

    from gridmap.model import ColumnSet
    from gridmap.store.store import Store

CODES = st.lists(st.sampled_from(["1", "2", "10", "b", "龙", "A", "a"]), unique=True)


@pytest.fixture(params=STORES)
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreSpec]:
    with new_store(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def store(spec: StoreSpec) -> Iterator[Store]:
    with spec.open() as opened:
        yield opened


def buildings(codes: Sequence[str | None]) -> pa.Table:
    rows = pa.array(range(len(codes)), pa.int32())
    return pa.table({"code": pa.array(codes, pa.string()), "x": rows, "y": rows})


def devices(codes: Sequence[str]) -> dict[str, list[object]]:
    count = len(codes)
    return {
        "code": list(codes),
        "kind": ["door"] * count,
        "x": list(range(count)),
        "y": [7] * count,
        "building": [None] * count,
    }


def put_buildings(store: Store, codes: Sequence[str | None]) -> None:
    store.put_columns("buildings", buildings(codes), synthetic=True)


def forget_numbers(store: Store) -> None:
    """As a home is in which an older gridmap stored the buildings."""
    with store._database.writing() as connection:
        connection.execute(delete(schema.column_sets).where(schema.column_sets.c.kind == BUILDING_NUMBERS))


def building_numbers(store: Store) -> dict[str, int]:
    _, table, found = store.numbered_buildings(["code"])
    assert store.building_numbers().tolist() == found.tolist()
    return dict(zip(table["code"].to_pylist(), found.tolist(), strict=True))


@pytest.mark.parametrize("kind", STORES)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stories=st.lists(st.tuples(CODES, CODES, st.booleans()), min_size=1, max_size=5))
def test_a_code_gets_one_number_and_keeps_it(
    kind: str,
    stories: list[tuple[list[str], list[str], bool]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The slow truth: a dictionary that only grows, buildings in the order of rows, devices of codes."""
    built: dict[str, int] = {}
    reporting: dict[str, int] = {}
    with new_store(kind, tmp_path_factory.mktemp("numbers")) as spec, spec.open() as store:
        for number, (standing, alive, was_old) in enumerate(stories):
            put_buildings(store, standing)
            store.put_devices(devices(alive))
            if number == 0 and was_old:
                forget_numbers(store)
            for code in standing:
                built.setdefault(code, len(built) + 1)
            for code in sorted(alive):
                reporting.setdefault(code, len(reporting) + 1)
            assert building_numbers(store) == {code: built[code] for code in standing}
            assert store.device_numbers() == reporting
            table = store.numbered_devices()
            assert table["code"].to_pylist() == sorted(alive)
            assert table["number"].to_pylist() == [reporting[code] for code in sorted(alive)]


def test_numbers_are_there_for_the_next_process(spec: StoreSpec) -> None:
    with spec.open() as store:
        put_buildings(store, ["b", "a"])
        store.put_devices(devices(["d2", "d1"]))
    with spec.open() as store:
        assert building_numbers(store) == {"b": 1, "a": 2}
        assert store.device_numbers() == {"d1": 1, "d2": 2}
        assert store.numbered_devices().to_pydict() == {
            "code": ["d1", "d2"],
            "kind": ["door", "door"],
            "x": [1, 0],
            "y": [7, 7],
            "number": [1, 2],
        }
        store.verify()


def test_before_anything_is_stored(store: Store) -> None:
    assert store.device_numbers() == {}
    assert store.numbered_devices().num_rows == 0
    with pytest.raises(NotFoundError, match="buildings: no columns of this kind here; there are none"):
        store.building_numbers()
    put_buildings(store, [])
    assert store.building_numbers().tolist() == []


def test_buildings_of_an_older_gridmap_count_as_their_rows(store: Store) -> None:
    put_buildings(store, ["c", "a", "b"])
    forget_numbers(store)
    before = len(store._sets.current())
    assert building_numbers(store) == {"c": 1, "a": 2, "b": 3}
    assert len(store._sets.current()) == before, "asking writes nothing"
    put_buildings(store, ["z", "b", "d"])
    assert building_numbers(store) == {"z": 4, "b": 3, "d": 5}
    put_buildings(store, ["a", "b", "c", "d"])
    assert building_numbers(store) == {"a": 2, "b": 3, "c": 1, "d": 5}


@pytest.mark.parametrize("codes", [["b", "d"], ["d", "c", "b"], []])
def test_the_first_put_after_an_older_gridmap_writes_down_what_rows_said(
    store: Store, codes: list[str]
) -> None:
    """Also when it brings nothing new: else the rows of what is left would count anew."""
    put_buildings(store, ["b", "c", "d"])
    forget_numbers(store)
    put_buildings(store, codes)
    assert building_numbers(store) == {code: {"b": 1, "c": 2, "d": 3}[code] for code in codes}
    put_buildings(store, ["d", "c", "b", "e"])
    assert building_numbers(store) == {"d": 3, "c": 2, "b": 1, "e": 4}


def test_nothing_new_writes_no_new_numbers(store: Store) -> None:
    put_buildings(store, ["a", "b"])
    kept = store._sets.current()[BUILDING_NUMBERS]
    put_buildings(store, ["b"])
    assert store._sets.current()[BUILDING_NUMBERS] == kept
    assert store._sets.read(kept, None).to_pydict() == {"code": ["a", "b"], "number": [1, 2]}


def test_the_stores_own_columns_are_nobodys_business(store: Store) -> None:
    put_buildings(store, ["a"])
    assert store.counts()["buildings"] == 1
    assert BUILDING_NUMBERS not in store.counts()
    with pytest.raises(NotFoundError, match=r"there are buildings$"):
        store.column_set("households")
    with pytest.raises(InputError, match="kept by the store itself"):
        store.put_columns(BUILDING_NUMBERS, buildings(["a"]), synthetic=True)


@pytest.mark.parametrize(
    ("codes", "sentence"),
    [(["a", None], r"row 1 \(counted from 0\) has no code"), (["a", "b", "a"], "'a' is there twice")],
)
def test_buildings_that_cannot_be_told_apart_are_refused(
    store: Store, codes: list[str | None], sentence: str
) -> None:
    put_buildings(store, ["old"])
    with pytest.raises(InputError, match=sentence):
        put_buildings(store, codes)
    with pytest.raises(InputError, match="no column code"):
        store.put_columns("buildings", pa.table({"x": [1]}), synthetic=True)
    assert building_numbers(store) == {"old": 1}


def test_codes_of_a_file_in_pieces(store: Store, tmp_path: Path) -> None:
    """Row groups, and codes as a dictionary, as other programs write them."""
    codes = pa.array(["a", "b", "c"]).dictionary_encode()
    pq.write_table(pa.table({"code": codes}), tmp_path / "b.parquet", row_group_size=1)
    store.put_columns("buildings", tmp_path / "b.parquet", synthetic=False)
    assert building_numbers(store) == {"a": 1, "b": 2, "c": 3}
    put_buildings(store, ["c", "d"])
    assert building_numbers(store) == {"c": 3, "d": 4}


def test_two_who_store_buildings_at_once_number_them_one_after_the_other(
    spec: StoreSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    work = numbers.extended

    def interrupted(known: pa.Table | None, codes: pa.ChunkedArray) -> pa.Table | None:
        calls.append(len(codes))
        if len(calls) == 1:
            put_buildings(other, ["x", "y"])
        return work(known, codes)

    with spec.open() as store, spec.open() as other:
        monkeypatch.setattr(numbers, "extended", interrupted)
        put_buildings(store, ["a", "x"])
        assert len(calls) == 3, "once interrupted, once the other, once again"
        assert building_numbers(store) == {"a": 3, "x": 1}


def test_buildings_and_their_numbers_are_stored_together_or_not_at_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_buildings(store, ["a"])
    add = column_sets._add

    def failing(connection: Connection, found: ColumnSet) -> None:
        if found.kind == BUILDING_NUMBERS:
            raise RuntimeError("killed")
        add(connection, found)

    monkeypatch.setattr(column_sets, "_add", failing)
    with pytest.raises(RuntimeError):
        put_buildings(store, ["a", "b"])
    assert building_numbers(store) == {"a": 1}


def test_numbers_that_lack_a_building_are_damage(store: Store) -> None:
    put_buildings(store, ["a", "b"])
    blob, _ = columns.store_columns(store._blobs, pa.table({"code": ["a"], "number": [1]}))
    with store._database.writing() as connection:
        kept = schema.column_sets
        wrong = kept.update().where(kept.c.kind == BUILDING_NUMBERS).values(blob=blob, rows=1)
        connection.execute(wrong)
    with pytest.raises(DamageError, match="some buildings have no number"):
        store.building_numbers()


@pytest.mark.parametrize("kind", STORES)
def test_devices_of_an_older_gridmap_get_numbers_in_the_order_of_their_codes(
    kind: str, tmp_path: Path
) -> None:
    codes = ["d10", "d9", "D", "龙", "d1"]
    with new_store(kind, tmp_path, empty=True) as spec:
        with spec.open() as store:
            store.put_devices(devices(codes))
            put_buildings(store, ["h"])
            with store._database.writing() as connection:
                for table in SINCE_0002:
                    table.drop(connection)
                connection.execute(text("UPDATE alembic_version SET version_num = '0002'"))
            forget_numbers(store)
        with spec.open() as store:
            assert store.device_numbers() == {"D": 1, "d1": 2, "d10": 3, "d9": 4, "龙": 5}
            assert building_numbers(store) == {"h": 1}
            store.put_devices(devices(["d9", "E"]))
            assert store.device_numbers() == {"D": 1, "d1": 2, "d10": 3, "d9": 4, "龙": 5, "E": 6}


def test_a_refused_put_gives_no_numbers(store: Store) -> None:
    with pytest.raises(InputError):
        store.put_devices(devices(["d", "d"]))
    assert store.device_numbers() == {}
