"""What other tools call our graders, put into our words before anything is checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from evalbot.suites.graders import GraderType

OTHER_TYPES = {
    "exact": GraderType.EQUALS,
    "llm-rubric": GraderType.RUBRIC,
    "g-eval": GraderType.RUBRIC,
    "icontains-any": GraderType.ICONTAINS,
    "icontains-all": GraderType.CONTAINS_ALL,
    "levenshtein": GraderType.FUZZY,
    "model-graded-closedqa": GraderType.CLOSEDQA,
    "model-graded-fact": GraderType.FACTUALITY,
    "model-graded-factuality": GraderType.FACTUALITY,
    "battle": GraderType.PAIRWISE,
    "select-best": GraderType.PAIRWISE,
    "context-faithfulness": GraderType.FAITHFULNESS,
    "is-refusal": GraderType.REFUSAL,
}
"""What other tools call our kinds of grader."""

MODES = {"levenshtein": "distance"}
"""The mode that comes with another name."""

SCORED = frozenset({"llm-rubric", "g-eval"})
"""Names under which a threshold up to 1 is a share of the rubric's scale, not a step of it."""

ELSEWHERE = frozenset(
    {
        "contains-json",
        "contains-html",
        "contains-sql",
        "contains-xml",
        "is-html",
        "is-sql",
        "is-xml",
        "is-valid-function-call",
        "is-valid-openai-function-call",
        "is-valid-openai-tools-call",
        "rouge-n",
        "bleu",
        "gleu",
        "meteor",
        "perplexity",
        "perplexity-score",
        "classifier",
        "moderation",
        "guardrails",
        "pi",
        "webhook",
        "similar:cosine",
        "similar:dot",
        "similar:euclidean",
        "conversation-relevance",
        "context-relevance",
        "search-rubric",
        "trace-span-count",
        "trace-span-duration",
        "trace-error-spans",
        "max-score",
    }
)
"""Kinds of grader that another tool has and we have not."""

CALL = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z]\w*", re.ASCII)
_NOT = "not-"
_PYTHON = "python:"


def refused_type(name: str) -> str:
    """Say why a known kind of another tool is not taken, empty for a name nobody knows."""
    bare = name.removeprefix(_NOT)
    if bare.startswith("javascript"):
        return "JavaScript is never run; write the check in Python and name it `python:module:function`"
    if bare == "python" or bare.startswith(_PYTHON):
        return "a python check is written `python:module:function`; code in the file is never run"
    if bare in ELSEWHERE:
        return f"graders of type `{name[:60]}` are not in this version; use one of {', '.join(GraderType)}"
    return ""


def canonical(data: Mapping[str, Any]) -> dict[str, Any]:
    """Give a grader with its type in our words; what a name says beside the type goes into keys of their own."""
    found = dict(data)
    name = found.get("type")
    if not isinstance(name, str):
        return found
    if name.startswith(_NOT) and isinstance(found.get("negate", False), bool):
        name = name.removeprefix(_NOT)
        found["negate"] = not found.get("negate", False)
    if name.startswith(_PYTHON) and CALL.fullmatch(name.removeprefix(_PYTHON)):
        return {**found, "type": GraderType.PYTHON.value, "function": name.removeprefix(_PYTHON)}
    if name in MODES:
        found.setdefault("mode", MODES[name])
    if name == "icontains-all":
        found.setdefault("ignore_case", True)
    threshold = found.get("threshold")
    if (
        name in SCORED
        and isinstance(threshold, int | float)
        and not isinstance(threshold, bool)
        and 0 <= threshold <= 1
    ):
        found["threshold"] = f"{threshold * 100:.6f}%"
    return {**found, "type": OTHER_TYPES[name].value if name in OTHER_TYPES else name}
