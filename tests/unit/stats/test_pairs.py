"""Paired differences and verdicts: reference numbers, other implementations, symmetry and error rates."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.stats import pairs, power
from evalbot.stats.intervals import CHANGE, Measured, t_mean, wilson
from evalbot.stats.pairs import Flips
from evalbot.stats.verdicts import Verdict, decide
from tests.unit.stats.oracles import package

Table = dict[str, list[str]]
GSM_PAIRS = [
    ("6b_finetuning", "6b_verification"),
    ("6b_verification", "175b_finetuning"),
    ("175b_finetuning", "175b_verification"),
]
votes = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60)


def measured(value: float, half: float, n: int = 100) -> Measured:
    """A difference with a given half width."""
    return Measured(value, value - half, value + half, n, "t", se=half / 1.984)


@pytest.mark.parametrize(("before", "after"), GSM_PAIRS)
def test_paired_numbers_equal_the_reference(
    reference: dict[str, Any], table: Callable[[str], Table], before: str, after: str
) -> None:
    """Flips, t interval, exact McNemar and sign flips equal the reference on four models' answers."""
    data = table("gsm8k_4models.csv")
    a, b = np.array(data[before], dtype=float), np.array(data[after], dtype=float)
    expected = reference["deterministic"]["gsm8k"][f"{after} - {before}"]
    flips = pairs.count_flips(a, b)
    assert (flips.gained, flips.lost, flips.n) == (expected["b01"], expected["b10"], 673)
    difference = pairs.paired_difference(a, b)
    assert difference.value == pytest.approx(expected["diff"], abs=1e-4)
    assert difference.se == pytest.approx(expected["paired_se"], abs=1e-4)
    assert [difference.lower, difference.upper] == pytest.approx(expected["paired95"], abs=2e-4)
    assert pairs.mcnemar_p(flips) == pytest.approx(expected["mcnemar_exact_p"], rel=1e-3)
    p = pairs.sign_flip_p(b - a, np.random.default_rng(0))
    assert p == pytest.approx(expected["signflip_perm_p_10000_seed0"], abs=0.008)
    newcombe = pairs.newcombe_paired(flips)
    assert [newcombe.lower, newcombe.upper] == pytest.approx(expected["paired95"], abs=0.004)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_equals_statsmodels(gained: int, lost: int) -> None:
    """The exact test agrees with statsmodels for every table."""
    oracle = package("statsmodels.stats.contingency_tables").mcnemar([[5, lost], [gained, 7]], exact=True).pvalue
    assert pairs.mcnemar_p(Flips(5, lost, gained, 7)) == pytest.approx(min(1.0, float(oracle)), abs=1e-9)


def test_newcombe_equals_his_published_example() -> None:
    """The paper's first table, 36 both, 12 and 2 discordant, 0 neither: 0.2000 [0.0569, 0.3404]."""
    result = pairs.newcombe_paired(Flips(both=36, lost=2, gained=12, neither=0))
    assert result.value == pytest.approx(0.2)
    assert [result.lower, result.upper] == pytest.approx([0.0569, 0.3404], abs=1e-4)


@given(st.integers(0, 30), st.integers(1, 30), st.integers(0, 30), st.integers(1, 30))
def test_two_wilson_intervals_give_newcombes_unpaired_one(k1: int, more1: int, k2: int, more2: int) -> None:
    """Different items: squaring and adding Wilson ends agrees with statsmodels' Newcombe interval."""
    first, second = wilson(k1, k1 + more1), wilson(k2, k2 + more2)
    result = pairs.difference_of(first, second)
    confint_proportions_2indep = package("statsmodels.stats.proportion").confint_proportions_2indep
    oracle = confint_proportions_2indep(k1, k1 + more1, k2, k2 + more2, method="newcomb", compare="diff")
    assert [result.lower, result.upper] == pytest.approx(list(oracle), abs=1e-9)


@given(votes)
def test_swapping_the_sides_mirrors_everything(table: list[tuple[int, int]]) -> None:
    """After minus before is the mirror image of before minus after, and ends stay within [-1, 1]."""
    a, b = np.array(table).T
    forth, back = pairs.newcombe_paired(pairs.count_flips(a, b)), pairs.newcombe_paired(pairs.count_flips(b, a))
    assert [forth.value, forth.lower, forth.upper] == pytest.approx([-back.value, -back.upper, -back.lower])
    assert -1 <= forth.lower <= forth.value <= forth.upper <= 1


@given(st.lists(st.sampled_from([-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=9))
def test_few_differences_are_enumerated(d: list[float]) -> None:
    """Up to 14 nonzero differences the p-value is the exact share of sign patterns."""
    x = np.array([value for value in d if value])
    sums = [abs(float(np.dot(signs, x))) for signs in product([-1, 1], repeat=x.size)] if x.size else [0.0]
    expected = np.mean(np.array(sums) >= abs(x.sum()) - 1e-9)
    assert pairs.sign_flip_p(d, np.random.default_rng(1)) == pytest.approx(expected)


def test_sign_flips_of_clusters_need_more_proof(rng: np.random.Generator) -> None:
    """Twenty equal gains in two clusters prove no more than two gains would."""
    d = np.full(20, 0.5)
    assert pairs.sign_flip_p(d, rng) < 0.001
    assert pairs.sign_flip_p(d, rng, cluster_index=np.repeat([0, 1], 10)) == 0.5


def test_sign_flips_of_many_items(rng: np.random.Generator) -> None:
    """10,000 items prove a small shift and do not prove chance, continuous or not."""
    assert pairs.sign_flip_p(rng.normal(0.1, 1, 10_000), rng) < 0.01
    assert pairs.sign_flip_p(rng.choice([-1.0, 0.0, 1.0], 10_000), rng) > 0.001


def test_compare_pairs_chooses_test_and_interval(rng: np.random.Generator) -> None:
    """Votes get McNemar with a score interval, few grades sign flips, many t, clusters CR1."""
    a, b = rng.uniform(0, 0.8, 60), rng.uniform(0.2, 1, 60)
    assert pairs.compare_pairs(a > 0.5, b > 0.5, rng).test == "exact McNemar"
    assert pairs.compare_pairs(a, b, rng).test == "paired t"
    assert pairs.compare_pairs(a[:20], b[:20], rng).test == "sign flips"
    assert pairs.compare_pairs(a, b, rng, np.arange(60) // 3).test == "clustered t"
    assert pairs.compare_pairs(a, b, rng, np.arange(60) // 10).test == "sign flips of clusters"
    assert pairs.compare_pairs(a, a + 0.25, rng).difference.method == "equal values"


def test_unpaired_lengths_are_refused() -> None:
    """Different numbers of values are an error, not a truncated pairing."""
    with pytest.raises(ValueError, match="equal lengths"):
        pairs.paired_difference([1, 0, 1], [1, 0])
    with pytest.raises(ValueError, match="zeros and ones"):
        pairs.count_flips([0.5], [1])


@pytest.mark.parametrize(
    ("value", "half", "verdict"),
    [
        (0.10, 0.04, Verdict.BETTER),
        (-0.10, 0.04, Verdict.WORSE),
        (0.01, 0.03, Verdict.NO_DIFFERENCE),
        (0.03, 0.04, Verdict.CANNOT_TELL),
        (0.03, 0.02, Verdict.BETTER),
    ],
)
def test_verdicts_follow_from_the_interval(value: float, half: float, verdict: Verdict) -> None:
    """Each of the four verdicts is said exactly when its interval condition holds."""
    assert decide(measured(value, half), margin=0.05).verdict is verdict


def test_undecided_says_how_many_items_would_do() -> None:
    """Cannot tell comes with a number above the items there are, growing as the margin shrinks."""
    wide = decide(measured(0.03, 0.08), margin=0.05)
    narrow = decide(measured(0.03, 0.08), margin=0.02)
    assert wide.needed is not None
    assert narrow.needed is not None
    assert 100 < wide.needed < narrow.needed
    assert decide(measured(0.10, 0.04), margin=0.05).needed is None


def test_a_doubtful_test_blocks_better() -> None:
    """Five equal gains exclude zero by their bound, but the exact test cannot reach 5%, so nothing is claimed."""
    gains = t_mean([1.0] * 5, within=CHANGE)
    p = pairs.sign_flip_p([1.0] * 5, np.random.default_rng(0))
    assert gains.lower > 0
    assert decide(gains, p=p).verdict is Verdict.CANNOT_TELL
    assert decide(t_mean([1.0] * 8, within=CHANGE), p=0.01).verdict is Verdict.BETTER


def test_equivalence_p_agrees_with_the_90_percent_interval(rng: np.random.Generator) -> None:
    """Two one-sided tests fall at 5% exactly when the 90% interval lies within the margin."""
    for shift in np.linspace(-0.06, 0.06, 13):
        d = rng.normal(shift, 0.1, 50)
        inside = t_mean(d, level=0.9, within=None)
        fits = bool(inside.lower > -0.05 and inside.upper < 0.05)
        assert (pairs.equivalence_p(t_mean(d, within=None), 0.05) < 0.05) == fits


def test_power_equals_the_reference(reference: dict[str, Any]) -> None:
    """Needed items for paired grades and for flips equal the reference table."""
    for question, n in reference["deterministic"]["power_80_alpha05"].items():
        kind, *terms = question.split()
        numbers = [float(term.split("=")[1]) for term in terms]
        found = (power.items_for_change if kind == "paired" else power.items_for_flips)(*numbers)
        assert abs(found - n) <= 1, question


def test_power_functions_invert_each_other() -> None:
    """The smallest visible change of n items needs n items again; more repeats never hurt."""
    change = power.smallest_change(0.4, 503)
    assert change == pytest.approx(0.05, abs=1e-4)
    assert power.items_for_change(0.4, change) in (503, 504)
    assert power.expected_half_width(0.4, power.items_for_half_width(0.4, 0.05)) <= 0.05
    assert power.sd_with_repeats(0.04, 0.09, 1) > power.sd_with_repeats(0.04, 0.09, 5) > 0.2
    with pytest.raises(ValueError, match="endlessly many"):
        power.items_for_change(0.4, 0.0)


@pytest.mark.parametrize("draws", [400, pytest.param(8000, marks=pytest.mark.drill)])
def test_votes_are_covered_and_false_verdicts_are_rare(draws: int) -> None:
    """With no true change, better or worse is said at most in 5% of runs, and the interval covers zero."""
    rng = np.random.default_rng(7)
    claimed = covered = 0
    for _ in range(draws):
        truth = rng.beta(2, 1, 40)
        comparison = pairs.compare_pairs(rng.random(40) < truth, rng.random(40) < truth, rng)
        covered += comparison.difference.interval.contains(0.0)
        claimed += decide(comparison.difference, p=comparison.p).verdict in (Verdict.BETTER, Verdict.WORSE)
    assert covered / draws > 0.94
    assert claimed / draws < 0.05
