"""What is made of the log: orders that open once, move with their place, and sound their clocks once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from office import Office
from town import toytown
from webtown import GRID, HOLED, TWO_PARTS, make_twin

from gridmap.affairs import KEEPER
from gridmap.errors import NotFoundError
from gridmap.orders.errors import StaleOrderError, WrongRoleError, WrongStateError
from gridmap.store.log import NOTICE, ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gridmap.store.desk import Desk
    from gridmap.store.log import Entry


@pytest.fixture(name="office")
def _office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "home")
    yield office
    office.store.close()


def test_an_event_opens_an_order_for_the_duty_staff_of_its_grid(office: Office) -> None:
    seq = office.report("a", code=HOLED)
    order = office.order(seq)
    assert (order.state, order.code, order.kind) == ("dispatched", HOLED, "manhole")
    assert order.assignees[0].grid == HOLED
    assert order.assignees[0].role == "grid_member"
    assert HOLED in order.reasons[0].en


def test_the_same_thing_has_one_order_until_that_is_over(office: Office) -> None:
    first = office.report("a", code=HOLED, subject="m-1")
    office.report("b", code=HOLED, subject="m-1", op="update", title="井盖缺失")
    office.report("c", code=HOLED, subject="m-1")
    assert len(office.log(ORDER)) == 1
    office.report("d", subject="m-1", op="close")
    assert office.order(first).state == "voided"
    again = office.report("e", code=HOLED, subject="m-1")
    assert office.order(again).state == "dispatched"


def test_an_order_in_hand_goes_its_way_when_the_source_closes(office: Office) -> None:
    seq = office.report("a", code=HOLED)
    office.act(seq, "accept", "grid_member")
    office.report("b", subject="a", op="close")
    assert office.order(seq).state == "accepted"


def test_an_order_moves_with_its_thing_and_its_history_says_so(office: Office) -> None:
    seq = office.report("a", code=HOLED)
    office.report("b", subject="a", op="update", code=GRID)
    order = office.order(seq)
    assert (order.code, order.assignees[0].grid) == (GRID, GRID)
    assert HOLED in office.history(order)[-1].note
    office.act(seq, "accept", "grid_member", actor="me")
    office.report("c", subject="a", op="update", code=TWO_PARTS)
    order = office.order(seq)
    assert (order.code, order.state, order.assignees[0].person) == (TWO_PARTS, "accepted", "me")


def test_a_thing_that_grows_urgent_makes_its_order_so(office: Office) -> None:
    seq = office.report("a", code=HOLED, urgency="yellow")
    office.act(seq, "accept", "grid_member")
    office.report("b", subject="a", op="update", urgency="red")
    order = office.order(seq)
    assert (order.urgency, order.rule, order.state) == ("red", "red", "accepted")
    assert "紧急程度：黄 -> 红" in office.history(order)[-1].note
    office.report("c", subject="a", op="update", urgency="blue")
    assert office.order(seq).version == order.version


def test_a_drill_that_turns_earnest_is_an_order_in_earnest(office: Office) -> None:
    seq = office.report("a", code=HOLED, subject="f", drill=True)
    assert office.order(seq).drill
    office.report("b", subject="f", op="update")
    order = office.order(seq)
    assert not order.drill
    assert "演练转为实情" in office.history(order)[-1].note
    assert len(office.log(ORDER)) == 2


def test_an_event_without_a_place_is_kept_for_a_dispatcher(office: Office) -> None:
    seq = office.report("a")
    order = office.order(seq)
    assert (order.state, order.code, order.queue) == ("filed", None, "unassigned")
    office.report("b", subject="a", op="update", code=GRID)
    order = office.order(seq)
    assert (order.state, order.code, order.queue) == ("dispatched", GRID, None)


def test_orders_are_shared_out_among_those_who_are_free(office: Office) -> None:
    persons = [office.order(office.report(f"e{n}", code=HOLED)).assignees[0].person for n in range(12)]
    counts = {person: persons.count(person) for person in persons}
    assert len(counts) > 1
    assert max(counts.values()) <= 5, "with five open orders a member is no longer free"


def test_boundaries_that_change_move_what_is_open(office: Office) -> None:
    seq, taken, closed = (office.report(name, code=HOLED) for name in "abc")
    office.act(taken, "accept", "grid_member", actor="me")
    office.report("d", subject="c", op="close")
    office.move()
    swapped = _renamed()
    office.twin.current = swapped
    before = len(office.log(ORDER))
    office.move()
    office.move()
    assert len(office.log(ORDER)) == before + 2, "once for each open order"
    assert office.order(seq).code == "500999001001902"
    order = office.order(taken)
    assert (order.code, order.assignees[0].person) == ("500999001001902", "me")
    assert office.order(closed).code == HOLED
    (state,) = office.book.looking(lambda desk: desk.situations(["12345/a"])).values()
    assert "500999001001902" in state.body


def test_an_event_that_was_placed_by_an_earlier_edition_is_placed_anew(office: Office) -> None:
    old = office.twin.current
    office.twin.current = _renamed()
    office.move()
    office.twin.current, new = old, office.twin.current
    office.book.advance(KEEPER, 100, lambda entries, _: len(entries))
    office.report("late", code=HOLED)
    assert office.log(ORDER) == [], "this process is behind the boundaries and takes nothing"
    office.twin.current = new
    office.keep()
    (line,) = office.log(ORDER)
    assert line["changes"]["code"] == "500999001001902"


def _renamed() -> Any:
    """Toytown's next edition, in which a grid has another code."""
    areas = toytown()
    codes = list(areas.finest.codes)
    codes[codes.index(HOLED)] = "500999001001902"
    finest = replace(areas.finest, codes=tuple(codes))
    partition = replace(areas, levels=(*areas.levels[:-1], finest))
    return make_twin(8, partition=partition).current


def test_clocks_are_told_at_80_100_and_150_percent_once_each(office: Office) -> None:
    seq = office.report("a", code=HOLED)  # a manhole: to be accepted within 4 hours
    office.wait(hours=3, minutes=11)
    assert office.log(NOTICE) == []
    office.wait(minutes=1)
    office.wait(seconds=0)
    assert [(each["clock"], each["percent"]) for each in office.log(NOTICE)] == [("accept", 80)]
    office.wait(hours=10)
    assert [(each["clock"], each["percent"]) for each in office.log(NOTICE)] == [
        ("accept", 80),
        ("accept", 100),
        ("accept", 150),
    ]
    assert office.order(seq).supervised == 1
    office.wait(hours=0)
    assert len(office.log(NOTICE)) == 3


def test_a_clock_that_was_met_says_nothing(office: Office) -> None:
    seq = office.report("a", code=HOLED)
    office.act(seq, "accept", "grid_member")
    office.wait(hours=10)
    assert office.log(NOTICE) == []


def test_refusals_change_nothing(office: Office) -> None:
    seq = office.report("a", code=HOLED)
    before = office.order(seq), office.book.head()
    with pytest.raises(WrongStateError):
        office.act(seq, "check", "verifier")
    with pytest.raises(WrongRoleError):
        office.act(seq, "accept", "resident")
    with pytest.raises(StaleOrderError):
        office.act(seq, "accept", "grid_member", version=7)
    with pytest.raises(NotFoundError, match="o-99"):
        office.act(99, "accept", "grid_member")
    assert (office.order(seq), office.book.head()) == before


def test_merging_ends_one_order_and_the_other_knows_of_it(office: Office) -> None:
    one, other = (office.report(name, code=HOLED) for name in "ab")
    office.act(one, "accept", "grid_member", actor="me")
    office.act(one, "merge", "dispatcher", into=f"o-{other}")
    assert office.order(one).state == "merged"
    assert office.order(other).absorbed == (f"o-{one}",)
    assert "me" in office.order(other).handlers


def test_a_step_that_fails_leaves_no_trace(office: Office) -> None:
    seq = office.report("a", code=HOLED)

    def fail(_: Sequence[Entry], desk: Desk) -> int:
        desk.put_orders([])
        raise RuntimeError("a keeper that dies")

    office.book.add([])
    office.report("b", code=GRID)
    head = office.book.head()
    with pytest.raises(RuntimeError):
        office.book.advance("another", 10, fail)
    assert office.book.head() == head
    assert office.order(seq).state == "dispatched"
