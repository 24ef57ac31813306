"""Readings, rules and the pure engine: what becomes of a device, held against a slow and obvious answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmap.devices import document, engine
from gridmap.devices.document import Reading
from gridmap.devices.engine import Now, Signal
from gridmap.devices.feed import Feed
from gridmap.devices.rules import DEFAULTS, Rules, read_rules
from gridmap.devices.states import State, body_of, read_state, shown
from gridmap.devices.telling import event_of
from gridmap.errors import InputError
from gridmap.events.document import from_object
from gridmap.store.device_states import NEVER, Known

START = datetime(2026, 5, 1, tzinfo=UTC)
HOUR = 3600
RULES = read_rules()


class Device:
    """One device of a kind, moved through time; the feed's clock runs with ours unless it is told not to."""

    def __init__(self, kind: str = "door", rules: Rules = RULES) -> None:
        self.kind = kind
        self.rules = rules
        self.wall = START
        self.feed = 0
        self.found: State | None = None
        self.signals: list[Signal] = []

    @property
    def state(self) -> State:
        assert self.found is not None
        return self.found

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(signal.type, "open" if signal.is_open else "close") for signal in self.signals]

    def pass_time(self, seconds: float, *, is_up: bool = True) -> Device:
        self.wall += timedelta(seconds=seconds)
        self.feed += int(seconds * 1000) if is_up else 0
        return self.step()

    def say(self, **fields: Any) -> Device:
        return self.step(document.from_object({"device": "d", **fields}))

    def step(self, *readings: Reading) -> Device:
        states = {} if self.found is None else {"d": self.found}
        now = Now(self.wall, self.feed)
        made = engine.step(states, readings, now, self.rules, {"d": self.kind})
        self.found = made.states.get("d", self.found)
        self.signals += made.signals
        if self.found is not None:
            assert engine.due(self.found, self.kind, now, self.rules) > self.feed
            assert read_state(body_of(self.found)) == self.found
        return self

    def beat(self, hours: int, every_h: int = 6) -> Device:
        for _ in range(0, hours, every_h):
            self.pass_time(every_h * HOUR).say(heartbeat=True)
        return self


# Readings


def test_a_reading_is_read() -> None:
    line = (
        b'{"device":"D-1","kind":"smoke","at":"2026-05-01T08:00:00+08:00","state":"alarm","value":1.5,'
        b'"battery":80,"fields":{"a":[1]}}'
    )
    reading = document.decode(line)
    assert (reading.device, reading.at, reading.state, reading.value) == ("D-1", START, "alarm", 1.5)
    assert (reading.says_state, reading.says_life) == (True, True)
    assert document.decode(b'{"device":"D-1","away_until":null}').away_until is None
    assert document.decode(b'{"device":"D-1","heartbeat":true}').away_until is msgspec.UNSET


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"state":"on"}', "device: is missing; every reading names its device"),
        ('{"device":"d"}', "reading: says nothing"),
        ('{"device":"d","at":"2026-05-01T08:00:00"}', "at: is no moment; write it as RFC 3339 with its zone"),
        ('{"device":"d","stat":"on"}', "stat: is not a field of a reading"),
        ('{"device":"d","battery":101}', "battery: expected `float` <= 100".replace("`", "'")),
        ('{"device":"d\\n","state":1}', "device: has control characters"),
        ('{"device":"d","state":[]}', "state: expected"),
        ("[1]", "reading: expected"),
        ("{", "reading: is no JSON"),
        (json.dumps({"device": "d", "fields": {"a": "x" * 5000}}), "fields: take more than 4,096 bytes"),
        ('{"device":"d","fields":{"a":' + "[" * 40 + "]" * 40 + "}}", "fields: are nested more than 16 deep"),
        ('{"device":"d","state":"' + "x" * 20_000 + '"}', "reading: takes 20,0"),
        ("[" * 100_000, "reading: takes 100,000 bytes"),
    ],
)
def test_what_is_no_reading_is_refused_in_words(line: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        document.decode(line.encode())
    assert str(refused.value).startswith(said)


def test_many_readings_are_told_apart_by_their_line() -> None:
    body = b'{"device":"a","state":1}\n\n{"device":"b"}\n{"device":"c","heartbeat":true}'
    found = list(document.read_lines(body))
    assert [line for line, _ in found] == [1, 3, 4]
    assert isinstance(found[1][1], InputError)
    listed = list(document.read_json(b'[{"device":"a","state":1},{"device":"b"}]'))
    assert [isinstance(item, Reading) for _, item in listed] == [True, False]
    assert [line for line, _ in document.read_json(b' {"device":"a","state":1}')] == [1]
    with pytest.raises(InputError, match="no JSON list"):
        document.read_json(b"[1,")


@given(st.binary(max_size=200))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    for _, item in document.read_lines(body):
        assert isinstance(item, Reading | InputError)


# Rules


def test_a_city_changes_of_the_rules_what_it_names() -> None:
    rules = read_rules(b'{"silence":{"door":{"after_s":60}},"alarms":{"water":null},"feed":{"share":0.2}}')
    assert rules.silence_ms("door") == 60_000
    assert rules.silence["door"].event == RULES.silence["door"].event
    assert sorted(rules.alarms) == sorted({*DEFAULTS["alarms"]} - {"water"})
    assert (rules.feed.share, rules.feed.least) == (0.2, RULES.feed.least)
    assert read_rules(rules.document()).alarms["smoke"] == rules.alarms["smoke"]
    assert rules.fingerprint() != RULES.fingerprint() == read_rules({}).fingerprint()
    assert read_rules({"alarms": {"smoke": {"event": None}}}).telling("smoke", "smoke") is None
    assert rules.offline_ms("camera") < rules.offline_ms("whatever")
    assert rules.silence_ms("camera") is None


@pytest.mark.parametrize(
    ("given_rules", "said"),
    [
        (b"[]", "rules: are no JSON object"),
        ({"alarm": {}}, "rules: object contains unknown field 'alarm'"),
        ({"silence": {"door": {"after_s": "a day"}}}, "rules.silence[...].after_s: expected 'int'"),
        ({"offline": {"after_s": {"*": None}}}, "rules.offline.after_s: the kinds not named need a time too"),
        ({"alarms": {"silence": DEFAULTS["alarms"]["sos"]}}, "rules.alarms.silence: is no name of an alarm"),
        ({"alarms": {"x": {"kinds": ["x"]}}}, "rules.alarms.x: can never be"),
        ({"alarms": {"x": {"kinds": ["x"], "on": ["a"], "off": ["a"]}}}, "rules.alarms.x: 'a' is both"),
        ({"alarms": {"sos": {"event": {"class": "救命"}}}}, "rules.alarms.sos.event.class: '救命' is not"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused_in_words(given_rules: Any, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read_rules(given_rules)
    assert str(refused.value).startswith(said)


# Silence


def test_a_living_door_is_silent_after_a_day_once() -> None:
    door = Device().say(state="open").beat(18)
    door.pass_time(6 * HOUR - 1)
    assert (door.told, door.state.status) == ([], "online")
    door.pass_time(1)
    assert (door.told, door.state.status) == ([("silence", "open")], "silent")
    door.beat(48)
    assert door.told == [("silence", "open")]
    door.say(state="closed")
    assert door.told == [("silence", "open"), ("silence", "close")]
    assert (door.state.status, door.state.alarms) == ("online", ())
    assert door.beat(24).told[2:] == [("silence", "open")]


def test_a_heartbeat_that_repeats_the_state_is_no_sign_of_people_one_with_another_is() -> None:
    door = Device().say(state="closed")
    for _ in range(3):
        door.pass_time(6 * HOUR).say(heartbeat=True, state="closed")
    door.pass_time(3 * HOUR).say(heartbeat=True, state="open")
    assert door.beat(18).told == []
    assert door.beat(6).told == [("silence", "open")]


def test_nobody_is_looked_for_who_is_away() -> None:
    door = Device().say(state="closed")
    door.say(away_until=(START + timedelta(days=3)).isoformat())
    assert door.beat(72).told == []
    assert door.state.away_until is None
    assert door.beat(18).told == []
    assert door.beat(6).told == [("silence", "open")]


def test_a_leave_told_late_ends_the_care_and_a_return_begins_the_day_anew() -> None:
    door = Device().say(state="closed").beat(24)
    door.say(away_until="2026-06-01T00:00:00+08:00")
    assert door.told == [("silence", "open"), ("silence", "close")]
    assert door.state.status == "online"
    door.beat(24).say(away_until=None)
    assert door.beat(18).told[2:] == []
    assert door.beat(6).told[2:] == [("silence", "open")]


def test_a_leave_is_no_sign_of_life_of_the_device() -> None:
    door = Device().say(state="closed").pass_time(11 * HOUR)
    door.say(away_until="2026-06-01T00:00:00+08:00").pass_time(2 * HOUR)
    assert door.state.status == "offline"
    assert Device().say(away_until="2020-02-02T00:00:00Z").state.away_until is None


def test_a_door_that_never_spoke_is_not_silent() -> None:
    assert Device().say(heartbeat=True).beat(72).told == []
    assert Device("smoke").say(state="normal").beat(72).told == []


def test_what_was_not_heard_is_no_silence() -> None:
    door = Device().say(state="closed").beat(12)
    door.pass_time(30 * HOUR)
    assert (door.state.status, door.told) == ("offline", [])
    door.say(heartbeat=True)
    assert (door.state.status, door.told) == ("online", [])
    assert door.beat(6).told == []
    assert door.beat(6).told == [("silence", "open")]


# Offline


def test_a_device_that_is_not_heard_is_offline_once_and_without_an_event() -> None:
    camera = Device("camera").say(heartbeat=True).pass_time(299)
    assert camera.state.status == "online"
    camera.pass_time(1)
    since = camera.state.since
    assert (camera.state.status, since) == ("offline", camera.wall)
    camera.pass_time(HOUR)
    assert (camera.state.since, camera.told) == (since, [])
    assert camera.say(heartbeat=True).state.status == "online"


def test_where_the_rules_want_it_offline_is_an_event() -> None:
    event = {"class": "其他", "urgency": "blue", "kind": "device", "title": "设备离线"}
    camera = Device("camera", read_rules({"offline": {"event": event}})).say(heartbeat=True)
    camera.pass_time(HOUR).pass_time(HOUR).say(heartbeat=True).say(heartbeat=True)
    assert camera.told == [("offline", "open"), ("offline", "close")]


def test_a_last_will_shortens_the_time_and_a_word_of_the_device_takes_it_back() -> None:
    smoke = Device("smoke").say(heartbeat=True).say(lost=True).pass_time(119).say(heartbeat=True)
    assert smoke.pass_time(HOUR).state.status == "online"
    smoke.say(lost=True).pass_time(120)
    assert smoke.state.status == "offline"
    assert smoke.say(lost=True).pass_time(1).state.status == "offline"


def test_while_the_feed_is_down_nothing_runs() -> None:
    door = Device().say(state="open").beat(18)
    door.pass_time(90 * HOUR, is_up=False)
    assert (door.state.status, door.told) == ("online", [])
    door.say(heartbeat=True).pass_time(6 * HOUR)
    assert door.told == [("silence", "open")]


# Alarms


def test_an_alarm_is_told_once_until_it_is_taken_back() -> None:
    smoke = Device("smoke").say(state="normal").say(state="Alarm")
    smoke.pass_time(60).say(state="alarm").say(state="low battery", battery=3)
    assert smoke.told == [("smoke", "open")]
    smoke.pass_time(60).say(state="normal").say(state="normal")
    assert smoke.told == [("smoke", "open"), ("smoke", "close")]
    first, last = smoke.signals
    assert first.began == last.began == START
    smoke.say(state="alarm")
    assert smoke.told[2:] == [("smoke", "open")]
    assert smoke.signals[2].began > first.began


def test_a_call_is_not_over_because_the_button_was_let_go_and_the_next_is_heard() -> None:
    sos = Device("sos").say(state="pressed").say(state="released").say(state="normal")
    sos.pass_time(60).say(state="pressed")
    assert sos.told == [("sos", "open")]
    sos.pass_time(600)
    assert (sos.told, sos.state.alarms) == ([("sos", "open")], ())
    assert sos.say(state="pressed").told == [("sos", "open"), ("sos", "open")]
    assert sos.say(state="cancelled").told[2:] == [("sos", "close")]


def test_a_rule_is_for_its_kinds_and_may_have_limits() -> None:
    assert Device("camera").say(state="alarm").told == []
    limits = {"alarms": {"heat": {"kinds": ["electric"], "above": 60.0, "below": -20.0, "event": None}}}
    electric = Device("electric", read_rules(limits)).say(value=60).say(value=61).say(value=70)
    assert electric.told == [("heat", "open")]
    assert electric.say(value=60).say(value=-21).told[1:] == [("heat", "close"), ("heat", "open")]


@pytest.mark.parametrize("state", [True, 1, "1", "TRUE", " alarm "])
def test_states_are_compared_as_words(state: Any) -> None:
    assert Device("smoke").say(state=state).told == [("smoke", "open")]


# Late, twice, and wrong clocks


def test_what_is_late_or_comes_again_changes_nothing() -> None:
    smoke = Device("smoke")
    smoke.pass_time(HOUR).say(state="normal", at="2026-05-01T00:30:00Z")
    before = smoke.state
    smoke.pass_time(60)
    smoke.say(state="alarm", at="2026-05-01T00:29:59Z")
    smoke.say(state="normal", at="2026-05-01T00:30:00Z")
    assert (smoke.state, smoke.told) == (before, [])
    smoke.say(state="alarm", at="2026-05-01T00:30:00Z")
    assert smoke.told == [("smoke", "open")]
    smoke.say(heartbeat=True, at="2026-05-01T00:40:00Z")
    before = smoke.state
    smoke.pass_time(60).say(heartbeat=True, at="2026-05-01T00:39:00Z")
    assert smoke.state == before


@pytest.mark.parametrize("at", ["1970-01-01T00:00:07Z", "2031-01-01T00:00:00Z"])
def test_a_wrong_clock_does_not_hide_a_fire(at: str) -> None:
    smoke = Device("smoke").say(state="normal").pass_time(60).say(state="alarm", at=at)
    assert smoke.told == [("smoke", "open")]
    assert smoke.signals[0].at == smoke.wall


def test_an_alarm_does_not_end_before_it_began() -> None:
    door = Device().say(state="open").beat(24)
    door.say(state="closed", at=(door.wall - timedelta(hours=1)).isoformat())
    assert door.signals[1].at == door.signals[0].at == door.wall


# Events


def test_an_alarm_becomes_an_event_that_the_intake_takes() -> None:
    smoke = Device("smoke").say(state="alarm", battery=80, value=3.5, at="2026-05-01T08:00:00+08:00")
    known = Known("500103-smoke-000001", "smoke", 1_065_770_000, 295_590_000, "B-1")
    smoke.say(state="normal")
    first, last = (event_of(s._replace(device=known.code), known, RULES) for s in smoke.signals)
    assert first == {
        "id": "500103-smoke-000001:smoke:2026-05-01T00:00:00.000Z",
        "source": "device",
        "class": "应急",
        "urgency": "red",
        "op": "open",
        "subject": "500103-smoke-000001:smoke",
        "title": "烟感报警",
        "kind": "fire",
        "lon": 106.577,
        "lat": 29.559,
        "crs": "wgs84",
        "occurred_at": "2026-05-01T00:00:00.000Z",
        "fields": {
            "device": "500103-smoke-000001",
            "device_kind": "smoke",
            "alarm": "smoke",
            "building": "B-1",
            "last_reading_at": "2026-05-01T00:00:00.000Z",
            "state": "alarm",
            "value": 3.5,
            "battery": 80.0,
        },
    }
    assert last is not None
    assert (last["id"], last["op"]) == (f"{first['id']}:end", "close")
    for event in (first, last):
        assert json.loads(from_object(event, b"secret").json) == {
            name: value for name, value in event.items() if value != "open"
        }


def test_every_rule_of_the_defaults_makes_an_event_that_the_intake_takes() -> None:
    for type_ in (*RULES.alarms, "silence"):
        state = Device().say(state="open").state
        known = Known("d" * 64, "door", 0, 0, None)
        event = event_of(Signal("d" * 64, type_, False, START, START, state), known, RULES)
        assert event is not None
        from_object(event, b"secret")


def test_what_others_see_of_a_state_is_all_but_its_clock() -> None:
    smoke = Device("smoke").say(state="alarm", fields={"x": ',"clock":[1]'})
    seen = json.loads(shown(body_of(smoke.state)))
    assert seen == {
        "status": "online",
        "since": "2026-05-01T00:00:00Z",
        "heard_at": "2026-05-01T00:00:00Z",
        "alarms": [{"type": "smoke", "since": "2026-05-01T00:00:00Z"}],
        "reading": {"at": "2026-05-01T00:00:00Z", "state": "alarm", "fields": {"x": ',"clock":[1]'}},
    }


# The slow and obvious answer: minute by minute, with counters


class Oracle:
    """A door whose minutes are counted one by one: unheard, quiet, and quiet that may not count."""

    def __init__(self, offline_min: int, silence_min: int) -> None:
        self.offline_min = offline_min
        self.silence_min = silence_min
        self.is_known = self.is_offline = self.is_silent = False
        self.unheard = self.quiet = self.pending = 0
        self.has_stirred = False
        self.away = 0
        self.told: list[str] = []

    def minute(self, *, is_up: bool) -> None:
        if is_up:
            self.unheard += 1
            self.pending += 1
        self.away = max(0, self.away - 1)
        if self.away == 1:
            self.away = 0
            self.quiet = self.pending = 0

    def hear(self, *, stirs: bool) -> None:
        self.is_known = True
        if self.unheard < self.offline_min:
            self.quiet += self.pending
        self.is_offline = False
        self.unheard = self.pending = 0
        if stirs:
            self.quiet, self.has_stirred = 0, True
            if self.is_silent:
                self.told.append("close")
            self.is_silent = False

    def leave(self, minutes: int) -> None:
        self.away = minutes + 1
        if self.is_silent:
            self.told.append("close")
        self.is_silent = False

    def look(self) -> str | None:
        if not self.is_known:
            return None
        if self.unheard >= self.offline_min:
            self.is_offline = True
        elif (
            not self.away
            and self.has_stirred
            and not self.is_silent
            and self.quiet + self.pending >= self.silence_min
        ):
            self.is_silent = True
            self.told.append("open")
        if self.is_offline:
            return "offline"
        return "silent" if self.is_silent else "online"


MINUTES = st.lists(
    st.tuples(
        st.integers(1, 9),
        st.booleans(),
        st.sampled_from(["reading", "heartbeat", "nothing", "nothing", "leave"]),
    ),
    max_size=60,
)


@given(MINUTES)
def test_the_engine_agrees_with_counting_minute_by_minute(story: list[tuple[int, bool, str]]) -> None:
    rules = read_rules({"silence": {"door": {"after_s": 20 * 60}}, "offline": {"after_s": {"door": 8 * 60}}})
    door, oracle = Device("door", rules), Oracle(8, 20)
    for minutes, is_up, what in story:
        for _ in range(minutes):
            oracle.minute(is_up=is_up)
            door.pass_time(60, is_up=is_up)
            assert oracle.look() == (None if door.found is None else door.found.status)
        if what in ("reading", "heartbeat"):
            oracle.hear(stirs=what == "reading")
            door.say(**({"state": "open"} if what == "reading" else {"heartbeat": True}))
        elif what == "leave" and oracle.is_known:
            oracle.leave(5)
            door.say(away_until=(door.wall + timedelta(minutes=5)).isoformat())
        assert oracle.look() == (None if door.found is None else door.found.status)
        assert [op for _, op in door.told] == oracle.told


@given(MINUTES)
def test_looking_only_when_due_is_as_good_as_looking_every_minute(story: list[tuple[int, bool, str]]) -> None:
    rules = read_rules({"silence": {"door": {"after_s": 20 * 60}}, "offline": {"after_s": {"door": 8 * 60}}})
    often, seldom = Device("door", rules), Device("door", rules)
    due = NEVER
    for minutes, is_up, what in story:
        for _ in range(minutes):
            often.pass_time(60, is_up=is_up)
            seldom.wall, seldom.feed = often.wall, often.feed
            if due <= seldom.feed:
                seldom.step()
                due = engine.due(seldom.state, "door", Now(seldom.wall, seldom.feed), rules)
        for device in (often, seldom):
            if what in ("reading", "heartbeat"):
                device.say(**({"state": "open"} if what == "reading" else {"heartbeat": True}))
        if seldom.found is not None:
            due = engine.due(seldom.found, "door", Now(seldom.wall, seldom.feed), rules)
        assert often.told == seldom.told
        assert often.found == seldom.found


# The feed's clock


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def test_the_feeds_clock_runs_only_while_somebody_hears() -> None:
    feed = Feed(0, START).at_moment(START + minutes(1), START)
    assert feed.ms == 60_000
    assert feed.at_moment(START + minutes(9), None) == feed
    back = feed.at_moment(START + minutes(11), START + minutes(10))
    assert (back.ms, back.at) == (120_000, START + minutes(11))
    assert back.at_moment(START + minutes(12), START + minutes(20)) == back
    # Two workers whose clocks differ by seconds count each moment once, and no step back counts twice.
    assert back.at_moment(START + minutes(10.5), START) == back
    set_back = back.at_moment(START - minutes(60), START - minutes(60))
    assert (set_back.ms, set_back.at) == (120_000, START - minutes(60))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 100)), max_size=40))
def test_several_workers_count_each_moment_at_most_once(turns: list[tuple[int, int]]) -> None:
    feed, wall = Feed(0, START), START
    for worker, seconds in turns:
        wall += timedelta(seconds=seconds)
        feed = feed.at_moment(wall, START if worker else None)
    assert feed.ms <= (wall - START).total_seconds() * 1000
    assert feed.at_moment(wall, START).ms == (wall - START).total_seconds() * 1000


def test_many_at_once_are_not_believed_few_are() -> None:
    rule = RULES.feed
    feed = Feed(10_000_000, START)
    assert not feed.is_mass(19, 100, rule)
    assert feed.is_mass(20, 100, rule)
    assert not feed.is_mass(50, 1000, rule)
    assert feed.is_mass(51, 1000, rule)
    lately = feed.losing(40, rule)
    assert lately.is_mass(12, 960, rule)
    later = msgspec.structs.replace(lately, ms=feed.ms + 1000 * rule.window_s)
    assert not later.is_mass(12, 960, rule)
    assert later.losing(0, rule).lost == ()
