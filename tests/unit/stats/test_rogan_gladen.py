"""True shares behind an imperfect judge: limits, refusals and coverage."""

from __future__ import annotations

import numpy as np
import pytest

from evalbot.stats.rogan_gladen import HitRates, true_share


def test_a_perfect_judge_changes_little() -> None:
    """With hundreds of faultless calibration cases the true share is the judge's share."""
    found = true_share(60, 100, HitRates(500, 500, 500, 500))
    assert found is not None
    assert found.value == pytest.approx(0.6)
    assert found.lower < 0.51 + 0.01
    assert found.upper > 0.68


def test_the_textbook_point_estimate() -> None:
    """(q + specificity - 1) / (sensitivity + specificity - 1), cut at zero and one."""
    found = true_share(40, 100, HitRates(90, 100, 80, 100))
    assert found is not None
    assert found.value == pytest.approx((0.4 + 0.8 - 1) / 0.7)
    low = true_share(15, 100, HitRates(90, 100, 80, 100))
    assert low is not None
    assert low.value == 0
    assert low.upper > 0


@pytest.mark.parametrize("rates", [HitRates(60, 100, 55, 100), HitRates(9, 9, 50, 50), HitRates(50, 50, 0, 0)])
def test_poor_or_barely_calibrated_judges_are_refused(rates: HitRates) -> None:
    """Near a coin, or calibrated on fewer than ten cases of either kind, nothing is said."""
    assert true_share(40, 100, rates) is None


def test_hit_rates_that_cannot_carry_over_are_refused() -> None:
    """Fewer passes than the judge's false alarms alone would give contradict its hit rates."""
    assert true_share(2, 200, HitRates(90, 100, 80, 100)) is None
    assert true_share(200, 200, HitRates(80, 100, 90, 100)) is None


def test_impossible_counts_are_refused() -> None:
    """More right judgements than judgements, or more passes than outputs, are errors."""
    with pytest.raises(ValueError, match="outnumber"):
        HitRates(11, 10, 5, 10)
    with pytest.raises(ValueError, match="not a share"):
        true_share(11, 10, HitRates(20, 20, 20, 20))


@pytest.mark.parametrize("draws", [600, pytest.param(8000, marks=pytest.mark.drill)])
@pytest.mark.parametrize(("truth", "calibration"), [(0.1, 15), (0.5, 30), (0.85, 60)])
def test_coverage_with_small_calibration(truth: float, calibration: int, draws: int) -> None:
    """The interval covers the true share in at least 93% of draws although the hit rates are themselves uncertain."""
    rng = np.random.default_rng(31)
    covered = told = 0
    for _ in range(draws):
        rates = HitRates(rng.binomial(calibration, 0.9), calibration, rng.binomial(calibration, 0.8), calibration)
        found = true_share(rng.binomial(200, truth * 0.9 + (1 - truth) * 0.2), 200, rates)
        if found is not None:
            told += 1
            covered += found.interval.contains(truth)
    assert covered / told > 0.93
