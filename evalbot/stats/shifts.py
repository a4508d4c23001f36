"""Step changes in a weekly series of paired differences: two detectors for drops, with the size of what they found.

A week is an array of differences (now minus reference) in [-1, 1], one per item; a week may have other items than the
last. Items that belong together should be averaged to one number first. Look for rises by negating every week.

Reference noise matters: one frozen reference run leaves the same error in every week, which looks like a change. Either
ask the reference again each week, or pass the standard error of its mean (reference_error), which widens the null.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
import numpy.typing as npt

from evalbot.stats.intervals import CHANGE, Floats, Measured, as_floats
from evalbot.stats.quantiles import one_sided_z, two_sided_z

BETS = (0.1, 0.25, 0.5)
_REFERENCE_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Shift:
    """What a detector found. alarm: index of the first week that raised it, None for none; onset: the week the change
    most likely began; size: mean difference from onset to alarm; path: the statistic after each week, to draw.
    """

    alarm: int | None
    onset: int | None
    size: Measured | None
    path: tuple[float, ...]
    threshold: float


def e_detector(
    weeks: Sequence[npt.ArrayLike], threshold: float = 200.0, reference_error: float = 0.0, level: float = 0.95
) -> Shift:
    """The Shiryaev-Roberts e-detector for a drop: without one, false alarms come at least `threshold` weeks apart.

    The path is log10 of M_t = (M_{t-1} + 1) e_t with e_t the mean over bets b of prod_i (1 - b d_i); it keeps growing
    after the alarm. The guarantee is an average run length and needs no distribution, only independent items.
    Source: Shin, Ramdas & Rinaldo 2024, doi:10.51387/23-NEJSDS51.
    """
    data = [as_floats(week) for week in weeks]
    slack = one_sided_z(_REFERENCE_CONFIDENCE) * reference_error
    evidence = [log_e_value(week + slack) for week in data]
    path: list[float] = []
    current = -np.inf
    for step in evidence:
        current = float(np.logaddexp(current, 0.0)) + step
        path.append(current)
    alarm = _first_reaching(path, log(threshold))
    onset = None if alarm is None else _most_likely_onset(evidence[: alarm + 1])
    size = None if alarm is None or onset is None else shift_size(data[onset : alarm + 1], reference_error, level)
    return Shift(alarm, onset, size, tuple(value / log(10) for value in path), log(threshold) / log(10))


def cusum(
    weeks: Sequence[npt.ArrayLike],
    threshold: float = 4.77,
    allowance: float = 0.5,
    reference_error: float = 0.0,
    level: float = 0.95,
) -> Shift:
    """The one-sided CUSUM of standardised weekly means for a drop: S_t = max(0, S_{t-1} - z_t - allowance).

    The readable twin of the e-detector; with the defaults a false alarm comes about every 370 + weeks of normal noise.
    Source: Page 1954, doi:10.1093/biomet/41.1-2.100.
    """
    data = [as_floats(week) for week in weeks]
    slack = one_sided_z(_REFERENCE_CONFIDENCE) * reference_error
    path: list[float] = []
    current, last_zero, onset = 0.0, -1, None
    for index, z in enumerate(_standardised(data, slack)):
        current = max(0.0, current - z - allowance)
        path.append(current)
        if onset is None and current >= threshold:
            onset = last_zero + 1
        if current == 0.0:
            last_zero = index
    alarm = _first_reaching(path, threshold)
    size = None if alarm is None or onset is None else shift_size(data[onset : alarm + 1], reference_error, level)
    return Shift(alarm, onset, size, tuple(path), threshold)


def log_e_value(differences: npt.ArrayLike) -> float:
    """The log of one week's evidence for a drop: 0 is none, log(20) is strong. May be averaged as e-values.

    Source: Waudby-Smith & Ramdas 2024, doi:10.1093/jrsssb/qkad009 (bets on a bounded mean).
    """
    d = as_floats(differences)
    if d.min() < -1 - 1e-9 or d.max() > 1.9:
        raise ValueError("Differences lie in [-1, 1].")
    logs = np.array([np.log1p(-bet * d).sum() for bet in BETS])
    return float(np.logaddexp.reduce(logs)) - log(len(BETS))


def reference_error(repeats: npt.ArrayLike) -> float:
    """The standard error that a frozen reference leaves in every week. repeats: runs x items, at least two runs.

    Only the noise between runs counts, since the same items return: sqrt(mean over items of variance / (runs items)).
    """
    runs = np.asarray(repeats, dtype=np.float64)
    if runs.ndim != 2 or runs.shape[0] < 2:
        raise ValueError("Noise between runs needs at least two runs of the same items.")
    return sqrt(float(runs.var(axis=0, ddof=1).mean()) / (runs.shape[0] * runs.shape[1]))


def shift_size(weeks: Sequence[npt.ArrayLike], reference_error: float = 0.0, level: float = 0.95) -> Measured:
    """The mean of weekly mean differences, each week weighing the same.

    Its standard error is the mean of the weekly ones, as if the same items returned, so that more weeks of the same
    items promise nothing; the reference's error is added. Weeks chosen by a detector overstate the change a little.
    """
    data = [as_floats(week) for week in weeks]
    value = float(np.mean([week.mean() for week in data]))
    weekly = float(np.mean([sqrt(_variance(week) / week.size) for week in data]))
    se = sqrt(weekly**2 + reference_error**2)
    half = two_sided_z(level) * se
    n = min(week.size for week in data)
    return Measured(
        value, CHANGE.clip(value - half), CHANGE.clip(value + half), n, f"mean of {len(data)} weeks", se=se, level=level
    )


def _variance(week: Floats) -> float:
    """The variance of one week, counting one imagined value at each end when all are equal."""
    if week.size > 1 and np.ptp(week) > 0:
        return float(week.var(ddof=1))
    return float(np.concatenate([week, [-1.0, 1.0]]).var(ddof=1))


def _standardised(data: Sequence[Floats], slack: float) -> list[float]:
    """Weekly means over their standard error, from the variance pooled over the weeks so far."""
    squares = spare = 0.0
    result = []
    for week in data:
        squares += float(((week - week.mean()) ** 2).sum())
        spare += week.size - 1
        variance = squares / spare if squares > 0 else _variance(week)
        result.append((float(week.mean()) + slack) / sqrt(variance / week.size))
    return result


def _first_reaching(path: Sequence[float], threshold: float) -> int | None:
    return next((index for index, value in enumerate(path) if value >= threshold), None)


def _most_likely_onset(evidence: Sequence[float]) -> int:
    """The start of the stretch up to the last week that holds the most evidence."""
    tails = np.cumsum(np.asarray(evidence)[::-1])[::-1]
    return int(np.argmax(tails))
