"""JSON in answers, and whether it fits a JSON Schema. No schema is ever fetched, no pattern runs without a time limit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from pydantic import JsonValue
from referencing import Registry
from referencing.exceptions import Unresolvable

MAX_JSON = 200_000
"""Longer answers are not validated: some keywords cost the square of the length."""

PATTERN_TIMEOUT_S = 0.05
_FENCE = regex.compile(
    r"^[ \t]*(`{3,}|~{3,})[ \t]*(\w*)[ \t]*\n(.*?)\n?^[ \t]*\1[ \t]*$", regex.MULTILINE | regex.DOTALL
)


class CannotValidate(Exception):
    """Neither fit nor misfit: the schema is at fault or the text is too large; the message says so."""


def schema_fault(schema: dict[str, JsonValue] | bool, text: str, *, fenced: bool = True) -> str:
    """Tell what is wrong with a text that should be JSON of a schema, empty when nothing is; raises CannotValidate.

    With `fenced` the JSON may also stand in the one fenced block of the text.
    """
    validator = _validator(json.dumps(schema, sort_keys=True))
    if len(text) > MAX_JSON:
        raise CannotValidate(f"The answer is longer than {MAX_JSON:,} characters.")
    try:
        value = read_json(text) if fenced else parse_json(text)
    except ValueError as error:
        return f"The answer is not JSON: {error}."
    try:
        first = next(validator.iter_errors(value), None)
    except Unresolvable as error:
        raise CannotValidate(f"The schema refers to {error.ref!r}, which is not in it.") from None
    except TimeoutError:
        raise CannotValidate("A pattern of the schema took too long.") from None
    except (RecursionError, regex.error) as error:
        raise CannotValidate(f"The schema cannot be applied: {error}.") from None
    return "" if first is None else _fault_text(first)


def schema_problem(schema: dict[str, JsonValue]) -> str | None:
    """Say why something is no JSON Schema, None when it is one."""
    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError) as error:
        return f"is not a valid JSON Schema ({str(getattr(error, 'message', error))[:80]})"
    return None


def read_json(text: str) -> Any:
    """Read the JSON that an answer is, whole or in its one fenced block; raises ValueError. NaN is no JSON."""
    fences = _FENCE.findall(text) if "```" in text or "~~~" in text else []
    blocks = [body for _, language, body in fences if language.lower() in ("", "json", "jsonc")]
    return parse_json(blocks[0] if len(blocks) == 1 else text)


def parse_json(text: str) -> Any:
    """Read a text that is JSON from its first character to its last; raises ValueError. NaN is no JSON."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg}, line {error.lineno}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _fault_text(error: ValidationError) -> str:
    """Say where and what, without repeating the whole value."""
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    message = error.message if len(error.message) <= 160 else f"{error.message[:160]}…"
    return f"Does not fit the schema at ${place[:120]}: {message}."


def _pattern(validator: Any, pattern: str, instance: object, schema: object) -> Iterator[ValidationError]:
    """Check `pattern` under a time limit."""
    if isinstance(instance, str) and not _found(pattern, instance):
        yield ValidationError(f"the text does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: dict[str, Any], instance: object, schema: object
) -> Iterator[ValidationError]:
    """Check `patternProperties` under a time limit."""
    if not isinstance(instance, dict):
        return
    for pattern, part in patterns.items():
        for name, value in instance.items():
            if _found(pattern, name):
                yield from validator.descend(value, part, path=name, schema_path=pattern)


def _found(pattern: str, text: str) -> bool:
    return regex.search(pattern, text, timeout=PATTERN_TIMEOUT_S) is not None


_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern, "patternProperties": _pattern_properties}
)


@lru_cache(maxsize=128)
def _validator(schema_text: str) -> Any:
    """Give the validator of a schema, checked; remote references find nothing."""
    schema = json.loads(schema_text)
    try:
        _Validator.check_schema(schema)
    except SchemaError as error:
        raise CannotValidate(f"The schema is wrong: {error.message[:160]}.") from None
    except RecursionError:
        raise CannotValidate("The schema is nested too deeply.") from None
    return _Validator(schema, registry=Registry())
