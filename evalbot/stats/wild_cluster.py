"""The wild cluster bootstrap for the mean of values in four to nine clusters, where Student's t promises too much.

A supposed mean is tested with the residuals of each cluster turned and stretched together by a random weight, and the interval
holds the means that the test does not refuse at 1 - level. All combinations of weights are gone through, so nothing is left to
chance: six weights per cluster (Webb) up to five clusters, two (Rademacher) from six on.
Simulated with 250 to 400 draws each (clusters of 10, of 5 with one of 40, and of 3 to 3 G; normal and 0/1 values with means of
0.5, 0.85 and 0.95): with 4 to 9 clusters it covers 0.89 to 1.00 where t with the larger of CR1 and jackknife covers 0.84 to
1.00; with one large cluster and six small ones of a mean of 0.5, say, 0.97 instead of 0.91. With two or three clusters it
refuses hardly anything, and t, which covers 0.92 to 1.00 there, is narrower.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt

from evalbot.stats.inversion import Ends, inverted

Floats = npt.NDArray[np.float64]

WEBB = (sqrt(1.5), 1.0, sqrt(0.5), -sqrt(0.5), -1.0, -sqrt(1.5))
RADEMACHER = (1.0, -1.0)

FEWEST_FOR_WILD = 4
"""With fewer clusters the bootstrap has too few combinations to refuse anything."""

MOST_FOR_WEBB = 5
"""So many clusters have all combinations of six weights gone through, more of them those of two."""

_HALVINGS = 30


def wild_cluster_ends(sums: Floats, counts: Floats, level: float, lowest: float, highest: float) -> Ends:
    """The interval of a mean by the wild cluster bootstrap with the null imposed. sums, counts: of the values, by cluster.

    Needs two clusters at least whose means differ. Ends lie in the range, and are its own where nothing is refused.
    Source: Cameron, Gelbach & Miller 2008, doi:10.1162/rest.90.3.414; Webb 2023, doi:10.1111/caje.12661 (six weights);
    Roodman, MacKinnon, Nielsen & Webb 2019, doi:10.1177/1536867X19830877 (inversion).
    """
    test = WildTest(sums, counts)
    return inverted(lambda supposed: test.p(supposed) > 1 - level, test.mean, lowest, highest, _HALVINGS)


class WildTest:
    """The test of values in clusters, given by their sums and counts, for any supposed mean."""

    def __init__(self, sums: Floats, counts: Floats) -> None:
        self.sums, self.counts, self.size = sums, counts, float(counts.sum())
        self.mean = float(sums.sum()) / self.size
        self.adjusted = sums.size / (sums.size - 1)
        self.se = sqrt(float(((sums - counts * self.mean) ** 2).sum()) * self.adjusted) / self.size
        self.weights = all_weights(sums.size)

    def p(self, supposed: float) -> float:
        """The two-sided p-value that the mean is the supposed one: the share of all weights whose t is as large."""
        reached = abs(self.mean - supposed) / self.se
        residuals = self.weights * (self.sums - self.counts * supposed)
        shifts = residuals.sum(axis=1) / self.size
        spread = ((residuals - np.outer(shifts, self.counts)) ** 2).sum(axis=1) * self.adjusted
        errors = np.sqrt(spread) / self.size
        return float((np.abs(shifts) >= reached * errors * (1 - 1e-9)).mean())


def all_weights(clusters: int) -> Floats:
    """All combinations of weights, a row each; those of the opposite signs are left out, as they give the same |t|."""
    each = WEBB if clusters <= MOST_FOR_WEBB else RADEMACHER
    grid = np.meshgrid(each[: len(each) // 2], *[each] * (clusters - 1), indexing="ij")
    return np.stack([axis.ravel() for axis in grid], axis=1)
