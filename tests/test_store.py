"""The contract of every store, and what only SQLite can get wrong."""

from __future__ import annotations

import logging
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import store_contract as contract
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, exc, func, select, text, update
from store_contract import MAY_DAY, SINCE_0002, STORES, area, draft, new_store, replay

from gridmap.errors import ConflictError, DamageError, HomeError, InputError, NotFoundError
from gridmap.model import Area, Device, StaffPost
from gridmap.store import editions, migrate, schema
from gridmap.store.editions import EditionDraft
from gridmap.store.projection import TABLE
from gridmap.store.store import Store
from gridmap.store.watch import new_editions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from store_contract import StoreSpec

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(params=STORES)
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreSpec]:
    with new_store(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def store(spec: StoreSpec) -> Iterator[Store]:
    with spec.open() as opened:
        yield opened


def in_processes(target: Callable[..., None], count: int, *arguments: object) -> list[str]:
    """Run a worker of the contract in several processes at once; return what they tell, sorted."""
    start, results = SPAWN.Barrier(count, timeout=60), SPAWN.SimpleQueue()
    workers = [SPAWN.Process(target=target, args=(*arguments, start, results)) for _ in range(count)]
    for worker in workers:
        worker.start()
    told = sorted(results.get() for _ in workers)
    for worker in workers:
        worker.join()
        worker.close()
    results.close()
    return told


# Editions


def test_a_new_store_is_empty(store: Store) -> None:
    assert store.current() is None
    assert store.editions() == []
    assert store.codes_ever() == frozenset()
    assert store.counts() == {"editions": 0, "codes": 0, "devices": 0, "staff": 0}


def test_what_is_published_comes_back(spec: StoreSpec) -> None:
    areas = [area("11", "b", "1"), area("1", "解放碑"), area("2", "a")]
    noon_here = datetime(2026, 5, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    with spec.open() as store:
        edition = store.publish(draft(None, areas, b"\x00shapes", effective_at=noon_here))
    assert (edition.number, edition.base, edition.checksum) == (1, None, "sum-None")
    assert (edition.proven, edition.synthetic, edition.author, edition.reason) == (
        True,
        True,
        "planner",
        "a story",
    )
    with spec.open() as store:
        assert store.current() == store.edition(1) == edition
        assert store.areas(1) == sorted(areas, key=lambda each: each.code)
        assert store.body(1) == b"\x00shapes"
        assert store.proof(1) == {"rules": ["closed"], "名": 1.5}
        found = store.edition(1)
    assert found.effective_at == MAY_DAY
    assert found.effective_at.utcoffset() == found.published_at.utcoffset() == timedelta(0)


def test_editions_follow_each_other_and_stay_as_they_were(store: Store) -> None:
    first = store.publish(draft(None, [area("1")], b"one"))
    second = store.publish(draft(1, [area("1", "renamed")], b"two", proven=False))
    assert (second.number, second.base, second.proven) == (2, 1, False)
    assert store.editions() == [first, second]
    assert store.current() == second
    assert (store.body(1), store.body(2)) == (b"one", b"two")
    assert (store.areas(1), store.areas(2)) == ([area("1")], [area("1", "renamed")])


@pytest.mark.parametrize("ask", ["edition", "areas", "body", "proof"])
def test_an_edition_that_is_not_there_is_not_found(store: Store, ask: str) -> None:
    store.publish(draft(None))
    for number in (0, 2, -1):
        with pytest.raises(NotFoundError, match=f"edition {number}"):
            getattr(store, ask)(number)


@pytest.mark.parametrize("base", [None, 1, 3])
def test_a_draft_on_another_base_than_the_current_edition_is_refused(store: Store, base: int | None) -> None:
    store.publish(draft(None, [area("1")]))
    store.publish(draft(1, [area("2")], author="Li", reason="merge"))
    with pytest.raises(ConflictError, match=r"edition 2 is current now \(by Li: merge\)"):
        store.publish(draft(base, [area("3")]))
    assert [edition.number for edition in store.editions()] == [1, 2]
    assert store.codes_ever() == {"1", "2"}


def test_a_first_edition_has_no_base(store: Store) -> None:
    with pytest.raises(ConflictError, match="no edition here yet"):
        store.publish(draft(1))


def test_the_primary_key_stops_a_second_publisher_whom_nothing_else_stopped(store: Store) -> None:
    store.publish(draft(None))
    wanted = draft(1, author="Li")
    with store._database.writing() as connection:
        editions.add_edition(connection, wanted, "0" * 64, MAY_DAY)
        with pytest.raises(ConflictError, match="edition 2 was published at this very moment"):
            editions.add_edition(connection, wanted, "0" * 64, MAY_DAY)


def test_a_draft_that_cannot_be_true_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match="time zone"):
        store.publish(draft(None, effective_at=datetime(2026, 5, 1)))
    with pytest.raises(InputError, match="7 is there twice"):
        store.publish(draft(None, [area("7"), area("8"), area("7", "other")]))
    assert store.current() is None


def test_a_publish_that_fails_half_way_leaves_nothing(store: Store) -> None:
    store.publish(draft(None, [area("1"), area("2")]))
    nameless = replace(area("3"), name=None)  # type: ignore[arg-type] # the database is to refuse it, late
    with pytest.raises(exc.IntegrityError):
        store.publish(draft(1, [area("1", "other"), nameless]))
    assert [edition.number for edition in store.editions()] == [1]
    assert store.areas(1) == [area("1"), area("2")]
    assert store.codes_ever() == {"1", "2"}
    assert store.publish(draft(1, [area("3")])).number == 2


def test_times_come_from_the_clock_that_is_given(spec: StoreSpec) -> None:
    with spec.open() as store:
        store._clock = lambda: MAY_DAY
        assert store.publish(draft(None)).published_at == MAY_DAY
        assert store.put_columns("k", pa.table({"a": [1]}), True).stored_at == MAY_DAY


# Areas


CODES = st.sampled_from(["1", "2", "3", "44", "龙"])
CITY = st.dictionaries(CODES, st.tuples(st.sampled_from(["甲", "乙"]), st.none() | CODES)).map(
    lambda found: [area(code, name, parent) for code, (name, parent) in found.items()]
)


@pytest.mark.parametrize("kind", STORES)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(cities=st.lists(CITY, min_size=1, max_size=7))
def test_the_register_equals_a_plain_replay(
    kind: str, cities: list[list[Area]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("register")
    with new_store(kind, folder) as spec, spec.open() as store:
        numbers: dict[str, int] = {}
        for base, city in enumerate(cities):
            store.publish(draft(base or None, city))
            known = store.features()
            assert known.items() >= numbers.items()  # a number is kept for ever
            numbers = known
        for number, city in enumerate(cities, start=1):
            assert store.areas(number) == sorted(city, key=lambda each: each.code)
        assert numbers.keys() == store.codes_ever() == {each.code for city in cities for each in city}
        assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))
        assert register_rows(store) == replay(cities)


def register_rows(store: Store) -> set[tuple[Area, int, int | None]]:
    codes = {number: code for code, number in store.features().items()}
    with store._database.reading() as connection:
        found = connection.execute(select(schema.areas)).all()
    rows = {
        (
            Area(codes[row.feature], row.name, row.level, row.kind, row.parent),
            row.first_edition,
            row.last_edition,
        )
        for row in found
    }
    assert len(rows) == len(found)
    return rows


def test_a_code_that_was_given_up_keeps_its_number(store: Store) -> None:
    store.publish(draft(None, [area("1"), area("2")]))
    before = store.features()
    store.publish(draft(1, [area("1")]))
    store.publish(draft(2, [area("1"), area("3")]))
    store.publish(draft(3, [area("2"), area("3")]))
    assert store.features() == before | {"3": 3}
    assert store.codes_ever() == {"1", "2", "3"}


def test_only_what_changed_is_written(store: Store) -> None:
    city = [area(str(number)) for number in range(100)]
    store.publish(draft(None, city))
    store.publish(draft(1, [*city[:99], area("99", "renamed")]))
    with store._database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(schema.areas)).scalar_one() == 101


# Races and kills


def test_of_racing_processes_exactly_one_publishes(spec: StoreSpec) -> None:
    with spec.open() as store:
        store.publish(draft(None, [area("1")]))
    results = SPAWN.SimpleQueue()
    worker = SPAWN.Process(target=contract.race_of, args=(20, spec, results))
    worker.start()
    told: list[str] = results.get()
    worker.join()
    worker.close()
    results.close()
    assert told[:19] == ["lost"] * 19
    winner = told[19].removeprefix("won ")
    with spec.open() as store:
        current = store.edition(2)
        assert (store.current(), current.author, store.body(2)) == (current, winner, winner.encode())
        assert store.areas(2) == [area(winner)]
        assert store.codes_ever() == {"1", winner}


def test_of_racing_threads_exactly_one_publishes(store: Store) -> None:
    def publish(name: str) -> bool:
        try:
            return store.publish(draft(None, [area(name)])).number == 1
        except ConflictError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(publish, "abcdefgh")) == 1
    assert len(store.codes_ever()) == 1


@pytest.mark.parametrize("kind", STORES)
def test_processes_that_open_a_new_store_at_once_all_get_it(kind: str, tmp_path: Path) -> None:
    with new_store(kind, tmp_path, empty=True) as spec:
        assert in_processes(contract.open_at_once, 3, spec) == ["open None"] * 3


def check_whole(spec: StoreSpec, before: list[Area], wanted: EditionDraft) -> int:
    """A store in which somebody was killed holds edition 1 or 2, whole, and goes on; return which it was.

    The store is removed then.
    """
    with spec.open() as store:
        store.verify()
        editions = store.editions()
        assert [edition.number for edition in editions] in ([1], [1, 2])
        assert (store.areas(1), store.body(1)) == (before, b"body")
        if len(editions) == 1:
            assert store.codes_ever() == {each.code for each in before}
            store.publish(wanted)
        assert (store.areas(2), store.body(2)) == (list(wanted.areas), wanted.body)
    spec.remove()
    return len(editions)


def test_a_kill_at_any_step_of_a_publish_leaves_one_edition_or_the_next(spec: StoreSpec) -> None:
    before = [area("1"), area("2")]
    wanted = draft(1, [area("1", "renamed"), area("3")], b"new shapes")
    with spec.open() as store:
        store.publish(draft(None, before))
    copies = [spec.copy(str(point)) for point in range(1, 25)]
    worker = SPAWN.Process(target=contract.kill_at_steps, args=(copies, wanted))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    found = [check_whole(copy, before, wanted) for copy in copies]
    assert found == sorted(found)
    assert found.count(1) >= 10  # a sync and a rename of the blob, ten statements, the commit
    assert found[-1] == 2  # the last of them lived


def test_a_kill_at_any_moment_of_a_publish_leaves_one_edition_or_the_next(spec: StoreSpec) -> None:
    before = [area(f"{number:04d}") for number in range(1500)]
    wanted = draft(1, [area(each.code, "renamed") for each in before], b"new shapes" * 100_000)
    with spec.open() as store:
        store.publish(draft(None, before))
    copies = [spec.copy(str(point)) for point in range(16)]
    worker = SPAWN.Process(target=contract.kill_at_times, args=(copies, wanted, 0.08, 7))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    for copy in copies:
        check_whole(copy, before, wanted)


def test_a_full_disk_is_said_and_changes_nothing(spec: StoreSpec) -> None:
    wanted = draft(1, [area(str(number), "长" * 50) for number in range(9000)])
    with spec.open() as store:
        store.publish(draft(None, [area("1")]))
        with spec.full_disk(), pytest.raises(HomeError, match="disk"):
            store.publish(wanted)
        assert store.editions() == [store.edition(1)]
        assert store.codes_ever() == {"1"}
        assert store.publish(wanted).number == 2
        store.verify()


def test_a_reader_sees_one_moment_while_another_publishes(spec: StoreSpec) -> None:
    with spec.open() as store, spec.open() as other:
        store.publish(draft(None, [area("1")]))
        count = select(func.count()).select_from(schema.editions)
        with store._database.reading() as connection:
            assert connection.execute(count).scalar_one() == 1
            other.publish(draft(1, [area("2")]))
            assert connection.execute(count).scalar_one() == 1
        assert store.counts()["editions"] == 2


# Hearing of each other


def test_a_process_hears_what_another_publishes(spec: StoreSpec) -> None:
    go, stop = SPAWN.Event(), threading.Event()
    given_up = threading.Timer(60, stop.set)
    with spec.open() as store:
        store.publish(draft(None, [area("1")]))
        worker = SPAWN.Process(target=contract.publish_after, args=(spec, draft(1, [area("2")]), go))
        worker.start()
        given_up.start()
        heard = new_editions(store, None, stop, every_s=0.01)
        assert next(heard).number == 1
        go.set()
        assert next(heard) == store.edition(2)
        worker.join()
        worker.close()
        given_up.cancel()
        store.publish(draft(2))
        store.publish(draft(3))
        assert next(heard).number == 4  # the newest alone
        stop.set()
        assert list(heard) == []
        assert list(new_editions(store, None, stop)) == []


def test_nothing_is_heard_twice(store: Store) -> None:
    stop = threading.Event()
    store.publish(draft(None))
    heard = new_editions(store, 1, stop, every_s=0.01)
    threading.Timer(0.1, stop.set).start()
    assert list(heard) == []


# Columns


HOUSES = pa.table({"code": ["a", "b", "c"], "x": pa.array([1, 2, 3], pa.int32()), "name": ["一", None, "三"]})


def test_columns_come_back_as_they_were(spec: StoreSpec) -> None:
    with spec.open() as store:
        stored = store.put_columns("households", HOUSES, synthetic=True)
        assert (stored.kind, stored.rows, stored.synthetic) == ("households", 3, True)
    with spec.open() as store:
        assert store.column_set("households") == stored
        assert store.columns("households").equals(HOUSES)
        assert store.columns("households", ["x"]).equals(HOUSES.select(["x"]))
        assert store.counts()["households"] == 3
        with pytest.raises(InputError, match="no column nix; there are code, name, x"):
            store.columns("households", ["nix"])
        with pytest.raises(NotFoundError, match="no columns of this kind here; there are households"):
            store.columns("buildings")


def test_the_newest_columns_of_a_kind_are_current(store: Store) -> None:
    store.put_columns("a", HOUSES, synthetic=True)
    store.put_columns("b", HOUSES.slice(0, 1), synthetic=True)
    store.put_columns("a", HOUSES.slice(0, 2), synthetic=False)
    assert (store.columns("a").num_rows, store.columns("b").num_rows) == (2, 1)
    assert not store.column_set("a").synthetic


def test_a_zstd_file_is_taken_byte_for_byte(store: Store, tmp_path: Path) -> None:
    pq.write_table(HOUSES, tmp_path / "h.parquet", compression="zstd", row_group_size=2)
    store.put_columns("h", tmp_path / "h.parquet", synthetic=True)
    assert store.column_file("h").read_bytes() == (tmp_path / "h.parquet").read_bytes()


def test_another_file_is_packed_anew(store: Store, tmp_path: Path) -> None:
    pq.write_table(HOUSES, tmp_path / "h.parquet", compression="snappy", row_group_size=2)
    store.put_columns("h", tmp_path / "h.parquet", synthetic=True)
    with pq.ParquetFile(store.column_file("h")) as file:
        assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert store.columns("h").equals(HOUSES)


def test_rows_of_buildings_are_stored_as_steps(store: Store) -> None:
    """Households in the order of their buildings: a third of the room that dictionaries take."""
    rows = np.repeat(np.arange(20_000, dtype=np.int32), 6)
    some = pa.array(rows, mask=rows < 9)
    table = pa.table({"building": rows, "people": (rows % 5).astype(np.uint8), "known": some})
    store.put_columns("households", table, synthetic=True)
    assert store.columns("households").equals(table)
    with pq.ParquetFile(store.column_file("households")) as file:
        steps, words, _ = (file.metadata.row_group(0).column(i) for i in range(3))
    assert "DELTA_BINARY_PACKED" in steps.encodings
    assert "RLE_DICTIONARY" in words.encodings
    assert steps.total_compressed_size < 20_000


def test_columns_without_rows_are_columns(store: Store, tmp_path: Path) -> None:
    pq.write_table(HOUSES.slice(0, 0), tmp_path / "h.parquet")
    assert store.put_columns("file", tmp_path / "h.parquet", synthetic=True).rows == 0
    assert store.put_columns("table", HOUSES.slice(0, 0), synthetic=True).rows == 0
    assert store.columns("file").schema == store.columns("table").schema == HOUSES.schema


def test_a_file_that_is_no_parquet_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "no.parquet").write_bytes(b"code,name\n1,2\n")
    for name in ("no.parquet", "missing.parquet"):
        with pytest.raises(InputError, match=name):
            store.put_columns("h", tmp_path / name, synthetic=True)
    assert "h" not in store.counts()


# Damage


def test_a_flipped_bit_is_found_and_its_blob_named(spec: StoreSpec) -> None:
    with spec.open() as store:
        store.publish(draft(None, [area("1")], b"x" * 5000))
        store.put_columns("households", HOUSES, synthetic=True)
        store.verify()
        for key, read in (
            (store.edition(1).blob, lambda: store.body(1)),
            (store.column_set("households").blob, lambda: store.columns("households")),
        ):
            whole = store._blobs.get(key)
            spec.spoil(key)
            for look in (read, store.verify):
                with pytest.raises(DamageError, match=f"{key}.*damaged"):
                    look()
            spec.lose(key)
            for look in (read, store.verify):
                with pytest.raises(DamageError, match="gone"):
                    look()
            assert store._blobs.put(whole) == key
            read()
            store.verify()


def test_rows_that_went_missing_are_found(store: Store) -> None:
    store.put_columns("households", HOUSES, synthetic=True)
    with store._database.writing() as connection:
        connection.execute(update(schema.column_sets).values(rows=4))
    with pytest.raises(DamageError, match="holds 3 rows where 4 were stored"):
        store.columns("households")


# Devices and staff


DEVICES = [Device("d1", "door", 1065770000, 295590000, "b1"), Device("d2", "smoke", -5, 7, None)]
POSTS = [
    StaffPost("s1", "g1", "full", "p1", "day"),
    StaffPost("s2", "g2", "part", "p1", "night"),
    StaffPost("s3", "g1", "lead", "p2", "day"),
]


def test_devices_come_as_objects_lists_arrays_or_a_table(spec: StoreSpec) -> None:
    names = ["code", "kind", "x", "y", "building"]
    lists = {name: [getattr(device, name) for device in DEVICES] for name in names}
    arrays = lists | {"x": np.array(lists["x"], np.int32), "y": np.array(lists["y"], np.int64)}
    for source in (
        DEVICES,
        iter(DEVICES),
        lists,
        arrays,
        {name: pa.array(lists[name]) for name in names},
        pa.table(lists),
    ):
        with spec.open() as store:
            assert store.put_devices(source) == 2
            assert store.devices() == DEVICES
            assert store.put_devices([]) == 0
            assert store.devices() == []


def test_staff_is_asked_by_grid(store: Store) -> None:
    assert store.put_staff(POSTS[::-1]) == 3
    assert store.staff() == POSTS
    assert store.staff("g1") == [POSTS[0], POSTS[2]]
    assert store.staff("nowhere") == []
    assert store.counts()["staff"] == 3
    assert store.posts_by_grid() == {"g1": 2, "g2": 1}


def test_other_devices_have_other_marks(store: Store) -> None:
    one, two = DEVICES[0], replace(DEVICES[1], kind="door")
    seen: list[dict[str, tuple[int, ...]]] = []
    for devices in (
        [],
        [one],
        [one, two],
        [replace(one, x=two.x, y=two.y), replace(two, x=one.x, y=one.y)],
        [one, replace(two, kind="smoke")],
        [one, replace(two, code="d3")],
        [one, replace(two, y=two.y + 1)],
        [replace(each, x=2**31 - 1 - number, code=f"e{number}") for number, each in enumerate([one] * 500)],
    ):
        store.put_devices(devices)
        assert store.device_marks() not in seen
        seen.append(store.device_marks())
    store.put_devices([two, one])
    assert store.device_marks() == seen[2]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({"code": ["a"]}, "needs the columns code, kind, x, y, building; found code"),
        (
            {"code": ["a"], "kind": ["k"], "x": [1], "y": [1, 2], "building": [None]},
            "same number of rows; .* y 2",
        ),
        (
            {"code": ["a"], "kind": ["k"], "x": [1.5], "y": [1], "building": [None]},
            "devices.x: row 0 holds 1.5; it must be a whole",
        ),
        (
            {"code": ["a", "b"], "kind": ["k", None], "x": [1, 1], "y": [1, 1], "building": ["", ""]},
            "devices.kind: row 1 holds None",
        ),
        ([DEVICES[0], DEVICES[1], DEVICES[0]], "devices.code: 'd1' is there twice"),
        (5, "give columns by name"),
    ],
)
def test_rows_that_cannot_be_true_are_refused_and_change_nothing(
    store: Store, source: object, sentence: str
) -> None:
    store.put_devices(DEVICES)
    with pytest.raises(InputError, match=sentence):
        store.put_devices(source)
    assert store.devices() == DEVICES


# Tables


def is_ours(name: str | None, kind: str, _above: object) -> bool:
    """Whether a table is one of the schema; PostGIS has its own, and the projection is made from ours."""
    return kind != "table" or name not in ("spatial_ref_sys", TABLE)


def check_tables(store: Store) -> None:
    """The tables are those of the schema, whatever steps made them."""
    with store._database.reading() as connection:
        options = {"compare_type": True, "include_name": is_ours}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == migrate.HEAD


def test_the_steps_make_the_tables_of_the_schema(store: Store) -> None:
    check_tables(store)
    assert ScriptDirectory.from_config(migrate.config()).get_heads() == [migrate.HEAD]


@pytest.mark.parametrize("kind", STORES)
def test_a_store_of_the_first_step_is_renewed_with_what_it_holds(kind: str, tmp_path: Path) -> None:
    with new_store(kind, tmp_path) as spec:
        with spec.open() as store:
            store.put_staff(POSTS)
            with store._database.writing() as connection:
                for table in (schema.blob_chunks, schema.blobs, *SINCE_0002):
                    table.drop(connection)
                connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        with spec.open() as store:
            check_tables(store)
            assert store.staff() == POSTS
            store.publish(draft(None))


def test_tables_of_a_newer_gridmap_are_refused(spec: StoreSpec) -> None:
    with spec.open() as store, store._database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(HomeError, match="step 9999, made by a newer gridmap"):
        spec.open()


def test_opening_leaves_the_logging_of_the_host_alone(
    spec: StoreSpec, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    before = (logging.root.level, list(logging.root.handlers), logging.getLogger("gridmap.other").disabled)
    with caplog.at_level(logging.WARNING):
        spec.open().close()
    assert (
        logging.root.level,
        list(logging.root.handlers),
        logging.getLogger("gridmap.other").disabled,
    ) == before
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_a_moment_needs_its_time_zone() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        schema.Instant().process_bind_param(datetime(2026, 5, 1), create_engine("sqlite://").dialect)
