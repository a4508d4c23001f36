"""Checks that ask somebody: what is made of vectors and of what a function returned."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evalbot.grading.called_checks import code_result, cosine, similar_result
from evalbot.grading.findings import CannotCheck
from evalbot.suites.graders import GraderSpec, GraderType

CODE = GraderSpec(GraderType.PYTHON, function="m:f")
SIMILAR = GraderSpec(GraderType.SIMILAR)


@pytest.mark.parametrize(
    ("said", "score", "passes"),
    [
        (True, 1.0, True),
        (False, 0.0, False),
        (1, 1.0, True),
        (0.9, 0.9, False),
        ({"score": 0.9}, 0.9, False),
        ({"score": 0.9, "pass": True, "reason": "near"}, 0.9, True),
        ({"pass_": False}, 0.0, False),
        ({"score": 1.0, "pass": False}, 1.0, False),
    ],
)
def test_what_a_function_may_return(said: Any, score: float, passes: bool) -> None:
    """True, false, a score, or a mapping; turned around on demand."""
    result = code_result(CODE, said)
    assert (result.score, result.passed, result.error) == (score, passes, "")
    assert result.reason
    turned = code_result(GraderSpec(GraderType.PYTHON, function="m:f", negate=True), said)
    assert (turned.score, turned.passed) == (1 - score, not passes)


@pytest.mark.parametrize(
    "said",
    [
        None,
        "yes",
        2,
        -0.1,
        float("nan"),
        float("inf"),
        [],
        {},
        {"score": "1"},
        {"pass": 1},
        {"verdict": True},
        object(),
    ],
)
@pytest.mark.parametrize("negate", [False, True])
def test_anything_else_is_an_error(said: Any, negate: bool) -> None:
    """A function that returns something unclear neither passes nor fails anything."""
    result = code_result(GraderSpec(GraderType.PYTHON, function="m:f", negate=negate), said)
    assert (result.score, result.passed) == (None, None)
    assert 0 < len(result.error) < 200


def test_a_threshold_can_be_set_for_a_score() -> None:
    """A bare score passes from 1 unless told otherwise."""
    assert code_result(GraderSpec(GraderType.PYTHON, function="m:f", threshold=0.5), 0.5).passed


def test_the_nearest_text_counts() -> None:
    """The largest cosine is the score, from 0.75 it passes; opposite directions score 0."""
    result = similar_result(SIMILAR, (1.0, 0.0), [(0.0, 1.0), (0.8, 0.6)], ["far", "near"])
    assert result.score == pytest.approx(0.8)
    assert result.passed
    assert '"near"' in result.reason
    assert similar_result(SIMILAR, (1.0, 0.0), [(-1.0, 0.0)], ["x"]).score == 0.0
    assert not similar_result(GraderSpec(GraderType.SIMILAR, threshold=0.9), (1.0, 0.0), [(0.8, 0.6)], ["x"]).passed


@pytest.mark.parametrize("wanted", [(1.0,), (0.0, 0.0), (float("inf"), 0.0)])
def test_vectors_that_say_nothing_are_an_error(wanted: tuple[float, ...]) -> None:
    """Another length or no direction is no likeness of 0."""
    result = similar_result(SIMILAR, (1.0, 0.0), [wanted], ["x"])
    assert (result.score, result.passed) == (None, None)
    assert result.error


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3), st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3))
@example([5e-324, 0.0, 0.0], [1.0, 1.0, 0.0])
def test_cosine_is_symmetric_and_bounded(one: list[float], two: list[float]) -> None:
    """It does not matter which comes first, nor how long the vectors are."""
    try:
        found = cosine(one, two)
    except CannotCheck:
        return
    assert -1 <= found <= 1
    assert found == cosine(two, one)
    assert cosine([2 * part for part in one], two) == pytest.approx(found, abs=1e-12)
