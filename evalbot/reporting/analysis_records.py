"""What an analysis of grades says: records with every number, its interval and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evalbot.stats.agreement import Metric
from evalbot.stats.intervals import Measured


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far graders agree beyond chance over `outputs` graded at least twice.

    alpha is Krippendorff's; ac1 is Gwet's, for words and levels. Both are None below ten such outputs, or when everybody
    always gave the same grade. `lopsided` tells that one label has more than four fifths of all grades, where ac1 says more.
    """

    metric: Metric
    outputs: int
    alpha: Measured | None
    ac1: Measured | None
    lopsided: bool


@dataclass(frozen=True, slots=True)
class OutputConsensus:
    """What the grades of one output say together.

    label: None when two lead equally or nobody graded; probability: that of the label under the method used (the share
    of grades under majority and middle grade; None for intervals); posterior: one number for each label of the criterion,
    empty for intervals and without a grade.
    """

    output: str
    label: str | float | None
    probability: float | None
    posterior: tuple[float, ...]
    grades: int
    unsure: int


@dataclass(frozen=True, slots=True)
class ConsensusMethod:
    """Which method gave the consensus, why, and the shares of gold labels that it and the plain method reach."""

    name: str
    why: str
    on_gold: Measured | None
    plain_on_gold: Measured | None


@dataclass(frozen=True, slots=True)
class GraderReliability:
    """How often one grader is right: `on_gold` over gold_n outputs, `with_others` over others_n outputs others graded too.

    Both have a Beta(2, 1) prior and are None without any such output; n counts grades given, unsure those withheld.
    """

    grader: str
    n: int
    unsure: int
    on_gold: float | None
    gold_n: int
    with_others: float | None
    others_n: int

    @property
    def reliability(self) -> float | None:
        """The share on gold where there is gold, else the share with the others."""
        return self.with_others if self.on_gold is None else self.on_gold


@dataclass(frozen=True, slots=True)
class JudgeHelp:
    """What a judge adds. pairs: outputs that both people and the judge graded; judged: all that the judge graded.

    saving: the share of human grades the judge saves; bias: mean of judge minus people, in [-1, 1]; same_label: how often
    the judge says what most people say. All three are None below ten pairs, saving also when people always say the same.
    needed and needed_alone: how many outputs people grade for an interval of 5 points to either side, with a judge who
    grades many more and without.
    """

    pairs: int
    judged: int
    unread: int
    saving: Measured | None
    bias: Measured | None
    same_label: Measured | None
    needed: int | None
    needed_alone: int | None


@dataclass(frozen=True, slots=True)
class ScoreEstimates:
    """The mean score in [0, 1] by people alone, by people with the judge's help, and by the judge alone."""

    human: Measured | None
    corrected: Measured | None
    judge_only: Measured | None


@dataclass(frozen=True, slots=True)
class CriterionAnalysis:
    """Everything the grades of one criterion say.

    labels: what was given, in order; counts: how often, with `unsure` for grades withheld; scoring: how values become
    scores; low and high: the ends of the scale of numbers; notes: what was left out or assumed, in sentences.
    """

    criterion: str
    n_outputs: int
    n_graders: int
    n_grades: int
    labels: tuple[str | float, ...]
    counts: Mapping[str, int]
    scoring: str
    low: float
    high: float
    agreement: Agreement
    method: ConsensusMethod
    consensus: tuple[OutputConsensus, ...]
    graders: tuple[GraderReliability, ...]
    estimates: ScoreEstimates
    judge: JudgeHelp | None
    notes: tuple[str, ...]

    @property
    def label_saving(self) -> float | None:
        """The share of human grades the judge saves at the same width; None without a judge or below ten pairs."""
        return None if self.judge is None or self.judge.saving is None else self.judge.saving.value


@dataclass(frozen=True, slots=True)
class Analysis:
    """The analysis of every criterion by its name, in the order of the data; a single one without a name is called ''."""

    criteria: Mapping[str, CriterionAnalysis]

    @property
    def first(self) -> CriterionAnalysis:
        """The criterion that comes first in the data."""
        return next(iter(self.criteria.values()))
