"""Means with intervals: published numbers, other implementations, limits and coverage."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.stats import intervals
from evalbot.stats.intervals import Interval, Measured
from tests.unit.stats.oracles import package

Table = dict[str, list[str]]


def ends(measured: Measured) -> list[float]:
    """Lower and upper end."""
    return [measured.lower, measured.upper]


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95]))
def test_wilson_and_jeffreys_equal_statsmodels(counts: tuple[int, int], level: float) -> None:
    """Both binomial intervals agree with statsmodels to 1e-9 for every k of n."""
    k, n = counts
    proportion_confint = package("statsmodels.stats.proportion").proportion_confint
    oracle = proportion_confint(k, n, alpha=1 - level, method="wilson")
    assert ends(intervals.wilson(k, n, level)) == pytest.approx(oracle, abs=1e-9)
    low, high = proportion_confint(k, n, alpha=1 - level, method="jeffreys")
    expected = [low if k else 0.0, high if k < n else 1.0]
    assert ends(intervals.jeffreys(k, n, level)) == pytest.approx(expected, abs=1e-9)


def test_wilson_equals_the_reference_numbers(reference: dict[str, Any]) -> None:
    """Published small-sample intervals come out to four digits."""
    for counts, methods in reference["deterministic"]["intervals_small_n"].items():
        k, n = map(int, counts.split("/"))
        assert ends(intervals.wilson(k, n)) == pytest.approx(methods["wilson"], abs=1e-4)


def test_wilson_needs_no_scipy() -> None:
    """The first number of a run can be shown without paying for scipy's import."""
    code = "import sys; from evalbot.stats.intervals import wilson; wilson(3, 5); assert 'scipy' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("n", [5, 10, 20, 30, 100])
def test_wilson_coverage_equals_the_reference(reference: dict[str, Any], n: int) -> None:
    """Mean coverage over a grid of true shares, computed exactly, is the published one."""
    grid = np.linspace(0.02, 0.98, 97)
    bounds = [intervals.wilson(k, n) for k in range(n + 1)]
    from scipy.stats import binom

    mass = binom.pmf(np.arange(n + 1)[:, None], n, grid)
    inside = np.array([[b.lower <= p <= b.upper for p in grid] for b in bounds])
    expected = reference["deterministic"]["interval_coverage_grid"][str(n)]["wilson"]["mean"]
    assert (mass * inside).sum(axis=0).mean() == pytest.approx(expected, abs=0.01)


def test_whole_pool_seen_leaves_no_doubt() -> None:
    """When every member of a finite pool was seen the interval has no width; half of it narrows by sqrt(2)."""
    assert intervals.wilson(3, 10, pool=10).half_width == 0
    values = np.linspace(0.2, 0.8, 50)
    assert intervals.t_mean(values, pool=50).half_width == 0
    half, full = intervals.t_mean(values, pool=100), intervals.t_mean(values)
    assert half.half_width == pytest.approx(full.half_width / np.sqrt(2))
    with pytest.raises(ValueError, match="pool of 40"):
        intervals.t_mean(values, pool=40)


@given(st.sampled_from([0.0, 1.0]), st.integers(2, 500))
def test_equal_values_at_an_end_get_the_wilson_interval(value: float, n: int) -> None:
    """All passes or all fails as floats are bounded like the share they are."""
    oracle = intervals.wilson(int(value) * n, n)
    assert ends(intervals.t_mean(np.full(n, value))) == pytest.approx(ends(oracle), abs=1e-12)


@given(st.floats(0, 1), st.integers(1, 500))
def test_equal_values_never_look_certain(value: float, n: int) -> None:
    """Equal values keep a width that depends only on their number, and lie inside the range."""
    measured = intervals.t_mean(np.full(n, value))
    other = 1.0 if n == 1 else 3.8414588 / (n + 3.8414588)
    assert measured.interval.width == pytest.approx(other, abs=1e-6)
    assert -1e-12 <= measured.lower <= value <= measured.upper <= 1 + 1e-12


def test_without_a_range_equal_values_say_nothing() -> None:
    """Equal values on an unknown scale have an endless interval."""
    assert ends(intervals.t_mean([2.0, 2.0, 2.0], within=None)) == [-inf, inf]
    assert ends(intervals.t_mean([3.0, 3.0], within=Interval(1, 5)))[0] > 1


def test_t_mean_equals_statsmodels(rng: np.random.Generator) -> None:
    """The t interval of a mean agrees with statsmodels."""
    x = rng.uniform(0.2, 0.9, 37)
    oracle = package("statsmodels.stats.weightstats").DescrStatsW(x).tconfint_mean(alpha=0.1)
    assert ends(intervals.t_mean(x, level=0.9)) == pytest.approx(oracle, abs=1e-9)


@pytest.mark.parametrize("bad", [[], [np.nan, 1.0], [np.inf]])
def test_no_or_missing_values_are_refused(bad: list[float]) -> None:
    """A mean of nothing, or of values that are not numbers, is an error and never a number."""
    with pytest.raises(ValueError):
        intervals.t_mean(bad)


def newsroom(table: Callable[[str], Table], skill: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, items and articles of one skill."""
    data = table("newsroom_ordinal.csv")
    keep = [i for i, name in enumerate(data["skill"]) if name == skill]
    scores = np.array([float(data["score"][i]) for i in keep])
    return scores, np.array([data["item"][i] for i in keep]), np.array([data["article"][i] for i in keep])


@pytest.mark.parametrize("skill", ["coherence", "fluency", "informativeness", "relevance"])
def test_clustered_error_equals_the_reference(
    reference: dict[str, Any], table: Callable[[str], Table], skill: str
) -> None:
    """CR1 by article, item means and naive errors equal the reference and statsmodels' cluster sandwich."""
    scores, items, articles = newsroom(table, skill)
    expected = reference["deterministic"]["clustered_newsroom"][skill]
    measured = intervals.clustered(scores, articles, within=Interval(1, 5))
    codes = np.unique(articles, return_inverse=True)[1]
    oracle = (
        package("statsmodels.regression.linear_model")
        .OLS(scores, np.ones_like(scores))
        .fit(cov_type="cluster", cov_kwds={"groups": codes, "use_correction": False})
    )
    assert measured.se == pytest.approx(float(oracle.bse[0]) * np.sqrt(30 / 29), rel=1e-9)
    assert measured.se == pytest.approx(expected["cluster_article_se_CR1"], abs=1e-4)
    assert (measured.n, measured.clusters) == (630, expected["clusters"])
    by_item = intervals.item_means(scores, items)
    assert intervals.t_mean(by_item.means, within=Interval(1, 5)).se == pytest.approx(
        expected["item_mean_se"], abs=1e-4
    )
    assert measured.value == pytest.approx(expected["mean"], abs=1e-4)


def test_each_value_its_own_cluster_is_the_t_interval(rng: np.random.Generator) -> None:
    """With one value per cluster the sandwich is the plain t interval."""
    x = rng.uniform(size=40)
    assert ends(intervals.clustered(x, np.arange(40))) == pytest.approx(ends(intervals.t_mean(x)))


def test_few_clusters_are_named_and_wider(rng: np.random.Generator) -> None:
    """Below ten clusters the method says so and is never narrower than CR1; one cluster proves nothing."""
    x, groups = rng.uniform(size=60), np.repeat([0, 1, 2, 3], [30, 15, 10, 5])
    measured = intervals.clustered(x, groups)
    assert "few" in measured.method
    assert measured.se is not None
    assert measured.se >= np.sqrt(intervals.cr1_variance(x - x.mean(), groups))
    assert ends(intervals.clustered(x, np.zeros(60))) == [0.0, 1.0]
    with pytest.raises(ValueError, match="cluster labels"):
        intervals.clustered(x, groups[:-1])


def test_repeats_are_averaged_before_items(rng: np.random.Generator) -> None:
    """Asking every item ten times never counts as ten times the items, and the two variances are recovered."""
    truth = rng.uniform(0.2, 0.8, 3000)
    values = truth.repeat(10) + rng.normal(0, 0.3, 30_000)
    result = intervals.item_means(values, np.arange(3000).repeat(10))
    assert result.means.size == 3000
    assert result.counts.tolist() == [10] * 3000
    assert result.within == pytest.approx(0.09, rel=0.05)
    assert result.between == pytest.approx(0.03, rel=0.1)
    missing = intervals.item_means([0.5, np.nan, 1.0], ["a", "b", "c"])
    assert missing.items.tolist() == ["a", "c"]
    assert missing.within is None


def test_stratified_mean_weighs_strata(rng: np.random.Generator) -> None:
    """Strata count by weight and not by size; with weights like sizes the value is the plain mean."""
    x, strata = np.concatenate([rng.uniform(0, 0.4, 90), rng.uniform(0.6, 1, 10)]), np.repeat(["a", "b"], [90, 10])
    even = intervals.stratified(x, strata, {"a": 1, "b": 1})
    assert even.value == pytest.approx((x[:90].mean() + x[90:].mean()) / 2)
    expected = 0.25 * (x[:90].var(ddof=1) / 90 + x[90:].var(ddof=1) / 10)
    assert even.se == pytest.approx(np.sqrt(expected))
    assert intervals.stratified(x, strata, {"a": 9, "b": 1}).value == pytest.approx(x.mean())
    with pytest.raises(ValueError, match="stratum"):
        intervals.stratified(x, strata, {"a": 1, "b": 1, "c": 1})


def test_stratum_of_equal_values_borrows_variance() -> None:
    """A stratum that only passed so far still adds to the error, and so does one seen in a single value."""
    strata = np.array(["a"] * 6 + ["b"] * 6 + ["c"])
    x = np.array([1.0] * 6 + [0, 1, 0, 1, 0, 1] + [1.0])
    measured = intervals.stratified(x, strata, {"a": 1, "b": 1, "c": 1})
    only_b = np.sqrt(np.var(x[6:12], ddof=1) / 6 / 9)
    assert measured.se is not None
    assert measured.se > only_b
    assert intervals.stratified(np.ones(13), strata, {"a": 1, "b": 1, "c": 1}).lower < 0.9


def coverage(interval: Callable[[np.ndarray], Measured], draw: Callable[[], np.ndarray], truth: float, n: int) -> float:
    """The share of n intervals that contain the truth."""
    return float(np.mean([interval(draw()).interval.contains(truth) for _ in range(n)]))


@pytest.mark.parametrize("n", [15, 40])
def test_widened_and_bootstrap_t_cover_skewed_means(n: int, rng: np.random.Generator) -> None:
    """On skewed scores the plain t interval misses too often; the widened one keeps 94%, bootstrap-t beats t."""

    def draw() -> np.ndarray:
        return rng.beta(0.15, 1.35, n)

    widened = coverage(intervals.widened_mean, draw, 0.1, 1000)
    plain = coverage(intervals.t_mean, draw, 0.1, 1000)
    bootstrap = coverage(lambda x: intervals.bootstrap_t(x, rng, resamples=500), draw, 0.1, 200)
    assert plain < 0.93
    assert widened > 0.935
    assert bootstrap > plain


def test_bootstrap_of_many_items_is_that_of_t(rng: np.random.Generator) -> None:
    """2,000 resamples of 10,000 items agree with t."""
    x = rng.uniform(size=10_000)
    measured = intervals.bootstrap_t(x, rng)
    assert ends(measured) == pytest.approx(ends(intervals.t_mean(x)), abs=5e-4)
    votes = (x > 0.3).astype(float)
    assert ends(intervals.bootstrap_t(votes, rng)) == pytest.approx(ends(intervals.t_mean(votes)), abs=1e-3)


def test_mean_of_chooses_the_method() -> None:
    """The chooser names Wilson for votes, CR1 for clusters, widened t for few or skewed values, else t."""
    even = np.linspace(0, 1, 50)
    assert intervals.mean_of([1, 0, 1]).method == "Wilson score"
    assert intervals.mean_of(even).method == "t"
    assert intervals.mean_of(even[:20]).method == "t, widened"
    assert intervals.mean_of(even**6).method == "t, widened"
    assert intervals.mean_of(even, np.arange(50) // 2).method == "clustered t"
    assert intervals.mean_of(even, np.arange(50)).method == "t"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_widening_stays_inside_and_mirrors(values: list[float]) -> None:
    """A widened interval holds its mean, stays in the range, and mirrors when the scale is turned around."""
    found, mirrored = intervals.widened_mean(values), intervals.widened_mean(1 - np.array(values))
    assert 0 <= found.lower <= found.value <= found.upper <= 1
    assert ends(found) == pytest.approx([1 - mirrored.upper, 1 - mirrored.lower])


def test_a_few_different_values_do_not_end_the_doubt() -> None:
    """One value that differs leaves a widened interval several times wider than the plain one, on the far side most."""
    x = np.append(np.full(29, 0.9), 0.89)
    widened, plain = intervals.widened_mean(x), intervals.t_mean(x)
    assert widened.half_width > 5 * plain.half_width
    assert widened.value - widened.lower > 5 * (widened.upper - widened.value)


@pytest.mark.drill
@pytest.mark.parametrize("n", [5, 10, 30, 100])
def test_coverage_of_small_clustered_samples(n: int, rng: np.random.Generator) -> None:
    """Clustered intervals lose little with clusters of unequal size, from five clusters on."""

    def interval(_: np.ndarray) -> Measured:
        sizes = rng.integers(1, 9, n)
        effects = rng.normal(0, 0.1, n).repeat(sizes)
        values = 0.5 + effects + rng.normal(0, 0.1, sizes.sum())
        return intervals.clustered(values, np.arange(n).repeat(sizes), within=None)

    assert coverage(interval, lambda: np.empty(0), 0.5, 4000) > 0.925
