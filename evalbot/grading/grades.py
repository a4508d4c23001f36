"""Grades: one grader's verdict on one output for one criterion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from evalbot.runs.outputs import OutputId


class GraderKind(StrEnum):
    """The three kinds of grader."""

    CHECK = "check"
    JUDGE = "judge"
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Grader:
    """Who graded: a check type, a judge (target label with prompt digest as version) or a person id."""

    kind: GraderKind
    id: str
    version: str = ""


class Purpose(StrEnum):
    """Why a human grade was asked for: ESTIMATE grades were drawn at random and may enter scores, TRIAGE ones may not."""

    ESTIMATE = "estimate"
    TRIAGE = "triage"


@dataclass(frozen=True, slots=True)
class Grade:
    """A verdict. `score` in [0, 1] and `passed` are None for an abstention or a grader's error; never a midpoint, never a zero.

    `level` is the rubric step chosen, None for checks. `blind` tells that neither other grades nor the judge's were visible.
    """

    output_id: OutputId
    criterion: str
    grader: Grader
    at: datetime
    score: float | None = None
    passed: bool | None = None
    level: int | None = None
    reason: str = ""
    error: str = ""
    abstained: bool = False
    blind: bool = True
    weight: float = 1.0
    purpose: Purpose = Purpose.TRIAGE

    @property
    def counts(self) -> bool:
        """Tell whether the grade says something about the output."""
        return self.passed is not None and self.score is not None
