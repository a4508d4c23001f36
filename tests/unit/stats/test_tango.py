"""Tango's paired interval: published ends, McNemar's test at zero, the likelihood behind it, and error rates."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from evalbot.stats.pairs import Flips, compare_pairs, newcombe_paired, tango_paired
from evalbot.stats.quantiles import two_sided_z
from evalbot.stats.tango import score_statistic, tango_bounds

tables = st.integers(1, 300).flatmap(
    lambda n: st.integers(0, n).flatmap(
        lambda gained: st.tuples(st.just(gained), st.integers(0, n - gained), st.just(n))
    )
)


def test_ends_equal_a_published_example() -> None:
    """Airways before and after a transplantation: 1 better, 7 worse of 21 (Fagerland, Lydersen & Laake 2014)."""
    ends = tango_bounds(1, 7, 21)
    assert (ends.lower, ends.upper) == pytest.approx((-0.517, -0.026), abs=6e-4)


@given(tables)
def test_zero_lies_outside_exactly_when_mcnemar_says_so(table: tuple[int, int, int]) -> None:
    """The interval and McNemar's statistic never disagree about zero, and turning the table mirrors the ends."""
    gained, lost, n = table
    ends, turned = tango_bounds(gained, lost, n), tango_bounds(lost, gained, n)
    assert (ends.lower, ends.upper) == pytest.approx((-turned.upper, -turned.lower), abs=1e-9)
    assert -1 <= ends.lower <= (gained - lost) / n <= ends.upper <= 1
    statistic = (gained - lost) / sqrt(gained + lost) if gained + lost else 0.0
    assume(abs(abs(statistic) - two_sided_z(0.95)) > 1e-9)
    assert (ends.lower > 0 or ends.upper < 0) == (abs(statistic) > two_sided_z(0.95))


@given(tables, st.floats(-0.95, 0.95))
def test_the_share_lost_is_the_most_likely_one(table: tuple[int, int, int], difference: float) -> None:
    """The statistic with the share that a numerical search over the likelihood finds is the same."""
    gained, lost, n = table
    low, high = max(0.0, -difference), (1 - difference) / 2
    assume(high - low > 0.02)

    def unlikely(share: float) -> float:
        cells = ((gained, share + difference), (lost, share), (n - gained - lost, 1 - 2 * share - difference))
        return -sum(count * log(max(chance, 1e-300)) for count, chance in cells if count)

    found = minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    variance = n * (2 * found + difference * (1 - difference))
    assume(variance > 1e-3)
    expected = (gained - lost - n * difference) / sqrt(variance)
    assert score_statistic(gained, lost, n, difference) == pytest.approx(expected, rel=2e-3, abs=2e-3)


@given(st.integers(1, 500), st.sampled_from([0.8, 0.95, 0.99]))
def test_no_flips_leave_a_doubt(n: int, level: float) -> None:
    """Where nothing flipped the ends are Wilson's for none of n, on both sides."""
    z2 = two_sided_z(level) ** 2
    ends = tango_bounds(0, 0, n, level)
    assert (ends.lower, ends.upper) == pytest.approx((-z2 / (n + z2), z2 / (n + z2)), abs=1e-9)


@pytest.mark.parametrize("table", [(0, 0, 0), (-1, 0, 4), (3, 2, 4)])
def test_what_is_no_table_is_refused(table: tuple[int, int, int]) -> None:
    """Counts that cannot be are an error, not a number."""
    with pytest.raises(ValueError, match="no table"):
        tango_bounds(*table)


def test_comparisons_take_it_from_thirty_pairs_on() -> None:
    """Below, Newcombe's is narrower at the same coverage."""
    rng = np.random.default_rng(1)
    for n, method in ((29, "Newcombe paired"), (30, "Tango paired")):
        values = rng.integers(0, 2, (2, n))
        assert compare_pairs(values[0], values[1], rng).difference.method == method


SHARES = [(0.5, 0.1, 0.1), (0.8, 0.05, 0.05), (0.85, 0.02, 0.1), (0.7, 0.18, 0.02), (0.3, 0.2, 0.2)]


@pytest.mark.parametrize(
    "draws", [pytest.param(400, marks=pytest.mark.short), pytest.param(20_000, marks=pytest.mark.drill)]
)
@pytest.mark.parametrize("n", [30, 100])
@pytest.mark.parametrize("shares", SHARES)
def test_it_covers_and_sees_at_least_what_newcombe_sees(shares: tuple[float, float, float], n: int, draws: int) -> None:
    """Coverage stays near 95 %, and a true change is seen at least as often; without one the false alarms stay near 5 %."""
    both, gain, loss = shares
    rng = np.random.default_rng(7)
    covered = seen = seen_by_newcombe = 0
    for a, gained, lost, rest in rng.multinomial(n, [both, gain, loss, 1 - sum(shares)], size=draws).tolist():
        flips = Flips(a, lost, gained, rest)
        ends, other = tango_paired(flips), newcombe_paired(flips)
        covered += ends.lower <= gain - loss <= ends.upper
        seen += ends.lower > 0 or ends.upper < 0
        seen_by_newcombe += other.lower > 0 or other.upper < 0
    slack = 2.6 * sqrt(0.05 * 0.95 / draws)
    assert covered / draws > 0.942 - slack
    assert seen >= seen_by_newcombe - 0.002 * draws
    if gain == loss:
        assert seen / draws < 0.055 + slack
