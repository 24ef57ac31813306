"""Who gets an order: duty, class, matter, urgency, nearness and load; one answer, with its reasons."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from order_oracles import CALENDAR, CHAIN, CHINA, GRID, NEIGHBOUR, NOON, RULES, STAFF, facts

from gridmap.city.staff import ROLES, SHIFTS
from gridmap.model import StaffPost
from gridmap.orders.dispatch import OFF_DUTY, ON_CALL, ON_DUTY, assign, on_duty
from gridmap.orders.order import Assignment
from gridmap.orders.words import HOLDERS

NIGHT = datetime(2026, 4, 29, 3, tzinfo=CHINA)


def assigned(now: datetime = NOON, **changed: Any) -> Assignment:
    return assign(facts(now=now, **changed), CHAIN, STAFF, RULES, calendar=CALENDAR)


def test_the_duty_member_of_the_grid_gets_it_and_why() -> None:
    found = assigned()
    assert (found.grid, found.post, found.person, found.role, found.level, found.queue) == (
        GRID, f"{GRID}-02", "P-full", "grid_member", "grid", None,
    )  # fmt: skip
    assert [reason.zh for reason in found.reasons] == [f"责任网格 {GRID}", "专职网格员 P-full 当班"]
    assert all(reason.en for reason in found.reasons)


def test_the_class_decides_which_post_is_asked_first() -> None:
    assert assigned(class_="矛盾纠纷", title="邻里争吵").person == "P-head"
    assert assigned(class_="党建政务", title="志愿活动").person == "P-head"  # the instructor is only on call


def test_who_is_on_call_comes_before_who_is_off_duty() -> None:
    assert assigned(NIGHT).person == "P-micro"
    assert assigned(NIGHT, class_="党建政务", title="志愿活动").person == "P-guide"


@pytest.mark.parametrize(
    ("matter", "level", "post"),
    [
        ("official", "town", "desk:500103001"),
        ("community", "community", "desk:500103001001"),
        ("family", "grid", f"{GRID}-02"),
        (None, "grid", f"{GRID}-02"),
    ],
)
def test_the_matter_decides_who_leads(matter: str | None, level: str, post: str) -> None:
    found = assigned(matter=matter)
    assert (found.level, found.post) == (level, post)
    assert found.role in HOLDERS[level]
    assert assigned(matter=matter, urgency="red", title="险情").level == "grid"


def test_an_sos_calls_four_in_parallel_and_care_the_family_doctor() -> None:
    sos = assigned(title="SOS 一键求助")
    assert [sos.person, *sos.called] == ["P-full", "家庭医生", "社区值班", "120急救"]
    assert sos.reasons[-1].en.startswith("called in parallel")
    assert assigned(title="独居老人 24 小时未开门", class_="特殊关爱").called == ("家庭医生",)
    assert assigned().called == ()


def test_without_a_grid_the_finest_desk_known_has_it_in_the_queue() -> None:
    lost = facts(code=None)
    levels = [assign(lost, CHAIN[:length], STAFF, RULES) for length in range(4)]
    assert [each.level for each in levels] == ["city", "district", "town", "community"]
    assert [each.post for each in levels][:2] == ["desk:city", "desk:500103"]
    assert all(each.queue == "unassigned" and each.person is None and each.reasons for each in levels)


def test_a_grid_without_staff_falls_to_its_community_and_one_without_chain_to_the_city() -> None:
    assert assign(facts(), CHAIN, [], RULES).post == "desk:500103001001"
    alone = assign(facts(), CHAIN[-1:], [], RULES)
    assert (alone.post, alone.queue, alone.grid) == ("desk:city", "unassigned", GRID)
    strange = [StaffPost("x", GRID, "消防员", "P-x", "待命")]
    assert assign(facts(), CHAIN, strange, RULES).person is None


def test_a_full_member_is_passed_over_and_the_less_loaded_preferred() -> None:
    twins = [StaffPost(f"{GRID}-{n}", GRID, "专职网格员", f"P-{n}", "早班 07:00-15:00") for n in (1, 2)]
    both = [*STAFF, *twins]
    loads = {"P-1": 2, "P-2": 1, "P-full": 3}
    assert assign(facts(), CHAIN, both, RULES, loads=loads).person == "P-2"
    busy = dict.fromkeys(["P-1", "P-2", "P-full"], RULES.full)
    found = assign(facts(), CHAIN, both, RULES, loads=busy)
    assert found.person == "P-head"
    assert found.reasons[-1].en.endswith("0 open orders")


def test_the_nearest_goes_first_where_it_is_urgent() -> None:
    positions = {"P-full": (106.590, 29.559), "P-head": (106.578, 29.559)}
    urgent, calm = facts(title="三楼起火"), facts()
    found = assign(urgent, CHAIN, STAFF, RULES, positions=positions, calendar=CALENDAR)
    assert found.person == "P-head"
    assert "97 m away" in found.reasons[1].en
    assert assign(calm, CHAIN, STAFF, RULES, positions=positions, calendar=CALENDAR).person == "P-full"
    twin = StaffPost(f"{GRID}-09", GRID, "专职网格员", "P-near", "早班 07:00-15:00")
    near = {**positions, "P-near": (106.577, 29.5591)}
    assert assign(calm, CHAIN, [*STAFF, twin], RULES, positions=near).person == "P-near"


def test_a_neighbour_helps_out_only_where_nobody_is_there() -> None:
    own = [post for post in STAFF if post.shift != "待命"]
    helper = StaffPost(f"{NEIGHBOUR}-02", NEIGHBOUR, "专职网格员", "P-next", "夜班 23:00-07:00")
    assert assign(facts(), CHAIN, [*own, helper], RULES).person == "P-full"
    found = assign(facts(now=NIGHT), CHAIN, [*own, helper], RULES)
    assert (found.person, found.grid) == ("P-next", GRID)
    assert f"helps out from {NEIGHBOUR}" in found.reasons[1].en
    assert assign(facts(now=NIGHT), CHAIN, [*STAFF, helper], RULES).person == "P-micro"


@given(st.integers(0, 2**32))
def test_the_same_input_gives_the_same_answer_in_any_order(seed: int) -> None:
    draw = random.Random(seed)
    staff = [
        StaffPost(
            f"{grid}-{number:02d}", grid, draw.choice(ROLES), f"P-{draw.randrange(6)}", draw.choice(SHIFTS)
        )
        for grid in (GRID, NEIGHBOUR)
        for number in range(draw.randrange(1, 7))
    ]
    loads = {f"P-{number}": draw.randrange(7) for number in range(6)}
    positions = {f"P-{number}": (106.57 + draw.randrange(3) / 100, 29.56) for number in range(4)}
    event = facts(title=draw.choice(["井盖破损", "SOS"]))
    first = assign(event, CHAIN, staff, RULES, loads=loads, positions=positions, calendar=CALENDAR)
    draw.shuffle(staff)
    assert first == assign(event, CHAIN, staff, RULES, loads=loads, positions=positions, calendar=CALENDAR)
    assert first.role in HOLDERS[first.level]
    assert first.person in {post.person for post in staff}


@pytest.mark.parametrize(
    ("shift", "at", "duty"),
    [
        ("早班 07:00-15:00", "2026-04-29T07:00", ON_DUTY),
        ("早班 07:00-15:00", "2026-04-29T15:00", OFF_DUTY),
        ("夜班 23:00-07:00", "2026-04-29T02:00", ON_DUTY),
        ("夜班 23:00-07:00", "2026-04-29T23:00", ON_DUTY),
        ("夜班 23:00-07:00", "2026-04-29T12:00", OFF_DUTY),
        ("白班 09:00-18:00", "2026-04-29T12:00", ON_DUTY),
        ("白班 09:00-18:00", "2026-05-01T12:00", OFF_DUTY),  # May Day
        ("周末班 09:00-18:00", "2026-05-01T12:00", ON_DUTY),
        ("周末班 09:00-18:00", "2026-05-09T12:00", OFF_DUTY),  # a Saturday that is made up
        ("夜班 16:00-24:00", "2026-04-29T23:59", ON_DUTY),
        ("夜班 16:00-24:00", "2026-04-29T00:00", OFF_DUTY),
        ("全天 00:00-24:00", "2026-04-29T00:00", ON_DUTY),
        ("全天 00:00-24:00", "2026-04-29T23:59", ON_DUTY),
        ("夜班 24:00-08:00", "2026-04-29T07:59", ON_DUTY),
        ("夜班 24:00-08:00", "2026-04-29T08:00", OFF_DUTY),
        ("夜班 16:00-24:30", "2026-04-29T12:00", ON_CALL),  # no time, so it names no hours
        ("夜班 16:00-25:00", "2026-04-29T12:00", ON_CALL),
        ("待命", "2026-04-29T12:00", ON_CALL),
        ("", "2026-04-29T12:00", ON_CALL),
    ],
)
def test_shifts(shift: str, at: str, duty: int) -> None:
    assert on_duty(shift, datetime.fromisoformat(at).replace(tzinfo=CHINA), CALENDAR) == duty


def test_without_a_calendar_weekends_are_free() -> None:
    assert on_duty("周末班 09:00-18:00", datetime(2026, 5, 9, 12, tzinfo=CHINA)) == ON_DUTY
