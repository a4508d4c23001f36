"""Consensus: the majority's verdict, ties that fail, the low median of the side that won."""

import statistics
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.grading.consensus import find_consensus, label_output
from tests.factories import make_human_grade, make_rubric

FIVE = make_rubric(5, pass_from=4)


@pytest.mark.parametrize(
    ("levels", "level", "passed", "agreeing"),
    [
        ([4], 4, True, 1),
        ([5, 4], 4, True, 2),
        ([5, 3], 3, False, 1),
        ([1, 5, 5], 5, True, 2),
        ([4, 5, 5, 2, 3], 5, True, 3),
        ([1, 3, 5], 1, False, 2),
        ([1, 2, 4, 5], 1, False, 2),
        ([None, 4, None], 4, True, 1),
    ],
)
def test_majority_decides_and_ties_fail(levels: list[int | None], level: int, passed: bool, agreeing: int) -> None:
    """Pass needs more than half; the step is the low median of those who agree; abstentions are not asked."""
    found = find_consensus([make_human_grade(one, rubric=FIVE) for one in levels], FIVE)
    assert found is not None
    assert (found.level, found.passed, found.agreeing) == (level, passed, agreeing)
    assert found.graders == sum(one is not None for one in levels)
    assert found.split is (agreeing < found.graders)
    assert found.tied is (agreeing * 2 == found.graders)


@pytest.mark.parametrize("levels", [[], [None], [None, None]])
def test_nobody_who_could_judge_is_no_consensus(levels: list[int | None]) -> None:
    """Without a verdict there is nothing, not a fail."""
    assert find_consensus([make_human_grade(one) for one in levels], make_rubric()) is None


@given(st.lists(st.integers(1, 5), min_size=1, max_size=9), st.randoms())
def test_consensus_holds_on_every_scale(levels: list[int], shuffler: Random) -> None:
    """The step lies on the winning side and was given by somebody; the order of grades changes nothing."""
    grades = [make_human_grade(one, rubric=FIVE) for one in levels]
    found = find_consensus(grades, FIVE)
    assert found is not None
    assert found.passed is (sum(one >= 4 for one in levels) * 2 > len(levels)) is FIVE.passes(found.level)
    assert found.level == statistics.median_low([one for one in levels if FIVE.passes(one) is found.passed])
    shuffler.shuffle(grades)
    assert find_consensus(grades, FIVE) == found


@pytest.mark.parametrize(
    ("levels", "score", "passed"),
    [([5], 1.0, 1.0), ([1, 5], 0.5, 0.5), ([4, 5, 1], 7 / 12, 1.0), ([None, 2], 0.25, 0.0), ([1, 2, 5], 5 / 12, 0.0)],
)
def test_a_label_is_the_mean_score_and_the_majority(levels: list[int | None], score: float, passed: float) -> None:
    """Scores are averaged, passes decided by majority; an even split is half a pass, an abstention nothing."""
    label = label_output([make_human_grade(one, rubric=FIVE) for one in levels])
    assert label is not None
    assert (label.score, label.passed) == pytest.approx((score, passed))


def test_an_output_that_nobody_could_judge_has_no_label() -> None:
    """Abstentions alone say nothing, so that they are no half pass."""
    assert label_output([make_human_grade(None), make_human_grade(None)]) is label_output([]) is None
