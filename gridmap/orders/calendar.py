"""When people work: office hours on working days, with the public holidays and make-up days (调休).

Time of two kinds is counted. `always` runs day and night. `working` runs in office hours of working days;
**one working day (wd) is one full day of office hours**, whenever it begins: with 9-12 and 14-18 it is
seven hours, so what starts on Monday at 10:00 is due on Tuesday at 10:00, and what arrives on Saturday
starts on Monday at 9:00 and is due at 18:00. A due time is the first instant by which the time has run:
18:00 on Friday, not 9:00 on Monday.

The library chinese_calendar knows the years that were announced. Later years are taken to be without
holidays but for their weekends, and `knows` says so; a city can give days of its own before the library
does. Hours are those of China, +08:00 all year.

Working days stand in one list of day numbers, so both sums are a bisection: with W(t) the seconds worked up
to t, `add` looks for W(start) + duration, and `between` is W(b) - W(a).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, Final

from chinese_calendar.constants import holidays, workdays

from gridmap.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CHINA: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
ALWAYS: Final = "always"
WORKING: Final = "working"
OFFICE_HOURS: Final = ("09:00-12:00", "14:00-18:00")

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2200
KNOWN_UNTIL: Final = date(max(holidays).year, 12, 31)
"""The last day whose holidays the library knows: its newest year, to the end."""

_DAY: Final = 86400
_OFFSET: Final = 8 * 3600
_EPOCH: Final = date(1970, 1, 1).toordinal()
_SPAN: Final = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")


class WorkCalendar:
    """A calendar of office hours. Guards its list of working days, which grows as it is asked."""

    def __init__(
        self,
        hours: Sequence[str] = OFFICE_HOURS,
        *,
        holidays: Iterable[date] = (),
        workdays: Iterable[date] = (),
        known_until: date = KNOWN_UNTIL,
    ) -> None:
        """A calendar with these hours; the days given here are stronger than the library's.

        Who gives all days of a year that the library does not know says so with `known_until`.
        """
        self.known_until = max(known_until, KNOWN_UNTIL)
        self.spans = _spans(hours)
        self.day_s = sum(end - begin for begin, end in self.spans)
        self._free = frozenset(holidays)
        self._extra = frozenset(workdays)
        if both := self._free & self._extra:
            raise InputError("calendar", f"{min(both)} is given as holiday and as working day; leave one out")
        self._days: list[int] = []
        self._until = date(FIRST_YEAR, 1, 1).toordinal() - _EPOCH
        self._from = self._until
        self._lock = Lock()

    def is_workday(self, day: date) -> bool:
        """Whether people work on a day."""
        if day in self._extra:
            return True
        if day in self._free:
            return False
        return day in workdays or (day.weekday() < 5 and day not in holidays)

    def knows(self, day: date) -> bool:
        """Whether the holidays of a day are known; where not, weekends alone are free."""
        return day <= self.known_until or day in self._free or day in self._extra

    def add(self, start: datetime, seconds: int) -> datetime:
        """The first instant by which so many working seconds have passed; `start` itself for none."""
        if seconds <= 0:
            return start
        days, rest = divmod(self._worked(_local(start)) + seconds, self.day_s)
        if rest == 0:
            days, rest = days - 1, self.day_s
        while len(self._days) <= days:
            self._grow(self._until + 366)
        return _instant(self._days[days] * _DAY + self._clock_time(rest))

    def between(self, start: datetime, end: datetime) -> int:
        """The working seconds from `start` to `end`; negative where `end` is earlier."""
        return self._worked(_local(end)) - self._worked(_local(start))

    def due(self, start: datetime, seconds: int, hours: str) -> datetime:
        """When so many seconds have passed: of any time (`always`) or of office hours (`working`)."""
        return self.add(start, seconds) if hours == WORKING else start + timedelta(seconds=max(seconds, 0))

    def elapsed(self, start: datetime, end: datetime, hours: str) -> int:
        """The whole seconds from `start` to `end`, of any time or of office hours."""
        if hours == WORKING:
            return self.between(start, end)
        return (end - start) // timedelta(seconds=1)

    def _worked(self, local_s: int) -> int:
        """Working seconds from the first year to a local second."""
        day, second = divmod(local_s, _DAY)
        if day < self._from:
            raise InputError("time", f"the working calendar begins in {FIRST_YEAR}; give a later instant")
        if day >= self._until:
            self._grow(day + 1)
        before = bisect_left(self._days, day)
        worked = before * self.day_s
        if before < len(self._days) and self._days[before] == day:
            worked += sum(min(second, end) - begin for begin, end in self.spans if second > begin)
        return worked

    def _clock_time(self, seconds: int) -> int:
        """The second of a day at which so many of its working seconds (at least one) have passed."""
        for begin, end in self.spans:
            if seconds <= end - begin:
                return begin + seconds
            seconds -= end - begin
        raise AssertionError("more seconds than a working day has")

    def _grow(self, until: int) -> None:
        """Know the working days up to a day number, by whole years."""
        with self._lock:
            while self._until < until:
                year = date.fromordinal(self._until + _EPOCH).year
                if year > LAST_YEAR:
                    raise InputError(
                        "time", f"the working calendar ends with {LAST_YEAR}; take a shorter time"
                    )
                end = date(year + 1, 1, 1).toordinal() - _EPOCH
                self._days += [
                    number
                    for number in range(self._until, end)
                    if self.is_workday(date.fromordinal(number + _EPOCH))
                ]
                self._until = end


def _spans(hours: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Office hours as seconds of the day. Raises InputError where they overlap, or are none."""
    spans = []
    for text in hours:
        found = _SPAN.fullmatch(text)
        if found is None:
            raise InputError("calendar.hours", f"{text!r} is no span of time; write 09:00-12:00")
        h1, m1, h2, m2 = map(int, found.groups())
        spans.append((h1 * 3600 + m1 * 60, h2 * 3600 + m2 * 60))
    edges = [edge for span in spans for edge in span]
    if not spans or edges[-1] > _DAY or any(a >= b for a, b in pairwise(edges)):
        raise InputError(
            "calendar.hours", f"{list(hours)} must be spans of one day, each after the one before"
        )
    return tuple(spans)


def _local(instant: datetime) -> int:
    """Seconds of local time in China since 1970."""
    return int(instant.timestamp()) + _OFFSET


def _instant(local_s: int) -> datetime:
    """The instant of a local second, in UTC."""
    return datetime.fromtimestamp(local_s - _OFFSET, UTC)
