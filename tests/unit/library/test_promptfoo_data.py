"""What a promptfoo file says, in our words."""

from __future__ import annotations

from typing import Any

import pytest

from evalbot.errors import BadFile
from evalbot.library.promptfoo_suite import MOST_EXPANDED, promptfoo_data


def data(**config: Any) -> dict[str, Any]:
    """Give the data of a file that says this."""
    return promptfoo_data(config, "promptfooconfig.yaml", "Refund Desk")


def test_lists_among_the_variables_are_expanded() -> None:
    """Each combination is an item; ids follow from the description and stay unique."""
    tests = [{"description": "A b", "vars": {"x": ["1", "2"], "y": ["p", "q"], "z": "k"}}]
    found = data(tests=tests)
    assert found["name"] == "refund-desk"
    assert [item["id"] for item in found["items"]] == ["a-b", "a-b-2", "a-b-3", "a-b-4"]
    assert [(item["vars"]["x"], item["vars"]["y"]) for item in found["items"]] == [
        ("1", "p"),
        ("1", "q"),
        ("2", "p"),
        ("2", "q"),
    ]


def test_variables_are_filled_into_assertions() -> None:
    """Defaults that name an item's variables become its own; a value from a variable is text, never a template."""
    found = data(
        defaultTest={"vars": {"w": "{{ x }}"}, "assert": [{"type": "contains", "value": "{{w}}"}, {"type": "cost"}]},
        tests=[{"vars": {"x": "1"}, "assert": [{"type": "equals", "value": ["{{ x }}", "{a}"]}]}],
    )
    assert found["defaults"]["graders"] == [{"type": "cost"}]
    assert found["items"][0]["graders"] == [
        {"type": "contains", "value": "{{ x }}"},
        {"type": "equals", "value": ["1", "{a}"]},
    ]


@pytest.mark.parametrize(
    ("provider", "target"),
    [
        ("openai:gpt-4.1", "openai:gpt-4.1"),
        ("openai:chat:gpt-4.1", {"id": "openai:gpt-4.1"}),
        ("openai:responses:gpt-5", {"id": "openai:gpt-5", "config": {"api": "responses"}}),
        ({"id": "anthropic:messages:claude", "label": "c"}, {"id": "anthropic:claude", "label": "c"}),
        ("echo", "echo"),
    ],
)
def test_providers_become_targets(provider: Any, target: Any) -> None:
    """The forms of a name that say how to ask are put into the config."""
    assert data(providers=[provider])["targets"] == [target]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"scenarios": []}, "`scenarios` is not understood"),
        ({"providers": ["exec:rm -rf /"]}, "cannot be taken over"),
        ({"providers": ["python:provider.py"]}, "cannot be taken over"),
        ({"providers": [5]}, "cannot be taken over"),
        ({"tests": [{"vars": {}, "threshold": 0.5}]}, "`threshold` of test 1 is not understood"),
        ({"tests": [{"vars": ["x"]}]}, "`vars` of test 1 must hold keys and values"),
        ({"tests": ["file://a.jsonl", 5]}, "test 2 must hold keys and values"),
        ({"tests": [{"assert": [{"type": "equals", "value": "{{ x }}"}]}]}, "test 1 names `x`, which it has not"),
        ({"tests": [{"assert": [{"value": "{{ x | upper }}"}], "vars": {"x": "a"}}]}, "test 1 computes a value"),
        ({"tests": [{"vars": {"x": list(range(2000))}}]}, f"at most {MOST_EXPANDED:,} may be"),
        ({"tests": [{"vars": {"x": []}}]}, "stand for 0 items"),
        ({"defaultTest": "file://x.yaml"}, "defaultTest must hold keys and values"),
        ({"evaluateOptions": "repeat"}, "evaluateOptions must hold keys and values"),
    ],
)
def test_what_would_change_results_is_refused(config: dict[str, Any], said: str) -> None:
    """Nothing is silently left out."""
    with pytest.raises(BadFile) as caught:
        data(**config)
    assert said in str(caught.value)
