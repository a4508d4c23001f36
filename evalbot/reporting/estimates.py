"""Estimates: the only numbers about quality that people see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from evalbot.grading.calibration import JudgeStanding, Standing
from evalbot.stats.verdicts import Verdict
from evalbot.suites.skills import OVERALL as OVERALL

FEWEST = 5
"""Below this many items an estimate is too few to say."""


class How(StrEnum):
    """Whose grades an estimate stands on."""

    CHECK = "check"
    JUDGE = "judge"
    CHECK_AND_JUDGE = "check and judge"
    HUMAN = "people"
    CORRECTED = "judge corrected by people"


JUDGE_ALONE = frozenset({How.JUDGE, How.CHECK_AND_JUDGE})
"""Estimates that stand on a judge whom nobody corrected."""


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
class Correction:
    """The score that people would give to a run's outputs: the judge's grades of all of them, corrected by people's of a few.

    `estimate` speaks of these very outputs, `outputs` in number, and its interval shrinks to nothing as people grade them all.
    `bias` is the judge's mean minus people's where both graded. `saving` is the share of human grades that the judge spares,
    None while too few are graded to know. `to_halve` is how many more outputs people would have to grade to halve the
    interval, None where it is narrow already.
    """

    estimate: Estimate
    outputs: int
    bias: float
    saving: float | None = None
    to_halve: int | None = None


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """The estimate of one target on one skill (or overall) for one criterion, by checks and judge.

    `corrected` is the same corrected by people, None without enough of their grades; `grades_needed` is how many more outputs
    they must grade for it. `with_errors` counts errors of the target as fails, None without any; `checks` leaves the judge out,
    None where there are no checks or nothing else.
    """

    target: str
    skill: str
    criterion: str
    estimate: Estimate
    corrected: Correction | None = None
    grades_needed: int = 0
    with_errors: Estimate | None = None
    checks: Estimate | None = None

    @property
    def best(self) -> Estimate:
        """The corrected estimate where there is one, else that by checks and judge."""
        return self.corrected.estimate if self.corrected else self.estimate


@dataclass(frozen=True, slots=True)
class Change:
    """A paired difference of a target to what it is compared `against` (a run or another target), over the same items.

    In [-1, 1], positive when the target is better.

    `needed` is about how many items it would take to see a change of this size (None when it can be seen). `how` says whose
    grades it stands on, with `human_n` of people on both sides together, and `judge_alone` what it is without these.
    `other_version` is the suite version of the other run where that differs; `regraded` counts items that are graded in
    another way than there. `apart` tells that the two sides were asked different items, `n` of them on the smaller one.
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
    how: How | None = None
    human_n: int = 0
    judge_alone: float | None = None
    other_version: int | None = None
    regraded: int = 0
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Degenerate:
    """A target that gave one and the same answer to so many different items: it is reported, not scored."""

    target: str
    answer: str
    items: int


@dataclass(frozen=True, slots=True)
class Response:
    """How many outputs were drawn by chance for people, and how many of them they graded."""

    drawn: int
    graded: int

    @property
    def rate(self) -> float:
        """The share of the drawn outputs that was graded."""
        return self.graded / self.drawn if self.drawn else 0.0

    @property
    def self_selected(self) -> bool:
        """Tell whether so few were graded that those who grade have chosen, not chance."""
        return self.graded > 0 and self.rate < ENOUGH_RESPONSE


ENOUGH_RESPONSE = 0.8
"""Below this share of graded outputs the draw is called self-selected."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Everything a run says: its estimates (overall first), changes against the earlier run or baseline, counts and cost.

    `agreement` is how often judge and people give the same pass or fail, None while too few outputs were graded by people.
    `changes` compare with what was asked for, else with the baseline, else with the run before; `other_changes` with the second
    of these that there is.
    `standing` says how far the judge may be believed, None where nobody looked. `reviewable` tells whether people can grade
    the answers: some item has a rubric. `cost_exact` False: the run cost at most so much, as some calls count with the most that
    they may have cost.
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
    other_changes: tuple[Change, ...] = ()
    standing: JudgeStanding | None = None
    response: Response | None = None
    degenerate: tuple[Degenerate, ...] = ()
    reviewable: bool = True
    cost_exact: bool = True

    @property
    def unverified(self) -> bool:
        """Tell whether the judge was measured and found wanting: its numbers alone make no headline."""
        return self.standing is not None and self.standing.standing is Standing.UNVERIFIED

    def doubts(self, number: Estimate | Change) -> bool:
        """Tell whether a number stands on a judge that is unverified."""
        return self.unverified and number.how in JUDGE_ALONE

    def overall(self, target: str) -> ScoreRow | None:
        """Give the row of a target's pass rate over all items, None when nothing was graded."""
        for row in self.rows:
            if row.target == target and row.skill == OVERALL:
                return row
        return None

    def headline(self, target: str) -> Estimate | None:
        """Give the overall pass estimate of a target that may stand in a headline; None when there is none.

        The one corrected by people goes first. Without it, an unverified judge leaves what the checks alone say.
        """
        row = self.overall(target)
        if row is None:
            return None
        return row.checks if self.doubts(row.best) else row.best

    def degenerate_of(self, target: str) -> Degenerate | None:
        """Tell whether a target gave one answer to everything."""
        return next((one for one in self.degenerate if one.target == target), None)
