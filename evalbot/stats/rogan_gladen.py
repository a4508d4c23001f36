"""The true share of passes behind a pass/fail judge whose hit rates were measured elsewhere.

It assumes that sensitivity and specificity carry over to the new outputs, which a fresh random sample of human labels
(see judged) need not assume: prefer that one where both are possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from evalbot.stats.intervals import UNIT, Measured
from evalbot.stats.quantiles import two_sided_z

LEAST_SKILL = 0.2
LEAST_CALIBRATION = 10


@dataclass(frozen=True, slots=True)
class HitRates:
    """What a judge said of outputs that people passed (passed_right of passed) or failed (failed_right of failed)."""

    passed_right: int
    passed: int
    failed_right: int
    failed: int

    def __post_init__(self) -> None:
        """Refuse counts that cannot be."""
        if not (0 <= self.passed_right <= self.passed and 0 <= self.failed_right <= self.failed):
            raise ValueError("Right judgements cannot outnumber all judgements.")

    @property
    def sensitivity(self) -> float:
        """The share of truly passing outputs the judge passes; 0.5 when none was seen."""
        return self.passed_right / self.passed if self.passed else 0.5

    @property
    def specificity(self) -> float:
        """The share of truly failing outputs the judge fails; 0.5 when none was seen."""
        return self.failed_right / self.failed if self.failed else 0.5

    @property
    def skill(self) -> float:
        """Sensitivity + specificity - 1: 0 for a coin, 1 for a perfect judge."""
        return self.sensitivity + self.specificity - 1


def true_share(judge_passes: int, n: int, rates: HitRates, level: float = 0.95) -> Measured | None:
    """The share that people would pass among n outputs of which the judge passed so many.

    None when the judge is near a coin (skill below 0.2), was calibrated on fewer than ten passes or ten fails, or when
    the whole interval falls outside [0, 1]: then the hit rates plainly do not carry over. The interval is Lang &
    Reiczigel's, with their additions to all counts.
    Source: Rogan & Gladen 1978, doi:10.1093/oxfordjournals.aje.a112510; Lang & Reiczigel 2014,
    doi:10.1016/j.prevetmed.2013.09.015.
    """
    if not 0 <= judge_passes <= n or n == 0:
        raise ValueError(f"{judge_passes} of {n} is not a share.")
    if rates.skill < LEAST_SKILL or min(rates.passed, rates.failed) < LEAST_CALIBRATION:
        return None
    share = UNIT.clip((judge_passes / n + rates.specificity - 1) / rates.skill)
    z = two_sided_z(level)
    apparent = (judge_passes + z * z / 2) / (n + z * z)
    right, wrong_free = (rates.passed_right + 1) / (rates.passed + 2), (rates.failed_right + 1) / (rates.failed + 2)
    skill = right + wrong_free - 1
    centre = (apparent + wrong_free - 1) / skill
    from_passed = right * (1 - right) / (rates.passed + 2)
    from_failed = wrong_free * (1 - wrong_free) / (rates.failed + 2)
    shift = 2 * z * z * (centre * from_passed - (1 - centre) * from_failed)
    sampling = apparent * (1 - apparent) / (n + z * z)
    se = sqrt(sampling + centre**2 * from_passed + (1 - centre) ** 2 * from_failed) / skill
    lower, upper = centre + shift - z * se, centre + shift + z * se
    if upper <= 0 or lower >= 1:
        return None
    lower, upper = UNIT.clip(lower), UNIT.clip(upper)
    return Measured(share, min(lower, share), max(upper, share), n, "Rogan-Gladen", se=se, level=level)
