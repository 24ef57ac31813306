"""Archives of the log, on SQLite and on PostgreSQL: whatever is archived, the log stays the list it was."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import threading
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from event_oracles import ListLog
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event, insert, update
from store_contract import STORES, new_store

from gridmap.affairs import KEEPER
from gridmap.errors import DamageError, HomeError
from gridmap.outbox import new_hook
from gridmap.settings import LOG_DAYS, LOG_ROWS
from gridmap.store import archive_files, archives, schema
from gridmap.store.archive_files import table_of
from gridmap.store.archives import FOLLOWERS, Keep, hash_of, next_night, said_ms
from gridmap.store.log import EDITION, EVENT, NOTICE, ORDER, Entry, Fact, row_checksum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from store_contract import StoreSpec

    from gridmap.store.desk import Desk
    from gridmap.store.store import Store

NOW = datetime(2026, 5, 1, 4, tzinfo=UTC)
ALL = Keep(0, 1)
"""All may go but the newest row."""

TABLES = (
    *(schema.log, schema.log_archives, schema.archived_keys, schema.personal, schema.situations),
    *(schema.checkpoints, schema.deliveries, schema.hooks),
)


@pytest.fixture(scope="module", params=STORES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreSpec]:
    """One store of each kind for all tests here: to empty it costs less than to make one."""
    with new_store(request.param, tmp_path_factory.mktemp("archives")) as spec:
        yield spec


@pytest.fixture
def spec(made: StoreSpec) -> StoreSpec:
    with made.open() as store:
        empty(store)
    return made


@pytest.fixture
def store(spec: StoreSpec) -> Iterator[Store]:
    with spec.open() as opened:
        yield opened


@pytest.fixture(scope="module")
def opened() -> Iterator[dict[StoreSpec, Store]]:
    """Stores that stay open from example to example."""
    found: dict[StoreSpec, Store] = {}
    yield found
    for each in found.values():
        each.close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives of seven rows in groups of three, looked through two at a time."""
    cut_small(monkeypatch)


def cut_small(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(archives, "AT_ONCE", 7)
    patch.setattr(archives, "GROUP", 3)
    patch.setattr(archive_files, "GROUP", 3)
    patch.setattr(archives, "READ_AT_ONCE", 2)
    patch.setattr(archives, "KEPT", 2)


def empty(store: Store) -> None:
    with store._database.writing() as connection:
        for table in TABLES:
            connection.execute(delete(table))


def fact(name: object, days: float = 0.0, kind: str = EVENT, **more: Any) -> Fact:
    """A fact that was written so many days ago."""
    moment = (NOW - timedelta(days=days)).isoformat()
    said = {"at": [106.5, 29.5], "received_at": moment} if kind == EVENT else {"at": moment}
    return Fact(kind, f"12345/{name}", json.dumps(said | more, ensure_ascii=False))


def take_all(entries: Sequence[Entry], _desk: Desk) -> int:
    return len(entries)


def follow(store: Store, name: str = KEEPER) -> None:
    while store.log.advance(name, 999, take_all):
        pass


def archive_all(store: Store, keep: Keep = ALL) -> int:
    moved = 0
    while found := store.archives.archive(keep, NOW):
        moved += found
    return moved


def written(store: Store, days: Sequence[float]) -> list[Entry]:
    """A log of events of such an age, seen by the keeper."""
    store.log.add([fact(number, each) for number, each in enumerate(days)])
    follow(store)
    return store.log.read(0, 999)


def in_table(store: Store) -> list[int]:
    with store._database.reading() as connection:
        return list(
            connection.scalars(schema.log.select().with_only_columns(schema.log.c.seq).order_by("seq"))
        )


# The log stays the list it was


def check(store: Store, oracle: ListLog, chance: random.Random) -> None:
    """The log says what the list says, wherever one begins to read, and whatever one asks for."""
    whole, length = oracle.read(0, 9999), len(oracle.rows)
    assert store.log.head() == length
    assert [tuple(each) for each in store.log.read(0, 9999)] == whole
    for _ in range(2):
        after, limit = chance.randrange(length + 3), chance.randrange(1, 30)
        assert [tuple(each) for each in store.log.read(after, limit)] == oracle.read(after, limit)
    for kind in (EVENT, NOTICE):
        asked = [fact(chance.randrange(60)).key for _ in range(9)]
        expected = {row[2]: row for row in whole if row[1] == kind and row[2] in asked}
        assert store.log.find(kind, asked) == expected


@pytest.mark.usefixtures("small")
def test_the_log_is_a_list_whatever_is_archived(store: Store) -> None:
    """Random batches, repeated and altered facts, a follower that lags, archives of every limit."""
    oracle, chance = ListLog(), random.Random(7)
    for _ in range(25):
        kind = chance.choice([EVENT, NOTICE])
        names = [chance.randrange(60) for _ in range(chance.randrange(9))]
        facts = [fact(name, chance.choice([1, 500]), kind, 井盖=chance.choice("ab")) for name in names]
        assert [tuple(each) for each in store.log.add(facts)] == oracle.add(facts)
        store.log.advance(KEEPER, chance.randrange(1, 12), take_all)
        keep = Keep(chance.choice([0, 400]), chance.choice([0, 1, 5, 20]))
        moved = store.archives.archive(keep, NOW)
        assert moved <= 7
        there = in_table(store)
        assert there == list(range(len(oracle.rows) - len(there) + 1, len(oracle.rows) + 1))
        assert there or not oracle.rows
        check(store, oracle, chance)
    follow(store)
    archive_all(store)
    assert in_table(store) == [len(oracle.rows)]
    check(store, oracle, chance)
    found = store.archives.all()
    assert [each.first for each in found] == [1, *(each.last + 1 for each in found[:-1])]
    assert list(store.log.verify(page=5))[-1] == len(oracle.rows)
    assert list(store.archives.check()) == [each.last for each in found]
    store.verify()


@given(st.lists(st.one_of(st.integers(0, 12), st.sampled_from(["archive", "follow", "read"])), max_size=25))
@settings(max_examples=20, deadline=None)
def test_any_order_of_adding_archiving_and_reading_is_a_list(
    made: StoreSpec, opened: dict[StoreSpec, Store], steps: list[int | str]
) -> None:
    """A number adds that fact, with a body of its place, so that it is often another under the same key."""
    store, oracle = opened.get(made) or opened.setdefault(made, made.open()), ListLog()
    empty(store)
    with pytest.MonkeyPatch.context() as patch:
        cut_small(patch)
        for place, step in enumerate(steps):
            if step == "archive":
                store.archives.archive(ALL, NOW)
            elif step == "follow":
                follow(store)
            elif step == "read":
                assert store.log.read(0, 99) == oracle.read(0, 99)
            else:
                facts = [fact(step, place=place // 3)]
                assert [tuple(each) for each in store.log.add(facts)] == oracle.add(facts)
        assert store.log.read(0, 99) == oracle.read(0, 99)
        assert store.log.head() == len(oracle.rows)


@pytest.mark.usefixtures("small")
def test_readers_and_writers_see_nothing_of_an_archiving(spec: StoreSpec) -> None:
    """Two stores archive at once while others write, and one reads from the beginning, over and over."""
    with spec.open() as one, spec.open() as other:
        done = threading.Event()
        failed: list[BaseException] = []

        def run(work: Callable[[], object]) -> threading.Thread:
            def loop() -> None:
                try:
                    while not done.is_set():
                        work()
                        follow(one)
                except BaseException as error:
                    failed.append(error)

            thread = threading.Thread(target=loop)
            thread.start()
            return thread

        def read() -> None:
            seen = [entry.seq for entry in one.log.read(0, 9999)]
            assert seen == list(range(1, len(seen) + 1))
            assert len(seen) >= before[0]
            before[0] = len(seen)

        before = [0]
        threads = [run(lambda: one.archives.archive(ALL, NOW)), run(lambda: other.archives.archive(ALL, NOW))]
        threads.append(run(read))
        for number in range(0, 120, 4):
            told = other.log.add([fact(each) for each in range(max(0, number - 9), number + 4)])
            assert [each.seq for each in told] == list(range(max(0, number - 9) + 1, number + 5))
        done.set()
        for thread in threads:
            thread.join()
        assert failed == []
        archive_all(one)
        assert [entry.key for entry in other.log.read(0, 999)] == [fact(each).key for each in range(120)]
        assert list(one.archives.check())[-1] == 119


# What goes, and what stays


@pytest.mark.usefixtures("small")
def test_rows_that_are_old_enough_go_and_the_newest_stays(store: Store) -> None:
    whole = written(store, [900, 800, 401, 399, 500, 2])
    assert archive_all(store, Keep(400, 0)) == 3  # behind one that is young, all stay
    assert in_table(store) == [4, 5, 6]
    assert store.log.read(0, 99) == whole
    assert archive_all(store, Keep(1, 0)) == 2
    assert archive_all(store, Keep(0, 0)) == 0
    assert in_table(store) == [6]


@pytest.mark.usefixtures("small")
def test_so_many_rows_stay_whatever_their_age(store: Store) -> None:
    written(store, [1] * 20)
    assert archive_all(store, Keep(400, 15)) == 5
    assert archive_all(store, Keep(400, 15)) == 0
    assert archive_all(store, Keep(0, 3)) == 12
    found = store.archives.all()
    assert [(each.first, each.last, each.rows) for each in found] == [(1, 5, 5), (6, 12, 7), (13, 17, 5)]
    assert {each.archived_ms for each in found} == {int(NOW.timestamp() * 1000)}


@pytest.mark.usefixtures("small")
def test_a_row_that_says_no_time_is_as_old_as_the_next(store: Store) -> None:
    edition = [Fact(EDITION, str(number), json.dumps({"number": number})) for number in (1, 2)]
    store.log.add(edition[:1])
    store.log.add([fact("a", 500)])
    store.log.add(edition[1:])
    store.log.add([fact("b", 1)])
    follow(store)
    assert archive_all(store, Keep(400, 0)) == 2
    assert in_table(store) == [3, 4]


def test_a_row_says_when_it_was_written() -> None:
    for kind in (EVENT, ORDER, NOTICE):
        assert said_ms(Entry(1, *fact("a", 1, kind))) == int((NOW - timedelta(days=1)).timestamp() * 1000)
    for body in ('{"number":1}', "[1]", '{"at":7}', '{"at":"soon"}', '{"at":null}', "7"):
        assert said_ms(Entry(1, NOTICE, "a", body)) is None


@pytest.mark.usefixtures("small")
def test_what_somebody_has_not_seen_stays(store: Store) -> None:
    store.log.add([fact(number) for number in range(12)])
    assert archive_all(store) == 0  # no server has ever worked on this
    store.log.advance(KEEPER, 5, take_all)
    assert archive_all(store) == 5
    store.hooks.add(new_hook("https://example.org/", (), 0)._replace(id="h"))
    store.log.add([fact("new")])
    follow(store)
    assert archive_all(store) == 7  # the hook wants what came after it
    assert store.hooks.gather(999, 0) == 1
    store.log.add([fact("newer")])
    follow(store)
    assert archive_all(store) == 1
    assert store.hooks.end("h", 0)
    store.log.add([fact("newest")])
    follow(store)
    assert archive_all(store) == 1
    assert in_table(store) == [15]


def test_those_who_follow_are_known() -> None:
    assert KEEPER in FOLLOWERS


@pytest.mark.usefixtures("small")
def test_a_new_follower_sees_everything_from_the_beginning(store: Store) -> None:
    whole = written(store, [1] * 20)
    archive_all(store)
    seen: list[Entry] = []
    while store.log.advance("late", 4, lambda entries, _desk: seen.extend(entries) or len(entries)):  # type: ignore[func-returns-value]
        pass
    assert seen == whole


@pytest.mark.usefixtures("small")
def test_what_is_to_be_told_may_be_archived(store: Store) -> None:
    """A dead letter is told again, and all that was ever said, from the archive."""
    store.hooks.add(new_hook("https://example.org/", (), 0)._replace(id="h"))
    whole = written(store, [1] * 12)
    assert store.hooks.gather(999, 0) == 12
    told = store.hooks.claim("h", 0, 9, 3)
    store.hooks.failed(told[0][0], "gone", None)
    for delivery, _ in told[1:]:
        store.hooks.done(delivery)
    assert archive_all(store) == 11
    assert [entry for _, entry in store.hooks.claim("h", 0, 9, 99)] == whole[3:]
    hook = store.hooks.hooks()[0]
    assert store.hooks.replay(hook, None, 20) == 1
    assert store.hooks.claim("h", 20, 99, 1)[0][1] == whole[0]
    assert store.hooks.replay(hook, 0, 20) == 2


# Identity is for ever


@pytest.mark.usefixtures("small")
def test_what_is_archived_is_known_for_ever(store: Store) -> None:
    whole = written(store, [1] * 20)
    archive_all(store)
    again = [fact(4, 1), fact(4, 1, other=True), fact("new"), fact(19, 1)]
    answers = store.log.add(again, {"12345/4": "never", "12345/new": "apart"})
    assert answers == [(5, whole[4].body), (5, whole[4].body), (21, None), (20, whole[19].body)]
    assert store.log.personal("12345/4") is None
    assert store.log.find(NOTICE, ["12345/4"]) == {}
    assert store.log.looking(lambda desk: desk.find(EVENT, ["12345/0", "12345/20"])) == {"12345/0": whole[0]}
    assert store.log.looking(lambda desk: desk.read(2, 3)) == whole[2:5]


@pytest.mark.usefixtures("small")
def test_two_keys_with_one_hash_are_two_keys(store: Store) -> None:
    whole = written(store, [1] * 9)
    archive_all(store)
    with store._database.writing() as connection:  # as if "new" had the hash of row 2
        connection.execute(insert(schema.archived_keys).values(hash=hash_of(EVENT, "12345/new"), seq=2))
    assert store.log.find(EVENT, ["12345/new", "12345/1"]) == {"12345/1": whole[1]}
    assert store.log.add([fact("new")])[0] == (10, None)


def test_hashes_are_of_sort_and_key() -> None:
    found = {hash_of(kind, key) for kind in (EVENT, ORDER) for key in ("a", "b", "井")}
    assert len(found) == 6
    assert all(0 <= each < 2**63 for each in found)


# The files


@pytest.mark.usefixtures("small")
def test_an_archive_can_be_read_by_anybody(store: Store) -> None:
    whole = written(store, [9, 8, 7, 6, 5])
    archive_all(store)
    (found,) = store.archives.all()
    path = store.archives._blobs.path(found.blob)
    assert (found.rows, found.size) == (4, path.stat().st_size)
    assert (found.begin_ms, found.end_ms) == (said_ms(whole[0]), said_ms(whole[3]))
    with pq.ParquetFile(path) as file:
        assert file.metadata.num_row_groups == 2
        chunks = [file.metadata.row_group(0).column(number) for number in range(5)]
        rows = file.read().to_pylist()
    assert {chunk.compression for chunk in chunks} == {"ZSTD"}
    assert rows == [each._asdict() | {"checksum": row_checksum(*each)} for each in whole[:4]]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("harm", ["spoil", "lose"])
def test_a_damaged_archive_is_reported_not_served(spec: StoreSpec, harm: str) -> None:
    with spec.open() as store:
        whole = written(store, [1] * 20)
        archive_all(store)
        first, second, _ = store.archives.all()
    getattr(spec, harm)(first.blob)
    with spec.open() as store:
        looks: list[Callable[[], object]] = [
            lambda: store.log.read(0, 1),
            lambda: store.log.read(6, 3),
            lambda: store.log.find(EVENT, ["12345/3"]),
            lambda: store.log.add([fact(3, 1)]),
            lambda: list(store.log.verify()),
            lambda: list(store.archives.check()),
            store.verify,
        ]
        for look in looks:
            with pytest.raises(DamageError, match=first.blob[:9]):
                look()
        assert store.log.read(second.first - 1, 99) == whole[second.first - 1 :]


@pytest.mark.usefixtures("small")
def test_rows_between_the_archives_and_the_table_are_missed(store: Store) -> None:
    written(store, [1] * 20)
    store.archives.archive(ALL, NOW)
    change(store, delete(schema.log).where(schema.log.c.seq == 8))
    for look in (lambda: store.log.read(3, 9), lambda: store.archives.archive(ALL, NOW)):
        with pytest.raises(DamageError, match="row 8 of the log is gone"):
            look()


@pytest.mark.usefixtures("small")
def test_an_archive_that_nobody_knows_of_is_missed(store: Store) -> None:
    written(store, [1] * 20)
    archive_all(store)
    change(store, delete(schema.log_archives).where(schema.log_archives.c.first == 8))
    for look in (lambda: store.log.read(3, 9), lambda: list(store.log.verify())):
        with pytest.raises(DamageError, match="row 8 of the log is gone"):
            look()
    with pytest.raises(DamageError, match="row 9 of the log is gone"):
        store.log.find(EVENT, ["12345/8"])


@pytest.mark.usefixtures("small")
def test_a_lost_table_does_not_give_numbers_twice(store: Store) -> None:
    written(store, [1] * 8)
    archive_all(store)
    change(store, delete(schema.log))
    assert store.log.head() == 7
    with pytest.raises(DamageError, match="row 8 of the log is gone"):
        store.log.advance(KEEPER, 9, take_all)


@pytest.mark.usefixtures("small")
def test_a_key_that_is_not_known_any_more_is_reported(store: Store) -> None:
    written(store, [1] * 8)
    archive_all(store)
    change(store, delete(schema.archived_keys).where(schema.archived_keys.c.seq == 3))
    with pytest.raises(DamageError, match="key of row 3"):
        list(store.archives.check())


@pytest.mark.usefixtures("small")
def test_an_archive_of_other_rows_is_reported(spec: StoreSpec) -> None:
    with spec.open() as store:
        written(store, [1] * 20)
        archive_all(store)
        first, second, _ = store.archives.all()
        exchange = update(schema.log_archives).where(schema.log_archives.c.first == first.first)
        change(store, exchange.values(blob=second.blob))
    with spec.open() as store, pytest.raises(DamageError, match="row 1 of the log is gone"):
        store.log.read(0, 3)


def change(store: Store, statement: Any) -> None:
    with store._database.writing() as connection:
        assert connection.execute(statement).rowcount == 1


# Kills and full disks


def step_by_step(spec: StoreSpec, results: Any) -> None:
    """Archive in forks that kill themselves before their step 1, 2, 3 ... until one lives; tell what is left.

    A step is a sync, a rename, a statement or a commit. Nothing of the store is open while there is a fork.
    """
    store = spec.open()
    engine = store._database._engine
    written(store, [1] * 9)
    for point in count(1):
        engine.dispose()
        child = os.fork()
        if not child:
            _archive_armed(store, point)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        whole = [entry.key for entry in store.log.read(0, 99)] == [fact(each).key for each in range(9)]
        again = [each.seq for each in store.log.add([fact(each) for each in range(9)])]
        results.put((whole and again == list(range(1, 10)), len(in_table(store))))
        if status == 0:
            break
    results.put(None)
    store.close()


def _archive_armed(store: Store, point: int) -> None:
    steps = count(1)

    def step(*_ignored: object) -> None:
        if next(steps) == point:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = store._database._engine
    event.listen(engine, "before_cursor_execute", step)
    event.listen(engine, "commit", step)
    for name in ("fsync", "replace"):
        setattr(os, name, _stepping(getattr(os, name), step))
    store.archives.archive(ALL, NOW)


def _stepping(call: Callable[..., Any], step: Callable[[], None]) -> Callable[..., Any]:
    def stepped(*arguments: Any) -> Any:
        step()
        return call(*arguments)

    return stepped


def test_a_kill_at_any_step_leaves_the_rows_in_one_place(spec: StoreSpec) -> None:
    spawn = multiprocessing.get_context("spawn")
    results = spawn.SimpleQueue()
    worker = spawn.Process(target=step_by_step, args=(spec, results))
    worker.start()
    found = list(iter(results.get, None))
    worker.join()
    assert worker.exitcode == 0
    assert all(whole for whole, _ in found)
    left = [rows for _, rows in found]
    assert left == [9] * (len(left) - 1) + [1]  # the commit is the last step of all
    assert len(left) > 12


def test_a_full_disk_moves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = written(store, [1] * 5)

    def full(*_given: object) -> None:
        raise HomeError("the disk is full")

    monkeypatch.setattr(archives, "stored", full)
    with pytest.raises(HomeError):
        store.archives.archive(ALL, NOW)
    assert (in_table(store), store.log.read(0, 9)) == ([1, 2, 3, 4, 5], whole)


def test_what_does_not_read_back_is_not_moved(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    written(store, [1] * 5)
    wrong = table_of([Entry(seq, *fact(seq)) for seq in range(1, 5)])
    monkeypatch.setattr(archives, "table_of", lambda _entries: wrong)
    with pytest.raises(DamageError, match="does not read back"):
        store.archives.archive(ALL, NOW)
    assert in_table(store) == [1, 2, 3, 4, 5]


# A server tends to it by itself


@pytest.mark.usefixtures("small")
def test_a_server_archives_after_its_start_and_every_night(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LOG_DAYS.name, "400")
    monkeypatch.setenv(LOG_ROWS.name, "0")
    written(store, [500] * 17 + [399.5, 1])
    assert [store.archives.tend(NOW) for _ in range(5)] == [7, 7, 3, 0, 0]
    day = timedelta(hours=14)  # it is noon of the first of May; 400 days later row 18 is old enough
    assert store.archives.tend(NOW + day) == 0
    assert store.archives.tend(NOW + timedelta(hours=15)) == 1
    assert in_table(store) == [19]


def test_an_error_is_raised_once_a_night(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    written(store, [500, 500, 1])

    def fail(*_given: object) -> None:
        raise HomeError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(archives, "stored", fail)
        with pytest.raises(HomeError):
            store.archives.tend(NOW)
        assert store.archives.tend(NOW + timedelta(hours=1)) == 0
    assert store.archives.tend(next_night(NOW)) == 2


@given(st.floats(0, 7000).map(lambda days: NOW + timedelta(days=days)))
def test_the_next_night_is_the_next_three_o_clock_in_china(now: datetime) -> None:
    night = next_night(now)
    assert timedelta(0) < night - now <= timedelta(days=1)
    assert (night.astimezone(UTC).hour, night.minute, night.second, night.microsecond) == (19, 0, 0, 0)


def test_what_is_kept_is_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in (LOG_DAYS, LOG_ROWS):
        monkeypatch.delenv(setting.name, raising=False)
    assert Keep.from_settings() == (400, 20_000_000)
    monkeypatch.setenv(LOG_DAYS.name, "0")
    assert Keep.from_settings().days == 0
