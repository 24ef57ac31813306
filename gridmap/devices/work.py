"""What is done to the states of devices inside one transaction: heard, looked at, held; and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from gridmap.devices import engine
from gridmap.devices.engine import Now
from gridmap.devices.feed import Hold, feed_body, read_feed
from gridmap.devices.states import OFFLINE, body_of, looks_same, read_state
from gridmap.devices.telling import event_of
from gridmap.store.device_states import StateRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from gridmap.devices.document import Reading
    from gridmap.devices.rules import Rules
    from gridmap.devices.states import State
    from gridmap.store.device_states import DeviceTable, Known


FEW: Final = "few"
HELD: Final = "held"
RETURNED: Final = "returned"
LOST: Final = "lost"
"""What is made of devices that are due: they are judged; they may be too many to be believed; enough of those
were heard again, and the rest get their time anew; they are believed, without an event for each."""


class Work:
    """One transaction's work; `close` stores what the feed is then."""

    def __init__(
        self, table: DeviceTable, wall: datetime, since: datetime | None, rules: Rules, fingerprint: str
    ) -> None:
        """`since` is from when on this process has listened, None where it does not."""
        self._table = table
        self._rules = rules
        self._hushed = replace(rules, offline=replace(rules.offline, event=None))
        self._fingerprint = fingerprint
        self._wall = wall
        self._changed = table.changed
        feed = read_feed(table.feed, wall, fingerprint)
        self.feed = feed.at_moment(wall, since)
        self.told: list[dict[str, Any]] = []
        """The events that follow."""

    @property
    def now(self) -> Now:
        """The moment of this transaction."""
        return Now(self._wall, self.feed.ms)

    def hear(self, readings: Sequence[Reading]) -> list[str | None]:
        """Let readings count; of each why it cannot be used, None where it can."""
        known = self._table.known({reading.device for reading in readings})
        reasons = [_refusal(reading, known.get(reading.device)) for reading in readings]
        good = [reading for reading, reason in zip(readings, reasons, strict=True) if reason is None]
        self._step({reading.device for reading in good}, good, known, self._rules)
        return reasons

    def look(self, at_once: int) -> int:
        """Look at some devices that are due; how many there were: fewer than `at_once` were the last."""
        table = self._table
        if self.feed.rules != self._fingerprint:
            table.call_all()
            self.feed = replace(self.feed, rules=self._fingerprint)
        if called := table.due(0, at_once):
            self._date(called)
            return at_once
        verdict, due = self._believed()
        if verdict == HELD:
            return 0
        rows = [row.device for row in table.due(self.feed.ms, max(at_once, due))]
        known = table.known(rows)
        table.drop(code for code in rows if code not in known)  # the register has them no more
        if verdict == RETURNED:
            self._renew(known)
        else:
            self._step(known, (), known, self._hushed if verdict == LOST else self._rules)
        return len(rows)

    def close(self) -> None:
        """Store the feed as it is now, with what is to be told."""
        feed = replace(self.feed, pending=(*self.feed.pending, *self.told))
        self._table.put_feed(self._changed, feed_body(feed))

    def _date(self, called: Sequence[StateRow]) -> None:
        """Say anew when devices are due that were called; nothing is concluded yet, they may be many."""
        known = self._table.known(row.device for row in called)
        out = []
        for row in called:
            due = 1  # those that the register has no more are forgotten when they are looked at
            if row.device in known:
                due = engine.due(read_state(row.body), known[row.device].kind, self.now, self._rules)
            out.append(row._replace(due=max(due, 1)))
        self._table.put(out)

    def _believed(self) -> tuple[str, int]:
        """What is made of those that are due, and how many are to be looked at in one go.

        See `gridmap.devices.feed`.
        """
        feed, rule, hold = self.feed, self._rules.feed, self.feed.hold
        if hold is not None and feed.ms < hold.next:
            return HELD, 0
        due = self._table.count_due(feed.ms)
        if not due and hold is None:
            return FEW, 0
        if not feed.is_mass(due, self._table.count_expected(), rule):
            self.feed = replace(feed, hold=None)
            return (FEW, 0) if hold is None else (RETURNED, due)
        since = feed.ms if hold is None else hold.since
        if feed.ms - since < 1000 * rule.hold_s:
            self.feed = replace(feed, hold=Hold(since, feed.ms + 1000 * rule.again_s, due))
            return HELD, 0
        self.feed = replace(feed, hold=Hold(since, feed.ms, due))
        return LOST, 0

    def _renew(self, known: Mapping[str, Known]) -> None:
        before = self._table.states(known)
        out = []
        for code, row in before.items():
            kind = known[code].kind
            state = engine.renewed(read_state(row.body), kind, self.now, self._rules)
            out.append(self._row(row, code, state, kind, looks_other=False))
        self._table.put(out)

    def _step(
        self,
        codes: Sequence[str] | set[str] | Mapping[str, Known],
        readings: Sequence[Reading],
        known: Mapping[str, Known],
        rules: Rules,
    ) -> None:
        rows = self._table.states(codes)
        before = {code: read_state(row.body) for code, row in rows.items()}
        kinds = {code: known[code].kind for code in codes}
        made = engine.step(before, readings, self.now, rules, kinds)
        out = []
        lost = 0
        for code, state in (before | made.states).items():
            was = before.get(code)
            lost += was is not None and was.status != OFFLINE and state.status == OFFLINE
            looks_other = was is None or (was is not state and not looks_same(was, state))
            row = self._row(rows.get(code), code, state, kinds[code], looks_other=looks_other)
            if row != rows.get(code):
                out.append(row)
        self._table.put(out)
        self.feed = self.feed.losing(lost, rules.feed)
        events = (event_of(signal, known[signal.device], self._rules) for signal in made.signals)
        self.told += [event for event in events if event is not None]

    def _row(
        self, row: StateRow | None, code: str, state: State, kind: str, *, looks_other: bool
    ) -> StateRow:
        if looks_other:
            self._changed += 1
        changed = self._changed if looks_other or row is None else row.changed
        return StateRow(code, changed, engine.due(state, kind, self.now, self._rules), body_of(state))


def _refusal(reading: Reading, known: Known | None) -> str | None:
    """Why a reading cannot be used, None where it can."""
    if known is None:
        return f"device: {reading.device!r} is not in the register; store it with `gridmap things devices`"
    if reading.kind is not None and reading.kind != known.kind:
        said = f"kind: {reading.device} is registered as {known.kind!r}, not as {reading.kind!r}"
        return f"{said}; correct one of them"
    return None
