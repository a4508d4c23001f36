"""What graders compare with, checked once each: patterns and JSON Schemas cost time, so a suite may hold so many."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import JsonValue

from evalbot.grading.patterns import pattern_problem
from evalbot.suites.graders import GraderSpec, GraderType

MAX_DIFFERENT = 1_000
"""Most different patterns of a suite, and a tenth of it the most different schemas."""

MAX_SCHEMA_CHARS = 50_000


class GraderValues:
    """Remembers what was checked in one suite."""

    def __init__(self) -> None:
        self._patterns: dict[str, str | None] = {}
        self._schemas: dict[str, str | None] = {}

    def problem(self, grader: GraderSpec) -> str | None:
        """Say what is wrong with a grader's value, None when nothing is."""
        if grader.type is GraderType.REGEX:
            found = (self._pattern(one) for one in _listed(grader.value))
            return next((text for text in found if text), None)
        if grader.type is GraderType.JSON_SCHEMA or (grader.type is GraderType.IS_JSON and grader.value is not None):
            return self._schema(grader.value) if isinstance(grader.value, dict) else "must be a JSON Schema"
        return None

    def _pattern(self, pattern: str) -> str | None:
        if pattern not in self._patterns:
            if len(self._patterns) >= MAX_DIFFERENT:
                return f"the suite has more than {MAX_DIFFERENT:,} different patterns"
            self._patterns[pattern] = pattern_problem(pattern)
        return self._patterns[pattern]

    def _schema(self, schema: dict[str, JsonValue]) -> str | None:
        text = json.dumps(schema, sort_keys=True)
        if text not in self._schemas:
            if len(self._schemas) >= MAX_DIFFERENT // 10:
                return f"the suite has more than {MAX_DIFFERENT // 10} different schemas"
            self._schemas[text] = self._schema_problem(schema, len(text))
        return self._schemas[text]

    def _schema_problem(self, schema: dict[str, JsonValue], chars: int) -> str | None:
        if chars > MAX_SCHEMA_CHARS:
            return f"the schema is longer than {MAX_SCHEMA_CHARS:,} characters"
        for key, value in _pairs(schema):
            if key in ("$ref", "$dynamicRef") and isinstance(value, str) and not value.startswith("#"):
                return "a `$ref` must stay within the schema, like `#/$defs/name`"
            patterns = [value] if key == "pattern" and isinstance(value, str) else []
            patterns += list(value) if key == "patternProperties" and isinstance(value, dict) else []
            wrong = next((text for text in map(self._pattern, patterns) if text), None)
            if wrong:
                return wrong
        from evalbot.grading.schemas import schema_problem  # jsonschema is slow to import and seldom needed

        return schema_problem(schema)


def _listed(value: JsonValue) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _pairs(value: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    """Yield every key with its value, at any depth."""
    if isinstance(value, list):
        for one in value:
            yield from _pairs(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key, one
            yield from _pairs(one)
