"""Means with intervals that stay honest for few, skewed, clustered or all-equal values.

Values that are all equal carry no variance, yet they prove little. With n equal values the share of other values is
at most u = z^2 / (n + z^2), the Wilson bound for 0 of n, and that share moves the mean at most to the ends of the
range; so n equal values c get [c - u (c - low), c + u (high - c)]. For c = 0 or 1 in [0, 1] this is Wilson's interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from evalbot.stats.quantiles import beta_quantile, two_sided_t, two_sided_z
from evalbot.stats.wild_cluster import FEWEST_FOR_WILD, wild_cluster_ends

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Labels = npt.ArrayLike

FEW_CLUSTERS = 10
SMALL_N = 30
SKEWED = 1.0


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval of numbers."""

    lower: float
    upper: float

    @property
    def width(self) -> float:
        """The distance between the ends."""
        return self.upper - self.lower

    def contains(self, value: float) -> bool:
        """Whether the value lies inside or on an end."""
        return self.lower <= value <= self.upper

    def clip(self, value: float) -> float:
        """The nearest number inside."""
        return min(max(value, self.lower), self.upper)


UNIT = Interval(0.0, 1.0)
CHANGE = Interval(-1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Measured:
    """A number with its interval, the count it rests on and how it was computed.

    n counts items (never repeats of one item); clusters is set when items were grouped; se is the standard error on the
    scale of the value, None where the method has none.
    """

    value: float
    lower: float
    upper: float
    n: int
    method: str
    se: float | None = None
    clusters: int | None = None
    level: float = 0.95

    @property
    def interval(self) -> Interval:
        """Lower and upper end."""
        return Interval(self.lower, self.upper)

    @property
    def half_width(self) -> float:
        """Half the distance between the ends: the number after the plus-minus sign."""
        return (self.upper - self.lower) / 2


@dataclass(frozen=True, slots=True)
class ItemMeans:
    """Repeats averaged within items. items, means, counts: same length, one entry per item with a value.

    within: variance between repeats of one item, None without repeats; between: variance of the items' true means.
    """

    items: npt.NDArray[np.generic]
    means: Floats
    counts: Ints
    within: float | None
    between: float | None


def as_floats(values: npt.ArrayLike) -> Floats:
    """The values as a flat float array. Raises ValueError when empty or not finite."""
    array = np.asarray(values, dtype=np.float64).ravel()
    if array.size == 0:
        raise ValueError("A mean needs at least one value.")
    if not np.isfinite(array).all():
        raise ValueError("Values must be finite numbers; drop missing ones first.")
    return array


def finite_pool_factor(n: int, pool: int | None) -> float:
    """What to multiply a sampling variance by when n of a fixed pool were drawn; 1.0 for an endless pool.

    Source: Cochran 1977, Sampling Techniques, 3rd ed., section 2.6, ISBN 0-471-16240-X.
    """
    if pool is None:
        return 1.0
    if pool < n:
        raise ValueError(f"A pool of {pool} cannot give {n} values.")
    return 1.0 - n / pool


def wilson_bounds(share: float, n: float, level: float = 0.95) -> Interval:
    """The Wilson score interval for a share seen in n (possibly effective, fractional) draws.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    z2 = two_sided_z(level) ** 2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = sqrt(z2) / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    lower = 0.0 if share <= 0 else max(0.0, centre - half)
    upper = 1.0 if share >= 1 else min(1.0, centre + half)
    return Interval(lower, upper)


def wilson(successes: int, n: int, level: float = 0.95, pool: int | None = None) -> Measured:
    """A share of successes with its Wilson score interval; needs no scipy.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953; Brown, Cai & DasGupta 2001, doi:10.1214/ss/1009213286.
    """
    _check_counts(successes, n)
    share = successes / n
    factor = finite_pool_factor(n, pool)
    bounds = wilson_bounds(share, n / factor, level) if factor > 0 else Interval(share, share)
    se = sqrt(share * (1 - share) / n * factor)
    return Measured(share, bounds.lower, bounds.upper, n, "Wilson score", se=se, level=level)


def jeffreys(successes: int, n: int, level: float = 0.95) -> Measured:
    """A share of successes with the equal-tailed interval of its Beta(k + 1/2, n - k + 1/2) posterior.

    An end is 0 when nothing succeeded and 1 when everything did.
    Source: Brown, Cai & DasGupta 2001, doi:10.1214/ss/1009213286.
    """
    _check_counts(successes, n)
    a, b = successes + 0.5, n - successes + 0.5
    lower = beta_quantile((1 - level) / 2, a, b) if successes else 0.0
    upper = beta_quantile((1 + level) / 2, a, b) if successes < n else 1.0
    return Measured(successes / n, lower, upper, n, "Jeffreys", level=level)


def t_mean(
    values: npt.ArrayLike, level: float = 0.95, within: Interval | None = UNIT, pool: int | None = None
) -> Measured:
    """A mean with Student's t interval, df = n - 1, cut at the range `within` (None: no known range).

    One value, or values all equal, get the bound described at the top of this module; without a range that is infinite.
    Source: Student 1908, doi:10.1093/biomet/6.1.1.
    """
    x = as_floats(values)
    factor = finite_pool_factor(x.size, pool)
    if factor > 0 and is_constant(x):
        return equal_values(float(x[0]), x.size, level, within, factor)
    se = sqrt(float(x.var(ddof=1)) / x.size * factor) if x.size > 1 else 0.0
    half = two_sided_t(level, x.size - 1) * se if se else 0.0
    return symmetric(float(x.mean()), half, within, n=x.size, method="t", se=se, level=level)


def widened_mean(
    values: npt.ArrayLike, level: float = 0.95, within: Interval = UNIT, pool: int | None = None
) -> Measured:
    """A mean whose interval counts, at each end, one imagined value at that end of the range: safe for few or skewed
    values. The mean itself is untouched; see widened_offsets. Values all equal get the bound at the top of this module.
    """
    x = as_floats(values)
    factor = finite_pool_factor(x.size, pool)
    if factor > 0 and is_constant(x):
        return equal_values(float(x[0]), x.size, level, within, factor)
    offsets = widened_offsets(x, within, level, factor=factor)
    return offset_mean(float(x.mean()), offsets, within, n=x.size, method="t, widened", level=level)


def widened_offsets(
    residuals: Floats,
    ends: Interval,
    level: float,
    factor: float = 1.0,
    codes: Ints | None = None,
    other_variance: float = 0.0,
    imagined: int = 1,
) -> Interval:
    """How far an interval reaches below and above a mean residual, each side with imagined residuals at its end.

    An imagined residual (a cluster of its own) counts in the variance and its df, not in the mean. factor scales that
    variance (finite pool), other_variance is added to it. One imagined value per side, on its own side only, covers
    skewed means as well as one at each end for both sides, and is narrower: by 14% on skewed judge residuals with 25
    labels. Its limit: where one value in twenty is extreme, 50 values give 0.93 instead of 0.95 (use wilson for 0/1).
    Two per side close that gap at the width of one at each end for both sides: with 90% passes and a judge right on 90%
    of them, 25 labels of 1,000 cover 0.977 (one per side 0.876, both ends for both sides 0.920).
    Source: own simulation; after Agresti & Coull 1998, doi:10.1080/00031305.1998.10480550.
    """
    halves = []
    for end in (ends.lower, ends.upper):
        padded = np.append(residuals, np.full(imagined, end))
        if codes is None:
            variance, df = float(padded.var(ddof=1)) / padded.size, padded.size - 1
        else:
            own = int(codes.max()) + 1 + np.arange(imagined)
            df = int(own[-1])
            variance = cr1_variance(padded - padded.mean(), np.append(codes, own))
        halves.append(two_sided_t(level, df) * sqrt(variance * factor + other_variance))
    return Interval(-halves[0], halves[1])


def offset_mean(
    value: float, offsets: Interval, within: Interval, *, n: int, method: str, level: float, clusters: int | None = None
) -> Measured:
    """The record of a value with its offsets, cut at the range; se is the mean reach over the normal quantile."""
    se = offsets.width / 2 / two_sided_z(level)
    lower, upper = within.clip(value + offsets.lower), within.clip(value + offsets.upper)
    return Measured(value, lower, upper, n, method, se=se, clusters=clusters, level=level)


def bootstrap_t(
    values: npt.ArrayLike,
    rng: np.random.Generator,
    level: float = 0.95,
    within: Interval | None = UNIT,
    resamples: int = 2000,
) -> Measured:
    """A mean with the studentised bootstrap interval, which follows skew; cut at the range.

    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 12, doi:10.1201/9780429246593.
    """
    x = as_floats(values)
    if is_constant(x):
        return equal_values(float(x[0]), x.size, level, within)
    mean, se = float(x.mean()), float(x.std(ddof=1)) / sqrt(x.size)
    means, ses = _resampled_moments(x, rng, resamples)
    with np.errstate(divide="ignore", invalid="ignore"):
        pivots = np.where(means == mean, 0.0, (means - mean) / ses)
    low, high = np.quantile(pivots, [(1 - level) / 2, (1 + level) / 2], method="nearest")
    limits = within or Interval(-np.inf, np.inf)
    return Measured(
        mean, limits.clip(mean - high * se), limits.clip(mean - low * se), x.size, "bootstrap-t", se=se, level=level
    )


def clustered(
    values: npt.ArrayLike, cluster_index: Labels, level: float = 0.95, within: Interval | None = UNIT
) -> Measured:
    """A mean of values that come in clusters, with the CR1 sandwich variance and t with clusters - 1 df.

    Below ten clusters the wild cluster bootstrap takes t's place and the method says so; below four, or without a known
    range, it is t with the larger of CR1 and the leave-one-cluster-out jackknife. Clusters whose means are all equal get
    the bound described at the top of this module.
    Source: Liang & Zeger 1986, doi:10.1093/biomet/73.1.13; Cameron & Miller 2015, doi:10.3368/jhr.50.2.317;
    Bell & McCaffrey 2002, Survey Methodology 28(2), 169-181 (the jackknife for few clusters).
    """
    x = as_floats(values)
    codes, count = cluster_codes(cluster_index, x.size)
    variance = cr1_variance(x - x.mean(), codes) if count > 1 else 0.0
    if is_constant(x) or variance <= 1e-24:
        return equal_values(float(x.mean()), x.size, level, within, clusters=count)
    se, method = sqrt(variance), "clustered t"
    if FEWEST_FOR_WILD <= count < FEW_CLUSTERS and within is not None:
        sums, counts = sums_by(codes, x), sums_by(codes, np.ones(x.size))
        ends = wild_cluster_ends(sums, counts, level, within.lower, within.upper)
        method = "wild cluster bootstrap, few clusters"
        return Measured(float(x.mean()), ends.lower, ends.upper, x.size, method, se=se, clusters=count, level=level)
    if count < FEW_CLUSTERS:
        se, method = max(se, sqrt(_jackknife_variance(x, codes))), "clustered t, few clusters"
    half = two_sided_t(level, count - 1) * se
    return symmetric(float(x.mean()), half, within, n=x.size, method=method, se=se, level=level, clusters=count)


def item_means(values: npt.ArrayLike, item_index: Labels) -> ItemMeans:
    """Repeats averaged within items, with the variance within and between items. NaN values are left out.

    Source: Searle, Casella & McCulloch 1992, Variance Components, chapter 3, doi:10.1002/9780470316856.
    """
    x = np.asarray(values, dtype=np.float64).ravel()
    present = ~np.isnan(x)
    items, codes = np.unique(np.asarray(item_index).ravel()[present], return_inverse=True)
    x = as_floats(x[present])
    counts = np.bincount(codes).astype(np.int64)
    means = sums_by(codes, x) / counts
    spare = x.size - items.size
    within = float(((x - means[codes]) ** 2).sum() / spare) if spare else None
    between = None
    if items.size > 1 and within is not None:
        between = max(0.0, float(means.var(ddof=1)) - within * float((1 / counts).mean()))
    return ItemMeans(items, means, counts, within, between)


def stratified(
    values: npt.ArrayLike,
    stratum_index: Labels,
    weights: Mapping[str, float],
    level: float = 0.95,
    within: Interval | None = UNIT,
    pools: Mapping[str, int] | None = None,
) -> Measured:
    """A weighted mean of stratum means; weights by stratum label are scaled to sum to one.

    A stratum with one value, or with equal values, borrows from the others: its variance is the pooled one with three
    imagined degrees of freedom. pools: size of each finite stratum. Raises ValueError when a weighted stratum is empty.
    Source: Cochran 1977, Sampling Techniques, 3rd ed., chapter 5; Satterthwaite 1946, doi:10.2307/3002019.
    """
    x = as_floats(values)
    labels, codes = np.unique(np.asarray(stratum_index).ravel(), return_inverse=True)
    keys = [str(label) for label in labels]
    if set(weights) != set(keys):
        raise ValueError("Every stratum needs a weight and at least one value.")
    share = np.array([weights[key] for key in keys], dtype=np.float64)
    share /= share.sum()
    counts = np.bincount(codes)
    means = sums_by(codes, x) / counts
    value = float(share @ means)
    if is_constant(x):
        return equal_values(value, x.size, level, within)
    factors = np.array(
        [finite_pool_factor(int(n), pools[k] if pools else None) for k, n in zip(keys, counts, strict=True)]
    )
    parts = share**2 * _stratum_variances(x, codes, means, counts) / counts * factors
    se = sqrt(float(parts.sum()))
    if not se:
        return symmetric(value, 0.0, within, n=x.size, method="stratified t", se=0.0, level=level)
    df = float(parts.sum()) ** 2 / float((parts**2 / np.maximum(counts - 1, 1)).sum())
    half = two_sided_t(level, df) * se
    return symmetric(value, half, within, n=x.size, method="stratified t", se=se, level=level)


def mean_of(
    values: npt.ArrayLike, cluster_index: Labels | None = None, level: float = 0.95, pool: int | None = None
) -> Measured:
    """The mean of per-item values in [0, 1] with the interval that suits them.

    Clusters given: CR1. Only zeros and ones: Wilson. Fewer than 30 values, strong skew or all equal: widened t.
    Otherwise t. Source: the functions named; Bowyer, Aitchison & Ivanova 2025, arXiv:2503.01747 (small n).
    """
    x = as_floats(values)
    if cluster_index is not None and np.unique(np.asarray(cluster_index)).size < x.size:
        return clustered(x, cluster_index, level)
    if np.isin(x, (0.0, 1.0)).all():
        return wilson(int(x.sum()), x.size, level, pool)
    if x.size < SMALL_N or is_constant(x) or abs(skewness(x)) > SKEWED:
        return widened_mean(x, level, UNIT, pool)
    return t_mean(x, level, UNIT, pool)


def skewness(values: Floats) -> float:
    """The third standardised moment; 0.0 for equal values."""
    deviations = values - values.mean()
    variance = float((deviations**2).mean())
    return float((deviations**3).mean()) / variance**1.5 if variance > 0 else 0.0


def is_constant(values: Floats) -> bool:
    """Whether all values are the same up to rounding."""
    return float(np.ptp(values)) <= 1e-12 * max(1.0, float(np.abs(values).max()))


def cluster_codes(cluster_index: Labels, n: int) -> tuple[Ints, int]:
    """Codes 0..clusters-1 for n values and the number of clusters. Raises ValueError when the lengths differ."""
    index = np.asarray(cluster_index).ravel()
    if index.size != n:
        raise ValueError(f"{n} values need {n} cluster labels, not {index.size}.")
    labels, codes = np.unique(index, return_inverse=True)
    return codes.astype(np.int64), int(labels.size)


def sums_by(codes: Ints, values: Floats, count: int = 0) -> Floats:
    """Sums of values by code; at least `count` of them."""
    return np.asarray(np.bincount(codes, weights=values, minlength=count), dtype=np.float64)


def cr1_variance(residuals: Floats, codes: Ints) -> float:
    """The CR1 variance of a mean from its residuals: G/(G-1) * sum over clusters of (sum of residuals)^2 / n^2.

    Source: Cameron & Miller 2015, doi:10.3368/jhr.50.2.317.
    """
    sums = sums_by(codes, residuals)
    return float(sums.size / (sums.size - 1) * (sums**2).sum() / residuals.size**2)


def equal_values(
    value: float, n: int, level: float, within: Interval | None, factor: float = 1.0, clusters: int | None = None
) -> Measured:
    """The bound for n (or so many clusters of) equal values described at the top of this module.

    One value or one cluster proves nothing: its interval is the whole range.
    """
    units = n if clusters is None else clusters
    if within is None:
        return Measured(value, -np.inf, np.inf, n, "equal values", clusters=clusters, level=level)
    z2 = two_sided_z(level) ** 2
    other = sqrt(factor) * z2 / (units + z2) if units > 1 else 1.0
    lower = value - other * (value - within.lower)
    upper = value + other * (within.upper - value)
    return Measured(value, lower, upper, n, "equal values", se=None, clusters=clusters, level=level)


def symmetric(
    value: float,
    half: float,
    within: Interval | None,
    *,
    n: int,
    method: str,
    se: float,
    level: float,
    clusters: int | None = None,
) -> Measured:
    """The record of value +- half, with the ends cut at the range."""
    limits = within or Interval(-np.inf, np.inf)
    return Measured(
        value, limits.clip(value - half), limits.clip(value + half), n, method, se=se, clusters=clusters, level=level
    )


def _check_counts(successes: int, n: int) -> None:
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is not a share.")


def _jackknife_variance(x: Floats, codes: Ints) -> float:
    """The leave-one-cluster-out variance of the mean."""
    sums, counts = sums_by(codes, x), np.bincount(codes)
    without = (x.sum() - sums) / (x.size - counts)
    return float((counts.size - 1) / counts.size * ((without - x.mean()) ** 2).sum())


def _stratum_variances(x: Floats, codes: Ints, means: Floats, counts: npt.NDArray[np.intp]) -> Floats:
    """Variance in each stratum; constant strata are shrunk towards the pooled variance (3 imagined df)."""
    squares = sums_by(codes, (x - means[codes]) ** 2)
    spare = np.maximum(counts - 1, 0)
    pooled = float(squares.sum() / spare.sum()) if spare.sum() and squares.sum() > 0 else float(x.var(ddof=1))
    own = squares / np.maximum(spare, 1)
    return np.where(squares > 0, own, (squares + 3 * pooled) / (spare + 3))


def _resampled_moments(x: Floats, rng: np.random.Generator, resamples: int) -> tuple[Floats, Floats]:
    """Means and standard errors of resamples; few distinct values are drawn as counts, which is much faster."""
    distinct, counts = np.unique(x, return_counts=True)
    centre = float(x.mean())
    if distinct.size <= 64:
        drawn = rng.multinomial(x.size, counts / x.size, size=resamples).astype(np.float64)
        first, second = drawn @ (distinct - centre), drawn @ (distinct - centre) ** 2
    else:
        first, second = np.empty(resamples), np.empty(resamples)
        shifted = x - centre
        step = max(1, 2_000_000 // x.size)
        for start in range(0, resamples, step):
            stop = min(start + step, resamples)
            block = shifted[rng.integers(0, x.size, size=(stop - start, x.size), dtype=np.int32)]
            first[start:stop] = block.sum(axis=1)
            second[start:stop] = np.einsum("ij,ij->i", block, block)
    variance = np.maximum(second - first**2 / x.size, 0.0) / (x.size - 1)
    return centre + first / x.size, np.sqrt(variance / x.size)
