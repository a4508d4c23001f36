"""Checks: graders in code. Pure; a check that cannot decide is an error, never a pass and never a fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from evalbot.grading.findings import Answered, CannotCheck, CheckResult, Finding, settle
from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.grading.measure_checks import check_cost, check_latency
from evalbot.grading.text_checks import (
    check_contains,
    check_contains_all,
    check_equals,
    check_fuzzy,
    check_icontains,
    check_refusal,
    check_regex,
    check_starts_with,
    check_word_count,
)
from evalbot.grading.tool_checks import check_tool_calls
from evalbot.grading.value_checks import check_choice, check_is_json, check_json_schema, check_numeric
from evalbot.runs.outputs import Output
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item

USUAL_THRESHOLDS = {GraderType.FUZZY: 0.8}
"""From which score a check passes unless told otherwise; 1 for those that are not named."""


def run_check(spec: GraderSpec, item: Item, answer: Output | str) -> CheckResult:
    """Check an answer: an output, or a text alone. It passes with a score of at least the threshold (default 1, fuzzy 0.8);
    `negate` turns score and pass around.

    What is compared with is the spec's value, else the item's references; of a list, any one (contains-all: each) will do.
    Texts are compared in Unicode NFC with LF line ends and plain spaces. `equals`, `choice` and `regex` look at the text without
    blanks around it, `starts-with` without those before it; `icontains` and `ignore_case` leave case aside. `numeric` reads one
    number (`extract`: last, first or only) on either side; `json-schema` reads the whole text or its one fenced block, `is-json`
    the whole text. `latency` and `cost` need an output, not a text alone.
    """
    if isinstance(answer, str):
        return _result(spec, Answered(answer, item))
    if answer.text is None:
        return CheckResult(None, None, error="There is no answer to check.")
    return _result(spec, Answered(answer.text, item, answer.usage))


def grade_with_checks(output: Output, item: Item, graders: Sequence[GraderSpec], at: datetime) -> list[Grade]:
    """Give one grade for every check in code among an item's graders; an output without an answer gets none.

    The grader's id is the check's type and its place among the graders, so the same check always has the same id.
    """
    if output.text is None:
        return []
    checks = [(place, spec) for place, spec in enumerate(graders, start=1) if spec.type in _CHECKS]
    return [check_grade(output, spec, place, run_check(spec, item, output), at) for place, spec in checks]


def check_grade(output: Output, spec: GraderSpec, place: int, result: CheckResult, at: datetime) -> Grade:
    """Give the grade of a check's result; `place` counts the item's graders from 1."""
    return Grade(
        output_id=output.id,
        criterion=spec.criterion,
        grader=Grader(GraderKind.CHECK, f"{spec.type}#{place}"),
        at=at,
        score=result.score,
        passed=result.passed,
        reason=result.reason,
        error=result.error,
        weight=spec.weight,
    )


def _result(spec: GraderSpec, answered: Answered) -> CheckResult:
    """Run one check."""
    check = _CHECKS.get(spec.type)
    if check is None:
        return CheckResult(None, None, error=f"{spec.type} is no check in code.")
    try:
        finding = check(spec, answered)
    except CannotCheck as problem:
        return CheckResult(None, None, error=str(problem))
    return settle(spec, finding, USUAL_THRESHOLDS.get(spec.type, 1.0))


def _check_set(spec: GraderSpec, answered: Answered) -> Finding:
    """Run the members of a set: the score is their weighted mean; without a threshold all of them have to pass."""
    if not spec.graders:
        raise CannotCheck("The set has no graders.")
    results = [(one.weight, _result(one, answered)) for one in spec.graders]
    broken = next((result.error for _, result in results if result.error), "")
    if broken:
        raise CannotCheck(f"In the set: {broken}")
    passed = sum(bool(result.passed) for _, result in results)
    score = sum(weight * (result.score or 0.0) for weight, result in results) / sum(weight for weight, _ in results)
    first = next((result.reason for _, result in results if not result.passed), "")
    reason = f"{passed} of {len(results)} in the set pass." + (f" {first}" if first else "")
    return Finding(min(score, 1.0), reason, passed == len(results) if spec.threshold is None else None)


_CHECKS: dict[GraderType, Callable[[GraderSpec, Answered], Finding]] = {
    GraderType.EQUALS: check_equals,
    GraderType.CONTAINS: check_contains,
    GraderType.ICONTAINS: check_icontains,
    GraderType.CONTAINS_ANY: check_contains,
    GraderType.CONTAINS_ALL: check_contains_all,
    GraderType.STARTS_WITH: check_starts_with,
    GraderType.REGEX: check_regex,
    GraderType.NUMERIC: check_numeric,
    GraderType.JSON_SCHEMA: check_json_schema,
    GraderType.CHOICE: check_choice,
    GraderType.IS_JSON: check_is_json,
    GraderType.FUZZY: check_fuzzy,
    GraderType.WORD_COUNT: check_word_count,
    GraderType.REFUSAL: check_refusal,
    GraderType.TOOL_CALLS: check_tool_calls,
    GraderType.LATENCY: check_latency,
    GraderType.COST: check_cost,
    GraderType.SET: _check_set,
}

IN_CODE = frozenset(_CHECKS)
"""The kinds of check that need nothing but the output."""
