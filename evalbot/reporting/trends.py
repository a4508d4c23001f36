"""Weekly series of a target's skills, and the step changes found in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from evalbot.reporting.corrections import NOBODY, People
from evalbot.reporting.digests import Point, Shift, Trend
from evalbot.reporting.estimates import FEWEST, OVERALL, ScoreRow
from evalbot.reporting.scores import OutputScore, item_values, passing, score_rows
from evalbot.stats.intervals import Floats
from evalbot.stats.shifts import e_detector, reference_error, shift_size
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId

WEEK_DAYS = timedelta(days=6)
"""From the last day of a week back to its first."""

REFERENCE_WEEKS = 4
"""The first measured weeks of a series are its reference."""


@dataclass(frozen=True, slots=True)
class Week:
    """The newest finished run of a suite in one week; `scores` is empty where nothing ran.

    `people` is what they were asked and said of its outputs; `doubted` tells that the suite's judge is unverified.
    """

    day: date
    scores: tuple[OutputScore, ...]
    skill_of: Mapping[ItemId, str | None]
    people: People = NOBODY
    doubted: bool = False


def find_trends(suite: str, weeks: Sequence[Week]) -> list[Trend]:
    """Give the series of every target and skill (overall first) that was measured in the newest week, oldest week first."""
    rows = [score_rows(week.scores, week.skill_of, frozenset()) for week in weeks]
    newest = [(row.target, row.skill) for row in rows[-1] if row.criterion == PASS_CRITERION] if rows else []
    return [_trend(suite, target, skill, weeks, rows) for target, skill in newest]


def _trend(suite: str, target: str, skill: str, weeks: Sequence[Week], rows: Sequence[Sequence[ScoreRow]]) -> Trend:
    """Give one series with its step change."""
    points = []
    for week, found in zip(weeks, rows, strict=True):
        mine = [r.estimate for r in found if (r.target, r.skill, r.criterion) == (target, skill, PASS_CRITERION)]
        points.append(Point(week.day, mine[0] if mine else None))
    return Trend(suite, target, skill, tuple(points), find_shift(target, skill, weeks))


def find_shift(target: str, skill: str, weeks: Sequence[Week]) -> Shift | None:
    """Find a lasting step up or down against the first measured weeks, on the items that every week answered.

    None while only the reference weeks are measured, with too few shared items, without an alarm, or when the newest week
    is nearer to the reference again than to the step.
    """
    series = [(week.day, _values(week, target, skill)) for week in weeks]
    series = [(day, values) for day, values in series if values]
    if len(series) < REFERENCE_WEEKS + 1:
        return None
    shared = sorted(set.intersection(*(set(values) for _, values in series)))
    if len(shared) < FEWEST:
        return None
    table = np.array([[values[one] for one in shared] for _, values in series])
    reference, later = table[:REFERENCE_WEEKS], table[REFERENCE_WEEKS:]
    error, before = reference_error(reference), float(reference.mean())
    differences = list(later - reference.mean(axis=0))
    for sign in (1.0, -1.0):
        onset = _lasting_drop([sign * week for week in differences], error)
        if onset is not None:
            size = shift_size(differences[onset:], error)
            day = series[REFERENCE_WEEKS + onset][0] - WEEK_DAYS
            return Shift(day, before, before + size.value, size.lower, size.upper)
    return None


def _lasting_drop(differences: Sequence[Floats], error: float) -> int | None:
    """Give the place of the week in which a drop began that the newest week still shows at half its size or more."""
    found = e_detector(differences, reference_error=error)
    if found.onset is None or found.alarm is None:
        return None
    means = [float(week.mean()) for week in differences]
    # Weeks that equal the reference are no evidence either way, so the stretch found may begin with some.
    onset = next(place for place in range(found.onset, found.alarm + 1) if means[place] < 0)
    size = float(np.mean(means[onset : found.alarm + 1]))
    return onset if means[-1] <= size / 2 else None


def _values(week: Week, target: str, skill: str) -> dict[ItemId, float]:
    """Give the item means of a target on a skill in one week."""
    wanted: Callable[[OutputScore], bool] = (
        (lambda score: True) if skill == OVERALL else (lambda score: week.skill_of.get(score.item_id) == skill)
    )
    return item_values((s for s in week.scores if s.target == target and s.complete and wanted(s)), passing)
