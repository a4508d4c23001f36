"""JSON Schemas of the file formats."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from evalbot.errors import BadRequest
from evalbot.library.schemas import FORMATS, json_schema

SUITE: dict[str, Any] = {
    "name": "support-bot",
    "providers": ["openai:gpt-4.1-mini", {"id": "http", "label": "staging"}],
    "defaultTest": {"assert": [{"type": "llm-rubric", "value": "is polite"}]},
    "tests": ["file://items/*.jsonl", {"vars": {"question": "q"}, "expected": "a", "graders": [{"type": "exact"}]}],
    "split": {"holdout": "25%", "by": "skill", "seed": 7},
    "run": {"repeat": 2},
}


@pytest.mark.parametrize("name", list(FORMATS))
def test_schemas_are_valid(name: str) -> None:
    """Each format has a schema of its own draft that refuses unknown keys."""
    schema = json_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False


def test_editors_accept_what_the_loader_accepts() -> None:
    """Other names of keys are in the schema, so is what is wrong."""
    check = Draft202012Validator(json_schema("suite"))
    assert list(check.iter_errors(SUITE)) == []
    assert list(check.iter_errors({**SUITE, "itens": []}))
    assert list(check.iter_errors({"name": "a"}))
    assert list(check.iter_errors({**SUITE, "tests": [{"vars": {}, "graders": [{"type": "latencee"}]}]}))


def test_an_unknown_schema_is_refused() -> None:
    """The names are listed."""
    with pytest.raises(BadRequest, match="did you mean `suite`"):
        json_schema("suites")
