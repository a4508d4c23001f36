"""Schedules: when a channel's digest is due, in the channel's own time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NewType
from zoneinfo import ZoneInfo, available_timezones

from evalbot.errors import BadRequest
from evalbot.people import PersonId, TeamId

ScheduleId = NewType("ScheduleId", str)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EARLIEST = time(3, 0)
"""Nearly all clock changes happen before this hour: a digest before it would come an hour off twice a year."""

MAX_LATE = timedelta(hours=36)
"""A slot that is later than this is skipped instead of posted."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A weekly digest of one channel: day name, local time and IANA zone."""

    id: ScheduleId
    team: TeamId
    channel: str
    day: str
    at: time
    tz: str
    created_by: PersonId
    created_at: datetime
    enabled: bool = True

    def last_due(self, now: datetime) -> datetime:
        """Give the newest moment (UTC) at or before now when the digest was due."""
        return max(moment for moment in _moments(self, now) if moment <= now)

    def next_due(self, now: datetime) -> datetime:
        """Give the next moment (UTC) after now when the digest is due."""
        return min(moment for moment in _moments(self, now) if moment > now)


def _moments(schedule: Schedule, now: datetime) -> list[datetime]:
    """Give the schedule's moments (UTC) in the local week of `now` and in the two weeks before and after it.

    A local time that a clock change leaves out comes later by what the clock was put forward; one that comes twice counts
    the first time.
    """
    zone = ZoneInfo(schedule.tz)
    today = now.astimezone(zone).date()
    this = today - timedelta(days=today.weekday() - DAYS.index(schedule.day))
    days = (this + timedelta(weeks=week) for week in range(-2, 3))
    return [datetime.combine(day, schedule.at, zone).astimezone(UTC) for day in days]


def slot_of(schedule: Schedule, moment: datetime) -> str:
    """Name the slot of a due moment by its local date: a clock change cannot make two of one."""
    return local_date(schedule.tz, moment).isoformat()


def local_date(tz: str, moment: datetime) -> date:
    """Give the calendar day of a moment in a zone."""
    return moment.astimezone(ZoneInfo(tz)).date()


_WHEN = re.compile(
    r"(?P<day>[a-z]{3,9})\s+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?:\s+(?P<tz>[a-z_]+(?:/[a-z_+\-0-9]+)*))?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class When:
    """A parsed time of the week."""

    day: str
    at: time
    tz: str


def parse_when(text: str, default_tz: str) -> When:
    """Read `mon 09:00 Europe/Berlin`; raises BadRequest with what to type for anything else."""
    example = "Type it like mon 09:00 Europe/Berlin."
    found = _WHEN.fullmatch(text.strip())
    if found is None:
        raise BadRequest("The time of the week was not understood.", example)
    word, hour, minute = found["day"].lower(), int(found["hour"]), int(found["minute"])
    if not any(name.startswith(word) for name in _DAY_NAMES) or hour > 23 or minute > 59:
        raise BadRequest("The time of the week was not understood.", example)
    at = time(hour, minute)
    if at < EARLIEST:
        raise BadRequest("Clock changes happen before 3:00.", "Choose a time from 03:00 on.")
    return When(word[:3], at, _zone_name(found["tz"] or default_tz, example))


def _zone_name(tz: str, example: str) -> str:
    """Give the name of an IANA zone, typed in any case; raises BadRequest when there is none."""
    try:
        return ZoneInfo(tz).key
    except (KeyError, ValueError, OSError):
        known = next((name for name in available_timezones() if name.lower() == tz.lower()), None)
    if known is None:
        raise BadRequest(f"There is no time zone {tz[:40]!r}.", example)
    return known


def is_too_late(due: datetime, now: datetime) -> bool:
    """Tell whether a slot missed while nobody ran is skipped instead of posted late."""
    return now - due > MAX_LATE
