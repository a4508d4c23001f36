"""Tool calls as part of an answer's text: one JSON object that holds what the model said and which tools it called."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

MAX_CALLS = 200


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call: the tool's name and its arguments; `arguments` is None where they are no JSON object."""

    name: str
    arguments: Mapping[str, JsonValue] | None = field(default_factory=dict)


def text_with_calls(content: str | None, calls: Sequence[JsonValue]) -> str:
    """Give the text that an answer with tool calls is kept as: `{"content": ..., "tool_calls": [...]}`, calls as sent."""
    return json.dumps({"content": content, "tool_calls": list(calls)})


def find_tool_calls(text: str) -> list[ToolCall] | None:
    """Give the tool calls of an answer's text, None when it is not in a form that could hold any.

    Read are an object with `tool_calls`, and a list of calls in the form of chat completions or as `{"name", "arguments"}`.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    listed = data.get("tool_calls") if isinstance(data, dict) else data
    if not isinstance(listed, list) or len(listed) > MAX_CALLS:
        return None
    calls = [_call(one) for one in listed]
    found = [call for call in calls if call is not None]
    return found if len(found) == len(calls) else None


def _call(data: object) -> ToolCall | None:
    """Read one call."""
    if not isinstance(data, dict):
        return None
    inside = data.get("function") if isinstance(data.get("function"), dict) else data
    assert isinstance(inside, dict)
    name = inside.get("name")
    if not isinstance(name, str):
        return None
    return ToolCall(name, _arguments(inside.get("arguments", inside.get("args", {}))))


def _arguments(said: object) -> Mapping[str, JsonValue] | None:
    """Read arguments: an object, or the text of one, as chat completions send it."""
    if isinstance(said, str):
        try:
            said = json.loads(said) if said.strip() else {}
        except (ValueError, RecursionError):
            return None
    return said if isinstance(said, dict) else None
