"""The intake: first come, first written; what is acknowledged is in the log; no error ends it."""

from __future__ import annotations

import json
import logging
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from event_oracles import given
from hypothesis import given as drawn
from hypothesis import strategies as st
from store_contract import STORES, SqliteSpec, new_store
from webtown import COMMUNITY, GRID, make_twin, place

from gridmap.errors import BusyError, HomeError, InputError
from gridmap.events import intake as module
from gridmap.events.intake import (
    NEW,
    OTHER,
    SAME,
    Intake,
    Receipt,
    body_of,
    is_unplaced,
    rfc3339,
    with_number,
)
from gridmap.events.placing import Placed
from gridmap.store.log import EVENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from store_contract import StoreSpec

    from gridmap.events.intake import Answer
    from gridmap.store.log import Fact
    from gridmap.store.logbook import LogBook, Written
    from gridmap.store.store import Store

CITY = make_twin().current
NOON = datetime(2026, 5, 1, 12, 0, 0, 123_456, UTC)
PATIENCE_S = 60


def made(book: LogBook, **others: Any) -> Intake:
    return Intake(book, others.pop("city", lambda: CITY), lambda: NOON, **others)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with SqliteSpec(str(tmp_path / "city")).open() as opened:
        yield opened


@pytest.fixture(name="intake")
def _intake(store: Store) -> Iterator[Intake]:
    intake = made(store.log)
    yield intake
    intake.close()


@pytest.fixture(params=STORES)
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreSpec]:
    with new_store(request.param, tmp_path) as spec:
        yield spec


def receipts(answers: Sequence[Answer]) -> list[Receipt]:
    assert all(isinstance(answer, Receipt) for answer in answers), answers
    return [answer for answer in answers if isinstance(answer, Receipt)]


class Gate:
    """A city that lets the writer in only when told to, and counts how often it came."""

    def __init__(self) -> None:
        self.open, self.came, self.times = threading.Event(), threading.Event(), 0

    def __call__(self) -> Any:
        self.times += 1
        self.came.set()
        assert self.open.wait(PATIENCE_S)
        return CITY


# What is told


def test_an_event_is_written_and_the_same_again_is_not(store: Store, intake: Intake) -> None:
    lon, lat = place(3, 3)
    first = given(lon=lon, lat=lat, crs="wgs84", title="井盖")
    (new,) = receipts(intake.take([first]))
    said = json.loads(new.body)
    assert (new.outcome, new.seq) == (NEW, 1)
    assert (said["code"], said["at"], said["edition"]) == (GRID, [lon, lat], 7)
    assert said["occurred_at"] == said["received_at"] == "2026-05-01T12:00:00.123Z"
    again = given(title="井盖", crs="wgs84", lat=lat, lon=lon, op="open")
    assert intake.take([again]) == [Receipt(SAME, 1, new.body)]
    assert intake.take([given(title="other")]) == [Receipt(OTHER, 1, new.body)]
    assert [entry.body for entry in store.log.read(0, 9)] == [new.body]


def test_of_those_that_come_together_the_first_is_the_fact(store: Store, intake: Intake) -> None:
    batch = [
        given("a", title="1", reporter={"name": "first"}), given("b"), given("a", title="2"),
        given("a", title="1", reporter={"name": "first"}), given("a", title="1", reporter={"name": "last"}),
        given("b", reporter={"name": "nobody"}),
    ]  # fmt: skip
    told = receipts(intake.take(batch))
    assert [(each.outcome, each.seq) for each in told] == [
        (NEW, 1), (NEW, 2), (OTHER, 1), (SAME, 1), (OTHER, 1), (OTHER, 2),
    ]  # fmt: skip
    assert json.loads(told[0].body)["title"] == "1"
    assert json.loads(store.log.personal("12345/a") or "") == {"name": "first"}
    assert store.log.personal("12345/b") is None


def test_what_cannot_be_placed_does_not_harm_its_neighbours(store: Store, intake: Intake) -> None:
    bad = given("bad", lon=1.0, lat=1.0, crs="Xian")
    answers = intake.take([given("a"), bad, given("b", place=COMMUNITY), given("c", qr="http://[")])
    assert [type(answer) for answer in answers] == [Receipt, InputError, Receipt, Receipt]
    said = [json.loads(entry.body) for entry in store.log.read(0, 9)]
    assert [(each["id"], each["code"]) for each in said] == [("a", None), ("b", None), ("c", None)]
    assert all(each["unplaced"] for each in said)


def test_nothing_is_written_of_nothing(store: Store, intake: Intake) -> None:
    assert intake.take([]) == []
    assert store.log.head() == 0


def test_whoever_waits_is_written_together(store: Store) -> None:
    gate, grown = Gate(), []
    intake = made(store.log, city=gate, written=lambda: grown.append(store.log.head()))
    first = intake.promise([given("a")])
    assert gate.came.wait(PATIENCE_S)
    others = [intake.promise([given(name), given("shared")]) for name in "bcd"]
    gate.open.set()
    assert receipts(first.result(PATIENCE_S))[0].seq == 1
    told = [receipts(each.result(PATIENCE_S)) for each in others]
    assert [[each.seq for each in pair] for pair in told] == [[2, 3], [4, 3], [5, 3]]
    assert [pair[1].outcome for pair in told] == [NEW, SAME, SAME]
    intake.close()
    assert gate.times == 2
    assert grown == [1, 5]


def test_no_transaction_is_larger_than_it_may(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 5)
    sizes = []

    class Weighed:
        def add(self, facts: Sequence[Fact], people: Mapping[str, str]) -> list[Written]:
            sizes.append(len(facts))
            return store.log.add(facts, people)

    gate = Gate()
    intake = made(Weighed(), city=gate)  # type: ignore[arg-type] # all that an intake asks of a book
    parcels = [2, 2, 2, 7, 1, 4, 1]
    names = iter(range(99))
    promised = [intake.promise([given(next(names)) for _ in range(size)]) for size in (1, *parcels)]
    gate.open.set()
    seqs = [each.seq for one in promised for each in receipts(one.result(PATIENCE_S))]
    intake.close()
    assert seqs == list(range(1, sum(parcels) + 2))
    assert sum(sizes) == len(seqs)
    assert all(size <= 5 or size == 7 for size in sizes)


# What is promised is kept


def test_what_is_acknowledged_is_in_the_log_once(spec: StoreSpec) -> None:
    """Two stores with an intake each, eight clients that all report the same few things; then a new start."""
    told: dict[int, str] = {}
    outcomes = []
    with spec.open() as one, spec.open() as other:
        intakes = [made(one.log), made(other.log)]

        def report(worker: int) -> list[Receipt]:
            chance = random.Random(worker)
            out = []
            for _ in range(10):
                batch = [given(chance.randrange(60), title=chance.choice("ab")) for _ in range(3)]
                out += receipts(intakes[worker % 2].take(batch))
            return out

        with ThreadPoolExecutor(8) as pool:
            for each in [receipt for found in pool.map(report, range(8)) for receipt in found]:
                assert told.setdefault(each.seq, each.body) == each.body
                outcomes.append(each.outcome)
        for intake in intakes:
            intake.close()
    with spec.open() as store:
        rows = {entry.seq: entry.body for entry in store.log.read(0, 999)}
        assert rows == told
        assert sorted(rows) == list(range(1, len(rows) + 1))
        assert outcomes.count(NEW) == len(rows)
        assert {SAME, OTHER} < set(outcomes)
        keys = [entry.key for entry in store.log.read(0, 999) if entry.kind == EVENT]
        assert len(set(keys)) == len(keys) == len(rows)


def test_closing_writes_what_waits_and_takes_no_more(store: Store) -> None:
    gate = Gate()
    intake = made(store.log, city=gate)
    promised = [intake.promise([given(name)]) for name in range(20)]
    closer = threading.Thread(target=intake.close)
    assert gate.came.wait(PATIENCE_S)
    closer.start()
    while not intake._ended:
        closer.join(0.001)
    with pytest.raises(BusyError, match="this server ends"):
        intake.submit([given("late")], lambda _: None)
    gate.open.set()
    closer.join(PATIENCE_S)
    assert all(each.done() for each in promised)
    assert store.log.head() == 20
    intake.close()


def test_more_than_may_wait_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_UNDER_WAY", 4)
    gate = Gate()
    intake = made(store.log, city=gate)
    intake.promise([given("a")])
    assert gate.came.wait(PATIENCE_S)
    waiting = intake.promise([given("b"), given("c")])
    with pytest.raises(BusyError, match="send it again"):
        intake.promise([given("d"), given("e")])
    more = intake.promise([given("f")])
    gate.open.set()
    assert [each.seq for each in receipts([*waiting.result(PATIENCE_S), *more.result(PATIENCE_S)])] == [
        2,
        3,
        4,
    ]
    assert len(receipts(intake.take([given("d"), given("e"), given("g")]))) == 3
    intake.close()


# Errors


class Failing:
    """A book that fails a few times."""

    def __init__(self, book: LogBook, *errors: Exception) -> None:
        self.book, self.errors = book, [*errors]

    def add(self, facts: Sequence[Fact], people: Mapping[str, str]) -> list[Written]:
        if self.errors:
            raise self.errors.pop(0)
        return self.book.add(facts, people)


@pytest.mark.parametrize("error", [HomeError("the disk is full"), ZeroDivisionError("ours")])
def test_an_error_is_told_to_all_who_wait_and_ends_nothing(store: Store, error: Exception) -> None:
    gate = Gate()
    intake = made(Failing(store.log, error), city=gate)  # type: ignore[arg-type]
    promised = [intake.promise([given(name)]) for name in "ab"]
    gate.open.set()
    failed = [each.exception(PATIENCE_S) for each in promised]
    assert failed[0] is error
    assert failed[1] in (error, None)
    assert receipts(intake.take([given("a")]))[0].outcome == NEW
    assert [entry.key for entry in store.log.read(0, 9)].count("12345/a") == 1
    intake.close()


def test_a_city_that_fails_ends_nothing(store: Store) -> None:
    cities = iter([None])
    intake = made(store.log, city=lambda: next(cities, CITY))
    with pytest.raises(AttributeError):
        intake.take([given()])
    assert receipts(intake.take([given()]))[0].seq == 1
    intake.close()


def test_who_fails_in_being_told_ends_nothing(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_told: object) -> None:
        raise ZeroDivisionError

    gate = Gate()
    intake = made(store.log, city=gate, written=fail)
    given_up = intake.promise([given("a")])
    assert gate.came.wait(PATIENCE_S)
    assert given_up.cancel()
    intake.submit([given("b")], fail)
    after = intake.promise([given("c")])
    with caplog.at_level(logging.CRITICAL, logger=module.__name__):
        gate.open.set()
        assert receipts(after.result(PATIENCE_S))[0].seq == 3
        assert receipts(intake.take([given("a")]))[0].outcome == SAME
    intake.close()


# What stands in the log


@drawn(
    st.dictionaries(st.sampled_from(["code", "unplaced", "x"]), st.none() | st.text(max_size=5), max_size=3),
    st.sampled_from([None, "500103001001001", 'a"b\\', ',"code":null']),
    st.text(max_size=20),
)
def test_only_its_own_code_says_whether_an_event_is_placed(
    fields: dict[str, str | None], code: str | None, reason: str
) -> None:
    event = given(fields=fields, title=',"code":null'.replace('"', "'"), text=',"code":null')
    body = body_of(event, Placed((106.5, -1e-7), code, None if code else reason), "then", 7)
    assert is_unplaced(body) == (code is None)
    told = json.loads(with_number(17, body))
    assert next(iter(told)) == "seq"
    assert (told["seq"], told["code"], told["at"]) == (17, code, [106.5, -1e-7])
    assert told.get("unplaced") == (None if code else reason)
    assert told["fields"] == fields


def test_times_are_told_in_milliseconds_of_utc() -> None:
    assert rfc3339(datetime(2026, 5, 1, 1, 2, 3, 999_999, UTC)) == "2026-05-01T01:02:03.999Z"
    assert rfc3339(datetime(900, 1, 1, tzinfo=UTC)) == "0900-01-01T00:00:00.000Z"
