"""Judging: the verdict of an LLM judge read back strictly, and the grade that it becomes. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import regex

from evalbot.errors import OutsideError, UnreadableVerdict
from evalbot.grading.findings import CannotCheck
from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.runs.outputs import OutputId
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.rubrics import Rubric
from evalbot.suites.targets import Target

MAX_REASON = 2_000
MAX_RAW = 160
NOT_WORTH = "Lowest step by rule, no judge was asked: the answer is blank or a single word."
HARMLESS = "Highest step by rule, no judge was asked: the answer is blank or a single word."

_FENCED = re.compile(r"\s*```(?:json)?[ \t]*\n(.*?)\n[ \t]*```\s*", re.DOTALL)
_WORD = regex.compile(
    r"\p{Nd}[\p{Nd}.,]*|[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]\p{M}*|[\w\p{M}\p{Cf}]*[\p{L}\p{N}][\w\p{M}\p{Cf}'’]*"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge decided: a step of the rubric's scale, and why."""

    level: int
    reason: str


def parse_verdict(text: str, rubric: Rubric) -> Verdict:
    """Read a verdict; raises UnreadableVerdict for anything but one JSON object with a grade on the scale and a reason.

    Text around the object, a second `grade`, a grade in words and a grade off the scale are all unreadable: whatever a judge
    quotes from an answer must never count. A code fence around the whole object is allowed.
    """
    fenced = _FENCED.fullmatch(text)
    try:
        verdict = json.loads(fenced[1] if fenced else text, object_pairs_hook=_no_twins)
    except (ValueError, RecursionError):
        raise _unreadable("is not one JSON object", text) from None
    if not isinstance(verdict, dict) or set(verdict) != {"grade", "reason"}:
        raise _unreadable("does not consist of grade and reason", text)
    level, reason = verdict["grade"], verdict["reason"]
    if isinstance(level, bool) or not isinstance(level, int) or not rubric.scale.holds(level):
        raise _unreadable("has a grade that is not on the scale", text)
    if not isinstance(reason, str):
        raise _unreadable("has a reason that is not a text", text)
    return Verdict(level, reason.strip()[:MAX_REASON])


def worth_judging(text: str) -> bool:
    """Tell whether a judge should see an answer: not when it is blank, only signs, or a single word or number.

    In scripts that are written without spaces every character counts as a word.
    """
    words = _WORD.finditer(text)
    return next(words, None) is not None and next(words, None) is not None


def judge_grade(
    output_id: OutputId,
    rubric: Rubric,
    outcome: Verdict | OutsideError | CannotCheck,
    judge: Target,
    at: datetime,
    spec: GraderSpec | None = None,
) -> Grade:
    """Give the judge's grade from its verdict; a failure becomes the grade's error, without score or pass.

    `spec` is the grader of the suite: its threshold goes before the rubric's pass_from, its `negate` turns score and pass
    around, and it gives criterion and weight.
    """
    blank = Grade(output_id, rubric.name, judge_grader(rubric, judge), at)
    if spec:
        blank = replace(blank, criterion=spec.criterion, weight=spec.weight)
    if not isinstance(outcome, Verdict):
        return replace(blank, error=str(outcome))
    score = rubric.scale.score(outcome.level)
    passed = _passes(rubric, outcome.level, spec)
    if spec and spec.negate:
        score, passed = 1.0 - score, not passed
    return replace(blank, score=score, passed=passed, level=outcome.level, reason=outcome.reason)


def judge_grader(rubric: Rubric, judge: Target) -> Grader:
    """Name a judge by its label, and by what it was asked: rubric and prompt, each with its version, and the prompt's hash."""
    prompt = rubric.judge
    asked = f" {prompt.name}/{prompt.version} {prompt.digest}" if prompt else ""
    return Grader(GraderKind.JUDGE, judge.label, f"{rubric.name}/{rubric.version}{asked}")


def _passes(rubric: Rubric, level: int, spec: GraderSpec | None) -> bool:
    """Tell whether a step passes: by the grader's threshold, a step for rubrics and a score for other kinds, else the rubric's."""
    if spec is None or spec.threshold is None:
        return rubric.passes(level)
    reached = level if spec.type is GraderType.RUBRIC else rubric.scale.score(level)
    return reached >= spec.threshold


def grade_without_judge(
    output_id: OutputId, rubric: Rubric, judge: Target, at: datetime, spec: GraderSpec | None = None
) -> Grade:
    """Give the grade of an answer that is not worth judging: the lowest step, with that reason; of toxicity the highest."""
    harmless = spec is not None and spec.type is GraderType.TOXICITY
    verdict = Verdict(rubric.scale.highest, HARMLESS) if harmless else Verdict(rubric.scale.lowest, NOT_WORTH)
    return judge_grade(output_id, rubric, verdict, judge, at, spec)


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that names a key twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice")
    return found


def _unreadable(what: str, text: str) -> UnreadableVerdict:
    """Give the failure with the start of what the judge sent."""
    return UnreadableVerdict(f"The judge's reply {what}.", f"It begins: {text[:MAX_RAW]!r}" if text else "It is empty.")
