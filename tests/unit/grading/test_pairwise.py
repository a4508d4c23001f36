"""Two answers side by side: what both places together decide."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from evalbot.errors import UnreadableVerdict
from evalbot.grading.grades import Grade
from evalbot.grading.judging import Verdict
from evalbot.grading.pairwise import PairVerdicts, pair_grade, pair_grade_by_rule
from evalbot.runs.outputs import OutputId
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.rubrics import Rubric, Scale, Step
from evalbot.suites.targets import short_target

NOW = datetime(2026, 5, 4, tzinfo=UTC)
SCALE = Scale((Step(1, "Worse"), Step(2, "As good"), Step(3, "Better")))
RUBRIC = Rubric("pairwise", 1, "Is the second answer better?", SCALE, pass_from=2)
SPEC = GraderSpec(GraderType.PAIRWISE, rubric="pairwise")


def graded(first: int, second: int, spec: GraderSpec = SPEC) -> Grade:
    """Give the grade of what a judge says with the output shown first, and with the output shown second."""
    verdicts = PairVerdicts(Verdict(first, "one"), Verdict(second, "two"))
    return pair_grade(OutputId("o"), RUBRIC, verdicts, short_target("openai:judge"), NOW, spec)


@pytest.mark.parametrize(
    ("first", "second", "score", "level", "passes"),
    [
        (1, 3, 1.0, 3, True),
        (3, 1, 0.0, 1, False),
        (2, 2, 0.5, 2, True),
        (1, 1, 0.5, 2, True),
        (3, 3, 0.5, 2, True),
        (1, 2, 0.75, 2, True),
        (2, 3, 0.75, 2, True),
        (2, 1, 0.25, 1, False),
        (3, 2, 0.25, 1, False),
    ],
)
def test_the_place_alone_wins_nothing(first: int, second: int, score: float, level: int, passes: bool) -> None:
    """A judge that always prefers one place says that both are as good; a win needs both places."""
    grade = graded(first, second)
    assert (grade.score, grade.level, grade.passed) == (score, level, passes)
    assert "Shown first: one Shown second: two" in grade.reason


def test_the_graders_threshold_weight_and_negation_count() -> None:
    """A clear win can be asked for, and a loss too."""
    clear = GraderSpec(GraderType.PAIRWISE, rubric="pairwise", threshold=1.0, metric="style", weight=2.0)
    assert graded(1, 3, clear).passed
    assert not graded(1, 2, clear).passed
    assert (graded(1, 3, clear).criterion, graded(1, 3, clear).weight) == ("style", 2.0)
    worse = GraderSpec(GraderType.PAIRWISE, rubric="pairwise", negate=True)
    assert (graded(3, 1, worse).score, graded(3, 1, worse).passed) == (1.0, True)


@pytest.mark.parametrize("negate", [False, True])
def test_without_both_verdicts_there_is_no_grade(negate: bool) -> None:
    """A judge that cannot be read once has compared nothing."""
    spec = GraderSpec(GraderType.PAIRWISE, rubric="pairwise", negate=negate)
    grade = pair_grade(OutputId("o"), RUBRIC, UnreadableVerdict("No."), short_target("openai:judge"), NOW, spec)
    assert (grade.score, grade.passed, grade.level, grade.error) == (None, None, None, "No.")


def test_a_rule_can_decide_without_a_judge() -> None:
    """A blank answer loses without anybody being asked."""
    grade = pair_grade_by_rule(OutputId("o"), RUBRIC, 0.0, "blank", short_target("openai:judge"), NOW, SPEC)
    assert (grade.score, grade.passed, grade.level, grade.reason) == (0.0, False, 1, "blank")
