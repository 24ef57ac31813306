"""Time limits against a count of minutes: due times, pauses, and each notice once, whoever looks when."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from order_oracles import (
    CALENDAR,
    CHAIN,
    CHINA,
    NOON,
    RULES,
    STAFF,
    Life,
    due,
    facts,
    opened,
    walked,
    worked_minutes,
)

from gridmap.errors import InputError
from gridmap.orders import clocks
from gridmap.orders.dispatch import assign
from gridmap.orders.machine import open_order
from gridmap.orders.order import WorkOrder
from gridmap.orders.rules import Rules, duration
from gridmap.orders.words import CLASSES, URGENCIES

ORDERS = 10_000
LIVES = 150
WORKED = worked_minutes(date(2024, 1, 1), date(2027, 6, 30))
MINUTES = {"min": 1, "h": 60, "d": 1440, "wh": 60, "wd": 420}
TITLES = (
    "井盖破损", "垃圾堆放", "阳台违建", "微心愿：一张书桌", "邻里噪音", "SOS 一键求助",
    "三楼起火", "燃气泄漏", "路面内涝", "占道经营", "广场舞扰民", "manhole cover gone",
)  # fmt: skip


def minutes_of(text: str) -> tuple[int, bool]:
    """A duration of the rules, read a second time: minutes, and whether of working time."""
    number = int("".join(letter for letter in text if letter.isdigit()))
    unit = "".join(letter for letter in text if letter.isalpha())
    return number * MINUTES[unit], unit.startswith("w")


def test_due_times_of_random_orders_agree_with_the_minutes() -> None:
    draw = random.Random(6)
    by_name = {rule.rule: rule for rule in RULES.clocks}
    seen: set[str] = set()
    for number in range(ORDERS):
        now = datetime(2024, 1, 1, tzinfo=CHINA) + timedelta(minutes=draw.randrange(int(2.9 * 365 * 1440)))
        given = facts(
            number, now, title=draw.choice(TITLES), urgency=draw.choice(list(URGENCIES)),
            class_=draw.choice(CLASSES),
        )  # fmt: skip
        order, _ = open_order(
            given, assign(given, CHAIN, STAFF, RULES, calendar=CALENDAR), RULES, CALENDAR, now
        )
        rule = by_name[order.rule]
        seen.add(order.rule)
        for clock in order.clocks:
            text = rule.reply if clock.name.startswith(clocks.REPLY) else getattr(rule, clock.name)
            minutes, working = minutes_of(text)
            assert clock.due_at == due(now, minutes, WORKED if working else None), (order.title, clock)
    assert seen == set(by_name)


@pytest.mark.parametrize(
    ("changed", "rule", "accept", "close"),
    [
        ({"title": "独居老人摔倒", "class_": "特殊关爱"}, "care", "5min", "24h"),
        ({"title": "SOS"}, "care", "5min", "24h"),
        ({"title": "厨房着火", "class_": "公共安全"}, "emergency", "5min", "24h"),
        ({"title": "井盖破损"}, "manhole", "4h", "24h"),
        ({"title": "垃圾满溢"}, "rubbish", "2wh", "1wd"),
        ({"title": "因垃圾争吵", "class_": "矛盾纠纷"}, "dispute", "1wd", "7d"),
        ({"title": "楼顶违建"}, "illegal_building", "1wd", "15wd"),
        ({"title": "微心愿", "class_": "民生服务"}, "wish", "1wd", "3d"),
        ({"title": "路灯不亮", "urgency": "red"}, "red", "5min", "24h"),
        ({"title": "路灯不亮", "urgency": "blue"}, "blue", "1wd", "5wd"),
        ({"title": "看见萤火虫 firefly", "urgency": "blue"}, "blue", "1wd", "5wd"),
        ({"title": "bonfire night", "urgency": "blue"}, "blue", "1wd", "5wd"),
        ({"title": "噪音", "fields": {"kind": "manhole"}}, "manhole", "4h", "24h"),
        ({"title": "噪音", "fields": {"kind": "dragon"}}, "yellow", "2wh", "3wd"),
    ],
)
def test_the_clocks_of_the_field(changed: dict[str, Any], rule: str, accept: str, close: str) -> None:
    order, _ = opened(**changed)
    found = next(each for each in RULES.clocks if each.rule == rule)
    assert (order.rule, found.accept, found.close) == (rule, accept, close)
    assert (order.clock("arrive") is not None) == (found.arrive is not None)


def random_life(draw: random.Random, number: int) -> tuple[Life, list[tuple[datetime, str]]]:
    """An order that is suspended, sent back and returned at random; and the states it went through."""
    start = datetime(2026, 1, 5, tzinfo=CHINA) + timedelta(minutes=draw.randrange(150 * 1440))
    life = Life(number, start, title=draw.choice(["井盖破损", "占道经营", "垃圾满溢"]))
    states = [(life.now, life.order.state)]
    steps = {
        "dispatched": [("accept", "grid_member")],
        "accepted": [("start", "grid_member"), ("return", "grid_member")],
        "returned": [("dispatch", "dispatcher")],
        "processing": [
            ("suspend", "dispatcher"),
            ("feedback", "grid_member"),
            ("request_delay", "grid_member"),
        ],
        "suspended": [("resume", "dispatcher")],
        "delay_requested": [("refuse_delay", "supervisor")],
        "feedback": [("rework", "verifier"), ("check", "verifier")],
        "checked": [("rework", "verifier"), ("close", "verifier")],
        "rework": [("start", "grid_member")],
    }
    for _ in range(draw.randrange(2, 14)):
        if life.order.state == "closed":
            break
        action, role = draw.choice(steps[life.order.state])
        life.do(action, role, minutes=draw.choice([1, 7, 60, 500, 1500]))
        states.append((life.now, life.order.state))
    return life, states


def test_pauses_and_marks_of_random_lives_agree_with_a_walk_through_the_minutes() -> None:
    draw, worked = random.Random(7), frozenset(WORKED)
    marks = paused = 0
    for number in range(LIVES):
        life, states = random_life(draw, number)
        end = life.now + timedelta(days=3)
        ends = [when for when, _ in states[1:]] + [end]
        still = {"suspended", "feedback", "checked", "closed"}
        segments = [
            (int(begin.timestamp()) // 60, int(until.timestamp()) // 60, state not in still)
            for (begin, state), until in zip(states, ends, strict=True)
        ]
        clock = life.order.clock("close")
        assert clock is not None
        truth = walked(segments, clock.allowed_s // 60, worked if clock.hours == "working" else None)
        assert clocks.used(clock, end, CALENDAR) == truth.used * 60
        found = {
            each.percent: each.at
            for each in clocks.notices(life.order, end, CALENDAR)
            if each.clock == "close"
        }
        assert found == truth.instants
        marks += len(found)
        paused += any(state == "suspended" for _, state in states)
    assert marks > LIVES / 2
    assert paused > LIVES / 5


def test_each_notice_is_the_same_whoever_looks_when() -> None:
    """A server that looks after every action, and one that was down all the time, find the same notices."""
    draw = random.Random(8)
    for number in range(60):
        life, _ = random_life(draw, number)
        end = life.now + timedelta(days=20)
        awake: dict[str, clocks.Notice] = {}
        order: WorkOrder | None = None
        for entry, after in zip(life.history, [*(each.at for each in life.history[1:]), end], strict=True):
            order = clocks_order(order, entry)
            for look in (entry.at, after):
                for notice in clocks.notices(order, look, CALENDAR):
                    same = awake.setdefault(notice.key, notice)
                    assert (same.at, same.percent) == (notice.at, notice.percent)
        asleep = {each.key: each.at for each in clocks.notices(life.order, end, CALENDAR)}
        assert {key: each.at for key, each in awake.items()} == asleep


def clocks_order(order: WorkOrder | None, entry: Any) -> WorkOrder:
    from gridmap.orders.order import apply

    return apply(order, entry)


def test_a_timer_that_sleeps_until_the_next_notice_misses_none() -> None:
    order, _ = opened(title="占道经营")
    now, heard = order.opened_at, list[clocks.Notice]()
    while (notice := clocks.next_notice(order, now, CALENDAR)) is not None:
        assert clocks.notices(order, notice.at - timedelta(seconds=1), CALENDAR) == heard
        now = notice.at
        heard = clocks.notices(order, now, CALENDAR)
        assert notice in heard
    assert [(each.clock, each.percent) for each in heard] == [
        ("accept", 80), ("accept", 100), ("accept", 150), ("close", 80), ("close", 100), ("close", 150),
    ]  # fmt: skip
    assert clocks.lamp(order, now, CALENDAR) == "supervised"
    assert clocks.lamp(order, order.opened_at, CALENDAR) == "green"


def test_another_urgency_begins_the_limits_anew_that_are_not_met_yet() -> None:
    life = Life(title="占道经营").do("accept", "grid_member", minutes=10)
    assert {clock.key for clock in life.order.clocks} == {"accept", "close"}
    life.do("regrade", "dispatcher", minutes=30, urgency="red")
    order = life.order
    assert (order.urgency, order.rule) == ("red", "red")
    assert [(clock.key, clock.done_at is None) for clock in order.clocks] == [
        ("accept", False),
        ("close", False),
        ("arrive", True),
        ("close.2", True),
    ]
    arrive, close = order.clock("arrive"), order.clock("close")
    assert arrive is not None
    assert close is not None
    assert (arrive.due_at, close.due_at) == (
        life.now.astimezone(UTC) + timedelta(minutes=30),
        life.now.astimezone(UTC) + timedelta(hours=24),
    )
    life.do("start", "grid_member").do("regrade", "dispatcher", urgency="red")
    assert life.order.clocks == order.clocks


def test_a_limit_that_another_urgency_does_not_have_is_over() -> None:
    life = Life(title="占道经营", urgency="red").do("regrade", "supervisor", urgency="yellow")
    arrive, accept = life.order.clock("arrive"), life.order.clock("accept")
    assert arrive is not None
    assert accept is not None
    assert (arrive.done_at is None, accept.key, accept.hours) == (False, "accept.2", "working")
    with pytest.raises(InputError, match="red, orange, yellow, blue"):
        life.do("regrade", "supervisor", urgency="purple")


def test_a_clock_that_is_over_in_time_gives_no_notice() -> None:
    life = Life(title="井盖破损").do("accept", "grid_member", minutes=10)
    later = NOON + timedelta(days=9)
    assert {each.clock for each in clocks.notices(life.order, later, CALENDAR)} == {"close"}
    accept = life.order.clock("accept")
    assert accept is not None
    assert (accept.done_at, accept.late) == (life.now.astimezone(UTC), False)


def test_a_returned_order_gets_a_new_round_of_acceptance_but_no_time_for_closing() -> None:
    life = Life(title="井盖破损").do("accept", "grid_member").do("return", "grid_member", minutes=60)
    assert [clock.key for clock in life.order.clocks] == ["accept", "close", "accept.2"]
    close = life.order.clock("close")
    assert close is not None
    assert close.due_at == NOON + timedelta(hours=24)


def test_an_escalation_gives_the_level_above_a_round_of_its_own() -> None:
    life = Life(title="井盖破损").do("escalate", "grid_member", minutes=60)
    assert [clock.key for clock in life.order.clocks] == ["accept", "close", "accept.2"]
    accept = life.order.clock("accept")
    assert accept is not None
    assert accept.due_at == life.now + timedelta(hours=4)


def test_on_the_second_is_in_time_and_one_later_is_late() -> None:
    clock = clocks.start("close", 1, "1h", NOON, CALENDAR)
    ends = [clocks.stop(clock, NOON + timedelta(seconds=s), CALENDAR, done=True) for s in (3600, 3601)]
    assert [end.late for end in ends] == [False, True]


def test_a_clock_whose_time_is_up_keeps_its_due_time_through_a_pause() -> None:
    clock = clocks.start("close", 1, "1h", NOON, CALENDAR)
    still = clocks.stop(clock, NOON + timedelta(hours=2), CALENDAR, done=False)
    again = clocks.go_on(still, NOON + timedelta(hours=9), CALENDAR)
    assert clock.due_at == still.due_at == again.due_at == NOON + timedelta(hours=1)
    early = clocks.stop(clock, NOON + timedelta(minutes=10), CALENDAR, done=False)
    assert early.due_at is None
    assert clocks.go_on(early, NOON + timedelta(hours=9), CALENDAR).due_at == NOON + timedelta(
        hours=9, minutes=50
    )


def test_marks_are_whole_seconds_rounded_up() -> None:
    clock = clocks.extend(clocks.start("close", 1, "1h", NOON, CALENDAR), 7, NOON, CALENDAR)
    begin = NOON.astimezone(UTC)
    assert [(mark.at - begin).seconds for mark in clocks.marks(clock, CALENDAR)] == [2886, 3607, 5411]


def test_each_called_department_has_its_own_clock() -> None:
    life = Life(title="井盖破损").do("whistle", "town", departments=["消防", "民政局"], minutes=10)
    assert life.order.outstanding == ("消防", "民政局")
    life.do("reply", "department", department="消防", minutes=30, note="已到场")
    done = {clock.name: clock.done_at is not None for clock in life.order.clocks}
    assert done == {"accept": False, "close": False, "reply:消防": True, "reply:民政局": False}
    assert life.order.called[0].reply == "已到场"


def test_a_delay_adds_time_and_never_warns_twice() -> None:
    life = Life(title="井盖破损").do("accept", "grid_member").do("start", "grid_member")
    life.do("request_delay", "grid_member", minutes=20 * 60, duration="12h")
    before = [each for each in clocks.notices(life.order, life.now, CALENDAR) if each.clock == "close"]
    assert [each.percent for each in before] == [80]
    life.do("grant_delay", "dispatcher")
    close = life.order.clock("close")
    assert close is not None
    assert close.due_at == NOON + timedelta(hours=36)
    found = [each for each in clocks.coming(life.order, CALENDAR) if each.clock == "close"]
    assert [(each.percent, each.at) for each in found] == [
        (80, before[0].at),
        (100, NOON + timedelta(hours=36)),
        (150, NOON + timedelta(hours=54)),
    ]
    life.do("request_delay", "grid_member")
    with pytest.raises(InputError, match="counts always time"):
        life.do("grant_delay", "dispatcher", duration="1wd")
    life.do("grant_delay", "dispatcher")
    close = life.order.clock("close")
    assert close is not None
    assert close.due_at == NOON + timedelta(hours=48)


def test_a_due_time_beyond_the_known_holidays_says_so_and_moves_when_they_are_known() -> None:
    life = Life(now=datetime(2026, 12, 28, 9, tzinfo=CHINA), title="楼顶违建")
    close = life.order.clock("close")
    assert close is not None
    assert close.assumed
    known = Rules.of({"calendar": {"holidays": ["2027-01-01"], "known_until": "2027-12-31"}}).work_calendar()
    moved = clocks.retimed(close, known)
    assert close.due_at is not None
    assert moved.due_at is not None
    assert (moved.assumed, known.between(close.due_at, moved.due_at)) == (False, 7 * 3600)


def test_rules_go_into_json_and_back_and_a_city_changes_what_it_names() -> None:
    assert Rules.of(RULES.document()).document() == RULES.document()
    city = Rules.of({"clocks": [{"rule": "all", "accept": "1h", "close": "2d"}], "full": 9})
    assert (city.clock_rule("sos", "应急", "red").rule, city.full, city.kinds) == ("all", 9, RULES.kinds)
    assert city.named("manhole", None, "其他", "blue").rule == "all"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"clock": []}, "unknown field `clock`"),
        ({"clocks": []}, "the last rule must fit every order"),
        ({"clocks": [{"rule": "a", "accept": "soon", "close": "1d"}]}, r"clocks\[0\]\.accept: 'soon' is no"),
        ({"clocks": [{"rule": "a", "accept": "1h", "close": "1d", "kinds": ["x"]}]}, "'x' is not known"),
        ({"clocks": [{"rule": "a", "accept": "1h", "close": "99999d"}]}, "longer than 3650 days"),
        ({"matters": {"official": "moon"}}, "'moon' is not known"),
        ({"posts": {"其他": ["网格长"]}}, 'add "\\*"'),
        ({"kinds": [{"kind": "x"}]}, "words or classes"),
        ({"full": 0}, "full is at least 1"),
        ({"calendar": {"hours": ["18:00-09:00"]}}, "each after the one before"),
        ({"calendar": {"holidays": ["tomorrow"]}}, "Invalid"),
    ],
)  # fmt: skip
def test_rules_that_cannot_be_kept_are_refused(document: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Rules.of(document)


def test_durations() -> None:
    assert [duration(text).on(CALENDAR) for text in ("5min", "4h", "7d", "4wh", "15 wd")] == [
        300, 14400, 604800, 14400, 15 * 25200,
    ]  # fmt: skip
    with pytest.raises(InputError, match="write 30min"):
        duration("0min")
