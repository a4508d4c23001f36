"""Many tests at once: adjusted p-values, e-values and shrunken means for families such as a list of skills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evalbot.stats.intervals import Floats, as_floats


@dataclass(frozen=True, slots=True)
class Shrunken:
    """Means pulled towards their centre. means, ses: one per group; spread: variance of the groups' true means."""

    means: Floats
    ses: Floats
    centre: float
    spread: float


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """Adjusted p-values in the given order; those at most q are the discoveries with false discovery rate q.

    An empty family gives an empty array. Source: Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.
    """
    p = np.asarray(p_values, dtype=np.float64).ravel()
    if ((p < 0) | (p > 1)).any() or np.isnan(p).any():
        raise ValueError("A p-value lies between 0 and 1.")
    order = np.argsort(p)[::-1]
    scaled = p[order] * p.size / np.arange(p.size, 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled))
    return adjusted


def e_benjamini_hochberg(e_values: npt.ArrayLike, q: float = 0.10) -> npt.NDArray[np.bool_]:
    """Which hypotheses fall when e-values are tested at false discovery rate q, under any dependence.

    Source: Wang & Ramdas 2022, doi:10.1111/rssb.12489.
    """
    e = np.asarray(e_values, dtype=np.float64).ravel()
    order = np.argsort(e)[::-1]
    enough = e[order] * np.arange(1, e.size + 1) >= e.size / q
    rejected = np.zeros(e.size, dtype=np.bool_)
    if enough.any():
        rejected[order[: int(np.flatnonzero(enough)[-1]) + 1]] = True
    return rejected


def shrunken_means(means: npt.ArrayLike, ses: npt.ArrayLike) -> Shrunken:
    """Group means pulled towards their weighted centre by how noisy each is: for rankings, not for display alone.

    A normal model for the groups' true means, its variance by the method of moments, cut at zero.
    Source: Efron & Morris 1975, doi:10.1080/01621459.1975.10479864; DerSimonian & Laird 1986,
    doi:10.1016/0197-2456(86)90046-2.
    """
    m, s = as_floats(means), as_floats(ses)
    if m.size != s.size or (s <= 0).any():
        raise ValueError("Every mean needs a positive standard error.")
    weights = 1 / s**2
    fixed = float(weights @ m / weights.sum())
    excess = float(weights @ (m - fixed) ** 2) - (m.size - 1)
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    spread = max(0.0, excess / scale) if scale > 0 else 0.0
    total = 1 / (s**2 + spread)
    centre = float(total @ m / total.sum())
    keep = spread / (s**2 + spread)
    variance = keep * s**2 + (1 - keep) ** 2 / total.sum()
    return Shrunken(centre + keep * (m - centre), np.sqrt(variance), centre, spread)
