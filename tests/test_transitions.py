"""The table: what it lets through, what it refuses, and that its picture is the one in docs."""

from __future__ import annotations

import pickle
from itertools import pairwise
from pathlib import Path

import pytest
from order_oracles import CALENDAR, ENOUGH, RULES, WAYS, Life, standing

from gridmap.errors import InputError
from gridmap.orders import diagram, words
from gridmap.orders.errors import OrderError, StaleOrderError, WrongRoleError, WrongStateError
from gridmap.orders.machine import act
from gridmap.orders.order import WorkOrder, to_json
from gridmap.orders.requests import args_of
from gridmap.orders.transitions import NEW, ROWS, SAME, TABLE, allowed, allowed_by_role, document, hindrance

PICTURE = Path(__file__).parent.parent / "docs" / "order-states.svg"


def test_every_word_of_the_table_is_known_and_used() -> None:
    states = {state for row in TABLE for state in (*row.states, row.to)} - {NEW, SAME}
    assert states == set(words.STATES) == set(WAYS)
    assert {row.action for row in TABLE} == set(words.ACTIONS)
    assert {role for row in TABLE for role in row.roles} == set(words.ROLES)


def test_a_state_and_an_action_lead_to_one_place() -> None:
    pairs = [(state, row.action) for row in TABLE for state in row.states if state != NEW]
    assert len(pairs) == len(set(pairs)) == len(ROWS)


def test_every_live_state_can_come_to_an_end_and_no_other_is_left_but_by_evaluation() -> None:
    def reach(state: str) -> set[str]:
        found, todo = {state}, [state]
        while todo:
            here = todo.pop()
            for (start, _), row in ROWS.items():
                if start == here and row.to != SAME and row.to not in found:
                    found.add(row.to)
                    todo.append(row.to)
        return found

    assert all("closed" in reach(state) for state in words.LIVE)
    assert {state: sorted(reach(state) - {state}) for state in words.OVER} == {
        "rejected": [],
        "closed": ["evaluated"],
        "evaluated": [],
        "merged": [],
        "voided": [],
    }


def test_whatever_judges_the_work_is_kept_from_its_handler() -> None:
    judging = {
        "verify", "reject", "check", "rework", "close", "evaluate", "grant_delay", "refuse_delay", "suspend",
        "merge", "void",
    }  # fmt: skip
    assert {row.action for row in TABLE if row.not_handler} == judging
    assert all(
        row.handles for row in TABLE if row.action in {"accept", "start", "feedback", "handle_on_spot"}
    )


def attempt(order: WorkOrder, action: str, role: str) -> tuple[OrderError | None, str]:
    """What comes of an action by somebody with all it needs: the refusal, or the state it led to."""
    given = args_of(ENOUGH.get(action, {}))
    try:
        moved, _ = act(
            order,
            action,
            "somebody",
            role,
            "说明",
            order.updated_at,
            rules=RULES,
            calendar=CALENDAR,
            args=given,
        )
    except OrderError as refusal:
        return refusal, ""
    return None, moved.state


@pytest.mark.parametrize("state", sorted(words.STATES))
def test_what_is_not_in_the_table_is_refused_and_changes_nothing(state: str) -> None:
    order = standing(state).order
    before = to_json(order)
    taken = 0
    for action in words.ACTIONS:
        for role in words.ROLES:
            row = ROWS.get((state, action))
            inside = row is not None and role in row.roles
            free = row is not None and inside and hindrance(row, order, role, "somebody") is None
            refusal, to = attempt(order, action, role)
            assert to_json(order) == before
            if free:
                assert row is not None
                assert to == (state if row.to == SAME else row.to)
                taken += 1
                continue
            assert refusal is not None
            assert refusal.allowed == allowed(order, role, "somebody")
            if row is None:
                assert isinstance(refusal, WrongStateError)
            elif not inside:
                assert isinstance(refusal, WrongRoleError)
            assert all(word in str(refusal) for word in (order.id, *refusal.allowed))
            assert any("一" <= letter <= "鿿" for letter in refusal.chinese)
    listed = sum(len(allowed(order, role, "somebody")) for role in words.ROLES)
    assert taken == listed == sum(map(len, allowed_by_role(order).values()))


def test_a_refusal_says_what_to_do_instead() -> None:
    life = standing("processing")
    with pytest.raises(WrongStateError) as wrong:
        life.do("close", "verifier")
    assert str(wrong.value) == (
        "order o-17: 'close' is not possible while it is in hand. Allowed now: merge. "
        "当前状态“处理中”不能结案。"
    )
    with pytest.raises(WrongRoleError, match="a resident may not 'feedback'; this is for: microgrid_leader"):
        life.do("feedback", "resident")
    again = pickle.loads(pickle.dumps(wrong.value))
    assert (type(again), again.args, again.allowed) == (WrongStateError, wrong.value.args, ("merge",))


def test_words_nobody_knows_are_errors_of_input() -> None:
    life = Life()
    with pytest.raises(InputError, match="action: 'fly' is no action"):
        life.do("fly", "system")
    with pytest.raises(InputError, match="role: 'king' is no role"):
        life.do("accept", "king")


def test_a_stale_version_is_refused_before_anything_else() -> None:
    order = standing("accepted").order
    with pytest.raises(StaleOrderError) as stale:
        act(
            order, "start", "P-full", "grid_member", "", order.updated_at, rules=RULES, calendar=CALENDAR,
            expected_version=order.version - 1,
        )  # fmt: skip
    assert stale.value.allowed == allowed(order, "grid_member", "P-full")
    assert "read it again" in str(stale.value)


def test_after_an_escalation_the_level_below_handles_no_more() -> None:
    life = standing("escalated")
    assert life.order.level == "community"
    with pytest.raises(WrongRoleError, match="handled by the level community"):
        life.do("accept", "grid_member")
    assert "accept" in allowed(life.order, "community")
    for level in ("town", "district", "department"):
        life.do("escalate", "supervisor")
        assert life.order.level == level
    with pytest.raises(WrongStateError, match="no level above department"):
        life.do("escalate", "supervisor")


def test_the_document_is_the_table() -> None:
    found = document()
    assert len(found["transitions"]) == len(TABLE)
    assert {each["state"] for each in found["states"] if each["live"]} == set(words.LIVE)
    assert all(each["zh"] and each["en"] for key in ("states", "actions", "roles") for each in found[key])


def test_the_picture_in_docs_is_the_one_of_the_table() -> None:
    assert PICTURE.read_text(encoding="utf-8") == diagram.svg(), (
        "type: .venv/bin/python scripts/order_diagram"
    )


def test_the_picture_shows_every_state_and_every_way() -> None:
    picture = diagram.svg()
    assert set(diagram.PLACES) == set(words.STATES)
    assert len(set(diagram.PLACES.values())) == len(words.STATES)
    pairs = {(state, row.to) for (state, _), row in ROWS.items() if row.to not in (SAME, state)}
    many = {(state, row.to) for row in diagram.listed() for state in row.states}
    assert pairs <= set(diagram.drawn()) | many
    assert all(f">{label.zh} {key}<" in picture for key, label in words.ACTIONS.items())


def test_no_arrow_runs_through_a_box() -> None:
    wide, high = diagram.BOX
    for state, to in diagram.drawn():
        points, _ = diagram.way(state, to)
        for box in set(diagram.PLACES) - {state, to}:
            x, y = diagram.centre(box)
            for (x1, y1), (x2, y2) in pairwise(points):
                beside = max(x1, x2) <= x - wide / 2 or min(x1, x2) >= x + wide / 2
                apart = max(y1, y2) <= y - high / 2 or min(y1, y2) >= y + high / 2
                assert beside or apart, f"{state} -> {to} runs through {box}"
