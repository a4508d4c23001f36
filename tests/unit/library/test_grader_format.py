"""Graders as they may be written: in our words, in those of other tools, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from evalbot.library.grader_format import GraderFile
from evalbot.library.graders import grader_fields, make_grader
from evalbot.library.schemas import json_schema
from evalbot.suites.graders import GraderSpec, GraderType


def made(**fields: Any) -> GraderSpec:
    """Give the noun of a written grader."""
    return make_grader(GraderFile.model_validate(fields))


def complaint(**fields: Any) -> str:
    """Give the words with which a grader is refused."""
    with pytest.raises(ValidationError) as caught:
        GraderFile.model_validate(fields)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "spec"),
    [
        ({"type": "exact", "value": "x"}, GraderSpec(GraderType.EQUALS, "x")),
        ({"type": "not-contains", "value": "x"}, GraderSpec(GraderType.CONTAINS, "x", negate=True)),
        ({"type": "not-icontains", "value": "x", "negate": True}, GraderSpec(GraderType.ICONTAINS, "x")),
        ({"type": "icontains-any", "value": ["x"]}, GraderSpec(GraderType.ICONTAINS, ["x"])),
        ({"type": "icontains-all", "value": ["x"]}, GraderSpec(GraderType.CONTAINS_ALL, ["x"], ignore_case=True)),
        (
            {"type": "levenshtein", "value": "x", "threshold": 3},
            GraderSpec(GraderType.FUZZY, "x", threshold=3.0, mode="distance"),
        ),
        ({"type": "fuzzy", "mode": "f1", "threshold": "80%"}, GraderSpec(GraderType.FUZZY, threshold=0.8, mode="f1")),
        ({"type": "is-refusal"}, GraderSpec(GraderType.REFUSAL)),
        ({"type": "not-is-refusal"}, GraderSpec(GraderType.REFUSAL, negate=True)),
        ({"type": "latency", "threshold": 5000}, GraderSpec(GraderType.LATENCY, threshold=5.0)),
        ({"type": "latency", "threshold": "5s"}, GraderSpec(GraderType.LATENCY, threshold=5.0)),
        ({"type": "latency", "threshold": "800ms"}, GraderSpec(GraderType.LATENCY, threshold=0.8)),
        ({"type": "cost", "threshold": "$0.02"}, GraderSpec(GraderType.COST, threshold=0.02)),
        ({"type": "cost", "threshold": 0.02}, GraderSpec(GraderType.COST, threshold=0.02)),
        (
            {"type": "word-count", "value": {"min": 1, "max": 9}},
            GraderSpec(GraderType.WORD_COUNT, {"min": 1, "max": 9}),
        ),
        ({"type": "is-json", "value": {"type": "object"}}, GraderSpec(GraderType.IS_JSON, {"type": "object"})),
        (
            {"type": "tool-calls", "value": ["a"], "mode": "ordered"},
            GraderSpec(GraderType.TOOL_CALLS, ["a"], mode="ordered"),
        ),
        (
            {"type": "python:checks.tone:polite", "value": 3, "threshold": 0.5},
            GraderSpec(GraderType.PYTHON, 3, threshold=0.5, function="checks.tone:polite"),
        ),
        ({"type": "human", "metric": "tone"}, GraderSpec(GraderType.HUMAN, metric="tone")),
        ({"type": "select-best", "against": "b"}, GraderSpec(GraderType.PAIRWISE, against="b")),
    ],
)
def test_names_of_other_tools_mean_ours(written: dict[str, Any], spec: GraderSpec) -> None:
    """A grader in another tool's words is the same as one in ours, and is written back in ours."""
    assert made(**written) == spec
    sparse = {
        name: getattr(spec, name)
        for name in ("value", "negate", "mode", "ignore_case", "function", "against", "metric", "threshold")
        if getattr(spec, name) != getattr(GraderSpec(spec.type), name)
    }
    fields = grader_fields(spec, sparse)
    assert made(**fields) == spec
    assert Draft202012Validator(json_schema("items")).is_valid({"input": "q", "graders": [written]})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"type": "javascript", "value": "true"}, "JavaScript is never run"),
        ({"type": "not-javascript", "value": "true"}, "JavaScript is never run"),
        ({"type": "python", "value": "output == 'x'"}, "is written `python:module:function`"),
        ({"type": "python:print(1)"}, "is written `python:module:function`"),
        ({"type": "python:../x:f"}, "is written `python:module:function`"),
        ({"type": "python:os:_exit"}, "is written `python:module:function`"),
        ({"type": "equals", "function": "a:b"}, "no other grader has a `function`"),
        ({"type": "bleu", "value": "x"}, "are not in this version"),
        ({"type": "fuzy"}, "did you mean `fuzzy`"),
        ({"type": "latency"}, "must be a duration"),
        ({"type": "latency", "threshold": 0}, "must be a duration"),
        ({"type": "latency", "threshold": "5 parsecs"}, "must be a number, or a text such as"),
        ({"type": "latency", "threshold": "80%"}, "must be a duration"),
        ({"type": "cost", "threshold": "5s"}, "must be an amount in dollars"),
        ({"type": "equals", "threshold": 2}, "lies between 0 and 1"),
        ({"type": "equals", "threshold": True}, "must be a number, or a text such as"),
        ({"type": "faithfulness", "threshold": 3}, "of a judge's score lies between 0 and 1"),
        ({"type": "levenshtein", "threshold": 0.5}, "a whole number of edits"),
        ({"type": "human", "threshold": 1}, "people need none"),
        ({"type": "fuzzy", "mode": "ordered"}, "is one of ratio, f1, distance"),
        ({"type": "equals", "mode": "f1"}, "only `fuzzy` and `tool-calls` have one"),
        ({"type": "regex", "value": "x", "ignore_case": True}, "has no meaning for `regex`"),
        ({"type": "equals", "against": "b"}, "only `pairwise` compares"),
        ({"type": "equals", "target": "openai:m"}, "only graders that ask a model"),
        ({"type": "equals", "rubric": "good"}, "only graders that a judge or people carry out"),
        ({"type": "closedqa"}, "holds its criterion as text"),
        ({"type": "refusal", "value": "no"}, "has no meaning; leave it out"),
        ({"type": "word-count", "value": -1}, "must be a number of words"),
        ({"type": "word-count", "value": {"min": 1.5}}, "must be a number of words"),
        ({"type": "assert-set"}, "holds at least one check"),
        ({"type": "equals", "graders": [{"type": "equals"}]}, "only an `assert-set` holds graders"),
        ({"type": "assert-set", "assert": [{"type": "llm-rubric", "value": "x"}]}, "a set holds checks in code only"),
        ({"type": "assert-set", "assert": [{"type": "python:a:b"}]}, "a set holds checks in code only"),
        (
            {"type": "assert-set", "assert": [{"type": "assert-set", "assert": [{"type": "equals"}]}]},
            "a set holds checks in code only",
        ),
    ],
)
def test_refusals_say_what_to_do(written: dict[str, Any], said: str) -> None:
    """Whatever cannot be meant is refused in one sentence; code in a file never becomes a grader."""
    assert said in complaint(**written)


def test_scores_of_other_tools_are_shares_of_the_scale() -> None:
    """`llm-rubric` with a threshold of 0.8 means 80% of the scale; a step stays a step."""
    shared = GraderFile.model_validate({"type": "llm-rubric", "value": "x", "threshold": 0.8})
    assert shared.threshold is not None
    assert (shared.threshold.number, shared.threshold.unit) == (80.0, "%")
    step = GraderFile.model_validate({"type": "rubric", "value": "x", "threshold": 1})
    assert step.threshold is not None
    assert (step.threshold.number, step.threshold.unit) == (1.0, "")
