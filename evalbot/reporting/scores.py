"""Grades turned into estimates per run, skill and criterion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from evalbot.grading.grades import Grade, GraderKind
from evalbot.reporting.estimates import OVERALL, Estimate, How, ScoreRow
from evalbot.runs.outputs import Output, OutputId
from evalbot.stats.intervals import mean_of, wilson
from evalbot.suites.graders import PASS_CRITERION
from evalbot.suites.items import ItemId


@dataclass(frozen=True, slots=True)
class OutputScore:
    """What the checks and the judge together say of one output, by criterion; `passed` needs every one of them to pass.

    `complete` is False when a grader is missing, failed or gave no verdict: such outputs are counted apart, not scored.
    `kinds` are the kinds of grader behind the whole, `kinds_by` those behind each criterion where they differ.
    """

    output_id: OutputId
    target: str
    item_id: ItemId
    scores: Mapping[str, float]
    passes: Mapping[str, bool]
    kinds: frozenset[GraderKind]
    complete: bool
    kinds_by: Mapping[str, frozenset[GraderKind]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Tell whether the output passes every grader."""
        return all(self.passes.values())

    def kinds_of(self, criterion: str) -> frozenset[GraderKind]:
        """Give the kinds of grader behind one criterion."""
        return self.kinds_by.get(criterion, self.kinds)


def score_output(output: Output, grades: Iterable[Grade], wanted: int) -> OutputScore | None:
    """Put the automatic grades of one output together; None for an error or an output with nothing to grade by.

    `wanted` is the number of checks and judges the item has. A criterion's score is the weighted mean of its grades; it
    passes when all of them pass.
    """
    if not output.answered or wanted == 0:
        return None
    automatic = [grade for grade in grades if grade.grader.kind is not GraderKind.HUMAN and grade.counts]
    by_criterion: dict[str, list[Grade]] = {}
    for grade in automatic:
        by_criterion.setdefault(grade.criterion, []).append(grade)
    return OutputScore(
        output.id,
        output.unit.target,
        output.unit.item_id,
        scores={name: _weighted(group) for name, group in by_criterion.items()},
        passes={name: all(grade.passed for grade in group) for name, group in by_criterion.items()},
        kinds=frozenset(grade.grader.kind for grade in automatic),
        complete=len(automatic) >= wanted,
        kinds_by={name: frozenset(grade.grader.kind for grade in group) for name, group in by_criterion.items()},
    )


def _weighted(grades: Sequence[Grade]) -> float:
    """Give the weighted mean score of grades of one criterion."""
    total = sum(grade.weight for grade in grades)
    return sum((grade.score or 0.0) * grade.weight for grade in grades) / total


def score_rows(
    scores: Iterable[OutputScore], skill_of: Mapping[ItemId, str | None], human: frozenset[OutputId]
) -> list[ScoreRow]:
    """Estimate every target overall and by skill, for passing all graders first and then for each criterion.

    A criterion gets rows of its own only where a target has more than one.
    """
    by_target: dict[str, list[OutputScore]] = {}
    for score in scores:
        if score.complete:
            by_target.setdefault(score.target, []).append(score)
    rows: list[ScoreRow] = []
    for target, group in by_target.items():
        criteria = sorted({name for score in group for name in score.scores})
        rows += _rows_of(target, PASS_CRITERION, group, passing, skill_of, human)
        for name in criteria if len(criteria) > 1 else ():
            graded = [score for score in group if name in score.scores]
            rows += _rows_of(target, name, graded, _score_on(name), skill_of, human)
    return rows


def _score_on(criterion: str) -> Callable[[OutputScore], float]:
    """Give the function that reads one criterion's score off an output."""
    return lambda score: score.scores[criterion]


def _rows_of(
    target: str,
    criterion: str,
    group: Sequence[OutputScore],
    value: Callable[[OutputScore], float],
    skill_of: Mapping[ItemId, str | None],
    human: frozenset[OutputId],
) -> list[ScoreRow]:
    """Give the rows of one target and criterion: overall, then each skill by name."""
    by_skill: dict[str, list[OutputScore]] = {}
    for score in group:
        skill = skill_of.get(score.item_id)
        if skill:
            by_skill.setdefault(skill, []).append(score)
    groups = {OVERALL: group, **{name: by_skill[name] for name in sorted(by_skill)}}
    return [
        ScoreRow(target, name, criterion, _estimate(mine, value, human, how_of(mine, criterion)))
        for name, mine in groups.items()
    ]


def _estimate(
    group: Sequence[OutputScore], value: Callable[[OutputScore], float], human: frozenset[OutputId], how: How
) -> Estimate:
    """Estimate the mean over items of a value in [0, 1]; repeats of an item are averaged first."""
    means = item_values(group, value)
    graded = sum(score.output_id in human for score in group)
    return _estimate_of(list(means.values()), how, graded)


def _estimate_of(values: Sequence[float], how: How, graded: int) -> Estimate:
    """Estimate the mean of the items' values."""
    measured = mean_of(values)
    return Estimate(measured.value, measured.lower, measured.upper, measured.n, how, measured.method, graded)


def item_values(group: Iterable[OutputScore], value: Callable[[OutputScore], float]) -> dict[ItemId, float]:
    """Give each item's mean value over its repeats, in the order the items come."""
    collected: dict[ItemId, list[float]] = {}
    for score in group:
        collected.setdefault(score.item_id, []).append(value(score))
    return {item_id: sum(values) / len(values) for item_id, values in collected.items()}


def passing(score: OutputScore) -> float:
    """Give 1.0 for an output that passes every grader, else 0.0."""
    return float(score.passed)


def how_of(group: Iterable[OutputScore], criterion: str = PASS_CRITERION) -> How:
    """Name the kinds of grader behind a criterion of a group of outputs."""
    kinds = set[GraderKind]()
    for score in group:
        kinds |= score.kinds if criterion == PASS_CRITERION else score.kinds_of(criterion)
    if kinds == {GraderKind.JUDGE}:
        return How.JUDGE
    return How.CHECK_AND_JUDGE if GraderKind.JUDGE in kinds else How.CHECK


# --- with errors, without the judge ----------------------------------------------------------------

_Subject: TypeAlias = tuple[str, str]
"""A target and a skill."""


def completed_rows(
    rows: Iterable[ScoreRow],
    scores: Iterable[OutputScore],
    errors: Iterable[tuple[str, ItemId]],
    skill_of: Mapping[ItemId, str | None],
) -> list[ScoreRow]:
    """Give the rows with their pass rates once more: errors counted as fails, and by code checks alone.

    `errors` names target and item of each output that is an error.
    """
    passes, failed = dict[_Subject, list[OutputScore]](), dict[_Subject, list[ItemId]]()
    for score in scores:
        if score.complete:
            for skill in (OVERALL, skill_of.get(score.item_id) or ""):
                passes.setdefault((score.target, skill), []).append(score)
    for target, item_id in errors:
        for skill in (OVERALL, skill_of.get(item_id) or ""):
            failed.setdefault((target, skill), []).append(item_id)
    return [_completed(row, passes, failed) if row.criterion == PASS_CRITERION else row for row in rows]


def _completed(
    row: ScoreRow, passes: Mapping[_Subject, list[OutputScore]], failed: Mapping[_Subject, list[ItemId]]
) -> ScoreRow:
    """Give one pass rate with what it is with errors, and by checks alone."""
    subject = row.target, row.skill
    mine, errors = passes.get(subject, []), failed.get(subject, [])
    if errors:
        values: dict[ItemId, list[float]] = {}
        for score in mine:
            values.setdefault(score.item_id, []).append(passing(score))
        for item_id in errors:
            values.setdefault(item_id, []).append(0.0)
        means = [sum(found) / len(found) for found in values.values()]
        row = replace(row, with_errors=_estimate_of(means, row.estimate.how, row.estimate.human_n))
    if row.estimate.how is How.CHECK_AND_JUDGE:
        checked = [score for score in mine if any(_by_check(score, name) for name in score.passes)]
        row = replace(row, checks=_estimate(checked, _passing_checks, frozenset(), How.CHECK))
    return row


def _by_check(score: OutputScore, criterion: str) -> bool:
    """Tell whether only code checks are behind a criterion."""
    return GraderKind.JUDGE not in score.kinds_of(criterion)


def _passing_checks(score: OutputScore) -> float:
    """Give 1.0 for an output that passes every code check, else 0.0."""
    return float(all(passed for name, passed in score.passes.items() if _by_check(score, name)))


FEWEST_PAIRS = 10
"""Below this many outputs graded by both, the judge's agreement with people is not shown."""


def judge_agreement(pairs: Sequence[tuple[bool, bool]]) -> Estimate | None:
    """Estimate how often judge and people give the same pass or fail; pairs are (judge passed, people passed) per output."""
    if len(pairs) < FEWEST_PAIRS:
        return None
    measured = wilson(sum(judge == people for judge, people in pairs), len(pairs))
    return Estimate(measured.value, measured.lower, measured.upper, measured.n, How.HUMAN, measured.method, measured.n)
