"""Checks: graders in code. Pure; a check that cannot decide is an error, never a pass and never a fail."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import regex
from pydantic import JsonValue

from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.grading.letters import find_letter
from evalbot.grading.numbers import FoundNumber, find_numbers, last_number, reference_number
from evalbot.runs.outputs import Output
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item

REGEX_TIMEOUT_S = 0.05
MAX_PATTERN = 2_000
QUOTED = 60


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found. With an `error`, score and passed are None."""

    score: float | None
    passed: bool | None
    reason: str = ""
    error: str = ""


class _CannotCheck(Exception):
    """The check cannot decide; the message says why and becomes the error."""


@dataclass(frozen=True, slots=True)
class _Finding:
    """A score in [0, 1] with its reason."""

    score: float
    reason: str


def run_check(spec: GraderSpec, item: Item, text: str) -> CheckResult:
    """Check a text. It passes with a score of at least the threshold (default 1); `negate` turns score and pass around.

    What is compared with is the spec's value, else the item's references; of a list, any one (contains-all: each) will do.
    Texts are compared in Unicode NFC with LF line ends and plain spaces. `equals`, `choice` and `regex` look at the text without
    blanks around it, `starts-with` without those before it; `icontains` ignores case. `numeric` reads one number
    (`extract`: last, first or only) on either side; `json-schema` reads the whole text or its one fenced block.
    """
    check = _CHECKS.get(spec.type)
    if check is None:
        return CheckResult(None, None, error=f"{spec.type} is no check in code.")
    try:
        finding = check(spec, item, text)
    except _CannotCheck as problem:
        return CheckResult(None, None, error=str(problem))
    passed = finding.score >= (1.0 if spec.threshold is None else spec.threshold)
    if spec.negate:
        return CheckResult(1.0 - finding.score, not passed, f"Turned around: {finding.reason}")
    return CheckResult(finding.score, passed, finding.reason)


def grade_with_checks(output: Output, item: Item, graders: Sequence[GraderSpec], at: datetime) -> list[Grade]:
    """Give one grade for every check among an item's graders; an output without an answer gets none.

    The grader's id is the check's type and its place among the graders, so the same check always has the same id.
    """
    if output.text is None:
        return []
    checks = [(place, spec) for place, spec in enumerate(graders, start=1) if spec.type is not GraderType.RUBRIC]
    return [_grade(output, spec, place, run_check(spec, item, output.text), at) for place, spec in checks]


def _grade(output: Output, spec: GraderSpec, place: int, result: CheckResult, at: datetime) -> Grade:
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


def _plain(text: str) -> str:
    """Give a text with the differences that nobody sees taken out: NFC, LF line ends, plain spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _SPACES.sub(" ", text))
    return text.replace("\r\n", "\n") if "\r" in text else text


_SPACES = regex.compile(r"\p{Zs}")


def _folded(text: str) -> str:
    """Give a text without differences of case."""
    return unicodedata.normalize("NFC", _plain(text).casefold())


def _wanted(spec: GraderSpec, item: Item) -> tuple[str, ...]:
    """Give the texts to compare with, as written."""
    if spec.value is None:
        texts = item.references
    else:
        values = spec.value if isinstance(spec.value, list) else [spec.value]
        texts = tuple(_as_text(value) for value in values)
    if not texts:
        raise _CannotCheck("The check has no value and the item no reference.")
    return texts


def _as_text(value: JsonValue) -> str:
    """Give a value as the text a reader would expect."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _quoted(text: str) -> str:
    """Give a short form of a text for a reason."""
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= QUOTED else f'"{line[:QUOTED]}…"'


def _of_any(wanted: Sequence[str], holds: Callable[[str], bool], verb: str) -> _Finding:
    """Score 1 when one of the texts holds."""
    for one in wanted:
        if holds(one):
            return _Finding(1.0, f"{verb} {_quoted(one)}.")
    more = f" nor any of {len(wanted) - 1} others" if len(wanted) > 1 else ""
    return _Finding(0.0, f"Not found: {verb.lower()} {_quoted(wanted[0])}{more}.")


def _not_blank(wanted: Sequence[str]) -> Sequence[str]:
    """Refuse a blank text to look for, since every answer holds it."""
    if not all(one.strip() for one in wanted):
        raise _CannotCheck("The text to look for is blank, so every answer would hold it.")
    return wanted


def _check_equals(spec: GraderSpec, item: Item, text: str) -> _Finding:
    said = _plain(text).strip()
    return _of_any(_wanted(spec, item), lambda one: said == _plain(one).strip(), "Equals")


def _check_contains(spec: GraderSpec, item: Item, text: str) -> _Finding:
    said = _plain(text)
    return _of_any(_not_blank(_wanted(spec, item)), lambda one: _plain(one) in said, "Contains")


def _check_icontains(spec: GraderSpec, item: Item, text: str) -> _Finding:
    said = _folded(text)
    return _of_any(_not_blank(_wanted(spec, item)), lambda one: _folded(one) in said, "Contains")


def _check_contains_all(spec: GraderSpec, item: Item, text: str) -> _Finding:
    """Score the share of the texts that the answer holds."""
    said, wanted = _plain(text), _not_blank(_wanted(spec, item))
    missing = [one for one in wanted if _plain(one) not in said]
    if not missing:
        return _Finding(1.0, f"Contains all {len(wanted)} texts.")
    return _Finding(1 - len(missing) / len(wanted), f"Missing {len(missing)} of {len(wanted)}: {_quoted(missing[0])}.")


def _check_starts_with(spec: GraderSpec, item: Item, text: str) -> _Finding:
    said, wanted = _plain(text).lstrip(), _not_blank(_wanted(spec, item))
    return _of_any(wanted, lambda one: said.startswith(_plain(one).lstrip()), "Starts with")


def _check_regex(spec: GraderSpec, item: Item, text: str) -> _Finding:
    said = _plain(text).strip()
    return _of_any(_wanted(spec, item), lambda one: _matches(one, said), "Matches")


def _matches(pattern: str, text: str) -> bool:
    """Search a pattern under a time limit."""
    if not pattern or len(pattern) > MAX_PATTERN:
        raise _CannotCheck(f"The pattern is {'empty' if not pattern else f'longer than {MAX_PATTERN:,} characters'}.")
    try:
        return regex.search(_plain(pattern), text, timeout=REGEX_TIMEOUT_S) is not None
    except TimeoutError:
        raise _CannotCheck(f"The pattern took longer than {REGEX_TIMEOUT_S * 1000:.0f} ms.") from None
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        raise _CannotCheck(f"The pattern is wrong: {error}.") from None


def _check_numeric(spec: GraderSpec, item: Item, text: str) -> _Finding:
    wanted = _wanted_numbers(spec, item)
    tolerance = Decimal(repr(spec.tolerance))
    if not tolerance.is_finite() or tolerance < 0:
        raise _CannotCheck("The tolerance is not a number of 0 or more.")
    said = _said_number(text, spec.extract)
    if isinstance(said, str):
        return _Finding(0.0, said)
    if any(said.near(one, tolerance) for one in wanted):
        return _Finding(1.0, f"The number is {_number_text(said)}.")
    return _Finding(0.0, f"The number is {_number_text(said)}, not {_number_text(wanted[0])}.")


def _said_number(text: str, extract: str) -> FoundNumber | str:
    """Give the number that an answer states, or why there is none."""
    if extract == "last":
        return last_number(text) or "The answer holds no number."
    if extract == "first":
        return next(find_numbers(text), "The answer holds no number.")
    if extract == "only":
        found = list(find_numbers(text))
        if len(found) == 1:
            return found[0]
        return f"The answer holds {len(found) or 'no'} number{'s' if found else ''} instead of one."
    raise _CannotCheck(f"extract is {extract!r}; use last, first or only.")


def _wanted_numbers(spec: GraderSpec, item: Item) -> list[FoundNumber]:
    """Read the numbers to compare with."""
    numbers = [reference_number(one) for one in _wanted(spec, item)]
    there = [number for number in numbers if number is not None]
    if len(there) < len(numbers):
        raise _CannotCheck("The value or reference holds no number.")
    return there


def _number_text(number: FoundNumber) -> str:
    return f"{number.value:.12g}{'%' if number.percent else ''}"


def _check_json_schema(spec: GraderSpec, item: Item, text: str) -> _Finding:
    from evalbot.grading.schemas import CannotValidate, schema_fault  # jsonschema is slow to import and seldom needed

    schema = item.reference if spec.value is None else spec.value
    if not isinstance(schema, dict | bool):
        raise _CannotCheck("The check needs a JSON Schema as its value.")
    try:
        fault = schema_fault(schema, text)
    except CannotValidate as problem:
        raise _CannotCheck(str(problem)) from None
    return _Finding(0.0, fault) if fault else _Finding(1.0, "Fits the schema.")


def _check_choice(spec: GraderSpec, item: Item, text: str) -> _Finding:
    wanted = [find_letter(one) for one in _wanted(spec, item)]
    if None in wanted:
        raise _CannotCheck("The value or reference names no letter.")
    said = find_letter(text)
    if said is None:
        return _Finding(0.0, "The answer picks no single letter.")
    if said in wanted:
        return _Finding(1.0, f"The choice is {said}.")
    return _Finding(0.0, f"The choice is {said}, not {wanted[0]}.")


_CHECKS: dict[GraderType, Callable[[GraderSpec, Item, str], _Finding]] = {
    GraderType.EQUALS: _check_equals,
    GraderType.CONTAINS: _check_contains,
    GraderType.ICONTAINS: _check_icontains,
    GraderType.CONTAINS_ANY: _check_contains,
    GraderType.CONTAINS_ALL: _check_contains_all,
    GraderType.STARTS_WITH: _check_starts_with,
    GraderType.REGEX: _check_regex,
    GraderType.NUMERIC: _check_numeric,
    GraderType.JSON_SCHEMA: _check_json_schema,
    GraderType.CHOICE: _check_choice,
}
