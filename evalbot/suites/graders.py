"""What a suite says about how an item's outputs are graded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from evalbot.suites.targets import Target


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
    IS_JSON = "is-json"
    FUZZY = "fuzzy"
    WORD_COUNT = "word-count"
    REFUSAL = "refusal"
    TOOL_CALLS = "tool-calls"
    LATENCY = "latency"
    COST = "cost"
    SET = "assert-set"
    SIMILAR = "similar"
    PYTHON = "python"
    CLOSEDQA = "closedqa"
    FACTUALITY = "factuality"
    FAITHFULNESS = "faithfulness"
    ANSWER_RELEVANCE = "answer-relevance"
    CONTEXT_RECALL = "context-recall"
    TOXICITY = "toxicity"
    PAIRWISE = "pairwise"
    HUMAN = "human"


JUDGED = frozenset(
    {
        GraderType.RUBRIC,
        GraderType.CLOSEDQA,
        GraderType.FACTUALITY,
        GraderType.FAITHFULNESS,
        GraderType.ANSWER_RELEVANCE,
        GraderType.CONTEXT_RECALL,
        GraderType.TOXICITY,
        GraderType.PAIRWISE,
    }
)
"""The kinds that an LLM judge carries out, each with a rubric."""

CALLED = frozenset({GraderType.SIMILAR, GraderType.PYTHON})
"""Checks that need more than the output: an embedding model, or code of the project."""

BY_PEOPLE = frozenset({GraderType.HUMAN})
"""The kinds that only people carry out; they bring no grade of themselves."""

CHECK_CRITERION = "correct"
"""The criterion of checks that name no metric."""

PASS_CRITERION = "pass"
"""The criterion that an output meets when it passes every one of its graders."""


@dataclass(frozen=True, slots=True)
class GraderSpec:
    """One grader of an item.

    `value` is what the check compares with; where it is None the item's reference is used. `tolerance` is absolute, in the
    unit of the number. `threshold` is a rubric step (rubric), seconds (latency), US dollars (cost), edits (fuzzy by
    distance) or a score in [0, 1] (all others). `weight` is relative, above 0. `mode` is the way of `fuzzy` and `tool-calls`.
    `function` is the `module:function` of `python`. `graders` are the members of a set. `target` is asked instead of the
    suite's judge, or for embeddings. `against` is the label of the target that `pairwise` compares with, empty for the
    reference.
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
    mode: str = ""
    ignore_case: bool = False
    function: str = ""
    against: str = ""
    target: Target | None = None
    graders: tuple[GraderSpec, ...] = ()

    @property
    def criterion(self) -> str:
        """The criterion this grader's grades belong to."""
        return self.metric or self.rubric or CHECK_CRITERION

    @property
    def judged(self) -> bool:
        """Tell whether an LLM judge carries it out."""
        return self.type in JUDGED

    @property
    def checked(self) -> bool:
        """Tell whether it is a check, in code alone or with the help of a model or of the project's own code."""
        return self.type not in JUDGED and self.type not in BY_PEOPLE
