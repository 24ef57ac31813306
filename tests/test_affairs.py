"""What goes on in a city: the intake, the log and the keeper in one or several processes' places."""

from __future__ import annotations

import logging
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from event_oracles import event
from store_contract import STORES, SqliteSpec, new_store
from webtown import GRID, make_twin

from gridmap import affairs as module
from gridmap.affairs import KEEPER, PEOPLE, Affairs
from gridmap.errors import BusyError, HomeError
from gridmap.events.document import from_object
from gridmap.events.intake import NEW, Intake, Receipt
from gridmap.events.situations import read_state
from gridmap.store.log import EVENT, ORDER, Fact
from gridmap.store.store import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from store_contract import StoreSpec

    from gridmap.store.store import Store

PATIENCE_S = 60
TWIN = make_twin()


@pytest.fixture(params=STORES)
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreSpec]:
    with new_store(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with SqliteSpec(str(tmp_path / "city")).open() as opened:
        yield opened


def until(done: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    end = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def report(affairs: Affairs, name: object, **fields: Any) -> Receipt:
    (answer,) = affairs.intake.take([from_object(event(name, **fields), affairs.secret)])
    assert isinstance(answer, Receipt)
    return answer


def caught_up(store: Store) -> bool:
    return store.log.looking(lambda desk: desk.checkpoint(KEEPER)) == store.log.head()


def counted(store: Store) -> dict[str, tuple[int, bool]]:
    rows = store.log.looking(lambda desk: desk.changed_situations(0, 9999))
    return {row.thing: (read_state(row).events, row.is_open) for row in rows}


def test_what_is_reported_is_kept_and_becomes_an_order(store: Store) -> None:
    affairs, heard = Affairs(TWIN, store), threading.Event()
    affairs.listen(heard.set)
    seq = report(affairs, "a", place=GRID).seq
    assert heard.wait(PATIENCE_S)
    until(lambda: caught_up(store))
    assert counted(store) == {"12345/a": (1, True)}
    assert {entry.kind for entry in store.log.read(seq, 9)} <= {ORDER}
    affairs.close()


def test_two_that_serve_one_city_count_everything_once(spec: StoreSpec) -> None:
    """Each has its own store, intake and keeper; the same reports come to both of them."""
    chance = random.Random(5)
    said = [event(number, subject=f"m-{chance.randrange(9)}", drill=True) for number in range(60)]
    with spec.open() as one, spec.open() as other:
        both = [Affairs(TWIN, one), Affairs(TWIN, other)]
        assert both[0].secret == both[1].secret == one.log.secret(PEOPLE)

        def bring(affairs: Affairs, seed: int) -> None:
            mixed = random.Random(seed).sample(said, len(said))
            for begin in range(0, len(mixed), 7):
                given = [from_object(each, affairs.secret) for each in mixed[begin : begin + 7]]
                outcomes.extend(answer.outcome for answer in affairs.intake.take(given))  # type: ignore[union-attr]

        outcomes: list[str] = []
        threads = [threading.Thread(target=bring, args=(each, seed)) for seed, each in enumerate(both)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        until(lambda: caught_up(one))
        for affairs in both:
            affairs.close()
        assert outcomes.count(NEW) == len(said)
        assert len(outcomes) == 2 * len(said)
        times = [each["subject"] for each in said]
        expected = {f"12345/{subject}": (times.count(subject), True) for subject in times}
        assert counted(one) == expected
        assert sum(entry.kind == EVENT for entry in one.log.read(0, 999)) == len(said)


def test_one_hears_what_another_wrote(store: Store, tmp_path: Path) -> None:
    with SqliteSpec(str(tmp_path / "city")).open() as other:
        here, heard = Affairs(TWIN, store), threading.Event()
        here.listen(heard.set)
        there = Intake(other.log, lambda: TWIN.current, utc_now)
        there.take([from_object(event("a"), here.secret)])
        assert heard.wait(PATIENCE_S)
        there.close()
        until(lambda: caught_up(store))
        here.close()
    assert counted(store) == {"12345/a": (1, True)}


def test_what_was_not_kept_is_kept_by_the_next_start(tmp_path: Path) -> None:
    spec = SqliteSpec(str(tmp_path / "city"))
    with spec.open() as store:
        affairs = Affairs(TWIN, store)
        affairs._ended = True  # a keeper that takes nothing any more, as one that was killed
        affairs._wake.set()
        affairs._keeper.join(PATIENCE_S)
        report(affairs, "a")
        affairs.close()
        assert counted(store) == {}
    with spec.open() as store:
        affairs = Affairs(TWIN, store)
        until(lambda: caught_up(store))
        affairs.close()
        assert counted(store) == {"12345/a": (1, True)}


@pytest.mark.parametrize("error", [HomeError("the disk does not read"), ZeroDivisionError("ours")])
def test_a_keeper_that_fails_tries_again_and_says_it_once(
    store: Store, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0.005)
    affairs, errors = Affairs(TWIN, store), [error] * 3
    keep = affairs.casework.keep

    def sometimes(*given: Any) -> int:
        if errors:
            raise errors.pop()
        return keep(*given)

    monkeypatch.setattr(affairs.casework, "keep", sometimes)
    with caplog.at_level(logging.ERROR, logger=module.__name__):
        report(affairs, "a")
        until(lambda: caught_up(store))
    affairs.close()
    assert not errors
    assert counted(store) == {"12345/a": (1, True)}
    assert [record.getMessage() for record in caplog.records] == [
        f"what is open is not kept up to date: {error}"
    ]


def test_a_listener_that_fails_harms_nobody(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    affairs, heard = Affairs(TWIN, store), threading.Event()
    affairs.listen(fail)
    affairs.listen(heard.set)
    with caplog.at_level(logging.CRITICAL, logger=module.__name__):
        assert [report(affairs, name).outcome for name in "ab"] == [NEW, NEW]
        assert heard.wait(PATIENCE_S)
        until(lambda: caught_up(store))
        affairs.close()
    assert len(counted(store)) == 2


def test_who_is_closed_takes_nothing(store: Store) -> None:
    affairs = Affairs(TWIN, store)
    affairs.close()
    with pytest.raises(BusyError):
        report(affairs, "a")
    affairs.close()
    assert store.log.head() == 0


def test_a_reporter_is_kept_apart_and_can_be_erased(store: Store) -> None:
    affairs = Affairs(TWIN, store)
    body = report(affairs, "a", reporter={"name": "张三", "phone": "13800000000"}).body
    assert "张三" not in body
    assert "13800000000" not in body
    assert "张三" in (store.log.personal("12345/a") or "")
    assert store.log.erase("12345/a")
    assert report(affairs, "a", reporter={"name": "张三", "phone": "13800000000"}).outcome == "same"
    assert store.log.personal("12345/a") is None
    affairs.close()


def test_a_log_whose_index_is_torn_is_found_after_the_start(tmp_path: Path) -> None:
    spec = SqliteSpec(str(tmp_path / "city"))
    with spec.open() as store:
        store.log.add([Fact(EVENT, f"s/{number}", "{}") for number in range(2_000)])
        with store._database.writing() as connection:
            root = connection.exec_driver_sql(
                "SELECT rootpage FROM sqlite_master WHERE tbl_name = 'log' AND type = 'index'"
            ).scalar_one()
        size = 4096
    database = next((tmp_path / "city").rglob("*.sqlite"))
    with database.open("r+b") as file:
        file.seek((root - 1) * size + size // 2)
        file.write(bytes(size // 2))
    with spec.open() as store:
        affairs = Affairs(TWIN, store)
        until(lambda: affairs.damage is not None)
        assert "damaged" in str(affairs.damage)
        affairs.close()
