"""Replies as a server sent them, checked and read: chat completions, Responses, embeddings; pure."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from evalbot.errors import ModelUnavailable
from evalbot.runs.tool_calls import text_with_calls

MAX_TOKENS_SAID = 100_000_000
"""Token counts above this are not believed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The text of a reply, exactly as sent, and the tokens it took; None where the server did not say or said nonsense."""

    text: str
    input_tokens: int | None = None
    output_tokens: int | None = None


def read_reply(body: bytes) -> Reply:
    """Read a chat completion; raises ModelUnavailable (unreadable, bad_reply or refused) when it holds no answer.

    A reply that was cut at its token limit is an answer, and so is one that calls tools: its text is then the JSON of content
    and calls. Lone surrogates that the server escaped are kept; bytes that are no UTF-8 make the reply unreadable, since what
    the model meant is lost.
    """
    data = read_object(body)
    choice = _first_choice(data)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise _bad("has no message")
    text = _content_text(message.get("content"))
    calls = _tool_calls(message)
    if calls:
        text = text_with_calls(text, calls)
    if text is None:
        raise _no_text(message, choice.get("finish_reason"))
    usage = data.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Reply(text, believable(usage.get("prompt_tokens")), believable(usage.get("completion_tokens")))


def read_response(body: bytes) -> Reply:
    """Read a reply of the Responses form; raises ModelUnavailable like `read_reply`."""
    data = read_object(body)
    output = data.get("output")
    if not isinstance(output, list):
        raise _bad("holds an error instead of an answer" if data.get("error") else "holds no output")
    parts = [part for one in output if isinstance(one, dict) for part in _message_parts(one)]
    texts = [part["text"] for part in parts if isinstance(part.get("text"), str)]
    calls = [one for one in output if isinstance(one, dict) and one.get("type") == "function_call" and one.get("name")]
    text = "".join(texts) if texts else None
    if calls:
        text = text_with_calls(text, calls)
    if text is None:
        raise _no_response_text(data, parts)
    usage = data.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Reply(text, believable(usage.get("input_tokens")), believable(usage.get("output_tokens")))


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector for each text, in the order of the texts, and the tokens they took."""

    vectors: tuple[tuple[float, ...], ...]
    input_tokens: int | None = None


def read_embeddings(body: bytes, count: int) -> Embeddings:
    """Read so many embeddings; raises ModelUnavailable (bad_reply) unless each is there, finite and of one length."""
    data = read_object(body)
    rows = data.get("data")
    if not isinstance(rows, list) or len(rows) != count:
        raise _bad(f"does not hold {count} embeddings")
    placed = sorted((row for row in rows if isinstance(row, dict)), key=lambda row: _place(row.get("index")))
    vectors = tuple(_vector(row.get("embedding")) for row in placed)
    if len(vectors) != count or any(not one or len(one) != len(vectors[0]) for one in vectors):
        raise _bad("holds embeddings in an unknown form")
    usage = data.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Embeddings(vectors, believable(usage.get("prompt_tokens")))


def _place(index: object) -> int:
    return index if isinstance(index, int) else 0


def _vector(numbers: object) -> tuple[float, ...]:
    """Give a vector of finite numbers, empty for anything else."""
    if not isinstance(numbers, list):
        return ()
    fine = all(isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one) for one in numbers)
    return tuple(float(one) for one in numbers) if fine else ()


def read_error(body: bytes) -> tuple[str, str]:
    """Give code and words of an error body, both empty when it is not in the usual form."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    error = data.get("error") if isinstance(data, dict) else None
    if isinstance(error, str):
        return "", error
    if not isinstance(error, dict):
        return "", ""
    code, words = error.get("code") or error.get("type"), error.get("message")
    return code if isinstance(code, str) else "", words if isinstance(words, str) else ""


def read_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object; a page or half an object is a server that stumbled, so asking again may help."""
    try:
        data = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise _unreadable("is not UTF-8 text") from None
    except ValueError:
        page = body.lstrip()[:1] == b"<"
        raise _unreadable("is a web page, not JSON" if page else "is not whole JSON" if body else "is empty") from None
    except RecursionError:
        raise _unreadable("is nested too deeply") from None
    if not isinstance(data, dict):
        raise _bad("is not a JSON object")
    return data


def _first_choice(data: dict[str, Any]) -> dict[str, Any]:
    """Give the first choice; some servers answer 200 with an error object instead."""
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices:
        raise _bad("holds an error instead of an answer" if data.get("error") else "holds no choices")
    if not isinstance(choices[0], dict):
        raise _bad("holds a choice in an unknown form")
    return choices[0]


def _content_text(content: object) -> str | None:
    """Give the text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if texts else None


def _tool_calls(message: dict[str, Any]) -> list[Any]:
    """Give the tool calls of a message as sent, none where one is in an unknown form; the older function call is one too."""
    calls = message.get("tool_calls")
    if not calls:
        calls = [{"type": "function", "function": message.get("function_call")}]
    fine = isinstance(calls, list) and all(_is_call(one) for one in calls)
    return list(calls) if fine else []


def _is_call(call: object) -> bool:
    """Tell whether a call names a function."""
    function = call.get("function") if isinstance(call, dict) else None
    return isinstance(function, dict) and isinstance(function.get("name"), str)


def _message_parts(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the parts of an output item that is a message."""
    content = item.get("content") if item.get("type") == "message" else None
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def _no_response_text(data: dict[str, Any], parts: list[dict[str, Any]]) -> ModelUnavailable:
    """Tell why a Responses reply has no text."""
    details = data.get("incomplete_details")
    cut = details.get("reason") if isinstance(details, dict) else None
    if cut == "content_filter" or any(part.get("type") == "refusal" for part in parts):
        return _refused()
    if cut == "max_output_tokens":
        return _bad("ends at its token limit without content")
    return _bad("holds an error instead of an answer" if data.get("error") else "has no content")


def _refused() -> ModelUnavailable:
    return ModelUnavailable(
        "The model refused to answer, or a content filter stopped it.", "Look at the item's wording.", kind="refused"
    )


def _no_text(message: dict[str, Any], finish: object) -> ModelUnavailable:
    """Tell why a message has no content."""
    if message.get("refusal") or finish == "content_filter":
        return _refused()
    return _bad("ends at its token limit without content" if finish == "length" else "has no content")


def believable(value: object) -> int | None:
    """Give a believable token count."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MAX_TOKENS_SAID else None


def _bad(what: str) -> ModelUnavailable:
    """Give the failure of a reply that was read and holds no answer."""
    return ModelUnavailable(
        f"The model's reply {what}.", "See whether the target speaks the form it is asked in.", kind="bad_reply"
    )


def _unreadable(what: str) -> ModelUnavailable:
    """Give the failure of a reply that could not be read."""
    return ModelUnavailable(f"The model's reply {what}.", "Check the base URL, or try again later.", kind="unreadable")
