"""Differences between two measurements of the same things, and what may be said about them."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isfinite, sqrt

import numpy as np
import numpy.typing as npt

from evalbot.stats.intervals import (
    CHANGE,
    SMALL_N,
    Floats,
    Interval,
    Labels,
    Measured,
    as_floats,
    cluster_codes,
    clustered,
    sums_by,
    t_mean,
    wilson_bounds,
)
from evalbot.stats.quantiles import fair_coin_p, t_upper_tail, two_sided_z
from evalbot.stats.tango import tango_bounds

EXACT_FLIPS = 14


@dataclass(frozen=True, slots=True)
class Flips:
    """A paired pass/fail table: how many things passed both times, only before, only after, never."""

    both: int
    lost: int
    gained: int
    neither: int

    @property
    def n(self) -> int:
        """All things together."""
        return self.both + self.lost + self.gained + self.neither


@dataclass(frozen=True, slots=True)
class Comparison:
    """A paired difference (after minus before), the p-value of no difference and the test it comes from."""

    difference: Measured
    p: float
    test: str


def paired_difference(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    level: float = 0.95,
    cluster_index: Labels | None = None,
    within: Interval = CHANGE,
) -> Measured:
    """The mean of after minus before over the same things in the same order, with t or CR1 interval.

    Source: Student 1908, doi:10.1093/biomet/6.1.1; Miller 2024, arXiv:2411.00640 (pairing and clusters in evaluations).
    """
    d = differences(before, after)
    if cluster_index is not None:
        return clustered(d, cluster_index, level, within)
    return t_mean(d, level, within)


def count_flips(before: npt.ArrayLike, after: npt.ArrayLike) -> Flips:
    """The paired table of two 0/1 arrays. Raises ValueError on other values or lengths that differ."""
    a, b = _paired(before, after)
    if not (np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all()):
        raise ValueError("Flips are counted of zeros and ones only.")
    both, lost = int((a * b).sum()), int((a * (1 - b)).sum())
    gained = int(((1 - a) * b).sum())
    return Flips(both, lost, gained, a.size - both - lost - gained)


def mcnemar_p(flips: Flips) -> float:
    """The exact two-sided p-value that losses and gains are equally likely; 1.0 when nothing flipped.

    Source: McNemar 1947, doi:10.1007/BF02295996.
    """
    return fair_coin_p(flips.gained, flips.gained + flips.lost)


def newcombe_paired(flips: Flips, level: float = 0.95) -> Measured:
    """The change in the share that passes, with Newcombe's score interval for paired shares (his method 10).

    Source: Newcombe 1998, Statistics in Medicine 17, 2635-2650,
    doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C.
    """
    n = flips.n
    if n < 1:
        raise ValueError("A difference needs at least one pair.")
    now, then = (flips.both + flips.gained) / n, (flips.both + flips.lost) / n
    now_bounds, then_bounds = wilson_bounds(now, n, level), wilson_bounds(then, n, level)
    phi = _score_correlation(flips)
    lower = _square_and_add(now - now_bounds.lower, then_bounds.upper - then, phi)
    upper = _square_and_add(now_bounds.upper - now, then - then_bounds.lower, phi)
    value, discordant = now - then, (flips.gained + flips.lost) / n
    se = sqrt(max(0.0, discordant - value**2) / n)
    return Measured(value, max(-1.0, value - lower), min(1.0, value + upper), n, "Newcombe paired", se=se, level=level)


def tango_paired(flips: Flips, level: float = 0.95) -> Measured:
    """The change in the share that passes, with Tango's score interval: that of all differences McNemar's test allows.

    Source: Tango 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B.
    """
    n = flips.n
    ends = tango_bounds(flips.gained, flips.lost, n, level)
    value, discordant = (flips.gained - flips.lost) / n, (flips.gained + flips.lost) / n
    se = sqrt(max(0.0, discordant - value**2) / n)
    return Measured(value, ends.lower, ends.upper, n, "Tango paired", se=se, level=level)


def difference_of(first: Measured, second: Measured) -> Measured:
    """First minus second for two independent numbers, their intervals squared and added end by end.

    Two Wilson intervals give Newcombe's unpaired interval; two paired differences a difference in differences. n is
    the smaller of the two. Source: Zou & Donner 2008, doi:10.1002/sim.3095; Newcombe 1998,
    doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    """
    if first.level != second.level:
        raise ValueError("Both intervals need the same level.")
    value = first.value - second.value
    lower = value - sqrt((first.value - first.lower) ** 2 + (second.upper - second.value) ** 2)
    upper = value + sqrt((first.upper - first.value) ** 2 + (second.value - second.lower) ** 2)
    both = first.se is not None and second.se is not None
    se = sqrt((first.se or 0.0) ** 2 + (second.se or 0.0) ** 2) if both else None
    return Measured(value, lower, upper, min(first.n, second.n), "different items", se=se, level=first.level)


def sign_flip_p(
    difference: npt.ArrayLike,
    rng: np.random.Generator,
    cluster_index: Labels | None = None,
    resamples: int = 10_000,
) -> float:
    """The two-sided p-value of a mean difference of zero when every sign could as well be the other.

    Up to 14 nonzero differences are enumerated exactly; clusters flip as one.
    Source: Fisher 1935, The Design of Experiments, section 21; Phipson & Smyth 2010, doi:10.2202/1544-6115.1585.
    """
    d = as_floats(difference)
    if cluster_index is not None:
        d = sums_by(cluster_codes(cluster_index, d.size)[0], d)
    d = d[d != 0]
    if d.size == 0:
        return 1.0
    reached = abs(float(d.sum())) * (1 - 1e-12)
    if d.size <= EXACT_FLIPS:
        bits = (np.arange(2**d.size)[:, None] >> np.arange(d.size)) & 1
        return float((np.abs((1.0 - 2.0 * bits) @ d) >= reached).mean())
    sums = _flipped_sums(d, rng, resamples)
    return float((1 + int((np.abs(sums) >= reached).sum())) / (resamples + 1))


def compare_pairs(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    rng: np.random.Generator,
    cluster_index: Labels | None = None,
    level: float = 0.95,
) -> Comparison:
    """The paired difference of values in [0, 1] with the interval and test that suit them.

    Clusters with several members: CR1 and, below ten clusters, sign flips of clusters. Zeros and ones: Tango's score
    interval, below 30 pairs Newcombe's, and exact McNemar. Fewer than 30 pairs: t interval and sign flips. Otherwise t.
    """
    a, b = _paired(before, after)
    d = b - a
    if cluster_index is not None and cluster_codes(cluster_index, d.size)[1] < d.size:
        measured = clustered(d, cluster_index, level, CHANGE)
        if "few" in measured.method or measured.se is None:
            return Comparison(measured, sign_flip_p(d, rng, cluster_index), "sign flips of clusters")
        return Comparison(measured, zero_p(measured), "clustered t")
    if np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all():
        flips = count_flips(a, b)
        shares = newcombe_paired if flips.n < SMALL_N else tango_paired
        return Comparison(shares(flips, level), mcnemar_p(flips), "exact McNemar")
    measured = t_mean(d, level, CHANGE)
    if d.size < SMALL_N or measured.se is None:
        return Comparison(measured, sign_flip_p(d, rng), "sign flips")
    return Comparison(measured, zero_p(measured), "paired t")


def zero_p(measured: Measured) -> float:
    """The two-sided t p-value that the true value is zero; df is one less than clusters, else than n."""
    if not measured.se:
        return 1.0 if measured.value == 0 else 0.0
    return 2 * t_upper_tail(abs(measured.value) / measured.se, _df(measured))


def equivalence_p(measured: Measured, margin: float) -> float:
    """The p-value of two one-sided t tests: small when the true difference lies within +-margin.

    Source: Schuirmann 1987, doi:10.1007/BF01068419.
    """
    if not measured.se:
        return 0.0 if abs(measured.value) < margin else 1.0
    df = _df(measured)
    return max(
        t_upper_tail((measured.value + margin) / measured.se, df),
        t_upper_tail((margin - measured.value) / measured.se, df),
    )


def differences(before: npt.ArrayLike, after: npt.ArrayLike) -> Floats:
    """After minus before. Raises ValueError when the lengths differ."""
    a, b = _paired(before, after)
    return b - a


def standard_deviation(measured: Measured) -> float:
    """The spread of single differences that the standard error, or else the interval, speaks of."""
    se = measured.se or measured.half_width / two_sided_z(measured.level)
    return se * sqrt(measured.n)


def items_to_decide(measured: Measured, margin: float) -> int:
    """About how many items narrow the interval until it excludes zero or fits within the margin, at the value seen."""
    if not isfinite(measured.half_width):
        raise ValueError("An endless interval says nothing about the number of items.")
    room = max(abs(measured.value), margin - abs(measured.value))
    return ceil(measured.n * (measured.half_width / room) ** 2)


def _paired(before: npt.ArrayLike, after: npt.ArrayLike) -> tuple[Floats, Floats]:
    a, b = as_floats(before), as_floats(after)
    if a.size != b.size:
        raise ValueError(f"Pairs need equal lengths, not {a.size} and {b.size}.")
    return a, b


def _df(measured: Measured) -> int:
    return max(1, (measured.clusters or measured.n) - 1)


def _score_correlation(flips: Flips) -> float:
    """Newcombe's correlation between the two shares, with his continuity correction for positive ones."""
    e, f, g, h = flips.both, flips.gained, flips.lost, flips.neither
    margins = (e + f) * (g + h) * (e + g) * (f + h)
    if margins == 0:
        return 0.0
    cross = e * h - f * g
    corrected = max(cross - flips.n / 2, 0.0) if cross > 0 else float(cross)
    return corrected / sqrt(margins)


def _square_and_add(left: float, right: float, correlation: float) -> float:
    return sqrt(max(0.0, left**2 - 2 * correlation * left * right + right**2))


def _flipped_sums(d: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    """Sums under random signs; equal sizes share one binomial draw, which keeps thousands of items fast."""
    sizes, counts = np.unique(np.abs(d), return_counts=True)
    if sizes.size <= 200:
        kept = rng.binomial(counts, 0.5, size=(resamples, sizes.size))
        return np.asarray((2.0 * kept - counts) @ sizes)
    sums = np.empty(resamples)
    step = max(1, 4_000_000 // d.size)
    for start in range(0, resamples, step):
        stop = min(start + step, resamples)
        signs = rng.integers(0, 2, size=(stop - start, d.size), dtype=np.int8)
        sums[start:stop] = 2.0 * (signs @ d) - d.sum()
    return sums
