"""Grades: what counts and what says nothing."""

import pytest

from evalbot.grading.grades import Grade
from tests.factories import make_grade, make_human_grade, make_rubric


@pytest.mark.parametrize(
    ("grade", "counts"),
    [
        (make_grade(passed=True), True),
        (make_grade(passed=False), True),
        (make_grade(passed=None, error="the judge did not answer"), False),
        (make_grade(passed=None, abstained=True), False),
        (make_grade(passed=True, score=None), False),
        (make_human_grade(1), True),
        (make_human_grade(None), False),
    ],
)
def test_only_a_verdict_counts(grade: Grade, counts: bool) -> None:
    """A pass and a fail count; errors, abstentions and half a verdict say nothing."""
    assert grade.counts is counts


def test_abstention_is_no_number() -> None:
    """Who cannot judge gives neither a midpoint nor a zero."""
    grade = make_human_grade(None, rubric=make_rubric(5))
    assert (grade.score, grade.passed, grade.level, grade.abstained) == (None, None, None, True)
