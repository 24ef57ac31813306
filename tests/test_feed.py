"""The feed: what stands in the log is told in its order, with the areas that it concerns."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from office import roster
from webtown import COMMUNITY, DISTRICT, GRID, HOLED, TOWN, make_twin

from gridmap.affairs import Affairs
from gridmap.casework import Request
from gridmap.events.document import from_object
from gridmap.store.home import Home
from tiles.web.feed import Feed
from tiles.web.live.filters import Filter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tiles.web.live.items import LiveItem

PATIENCE_S = 60


class Heard:
    """A hub that writes down what it is told."""

    def __init__(self) -> None:
        self.items: list[LiveItem] = []
        self.streams = 1
        self.reached = 0
        self.came: Callable[[], object] = lambda: None
        self.passed: list[int] = []

    def empty(self) -> None:
        """Everybody leaves, and the feed has seen it."""
        self.streams, self.reached = 0, -1
        self.until(lambda: self.reached >= 0)

    def pass_over(self, seq: int) -> None:
        self.passed.append(seq)

    def publish(self, items: Sequence[LiveItem]) -> None:
        self.items += items

    def of(self, kind: str) -> list[Any]:
        return [json.loads(item.data) for item in self.items if item.kind == kind]

    def until(self, done: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < end, [item[:3] for item in self.items]
            time.sleep(0.01)

    def value(self, code: str) -> int:
        """The newest number of open orders of an area."""
        told = [said for said in self.of("value") if said.get("code") == code]
        return told[-1]["value"] if told else 0


class City:
    """Toytown with a feed."""

    def __init__(self, folder: Path) -> None:
        self.twin = make_twin()
        self.store = Home.create(folder).store()
        self.store.put_staff(roster(HOLED, GRID))
        self.affairs = Affairs(self.twin, self.store)
        self.heard = Heard()
        self.feed = Feed(self.affairs, self.twin, self.heard, self.affairs.book.head())  # type: ignore[arg-type]

    def report(self, name: str, code: str | None = HOLED, **said: Any) -> int:
        event: dict[str, Any] = {"id": name, "source": "12345", "class": "城市管理", **said}
        if code is not None:
            inside = self.twin.current.polygon(code).representative_point()
            event |= {"lon": round(inside.x, 7), "lat": round(inside.y, 7), "crs": "wgs84"}
        (answer,) = self.affairs.intake.take([from_object(event, b"secret")])
        assert not isinstance(answer, Exception)
        return answer.seq

    def close(self) -> None:
        self.feed.close()
        self.affairs.close()
        self.store.close()


@pytest.fixture(name="city")
def _city(tmp_path: Path) -> Iterator[City]:
    city = City(tmp_path / "home")
    yield city
    city.close()


def test_every_row_of_the_log_is_told_once_in_its_order(city: City) -> None:
    for number in range(30):
        city.report(f"e{number}", code=HOLED if number % 3 else None)
    last = city.affairs.book
    city.heard.until(lambda: len(city.heard.of("order")) == 30)
    seqs = [item.seq for item in city.heard.items if item.seq is not None]
    assert seqs == list(range(1, last.head() + 1))
    item = next(item for item in city.heard.items if item.kind == "event" and item.codes)
    assert item.codes == (DISTRICT, TOWN, COMMUNITY, HOLED)
    assert (item.class_, item.key.split("/")[0]) == ("城市管理", "12345")
    assert next(item for item in city.heard.items if item.kind == "event").codes == ()


def test_an_order_is_told_with_who_did_what_and_how_it_stands(city: City) -> None:
    seq = city.report("a")
    city.heard.until(lambda: city.heard.of("order"))
    city.affairs.act(f"o-{seq}", Request("accept", "me", "grid_member"))
    city.heard.until(lambda: len(city.heard.of("order")) == 2)
    told = city.heard.of("order")[-1]
    assert (told["action"], told["actor"], told["from"], told["to"]) == (
        *("accept", "me", "dispatched", "accepted"),
    )
    assert (told["order"]["id"], told["order"]["code"]) == (f"o-{seq}", HOLED)


def test_numbers_of_open_orders_follow_in_every_area_above(city: City) -> None:
    one, _, drill = city.report("a"), city.report("b", GRID), city.report("c", drill=True)
    city.heard.until(lambda: city.heard.value(DISTRICT) == 2)
    assert [city.heard.value(code) for code in (HOLED, GRID, COMMUNITY)] == [1, 1, 2]
    city.affairs.act(f"o-{one}", Request("void", "d", "dispatcher", "a mistake"))
    city.affairs.act(f"o-{drill}", Request("void", "d", "dispatcher", "a drill"))
    city.heard.until(lambda: city.heard.value(DISTRICT) == 1)
    assert [city.heard.value(code) for code in (HOLED, GRID, COMMUNITY)] == [0, 1, 1]
    states = {json.loads(item.data)["code"]: item for item in city.feed.states(Filter())}
    assert json.loads(states[GRID].data)["value"] == 1
    assert DISTRICT in states[GRID].codes


def test_who_comes_back_during_a_count_is_told_no_half_of_it(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.feed.close()
    for name in "abc":
        city.report(name)
    city.heard.until(lambda: len(city.affairs.board.refresh().orders) == 3)
    codes, told = city.feed._codes, []

    def watched(code: str | None) -> tuple[str, ...]:
        told.append({**city.feed._open})
        return codes(code)

    monkeypatch.setattr(city.feed, "_codes", watched)
    city.feed._snapshot = city.twin.current
    city.feed._count()
    assert told[:3] == [{}] * 3
    assert city.feed._open == dict.fromkeys((DISTRICT, TOWN, COMMUNITY, HOLED), 3)


def test_a_burst_is_not_told_to_an_empty_room(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiles.web.feed.BACK", 5)
    city.heard.empty()
    events = [from_object({"id": f"e{n}", "source": "s", "class": "其他"}, b"k") for n in range(50)]
    city.affairs.intake.take(events)
    city.heard.until(lambda: city.heard.passed)
    assert city.heard.passed[-1] >= 50
    city.heard.streams = 1
    seq = city.report("heard")
    city.heard.until(lambda: seq in [item.seq for item in city.heard.items])
    assert not {item.seq for item in city.heard.items} & set(range(1, 51))


def test_what_nobody_heard_is_told_when_somebody_comes(city: City) -> None:
    city.heard.empty()
    events = [from_object({"id": f"e{n}", "source": "s", "class": "其他"}, b"k") for n in range(50)]
    last = city.affairs.intake.take(events)[-1].seq  # type: ignore[union-attr]  # none is refused
    city.heard.until(lambda: city.heard.reached >= last)
    assert not [item for item in city.heard.items if item.seq is not None]
    city.heard.streams = 1
    city.heard.came()
    city.heard.until(lambda: last in [item.seq for item in city.heard.items])
    seqs = [item.seq for item in city.heard.items if item.seq is not None]
    assert seqs == [*range(1, len(seqs) + 1)]


def test_an_edition_that_is_served_is_told_as_a_value(city: City) -> None:
    city.heard.until(lambda: {"edition": 7} in city.heard.of("value"))
    city.twin.current = make_twin(8).current
    city.heard.until(lambda: {"edition": 8} in city.heard.of("value"))
