"""The engine: what readings and time make of the states of devices, and which events follow. It is pure.

Theory of operation. Two sorts of time must not be mixed up. What a device *says* is ordered by its own
clock: a reading older than the last one is late and changes nothing. What runs *against* a device (unheard,
silent, an alarm not repeated) runs on the feed's clock (`gridmap.devices.feed`), from the moment when we
heard it: a device whose clock is wrong is neither lost nor silent, and what came to pass while nobody could
hear is not held against anybody. A moment in the future, or before 2020 (a clock that was never set), is
replaced by that of receipt.

A device is **offline** when it was unheard for its kind's time, or some minutes after its connection was
lost; nothing else is concluded of it then. It is **silent** when it lives, nobody is said to be away, and it
has shown no sign of people for its kind's time. Signs are readings; a heartbeat is one only where the state
in it is another. Time in which the device itself was not heard does not count as silence: of 24 hours behind
a broken gateway nothing is known. A device that never gave a sign is not silent: it may not be fitted yet.

An **alarm** is active from the reading that says so to the one that takes it back; meanwhile it is repeated,
not told again. Every event is known by device, type and the beginning of the alarm, so told twice is once.

After `step`, nothing is due any more at that moment; `due` says when it will be.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from gridmap.devices.rules import OFFLINE as LOST
from gridmap.devices.rules import SILENCE
from gridmap.devices.states import OFFLINE, ONLINE, SILENT, Clock, Last, State
from gridmap.store.device_states import NEVER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gridmap.devices.document import Reading
    from gridmap.devices.rules import AlarmRule, Rules

FIRST_DAY: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""A device that says it is earlier has a clock that was never set."""


class Now(NamedTuple):
    """A moment: by our clock, and in ms of the feed's."""

    wall: datetime
    feed: int


class Signal(NamedTuple):
    """That an alarm of a device begins (`is_open`) or ends; `at` is when that was, `state` how it is then."""

    device: str
    type: str
    is_open: bool
    began: datetime
    at: datetime
    state: State


class Step(NamedTuple):
    """The states that are others now, and what is to be told, in order."""

    states: dict[str, State]
    signals: list[Signal]


def step(
    states: Mapping[str, State],
    readings: Sequence[Reading],
    now: Now,
    rules: Rules,
    kinds: Mapping[str, str],
) -> Step:
    """What becomes of some devices when they are heard, and when time has passed.

    `states` are those that are known of the devices concerned, `kinds` the kinds of all of them. Readings
    count in the order in which they stand there.
    """
    after = dict(states)
    signals: list[Signal] = []
    for reading in readings:
        one = _One(reading.device, kinds[reading.device], after.get(reading.device), now, rules, signals)
        one.hear(reading)
        if one.state is not None:
            after[reading.device] = one.state
    for device, state in after.items():
        one = _One(device, kinds[device], state, now, rules, signals)
        one.look()
        if one.state is not None and one.state is not state:
            after[device] = one.state
    return Step(
        {device: state for device, state in after.items() if states.get(device) is not state}, signals
    )


def due(state: State, kind: str, now: Now, rules: Rules) -> int:
    """When, by the feed's clock, time alone may change a state next; NEVER where it cannot."""
    clock, out = state.clock, NEVER
    if state.status != OFFLINE:
        out = _limit(clock, kind, rules)
        silence = rules.silence_ms(kind)
        if state.status == ONLINE and silence is not None and clock.stirred is not None:
            out = min(out, clock.stirred + silence)
    if state.away_until is not None:
        away_ms = max(1, int((state.away_until - now.wall).total_seconds() * 1000) + 1)
        # While they are away silence is none, so it is the end of the leave that matters.
        out = min(_limit(clock, kind, rules) if state.status != OFFLINE else NEVER, now.feed + away_ms)
    for alarm in state.alarms:
        rule = rules.alarms.get(alarm.type)
        if rule is not None and rule.forget_s is not None:
            out = min(out, clock.repeated.get(alarm.type, 0) + 1000 * rule.forget_s)
    return out


def renewed(state: State, kind: str, now: Now, rules: Rules) -> State:
    """A state whose time was not to be counted: as if the device had been heard now."""
    if state.status == OFFLINE:
        return state
    return replace(state, clock=_heard(state.clock, kind, now, rules))


def _limit(clock: Clock, kind: str, rules: Rules) -> int:
    """When a device that is not heard again is offline."""
    usual = clock.heard + rules.offline_ms(kind)
    return usual if clock.lost is None else min(usual, clock.lost)


def _heard(clock: Clock, kind: str, now: Now, rules: Rules) -> Clock:
    """The clock of a device that is heard now; what it was unheard for too long is no silence."""
    gap, stirred = now.feed - clock.heard, clock.stirred
    if stirred is not None and now.feed >= _limit(clock, kind, rules):
        stirred += gap
    return replace(clock, heard=now.feed, stirred=stirred, lost=None)


class _One:
    """One device while a step is made for it."""

    def __init__(
        self, device: str, kind: str, state: State | None, now: Now, rules: Rules, signals: list[Signal]
    ) -> None:
        self.device = device
        self.kind = kind
        self.state = state
        self._now = now
        self._rules = rules
        self._signals = signals

    def hear(self, reading: Reading) -> None:
        """Let a reading count."""
        at = reading.at
        if at is None or not FIRST_DAY <= at <= self._now.wall:
            at = self._now.wall
        at = at.astimezone(UTC)
        if _is_late(self.state, reading, at):
            return
        state = self._met(reading)
        if reading.lost and state.status != OFFLINE:
            lost = self._now.feed + 1000 * self._rules.offline.lost_s
            state = replace(state, clock=replace(state.clock, lost=lost))
        self.state = state
        if reading.away_until is not UNSET:
            until = reading.away_until
            self._leave(state, until and until.astimezone(UTC), at)
        if reading.says_life:
            self._say(self.state, reading, at)

    def look(self) -> None:
        """Let the time that has passed count."""
        state, now, rules = self.state, self._now, self._rules
        if state is None:
            return
        if state.away_until is not None and state.away_until <= now.wall:
            clock = state.clock
            if clock.stirred is not None:
                clock = replace(clock, stirred=now.feed)
            state = replace(state, away_until=None, clock=clock)
        for alarm in state.alarms:
            if _is_forgotten(state.clock, alarm.type, rules.alarms.get(alarm.type), now):
                state = state.without(alarm.type)
        self.state = state
        if state.status != OFFLINE and now.feed >= _limit(state.clock, self.kind, rules):
            self._lose(state)
        elif state.status == ONLINE and state.away_until is None and state.clock.stirred is not None:
            silence = rules.silence_ms(self.kind)
            if silence is not None and now.feed - state.clock.stirred >= silence:
                self.state = replace(state, status=SILENT, since=now.wall)
                self._begin(SILENCE, now.wall)

    def _met(self, reading: Reading) -> State:
        """The state to begin with: a new device is met, a known one that speaks is alive."""
        now = self._now
        state = self.state
        if state is None:
            return State(
                status=ONLINE,
                since=now.wall,
                heard_at=now.wall,
                alarms=(),
                reading=None,
                clock=Clock(now.feed),
            )
        if not reading.says_life:
            return state
        clock = _heard(state.clock, self.kind, now, self._rules)
        state = replace(state, heard_at=now.wall, clock=clock)
        if state.status == OFFLINE:
            status = ONLINE if state.alarm(SILENCE) is None else SILENT
            self.state = replace(state, status=status, since=now.wall)
            state = self._end(LOST, now.wall)
        return state

    def _leave(self, state: State, until: datetime | None, at: datetime) -> None:
        """Somebody is away until a moment, or back."""
        if until is not None and until <= self._now.wall:
            until = None
        clock = state.clock
        if until is None and state.away_until is not None and clock.stirred is not None:
            clock = replace(clock, stirred=self._now.feed)
        self.state = replace(state, away_until=until, clock=clock)
        if until is not None and state.status == SILENT:
            self.state = replace(self.state, status=ONLINE, since=self._now.wall)
        if until is not None:
            self._end(SILENCE, at)

    def _say(self, state: State, reading: Reading, at: datetime) -> None:
        """A living device says something of itself."""
        changes: dict[str, Any] = {}
        if reading.battery is not None:
            changes["battery"] = reading.battery
        if reading.heartbeat or not reading.says_state:
            changes["beat_at"] = at
        last = state.reading
        if reading.says_state:
            changes["reading"] = Last(at, reading.state, reading.value, reading.fields)
        stirs = reading.says_state and not reading.heartbeat
        if reading.heartbeat and reading.state is not None:
            stirs = last is None or last.state != reading.state
        if stirs:
            changes["clock"] = replace(state.clock, stirred=self._now.feed)
            if state.status == SILENT:
                changes |= {"status": ONLINE, "since": self._now.wall}
        self.state = replace(state, **changes)
        if stirs:
            self._end(SILENCE, at)
        for type_, rule in self._rules.alarms.items():
            if self.kind in rule.kinds:
                self._judge(type_, rule, reading, at)

    def _judge(self, type_: str, rule: AlarmRule, reading: Reading, at: datetime) -> None:
        """Let an alarm begin, go on or end, as a reading says."""
        said = verdict(rule, reading)
        state = self.state
        if state is None or said is None:
            return
        if said is False:
            self._end(type_, at)
        elif state.alarm(type_) is None:
            self._begin(type_, at)
        elif _is_forgotten(state.clock, type_, rule, self._now):
            self.state = state.without(type_)
            self._begin(type_, at)
        else:
            self.state = state.repeating(type_, self._now.feed)

    def _lose(self, state: State) -> None:
        self.state = replace(state, status=OFFLINE, since=self._now.wall)
        if self._rules.offline.event is not None:
            self._begin(LOST, self._now.wall)

    def _begin(self, type_: str, at: datetime) -> None:
        if self.state is not None and self.state.alarm(type_) is None:
            self.state = self.state.with_alarm(type_, at, self._now.feed)
            self._signals.append(Signal(self.device, type_, True, at, at, self.state))

    def _end(self, type_: str, at: datetime) -> State:
        """End an alarm where it is active; the state then."""
        assert self.state is not None
        alarm = self.state.alarm(type_)
        if alarm is not None:
            self.state = self.state.without(type_)
            # A device whose clock is behind ours must not end what began, by ours, later.
            ended = max(at, alarm.since)
            self._signals.append(Signal(self.device, type_, False, alarm.since, ended, self.state))
        return self.state


def verdict(rule: AlarmRule, reading: Reading) -> bool | None:
    """Whether a reading says that there is an alarm, or that there is none; None: it says neither."""
    if reading.state is not None:
        word = _word(reading.state)
        if word in rule.on:
            return True
        if word in rule.off:
            return False
    value = reading.value
    if value is None or (rule.above is None and rule.below is None):
        return None
    too_high = rule.above is not None and value > rule.above
    return too_high or (rule.below is not None and value < rule.below)


def _word(state: str | bool | int) -> str:
    return str(state).strip().lower()


def _is_late(state: State | None, reading: Reading, at: datetime) -> bool:
    """Whether a later word of its sort is known, or this very one."""
    if state is None:
        return False
    if reading.says_state:
        last = state.reading
        if last is None:
            return False
        same = (last.state, last.value, last.fields) == (reading.state, reading.value, reading.fields)
        return at < last.at or (at == last.at and reading.at is not None and same)
    if not reading.says_life:
        return False
    return state.beat_at is not None and at < state.beat_at


def _is_forgotten(clock: Clock, type_: str, rule: AlarmRule | None, now: Now) -> bool:
    if rule is None:
        return type_ not in (SILENCE, LOST)
    if rule.forget_s is None:
        return False
    return now.feed - clock.repeated.get(type_, 0) >= 1000 * rule.forget_s
