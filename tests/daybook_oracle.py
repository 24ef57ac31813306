"""The slow, obvious truth of a day: the whole log is read, every thing asked where it is; a random life."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from typing import TYPE_CHECKING, Any

from gridmap.orders import clocks
from gridmap.orders.order import entry_from_json, order_from_json, replay
from gridmap.orders.words import LIVE
from gridmap.store.log import EVENT, ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from office import Office

    from gridmap.orders.calendar import WorkCalendar
    from gridmap.orders.order import WorkOrder
    from gridmap.store.log import Entry
    from gridmap.twin import Snapshot

CHINA = timezone(timedelta(hours=8))
MAY_BE_LEFT_OUT = ("urgency", "title")


@dataclass
class Thing:
    """What a dictionary remembers of a thing; `episodes` are its openings, each with its close.

    One of which only closes are known has none.
    """

    name: str
    is_open: bool
    heard: datetime
    said: dict[str, Any]
    last: int = 0
    episodes: list[tuple[datetime, datetime | None, dict[str, Any]]] = field(default_factory=list)


def things_of(entries: Iterable[Entry], until: datetime | None = None) -> dict[str, Thing]:
    """Every thing of the log, or of what had come until a moment."""
    things: dict[str, Thing] = {}
    about: dict[tuple[str, str], str] = {}
    for entry in entries:
        if entry.kind != EVENT:
            continue
        said = json.loads(entry.body)
        source, name = said["source"], said["id"]
        corrected = about.get((source, said.get("corrects", "")))
        about[source, name] = corrected or f"{source}/{said.get('subject', name)}"
        if until is None or moment(said["received_at"]) <= until:
            _count(things, about[source, name], said)
            things[about[source, name]].last = entry.seq
    return things


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _count(things: dict[str, Thing], name: str, said: dict[str, Any]) -> None:
    when = min(moment(said["occurred_at"]), moment(said["received_at"]))
    op = said.get("op") or ("update" if "corrects" in said else "open")
    opens = op != "close"
    thing = things.get(name)
    if thing is None:
        said = {"urgency": "blue", "title": "", "drill": False, "at": None} | said
        thing = things[name] = Thing(name, opens, when, said)
        if opens:
            thing.episodes.append((when, None, said))
        return
    if when < thing.heard:
        return
    if said.get("drill") and thing.is_open and not thing.said["drill"]:
        return
    now = {"drill": said.get("drill", False), "class": said["class"]}
    now |= {key: said[key] for key in MAY_BE_LEFT_OUT if said.get(key)}
    if said.get("unplaced") != "no place was given":
        now |= {"at": said.get("at"), "code": said["code"]}
    thing.said = thing.said | now
    opens = thing.is_open if op == "update" else opens
    if opens and not thing.is_open:
        thing.episodes.append((when, None, thing.said))
    elif thing.is_open:
        thing.episodes[-1] = (thing.episodes[-1][0], None if opens else when, thing.said)
    thing.is_open, thing.heard = opens, when


def orders_of(entries: Iterable[Entry]) -> list[WorkOrder]:
    """Every order of the log, as its history makes it."""
    histories: dict[str, list[Any]] = {}
    for entry in entries:
        if entry.kind == ORDER:
            line = entry_from_json(entry.body)
            histories.setdefault(line.order, []).append(line)
    return [replay(lines) for lines in histories.values()]


def grid_of(at: Any, code: str | None, city: Snapshot) -> str | None:
    """The grid of a place by an edition; what has no point keeps its code while there is that grid."""
    if at is not None:
        return city.locate(at[0], at[1], "wgs84")
    return code if code is not None and city.has(code) else None


def is_in(grid: str | None, area: str | None, city: Snapshot) -> bool:
    if area is None:
        return True
    return grid is not None and area in {each.code for each in city.chain(grid)}


def is_overdue(order: WorkOrder, now: datetime, calendar: WorkCalendar) -> bool:
    running = [clock for clock in order.clocks if clock.since is not None and clock.done_at is None]
    return any(clocks.used(clock, now, calendar) >= clock.allowed_s for clock in running)


def day_of(
    entries: list[Entry], city: Snapshot, now: datetime, calendar: WorkCalendar, area: str | None
) -> dict[str, Any]:
    """The numbers of today in an area."""
    today = now.astimezone(CHINA).date()
    new_by_hour, closed_by_hour, new_by_class = Counter[int](), Counter[int](), Counter[str]()
    drills = 0
    urgent: list[tuple[datetime, str]] = []
    for thing in things_of(entries).values():
        grid = grid_of(thing.said["at"], thing.said["code"], city)
        if not is_in(grid, area, city):
            continue
        if not thing.episodes:
            continue
        opened, closed, _ = thing.episodes[-1]
        opened = opened.astimezone(CHINA)
        if opened.date() == today:
            if thing.said["drill"]:
                drills += 1
                continue
            new_by_hour[opened.hour] += 1
            new_by_class[thing.said["class"]] += 1
            if thing.said["urgency"] in ("red", "orange"):
                urgent.append((opened.replace(microsecond=0), thing.name))
        if closed is not None and closed.astimezone(CHINA).date() == today and not thing.said["drill"]:
            closed_by_hour[closed.astimezone(CHINA).hour] += 1
    live = [
        order
        for order in orders_of(entries)
        if order.state in LIVE and not order.drill and is_in(grid_of(order.at, order.code, city), area, city)
    ]
    return {
        "new": sum(new_by_hour.values()),
        "closed": sum(closed_by_hour.values()),
        "open": len(live),
        "overdue": sum(is_overdue(order, now, calendar) for order in live),
        "urgent": sum(order.urgency in ("red", "orange") for order in live),
        "drills": drills,
        "new_by_hour": [new_by_hour[hour] for hour in range(24)],
        "closed_by_hour": [closed_by_hour[hour] for hour in range(24)],
        "new_by_class": dict(new_by_class),
        "open_by_class": dict(Counter(order.class_ for order in live)),
        "alarms": [name for _, name in sorted(urgent, reverse=True)],
    }


def open_between(
    entries: list[Entry], begin: datetime, end: datetime
) -> list[tuple[str, datetime, datetime | None]]:
    """Which things were open at any moment from one to another, as it was known at the end."""
    return sorted(
        (
            (thing.name, opened, closed)
            for thing in things_of(entries, end).values()
            for opened, closed, _ in thing.episodes
            if opened <= end and (closed is None or closed >= begin)
        ),
        key=lambda each: (each[1], each[0]),
    )


CLASSES = ("城市管理", "公共安全", "民生服务", "应急")
URGENCIES = ("red", "orange", "yellow", "blue", None)


class Life:
    """Lets things happen in an office at random: late, repeated, corrected, in drills, without a place."""

    def __init__(self, office: Office, seed: int) -> None:
        self.office = office
        self._chance = Random(seed)
        self._said: list[dict[str, Any]] = []
        self._grids = list(office.twin.current.partition.finest.codes)

    def go_on(self, steps: int) -> None:
        """Let so many things happen."""
        deeds = (self._report, self._speak_again, self._correct, self._repeat, self._act, self._wait)
        for _ in range(steps):
            self._chance.choices(deeds, (6, 5, 2, 1, 3, 4))[0]()
        self.office.keep()

    def _report(self) -> None:
        subject = f"s-{self._chance.randrange(40)}" if self._chance.random() < 0.5 else None
        self._say(subject=subject, op="close" if self._chance.random() < 0.2 else None)

    def _speak_again(self) -> None:
        if self._said:
            earlier = self._chance.choice(self._said[-60:])
            op = self._chance.choice(("close", "close", "update", "open"))
            self._say(subject=earlier.get("subject") or earlier["id"], op=op)

    def _correct(self) -> None:
        if self._said:
            self._say(
                corrects=self._chance.choice(self._said)["id"],
                op=self._chance.choice(("update", "close", "open", None)),
            )

    def _repeat(self) -> None:
        if self._said:
            before, said = self.office.book.head(), dict(self._chance.choice(self._said))
            self.office.report(said.pop("id"), **said)
            assert self.office.book.head() == before, "what is said twice stands in the log once"

    def _act(self) -> None:
        rows = self.office.book.looking(lambda desk: desk.live_orders(0, 1000))
        waiting = [row for row in rows if row.state == "dispatched" and row.person is not None]
        if waiting:
            row = self._chance.choice(waiting)
            role = order_from_json(row.body).assignees[0].role
            self.office.act(row.number, "accept", role, actor="p")

    def _wait(self) -> None:
        self.office.wait(seconds=self._chance.choice((1, 60, 1800, 7200, 20_000)))

    def _say(self, **said: Any) -> None:
        late = timedelta(seconds=self._chance.choice((0, 0, 0, 5, 600, 20_000, 90_000, -7200)))
        said |= {
            "class": self._chance.choice(CLASSES),
            "urgency": self._chance.choice(URGENCIES),
            "drill": True if self._chance.random() < 0.1 else None,
            "occurred_at": (self.office.now - late).astimezone(CHINA).isoformat(),
            **self._place(),
        }
        said = {name: value for name, value in said.items() if value is not None}
        name = f"e-{len(self._said)}"
        self._said.append({"id": name, **said})
        self.office.report(name, **said)

    def _place(self) -> dict[str, Any]:
        grid = self._chance.choice(self._grids)
        outside = {"lon": 100.0, "lat": 20.0, "crs": "wgs84"}
        return self._chance.choice(({"code": grid}, {"code": grid}, {"place": grid}, outside, {}))
