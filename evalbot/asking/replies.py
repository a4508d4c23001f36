"""Chat completions as a server sent them, checked and read; pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from evalbot.errors import ModelUnavailable

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

    A reply that was cut at its token limit is an answer. Lone surrogates that the server escaped are kept; bytes that are no
    UTF-8 make the reply unreadable, since what the model meant is lost.
    """
    data = _read_object(body)
    choice = _first_choice(data)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise _bad("has no message")
    text = _content_text(message.get("content"))
    if text is None:
        raise _no_text(message, choice.get("finish_reason"))
    usage = data.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Reply(text, _tokens(usage.get("prompt_tokens")), _tokens(usage.get("completion_tokens")))


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


def _read_object(body: bytes) -> dict[str, Any]:
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


def _no_text(message: dict[str, Any], finish: object) -> ModelUnavailable:
    """Tell why a message has no content."""
    if message.get("refusal") or finish == "content_filter":
        return ModelUnavailable(
            "The model refused to answer, or a content filter stopped it.",
            "Look at the item's wording.",
            kind="refused",
        )
    if message.get("tool_calls") or message.get("function_call"):
        return _bad("calls a tool instead of answering")
    return _bad("ends at its token limit without content" if finish == "length" else "has no content")


def _tokens(value: object) -> int | None:
    """Give a believable token count."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MAX_TOKENS_SAID else None


def _bad(what: str) -> ModelUnavailable:
    """Give the failure of a reply that was read and holds no answer."""
    return ModelUnavailable(
        f"The model's reply {what}.", "See whether the target speaks chat completions.", kind="bad_reply"
    )


def _unreadable(what: str) -> ModelUnavailable:
    """Give the failure of a reply that could not be read."""
    return ModelUnavailable(f"The model's reply {what}.", "Check the base URL, or try again later.", kind="unreadable")
