"""Digests: the scheduled report of a channel, composed from numbers that code computed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from evalbot.people import TeamId
from evalbot.reporting.estimates import Change, Estimate


@dataclass(frozen=True, slots=True)
class Point:
    """One period of a trend: the day it ends, and the estimate or None where nothing was measured (a gap, never a zero)."""

    day: date
    estimate: Estimate | None


@dataclass(frozen=True, slots=True)
class Shift:
    """A step change: the first day of the new level, mean scores before and after, the interval of their difference."""

    day: date
    before: float
    after: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Trend:
    """A series of one target on one skill, oldest first, with the step change found in it, if any."""

    suite: str
    target: str
    skill: str
    points: tuple[Point, ...]
    shift: Shift | None = None

    @property
    def latest(self) -> Estimate | None:
        """The newest measured estimate, None when nothing was measured."""
        measured = [point.estimate for point in self.points if point.estimate is not None]
        return measured[-1] if measured else None


@dataclass(frozen=True, slots=True)
class SkillLine:
    """One row of the digest's table; `verified` is False where `now` stands on an unverified judge alone."""

    suite: str
    target: str
    skill: str
    now: Estimate
    change: Change | None
    verified: bool = True


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
