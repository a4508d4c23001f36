"""Replies: any bytes are an answer or a failure with a kind, never an exception."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from evalbot.asking.replies import MAX_TOKENS_SAID, Reply, read_error, read_reply
from evalbot.errors import ModelUnavailable

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "usage", "type", "text", "error", "refusal", "prompt_tokens", "code"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


def kind_of(body: bytes) -> str:
    """Give the kind of failure that a body is, empty for an answer."""
    code, words = read_error(body)
    assert isinstance(code + words, str)
    try:
        reply = read_reply(body)
    except ModelUnavailable as failure:
        return failure.kind
    assert isinstance(reply.text, str)
    assert all(count is None or 0 <= count <= MAX_TOKENS_SAID for count in (reply.input_tokens, reply.output_tokens))
    return ""


@given(
    JSON
    | st.fixed_dictionaries({"choices": st.lists(st.fixed_dictionaries({"message": JSON}), max_size=2), "usage": JSON})
)
def test_any_json_is_an_answer_or_a_failure(data: Any) -> None:
    """No shape of reply or error gets past the checks."""
    assert kind_of(json.dumps(data).encode()) in {"", "bad_reply", "refused"}


@given(st.binary(max_size=100))
def test_noise_is_unreadable(body: bytes) -> None:
    """Bytes that are no JSON object are no answer."""
    assert kind_of(body) in {"bad_reply", "unreadable"}


@given(st.text(), st.integers(0, 1000), st.integers(0, 1000))
def test_text_and_tokens_are_read_exactly(text: str, asked: int, answered: int) -> None:
    """What the model sent is what comes out."""
    body = {
        "choices": [{"message": {"content": text}}],
        "usage": {"prompt_tokens": asked, "completion_tokens": answered},
    }
    assert read_reply(json.dumps(body).encode()) == Reply(text, asked, answered)


def test_error_bodies_of_common_forms() -> None:
    """The usual object, a bare text and a page."""
    assert read_error(b'{"error": {"code": "c", "message": "m"}}') == ("c", "m")
    assert read_error(b'{"error": {"type": "t", "message": "m", "code": null}}') == ("t", "m")
    assert read_error(b'{"error": "m"}') == ("", "m")
    assert read_error(b"<html>") == ("", "")
