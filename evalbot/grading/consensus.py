"""Consensus: what the human grades of one output say together."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from evalbot.grading.grades import Grade
from evalbot.suites.rubrics import Rubric


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


def find_consensus(grades: Sequence[Grade], rubric: Rubric) -> Consensus | None:
    """Give the consensus of counting grades, None without any: pass or fail by majority (a tie fails), step by low median."""
    levels = [grade.level for grade in grades if grade.counts and grade.level is not None]
    if not levels:
        return None
    passing = sum(rubric.passes(level) for level in levels)
    passed = passing * 2 > len(levels)
    side = [level for level in levels if rubric.passes(level) == passed]
    agreeing = max(passing, len(levels) - passing)
    return Consensus(statistics.median_low(side or levels), passed, len(levels), agreeing)
