"""Intervals for a running mean that hold at every look at once, however often people look.

Values lie in [0, 1] and arrive in random order; each look uses all values so far. Wider than a one-time interval, in
return it may be opened at will and stopped on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalbot.stats.intervals import Floats, Interval, as_floats

_LARGEST_BET = 0.75
_HALF_BET = 0.5
_GRID = 1001


@dataclass(frozen=True, slots=True)
class ConfidenceSequence:
    """One interval per value seen. mean, lower, upper: same length as the values."""

    mean: Floats
    lower: Floats
    upper: Floats

    @property
    def last(self) -> Interval:
        """The interval after all values."""
        return Interval(float(self.lower[-1]), float(self.upper[-1]))


def empirical_bernstein(values: npt.ArrayLike, level: float = 0.95) -> ConfidenceSequence:
    """The predictable plug-in empirical Bernstein sequence: quick, in closed form, somewhat wide.

    Source: Waudby-Smith & Ramdas 2024, doi:10.1093/jrsssb/qkad009, theorem 2.
    """
    x = _unit(values)
    alpha = 1 - level
    bets, guesses = _predictable_bets(x, alpha)
    bets = np.minimum(bets, _LARGEST_BET)
    cost = (-np.log1p(-bets) - bets) / 4
    total = np.cumsum(bets)
    centre = np.cumsum(bets * x) / total
    radius = (np.log(2 / alpha) + np.cumsum(4 * (x - guesses) ** 2 * cost)) / total
    return _running(x, centre - radius, centre + radius)


def betting(values: npt.ArrayLike, level: float = 0.95) -> ConfidenceSequence:
    """The hedged capital sequence: every mean on a grid of 1001 stays until a bet against it has earned 1 / alpha.

    Tighter than empirical_bernstein, mostly much so. Ends are rounded outwards to the grid.
    Source: Waudby-Smith & Ramdas 2024, doi:10.1093/jrsssb/qkad009, theorem 3.
    """
    x = _unit(values)
    alpha = 1 - level
    means = np.linspace(0, 1, _GRID)
    bets, _ = _predictable_bets(x, alpha)
    up, down = np.zeros(_GRID), np.zeros(_GRID)
    with np.errstate(divide="ignore"):
        most_up, most_down = _HALF_BET / means, _HALF_BET / (1 - means)
    alive = np.ones(_GRID, dtype=np.bool_)
    lower, upper = np.empty(x.size), np.empty(x.size)
    for t in range(x.size):
        gain = x[t] - means
        up += np.log1p(np.minimum(bets[t], most_up) * gain)
        down += np.log1p(-np.minimum(bets[t], most_down) * gain)
        alive &= np.maximum(up, down) + np.log(0.5) < np.log(1 / alpha)
        left = np.flatnonzero(alive)
        first, last = (left[0], left[-1]) if left.size else (0, _GRID - 1)
        lower[t], upper[t] = means[max(0, first - 1)], means[min(_GRID - 1, last + 1)]
    return _running(x, lower, upper)


def _unit(values: npt.ArrayLike) -> Floats:
    x = as_floats(values)
    if x.min() < 0 or x.max() > 1:
        raise ValueError("Values lie in [0, 1].")
    return x


def _predictable_bets(x: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Bets and guesses of the next value, each from the values before it only."""
    t = np.arange(1, x.size + 1)
    means = (0.5 + np.cumsum(x)) / (t + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2)) / (t + 1)
    before_variance = np.concatenate([[0.25], variances[:-1]])
    before_mean = np.concatenate([[0.5], means[:-1]])
    return np.sqrt(2 * np.log(2 / alpha) / (before_variance * t * np.log1p(t))), before_mean


def _running(x: Floats, lower: Floats, upper: Floats) -> ConfidenceSequence:
    """Ends that never move outwards, inside [0, 1]."""
    mean = np.cumsum(x) / np.arange(1, x.size + 1)
    low = np.maximum.accumulate(np.clip(lower, 0, 1))
    high = np.minimum.accumulate(np.clip(upper, 0, 1))
    return ConfidenceSequence(mean, low, high)
