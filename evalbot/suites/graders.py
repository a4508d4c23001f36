"""What a suite says about how an item's outputs are graded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue


class GraderType(StrEnum):
    """The kinds of grader a suite can name."""

    EQUALS = "equals"
    CONTAINS = "contains"
    ICONTAINS = "icontains"
    CONTAINS_ANY = "contains-any"
    CONTAINS_ALL = "contains-all"
    STARTS_WITH = "starts-with"
    REGEX = "regex"
    NUMERIC = "numeric"
    JSON_SCHEMA = "json-schema"
    CHOICE = "choice"
    RUBRIC = "rubric"


CHECK_CRITERION = "correct"
"""The criterion of checks that name no metric."""

PASS_CRITERION = "pass"
"""The criterion that an output meets when it passes every one of its graders."""


@dataclass(frozen=True, slots=True)
class GraderSpec:
    """One grader of an item.

    `value` is what the check compares with; where it is None the item's reference is used. `tolerance` is absolute, in the
    unit of the number. `threshold` is a rubric step (rubric) or a score in [0, 1] (checks). `weight` is relative, above 0.
    """

    type: GraderType
    value: JsonValue = None
    rubric: str | None = None
    threshold: float | None = None
    tolerance: float = 0.0
    extract: str = "last"
    negate: bool = False
    weight: float = 1.0
    metric: str | None = None

    @property
    def criterion(self) -> str:
        """The criterion this grader's grades belong to."""
        return self.metric or self.rubric or CHECK_CRITERION
