"""Grades turned into estimates per run, skill and criterion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

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
    """

    output_id: OutputId
    target: str
    item_id: ItemId
    scores: Mapping[str, float]
    passes: Mapping[str, bool]
    kinds: frozenset[GraderKind]
    complete: bool

    @property
    def passed(self) -> bool:
        """Tell whether the output passes every grader."""
        return all(self.passes.values())


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
    rows = [ScoreRow(target, OVERALL, criterion, _estimate(group, value, human))]
    return rows + [
        ScoreRow(target, name, criterion, _estimate(by_skill[name], value, human)) for name in sorted(by_skill)
    ]


def _estimate(
    group: Sequence[OutputScore], value: Callable[[OutputScore], float], human: frozenset[OutputId]
) -> Estimate:
    """Estimate the mean over items of a value in [0, 1]; repeats of an item are averaged first."""
    means = item_values(group, value)
    measured = mean_of(list(means.values()))
    graded = sum(score.output_id in human for score in group)
    return Estimate(measured.value, measured.lower, measured.upper, measured.n, _how(group), measured.method, graded)


def item_values(group: Iterable[OutputScore], value: Callable[[OutputScore], float]) -> dict[ItemId, float]:
    """Give each item's mean value over its repeats, in the order the items come."""
    collected: dict[ItemId, list[float]] = {}
    for score in group:
        collected.setdefault(score.item_id, []).append(value(score))
    return {item_id: sum(values) / len(values) for item_id, values in collected.items()}


def passing(score: OutputScore) -> float:
    """Give 1.0 for an output that passes every grader, else 0.0."""
    return float(score.passed)


def _how(group: Sequence[OutputScore]) -> How:
    """Name the kinds of grader behind a group of outputs."""
    kinds = frozenset[GraderKind]().union(*(score.kinds for score in group))
    if kinds == {GraderKind.JUDGE}:
        return How.JUDGE
    return How.CHECK_AND_JUDGE if GraderKind.JUDGE in kinds else How.CHECK


FEWEST_PAIRS = 10
"""Below this many outputs graded by both, the judge's agreement with people is not shown."""


def judge_agreement(pairs: Sequence[tuple[bool, bool]]) -> Estimate | None:
    """Estimate how often judge and people give the same pass or fail; pairs are (judge passed, people passed) per output."""
    if len(pairs) < FEWEST_PAIRS:
        return None
    measured = wilson(sum(judge == people for judge, people in pairs), len(pairs))
    return Estimate(measured.value, measured.lower, measured.upper, measured.n, How.HUMAN, measured.method, measured.n)
