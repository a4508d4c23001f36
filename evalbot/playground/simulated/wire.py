"""The JSON of the chat completions protocol: answers, stream chunks, errors, the list of models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

CREATED = 1_767_225_600  # every simulated answer carries the same date, 1 January 2026
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def tokens(text: str) -> int:
    """Give an invented token count: about four characters each."""
    return (len(text) + 3) // 4


def completion(number: int, model: str, prompt: str, answer: str) -> bytes:
    """Give the body of a whole chat completion."""
    usage = json.dumps(_usage(prompt, answer))
    return (
        f'{{"id":"chatcmpl-sim-{number}","object":"chat.completion","created":{CREATED},"model":{json.dumps(model)},'
        f'"system_fingerprint":"simulated","choices":[{{"index":0,"message":{{"role":"assistant","content":{json.dumps(answer)},'
        f'"refusal":null}},"logprobs":null,"finish_reason":"stop"}}],"usage":{usage}}}'
    ).encode()


def without_choices(number: int, model: str) -> bytes:
    """Give a completion that holds no choice at all, as some servers answer when a filter strikes."""
    body = {"id": f"chatcmpl-sim-{number}", "object": "chat.completion", "created": CREATED, "model": model}
    return json.dumps(body | {"choices": [], "usage": _usage("", "")}).encode()


def chunks(number: int, model: str, prompt: str, answer: str, with_usage: bool) -> Iterator[bytes]:
    """Give the server-sent events of a streamed completion; the usage chunk has no choices, as in the real protocol."""
    words = re.findall(r"\S+\s*|\s+", answer)
    yield _event(number, model, {"role": "assistant", "content": ""})
    for word in words:
        yield _event(number, model, {"content": word})
    yield _event(number, model, {}, finish="stop")
    if with_usage:
        yield _sse(_chunk(number, model) | {"choices": [], "usage": _usage(prompt, answer)})
    yield b"data: [DONE]\n\n"


def error(message: str, kind: str, code: str | None = None) -> bytes:
    """Give an error body."""
    return json.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}}).encode()


def model_list(descriptions: Mapping[str, str]) -> bytes:
    """Give the list of models; every description says that the model is simulated."""
    rows = [
        {"id": name, "object": "model", "created": CREATED, "owned_by": "evalbot-simulated", "description": text}
        for name, text in descriptions.items()
    ]
    return json.dumps({"object": "list", "data": rows}).encode()


def as_requested(answer: str, response_format: object) -> str:
    """Put a plain answer into the JSON that response_format asks for."""
    if not isinstance(response_format, dict) or response_format.get("type") in (None, "text"):
        return answer
    if response_format["type"] == "json_object":
        return json.dumps({"answer": answer})
    wanted = response_format.get("json_schema")
    schema = wanted.get("schema", {}) if isinstance(wanted, dict) else {}
    return json.dumps(filled(schema if isinstance(schema, dict) else {}, answer))


def filled(schema: Mapping[str, Any], answer: str, depth: int = 0) -> Any:
    """Give a value that fits a JSON schema: strings hold the answer, numbers its last number within the bounds."""
    if "const" in schema or schema.get("enum"):
        return _choice(schema, answer)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if kind == "object" and depth < 8:
        return {name: filled(inner, answer, depth + 1) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [filled(schema.get("items", {}), answer, depth + 1)] * max(1, int(schema.get("minItems", 1)))
    if kind in ("integer", "number"):
        return _number(schema, answer)
    return {"boolean": True, "null": None}.get(str(kind), answer)


def _choice(schema: Mapping[str, Any], answer: str) -> Any:
    """Give the allowed value that the answer names, or the first."""
    options = [schema["const"]] if "const" in schema else list(schema["enum"])
    return next((option for option in options if str(option).casefold() in answer.casefold()), options[0])


def _number(schema: Mapping[str, Any], answer: str) -> float | int:
    """Give the last number of the answer, moved into the bounds of the schema."""
    found = _NUMBER.findall(answer.replace(",", ""))
    number = float(found[-1]) if found else 0.0
    number = min(max(number, float(schema.get("minimum", number))), float(schema.get("maximum", number)))
    return int(number) if schema["type"] == "integer" or number == int(number) else number


def _usage(prompt: str, answer: str) -> dict[str, int]:
    """Give the usage record."""
    asked, answered = tokens(prompt), tokens(answer)
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def _chunk(number: int, model: str) -> dict[str, Any]:
    """Give what all chunks of one stream share."""
    return {"id": f"chatcmpl-sim-{number}", "object": "chat.completion.chunk", "created": CREATED, "model": model}


def _event(number: int, model: str, delta: Mapping[str, str], finish: str | None = None) -> bytes:
    """Give one chunk with a choice."""
    return _sse(_chunk(number, model) | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def _sse(payload: Mapping[str, Any]) -> bytes:
    """Frame a payload as a server-sent event."""
    return b"data: " + json.dumps(payload).encode() + b"\n\n"
