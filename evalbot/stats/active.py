"""Which outputs to label next with known chances, and an unbiased mean from labels drawn with unequal chances."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt

from evalbot.stats.intervals import UNIT, Floats, Interval, Ints, Measured, as_floats, offset_mean
from evalbot.stats.quantiles import two_sided_t

UNIFORM_PART = 0.2
_SHRINKAGE = 4.0


def residual_sds(residuals: npt.ArrayLike, group_index: npt.ArrayLike, groups: int) -> Floats:
    """The residual spread of every group, pulled towards the overall spread as by four imagined residuals.

    residuals: human label minus prediction of earlier labels; group_index: their groups 0..groups-1.
    Source: Efron & Morris 1975, doi:10.1080/01621459.1975.10479864 (shrinkage of few observations).
    """
    r, group = as_floats(residuals), np.asarray(group_index, dtype=np.int64).ravel()
    overall = float((r**2).mean())
    squares = np.bincount(group, weights=r**2, minlength=groups)
    counts = np.bincount(group, minlength=groups)
    return np.sqrt((squares + _SHRINKAGE * overall) / (counts + _SHRINKAGE))


def inclusion_probabilities(uncertainty: npt.ArrayLike, n: int, uniform_part: float = UNIFORM_PART) -> Floats:
    """The chance of every output to be drawn: mostly in proportion to uncertainty, a part the same for all, at most 1.

    They sum to n. Source: Zrnic & Candes 2024, arXiv:2403.03208 (active statistical inference).
    """
    u = as_floats(uncertainty)
    if not 0 < n <= u.size or (u < 0).any() or not 0 < uniform_part <= 1:
        raise ValueError("Draw between 1 and all outputs, by uncertainties of at least 0 and a uniform part in (0, 1].")
    shares = np.full(u.size, 1 / u.size) if u.sum() == 0 else u / u.sum()
    wish = (1 - uniform_part) * shares + uniform_part / u.size
    chances, sure = np.zeros(u.size), np.zeros(u.size, dtype=np.bool_)
    while True:
        rest = n - int(sure.sum())
        chances = np.where(sure, 1.0, rest * wish / wish[~sure].sum() if rest else 0.0)
        over = (chances >= 1) & ~sure
        if not over.any():
            return np.minimum(chances, 1.0)
        sure |= over
        if sure.all():
            return np.ones(u.size)


def draw(probabilities: npt.ArrayLike, rng: np.random.Generator) -> Ints:
    """Positions drawn with exactly these chances, their number fixed when the chances sum to a whole number.

    Systematic sampling in random order. Source: Hartley & Rao 1962, doi:10.1214/aoms/1177704564.
    """
    p = as_floats(probabilities)
    order = rng.permutation(p.size)
    ends = np.cumsum(p[order])
    total = round(float(ends[-1])) if abs(ends[-1] - round(float(ends[-1]))) < 1e-6 else float(ends[-1])
    ends[-1] = total
    marks = np.floor(ends - rng.random())
    hit = np.diff(marks, prepend=-1.0) > 0
    return np.sort(order[hit]).astype(np.int64)


def neyman_allocation(sizes: npt.ArrayLike, sds: npt.ArrayLike, n: int, minimum: int = 3) -> Ints:
    """How many of n labels each group gets: at least the minimum, the rest by size times spread, never over its size.

    Source: Neyman 1934, doi:10.2307/2342192.
    """
    room = np.asarray(sizes, dtype=np.int64).ravel()
    pull = room * np.maximum(as_floats(sds), 1e-12)
    given = np.minimum(minimum, room)
    if not given.sum() <= n <= room.sum():
        raise ValueError(f"{n} labels do not fit these groups: between {given.sum()} and {room.sum()} do.")
    for _ in range(n - int(given.sum())):
        gain = np.where(given < room, pull / np.sqrt(given * (given + 1) + 1e-12), -1.0)
        given[int(np.argmax(gain))] += 1
    return given


def weighted_mean(
    human: npt.ArrayLike,
    predicted: npt.ArrayLike,
    probabilities: npt.ArrayLike,
    predicted_pool: npt.ArrayLike,
    level: float = 0.95,
    within: Interval = UNIT,
) -> Measured:
    """The mean human label of a pool from labels drawn with unequal, known chances.

    human, predicted, probabilities: the drawn part; predicted_pool: predictions for the whole pool, made without these
    labels. The mean prediction is corrected by residuals over their chances; on either side one imagined residual at the
    end of the range, drawn with the smallest chance there was, widens the interval: with the average one, rare errors where
    the chances were small went unseen (coverage 0.905 instead of 0.973 with 60 labels of 300, chances 0.10 and 0.41).
    Source: Horvitz & Thompson 1952, doi:10.1080/01621459.1952.10483446; Hajek 1964, doi:10.1214/aoms/1177700375 (the
    variance for draws of fixed size); Zrnic & Candes 2024, arXiv:2403.03208.
    """
    y, g, p, pool = as_floats(human), as_floats(predicted), as_floats(probabilities), as_floats(predicted_pool)
    if not y.size == g.size == p.size or (p <= 0).any() or (p > 1).any():
        raise ValueError("Every drawn label needs a prediction and a chance in (0, 1].")
    terms = (y - g) / p
    value = within.clip(float(pool.mean()) + float(terms.sum()) / pool.size)
    chance = float(p.min())
    halves = []
    for end in (within.lower - float(pool.mean()), within.upper - float(pool.mean())):
        padded, doubt = np.append(terms, end / chance), 1 - np.append(p, chance)
        halves.append(two_sided_t(level, y.size) * _error(padded, doubt) / pool.size)
    return offset_mean(
        value, Interval(-halves[0], halves[1]), within, n=y.size, method="weighted by chance", level=level
    )


def _error(terms: Floats, doubt: Floats) -> float:
    """Hajek's standard error of a sum of weighted residuals; terms: residual over chance; doubt: 1 - chance.

    The last term is imagined: the sum of the others is scaled as the mean of all.
    """
    if doubt.sum() <= 1e-12:
        return 0.0
    n = terms.size
    centre = float((doubt * terms).sum() / doubt.sum())
    return sqrt(float((doubt * (terms - centre) ** 2).sum()) * (n - 1) / n)
