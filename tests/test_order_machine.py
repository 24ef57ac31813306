"""Orders moved at random and by story: what is stored is what the history makes."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from order_oracles import CALENDAR, ENOUGH, GRID, NEIGHBOUR, NOON, RULES, Life, facts, opened, other, standing

from gridmap.errors import DamageError, InputError
from gridmap.orders import words
from gridmap.orders.dispatch import assign
from gridmap.orders.errors import OrderError, WrongRoleError, WrongStateError
from gridmap.orders.machine import act, open_order
from gridmap.orders.order import (
    Changes,
    OrderEntry,
    WorkOrder,
    apply,
    as_document,
    assignment_of,
    entry_from_json,
    order_from_json,
    replay,
    to_json,
    whole_seconds,
)
from gridmap.orders.requests import args_of
from gridmap.orders.transitions import BY_STATE, ROWS, hindrance

ACTIONS = 100_000
ORDERS = 400
PEOPLE = ("A", "B", "C", "D", "E", "F", "G", "H")
WORDS, PARTS = tuple(words.ACTIONS), tuple(words.ROLES)
ENDED = words.OVER - {"closed"}


def random_args(draw: random.Random, order: WorkOrder, action: str) -> dict[str, Any]:
    """What an action may need, mostly right."""
    if action == "whistle":
        return {"departments": draw.sample(["公安", "消防", "民政局", "城管"], draw.randrange(0, 3))}
    if action in {"reply", "release"} and order.outstanding:
        return {"department": draw.choice(order.outstanding)}
    if action in {"dispatch", "escalate"} and draw.random() < 0.3:
        return {"assignment": msgspec.to_builtins(other(draw.choice(words.LADDER[1:]), draw.choice(PEOPLE)))}
    if action == "absorb":
        return {"absorbed": {"order": f"o-x{draw.randrange(50)}", "handlers": [draw.choice(PEOPLE)]}}
    if action == "move":
        where: list[dict[str, Any]] = [{}, {"at": None}, {"at": [106.5, 29.5]}]
        return {"code": draw.choice([GRID, NEIGHBOUR, None]), **draw.choice(where)}
    if action == "regrade":
        return {
            "urgency": draw.choice(["red", "orange", "yellow", "blue"]),
            "drill": draw.choice([None, False]),
        }
    if action == "request_delay" and draw.random() < 0.5:
        return {"duration": draw.choice(["2h", "1wd"])}
    return ENOUGH.get(action, {})


SELDOM = {
    "void",
    "merge",
    "reject",
    "escalate",
    "whistle",
    "absorb",
    "move",
    "retime",
    "supervise",
    "reassign",
    "regrade",
}


def choice(draw: random.Random, order: WorkOrder) -> tuple[str, str, str]:
    """An action, a role and a person: every eighth drawn blindly, what leads nowhere drawn seldom."""
    actor = draw.choice(PEOPLE)
    rows = BY_STATE[order.state]
    if draw.random() < 1 / 8 or not rows:
        return draw.choice(WORDS), draw.choice(PARTS), actor
    for _ in range(12):
        row = draw.choice(rows)
        role = draw.choice(row.roles)
        seldom = row.action in SELDOM and draw.random() < 0.97
        if not seldom and hindrance(row, order, role, actor) is None:
            break
    return row.action, role, actor


def test_random_actions_replay_to_the_stored_order() -> None:
    draw = random.Random(100)
    titles = ["井盖破损", "占道经营", "SOS", "楼顶违建"]
    sources = ["resident", "12345"]
    orders: dict[int, WorkOrder] = {}
    done: list[WorkOrder] = []
    log: list[bytes] = []
    now, taken, refused = NOON, Counter[str](), 0
    for number in range(ACTIONS):
        now += timedelta(seconds=draw.randrange(120))
        slot = draw.randrange(ORDERS)
        order = orders.get(slot)
        over = order is not None and (
            order.state in ENDED or (order.state == "closed" and draw.random() < 0.5)
        )
        if order is None or over:
            done += [] if order is None else [order]
            order, entry = opened(number, now, title=draw.choice(titles), source=draw.choice(sources))
        else:
            action, role, actor = choice(draw, order)
            try:
                order, entry = act(
                    order, action, actor, role, "说明", now,
                    rules=RULES, calendar=CALENDAR, args=args_of(random_args(draw, order, action)),
                )  # fmt: skip
            except (OrderError, InputError):
                refused += 1
                continue
        taken[entry.action] += 1
        orders[slot] = order
        log.append(to_json(entry))
    assert set(taken) == set(words.ACTIONS)
    assert sum(taken.values()) > ACTIONS / 2
    assert refused > ACTIONS / 20
    told: dict[str, WorkOrder] = {}
    for body in log:
        entry = entry_from_json(body)
        told[entry.order] = apply(told.get(entry.order), entry)
    assert told == {order.id: order for order in (*done, *orders.values())}
    assert all(order_from_json(to_json(order)) == order for order in told.values())


def test_an_order_that_goes_the_whole_way() -> None:
    life = standing("evaluated")
    order = life.order
    assert [entry.to for entry in life.history] == [
        "reported", "verified", "filed", "dispatched", "accepted", "processing", "feedback", "checked",
        "closed", "evaluated",
    ]  # fmt: skip
    assert (order.version, order.satisfaction, order.handlers) == (10, 5, ("grid_member-1",))
    assert order.closed_at == life.history[8].at
    assert all(clock.done_at is not None for clock in order.clocks)
    assert replay(life.history) == order


def test_an_order_opens_where_its_source_and_its_urgency_say() -> None:
    assert opened()[0].state == "dispatched"
    assert opened(source="resident")[0].state == "reported"
    assert opened(source="resident", title="三楼起火")[0].state == "dispatched"
    given = facts(code=None)
    nowhere, entry = open_order(given, assign(given, [], [], RULES), RULES, CALENDAR, NOON)
    assert (nowhere.state, nowhere.queue, nowhere.level) == ("filed", "unassigned", "city")
    assert (entry.key, entry.from_, entry.to) == ("o-17:1", None, "filed")
    with pytest.raises(InputError, match="nobody has this order yet"):
        act(nowhere, "dispatch", "D", "dispatcher", "", NOON, rules=RULES, calendar=CALENDAR)
    moved, _ = act(
        nowhere, "dispatch", "D", "dispatcher", "", NOON, rules=RULES, calendar=CALENDAR,
        args=args_of({"assignment": msgspec.to_builtins(other())}),
    )  # fmt: skip
    assert (moved.state, moved.queue, moved.level, moved.assignees[0].person) == (
        "dispatched",
        None,
        "grid",
        "P-part",
    )


@pytest.mark.parametrize("role", ["verifier", "supervisor", "dispatcher", "community"])
def test_whoever_handled_any_round_never_verifies(role: str) -> None:
    life = Life().do("accept", "grid_member", "A").do("return", "grid_member", "A")
    life.do("dispatch", "dispatcher", "D", assignment=msgspec.to_builtins(other()))
    life.do("accept", "grid_member", "B").do("start", "grid_member", "B").do("feedback", "grid_member", "C")
    for person in ("A", "B", "C"):
        for action in ("check", "rework", "merge", "void"):
            with pytest.raises(OrderError) as refused:
                life.do(action, role, person)
            assert isinstance(refused.value, WrongRoleError)
    life.do("check", "verifier", "V")
    with pytest.raises(WrongRoleError, match="A has handled it"):
        life.do("close", "verifier", "A")
    life.do("absorb", "system", "system", absorbed={"order": "o-9", "handlers": ["V"]})
    with pytest.raises(WrongRoleError, match="V has handled it"):
        life.do("close", "verifier", "V")
    assert life.do("close", "verifier", "W").order.absorbed == ("o-9",)


def test_handled_on_the_spot_needs_photos_and_another_one_to_check() -> None:
    life = Life()
    with pytest.raises(InputError, match="photos: handle_on_spot needs it"):
        life.do("handle_on_spot", "grid_member", "A", photos=[])
    life.do("handle_on_spot", "grid_member", "A", photos=["ph-1", "ph-1"])
    assert (life.order.on_spot, life.order.photos, life.order.state) == (True, ("ph-1",), "feedback")
    with pytest.raises(WrongRoleError):
        life.do("check", "verifier", "A")
    assert life.do("check", "verifier", "V").do("close", "verifier", "V").order.state == "closed"


def test_nothing_is_closed_while_a_department_owes_its_reply() -> None:
    life = standing("checked").do("whistle", "town", departments=["消防", "民政局"])
    with pytest.raises(WrongStateError, match="消防, 民政局 still owe a reply"):
        life.do("close", "verifier")
    with pytest.raises(InputError, match="say which one"):
        life.do("reply", "department")
    with pytest.raises(InputError, match="公安 owes no reply"):
        life.do("reply", "department", department="公安")
    with pytest.raises(InputError, match="消防 is called already"):
        life.do("whistle", "town", departments=["消防"])
    life.do("reply", "department", department="消防", note="已处置").do("release", "town", note="不需要了")
    assert [(call.reply, call.by) for call in life.order.called] == [
        ("已处置", "department-1"),
        (None, "town-1"),
    ]
    with pytest.raises(WrongStateError, match="no called department owes a reply"):
        life.do("reply", "department")
    assert life.do("close", "verifier").order.state == "closed"


def test_an_escalation_goes_up_the_ladder_one_level_or_several() -> None:
    life = Life().do("escalate", "grid_member")
    assert (life.order.level, life.order.assignees[0].post, life.order.escalations) == (
        "community",
        "desk:community",
        1,
    )
    life.do("escalate", "supervisor", level="district")
    assert life.order.level == "district"
    with pytest.raises(InputError, match="'town' is not above district"):
        life.do("escalate", "supervisor", level="town")
    with pytest.raises(InputError, match="it is of the level grid, not department"):
        life.do("escalate", "supervisor", assignment=msgspec.to_builtins(other()))
    assert life.do("accept", "district", "X").order.assignees[0].person == "X"


def test_an_order_moves_with_its_boundary_and_its_history_says_so() -> None:
    life = Life().do("accept", "grid_member", "A")
    life.do("move", "system", "system", note="", code=NEIGHBOUR, assignment=msgspec.to_builtins(other()))
    assert (life.order.code, life.order.state, life.order.assignees[0].person) == (
        NEIGHBOUR,
        "accepted",
        "P-part",
    )
    assert (
        life.history[-1].note
        == f"边界调整：{GRID} -> {NEIGHBOUR} / the boundary moved: {GRID} -> {NEIGHBOUR}"
    )
    assert life.order.at == Life().order.at, "the boundary moved, not the place"
    assert life.do("move", "system", "system", code=None).order.code is None
    with pytest.raises(InputError, match="code: move needs it"):
        act(life.order, "move", "system", "system", "", NOON, rules=RULES, calendar=CALENDAR)


def test_an_order_moves_with_its_thing_and_its_history_says_so() -> None:
    life = Life()
    life.do("move", "system", "system", note="", code=NEIGHBOUR, at=[106.6, 29.6])
    assert (life.order.code, life.order.at) == (NEIGHBOUR, (106.6, 29.6))
    assert life.history[-1].note == (
        f"事发位置变动：{GRID} -> {NEIGHBOUR} / the thing moved: {GRID} -> {NEIGHBOUR}"
    )
    life.do("move", "system", "system", note="", code=NEIGHBOUR, at=None)
    assert (life.order.code, life.order.at) == (NEIGHBOUR, None)
    assert life.history[-1].note == f"事发位置变动，仍属 {NEIGHBOUR} / the thing moved within {NEIGHBOUR}"
    assert replay(life.history) == life.order
    with pytest.raises(InputError, match=r"at: .* is no longitude and latitude"):
        life.do("move", "system", "system", code=GRID, at=[29.6, 106.6])


def test_a_reassigned_order_must_be_accepted_again() -> None:
    life = standing("processing").do("reassign", "dispatcher")
    assert (life.order.state, life.order.assignees[0].person) == ("dispatched", "P-part")
    accept = life.order.clock("accept")
    assert accept is not None
    assert (accept.round, accept.done_at) == (2, None)


@pytest.mark.parametrize("action", ["reassign", "escalate", "grant_delay", "refuse_delay"])
def test_a_delay_that_was_asked_for_is_forgotten_when_it_is_decided(action: str) -> None:
    life = standing("processing").do("request_delay", "grid_member", duration="2h")
    assert life.do(action, "supervisor").order.asked_delay_s is None


def test_small_stories() -> None:
    life = standing("processing").do("request_delay", "grid_member", duration="2h")
    assert (life.order.asked_delay_s, life.do("refuse_delay", "supervisor").order.asked_delay_s) == (
        7200,
        None,
    )
    assert life.do("supervise", "supervisor", note="").order.supervised == 1
    assert life.history[-1].note.startswith("督办")
    assert life.do("return", "grid_member").order.returns == 1
    with pytest.raises(InputError, match="merged into itself"):
        life.do("merge", "dispatcher", into="o-17")
    with pytest.raises(InputError, match="is this order, or part of it"):
        life.do("absorb", "system", absorbed={"order": "o-17"})
    assert life.do("merge", "dispatcher").order.merged_into == "o-1"
    done = standing("closed")
    with pytest.raises(InputError, match="6 is no grade"):
        done.do("evaluate", "resident", satisfaction=6)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"note": ""}, "note: feedback needs it"),
        ({"note": "长" * 2001}, "2001 characters are too many"),
        ({"actor": "x" * 101}, "actor: say who acts"),
        ({"photos": [str(number) for number in range(21)]}, "photos: 21 are too many"),
        ({"colour": "red"}, "unknown field `colour`"),
        ({"satisfaction": "five"}, "Expected `int"),
    ],
)
def test_too_little_and_too_much_is_refused(given: dict[str, Any], said: str) -> None:
    life = standing("processing")
    before = life.order
    with pytest.raises(InputError, match=said):
        life.do("feedback", "grid_member", **given)
    assert life.order is before


def test_what_a_dispatcher_sends_is_looked_at() -> None:
    assert assignment_of(as_document(other())) == other()
    with pytest.raises(InputError, match="assignment: Object missing required field"):
        assignment_of({"person": "P-1"})
    with pytest.raises(InputError, match="at most 20"):
        Life().do("whistle", "town", departments=[f"部门{number}" for number in range(21)])


def test_a_history_with_a_hole_is_damage() -> None:
    life = standing("accepted")
    with pytest.raises(DamageError, match="a row of its history is missing"):
        replay([*life.history[:2], *life.history[3:]])
    with pytest.raises(DamageError, match="begins with version 2"):
        replay(life.history[1:])
    with pytest.raises(DamageError, match="without any history"):
        replay([])
    for decode in (order_from_json, entry_from_json):
        with pytest.raises(DamageError, match="stored bytes are no"):
            decode(b'{"id": 1}')


def test_json_has_the_words_of_the_log() -> None:
    life = Life().do("accept", "grid_member", "P-full")
    entry = as_document(life.history[-1])
    assert list(entry) == [
        "order",
        "version",
        "action",
        "actor",
        "role",
        "note",
        "at",
        "from",
        "to",
        "changes",
    ]
    assert (entry["from"], entry["to"], entry["at"]) == ("dispatched", "accepted", "2026-04-29T04:01:00Z")
    assert set(entry["changes"]) == {"clocks", "handlers"}
    order = as_document(life.order)
    assert (order["id"], order["class"], order["event"]) == (
        "o-17",
        "城市管理",
        {"source": "12345", "id": "a-1", "seq": 17},
    )


def test_every_field_that_an_entry_can_change_is_one_of_the_order() -> None:
    fixed = {"id", "version", "state", "updated_at"}
    assert set(Changes.__struct_fields__) == set(WorkOrder.__struct_fields__) - fixed
    assert isinstance(standing("filed").history[0], OrderEntry)


def test_time_never_runs_backwards_and_has_an_offset() -> None:
    life = Life().do("accept", "grid_member", minutes=10)
    order, entry = act(
        life.order, "start", "A", "grid_member", "", NOON - timedelta(hours=1), rules=RULES, calendar=CALENDAR
    )
    assert entry.at == life.order.updated_at == order.updated_at
    with pytest.raises(InputError, match="names no offset"):
        whole_seconds(datetime(2026, 5, 1))  # without an offset
    assert whole_seconds(NOON + timedelta(milliseconds=999)) == NOON.astimezone(UTC)


def test_the_table_has_a_need_for_each_check() -> None:
    needs = {need for row in ROWS.values() for need in row.needs} - {"note"}
    assert needs <= set(args_of({}).__struct_fields__)
