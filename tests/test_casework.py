"""What is made of the log: orders that open once, move with their place, and sound their clocks once."""

from __future__ import annotations

from dataclasses import replace
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import pytest
from daybook_oracle import Life
from office import Office
from town import toytown
from webtown import GRID, HOLED, TWO_PARTS, make_twin

from gridmap.affairs import KEEPER
from gridmap.casework import PLACES
from gridmap.errors import NotFoundError
from gridmap.events.situations import read_state
from gridmap.orders.errors import StaleOrderError, WrongRoleError, WrongStateError
from gridmap.store.log import NOTICE, ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gridmap.store.desk import Desk
    from gridmap.store.log import Entry


OTHER: Any = {"post": "x", "person": "me", "role": "grid_member", "level": "grid"}


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


def test_what_is_said_behind_the_close_neither_opens_nor_withdraws_an_order(office: Office) -> None:
    first = office.report("a", code=HOLED, subject="m-1")
    office.act(first, "accept", "grid_member")
    office.report("b", subject="m-1", op="close")
    office.act(first, "reassign", "dispatcher", assignment={**OTHER, "grid": HOLED})
    before = office.order(first), len(office.log(ORDER))
    office.report("c", corrects="a", title="井盖缺失")
    office.report("d", subject="m-1", op="update", urgency="red", code=GRID)
    assert (office.order(first), len(office.log(ORDER))) == before
    office.report("e", subject="m-1", op="close")
    assert office.order(first).state == "voided"
    office.report("f", corrects="b", op="open")
    (row,) = office.book.looking(lambda desk: desk.live_orders(0, 9))
    assert row.number != first, "a correction that says so opens again"


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


def test_an_order_is_where_its_thing_is(office: Office) -> None:
    """By a point, by another in the same grid, by the code of a grid, and by a point again."""
    seq = office.report("a")
    assert (office.order(seq).at, office.order(seq).code) == (None, None)
    office.report("b", subject="a", op="update", code=GRID)
    office.act(seq, "reassign", "dispatcher", assignment={**OTHER, "grid": GRID})
    first = office.order(seq)
    assert (first.at, first.assignees[0].person) == (_point(office, GRID), "me")
    nearby = (round(_point(office, GRID)[0] + 1e-6, 7), _point(office, GRID)[1])
    office.report("c", subject="a", op="update", lon=nearby[0], lat=nearby[1], crs="wgs84")
    order = office.order(seq)
    assert (order.at, order.code, order.assignees) == (nearby, GRID, first.assignees)
    assert f"the thing moved within {GRID}" in office.history(order)[-1].note
    office.report("d", subject="a", op="update", place=HOLED)
    assert (office.order(seq).at, office.order(seq).code) == (None, HOLED)
    office.report("e", subject="a", op="update", lon=0.0, lat=0.0, crs="wgs84")
    office.report("f", subject="a", op="update", lon=0.0, lat=1.0, crs="wgs84")
    order = office.order(seq)
    assert (order.at, order.code) == ((0.0, 1.0), None)
    assert office.history(order)[-1].note == "事发位置变动，仍无网格 / the thing moved in no grid"
    version = order.version
    office.report("g", subject="a", op="update", title="again", lon=0.0, lat=1.0, crs="wgs84")
    assert office.order(seq).version == version, "a thing that stands still moves nothing"


def test_an_order_stays_where_its_thing_has_moved_when_an_edition_follows(office: Office) -> None:
    """The borders are the same: nothing moves back to where the thing had been."""
    seq = office.report("a", code=GRID)
    office.report("b", subject="a", op="update", code=HOLED)
    order = office.order(seq)
    assert (order.at, order.code) == (_point(office, HOLED), HOLED)
    assert f"the thing moved: {GRID} -> {HOLED}" in office.history(order)[-1].note
    office.move()
    office.twin.current = make_twin(8).current
    office.move()
    assert office.order(seq) == order


@pytest.mark.parametrize("number", [7, 8])
def test_an_order_that_was_left_behind_is_brought_to_its_thing_once(office: Office, number: int) -> None:
    """An earlier gridmap moved the code of an order, not its point: with this edition, or the next."""
    seq = office.report("a", code=GRID)
    office.move()
    office.report("b", subject="a", op="update", code=HOLED)
    office.act(seq, "move", "system", code=HOLED, at=_point(office, GRID))
    assert office.order(seq).at == _point(office, GRID)
    office.book.at_desk(lambda desk: desk.remember(PLACES, 0))
    office.twin.current = make_twin(number).current
    office.move()
    order = office.order(seq)
    assert (order.at, order.code) == (_point(office, HOLED), HOLED)
    head = office.book.head()
    office.move()
    assert office.book.head() == head


def test_whatever_happens_an_order_is_where_its_thing_is_while_that_is_open(office: Office) -> None:
    life = Life(office, seed=5)
    for number in (7, 8, 9):
        office.twin.current = make_twin(number).current
        office.move()
        life.go_on(120)
        rows = office.book.looking(lambda desk: desk.live_orders(0, 1000))
        found = {row.thing: office.order(row.number) for row in rows}
        things = office.book.looking(methodcaller("situations", found))
        states = [read_state(row) for row in things.values() if row.is_open]
        assert len(states) > 10
        for state in states:
            assert (found[state.thing].at, found[state.thing].code) == (state.at, state.code)


def _point(office: Office, code: str) -> tuple[float, float]:
    """The point that the office reports of a grid."""
    inside = office.twin.current.polygon(code).representative_point()
    return round(inside.x, 7), round(inside.y, 7)


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
    note = office.history(office.order(seq))[-1].note
    assert f"the boundary moved: {HOLED} -> 500999001001902" in note
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
