"""Estimates: the only numbers about quality that people see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evalbot.stats.verdicts import Verdict

OVERALL = "overall"
"""The skill name of the estimate over all items."""

FEWEST = 5
"""Below this many items an estimate is too few to say."""


class How(StrEnum):
    """Whose grades an estimate stands on."""

    CHECK = "check"
    JUDGE = "judge"
    CHECK_AND_JUDGE = "check and judge"
    HUMAN = "people"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score in [0, 1] with its 95 % interval over n items, and whose grades it stands on.

    `human_n` counts the outputs behind it that people graded; `method` names the interval.
    """

    score: float
    lower: float
    upper: float
    n: int
    how: How
    method: str
    human_n: int = 0

    @property
    def half_width(self) -> float:
        """Half the width of the interval."""
        return (self.upper - self.lower) / 2

    @property
    def too_few(self) -> bool:
        """Tell whether there are too few items to show the score as a finding."""
        return self.n < FEWEST


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """The estimate of one target on one skill (or overall) for one criterion."""

    target: str
    skill: str
    criterion: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Change:
    """A paired difference of a target to what it is compared `against` (a run or another target), over the same items.

    In [-1, 1], positive when the target is better.

    `needed` is about how many items it would take to see a change of this size (None when it can be seen).
    """

    target: str
    against: str
    skill: str
    difference: float
    lower: float
    upper: float
    n: int
    verdict: Verdict
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Everything a run says: its estimates (overall first), changes against the earlier run or baseline, counts and cost.

    `agreement` is how often judge and people give the same pass or fail, None while too few outputs were graded by people.
    """

    rows: tuple[ScoreRow, ...]
    changes: tuple[Change, ...]
    items: int
    outputs: int
    errors: int
    ungraded: int
    judge: str
    agreement: Estimate | None
    human_outputs: int
    cost_usd: float | None
    duration_s: float

    def headline(self, target: str) -> Estimate | None:
        """Give the overall pass estimate of a target, None when nothing was graded."""
        for row in self.rows:
            if row.target == target and row.skill == OVERALL:
                return row.estimate
        return None
