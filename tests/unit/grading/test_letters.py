"""Letters in prose: which option an answer picks."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.grading.letters import find_letter


@pytest.mark.parametrize(
    "text",
    [
        "B",
        "b",
        " B. ",
        "(B)",
        "[B]",
        '"B"',
        "**B**",
        "`B`",
        "B) Paris",
        "B. Paris",
        "(b) Paris",
        "B - Paris",
        "B: Paris",
        "Answer: B",
        "answer: B",
        "Answer - B",
        "Answer: (B)",
        "**Answer:** B",
        "Answer: **B) Paris**",
        "Answer:\n\nB",
        "The answer is B.",
        "The answer is (b).",
        "The answer is B because of the rule.",
        "The correct answer is B, not A.",
        "The best answer would be B.",
        "I think the correct option is B",
        "Option B",
        "Option B is right.",
        "Hence, B.",
        "Choice: B",
        "I choose B",
        "A) is wrong.\nAnswer: B",
        "Answer: A. Wait, no. Actually the answer is B",
        "Some thoughts first.\n\nB",
        "It is (B) because of that.",
        "\\boxed{B}",
        "$\\boxed{\\text{B}}$",
        "答案：B",
        "答案是 B".replace("是", ""),
    ],
)
def test_picks_the_letter_that_is_meant(text: str) -> None:
    """Every common way to say B is B."""
    assert find_letter(text) == "B"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "A dog walks.",
        "I do not know.",
        "The answer is a dog",
        "The answer is A dog",
        "A, B",
        "A and B",
        "Answer: A or B",
        "Answer: (A), (B)",
        "(A) or (B)",
        "A: first\nB: second\nC: third",
        "Vitamin C",
        "ABC",
        "12",
        "É",
    ],
)
def test_leaves_open_what_is_open(text: str) -> None:
    """No letter, several letters, or a letter that is a word: no choice."""
    assert find_letter(text) is None


@given(
    st.sampled_from(string.ascii_uppercase),
    st.sampled_from(["{}", "({})", "**{}**", "Answer: {}", "The answer is {}.", "{}) because", "thinking...\n\n{}"]),
)
def test_every_letter_is_read_in_every_form(letter: str, form: str) -> None:
    """All 26 letters work alike, also I and A."""
    assert find_letter(form.format(letter)) == letter


@given(st.text(max_size=200))
def test_any_text_gives_a_letter_or_nothing(text: str) -> None:
    """No text raises; what comes back is one of A to Z."""
    assert find_letter(text) in {None, *string.ascii_uppercase}


def test_a_huge_text_is_read_at_both_ends() -> None:
    """Two megabytes of thought before the answer do not hide it."""
    assert find_letter("thinking aloud " * 150_000 + "\nAnswer: C") == "C"
