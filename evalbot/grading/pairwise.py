"""Two answers side by side: a judge is asked twice, each answer first once, so that neither gains by its place. Pure.

The scale of such a rubric tells which answer is better: the lowest step the one shown first, the highest the one shown second.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from evalbot.errors import OutsideError
from evalbot.grading.findings import CannotCheck
from evalbot.grading.grades import Grade
from evalbot.grading.judging import Verdict, judge_grade
from evalbot.runs.outputs import OutputId
from evalbot.suites.graders import GraderSpec
from evalbot.suites.rubrics import Rubric
from evalbot.suites.targets import Target

USUAL_THRESHOLD = 0.5
"""From which score the output passes unless told otherwise: it is at least as good as the other answer."""

SWAYED = ", and the place made a difference"
"""What the reason of a comparison says where the judge preferred another answer in each order."""


@dataclass(frozen=True, slots=True)
class PairVerdicts:
    """What the judge decided with the output shown first, and with the output shown second."""

    shown_first: Verdict
    shown_second: Verdict


def pair_score(rubric: Rubric, verdicts: PairVerdicts) -> float:
    """Give the output's score: 1 better both times, 0 worse both times, 0.5 as good, or better only in one place."""
    first = 1.0 - rubric.scale.score(verdicts.shown_first.level)
    return (first + rubric.scale.score(verdicts.shown_second.level)) / 2


def pair_grade(
    output_id: OutputId,
    rubric: Rubric,
    outcome: PairVerdicts | OutsideError | CannotCheck,
    judge: Target,
    at: datetime,
    spec: GraderSpec,
) -> Grade:
    """Give the grade of an output compared with another answer; a failure becomes the grade's error."""
    if not isinstance(outcome, PairVerdicts):
        return judge_grade(output_id, rubric, outcome, judge, at, spec)
    score = pair_score(rubric, outcome)
    return _decided(output_id, rubric, score, _reason(outcome, score), judge, at, spec)


def pair_grade_by_rule(
    output_id: OutputId, rubric: Rubric, score: float, why: str, judge: Target, at: datetime, spec: GraderSpec
) -> Grade:
    """Give a grade that no judge was asked for: an answer not worth judging, or one that is compared with itself."""
    return _decided(output_id, rubric, score, why, judge, at, spec)


def swayed_by_place(grade: Grade) -> bool:
    """Tell of a comparison whether the place of the answers decided it."""
    return SWAYED in grade.reason.partition(" Shown first: ")[0]


def _decided(
    output_id: OutputId, rubric: Rubric, score: float, why: str, judge: Target, at: datetime, spec: GraderSpec
) -> Grade:
    """Give the grade of a score; its level is the step on the scale that is nearest."""
    steps = rubric.scale.steps
    level = min(steps, key=lambda step: abs(rubric.scale.score(step.value) - score)).value
    usual = judge_grade(output_id, rubric, Verdict(level, why), judge, at)
    passed = score >= (USUAL_THRESHOLD if spec.threshold is None else spec.threshold)
    if spec.negate:
        score, passed = 1.0 - score, not passed
    return Grade(
        output_id,
        spec.criterion,
        usual.grader,
        at,
        score=score,
        passed=passed,
        level=level,
        reason=why,
        weight=spec.weight,
    )


def _reason(verdicts: PairVerdicts, score: float) -> str:
    """Put both verdicts into words."""
    one, two = verdicts.shown_first, verdicts.shown_second
    decided = "Better than" if score > 0.5 else "Worse than" if score < 0.5 else "As good as"
    turned = "" if score in (0.0, 1.0) or one.level == two.level == 2 else SWAYED
    return f"{decided} the other answer{turned}. Shown first: {one.reason} Shown second: {two.reason}"
