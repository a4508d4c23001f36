"""What may be said about a difference: better, worse, no larger than a margin, or cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evalbot.stats.intervals import Measured
from evalbot.stats.pairs import items_to_decide, standard_deviation
from evalbot.stats.power import items_for_change


class Verdict(StrEnum):
    """The four things that may be said of a difference."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no difference larger than the margin"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict with its margin; needed: about how many items would decide, None when it is decided."""

    verdict: Verdict
    margin: float
    needed: int | None = None


def decide(difference: Measured, margin: float = 0.05, p: float | None = None) -> Decision:
    """The verdict on a difference (higher is better) from its interval alone.

    Better or worse: the interval excludes zero and, when a p-value is given, that is at most 1 - level too. No
    difference: the whole interval lies within the margin, which is stricter than two one-sided tests at 5%. Otherwise
    needed says how many items show a change as large as the one seen (at least the margin) with 80% power, or narrow the
    interval seen enough, whichever is more. Source: Schuirmann 1987, doi:10.1007/BF01068419.
    """
    if margin <= 0:
        raise ValueError("A margin is positive.")
    if p is None or p <= 1 - difference.level:
        if difference.lower > 0:
            return Decision(Verdict.BETTER, margin)
        if difference.upper < 0:
            return Decision(Verdict.WORSE, margin)
    if -margin < difference.lower and difference.upper < margin:
        return Decision(Verdict.NO_DIFFERENCE, margin)
    size = max(margin, abs(difference.value))
    planned = items_for_change(standard_deviation(difference), size, difference.level)
    return Decision(Verdict.CANNOT_TELL, margin, max(planned, items_to_decide(difference, margin), difference.n + 1))
