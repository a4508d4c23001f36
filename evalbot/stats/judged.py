"""Means of costly human labels, sharpened by cheap judge labels of everything (prediction-powered inference).

The human labels must be a random part of what the judge labelled. The judge's mean is corrected by the mean residual
human - weight * judge; the weight is learnt, so a judge that knows nothing costs nothing. Intervals are widened by an
imagined residual at the end of the possible range on either side, which keeps few and skewed labels honest. All labels
lie in one range, [0, 1] unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from evalbot.stats.intervals import (
    CHANGE,
    UNIT,
    Floats,
    Interval,
    Labels,
    Measured,
    as_floats,
    cluster_codes,
    finite_pool_factor,
    offset_mean,
    widened_offsets,
)
from evalbot.stats.power import items_for_half_width

IMAGINED = 2
"""How many imagined residuals widen each side of a score: one is narrower, but misses where a good judge errs seldom.

Differences keep one, as their range is twice as long.
"""


@dataclass(frozen=True, slots=True)
class Corrected:
    """A corrected mean beside the judge's own. weight: how far the judge was trusted (0 not at all); correlation:
    between human and judge on the labelled part; bias: mean of judge minus human there.
    """

    measured: Measured
    judge_mean: float
    weight: float
    correlation: float
    bias: float

    @property
    def saving(self) -> float:
        """The share of human labels the judge saves at the same width, from the correlation and an endless pool."""
        return max(0.0, self.correlation) ** 2


@dataclass(frozen=True, slots=True)
class Blend:
    """Several judges made one. labelled: predictions for the human-labelled part, each made without its own label;
    everything: predictions for the whole pool, averaged over the folds.
    """

    labelled: Floats
    everything: Floats


def corrected_pool_mean(
    human: npt.ArrayLike,
    judge: npt.ArrayLike,
    judge_pool: npt.ArrayLike,
    level: float = 0.95,
    cluster_index: Labels | None = None,
    within: Interval = UNIT,
    weight: float | None = None,
) -> Corrected:
    """The mean human label of a fixed pool, all of it judged and a random part of it labelled.

    human, judge: the labelled part, same order; judge_pool: the whole pool, the labelled part included. The sampling
    variance is multiplied by 1 - n / pool. weight: fix it (for a group too small to learn its own).
    Source: Angelopoulos, Duchi & Zrnic 2023, arXiv:2311.01453; Särndal, Swensson & Wretman 1992, Model Assisted Survey
    Sampling, chapter 6, doi:10.1007/978-1-4612-4378-6.
    """
    y, f, pool = _same_length(human, judge), as_floats(judge), as_floats(judge_pool)
    factor = finite_pool_factor(y.size, pool.size)
    trust = judge_weight(y, f) if weight is None else weight
    return _corrected(_Part(y, f, trust, cluster_index), pool, level, within, factor=factor)


def corrected_stream_mean(
    human: npt.ArrayLike,
    judge: npt.ArrayLike,
    judge_extra: npt.ArrayLike,
    level: float = 0.95,
    cluster_index: Labels | None = None,
    within: Interval = UNIT,
    weight: float | None = None,
) -> Corrected:
    """The mean human label of endless traffic, from a labelled sample and further outputs only the judge saw.

    judge_extra: judge labels of outputs outside the labelled sample; their own sampling error is added.
    Source: Angelopoulos, Duchi & Zrnic 2023, arXiv:2311.01453 (power tuning);
    Angelopoulos, Bates, Fannjiang, Jordan & Zrnic 2023, doi:10.1126/science.adi6000.
    """
    y, f, extra = _same_length(human, judge), as_floats(judge), as_floats(judge_extra)
    trust = judge_weight(y, f) / (1 + y.size / extra.size) if weight is None else weight
    extra_variance = trust**2 * float(extra.var(ddof=1)) / extra.size if extra.size > 1 else 0.0
    return _corrected(_Part(y, f, trust, cluster_index), extra, level, within, other_variance=extra_variance)


def corrected_pool_difference(
    human_before: npt.ArrayLike,
    human_after: npt.ArrayLike,
    judge_before: npt.ArrayLike,
    judge_after: npt.ArrayLike,
    pool_before: npt.ArrayLike,
    pool_after: npt.ArrayLike,
    level: float = 0.95,
    cluster_index: Labels | None = None,
) -> Corrected:
    """The mean paired difference (after minus before) in a fixed pool of things labelled both times.

    Source: Angelopoulos, Duchi & Zrnic 2023, arXiv:2311.01453, applied to differences; Boyeau et al. 2024,
    arXiv:2403.07008.
    """
    human = _same_length(human_after, human_before) - as_floats(human_before)
    judge = _same_length(judge_after, judge_before) - as_floats(judge_before)
    pool = _same_length(pool_after, pool_before) - as_floats(pool_before)
    return corrected_pool_mean(human, judge, pool, level, cluster_index, CHANGE)


def judge_weight(human: npt.ArrayLike, judge: npt.ArrayLike) -> float:
    """How far to trust the judge: the regression slope of human on judge in the labelled part, never negative.

    The judge's variance is taken from the labelled part as well. Taking it from the pool, as is usual, lets the slope
    follow the luck of the draw when passes are rare: on skewed scores (mean 0.10, 25 labels of 805) that biased the
    mean by -0.017, this by -0.005, with an interval 7% narrower at equal coverage.
    Source: Cochran 1977, Sampling Techniques, 3rd ed., section 7.3; Angelopoulos, Duchi & Zrnic 2023,
    arXiv:2311.01453, section 3 (power tuning).
    """
    y, f = _same_length(human, judge), as_floats(judge)
    spread = float(((f - f.mean()) ** 2).sum())
    if spread <= 1e-12:
        return 0.0
    return max(0.0, float(((y - y.mean()) * (f - f.mean())).sum()) / spread)


def blend_judges(
    human: npt.ArrayLike,
    judges: npt.ArrayLike,
    judges_pool: npt.ArrayLike,
    rng: np.random.Generator,
    folds: int = 5,
    penalty: float = 1.0,
) -> Blend:
    """One judge out of several by cross-fitted ridge regression on the human labels.

    judges: labelled part x judges; judges_pool: pool x judges. No prediction of the labelled part has seen its own
    label, so residuals stay honest. Source: Zrnic & Candes 2024, doi:10.1073/pnas.2322083121 (cross-prediction).
    """
    y, x = as_floats(human), np.atleast_2d(np.asarray(judges, dtype=np.float64))
    pool = np.atleast_2d(np.asarray(judges_pool, dtype=np.float64))
    if x.shape[0] != y.size or x.shape[1] != pool.shape[1]:
        raise ValueError("Judges are labelled x judges and pool x judges arrays.")
    fold = rng.permutation(y.size) % min(folds, y.size)
    labelled, everything = np.empty(y.size), np.zeros(len(pool))
    for k in range(int(fold.max()) + 1):
        held, rest = fold == k, fold != k
        predict = _ridge(x[rest], y[rest], penalty) if rest.any() else (np.zeros(x.shape[1]), float(y.mean()))
        labelled[held] = x[held] @ predict[0] + predict[1]
        everything += pool @ predict[0] + predict[1]
    return Blend(labelled, everything / (int(fold.max()) + 1))


def labels_needed(sd: float, correlation: float, half_width: float, pool: int, level: float = 0.95) -> int:
    """How many human labels give this half width when a judge with this correlation labels `pool` more.

    Solves n = classical need * (1 - correlation^2 pool / (pool + n)).
    Source: Angelopoulos, Duchi & Zrnic 2023, arXiv:2311.01453.
    """
    classical = (items_for_half_width(sd, half_width, level)) * 1.0
    explained = max(0.0, correlation) ** 2
    n = classical
    for _ in range(200):
        n = classical * (1 - explained * pool / (pool + n))
    return max(1, ceil(round(n, 6)))


def _same_length(values: npt.ArrayLike, others: npt.ArrayLike) -> Floats:
    x, y = as_floats(values), as_floats(others)
    if x.size != y.size:
        raise ValueError(f"Human and judge labels pair up one to one, not {x.size} and {y.size}.")
    return x


@dataclass(frozen=True, slots=True)
class _Part:
    """The labelled part: human and judge labels, the judge's weight, clusters if any."""

    human: Floats
    judge: Floats
    weight: float
    cluster_index: Labels | None


def _corrected(
    part: _Part,
    everything: Floats,
    level: float,
    within: Interval,
    factor: float = 1.0,
    other_variance: float = 0.0,
) -> Corrected:
    """The corrected mean: weighted judge mean of everything plus the mean residual of the labelled part."""
    human, judge, weight = part.human, part.judge, part.weight
    residuals = human - weight * judge
    codes, clusters = (None, None) if part.cluster_index is None else cluster_codes(part.cluster_index, human.size)
    ends = Interval(within.lower - weight * within.upper, within.upper - weight * within.lower)
    imagined = IMAGINED if within == UNIT else 1
    offsets = widened_offsets(residuals, ends, level, factor, codes, other_variance, imagined)
    value = within.clip(weight * float(everything.mean()) + float(residuals.mean()))
    method = "judge corrected by people" + ("" if clusters is None else ", clustered")
    measured = offset_mean(value, offsets, within, n=human.size, method=method, level=level, clusters=clusters)
    bias = float((judge - human).mean())
    return Corrected(measured, float(everything.mean()), weight, _correlation(human, judge), bias)


def _correlation(x: Floats, y: Floats) -> float:
    """Pearson's correlation; 0.0 when one side is constant."""
    spread = float(x.std() * y.std())
    return float(((x - x.mean()) * (y - y.mean())).mean()) / spread if spread > 1e-12 else 0.0


def _ridge(x: Floats, y: Floats, penalty: float) -> tuple[Floats, float]:
    """Slopes and intercept; the intercept is not penalised."""
    centre = x.mean(axis=0)
    gram = (x - centre).T @ (x - centre) + penalty * np.eye(x.shape[1])
    slopes: Floats = np.linalg.solve(gram, (x - centre).T @ (y - y.mean()))
    return slopes, float(y.mean() - centre @ slopes)
