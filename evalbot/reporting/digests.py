"""Digests: the scheduled report of a channel, composed from numbers that code computed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from evalbot.people import TeamId
from evalbot.reporting.estimates import Change, Estimate, How


@dataclass(frozen=True, slots=True)
class Point:
    """One period of a trend: the day it ends, and the estimate or None where nothing was measured (a gap, never a zero).

    `run_id` and `run` name the run that it is of, empty and 0 in digests from before they were kept.
    """

    day: date
    estimate: Estimate | None
    run_id: str = ""
    run: int = 0


@dataclass(frozen=True, slots=True)
class Shift:
    """A step change: the first day of the new level, mean scores before and after, the interval of their difference.

    `how` says whose grades it stands on, None in digests from before that was kept; with `human_n` of people, and
    `judge_alone` the size that checks and judge alone give where people corrected it. `verified` is False where it stands on an
    unverified judge alone.
    """

    day: date
    before: float
    after: float
    lower: float
    upper: float
    how: How | None = None
    human_n: int = 0
    judge_alone: float | None = None
    verified: bool = True

    @property
    def clear(self) -> bool:
        """Tell whether the interval leaves zero out."""
        return self.lower * self.upper > 0


@dataclass(frozen=True, slots=True)
class Trend:
    """A series of one target on one skill, oldest first, with the step change found in it, if any.

    `alike_since` is the first day of the weeks that are graded like the newest, None where all are: nothing is compared across
    it. `verified` is False where the newest point stands on an unverified judge alone.
    """

    suite: str
    target: str
    skill: str
    points: tuple[Point, ...]
    shift: Shift | None = None
    alike_since: date | None = None
    verified: bool = True

    @property
    def latest(self) -> Estimate | None:
        """The newest measured estimate, None when nothing was measured."""
        measured = [point.estimate for point in self.points if point.estimate is not None]
        return measured[-1] if measured else None


@dataclass(frozen=True, slots=True)
class SkillLine:
    """One row of the digest's table; `verified` is False where `now` stands on an unverified judge alone, and
    `change_verified` where the change does."""

    suite: str
    target: str
    skill: str
    now: Estimate
    change: Change | None
    verified: bool = True
    change_verified: bool = True


@dataclass(frozen=True, slots=True)
class Exhibit:
    """An output worth opening: what it shows, in one line, and where it can be seen (review id, run number)."""

    kind: str
    title: str
    run_id: str
    output_id: str
    review_id: str | None


@dataclass(frozen=True, slots=True)
class Digest:
    """One report: `slot` is the local date (and time) it is for, unique per schedule.

    `headline` and `sentences` are made by rules from the numbers below, never by a model.
    """

    id: str
    team: TeamId
    channel: str
    slot: str
    start: date
    end: date
    headline: str
    sentences: tuple[str, ...]
    lines: tuple[SkillLine, ...]
    trends: tuple[Trend, ...]
    exhibits: tuple[Exhibit, ...]
    runs: int
    human_grades: int
    graders: tuple[str, ...]
    judge_agreement: Estimate | None
    items_added: int
    composed_at: datetime
    next_at: datetime | None = None
    late: bool = False


def period(start: date, end: date) -> str:
    """Name the days of a digest: "16–22 Nov", or "28 Nov–4 Dec"."""
    if (start.year, start.month) == (end.year, end.month):
        return f"{start.day}–{end.day} {end:%b}" if start != end else f"{end.day} {end:%b}"
    return f"{start.day} {start:%b}–{end.day} {end:%b}"
