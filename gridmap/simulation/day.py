"""A day of the city: who reports what, when and where, as a list that depends on its seed alone.

Theory of operation. First only the sorts and moments of all things are drawn, and put in order. Each thing
gets its place and further life when its moment comes, from seed, date and its number, so a day can be begun
at noon and is the same afternoon. So a day costs little memory, and a city that is asked
over the network is asked only for places where something happens.

A place is a share of the city's households (0.5 is where half of them are passed, in the order of codes) and
two numbers for where in its grid: so things happen where people live. Some places are hot on a given day:
one compound about which many complain, mostly of one thing.

A thing is known by the id of its first event; what follows (`<id>.2`, `<id>.3` ...) names it as subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from hashlib import blake2b
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from gridmap.simulation.rhythm import DAY_S, draw_second
from gridmap.simulation.sorts import CHANNELS, HOT, URGENCIES, Sort, draw_sort

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

SOURCE: Final = "simulator"
"""The source of every simulated event: nobody takes them for real ones."""

CHINA: Final = timezone(timedelta(hours=8))

HOT_SHARE: Final = 0.12
"""Part of what people report that comes from hot places."""
REPORTS_A_HOT_PLACE: Final = 800
"""A city of 20,000 reports a day has 25 hot places."""
NO_PLACE, OUTSIDE, BY_CODE = 0.025, 0.035, 0.07
"""Cumulative parts of what people report without a place, from outside, and with the code of a grid."""
AROUND: Final = ((106.633, 30.456), (106.927, 27.726), (107.468, 31.209), (105.443, 28.871))
"""Guang'an, Zunyi, Dazhou, Luzhou: whoever calls from there is outside."""
UPDATED, WITHDRAWN, ALARM_ENDS, AGAIN = 0.18, 0.14, 0.4, 0.15
"""Parts of things that are added to, that their source closes (of devices more), and of these: open again."""
DRILL: Final = 0.03
"""Part of the alarms of devices and of emergencies that are drills (演练)."""
LAGS_S: Final = {"g": 120, "r": 600, "h": 1800, "d": 5, "v": 30}
"""At most so long ago it happened when it is reported, by the channel."""
_INTROS: Final = {
    "g": "网格员巡查发现",
    "r": "居民随手拍上报",
    "h": "市民来电反映",
    "d": "设备自动上报",
    "v": "视频巡查识别",
}
_MORE: Final = ("现场情况有变化", "再次来电催办", "已补充现场情况", "影响范围扩大", "周边居民也有反映")
_ENDS: Final = ("已自行恢复", "反映人撤回诉求", "经核为误报", "双方已和解", "现场已自行清理")


class Place(NamedTuple):
    """A place in a grid: degrees (WGS84), the grid's code, and what people call it."""

    lon: float
    lat: float
    code: str
    name: str


class City(Protocol):
    """What a day must know of a city."""

    def place(self, share: float, across: float, up: float) -> Place:
        """The place at a share of the households, 0 to 1, and where in its grid, twice 0 to 1."""


class Report(NamedTuple):
    """An event and when it is sent, in seconds from the first midnight; it happened `lag_s` before."""

    second: float
    event: dict[str, Any]
    lag_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides a day: the same plan is the same list of events. `name` begins their ids."""

    seed: int = 1
    per_day: int = 20_000
    drill: bool = False
    name: str = ""

    @property
    def tag(self) -> str:
        """A few letters for the ids, others for another plan."""
        said = f"{self.seed}/{self.per_day}/{self.drill}"
        return self.name + blake2b(said.encode(), digest_size=2).hexdigest()


class _Hot(NamedTuple):
    share: float
    across: float
    up: float
    theme: Sort


class _Thing(NamedTuple):
    """When something begins (the second of the day), its number, and what it is."""

    second: float
    number: int
    sort: Sort


class _Step(NamedTuple):
    """Something further that happens to a thing: when, and what is other then."""

    second: float
    op: str
    text: str
    worse: bool = False
    moved: bool = False


def day(city: City, plan: Plan, date: date, since: float = 0.0) -> Iterator[Report]:
    """The events of a day by their seconds, from things that begin at `since` or later.

    What follows a thing may come after midnight.
    """
    return days(city, plan, date, since, 1)


def days(
    city: City, plan: Plan, first: date, since: float = 0.0, number: int | None = None
) -> Iterator[Report]:
    """The events of so many days, without a number of days for ever; `second` counts from the first day."""
    waiting: list[tuple[float, int, Report]] = []
    ties = count()
    for nth in count() if number is None else range(number):
        date, begin = first + timedelta(days=nth), nth * DAY_S
        hot = hot_places(plan, date)
        for begun in moments(plan, date):
            second = begin + begun.second
            if second < since:
                continue
            while waiting and waiting[0][0] <= second:
                yield heappop(waiting)[2]
            opening, *more = _life(city, plan, date, hot, begun)
            for report in more:
                late = report._replace(second=begin + report.second)
                heappush(waiting, (late.second, next(ties), late))
            yield opening._replace(second=second)
    while waiting:
        yield heappop(waiting)[2]


def moments(plan: Plan, date: date) -> list[_Thing]:
    """The things of a day in the order in which they begin."""
    chance = _chance(plan, date, "moments")
    drawn = [draw_sort(chance) for _ in range(plan.per_day)]
    return sorted(_Thing(draw_second(sort.rhythm, chance), number, sort) for number, sort in enumerate(drawn))


def hot_places(plan: Plan, date: date) -> list[_Hot]:
    """The hot places of a day, the hottest first."""
    chance = _chance(plan, date, "hot")
    number = max(1, plan.per_day // REPORTS_A_HOT_PLACE)
    return [
        _Hot(chance.random(), 0.1 + 0.8 * chance.random(), 0.1 + 0.8 * chance.random(), chance.choice(HOT))
        for _ in range(number)
    ]


def _chance(plan: Plan, date: date, what: object) -> Random:
    return Random(f"{plan.seed}/{date}/{what}")


def _life(city: City, plan: Plan, date: date, hot: list[_Hot], begun: _Thing) -> Iterator[Report]:
    """The events of one thing: the first, then what follows."""
    second, number, sort = begun
    chance = _chance(plan, date, number)
    channel = chance.choice(sort.channels)
    share, across, up = chance.random(), chance.random(), chance.random()
    if channel in "rhg" and chance.random() < HOT_SHARE:
        at = min(int(chance.expovariate(6 / len(hot))), len(hot) - 1)
        share, across, up = hot[at].share, _near(hot[at].across, chance), _near(hot[at].up, chance)
        sort = hot[at].theme if chance.random() < 0.7 else sort
    thing = f"{date:%y%m%d}-{plan.tag}-{number}"
    urgency = chance.choices(URGENCIES, sort.urgencies)[0]
    said: dict[str, Any] = {
        "id": thing,
        "source": SOURCE,
        "class": sort.class_,
        "urgency": urgency,
        "title": chance.choice(sort.titles),
        "kind": sort.kind,
        "matter": sort.matter,
        "drill": plan.drill or ((channel == "d" or sort.class_ == "应急") and chance.random() < DRILL),
        "fields": {"channel": CHANNELS[channel]},
    }
    said = {name: value for name, value in said.items() if value is not None and value is not False}
    where, name = _where(city, share, across, up, channel in "dv", chance)
    lag_s = round(chance.random() * LAGS_S[channel], 3)
    text = f"{_INTROS[channel]}：{said['title']}。{name}"
    yield Report(second, {**said, **where, "text": text, "occurred_at": _moment(date, second - lag_s)}, lag_s)
    for nth, step in enumerate(_steps(second, channel, chance), 2):
        if step.worse:
            said["urgency"] = urgency = URGENCIES[max(0, URGENCIES.index(urgency) - 1)]
        if step.moved and "lon" in where:
            where = _point(city.place(share, chance.random(), chance.random()))
        more = {"id": f"{thing}.{nth}", "subject": thing, "op": step.op, "text": step.text}
        yield Report(step.second, {**said, **where, **more, "occurred_at": _moment(date, step.second)})


def _near(at: float, chance: Random) -> float:
    return min(1.0, max(0.0, at + chance.uniform(-0.05, 0.05)))


def _where(
    city: City, share: float, across: float, up: float, fixed: bool, chance: Random
) -> tuple[dict[str, Any], str]:
    """The fields that say where it is, and the same in words. What is mounted somewhere has a point."""
    drawn = 1.0 if fixed else chance.random()
    if drawn < NO_PLACE:
        return {}, "未说明地点"
    if drawn < OUTSIDE:
        lon, lat = chance.choice(AROUND)
        point = Place(lon + chance.uniform(-0.02, 0.02), lat + chance.uniform(-0.02, 0.02), "", "")
        return _point(point), "来电位置在市外"
    found = city.place(share, across, up)
    where = {"place": found.code} if drawn < BY_CODE else _point(found)
    return where, f"地点：{found.name}" if found.name else ""


def _point(place: Place) -> dict[str, Any]:
    return {"lon": round(place.lon, 7), "lat": round(place.lat, 7), "crs": "wgs84"}


def _steps(second: float, channel: str, chance: Random) -> Iterator[_Step]:
    """What follows the first event of a thing."""
    at = second
    if chance.random() < UPDATED:
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            at = round(at + 60 + chance.expovariate(1 / 3600), 3)
            yield _Step(at, "update", chance.choice(_MORE), chance.random() < 0.25, chance.random() < 0.15)
    if chance.random() < (ALARM_ENDS if channel == "d" else WITHDRAWN):
        at = round(at + 60 + chance.expovariate(1 / (900 if channel == "d" else 7200)), 3)
        yield _Step(at, "close", chance.choice(_ENDS))
        if chance.random() < AGAIN:
            at = round(at + 300 + chance.expovariate(1 / 5400), 3)
            yield _Step(at, "open", "再次出现")
            if chance.random() < 0.5:
                yield _Step(round(at + 60 + chance.expovariate(1 / 3600), 3), "close", chance.choice(_ENDS))


def _moment(date: date, second: float) -> str:
    """A second of a day as a time of China, to the millisecond."""
    midnight = datetime(date.year, date.month, date.day, tzinfo=CHINA)
    return (midnight + timedelta(seconds=second)).isoformat(timespec="milliseconds")
