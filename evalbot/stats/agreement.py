"""How far several raters agree beyond chance, each number with a bootstrap interval over items.

Ratings are an items x raters array of codes or scores; NaN is a missing rating. Everything returns None when agreement
is undefined: no item was rated twice, or chance alone would already agree fully (a single category).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from evalbot.stats.intervals import Floats, Measured

Statistic = Callable[[Floats], Floats]


class Metric(StrEnum):
    """What the distance between two ratings means."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"


class Weights(StrEnum):
    """How much a disagreement of two ordered codes counts in a weighted kappa."""

    ALL_EQUAL = "unweighted"
    LINEAR = "linear"
    QUADRATIC = "quadratic"


def krippendorff_alpha(
    ratings: npt.ArrayLike,
    metric: Metric,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 1000,
) -> Measured | None:
    """Krippendorff's alpha; n counts the items with at least two ratings. Missing ratings are allowed.

    Source: Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, repository.upenn.edu/asc_papers/43;
    Hayes & Krippendorff 2007, doi:10.1080/19312450709336664.
    """
    counts, values = _counts(ratings)
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        return None
    if metric is Metric.NOMINAL:
        columns, statistic = _nominal_columns(counts), _nominal_alpha
    elif metric is Metric.INTERVAL:
        columns, statistic = _interval_columns(counts, values), _interval_alpha
    else:
        columns, statistic = _coincidences(counts), _ordinal_alpha
    return _bootstrapped(columns, statistic, rng, f"alpha, {metric}, bootstrap over items", level, resamples)


def gwet_ac1(
    ratings: npt.ArrayLike, rng: np.random.Generator, level: float = 0.95, resamples: int = 1000
) -> Measured | None:
    """Gwet's AC1, which stays near the raw agreement when one category is very common; missing ratings are allowed.

    Source: Gwet 2008, doi:10.1348/000711006X126600.
    """
    counts, _ = _counts(ratings)
    totals = counts.sum(axis=1)
    if not (totals >= 2).any() or counts.shape[1] < 2:
        return None
    pairs = np.maximum(totals * (totals - 1), 1)
    agreeing = (counts * (counts - 1)).sum(axis=1) / pairs
    columns = np.column_stack([agreeing, totals >= 2, counts / totals[:, None]])
    found = _bootstrapped(columns, _ac1, rng, "AC1, bootstrap over items", level, resamples)
    return _with_n(found, int((totals >= 2).sum()))


def fleiss_kappa(
    ratings: npt.ArrayLike, rng: np.random.Generator, level: float = 0.95, resamples: int = 1000
) -> Measured | None:
    """Fleiss' kappa of a complete panel. Raises ValueError when items have different numbers of ratings.

    Source: Fleiss 1971, doi:10.1037/h0031619.
    """
    counts, _ = _counts(ratings)
    totals = counts.sum(axis=1)
    if len(counts) and np.ptp(totals) > 0:
        raise ValueError("Fleiss' kappa needs the same number of ratings for every item; use alpha instead.")
    if not len(counts) or totals[0] < 2:
        return None
    agreeing = (counts * (counts - 1)).sum(axis=1) / (totals * (totals - 1))
    columns = np.column_stack([agreeing, np.ones(len(counts)), counts / totals[:, None]])
    return _bootstrapped(columns, _fleiss, rng, "Fleiss' kappa, bootstrap over items", level, resamples)


def cohen_kappa(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    rng: np.random.Generator,
    weights: Weights = Weights.ALL_EQUAL,
    level: float = 0.95,
    resamples: int = 1000,
) -> Measured | None:
    """Cohen's (weighted) kappa of two raters over the items both rated; weights use the rank of the code.

    Source: Cohen 1960, doi:10.1177/001316446002000104; Cohen 1968, doi:10.1037/h0026256.
    """
    a, b = np.asarray(first, dtype=np.float64).ravel(), np.asarray(second, dtype=np.float64).ravel()
    both = ~(np.isnan(a) | np.isnan(b))
    values, codes = np.unique(np.concatenate([a[both], b[both]]), return_inverse=True)
    n, k = int(both.sum()), values.size
    if n == 0:
        return None
    cells = np.zeros((n, k * k))
    cells[np.arange(n), codes[:n] * k + codes[n:]] = 1.0
    costs = _costs(k, weights)

    def statistic(sums: Floats) -> Floats:
        table = sums.reshape(-1, k, k)
        chance = table.sum(axis=2)[:, :, None] * table.sum(axis=1)[:, None, :] / table.sum(axis=(1, 2))[:, None, None]
        return _one_minus_ratio((table * costs).sum(axis=(1, 2)), (chance * costs).sum(axis=(1, 2)))

    return _bootstrapped(cells, statistic, rng, f"Cohen's kappa, {weights}, bootstrap over items", level, resamples)


def _costs(k: int, weights: Weights) -> Floats:
    ranks = np.arange(k, dtype=np.float64)
    gaps: Floats = np.abs(ranks[:, None] - ranks)
    if weights is Weights.ALL_EQUAL:
        return np.minimum(gaps, 1.0)
    return gaps if weights is Weights.LINEAR else np.square(gaps)


def _counts(ratings: npt.ArrayLike) -> tuple[Floats, Floats]:
    """How often each value was given to each item that was rated at all, and the sorted values."""
    matrix = np.asarray(ratings, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError("Ratings are an items x raters array.")
    rows, columns = np.nonzero(~np.isnan(matrix))
    values, codes = np.unique(matrix[rows, columns], return_inverse=True)
    counts = np.zeros((matrix.shape[0], values.size))
    np.add.at(counts, (rows, codes), 1.0)
    return counts[counts.sum(axis=1) > 0], values


def _nominal_columns(counts: Floats) -> Floats:
    totals = counts.sum(axis=1, keepdims=True)
    return np.column_stack([counts * (counts - 1) / (totals - 1), counts])


def _nominal_alpha(sums: Floats) -> Floats:
    k = sums.shape[1] // 2
    same, counts = sums[:, :k].sum(axis=1), sums[:, k:]
    n = counts.sum(axis=1)
    by_chance = 1 - (counts * (counts - 1)).sum(axis=1) / (n * (n - 1))
    return _one_minus_ratio(1 - same / n, by_chance)


def _interval_columns(counts: Floats, values: Floats) -> Floats:
    x = values - values.mean()
    m, first, second = counts.sum(axis=1), counts @ x, counts @ x**2
    return np.column_stack([2 * (m * second - first**2) / (m - 1), m, first, second])


def _interval_alpha(sums: Floats) -> Floats:
    disagreement, n, first, second = sums.T
    return _one_minus_ratio(disagreement / n, 2 * (n * second - first**2) / (n * (n - 1)))


def _coincidences(counts: Floats) -> Floats:
    """Per item the coincidence matrix of its ratings, flattened."""
    k = counts.shape[1]
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(k)
    flat: Floats = (pairs / (counts.sum(axis=1) - 1)[:, None, None]).reshape(len(counts), k * k)
    return flat


def _ordinal_alpha(sums: Floats) -> Floats:
    k = round(np.sqrt(sums.shape[1]))
    table = sums.reshape(-1, k, k)
    counts = table.sum(axis=2)
    n = counts.sum(axis=1)
    middles = np.cumsum(counts, axis=1) - counts / 2
    distance = (middles[:, :, None] - middles[:, None, :]) ** 2
    chance = counts[:, :, None] * counts[:, None, :] / (n * (n - 1))[:, None, None]
    return _one_minus_ratio((table * distance).sum(axis=(1, 2)) / n, (chance * distance).sum(axis=(1, 2)))


def _ac1(sums: Floats) -> Floats:
    agreement, shares = _panel(sums)
    chance = (shares * (1 - shares)).sum(axis=1) / (shares.shape[1] - 1)
    return _one_minus_ratio(1 - agreement, 1 - chance)


def _fleiss(sums: Floats) -> Floats:
    agreement, shares = _panel(sums)
    return _one_minus_ratio(1 - agreement, 1 - (shares**2).sum(axis=1))


def _panel(sums: Floats) -> tuple[Floats, Floats]:
    """Mean pairwise agreement and mean share of every category."""
    with np.errstate(divide="ignore", invalid="ignore"):
        agreement = sums[:, 0] / sums[:, 1]
    return agreement, sums[:, 2:] / sums[:, 2:].sum(axis=1, keepdims=True)


def _one_minus_ratio(seen: Floats, by_chance: Floats) -> Floats:
    """1 - seen / by chance disagreement; NaN where chance leaves nothing to disagree about."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(by_chance > 1e-12, 1 - seen / by_chance, np.nan)


def _bootstrapped(
    columns: npt.NDArray[np.float64],
    statistic: Statistic,
    rng: np.random.Generator,
    method: str,
    level: float,
    resamples: int,
) -> Measured | None:
    """The statistic of column sums with its percentile interval over resampled items; undefined resamples are left out.

    Items with the same columns are drawn together, so thousands of items cost little.
    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13, doi:10.1201/9780429246593.
    """
    value = float(statistic(columns.sum(axis=0, keepdims=True))[0])
    if np.isnan(value):
        return None
    patterns, counts = np.unique(columns, axis=0, return_counts=True)
    n = int(counts.sum())
    drawn = np.empty(resamples)
    step = max(1, 4_000_000 // len(patterns))
    for start in range(0, resamples, step):
        stop = min(start + step, resamples)
        drawn[start:stop] = statistic(_drawn_counts(counts, n, stop - start, rng) @ patterns)
    drawn = drawn[~np.isnan(drawn)]
    if drawn.size == 0:
        return None
    lower, upper = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    se = float(drawn.std(ddof=1)) if drawn.size > 1 else None
    return Measured(value, min(value, float(lower)), max(value, float(upper)), n, method, se=se, level=level)


def _drawn_counts(counts: npt.NDArray[np.intp], n: int, size: int, rng: np.random.Generator) -> Floats:
    """How often each pattern comes up in n draws with replacement, for several resamples."""
    if counts.size <= 1000:
        return rng.multinomial(n, counts / n, size=size).astype(np.float64)
    owner = np.repeat(np.arange(counts.size), counts)
    flat = owner[rng.integers(0, n, size=(size, n), dtype=np.int32)] + counts.size * np.arange(size)[:, None]
    return np.bincount(flat.ravel(), minlength=size * counts.size).reshape(size, counts.size).astype(np.float64)


def _with_n(measured: Measured | None, n: int) -> Measured | None:
    """The same record resting on n items."""
    if measured is None:
        return None
    m = measured
    return Measured(m.value, m.lower, m.upper, n, m.method, se=m.se, level=m.level)
