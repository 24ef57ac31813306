"""The daybook: how today stands in an area, in the memory of this process, as of one number of the log.

It follows the tables that the keeper makes, as the board does, and keeps of them what can be added up:
today's things (`today`), the live orders (`backlog`), beside these the devices and the roster. Who asks has
it brought up to date first, which costs what was written since; then his answer is sums over arrays of the
grids. Nothing is read again, but for three reasons:

- Midnight in China begins a new day: the log is bisected for its first row, and followed from there.
- Another edition has other grids: everything is placed anew by its point, or by its code, which is permanent.
- The register of devices and the roster do not say that they have changed: they are read every ten minutes,
  by whoever calls `renew`; where nobody does, by who asks.

Who asks for the devices alone waits for nothing else.

A start is like a midnight, in the middle of the day.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from gridmap.daybook.backlog import Backlog
from gridmap.daybook.days import midnight_of, place_of
from gridmap.daybook.equipment import Equipment
from gridmap.daybook.ground import Ground
from gridmap.daybook.roster import Roster
from gridmap.daybook.today import Today
from gridmap.events.document import CLASSES
from gridmap.events.situations import read_state
from gridmap.orders.order import order_from_json
from gridmap.store.log import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from gridmap.daybook.equipment import Counted
    from gridmap.daybook.ground import City
    from gridmap.daybook.roster import Duty
    from gridmap.events.situations import State
    from gridmap.orders.calendar import WorkCalendar
    from gridmap.orders.order import WorkOrder
    from gridmap.store.desk import Desk
    from gridmap.store.device_states import DeviceBook
    from gridmap.store.logbook import LogBook
    from gridmap.types import BoolArray, Int32Array, Int64Array

PAGE: Final = 5_000
"""Rows that are read at a time."""

RENEWED_S: Final = 600.0
"""How old what is known of the register and of the roster may be."""

AHEAD_S: Final = 120.0
"""So much earlier `renew` reads them, before anybody would have to who asks."""

MOST: Final = 20
"""Alarms, and posts, that are told."""


@dataclass(frozen=True)
class Sums:
    """What happened in an area today, drills left out, and how many orders are live there now."""

    new: int
    closed: int
    open: int
    overdue: int
    urgent: int
    drills: int


@dataclass(frozen=True, eq=False)
class Below:
    """The same for the areas directly below, by their row at a level."""

    depth: int
    rows: Int64Array
    new: Int64Array
    open: Int64Array
    overdue: Int64Array


@dataclass(frozen=True)
class Alarm:
    """An urgent thing of today, and its order: the one that lives, else the newest; None before the first."""

    state: State
    order: WorkOrder | None


@dataclass(frozen=True, eq=False)
class Page:
    """How today stands in an area, as of one number of the log."""

    seq: int
    as_of: datetime
    midnight: datetime
    sums: Sums
    new_by_hour: Int64Array
    closed_by_hour: Int64Array
    new_by_class: Int64Array
    open_by_class: Int64Array
    below: Below | None
    devices: Counted
    staff: int
    duty: tuple[Duty, ...]
    alarms: tuple[Alarm, ...]


class Daybook:
    """Counts today. Threads may share it; one at a time brings it up to date and reads it."""

    def __init__(
        self,
        book: LogBook,
        devices: DeviceBook,
        keeper: str,
        calendar: WorkCalendar,
        clock: Callable[[], datetime],
    ) -> None:
        """Nothing is read before somebody asks. `keeper` is the follower that makes the tables."""
        self._book = book
        self._device_book = devices
        self._keeper = keeper
        self._calendar = calendar
        self._clock = clock
        self._turn = Lock()
        self._ground: Ground | None = None
        self._posted = 0.0
        self._device_turn = Lock()
        self._equipment: Equipment | None = None
        self._registered = 0.0

    def look(self, city: City, area: str | None = None) -> Page:
        """How today stands in the area of a code that there is, by the city's edition; without one in all."""
        with self._turn:
            now = self._clock()
            ground = self._refresh(city, now)
            inside = ground.inside(area)
            orders = self._backlog.look(now)
            here = inside[orders.rows]
            today = self._today
            by_hour, closed, by_class = (
                # Of all, to take none out is half the work.
                (counts if area is None else counts[inside]).sum(axis=0)
                for counts in (today.new_by_hour, today.closed_by_hour, today.new_by_class)
            )
            sums = Sums(
                new=int(by_hour.sum()),
                closed=int(closed.sum()),
                open=int(here.sum()),
                overdue=int((orders.overdue & here).sum()),
                urgent=int((orders.urgent & here).sum()),
                drills=int(today.drills[inside].sum()),
            )
            return Page(
                seq=self._seq,
                as_of=now,
                midnight=today.midnight,
                sums=sums,
                new_by_hour=by_hour,
                closed_by_hour=closed,
                new_by_class=by_class,
                open_by_class=np.bincount(orders.classes[here], minlength=len(CLASSES)),
                below=self._below(ground, area, orders.rows, orders.rows[orders.overdue]),
                devices=self._devices_in(ground, inside),
                staff=self._roster.count(inside),
                duty=tuple(self._roster.duty(inside, now, MOST)),
                alarms=tuple(self._alarms(inside)),
            )

    def devices(self, city: City, area: str) -> Counted:
        """The devices in the area of a code that there is, by the city's edition."""
        ground = Ground(city)
        return self._devices_in(ground, ground.inside(area))

    def renew(self) -> None:
        """Read the register and the roster anew where it is time; who asks meanwhile is told of the old."""
        ground, old = self._ground, time.monotonic() - (RENEWED_S - AHEAD_S)
        if ground is None:
            return
        if self._posted < old:
            roster = Roster(self._book, ground, self._calendar)
            with self._turn:
                if self._ground is ground:  # else it was read for another edition
                    self._roster, self._posted = roster, time.monotonic()
        if self._registered < old:
            equipment = Equipment(self._device_book, ground)
            with self._device_turn:
                self._equipment, self._registered = equipment, time.monotonic()

    # Bringing it up to date

    def _refresh(self, city: City, now: datetime) -> Ground:
        midnight = midnight_of(now)
        if self._ground is None:
            ground = self._begin(Ground(city), midnight)
        elif self._ground.city is city:
            ground = self._ground
        else:
            ground = self._move(Ground(city))
        self._ground = ground
        if self._today.midnight != midnight:
            self._book.looking(lambda desk: self._begin_day(desk, ground, midnight))
        while self._book.looking(self._follow):
            pass
        if time.monotonic() - self._posted > RENEWED_S:
            self._read_roster(ground)
        return ground

    def _begin(self, ground: Ground, midnight: datetime) -> Ground:
        """Read what is live, and what stands in the city; what is of today is followed from its first row."""
        self._backlog = Backlog(ground)
        self._seq = self._book.looking(self._read_orders)
        self._book.looking(lambda desk: self._begin_day(desk, ground, midnight))
        self._read_roster(ground)
        return ground

    def _begin_day(self, desk: Desk, ground: Ground, midnight: datetime) -> None:
        low = place_of(midnight, desk, desk.checkpoint(self._keeper)).low
        self._today, self._things_seq = Today(ground, midnight, low), low

    def _read_roster(self, ground: Ground) -> None:
        self._roster = Roster(self._book, ground, self._calendar)
        self._posted = time.monotonic()

    def _move(self, ground: Ground) -> Ground:
        """Place everything anew by another edition."""
        self._today.move(ground)
        self._backlog.move(ground)
        self._read_roster(ground)
        return ground

    def _read_orders(self, desk: Desk) -> int:
        after = 0
        while rows := desk.live_orders(after, PAGE):
            after = rows[-1].number
            self._backlog.take([order_from_json(row.body) for row in rows])
        return desk.checkpoint(self._keeper)

    def _follow(self, desk: Desk) -> bool:
        """Take some of what the keeper has made since; whether there may be more."""
        head = desk.checkpoint(self._keeper)
        if head == self._seq == self._things_seq:
            return False
        rows = desk.changed_situations(self._things_seq, PAGE)
        self._today.take([read_state(row) for row in rows])
        self._things_seq = rows[-1].seq if len(rows) == PAGE else head
        entries = desk.read(self._seq, min(head - self._seq, PAGE)) if head > self._seq else []
        if entries:
            ids = {entry.key.partition(":")[0] for entry in entries if entry.kind == ORDER}
            self._backlog.take([order_from_json(row.body) for row in desk.orders(ids).values()])
            self._seq = entries[-1].seq
        return True

    def _devices_in(self, ground: Ground, inside: BoolArray) -> Counted:
        with self._device_turn:
            if self._equipment is None or time.monotonic() - self._registered > RENEWED_S:
                self._equipment = Equipment(self._device_book, ground)
                self._registered = time.monotonic()
            self._equipment.move(ground)
            self._equipment.refresh()
            return self._equipment.count(inside)

    # Reading it

    def _below(self, ground: Ground, area: str | None, rows: Int32Array, overdue: Int32Array) -> Below | None:
        """The counts of the areas directly below; None below a grid."""
        above, row = (-1, -1) if area is None else ground.find(area)
        depth = above + 1
        if depth == len(ground.partition.levels):
            return None
        size = len(ground.partition.levels[depth])
        chosen = np.arange(size) if area is None else np.flatnonzero(ground.parents(depth) == row)
        new = ground.by_area(self._today.new_by_class.sum(axis=1), depth)
        live = ground.by_area(ground.counted(rows), depth)
        late = ground.by_area(ground.counted(overdue), depth)
        return Below(depth, chosen, new[chosen], live[chosen], late[chosen])

    def _alarms(self, inside: BoolArray) -> list[Alarm]:
        things = self._today.urgent(inside, MOST)
        return self._book.looking(lambda desk: _told(desk, things)) if things else []


def _told(desk: Desk, things: list[str]) -> list[Alarm]:
    """What is to be told of some things, and their orders."""
    states = {thing: read_state(row) for thing, row in desk.situations(things).items()}
    told = {
        thing: max(rows, key=lambda row: (row.is_live, row.number))
        for thing, rows in desk.orders_about(things, live=False).items()
    }
    return [
        Alarm(states[thing], order_from_json(told[thing].body) if thing in told else None) for thing in things
    ]
