"""Consensus: what the human grades of one output say together."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from evalbot.grading.grades import Grade
from evalbot.suites.rubrics import Rubric


class Vote(Protocol):
    """What a person chose: a grade, or as much of it as a consensus needs."""

    @property
    def level(self) -> int | None:
        """The step of the rubric."""

    @property
    def counts(self) -> bool:
        """Whether it says something about the output."""


@dataclass(frozen=True, slots=True)
class Consensus:
    """The common verdict of people: the median step, how many graded and how many of them agree on pass or fail.

    `split` tells that they differ on pass or fail, `tied` that neither side has a majority.
    """

    level: int
    passed: bool
    graders: int
    agreeing: int

    @property
    def split(self) -> bool:
        """Tell whether people differ on pass or fail."""
        return self.agreeing < self.graders

    @property
    def tied(self) -> bool:
        """Tell whether pass and fail have equally many graders."""
        return self.agreeing * 2 == self.graders


def find_consensus(grades: Sequence[Vote], rubric: Rubric) -> Consensus | None:
    """Give the consensus of counting grades, None without any: pass or fail by majority (a tie fails), step by low median."""
    levels = [grade.level for grade in grades if grade.counts and grade.level is not None]
    if not levels:
        return None
    passing = sum(rubric.passes(level) for level in levels)
    passed = passing * 2 > len(levels)
    side = [level for level in levels if rubric.passes(level) == passed]
    agreeing = max(passing, len(levels) - passing)
    return Consensus(statistics.median_low(side or levels), passed, len(levels), agreeing)


@dataclass(frozen=True, slots=True)
class Label:
    """What people say of one output, as numbers in [0, 1] that means are made of.

    `score` is the mean of their scores. `passed` is 1 or 0 by majority; where they are split evenly it is 0.5, half a pass.
    """

    score: float
    passed: float


def label_output(grades: Sequence[Grade]) -> Label | None:
    """Give what counting grades of one output and rubric say together; None without any."""
    counting = [(grade.score, grade.passed) for grade in grades if grade.score is not None and grade.passed is not None]
    if not counting:
        return None
    passing = 2 * sum(passed for _, passed in counting) - len(counting)
    return Label(sum(score for score, _ in counting) / len(counting), 0.5 + 0.5 * ((passing > 0) - (passing < 0)))
