"""Weekly series of a target's skills, and the step changes found in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from evalbot.reporting.digests import Point, Shift, Trend
from evalbot.reporting.estimates import OVERALL, ScoreRow
from evalbot.reporting.scores import OutputScore, item_values, passing, score_rows
from evalbot.stats.intervals import Floats, Measured
from evalbot.stats.shifts import e_detector, reference_error
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId

WEEK_DAYS = timedelta(days=6)
"""From the last day of a week back to its first."""

REFERENCE_WEEKS = 4
"""The first measured weeks of a series are its reference."""


@dataclass(frozen=True, slots=True)
class Week:
    """The newest finished run of a suite in one week; `scores` is empty where nothing ran."""

    day: date
    scores: tuple[OutputScore, ...]
    skill_of: Mapping[ItemId, str | None]


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
    """Find a step up or down against the first measured weeks, on the items that every week answered.

    None without at least two reference weeks and one later week, without shared items, or without an alarm.
    """
    series = [(week.day, _values(week, target, skill)) for week in weeks]
    series = [(day, values) for day, values in series if values]
    if len(series) < REFERENCE_WEEKS + 1:
        return None
    shared = set.intersection(*(set(values) for _, values in series))
    if not shared:
        return None
    ids = sorted(shared)
    table = np.array([[values[one] for one in ids] for _, values in series])
    reference, later = table[:REFERENCE_WEEKS], table[REFERENCE_WEEKS:]
    error = reference_error(reference)
    differences = list(later - reference.mean(axis=0))
    days = [day for day, _ in series[REFERENCE_WEEKS:]]
    for sign in (1.0, -1.0):
        found = e_detector([sign * week for week in differences], reference_error=error)
        if found.onset is not None and found.size is not None:
            return _shift(days[found.onset] - WEEK_DAYS, float(reference.mean()), later[found.onset :], found.size, sign)
    return None


def _shift(day: date, before: float, after: Floats, size: Measured, sign: float) -> Shift:
    """Turn what the detector found into a dated shift; the interval is of after minus before."""
    bounds = sorted((sign * size.lower, sign * size.upper))
    return Shift(day, before, float(after.mean()), bounds[0], bounds[1])


def _values(week: Week, target: str, skill: str) -> dict[ItemId, float]:
    """Give the item means of a target on a skill in one week."""
    wanted: Callable[[OutputScore], bool] = (
        (lambda score: True) if skill == OVERALL else (lambda score: week.skill_of.get(score.item_id) == skill)
    )
    return item_values((s for s in week.scores if s.target == target and s.complete and wanted(s)), passing)
