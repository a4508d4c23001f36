"""Schedules: a weekly slot comes once a week everywhere on Earth, and what people type is understood or explained."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalbot.errors import BadRequest
from evalbot.reporting.schedules import DAYS, EARLIEST, MAX_LATE, When, is_too_late, local_date, parse_when, slot_of
from tests.factories import NOON, make_schedule

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
WEEKS = st.builds(
    lambda year, week: datetime(year, 1, 1, tzinfo=UTC) + timedelta(weeks=week),
    st.integers(1970, 2100),
    st.integers(0, 51),
)
MOMENTS = st.integers(0, 4_102_444_800).map(lambda second: datetime.fromtimestamp(second, UTC))
TIMES = st.times(EARLIEST).map(lambda at: at.replace(second=0, microsecond=0))
ANY_TIME = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@given(st.sampled_from(ZONES), st.sampled_from(DAYS), ANY_TIME, WEEKS)
@example("Europe/Athens", "sun", time(3, 30), datetime(2026, 3, 20, tzinfo=UTC))
@example("Europe/Athens", "sun", time(3, 30), datetime(2026, 10, 16, tzinfo=UTC))
@example("America/Nuuk", "sat", time(22, 30), datetime(2023, 3, 17, tzinfo=UTC))
@example("Australia/Lord_Howe", "sun", time(2, 15), datetime(2026, 3, 27, tzinfo=UTC))
@example("Pacific/Apia", "fri", time(9), datetime(2011, 12, 20, tzinfo=UTC))
@example("Pacific/Kwajalein", "sat", time(23, 59), datetime(1993, 8, 10, tzinfo=UTC))
def test_slot_comes_once_every_week(zone: str, day: str, at: time, start: datetime) -> None:
    """Through every clock change, and days that a country left out, slots follow one another a week apart, never doubled."""
    schedule = make_schedule(day, at, zone)
    due = [schedule.next_due(start)]
    for _ in range(5):
        due.append(schedule.next_due(due[-1]))
    steps = [later - earlier for earlier, later in pairwise(due)]
    assert all(timedelta(days=6) <= step <= timedelta(days=8) for step in steps)
    assert len({slot_of(schedule, moment) for moment in due}) == len(due)
    assert [schedule.last_due(moment) for moment in due] == due
    assert [schedule.last_due(moment - timedelta(seconds=1)) for moment in due[1:]] == due[:-1]


def test_every_zone_has_one_slot_in_every_week_of_a_year() -> None:
    """Of all zones there are, on the day when most clocks change, none has a week without its slot or with two."""
    for zone in ZONES:
        schedule = make_schedule("sun", time(3, 30), zone)
        due = [schedule.next_due(NOON)]
        for _ in range(53):
            due.append(schedule.next_due(due[-1]))
        assert {round((later - earlier) / timedelta(days=7), 1) for earlier, later in pairwise(due)} == {1.0}, zone


@given(st.sampled_from(ZONES), st.sampled_from(DAYS), ANY_TIME, MOMENTS)
@example("Pacific/Kwajalein", "sat", time(23, 59), datetime(1993, 8, 22, 12, 10, tzinfo=UTC))
@example("Pacific/Apia", "fri", time(23), datetime(2011, 12, 30, 11, tzinfo=UTC))
def test_now_lies_between_last_and_next(zone: str, day: str, at: time, now: datetime) -> None:
    """At any moment the last slot is not later, the next one is, and both are whole moments in UTC."""
    schedule = make_schedule(day, at, zone)
    last, following = schedule.last_due(now), schedule.next_due(now)
    assert last <= now < following
    assert schedule.next_due(last) == following
    assert last.tzinfo is following.tzinfo is UTC


@given(st.sampled_from(ZONES), st.sampled_from(DAYS), TIMES, WEEKS.filter(lambda moment: moment.year >= 2024))
def test_slot_is_at_its_local_time(zone: str, day: str, at: time, now: datetime) -> None:
    """People see the digest at the day and hour they chose, summer and winter; a clock change moves it an hour at most."""
    local = make_schedule(day, at, zone).next_due(now).astimezone(ZoneInfo(zone))
    wanted = datetime.combine(local.date(), at)
    assert abs(local.replace(tzinfo=None) - wanted) <= timedelta(hours=1)
    assert DAYS[local.weekday()] == day or at >= time(22)


def test_slot_is_named_by_its_local_day() -> None:
    """Monday nine o'clock in Auckland is still Sunday in UTC; the slot bears Monday's date."""
    schedule = make_schedule("mon", time(9), "Pacific/Auckland")
    due = schedule.next_due(NOON)
    assert (due, slot_of(schedule, due)) == (datetime(2026, 11, 22, 20, tzinfo=UTC), "2026-11-23")
    assert local_date("America/Los_Angeles", due) == date(2026, 11, 22)


def test_summer_time_moves_the_utc_hour() -> None:
    """The same local hour is another hour in UTC after the clocks changed."""
    schedule = make_schedule("mon", time(9), "Europe/Berlin")
    before = datetime(2026, 10, 20, tzinfo=UTC)
    assert [moment.hour for moment in (schedule.last_due(before), schedule.next_due(before))] == [7, 8]


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        ("mon 09:00 Europe/Berlin", When("mon", time(9), "Europe/Berlin")),
        ("Mon 9:00", When("mon", time(9), "Asia/Tokyo")),
        ("  FRIDAY 17:45  utc ", When("fri", time(17, 45), "UTC")),
        ("thurs 03:00 america/argentina/buenos_aires", When("thu", time(3), "America/Argentina/Buenos_Aires")),
        ("sun 23:59 Etc/GMT+5", When("sun", time(23, 59), "Etc/GMT+5")),
        ("wednesday 8:05 europe/paris", When("wed", time(8, 5), "Europe/Paris")),
    ],
)
def test_usual_ways_of_typing_are_understood(typed: str, parsed: When) -> None:
    """Short and long day names, any letter case, with or without a zone."""
    assert parse_when(typed, "Asia/Tokyo") == parsed


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "was not understood"),
        ("monday", "was not understood"),
        ("monkey 09:00", "was not understood"),
        ("sunny 09:00", "was not understood"),
        ("mo 09:00", "was not understood"),
        ("mon 24:00", "was not understood"),
        ("mon 09:60", "was not understood"),
        ("mon 9", "was not understood"),
        ("mon 09:00 ../../etc/passwd", "was not understood"),
        ("mon 09:00 UTC\nfri 10:00", "was not understood"),
        ("mon ٠٩:٠٠", "was not understood"),
        ("mon 02:59", "before 3:00"),
        ("mon 09:00 Europe/Atlantis", "no time zone 'Europe/Atlantis'"),
        ("mon 09:00 Europe", "no time zone 'Europe'"),
    ],
)
def test_anything_else_is_explained(typed: str, said: str) -> None:
    """Who typed something else is told what was wrong and how to type it."""
    with pytest.raises(BadRequest, match=said) as error:
        parse_when(typed, "UTC")
    assert error.value.hint


@given(st.text(max_size=30) | st.from_regex(r"[a-z]{3} [0-9]{1,2}:[0-9]{2} [A-Za-z/]{1,9}", fullmatch=True))
def test_any_text_is_a_time_or_a_bad_request(text: str) -> None:
    """No text brings another kind of error, and what is understood can be scheduled."""
    try:
        parsed = parse_when(text, "UTC")
    except BadRequest:
        return
    schedule = make_schedule(parsed.day, parsed.at, parsed.tz)
    assert schedule.last_due(NOON) <= NOON < schedule.next_due(NOON)
    assert parse_when(f"{parsed.day} {parsed.at:%H:%M} {parsed.tz}", "UTC") == parsed


def test_slot_missed_for_long_is_skipped() -> None:
    """A digest comes late after a night without the program, and not at all after more than that."""
    assert not is_too_late(NOON, NOON + MAX_LATE)
    assert is_too_late(NOON, NOON + MAX_LATE + timedelta(seconds=1))
