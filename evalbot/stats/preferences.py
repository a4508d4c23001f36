"""Strengths of several competitors from pairwise preferences with ties, with intervals over items.

Preferences are scores of the left side: 1 left preferred, 0.5 tie, 0 right preferred. The mean of such scores per item
is the plain answer for two competitors; the strengths here are for three or more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalbot.stats.intervals import UNIT, Floats, Ints, Labels, Measured, as_floats, cluster_codes, clustered, t_mean

_STEPS = 60
_LARGEST_STEP = 2.0
_TOLERANCE = 1e-8


@dataclass(frozen=True, slots=True)
class Strengths:
    """Log strengths, their sum zero: a competitor with d more is preferred exp(d) times as often, ties aside.

    strength, lower, upper: one per competitor; draws: resamples x competitors; tie: log tie weight, None without ties.
    """

    strength: Floats
    lower: Floats
    upper: Floats
    draws: Floats
    tie: float | None
    comparisons: int
    items: int
    level: float

    def difference(self, first: int, second: int) -> Measured:
        """How much stronger the first competitor is than the second, with its bootstrap interval."""
        drawn = self.draws[:, first] - self.draws[:, second]
        low, high = np.quantile(drawn, [(1 - self.level) / 2, (1 + self.level) / 2])
        value = float(self.strength[first] - self.strength[second])
        se = float(drawn.std(ddof=1))
        method = "Bradley-Terry, bootstrap over items"
        return Measured(
            value, min(value, float(low)), max(value, float(high)), self.items, method, se=se, level=self.level
        )


def bradley_terry(
    left: npt.ArrayLike,
    right: npt.ArrayLike,
    score: npt.ArrayLike,
    competitors: int,
    item_index: Labels,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 500,
) -> Strengths:
    """Bradley-Terry strengths, ties in Davidson's way, with a weak N(0, 10^2) prior that keeps the unbeaten finite.

    left, right: competitors 0..competitors-1 of every comparison. Fitted by Newton's method; items are resampled.
    Source: Bradley & Terry 1952, doi:10.1093/biomet/39.3-4.324; Davidson 1970, doi:10.1080/01621459.1970.10481082.
    """
    a, b = np.asarray(left, dtype=np.int64).ravel(), np.asarray(right, dtype=np.int64).ravel()
    y = as_floats(score)
    if not a.size == b.size == y.size or not np.isin(y, (0.0, 0.5, 1.0)).all() or (a == b).any():
        raise ValueError("Every comparison needs two different competitors and a score of 0, 0.5 or 1.")
    items, count = cluster_codes(item_index, y.size)
    cells, design = _cells(a, b, y, competitors)
    ties = bool((y == 0.5).any())
    per_item = np.zeros((count, 3 * len(design)))
    np.add.at(per_item, (items, cells), 1.0)
    weights = np.vstack([np.ones(count), rng.multinomial(count, np.full(count, 1 / count), size=resamples)])
    fitted = _fit((weights @ per_item).reshape(len(weights), 3, len(design)), design, ties)
    strengths = fitted[:, :competitors] - fitted[:, :competitors].mean(axis=1, keepdims=True)
    low, high = np.quantile(strengths[1:], [(1 - level) / 2, (1 + level) / 2], axis=0)
    tie = float(fitted[0, competitors]) if ties else None
    best = strengths[0]
    return Strengths(best, np.minimum(low, best), np.maximum(high, best), strengths[1:], tie, y.size, count, level)


def win_chance(strengths: Strengths, first: int, second: int) -> float:
    """The chance that the first competitor is preferred to the second when a tie counts half."""
    gap = float(strengths.strength[first] - strengths.strength[second])
    weights = np.exp([gap / 2, -gap / 2, -np.inf if strengths.tie is None else strengths.tie])
    return float((weights[0] + weights[2] / 2) / weights.sum())


def order_effect(score: npt.ArrayLike, item_index: Labels, level: float = 0.95) -> Measured:
    """The mean score of the left side: 0.5 without an order effect, given that sides were assigned at random."""
    y = as_floats(score)
    if cluster_codes(item_index, y.size)[1] == y.size:
        return t_mean(y, level)
    return clustered(y, item_index, level, UNIT)


def _cells(left: Ints, right: Ints, score: Floats, competitors: int) -> tuple[Ints, Floats]:
    """For every comparison its cell (first wins, second wins, tie) x pair, and the pairs x competitors design."""
    first, second = np.minimum(left, right), np.maximum(left, right)
    pairs, pair = np.unique(first * competitors + second, return_inverse=True)
    design = np.zeros((pairs.size, competitors))
    rows = np.arange(pairs.size)
    design[rows, pairs // competitors], design[rows, pairs % competitors] = 1.0, -1.0
    toward_first = np.where(left < right, score, 1 - score)
    kind = np.select([toward_first == 1, toward_first == 0], [0, 1], 2)
    return (kind * pairs.size + pair).astype(np.int64), design


def _fit(counts: Floats, design: Floats, ties: bool) -> Floats:
    """Maximum of the penalised likelihood for every row of counts (fits x 3 x pairs): strengths, then the tie weight."""
    size = design.shape[1]
    parameters = np.zeros((len(counts), size + 1))
    precision = np.full(size + 1, 0.01)
    total = counts.sum(axis=1)
    for _ in range(_STEPS):
        gap = parameters[:, :size] @ design.T
        tie = parameters[:, size:] if ties else np.full((len(counts), 1), -np.inf)
        p_first, p_second, p_tie = _chances(gap, tie)
        lean = (p_first - p_second) / 2
        pull = (counts[:, 0] - counts[:, 1]) / 2 - total * lean
        gradient = np.column_stack([pull @ design, (counts[:, 2] - total * p_tie).sum(axis=1)])
        gradient -= precision * parameters
        hessian = np.zeros((len(counts), size + 1, size + 1))
        curve = total * ((p_first + p_second) / 4 - lean**2)
        hessian[:, :size, :size] = np.einsum("bc,ci,cj->bij", curve, design, design, optimize=True)
        hessian[:, :size, size] = hessian[:, size, :size] = -(total * p_tie * lean) @ design
        hessian[:, size, size] = (total * p_tie * (1 - p_tie)).sum(axis=1)
        hessian += np.diag(precision)
        step = np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0]
        parameters += np.clip(step, -_LARGEST_STEP, _LARGEST_STEP)
        if np.abs(step).max() < _TOLERANCE:
            break
    return parameters


def _chances(gap: Floats, tie: Floats) -> tuple[Floats, Floats, Floats]:
    """Chances that the first wins, the second wins, or they tie."""
    highest = np.maximum(np.abs(gap) / 2, tie)
    first, second, drawn = np.exp(gap / 2 - highest), np.exp(-gap / 2 - highest), np.exp(tie - highest)
    total = first + second + drawn
    return first / total, second / total, drawn / total
