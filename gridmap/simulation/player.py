"""The player: sends each event when its time has come, at any speed, and lets the staff work in between.

Whoever plays at the pace of the clock sends what the day says, times and all: the same again after a restart
is the same for the service. At another speed an event happens when it is sent.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gridmap.simulation.day import Report
    from gridmap.simulation.link import Clock, Link
    from gridmap.simulation.office import Office

BATCH: Final = 500
"""Events that are sent together at most."""
ACTIONS: Final = 20
"""Actions of the staff between two looks at what is to be sent."""
CHECK_EVERY_S: Final = 60.0
"""How often it is asked whether the city is still a synthetic one."""
FINISHED: Final = 50_000
"""Things that were closed by the staff and are remembered, so that nothing follows them."""
TOLD_EVERY_S: Final = 1.0


@dataclass
class Tally:
    """What a run has done so far."""

    began: float
    sent: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    reason: str = ""
    """Of the last one that was rejected."""
    open: set[str] = field(default_factory=set)
    actions: int = 0
    in_hand: int = 0

    def line(self, now: float) -> str:
        """The run in a line."""
        rate = self.sent / max(now - self.began, 1e-3)
        said = f"{self.sent:,} events, {rate:,.1f}/s, {len(self.open):,} open"
        staff = f"; {self.actions:,} actions on orders, {self.in_hand:,} in hand"
        bad = f"; {self.rejected:,} rejected, the last: {self.reason}" if self.rejected else ""
        return said + staff + bad


class Player:
    """Plays reports to a service."""

    def __init__(
        self,
        link: Link,
        reports: Iterator[Report],
        clock: Clock,
        *,
        speed: float,
        since: float = 0.0,
        restamp: bool = True,
        office: Office | None = None,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`since` is the second of the reports that is now; with `restamp` they happen when they are sent."""
        self._link = link
        self._reports = reports
        self._clock = clock
        self._speed = speed
        self._since = since
        self._restamp = restamp
        self._office = office
        self._told = told
        self._began = clock.now()
        self._next: Report | None = next(reports, None)
        self._finished: OrderedDict[str, None] = OrderedDict()
        self.tally = Tally(self._began)

    def run(self) -> None:
        """Play to the end. EndedError: told to end before. Other errors as the link's."""
        check_at, tell_at = self._began + CHECK_EVERY_S, self._began
        while self._next is not None:
            now = self._clock.now()
            if now >= check_at:
                self._link.check_synthetic()
                check_at = now + CHECK_EVERY_S
            self._send(now)
            if self._office is not None:
                self._work(self._office, now)
            if now >= tell_at:
                self._told(self.tally.line(now))
                tell_at = now + TOLD_EVERY_S
            self._clock.wait(max(0.0, min(self._next_at(), check_at) - self._clock.now()))

    def _due(self, report: Report) -> float:
        """When a report is to be sent."""
        if not self._speed:
            return self._began
        return self._began + (report.second - self._since) / self._speed

    def _next_at(self) -> float:
        moments = [] if self._next is None else [self._due(self._next)]
        if self._office is not None:
            moments.append(self._office.next_at())
        return min(moments, default=0.0)

    def _send(self, now: float) -> None:
        batch: list[dict[str, Any]] = []
        while self._next is not None and len(batch) < BATCH and (due := self._due(self._next)) <= now:
            if self._is_wanted(self._next.event):
                batch.append(self._stamped(self._next, due))
            self._next = next(self._reports, None)
        if batch:
            self._post(batch)

    def _stamped(self, report: Report, due: float) -> dict[str, Any]:
        if not self._restamp:
            return report.event
        moment = due - (report.lag_s / self._speed if self._speed else 0.0)
        said = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
        return report.event | {"occurred_at": said}

    def _is_wanted(self, event: dict[str, Any]) -> bool:
        """Whether an event still counts: a thing that the staff have closed is over until it opens again."""
        thing = event.get("subject", event["id"])
        if thing not in self._finished:
            return True
        if event.get("op", "open") != "open":
            return False
        del self._finished[thing]
        return True

    def _work(self, office: Office, now: float) -> None:
        office.work(now, ACTIONS)
        closings, office.closings = office.closings, []
        for closing in closings:
            self._finished[closing["subject"]] = None
            if len(self._finished) > FINISHED:
                self._finished.popitem(last=False)
        if closings:
            self._post(closings)
        self.tally.actions, self.tally.in_hand = office.actions, office.in_hand

    def _post(self, batch: list[dict[str, Any]]) -> None:
        taken, tally = self._link.post(batch), self.tally
        tally.sent += len(batch)
        tally.accepted += taken.accepted
        tally.duplicates += taken.duplicates
        tally.rejected += len(taken.reasons)
        tally.reason = taken.reasons[-1] if taken.reasons else tally.reason
        for event in batch:
            thing = event.get("subject", event["id"])
            (tally.open.discard if event.get("op") == "close" else tally.open.add)(thing)
