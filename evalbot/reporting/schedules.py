"""Schedules: when a channel's digest is due, in the channel's own time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NewType
from zoneinfo import ZoneInfo

from evalbot.errors import BadRequest
from evalbot.people import PersonId, TeamId

ScheduleId = NewType("ScheduleId", str)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EARLIEST = time(3, 0)
"""Clock changes happen before this hour: slots before it could come twice or never."""

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
        return _on_week(self, now, back=0) if _on_week(self, now, back=0) <= now else _on_week(self, now, back=1)

    def next_due(self, now: datetime) -> datetime:
        """Give the next moment (UTC) after now when the digest is due."""
        this = _on_week(self, now, back=0)
        return this if this > now else _on_week(self, now, back=-1)


def _on_week(schedule: Schedule, now: datetime, back: int) -> datetime:
    """Give the schedule's moment in the week of `now`, or `back` weeks before it."""
    zone = ZoneInfo(schedule.tz)
    today = now.astimezone(zone).date()
    day = today - timedelta(days=today.weekday()) + timedelta(days=DAYS.index(schedule.day), weeks=-back)
    return datetime.combine(day, schedule.at, zone).astimezone(UTC)


def slot_of(schedule: Schedule, moment: datetime) -> str:
    """Name the slot of a due moment by its local date: a clock change cannot make two of one."""
    return local_date(schedule.tz, moment).isoformat()


def local_date(tz: str, moment: datetime) -> date:
    """Give the calendar day of a moment in a zone."""
    return moment.astimezone(ZoneInfo(tz)).date()


_WHEN = re.compile(
    r"^(?P<day>[a-z]{3,9})\s+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?:\s+(?P<tz>[A-Za-z_]+(?:/[A-Za-z_+\-0-9]+)*))?$"
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
    found = _WHEN.match(text.strip())
    if found is None:
        raise BadRequest("The time of the week was not understood.", example)
    day, hour, minute = found["day"][:3].lower(), int(found["hour"]), int(found["minute"])
    if day not in DAYS or hour > 23 or minute > 59:
        raise BadRequest("The time of the week was not understood.", example)
    at, tz = time(hour, minute), found["tz"] or default_tz
    if at < EARLIEST:
        raise BadRequest("Clock changes happen before 3:00.", "Choose a time from 03:00 on.")
    try:
        ZoneInfo(tz)
    except (KeyError, ValueError, OSError):
        raise BadRequest(f"There is no time zone {tz[:40]!r}.", example) from None
    return When(day, at, tz)


def is_too_late(due: datetime, now: datetime) -> bool:
    """Tell whether a slot missed while nobody ran is skipped instead of posted late."""
    return now - due > MAX_LATE
