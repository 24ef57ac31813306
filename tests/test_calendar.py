"""Working time: office hours, holidays, make-up days, and years that are not known yet."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import chinese_calendar  # type: ignore[import-untyped, unused-ignore]  # it ships no types
import pytest
from hypothesis import given
from hypothesis import strategies as st
from order_oracles import CHINA, due, worked_minutes

from gridmap.errors import InputError
from gridmap.orders.calendar import KNOWN_UNTIL, WorkCalendar

CALENDAR = WorkCalendar()
DAY = 7 * 3600
WORKED = worked_minutes(date(2025, 12, 1), date(2027, 3, 31))
INSTANTS = st.datetimes(datetime(2025, 12, 1), datetime(2026, 12, 31)).map(
    lambda each: each.replace(microsecond=0, tzinfo=CHINA)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-03-02T10:00", 1, "2026-03-03T10:00"),  # Monday to Tuesday
        ("2026-03-06T10:00", 1, "2026-03-09T10:00"),  # Friday to Monday
        ("2026-03-06T09:00", 1, "2026-03-06T18:00"),  # a whole day: its last second, not the next morning
        ("2026-03-07T11:00", 1, "2026-03-09T18:00"),  # Saturday waits for Monday
        ("2026-03-02T12:30", 1, "2026-03-03T12:00"),  # the lunch hour uses nothing up
        ("2026-02-13T18:00", 1, "2026-02-14T18:00"),  # a Saturday made up for the Spring Festival
        ("2026-02-14T18:00", 1, "2026-02-24T18:00"),  # the Spring Festival itself
        ("2026-04-30T16:00", 1, "2026-05-06T16:00"),  # May Day
    ],
)
def test_a_working_day_is_a_full_day_of_office_hours(start: str, days: int, end: str) -> None:
    assert CALENDAR.day_s == DAY
    assert CALENDAR.add(at(start), days * DAY) == at(end)


@given(INSTANTS, st.integers(0, 30 * DAY))
def test_a_due_time_is_the_first_instant_by_which_the_time_has_run(start: datetime, seconds: int) -> None:
    end = CALENDAR.add(start, seconds)
    assert CALENDAR.between(start, end) == seconds
    if seconds:
        assert CALENDAR.between(start, end - timedelta(seconds=1)) == seconds - 1
    else:
        assert end == start


@given(INSTANTS.map(lambda each: each.replace(second=0)), st.integers(1, 30 * 420))
def test_whole_minutes_agree_with_a_list_of_all_worked_minutes(start: datetime, minutes: int) -> None:
    assert CALENDAR.add(start, minutes * 60) == due(start, minutes, WORKED)


@given(INSTANTS, INSTANTS, INSTANTS)
def test_time_between_adds_up(a: datetime, b: datetime, c: datetime) -> None:
    assert CALENDAR.between(a, b) + CALENDAR.between(b, c) == CALENDAR.between(a, c)


def test_every_known_day_is_what_the_library_says() -> None:
    day, wrong = date(2004, 1, 1), []
    while day <= KNOWN_UNTIL:
        if CALENDAR.is_workday(day) != (day.weekday() < 5):
            wrong.append(day)
        day += timedelta(days=1)
    assert len(wrong) > 300
    assert all(chinese_calendar.is_workday(day) == CALENDAR.is_workday(day) for day in wrong)


def test_later_years_have_weekends_only_and_it_is_said() -> None:
    later = date(KNOWN_UNTIL.year + 1, 10, 1)
    assert CALENDAR.knows(KNOWN_UNTIL)
    assert not CALENDAR.knows(later)
    assert CALENDAR.is_workday(later) == (later.weekday() < 5)


def test_a_city_can_give_days_of_its_own() -> None:
    later = date(KNOWN_UNTIL.year + 1, 10, 1)
    monday, sunday = date(2026, 3, 2), date(2026, 3, 1)
    calendar = WorkCalendar(
        ["08:30-12:00", "13:30-18:00"],
        holidays=[monday, later],
        workdays=[sunday],
        known_until=later.replace(month=12, day=31),
    )
    assert calendar.day_s == 8 * 3600
    assert (calendar.is_workday(monday), calendar.is_workday(sunday)) == (False, True)
    assert calendar.knows(later)
    assert not calendar.is_workday(later)
    assert calendar.add(at("2026-03-01T17:00"), 2 * 3600) == at("2026-03-03T09:30")


def test_always_runs_at_night_and_the_answer_is_utc() -> None:
    night = at("2026-05-01T23:00")
    assert CALENDAR.due(night, 7200, "always") == at("2026-05-02T01:00")
    assert CALENDAR.elapsed(night, night + timedelta(hours=2), "always") == 7200
    assert CALENDAR.add(night, 60).tzinfo is UTC


@pytest.mark.parametrize(
    "hours", [[], ["9-12"], ["09:00-09:00"], ["14:00-18:00", "09:00-12:00"], ["09:00-24:30"], ["25:00-26:00"]]
)
def test_office_hours_that_are_none_are_refused(hours: list[str]) -> None:
    with pytest.raises(InputError, match=r"calendar\.hours"):
        WorkCalendar(hours)


def test_a_day_cannot_be_free_and_worked_and_years_have_an_end() -> None:
    with pytest.raises(InputError, match="holiday and as working day"):
        WorkCalendar(holidays=[date(2026, 1, 5)], workdays=[date(2026, 1, 5)])
    with pytest.raises(InputError, match="begins in 2000"):
        CALENDAR.add(at("1999-12-31T12:00"), 60)
    with pytest.raises(InputError, match="ends with 2200"):
        CALENDAR.add(at("2200-12-31T12:00"), DAY * 3)
