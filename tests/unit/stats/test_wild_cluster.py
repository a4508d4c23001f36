"""The wild cluster bootstrap: against regressions on written-out samples, sign flips, mirrors, and its coverage."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.stats.intervals import CHANGE, Floats, Interval, clustered, equal_values, sums_by
from evalbot.stats.pairs import sign_flip_p
from evalbot.stats.wild_cluster import RADEMACHER, WEBB, WildTest, all_weights
from tests.unit.stats.oracles import package

Sizes = tuple[int, ...]


def wild_test(values: Floats, codes: np.ndarray) -> WildTest:
    """The test of values in clusters."""
    return WildTest(sums_by(codes, values), sums_by(codes, np.ones(values.size)))


def clusters_of(sizes: Sizes) -> np.ndarray:
    """The cluster of each value."""
    return np.repeat(np.arange(len(sizes)), sizes)


@pytest.mark.parametrize(("sizes", "weights"), [((3, 1, 5), WEBB), ((2, 3, 1, 4, 2, 6), RADEMACHER)])
@pytest.mark.parametrize("supposed", [0.0, 0.3, 0.6])
def test_p_is_that_of_regressions_on_written_out_samples(
    sizes: Sizes, weights: tuple[float, ...], supposed: float
) -> None:
    """For every combination of weights a sample is made and its mean tested by statsmodels' cluster sandwich."""
    codes = clusters_of(sizes)
    values = np.random.default_rng(3).uniform(size=codes.size)
    model = package("statsmodels.regression.linear_model")

    def t(sample: Floats) -> float:
        fit = model.OLS(sample - supposed, np.ones(sample.size)).fit(cov_type="cluster", cov_kwds={"groups": codes})
        return abs(float(fit.tvalues[0]))

    reached = t(values)
    samples = (supposed + np.array(one)[codes] * (values - supposed) for one in product(weights, repeat=len(sizes)))
    expected = float(np.mean([t(sample) >= reached * (1 - 1e-9) for sample in samples]))
    assert wild_test(values, codes).p(supposed) == pytest.approx(expected)


@given(st.lists(st.floats(-1, 1).map(lambda x: round(x, 3) + 0.0005), min_size=6, max_size=9), st.integers(1, 4))
def test_clusters_of_one_size_are_the_sign_flip_test(means: list[float], size: int) -> None:
    """With two weights and equal clusters the bootstrap is Fisher's test of random signs, which is exact."""
    codes = clusters_of((size,) * len(means))
    values = np.repeat(means, size)
    expected = sign_flip_p(values, np.random.default_rng(0), codes)
    if np.ptp(values) > 0:
        assert wild_test(values, codes).p(0.0) == pytest.approx(expected)


@given(st.lists(st.integers(1, 6), min_size=4, max_size=9), st.integers(0, 10**6))
def test_the_interval_holds_the_mean_stays_in_range_and_mirrors(sizes: list[int], seed: int) -> None:
    """Turning all values round turns the interval round."""
    codes = clusters_of(tuple(sizes))
    values = np.random.default_rng(seed).uniform(-1, 1, codes.size)
    found, turned = clustered(values, codes, within=CHANGE), clustered(-values, codes, within=CHANGE)
    assert "few clusters" in found.method
    assert -1 <= found.lower <= found.value <= found.upper <= 1
    assert (found.lower, found.upper) == pytest.approx((-turned.upper, -turned.lower), abs=1e-6)


@pytest.mark.parametrize(
    ("clusters", "method"), [(3, "clustered t, few"), (4, "wild"), (9, "wild"), (10, "clustered t")]
)
def test_it_is_taken_from_four_to_nine_clusters(clusters: int, method: str) -> None:
    """Below, t is narrower and covers; above, t is as good and quicker."""
    codes = clusters_of((5,) * clusters)
    found = clustered(np.random.default_rng(1).uniform(0.3, 0.7, codes.size), codes)
    assert found.method.startswith(method)


def test_clusters_with_one_mean_leave_a_doubt() -> None:
    """Where all clusters come to the same the interval is that of so many equal values, not a point."""
    found = clustered(np.tile([0.0, 1.0], 6), clusters_of((2,) * 6))
    assert found == equal_values(0.5, 12, 0.95, Interval(0, 1), clusters=6)
    assert found.half_width > 0.1


def test_weights_are_all_there_is_but_for_the_turned_ones() -> None:
    """With the opposite signs every combination comes once; the six have mean zero and variance one."""
    for clusters, each in ((3, WEBB), (6, RADEMACHER)):
        weights = all_weights(clusters)
        both = {tuple(row) for row in np.vstack([weights, -weights]).round(9).tolist()}
        assert both == {tuple(round(one, 9) for one in row) for row in product(each, repeat=clusters)}
    assert (np.mean(WEBB), np.mean(np.square(WEBB))) == pytest.approx((0.0, 1.0))


Draw = Callable[[np.random.Generator, np.ndarray], Floats]


def passes(share: float, alike: float) -> Draw:
    """Zeros and ones whose share varies between clusters."""
    return lambda rng, codes: (
        rng.random(codes.size) < rng.beta(share * alike, (1 - share) * alike, codes.max() + 1)[codes]
    ).astype(np.float64)


@pytest.mark.parametrize(
    "draws", [pytest.param(200, marks=pytest.mark.short), pytest.param(4_000, marks=pytest.mark.drill)]
)
@pytest.mark.parametrize(
    ("sizes", "share", "alike", "least"),
    [
        ((10,) * 6, 0.85, 4, 0.92),
        ((40, *(5,) * 6), 0.5, 4, 0.94),
        ((40, *(5,) * 8), 0.85, 4, 0.90),
        ((3, 6, 9, 12, 15, 18, 21), 0.85, 4, 0.90),
    ],
)
def test_it_covers_where_t_does_not(sizes: Sizes, share: float, alike: float, least: float, draws: int) -> None:
    """With clusters of unequal sizes or skewed values it covers more often than t with the larger of CR1 and jackknife."""
    rng, codes = np.random.default_rng(11), clusters_of(sizes)
    covered = by_t = 0
    for _ in range(draws):
        values = passes(share, alike)(rng, codes)
        covered += clustered(values, codes).interval.contains(share)
        by_t += clustered(values, codes, within=None).interval.contains(share)
    assert covered / draws > least - 2.6 * sqrt(0.06 / draws)
    assert covered > by_t
