"""Rubrics: one question about an output, with a scale of two to five anchored steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AskReason(StrEnum):
    """When a grader is asked why."""

    NEVER = "never"
    ON_FAIL = "on_fail"
    ON_DISAGREEMENT = "on_disagreement"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Step:
    """One allowed value of a scale: its number, its word and what earns it."""

    value: int
    label: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """Two to five steps, lowest first."""

    steps: tuple[Step, ...]

    @property
    def lowest(self) -> int:
        """The smallest step value."""
        return self.steps[0].value

    @property
    def highest(self) -> int:
        """The largest step value."""
        return self.steps[-1].value

    def step(self, value: int) -> Step:
        """Give the step of a value; raises KeyError for a value off the scale."""
        for step in self.steps:
            if step.value == value:
                return step
        raise KeyError(value)

    def holds(self, value: int) -> bool:
        """Tell whether the value is on the scale."""
        return any(step.value == value for step in self.steps)

    def score(self, value: float) -> float:
        """Map a step value onto [0, 1]: lowest step 0, highest step 1."""
        return (value - self.lowest) / (self.highest - self.lowest)


@dataclass(frozen=True, slots=True)
class RubricExample:
    """A graded example that shows judges and people where the line runs."""

    input: str
    output: str
    grade: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """The text an LLM judge is asked with; `digest` is a hash of name, version and template."""

    name: str
    version: int
    template: str
    digest: str


@dataclass(frozen=True, slots=True)
class Rubric:
    """A named, versioned question with its scale; a step of `pass_from` or more passes."""

    name: str
    version: int
    question: str
    scale: Scale
    pass_from: int
    not_applicable: bool = True
    ask_reason: AskReason = AskReason.ON_FAIL
    examples: tuple[RubricExample, ...] = ()
    judge: JudgePrompt | None = None

    def passes(self, value: float) -> bool:
        """Tell whether a step value (or a mean of such) passes."""
        return value >= self.pass_from
