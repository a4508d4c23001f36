"""The size of regular expressions."""

from __future__ import annotations

import pytest

from evalbot.grading.patterns import MAX_SIZE, pattern_problem, unfolded_size


@pytest.mark.parametrize(
    "pattern",
    [
        r"(?i)\b(none|no (single )?thing)",
        r"\d{4}-\d{2}-\d{2}",
        r"[A-Z]{1,30} [a-z]{1,30} \w{1,30}",
        r"\{\d+\}",
        r"a{,3}",
        r"[{}]{2}",
    ],
)
def test_ordinary_patterns_are_fine(pattern: str) -> None:
    """What suites really hold passes."""
    assert pattern_problem(pattern) is None


@pytest.mark.parametrize(
    "pattern",
    [
        "(a{1000}){1000}",
        "((a{100}b){20}c){9}",
        "a{99999999}",
        "(?:(?:x|y{50}){50}){50}",
        "a{100}{100}",
        "(?x)(a{90} ) # (\n{90}",
        "(a{90})(?#c){90}",
        "[(]{1}(a{900}[)]){9}",
        r"(\((a{300}\)){9}){9}",
    ],
)
def test_patterns_that_unfold_are_refused_before_they_are_compiled(pattern: str) -> None:
    """Nested counts multiply, also where comments or brackets hide it."""
    assert unfolded_size(pattern) > MAX_SIZE
    assert "repeats too much" in (pattern_problem(pattern) or "")


@pytest.mark.parametrize(
    ("pattern", "said"), [("(", "is not a regular"), ("", "empty"), ("x" * 2_001, "longer than 2,000")]
)
def test_unusable_patterns_say_why(pattern: str, said: str) -> None:
    """Empty, long and broken patterns are refused."""
    assert said in (pattern_problem(pattern) or "")
