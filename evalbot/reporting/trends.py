"""Weekly series of a target's skills, and the step changes found in them.

A point is the number of its week's run as people corrected it, where they graded enough, else that of checks and judge. A step
is looked for in one method alone: on the items that every week answered and graded in the same way, by what checks and judge
say of them. So neither people's corrections nor another judge, rubric or check can look like a step. Where people graded
both sides of a step found so, its size is theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from evalbot.reporting.comparisons import Side, compare_sides
from evalbot.reporting.corrections import NOBODY, People, corrected_rows
from evalbot.reporting.digests import Point, Shift, Trend
from evalbot.reporting.estimates import FEWEST, JUDGE_ALONE, OVERALL, Estimate, How, ScoreRow
from evalbot.reporting.scores import OutputScore, how_of, item_values, passing, score_rows
from evalbot.runs.outputs import RunId
from evalbot.stats.intervals import UNIT, Floats, Measured
from evalbot.stats.shifts import e_detector, reference_error, shift_size
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId
from evalbot.suites.suites import Suite

WEEK_DAYS = timedelta(days=6)
"""From the last day of a week back to its first."""

REFERENCE_WEEKS = 4
"""The first measured weeks of a series are its reference."""

ALIKE_SHARE = 0.5
"""A week belongs to a series when at least this share of the items it has in common with the newest is graded alike."""


@dataclass(frozen=True, slots=True)
class Week:
    """The newest finished run of a suite in one week; `scores` is empty where nothing ran.

    `people` is what they were asked and said of its outputs; `doubted` tells that the suite's judge is unverified. `graded_by`
    is a hash of all by which an item is graded; an item without it counts as graded like any other such.
    """

    day: date
    scores: tuple[OutputScore, ...]
    skill_of: Mapping[ItemId, str | None]
    people: People = NOBODY
    doubted: bool = False
    graded_by: Mapping[ItemId, str] = field(default_factory=dict)
    run_id: RunId | None = None
    run: int = 0

    def of(self, target: str) -> list[OutputScore]:
        """Give the complete scores of a target."""
        return [score for score in self.scores if score.target == target and score.complete]


def ways_of_grading(suite: Suite) -> dict[ItemId, str]:
    """Give a hash of all by which each item is graded without people: its graders with their rubrics and judges."""
    rubrics = {name: _hash(rubric) for name, rubric in suite.rubrics.items()}
    judge = _hash(suite.run.judge)
    found = {}
    for item in suite.items:
        specs = [spec for spec in suite.graders_of(item) if spec.checked or spec.judged]
        by = [(spec, rubrics.get(spec.rubric or ""), judge if spec.judged else "") for spec in specs]
        found[item.id] = _hash(by)
    return found


def _hash(value: object) -> str:
    """Give a hash of a frozen value, by how it is written."""
    return hashlib.blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class AlikeWeek:
    """A week of a series, with the items that it grades in the same way as the newest one."""

    week: Week
    items: frozenset[ItemId]


def graded_alike(week: Week, newest: Week) -> frozenset[ItemId]:
    """Give the items of a week that the newest one has, too, and grades in the same way."""
    there = {score.item_id for score in newest.scores}
    asked = {score.item_id for score in week.scores if score.item_id in there}
    return frozenset(one for one in asked if week.graded_by.get(one) == newest.graded_by.get(one))


def alike_weeks(weeks: Sequence[Week]) -> list[AlikeWeek]:
    """Give the newest week with those before it that are graded like it, oldest first; weeks without a run are left out.

    The first week that is graded in another way for the most part ends the series.
    """
    measured = [week for week in weeks if week.scores]
    there = {score.item_id for score in measured[-1].scores} if measured else set()
    found: list[AlikeWeek] = []
    for week in reversed(measured):
        common = {score.item_id for score in week.scores if score.item_id in there}
        alike = graded_alike(week, measured[-1])
        if len(alike) < ALIKE_SHARE * len(common):
            break
        found.insert(0, AlikeWeek(week, alike))
    return found


# --- series ----------------------------------------------------------------------------------------


def find_trends(suite: str, weeks: Sequence[Week]) -> list[Trend]:
    """Give the series of every target and skill (overall first) that was measured in the newest week, oldest week first."""
    if not weeks:
        return []
    rows = [week_rows(week) for week in weeks]
    newest = [(row.target, row.skill) for row in rows[-1] if row.criterion == PASS_CRITERION]
    alike = alike_weeks(weeks)
    measured = [week for week in weeks if week.scores]
    since = alike[0].week.day - WEEK_DAYS if len(alike) < len(measured) else None
    found = []
    for target, skill in newest:
        points = tuple(_point(week, mine, target, skill) for week, mine in zip(weeks, rows, strict=True))
        latest = points[-1].estimate
        doubted = weeks[-1].doubted and latest is not None and latest.how in JUDGE_ALONE
        shift = _shift(target, skill, alike)
        found.append(Trend(suite, target, skill, points, shift, since, verified=not doubted))
    return found


def week_rows(week: Week) -> list[ScoreRow]:
    """Give the estimates of a week's run, with what people's grades make of them."""
    rows = score_rows(week.scores, week.skill_of, frozenset())
    return corrected_rows(rows, week.scores, week.skill_of, week.people)


def _point(week: Week, rows: Iterable[ScoreRow], target: str, skill: str) -> Point:
    """Give one point of a series."""
    wanted = (target, skill, PASS_CRITERION)
    mine = next((row for row in rows if (row.target, row.skill, row.criterion) == wanted), None)
    return Point(week.day, mine.best if mine else None, week.run_id or "", week.run)


# --- steps -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Series:
    """What a step is looked for in: `table` holds the values of the shared items (columns) in each measured week (rows)."""

    weeks: tuple[Week, ...]
    items: tuple[ItemId, ...]
    table: Floats


@dataclass(frozen=True, slots=True)
class Step:
    """A lasting step in a series: the row where it began, that of the alarm, the mean before it and its size.

    `path` is the evidence after each week behind the reference as a power of ten, `threshold` what raises the alarm, `error` the
    noise that the reference weeks leave.
    """

    onset: int
    alarm: int
    before: float
    size: Measured
    path: tuple[float, ...]
    threshold: float
    error: float


def find_shift(target: str, skill: str, weeks: Sequence[Week]) -> Shift | None:
    """Find a lasting step up or down against the first measured weeks, on the items that every week answered.

    None while only the reference weeks are measured, with too few shared items, without an alarm, or when the newest week
    is nearer to the reference again than to the step.
    """
    return _shift(target, skill, alike_weeks(weeks))


def _shift(target: str, skill: str, alike: Sequence[AlikeWeek]) -> Shift | None:
    """Find a lasting step in the weeks that are graded alike."""
    series = _series(target, skill, alike)
    step = find_step(series) if series else None
    if series is None or step is None:
        return None
    by_people = _by_people(series, step, target, skill)
    if by_people is not None:
        return by_people
    day = series.weeks[step.onset].day - WEEK_DAYS
    newest, items = series.weeks[-1], set(series.items)
    how = how_of(score for score in newest.of(target) if score.item_id in items)
    after, doubted = step.before + step.size.value, newest.doubted and how in JUDGE_ALONE
    return Shift(day, step.before, after, step.size.lower, step.size.upper, how, verified=not doubted)


def series_of(target: str, skill: str, weeks: Sequence[Week]) -> Series | None:
    """Give what a step is looked for in; None while only the reference weeks are measured, or with too few shared items."""
    return _series(target, skill, alike_weeks(weeks))


def _series(target: str, skill: str, alike: Sequence[AlikeWeek]) -> Series | None:
    """Give what a step is looked for in, from the weeks that are graded alike."""
    if len(alike) <= REFERENCE_WEEKS:
        return None
    measured = [(one.week, _values(one, target, skill)) for one in alike]
    measured = [(week, values) for week, values in measured if values]
    if len(measured) <= REFERENCE_WEEKS:
        return None
    shared = sorted(set.intersection(*(set(values) for _, values in measured)))
    if len(shared) < FEWEST:
        return None
    table = np.array([[values[one] for one in shared] for _, values in measured])
    return Series(tuple(week for week, _ in measured), tuple(shared), table)


def find_step(series: Series) -> Step | None:
    """Find a lasting step up or down in a series, against its reference weeks."""
    reference, later = series.table[:REFERENCE_WEEKS], series.table[REFERENCE_WEEKS:]
    error, before = reference_error(reference), float(reference.mean())
    differences = list(later - reference.mean(axis=0))
    for sign in (1.0, -1.0):
        found = e_detector([sign * week for week in differences], reference_error=error)
        if found.onset is None or found.alarm is None:
            continue
        onset = _lasting([sign * float(week.mean()) for week in differences], found.onset, found.alarm)
        if onset is not None:
            size = shift_size(differences[onset:], error)
            rows = REFERENCE_WEEKS + onset, REFERENCE_WEEKS + found.alarm
            return Step(*rows, before, size, found.path, found.threshold, error)
    return None


def _lasting(means: Sequence[float], first: int, alarm: int) -> int | None:
    """Give the place of the week in which a drop began that the newest week still shows at half its size or more."""
    # Weeks that equal the reference are no evidence either way, so the stretch found may begin with some.
    onset = next(place for place in range(first, alarm + 1) if means[place] < 0)
    size = float(np.mean(means[onset : alarm + 1]))
    return onset if means[-1] <= size / 2 else None


def _values(alike: AlikeWeek, target: str, skill: str) -> dict[ItemId, float]:
    """Give the item means of a target on a skill in one week, of items graded as in the newest."""
    week, items = alike.week, alike.items
    mine = (score for score in week.of(target) if score.item_id in items)
    wanted = (score for score in mine if skill == OVERALL or week.skill_of.get(score.item_id) == skill)
    return item_values(wanted, passing)


def _by_people(series: Series, step: Step, target: str, skill: str) -> Shift | None:
    """Give a step as people's grades have it: the newest week that they corrected since it began against the newest reference
    week; None where they did not grade enough on both sides."""
    old = _newest_corrected(series.weeks[:REFERENCE_WEEKS], target, skill)
    new = _newest_corrected(series.weeks[step.onset :], target, skill)
    if old is None or new is None:
        return None
    before_side, after_side = (Side(week.of(target), week.people) for week in (old[0], new[0]))
    changes = compare_sides(before_side, after_side, new[0].skill_of, target, "")
    change = next((one for one in changes if one.skill == skill and one.how is How.CORRECTED), None)
    if change is None:
        return None
    day, before = series.weeks[step.onset].day - WEEK_DAYS, old[1].score
    after = UNIT.clip(before + change.difference)
    basis = (How.CORRECTED, change.human_n, step.size.value)
    return Shift(day, before, after, change.lower, change.upper, *basis)


def _newest_corrected(weeks: Sequence[Week], target: str, skill: str) -> tuple[Week, Estimate] | None:
    """Give the newest of some weeks whose number people corrected, with it."""
    for week in reversed(weeks):
        if not week.people.drawn:
            continue
        best = _point(week, week_rows(week), target, skill).estimate
        if best is not None and best.how is How.CORRECTED:
            return week, best
    return None
