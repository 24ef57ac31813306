"""The contract of the log and its book, on SQLite and on PostgreSQL."""

from __future__ import annotations

import multiprocessing
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from event_oracles import ListLog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text, update
from store_contract import STORES, SqliteSpec, new_store

from gridmap.errors import DamageError, HomeError
from gridmap.store import log, schema
from gridmap.store.blobs import FolderBlobs
from gridmap.store.desk import Desk, Situation
from gridmap.store.log import EVENT, NOTICE, ORDER, Entry, Fact, row_checksum
from gridmap.store.sqlite import sqlite_url
from gridmap.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.synchronize import Event
    from pathlib import Path

    from store_contract import StoreSpec

    from gridmap.store.logbook import LogBook

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module", params=STORES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreSpec]:
    """One store of each kind for all tests here: to empty it costs less than to make one."""
    with new_store(request.param, tmp_path_factory.mktemp("log")) as spec:
        yield spec


@pytest.fixture
def spec(made: StoreSpec) -> StoreSpec:
    with made.open() as store, store._database.writing() as connection:
        for table in (schema.log, schema.personal, schema.situations, schema.checkpoints, schema.secrets_):
            connection.execute(delete(table))
    return made


@pytest.fixture
def store(spec: StoreSpec) -> Iterator[Store]:
    with spec.open() as opened:
        yield opened


def fact(name: object, body: str = "{}", kind: str = EVENT) -> Fact:
    return Fact(kind, f"12345/{name}", body)


def verified(store: Store) -> list[int]:
    """How far the log is sound, page by page."""
    return list(store.log.verify(page=2))


# Writing


def test_an_empty_log_is_empty(store: Store) -> None:
    book = store.log
    assert (book.head(), book.read(0, 10), book.find(EVENT, ["a/b"]), verified(store)) == (0, [], {}, [])
    assert book.add([]) == []
    assert book.find(EVENT, []) == {}


def test_the_log_is_a_list(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random batches with facts that are there, facts that come twice, and other bodies under a key."""
    monkeypatch.setattr(log, "ASKED", 3)
    oracle, chance = ListLog(), random.Random(6)
    for _ in range(40):
        kind = chance.choice([EVENT, NOTICE])
        names = [chance.randrange(40) for _ in range(chance.randrange(8))]
        facts = [fact(name, f'{{"井盖":"{chance.choice("ab")}"}}', kind) for name in names]
        assert [tuple(each) for each in store.log.add(facts)] == oracle.add(facts)
        after, limit = chance.randrange(len(oracle.rows) + 3), chance.randrange(1, 9)
        assert [tuple(each) for each in store.log.read(after, limit)] == oracle.read(after, limit)
        asked = [fact(chance.randrange(50)).key for _ in range(7)]
        expected = {row[2]: row for row in oracle.read(0, 999) if row[1] == EVENT and row[2] in asked}
        assert store.log.find(EVENT, asked) == expected
    assert store.log.head() == len(oracle.rows)
    assert verified(store)[-1] == len(oracle.rows)


def test_of_a_key_that_comes_twice_in_a_batch_the_first_is_written(store: Store) -> None:
    facts = [fact("a", '{"n":1}'), fact("b"), fact("a", '{"n":2}'), fact("a", '{"n":1}')]
    assert store.log.add(facts) == [(1, None), (2, None), (1, '{"n":1}'), (1, '{"n":1}')]
    assert [entry.body for entry in store.log.read(0, 9)] == ['{"n":1}', "{}"]


def test_what_was_written_is_there_after_reopening(spec: StoreSpec) -> None:
    odd = ['{"a":"\\u0000\\ud83d\\ude00"}', '{"瓦":"𠀀\\"\'%s"}', "{}" * 30_000]
    with spec.open() as store:
        store.log.add([Fact(EVENT, f"a%2Fb/{number}/\U0001f6a8é", body) for number, body in enumerate(odd)])
    with spec.open() as store:
        assert [entry.body for entry in store.log.read(0, 9)] == odd
        found = store.log.find(EVENT, ["a%2Fb/1/\U0001f6a8é", "a%2Fb/1/\U0001f6a8e\u0301"])
        assert [entry.seq for entry in found.values()] == [2]


def test_a_writer_who_fails_leaves_no_number(store: Store) -> None:
    store.log.add([fact("a")])

    def fail(desk: Desk) -> None:
        desk.append([fact("b"), fact("c")])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.log.at_desk(fail)
    assert store.log.add([fact("d")]) == [(2, None)]
    assert verified(store)[-1] == 2


def test_numbers_have_no_gap_whoever_writes(spec: StoreSpec) -> None:
    """Eight threads on two stores write facts that overlap; a reader never sees a number too late."""
    with spec.open() as one, spec.open() as other:
        books, done, seen = (one.log, other.log), threading.Event(), list[Entry]()

        def write(worker: int) -> list[tuple[str, int, bool]]:
            chance, out = random.Random(worker), []
            for _ in range(8):
                facts = [fact(name) for name in chance.sample(range(150), chance.randrange(1, 9))]
                for each, written in zip(facts, books[worker % 2].add(facts), strict=True):
                    out.append((each.key, written.seq, written.before is None))
            return out

        def follow() -> None:
            while True:
                last = done.is_set()
                seen.extend(one.log.read(seen[-1].seq if seen else 0, 7))
                if last and len(seen) == one.log.head():
                    return
                done.wait(0.005)

        with ThreadPoolExecutor(9) as pool:
            follower = pool.submit(follow)
            try:
                told = [each for answers in pool.map(write, range(8)) for each in answers]
            finally:
                done.set()
            follower.result()
        assert [entry.seq for entry in seen] == list(range(1, len(seen) + 1))
        assert {entry.key: entry.seq for entry in seen} == {key: seq for key, seq, _ in told}
        assert len({entry.key for entry in seen}) == len(seen) == sum(new for *_, new in told)


# Damage


def change(store: Store, statement: Any) -> None:
    with store._database.writing() as connection:
        assert connection.execute(statement).rowcount == 1


def test_any_character_that_changes_is_found(store: Store) -> None:
    store.log.add([fact("a"), fact("b", '{"id":"井"}'), fact("z")])
    table, middle = schema.log, schema.log.c.seq == 2
    whole = store.log.read(1, 1)[0]._asdict()
    for name in ("kind", "key", "body"):
        for place, letter in enumerate(whole[name]):
            flipped = f"{whole[name][:place]}{chr(ord(letter) ^ 1)}{whole[name][place + 1 :]}"
            change(store, update(table).where(middle).values({name: flipped}))
            for read in (lambda: store.log.read(0, 9), lambda: store.log.read(1, 1), lambda: verified(store)):
                with pytest.raises(DamageError, match="row 2 of the log is not what was written"):
                    read()
            assert len(store.log.read(2, 9)) == 1
            change(store, update(table).where(middle).values({name: whole[name]}))
    change(store, update(table).where(middle).values(checksum=table.c.checksum + 1))
    with pytest.raises(DamageError, match="row 2"):
        store.log.find(EVENT, ["12345/b"])


def test_rows_that_changed_places_are_found(store: Store) -> None:
    store.log.add([fact("a"), fact("b")])
    for old, new in ((1, 9), (2, 1), (9, 2)):
        change(store, update(schema.log).where(schema.log.c.seq == old).values(seq=new))
    with pytest.raises(DamageError, match="row 1"):
        store.log.read(0, 9)


@pytest.mark.parametrize("lost", [1, 2])
def test_a_row_that_is_gone_is_missed(store: Store, lost: int) -> None:
    store.log.add([fact(name) for name in "abc"])
    change(store, delete(schema.log).where(schema.log.c.seq == lost))
    for look in (lambda: store.log.read(lost - 1, 9), lambda: verified(store)):
        with pytest.raises(DamageError, match=f"row {lost} of the log is gone"):
            look()


def test_an_end_that_is_gone_is_missed_by_who_has_seen_it(store: Store) -> None:
    store.log.add([fact(name) for name in "abc"])
    store.log.advance("keeper", 9, take_all)
    change(store, delete(schema.log).where(schema.log.c.seq == 3))
    with pytest.raises(DamageError, match="row 3 of the log is gone"):
        store.log.advance("keeper", 9, take_all)


def test_a_text_that_became_bytes_is_found(tmp_path: Path) -> None:
    with SqliteSpec(str(tmp_path / "city")).open() as store:
        store.log.add([fact("a")])
        change(store, text("UPDATE log SET body = CAST(body AS BLOB)"))
        with pytest.raises(DamageError, match="row 1"):
            store.log.read(0, 1)


@given(
    st.tuples(st.integers(1, 9), *(st.text(st.characters(exclude_characters="\n"), max_size=9),) * 3),
    st.tuples(st.integers(1, 9), *(st.text(st.characters(exclude_characters="\n"), max_size=9),) * 3),
)
def test_other_rows_have_other_checksums(
    one: tuple[int, str, str, str], other: tuple[int, str, str, str]
) -> None:
    assert 0 <= row_checksum(*one) < 2**63
    assert (row_checksum(*one) == row_checksum(*other)) == (one == other)


# Followers


def take_all(entries: Sequence[Entry], _desk: Desk) -> int:
    return len(entries)


def count(entries: Sequence[Entry], desk: Desk) -> int:
    """Count in a table how often each row was handed out, and whether it was the next one."""
    names = [f"row {entry.seq}" for entry in entries]
    there = desk.situations([*names, "last"])
    last = int(there["last"].body) if "last" in there else 0
    assert [entry.seq for entry in entries] == list(range(last + 1, last + 1 + len(entries)))
    times = [int(there[name].body) + 1 if name in there else 1 for name in names]
    rows = [Situation(name, 1, True, str(time)) for name, time in zip(names, times, strict=True)]
    desk.put_situations([*rows, Situation("last", 1, False, str(last + len(entries)))])
    return len(entries)


def counted(book: LogBook) -> dict[str, int]:
    rows = book.looking(lambda desk: desk.open_situations(0, 999))
    return {row.thing: int(row.body) for row in rows}


def follow_alone(spec: StoreSpec, go: Event, ready: Event) -> None:
    """Follow in a process of its own until 120 rows were seen by somebody."""
    with spec.open() as store:
        ready.set()
        go.wait(60)
        while store.log.looking(lambda desk: desk.checkpoint("counter")) < 120:
            store.log.advance("counter", 5, count)
            time.sleep(0.002)


def test_each_row_is_handed_out_once_whoever_competes(spec: StoreSpec) -> None:
    """A process and two threads on two stores follow under one name while rows are being written."""
    with spec.open() as one, spec.open() as other:
        go, ready = SPAWN.Event(), SPAWN.Event()
        process = SPAWN.Process(target=follow_alone, args=(spec, go, ready))
        process.start()
        while not ready.wait(1):
            assert process.is_alive()

        def follow(store: Store) -> int:
            taken = 0
            while store.log.looking(lambda desk: desk.checkpoint("counter")) < 120:
                taken += store.log.advance("counter", 7, count)
                time.sleep(0.002)
            return taken

        with ThreadPoolExecutor(2) as pool:
            taken = [pool.submit(follow, store) for store in (one, other)]
            go.set()
            for batch in range(12):
                one.log.add([fact(10 * batch + number) for number in range(10)])
            assert sum(each.result() for each in taken) <= 120
        process.join()
        assert process.exitcode == 0
        process.close()
        assert counted(one.log) == {f"row {seq}": 1 for seq in range(1, 121)}
        assert one.log.advance("counter", 7, count) == 0


def test_each_name_has_its_own_way(store: Store) -> None:
    store.log.add([fact(name) for name in range(5)])
    seen: dict[str, list[int]] = {"a": [], "b": []}

    def step(name: str) -> int:
        def take(entries: Sequence[Entry], _desk: Desk) -> int:
            seen[name] += [entry.seq for entry in entries]
            return len(entries)

        return store.log.advance(name, 2, take)

    assert [step(name) for name in "aabaabbbb"] == [2, 2, 2, 1, 0, 2, 1, 0, 0]
    assert seen == {"a": [1, 2, 3, 4, 5], "b": [1, 2, 3, 4, 5]}


def test_what_a_step_leaves_comes_again(store: Store) -> None:
    store.log.add([fact(name) for name in range(3)])
    seen = []

    def some(entries: Sequence[Entry], _desk: Desk) -> int:
        seen.append([entry.seq for entry in entries])
        return (0, 1, 2)[len(seen) - 1]

    assert [store.log.advance("slow", 9, some) for _ in range(4)] == [0, 1, 2, 0]
    assert seen == [[1, 2, 3], [1, 2, 3], [2, 3]]


def test_a_step_that_fails_changes_nothing(store: Store) -> None:
    store.log.add([fact("a"), fact("b")])

    def fail(entries: Sequence[Entry], desk: Desk) -> int:
        count(entries, desk)
        desk.append([fact("made of it", kind=NOTICE)])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.log.advance("counter", 9, fail)
    assert (counted(store.log), store.log.head()) == ({}, 2)
    assert store.log.advance("counter", 9, count) == 2
    assert counted(store.log) == {"row 1": 1, "row 2": 1}


def test_what_a_step_writes_into_the_log_is_there_with_it(store: Store) -> None:
    store.log.add([fact("a")])

    def answer(entries: Sequence[Entry], desk: Desk) -> int:
        assert desk.find(EVENT, ["12345/a"])["12345/a"].seq == 1
        desk.append([fact(f"of {entry.seq}", kind=NOTICE) for entry in entries if entry.kind == EVENT])
        return len(entries)

    assert [store.log.advance("answerer", 9, answer) for _ in range(3)] == [1, 0, 0]
    assert [(entry.seq, entry.kind) for entry in store.log.read(0, 9)] == [(1, EVENT), (2, NOTICE)]


def test_events_may_come_while_a_step_works(store: Store) -> None:
    store.log.add([fact("a")])
    called = []

    def answer(entries: Sequence[Entry], desk: Desk) -> int:
        called.append([entry.key for entry in entries if entry.kind == EVENT])
        if len(called) == 1:
            store.log.add([fact("b")])
        desk.append([fact(f"of {entry.seq}", kind=NOTICE) for entry in entries if entry.kind == EVENT])
        return len(entries)

    assert [store.log.advance("answerer", 9, answer) for _ in range(3)] == [1, 2, 0]
    assert called == [["12345/a"], ["12345/b"]]
    kinds = [EVENT, EVENT, NOTICE, NOTICE]
    assert [(entry.seq, entry.kind) for entry in store.log.read(0, 9)] == [*enumerate(kinds, 1)]


@pytest.mark.parametrize("what", ["done", "followed"])
def test_a_step_begins_anew_when_something_else_was_done_meanwhile(store: Store, what: str) -> None:
    """By somebody who acts on an order, or by another follower of the same name, who takes the first row."""
    store.log.add([fact("a"), fact("b")])
    called: list[list[int]] = []

    def step(entries: Sequence[Entry], desk: Desk) -> int:
        called.append([entry.seq for entry in entries])
        if len(called) == 1 and what == "done":
            store.log.add([fact("o-1:1", kind=ORDER)])
        elif len(called) == 1:
            assert store.log.advance("counter", 1, count) == 1
        return count(entries, desk)

    assert store.log.advance("counter", 9, step) == (3 if what == "done" else 1)
    assert called == [[1, 2], [1, 2, 3] if what == "done" else [2]]
    assert counted(store.log) == {f"row {seq}": 1 for seq in range(1, 4 if what == "done" else 3)}


# People and keys


def test_people_are_kept_apart_and_can_be_erased(store: Store) -> None:
    book = store.log
    people = {"12345/a": '{"name":"张三"}', "12345/c": '{"name":"nobody"}'}
    book.add([fact("a"), fact("b")], people)
    assert book.personal("12345/a") == '{"name":"张三"}'
    assert book.personal("12345/b") is book.personal("12345/c") is None
    assert [book.erase("12345/a"), book.erase("12345/a")] == [True, False]
    book.add([fact("a")], people)
    assert book.personal("12345/a") is None
    assert book.head() == 2


def test_a_city_has_one_key_of_a_name(spec: StoreSpec) -> None:
    with spec.open() as one, spec.open() as other, ThreadPoolExecutor(4) as pool:
        books = [one.log, other.log] * 2
        found = set(pool.map(lambda book: book.secret("people"), books))
        assert len(found) == 1
        assert one.log.secret("hooks") not in found
    with spec.open() as again:
        assert again.log.secret("people") in found
        with again._database.reading() as connection:
            assert connection.execute(select(func.count()).select_from(schema.secrets_)).scalar() == 2


def test_a_book_that_is_open_for_reading_is_read_only(tmp_path: Path) -> None:
    spec = SqliteSpec(str(tmp_path / "city"))
    with spec.open() as store:
        store.log.add([fact("a")])
    url = sqlite_url(tmp_path / "city" / "city.sqlite", read_only=True)
    with Store.open(url, FolderBlobs(tmp_path / "city" / "blobs"), read_only=True) as store:
        assert store.log.read(0, 9)[0].key == "12345/a"
        for write in (
            lambda: store.log.add([fact("b")]),
            lambda: store.log.advance("keeper", 9, take_all),
        ):
            with pytest.raises(HomeError, match="reading only"):
                write()
