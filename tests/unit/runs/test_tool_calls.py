"""Tool calls in an answer's text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.runs.tool_calls import MAX_CALLS, ToolCall, find_tool_calls, text_with_calls


def test_calls_are_kept_as_sent_and_read_back() -> None:
    """Content and calls survive, odd characters too."""
    sent: dict[str, Any] = {
        "id": "1",
        "type": "function",
        "function": {"name": "mail", "arguments": '{"to": "a\\u202e\\ud83d"}'},
    }
    text = text_with_calls("I will.", [sent])
    assert json.loads(text) == {"content": "I will.", "tool_calls": [sent]}
    assert find_tool_calls(text) == [ToolCall("mail", {"to": "a\u202e\ud83d"})]


@pytest.mark.parametrize(
    ("said", "read"), [("", {}), ("{}", {}), ("[1]", None), ("{", None), (None, None), ({"a": 1}, {"a": 1})]
)
def test_arguments_that_are_no_object_are_not_there(said: Any, read: Any) -> None:
    """The call counts, its arguments do not."""
    assert find_tool_calls(json.dumps([{"name": "f", "arguments": said}])) == [ToolCall("f", read)]


@given(
    st.text(max_size=60)
    | st.recursive(
        st.none() | st.text(max_size=4),
        lambda one: (
            st.lists(one, max_size=3)
            | st.dictionaries(st.sampled_from(["tool_calls", "function", "name", "arguments"]), one, max_size=3)
        ),
    ).map(json.dumps)
)
def test_any_text_holds_calls_or_none(text: str) -> None:
    """Nothing raises."""
    found = find_tool_calls(text)
    assert found is None or all(isinstance(call.name, str) for call in found)


def test_too_many_calls_are_not_read() -> None:
    """A text of thousands of calls is no list of calls."""
    assert find_tool_calls(json.dumps([{"name": "f"}] * (MAX_CALLS + 1))) is None
