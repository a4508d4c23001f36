"""The rule that decides whether a judge may be believed, and what it is held against."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.grading.calibration import (
    FEWEST,
    NEAR,
    DoubleGrade,
    Standing,
    agreement_of,
    asks_alike,
    ceiling_of,
    decide_standing,
    epoch_of,
    majority_of,
)
from evalbot.runs.outputs import OutputId
from evalbot.stats.intervals import wilson
from evalbot.suites.items import ItemId
from evalbot.suites.rubrics import JudgePrompt, RubricExample
from evalbot.suites.targets import Target
from tests.factories import make_rubric

RUBRIC = make_rubric(2)
FAIL, PASS = 1, 2
JUDGE = Target("openai:gpt-judge", "judge")


def double(n: int, judge: int, people: tuple[int, ...], **changes: object) -> DoubleGrade:
    """One output that both graded."""
    return replace(DoubleGrade(OutputId(f"o{n}"), ItemId(f"i{n}"), judge, people), **changes)  # type: ignore[arg-type]


def many(*groups: tuple[int, int, tuple[int, ...]]) -> list[DoubleGrade]:
    """So many outputs each with the judge's step and people's."""
    flat = [(judge, people) for count, judge, people in groups for _ in range(count)]
    return [double(n, judge, people) for n, (judge, people) in enumerate(flat)]


steps = st.sampled_from([FAIL, PASS])
pairs = st.lists(st.tuples(steps, st.lists(steps, min_size=1, max_size=4)), max_size=60).map(
    lambda found: [double(n, judge, tuple(people)) for n, (judge, people) in enumerate(found)]
)


# --- the rule --------------------------------------------------------------------------------------


@given(pairs)
def test_trust_needs_every_part_of_the_bar(found: list[DoubleGrade]) -> None:
    """A judge is trusted only with enough outputs, above the blind guess and near the ceiling, by its lower end."""
    standing = decide_standing(found, RUBRIC)
    if standing.standing is Standing.TRUSTED:
        assert standing.n >= FEWEST
        assert standing.lower is not None and standing.majority is not None and standing.ceiling is not None  # noqa: PT018
        assert standing.lower > standing.majority
        assert standing.lower >= standing.ceiling - NEAR
    if standing.standing is Standing.UNVERIFIED:
        assert standing.lower is not None and standing.bar is not None  # noqa: PT018
        assert standing.lower <= standing.bar
    assert standing.reason.endswith(".")


@given(pairs)
def test_few_outputs_are_unmeasured_and_never_unverified(found: list[DoubleGrade]) -> None:
    """Below ten outputs that both graded, or ten that two people graded, nobody is called bad."""
    twice = sum(len(pair.people) > 1 for pair in found)
    if len(found) < FEWEST or twice < FEWEST:
        assert decide_standing(found, RUBRIC).standing is Standing.UNMEASURED
    if len(found) < FEWEST:
        assert decide_standing(found, RUBRIC).agreement is None


@given(pairs)
def test_the_order_of_outputs_changes_nothing(found: list[DoubleGrade]) -> None:
    """The standing is that of a set."""
    one, other = decide_standing(found, RUBRIC), decide_standing(found[::-1], RUBRIC)
    assert (one.standing, one.n, one.more) == (other.standing, other.n, other.more)


@given(pairs, st.randoms(use_true_random=False))
def test_better_agreement_never_lowers_the_standing(found: list[DoubleGrade], rng: object) -> None:
    """A judge that says what most people say everywhere stands at least as well as any other on the same outputs."""
    order = [Standing.UNVERIFIED, Standing.UNMEASURED, Standing.TRUSTED]
    right = [replace(pair, judge=PASS if pair.people.count(PASS) * 2 > len(pair.people) else FAIL) for pair in found]
    worse, better = decide_standing(found, RUBRIC), decide_standing(right, RUBRIC)
    assert order.index(better.standing) >= order.index(worse.standing)


def test_a_judge_as_good_as_people_is_trusted() -> None:
    """95 of 100 beside people of whom one in ten differs: the lower end is near the ceiling and above the guess."""
    found = many((45, PASS, (PASS, PASS)), (45, FAIL, (FAIL, FAIL)), (4, PASS, (PASS, FAIL)), (3, PASS, (FAIL, FAIL)))
    found += many((3, FAIL, (FAIL, PASS)))
    standing = decide_standing(_renumbered(found), RUBRIC)
    assert standing.ceiling == pytest.approx(0.93)
    assert standing.standing is Standing.TRUSTED
    assert standing.more is None


def _renumbered(found: list[DoubleGrade]) -> list[DoubleGrade]:
    """Every output with an item of its own."""
    return [replace(pair, output_id=OutputId(f"o{n}"), item_id=ItemId(f"i{n}")) for n, pair in enumerate(found)]


def test_a_judge_that_always_passes_is_unverified() -> None:
    """Agreement of 80 % is nothing where people pass 80 %: a judge that looks at nothing gets as much."""
    found = many((80, PASS, (PASS, PASS)), (20, PASS, (FAIL, FAIL)))
    standing = decide_standing(found, RUBRIC)
    assert standing.agreement == standing.majority == pytest.approx(0.8)
    assert (standing.standing, standing.more) == (Standing.UNVERIFIED, None)


def test_people_who_always_say_the_same_measure_nobody() -> None:
    """Without a single failing answer good and blind judges look alike; a clearly differing one is still unverified."""
    assert decide_standing(many((40, PASS, (PASS, PASS))), RUBRIC).standing is Standing.UNMEASURED
    differing = many((20, PASS, (PASS, PASS)), (20, FAIL, (PASS, PASS)))
    assert decide_standing(differing, RUBRIC).standing is Standing.UNVERIFIED


def test_need_of_more_grades_is_enough_when_agreement_stays() -> None:
    """A judge that always agrees lacks only grades; with as many more as are named it is trusted."""
    few = many((6, PASS, (PASS, PASS)), (6, FAIL, (FAIL, FAIL)))
    standing = decide_standing(few, RUBRIC)
    assert standing.standing is Standing.UNVERIFIED
    assert standing.more is not None
    half = (12 + standing.more + 1) // 2
    enough = many((half, PASS, (PASS, PASS)), (half, FAIL, (FAIL, FAIL)))
    assert decide_standing(enough, RUBRIC).standing is Standing.TRUSTED


def test_outputs_of_one_person_leave_the_ceiling_open() -> None:
    """Where nobody graded beside somebody else, how far people agree is unknown, and what is missing is said."""
    standing = decide_standing(many((20, PASS, (PASS,)), (20, FAIL, (FAIL,))), RUBRIC)
    assert (standing.standing, standing.ceiling, standing.more) == (Standing.UNMEASURED, None, FEWEST)
    assert standing.agreement == 1.0


@pytest.mark.short
def test_a_judge_at_the_bar_is_rarely_trusted_and_a_good_one_soon() -> None:
    """Of judges that agree exactly at the bar at most one in forty is trusted by luck; a clearly better one is, most times.

    People differ on one answer in ten, so the ceiling is 0.90 and the bar 0.85; half of the answers pass.
    """
    assert _share_trusted(0.85, 60) < 0.04
    assert _share_trusted(0.85, 200) < 0.04
    assert _share_trusted(0.96, 200) > 0.9


def _share_trusted(agreement: float, n: int, draws: int = 400) -> float:
    """How often a judge is trusted that agrees so often with three people, of whom one dissents on three answers of twenty."""
    rng = np.random.default_rng(int(1000 * agreement) + n)
    trusted = 0
    for _ in range(draws):
        passing, right = rng.random(n) < 0.5, rng.random(n) < agreement
        found = []
        for k in range(n):
            step = PASS if passing[k] else FAIL
            other = FAIL + PASS - step
            dissent = k % 20 < 3
            people = (step, step, other) if dissent else (step, step, step)
            found.append(double(k, step if right[k] else other, people))
        trusted += decide_standing(found, RUBRIC).standing is Standing.TRUSTED
    return trusted / draws


# --- what is measured ------------------------------------------------------------------------------


def test_agreement_of_plain_outputs_is_wilsons() -> None:
    """Single items of equal chance give k of n with Wilson's interval."""
    found = agreement_of(many((17, PASS, (PASS,)), (3, PASS, (FAIL,))), RUBRIC)
    assert (found.value, found.lower, found.upper) == pytest.approx((0.85, wilson(17, 20).lower, wilson(17, 20).upper))


def test_people_split_evenly_agree_half_with_anybody() -> None:
    """Either verdict is that of half of the people; it is neither dropped nor a mistake."""
    found = many((10, PASS, (PASS, FAIL)), (10, FAIL, (PASS, FAIL)))
    assert agreement_of(found, RUBRIC).value == majority_of(found, RUBRIC) == 0.5
    assert ceiling_of(found, RUBRIC).value == 0.0  # type: ignore[union-attr]


def test_ceiling_leaves_each_person_out() -> None:
    """With three of whom one differs: two agree with the majority of the others only half, the third never."""
    found = ceiling_of(many((10, PASS, (PASS, PASS, FAIL))), RUBRIC)
    assert found is not None
    assert found.value == pytest.approx((0.5 + 0.5 + 0.0) / 3)


def test_repeats_of_an_item_do_not_narrow_the_interval() -> None:
    """The same verdict ten times on one item is one piece of evidence, not ten."""
    one = many((12, PASS, (PASS, PASS)), (8, FAIL, (PASS, PASS)))
    tenfold = [replace(pair, output_id=OutputId(f"{pair.output_id}-{k}")) for pair in one for k in range(10)]
    single, repeated = agreement_of(one, RUBRIC), agreement_of(tenfold, RUBRIC)
    assert repeated.value == single.value
    assert repeated.interval.width > 0.85 * single.interval.width


def test_weights_undo_unequal_chances() -> None:
    """Mistakes drawn four times as often weigh a fourth; the effective number is smaller than the number."""
    found = [replace(pair, weight=1.6) for pair in many((50, PASS, (PASS,)))]
    found += [replace(pair, weight=0.4) for pair in many((50, PASS, (FAIL,)))]
    measured = agreement_of(_renumbered(found), RUBRIC)
    assert measured.value == pytest.approx(0.8)
    assert measured.interval.width > wilson(80, 100).interval.width
    assert majority_of(found, RUBRIC) == pytest.approx(0.8)


@given(st.floats(0.1, 10.0), pairs)
def test_one_weight_for_all_changes_nothing(weight: float, found: list[DoubleGrade]) -> None:
    """Weights only speak of the proportions."""
    heavy = [replace(pair, weight=weight) for pair in found]
    one, other = decide_standing(found, RUBRIC), decide_standing(heavy, RUBRIC)
    assert (one.standing, one.more) == (other.standing, other.more)
    assert one.lower == pytest.approx(other.lower)


# --- epochs ----------------------------------------------------------------------------------------


def test_an_epoch_is_model_prompt_and_rubric() -> None:
    """Each part changes the key, equal parts give the same one; the words of people's question stay another matter."""
    prompt = JudgePrompt("rubric", 1, "Grade {{ output }}", "abc")
    rubric = replace(RUBRIC, judge=prompt)
    keys = {
        epoch_of(JUDGE, rubric).key,
        epoch_of(replace(JUDGE, id="openai:gpt-other"), rubric).key,
        epoch_of(replace(JUDGE, config={"temperature": 1}), rubric).key,
        epoch_of(JUDGE, replace(rubric, judge=replace(prompt, version=2))).key,
        epoch_of(JUDGE, replace(rubric, judge=replace(prompt, digest="abd"))).key,
        epoch_of(JUDGE, replace(rubric, version=2)).key,
        epoch_of(JUDGE, replace(rubric, examples=(RubricExample("a", "b", 1),))).key,
        epoch_of(JUDGE, replace(rubric, pass_from=1)).key,
    }
    assert len(keys) == 8
    assert epoch_of(JUDGE, rubric).key == epoch_of(replace(JUDGE), replace(rubric)).key
    assert asks_alike(rubric, replace(rubric, version=2, examples=(RubricExample("a", "b", 1),)))
    assert not asks_alike(rubric, replace(rubric, question="Is it short?"))
