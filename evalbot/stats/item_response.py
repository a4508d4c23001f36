"""What items tell about respondents: item-rest correlation, chance of saturation, Rasch and two-parameter fits.

Responses are a respondents x items array of 0 and 1 (halves allowed); NaN is missing. Abilities are N(0, 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalbot.stats.intervals import Floats
from evalbot.stats.quantiles import beta_upper_tail, two_sided_z

Step = Callable[[Floats, Floats, Floats, Floats], tuple[Floats, Floats]]

LEAST_RESPONDENTS = 30
_POINTS = np.linspace(-4.5, 4.5, 37)
_ROUNDS = 300
_TOLERANCE = 1e-5


@dataclass(frozen=True, slots=True)
class ItemRest:
    """Correlation of every item with the mean of all others, with Fisher's interval; NaN where undefined."""

    r: Floats
    lower: Floats
    upper: Floats


@dataclass(frozen=True, slots=True)
class ItemFit:
    """A fitted response model. difficulty, discrimination: per item; ability, ability_sd: per respondent."""

    difficulty: Floats
    discrimination: Floats
    ability: Floats
    ability_sd: Floats
    rounds: int


def item_rest_correlation(responses: npt.ArrayLike, level: float = 0.95) -> ItemRest:
    """How well each item sorts respondents as the other items do; below zero hints at a wrong key.

    Any scale will do. NaN for an item everybody answers alike, or answered by fewer than four.
    Source: Lord & Novick 1968, Statistical Theories of Mental Test Scores, chapter 15; Fisher 1915,
    doi:10.1093/biomet/10.4.507.
    """
    x, seen = _matrix(responses)
    totals, answered = x.sum(axis=1, keepdims=True), seen.sum(axis=1, keepdims=True)
    others = answered - seen
    usable = seen & (others > 0)
    rest = np.where(usable, (totals - x) / np.maximum(others, 1), 0.0)
    n = usable.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        item_centred = np.where(usable, x - (x * usable).sum(axis=0) / n, 0.0)
        rest_centred = np.where(usable, rest - rest.sum(axis=0) / n, 0.0)
        spread = np.sqrt((item_centred**2).sum(axis=0) * (rest_centred**2).sum(axis=0))
        r = np.where((n >= 4) & (spread > 1e-12), (item_centred * rest_centred).sum(axis=0) / spread, np.nan)
        half = two_sided_z(level) / np.sqrt(n - 3)
    middle = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))
    return ItemRest(r, np.tanh(middle - half), np.tanh(middle + half))


def chance_above(successes: int, n: int, threshold: float = 0.97) -> float:
    """The posterior chance that an item is passed more often than the threshold, from a Beta(1/2, 1/2) prior.

    Source: Brown, Cai & DasGupta 2001, doi:10.1214/ss/1009213286 (Jeffreys prior).
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is not a share.")
    return beta_upper_tail(threshold, successes + 0.5, n - successes + 0.5)


def rasch(responses: npt.ArrayLike) -> ItemFit:
    """Difficulties with discrimination 1 and N(0, 1) priors, by marginal EM; fit for few respondents.

    Source: Rasch 1960, Probabilistic Models for Some Intelligence and Attainment Tests; Bock & Aitkin 1981,
    doi:10.1007/BF02293801; Mislevy 1986, doi:10.1007/BF02293979 (priors).
    """
    x, seen = _responses(responses)

    def step(slope: Floats, intercept: Floats, right: Floats, total: Floats) -> tuple[Floats, Floats]:
        p = _chances(slope, intercept)
        gradient = (right - total * p).sum(axis=1) - intercept
        curve = (total * p * (1 - p)).sum(axis=1) + 1
        return slope, intercept + np.clip(gradient / curve, -1, 1)

    return _marginal_em(x, seen, step)


def two_parameter(responses: npt.ArrayLike) -> ItemFit:
    """Difficulty and discrimination of every item (2PL), by marginal EM with priors N(1, 1) and N(0, 2^2).

    Discriminations below zero are possible and mean that better respondents fail the item. Raises ValueError below 30
    respondents: use rasch. Source: Birnbaum in Lord & Novick 1968, chapter 17; Bock & Aitkin 1981,
    doi:10.1007/BF02293801; Mislevy 1986, doi:10.1007/BF02293979.
    """
    x, seen = _responses(responses)
    if len(x) < LEAST_RESPONDENTS:
        raise ValueError(f"Discriminations need {LEAST_RESPONDENTS} respondents; fit difficulties only.")

    def step(slope: Floats, intercept: Floats, right: Floats, total: Floats) -> tuple[Floats, Floats]:
        p = _chances(slope, intercept)
        left_over, weight = right - total * p, total * p * (1 - p)
        to_slope = left_over @ _POINTS - (slope - 1)
        to_intercept = left_over.sum(axis=1) - intercept / 4
        aa, ac, cc = weight @ _POINTS**2 + 1, weight @ _POINTS, weight.sum(axis=1) + 0.25
        determinant = aa * cc - ac**2
        slope_step = (cc * to_slope - ac * to_intercept) / determinant
        intercept_step = (aa * to_intercept - ac * to_slope) / determinant
        return slope + np.clip(slope_step, -0.5, 0.5), intercept + np.clip(intercept_step, -1, 1)

    return _marginal_em(x, seen, step)


def information(ability: float, discrimination: npt.ArrayLike, difficulty: npt.ArrayLike) -> Floats:
    """Fisher information of every item about a respondent of this ability: the next item to ask has the most.

    Source: Lord 1980, Applications of Item Response Theory to Practical Testing Problems, chapter 5.
    """
    a, b = np.asarray(discrimination, dtype=np.float64), np.asarray(difficulty, dtype=np.float64)
    p = 1 / (1 + np.exp(-np.clip(a * (ability - b), -500, 500)))
    return np.asarray(a**2 * p * (1 - p), dtype=np.float64)


def _matrix(responses: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Responses with zeros for missing ones, and which are there."""
    matrix = np.asarray(responses, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError("Responses are a respondents x items array.")
    seen = ~np.isnan(matrix)
    return np.where(seen, matrix, 0.0), seen


def _responses(responses: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Like _matrix, refusing values outside [0, 1]."""
    x, seen = _matrix(responses)
    if x.size and (x.min() < 0 or x.max() > 1):
        raise ValueError("Responses lie between 0 and 1.")
    return x, seen


def _chances(slope: Floats, intercept: Floats) -> Floats:
    """Chance of passing, items x ability points."""
    logits = slope[:, None] * _POINTS + intercept[:, None]
    return 1 / (1 + np.exp(-np.clip(logits, -35, 35)))


def _marginal_em(x: Floats, seen: npt.NDArray[np.bool_], step: Step) -> ItemFit:
    """Alternate ability posteriors and one Newton step per item until no parameter moves."""
    slope, intercept = np.ones(x.shape[1]), np.zeros(x.shape[1])
    wrong = seen - x
    posterior = _posterior(x, wrong, slope, intercept)
    rounds = 0
    for rounds in range(1, _ROUNDS + 1):  # noqa: B007  (the last round is reported)
        right, total = x.T @ posterior, seen.T @ posterior
        new_slope, new_intercept = step(slope, intercept, right, total)
        moved = max(float(np.abs(new_slope - slope).max()), float(np.abs(new_intercept - intercept).max()))
        slope, intercept = new_slope, new_intercept
        posterior = _posterior(x, wrong, slope, intercept)
        if moved < _TOLERANCE:
            break
    ability = posterior @ _POINTS
    sd = np.sqrt(np.maximum(posterior @ _POINTS**2 - ability**2, 0.0))
    safe = np.where(np.abs(slope) < 1e-6, 1e-6, slope)
    return ItemFit(-intercept / safe, slope, ability, sd, rounds)


def _posterior(x: Floats, wrong: Floats, slope: Floats, intercept: Floats) -> Floats:
    """Weight of every ability point for every respondent, rows summing to 1."""
    p = _chances(slope, intercept)
    logs = x @ np.log(p) + wrong @ np.log1p(-p) - _POINTS**2 / 2
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    normal: Floats = weights / weights.sum(axis=1, keepdims=True)
    return normal
