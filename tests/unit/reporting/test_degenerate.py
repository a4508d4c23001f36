"""Constant targets: named where one answer meets five questions or more, not where it may be the right one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from evalbot.reporting.degenerate import find_degenerate
from evalbot.reporting.estimates import FEWEST
from evalbot.runs.outputs import Output
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.suites import Suite
from tests.factories import make_failed_output, make_item, make_output, make_suite

MANY = FEWEST + 1


def suite_of(count: int, same: bool = False) -> Suite:
    """Give a suite whose items expect different answers, or all the same one."""
    return make_suite(*(make_item(f"i{n}", reference="yes" if same else f"{n}") for n in range(count)))


def saying(*texts: str, target: str = "main") -> list[Output]:
    """Give an output for each text, of one item each."""
    return [make_output(f"i{n}", text=text, target=target) for n, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("texts", "items"),
    [
        (["Sorry."] * MANY, MANY),
        (["Sorry."] * FEWEST, FEWEST),
        (["Sorry.", " Sorry.\n", "", " ", *["Sorry."] * 3], FEWEST),
        (["Sorry."] * (FEWEST - 1), 0),
        (["Sorry."] * MANY + ["Yes."], 0),
        ([""] * MANY, 0),
    ],
)
def test_one_answer_to_five_questions_is_degenerate(texts: Sequence[str], items: int) -> None:
    """Blank answers and blanks around them do not count; one other answer is enough to be scored."""
    found = find_degenerate(saying(*texts), suite_of(len(texts)))
    assert [(one.target, one.answer, one.items) for one in found] == ([("main", "Sorry.", items)] if items else [])


def test_repeats_and_errors_are_not_more_questions() -> None:
    """The same answer to one question asked five times proves nothing, nor does an error."""
    repeats = [make_output("i0", repeat, text="Sorry.") for repeat in range(9)]
    errors = [make_failed_output(f"i{n}") for n in range(1, 9)]
    assert find_degenerate([*repeats, *errors], suite_of(9)) == ()


def test_the_right_answer_to_all_is_not_degenerate() -> None:
    """Paraphrases of one question expect one answer: there a constant target is scored, by reference or by check alike."""
    outputs = saying(*["yes"] * MANY)
    assert find_degenerate(outputs, suite_of(MANY, same=True)) == ()
    check = GraderSpec(GraderType.CONTAINS, value="yes")
    plain = make_suite(*(make_item(f"i{n}", reference=None) for n in range(MANY)))
    assert len(find_degenerate(outputs, plain)) == 1
    assert find_degenerate(outputs, make_suite(*plain.items, graders=(check,))) == ()


def test_each_target_is_looked_at_by_itself() -> None:
    """A constant target beside another one is named alone."""
    outputs = [*saying(*["Sorry."] * MANY, target="dull"), *saying(*(f"No. {n}" for n in range(MANY)), target="keen")]
    assert [one.target for one in find_degenerate(outputs, suite_of(MANY))] == ["dull"]
