"""Checks of what an answer's words mean: its number, its choice, its JSON. Pure."""

from __future__ import annotations

from decimal import Decimal

from pydantic import JsonValue

from evalbot.grading.findings import Answered, CannotCheck, Finding, wanted_texts
from evalbot.grading.letters import find_letter
from evalbot.grading.numbers import FoundNumber, find_numbers, last_number, reference_number
from evalbot.suites.graders import GraderSpec
from evalbot.suites.items import Item


def check_numeric(spec: GraderSpec, answered: Answered) -> Finding:
    """Compare the number that an answer states."""
    wanted = _wanted_numbers(spec, answered.item)
    tolerance = Decimal(repr(spec.tolerance))
    if not tolerance.is_finite() or tolerance < 0:
        raise CannotCheck("The tolerance is not a number of 0 or more.")
    said = _said_number(answered.text, spec.extract)
    if isinstance(said, str):
        return Finding(0.0, said)
    if any(said.near(one, tolerance) for one in wanted):
        return Finding(1.0, f"The number is {_number_text(said)}.")
    return Finding(0.0, f"The number is {_number_text(said)}, not {_number_text(wanted[0])}.")


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
    raise CannotCheck(f"extract is {extract!r}; use last, first or only.")


def _wanted_numbers(spec: GraderSpec, item: Item) -> list[FoundNumber]:
    """Read the numbers to compare with."""
    numbers = [reference_number(one) for one in wanted_texts(spec, item)]
    there = [number for number in numbers if number is not None]
    if len(there) < len(numbers):
        raise CannotCheck("The value or reference holds no number.")
    return there


def _number_text(number: FoundNumber) -> str:
    return f"{number.value:.12g}{'%' if number.percent else ''}"


def check_choice(spec: GraderSpec, answered: Answered) -> Finding:
    """Compare the letter that an answer picks."""
    wanted = [find_letter(one) for one in wanted_texts(spec, answered.item)]
    if None in wanted:
        raise CannotCheck("The value or reference names no letter.")
    said = find_letter(answered.text)
    if said is None:
        return Finding(0.0, "The answer picks no single letter.")
    if said in wanted:
        return Finding(1.0, f"The choice is {said}.")
    return Finding(0.0, f"The choice is {said}, not {wanted[0]}.")


def check_json_schema(spec: GraderSpec, answered: Answered) -> Finding:
    """Validate the whole text, or its one fenced block."""
    schema = answered.item.reference if spec.value is None else spec.value
    fault = _schema_fault(schema, answered.text, fenced=True)
    return Finding(0.0, fault) if fault else Finding(1.0, "Fits the schema.")


def check_is_json(spec: GraderSpec, answered: Answered) -> Finding:
    """Parse the whole text, nothing around it allowed; with a schema as value it has to fit that too."""
    fault = _schema_fault(True if spec.value is None else spec.value, answered.text, fenced=False)
    return Finding(0.0, fault) if fault else Finding(1.0, "The answer is JSON.")


def _schema_fault(schema: JsonValue, text: str, *, fenced: bool) -> str:
    """Tell what is wrong with a text that should be JSON of a schema."""
    from evalbot.grading.schemas import CannotValidate, schema_fault  # jsonschema is slow to import and seldom needed

    if not isinstance(schema, dict | bool):
        raise CannotCheck("The check needs a JSON Schema as its value.")
    try:
        return schema_fault(schema, text, fenced=fenced)
    except CannotValidate as problem:
        raise CannotCheck(str(problem)) from None
