"""Intervals that hold at every look: coverage over all looks, shrinkage and limits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.stats.confidence_sequences import ConfidenceSequence, betting, empirical_bernstein
from evalbot.stats.intervals import t_mean

Method = Callable[[np.ndarray], ConfidenceSequence]
METHODS: list[Method] = [empirical_bernstein, betting]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("draws", [40, pytest.param(1000, marks=pytest.mark.drill)])
@pytest.mark.parametrize("mean", [0.1, 0.5])
def test_the_truth_is_never_left_at_any_look(method: Method, draws: int, mean: float) -> None:
    """At most 5% of sequences ever exclude the truth, while t intervals at every look do so far more often."""
    rng = np.random.default_rng(43)
    missed = naive = 0
    for _ in range(draws):
        x = (rng.random(300) < mean) * 1.0
        found = method(x)
        missed += bool(((found.lower > mean) | (found.upper < mean)).any())
        looks = [t_mean(x[:n]) for n in range(20, 300, 10)]
        naive += any(not look.interval.contains(mean) for look in looks)
    assert missed / draws <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / draws) * (draws < 1000)
    assert naive / draws > 0.15


@pytest.mark.parametrize("method", METHODS)
@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_ends_never_move_outwards(method: Method, values: list[float]) -> None:
    """Ends stay in [0, 1] and only move inwards."""
    found = method(np.array(values))
    assert (np.diff(found.lower) >= 0).all()
    assert (np.diff(found.upper) <= 0).all()
    assert found.lower.min() >= 0
    assert found.upper.max() <= 1


def test_betting_is_tighter_and_both_shrink(rng: np.random.Generator) -> None:
    """After 500 low-variance values betting is narrower than Bernstein, and both are far below their start."""
    x = rng.beta(8, 12, 500)
    wide, tight = empirical_bernstein(x).last, betting(x).last
    assert tight.width < wide.width < 0.25
    assert tight.contains(0.4)
    assert wide.contains(0.4)


def test_a_long_sequence_comes_near_the_one_time_interval(rng: np.random.Generator) -> None:
    """After 10,000 values the sequence is at most three times as wide as an interval looked at once."""
    x = (rng.random(10_000) < 0.3) * 1.0
    found = betting(x).last
    assert found.width < 3 * t_mean(x).interval.width


def test_values_outside_the_range_are_refused() -> None:
    """The methods hold for values in [0, 1] only."""
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        betting([0.5, 1.2])
