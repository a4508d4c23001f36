"""Calibrations: what examples are made of, what they change, and how a judge differs from people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.grading.calibration import DoubleGrade
from evalbot.grading.judge_bias import chance_corrected, family_of, measure_bias
from evalbot.grading.trials import FEWEST_HELD_BACK, held_back, measure_gain, split_pairs, worst_first
from evalbot.runs.outputs import OutputId
from evalbot.stats.verdicts import Verdict
from evalbot.suites.items import ItemId
from evalbot.suites.targets import Target, short_target
from tests.factories import make_rubric

RUBRIC, FIVE = make_rubric(2), make_rubric(5)
FAIL, PASS = 1, 2


def double(n: int, judge: int, *people: int, **changes: object) -> DoubleGrade:
    """One output that both graded."""
    return replace(DoubleGrade(OutputId(f"o{n}"), ItemId(f"i{n}"), judge, people), **changes)  # type: ignore[arg-type]


# --- parts and examples ----------------------------------------------------------------------------


@given(st.lists(st.integers(0, 500), max_size=50))
def test_an_item_is_in_one_part_only(numbers: list[int]) -> None:
    """Practice and held-back part share no item, lose nothing, and are the same every time."""
    pairs = [replace(double(n, PASS, PASS), output_id=OutputId(f"x{k}")) for k, n in enumerate(numbers)]
    parts = split_pairs(pairs)
    assert {one.item_id for one in parts.practice}.isdisjoint({one.item_id for one in parts.held_back})
    assert sorted(one.output_id for one in (*parts.practice, *parts.held_back)) == sorted(p.output_id for p in pairs)
    assert all(held_back(one.item_id) for one in parts.held_back)


def test_only_clear_disagreements_teach() -> None:
    """Where people are split, or agree with the judge, there is nothing to teach; the widest gap comes first."""
    pairs = [
        double(1, 5, 1, 1),
        double(2, 3, 2, 2),
        double(3, 5, 1, 5),
        double(4, 4, 5, 5),
        double(5, 4, 1, 1),
    ]
    assert [pair.output_id for pair in worst_first(pairs, FIVE)] == ["o1", "o5", "o2"]


def test_examples_come_from_both_sides() -> None:
    """Mistakes of kindness and of strictness take turns, so that three examples do not push the judge to one side."""
    kind = [double(n, PASS, FAIL, FAIL) for n in range(5)]
    strict = [double(n, FAIL, PASS, PASS) for n in range(5, 8)]
    chosen = worst_first([*kind, *strict], RUBRIC)[:3]
    assert [RUBRIC.passes(pair.judge) for pair in chosen] == [True, False, True]


def test_an_item_gives_one_example_at_most() -> None:
    """Repeats of one item teach the same thing."""
    pairs = [replace(double(1, PASS, FAIL), output_id=OutputId(f"x{k}")) for k in range(4)]
    assert len(worst_first(pairs, RUBRIC)) == 1


# --- gains -----------------------------------------------------------------------------------------


def test_gain_is_paired_on_what_both_read() -> None:
    """Eight of twenty mistakes mended is better; outputs that could not be read again are left out on both sides."""
    before = [double(n, PASS, FAIL if n < 8 else PASS) for n in range(20)]
    after = [replace(pair, judge=pair.people[0]) for pair in before[:-2]]
    gain = measure_gain(before, after, RUBRIC)
    assert gain is not None
    assert (gain.difference.n, gain.before.n, gain.after.value) == (18, 18, 1.0)
    assert gain.difference.value == pytest.approx(8 / 18)
    assert gain.decision.verdict is Verdict.BETTER


def test_nothing_is_said_of_a_handful() -> None:
    """Too few held-back outputs are not compared."""
    pairs = [double(n, PASS, FAIL) for n in range(FEWEST_HELD_BACK - 1)]
    assert measure_gain(pairs, pairs, RUBRIC) is None


def test_one_mended_mistake_of_many_cannot_be_told() -> None:
    """A change that chance brings as easily is no gain, and what would decide is said."""
    before = [double(n, PASS, FAIL if n < 3 else PASS) for n in range(20)]
    after = [replace(before[0], judge=FAIL), *before[1:]]
    gain = measure_gain(before, after, RUBRIC)
    assert gain is not None
    assert gain.decision.verdict is Verdict.CANNOT_TELL
    assert gain.decision.needed is not None


# --- bias ------------------------------------------------------------------------------------------


def test_bias_is_judge_minus_people() -> None:
    """A judge one step of five too kind everywhere is kinder by a quarter, with an interval above zero."""
    bias = measure_bias([double(n, 4, 3, 3) for n in range(40)], FIVE)
    assert bias.overall is not None
    assert bias.overall.value == pytest.approx(0.25)
    assert bias.overall.lower > 0


def test_a_taste_for_long_answers_and_for_its_own_family_shows() -> None:
    """The judge passes long answers of its own family: both groups stand out, short ones of others do not."""
    pairs = [
        double(n, PASS if n % 2 else FAIL, FAIL, characters=900 if n % 2 else 100, family="gpt" if n % 2 else "claude")
        for n in range(40)
    ]
    bias = measure_bias(pairs, RUBRIC)
    assert {one.name: round(one.bias.value, 2) for one in bias.families} == {"claude": 0.0, "gpt": 1.0}
    assert bias.length_gap is not None
    assert bias.length_gap.lower > 0.5
    assert bias.characters == 500


def test_one_family_and_few_outputs_say_nothing() -> None:
    """Groups are only shown against other groups, and from five outputs on."""
    assert measure_bias([double(n, PASS, PASS, family="gpt") for n in range(20)], RUBRIC).families == ()
    assert measure_bias([double(n, PASS, PASS) for n in range(4)], RUBRIC).overall is None


def test_the_place_of_an_answer_is_counted() -> None:
    """Comparisons that turned with the order of the answers are a share of all comparisons."""
    pairs = [double(n, PASS, PASS, swayed=n < 3) for n in range(12)]
    swayed = measure_bias(pairs, RUBRIC).swayed
    assert swayed is not None
    assert swayed.value == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("target", "family"),
    [
        (short_target("openai:gpt-4.1-mini"), "gpt"),
        (short_target("openrouter:anthropic/claude-3-5"), "claude"),
        (Target("http", "our app"), "our app"),
        (short_target("test:Llama3"), "llama"),
    ],
)
def test_families_are_the_first_word_of_a_model(target: Target, family: str) -> None:
    """Versions and sizes of a model are one family; what has no model goes by its label."""
    assert family_of(target) == family


def test_kappa_for_two_steps_and_alpha_for_more() -> None:
    """Agreement beyond chance fits the scale; it is nothing for a judge that says the same always."""
    two = [double(n, PASS if n % 2 else FAIL, PASS if n % 2 else FAIL) for n in range(20)]
    found = chance_corrected(two, RUBRIC, np.random.default_rng(1))
    assert found is not None
    assert "Cohen" in found.method
    assert found.value == 1.0
    five = [double(n, 1 + n % 5, 1 + n % 5) for n in range(20)]
    ordinal = chance_corrected(five, FIVE, np.random.default_rng(1))
    assert ordinal is not None
    assert "ordinal" in ordinal.method
    assert chance_corrected([double(n, PASS, PASS) for n in range(20)], RUBRIC, np.random.default_rng(1)) is None
