"""The two forms in which an OpenAI-compatible endpoint is asked: chat completions and Responses. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalbot.asking.replies import Reply, read_reply, read_response
from evalbot.suites.items import Message


@dataclass(frozen=True, slots=True)
class Form:
    """Where a question goes, how its body is put together, and how the reply is read."""

    path: str
    body: Callable[[str, Sequence[Message]], dict[str, Any]]
    json_wanted: Callable[[Mapping[str, Any] | None], dict[str, Any]]
    read: Callable[[bytes], Reply]


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _chat_body(model: str, messages: Sequence[Message]) -> dict[str, Any]:
    return {"model": model, "messages": _turns(messages)}


def _chat_json(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give what asks for JSON, of a schema if there is one."""
    if schema is None:
        return {"response_format": {"type": "json_object"}}
    named = {"name": "verdict", "schema": dict(schema), "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _response_body(model: str, messages: Sequence[Message]) -> dict[str, Any]:
    """Give the body of a Responses request; what is asked is not to be kept by the server."""
    return {"model": model, "input": _turns(messages), "store": False}


def _response_json(schema: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give what asks for JSON, of a schema if there is one."""
    if schema is None:
        return {"text": {"format": {"type": "json_object"}}}
    return {"text": {"format": {"type": "json_schema", "name": "verdict", "schema": dict(schema), "strict": True}}}


FORMS: Mapping[str, Form] = {
    "chat": Form("/chat/completions", _chat_body, _chat_json, read_reply),
    "responses": Form("/responses", _response_body, _response_json, read_response),
}
"""The forms by what a target's config calls them in `api`."""
