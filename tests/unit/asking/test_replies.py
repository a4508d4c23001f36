"""Replies: any bytes are an answer or a failure with a kind, never an exception."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.asking.replies import (
    MAX_TOKENS_SAID,
    Reply,
    read_embeddings,
    read_error,
    read_reply,
    read_response,
)
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


def chat(**message: Any) -> bytes:
    """A chat completion with a message."""
    return json.dumps({"choices": [{"message": message}]}).encode()


CALL = {"id": "1", "type": "function", "function": {"name": "mail", "arguments": "{}"}}


def test_a_reply_that_calls_tools_is_an_answer() -> None:
    """Content and calls are kept together as JSON; the older function call is one of them."""
    assert json.loads(read_reply(chat(content=None, tool_calls=[CALL])).text) == {"content": None, "tool_calls": [CALL]}
    assert json.loads(read_reply(chat(content="Hi", tool_calls=[CALL])).text)["content"] == "Hi"
    old = json.loads(read_reply(chat(content=None, function_call={"name": "mail", "arguments": "{}"})).text)
    assert old["tool_calls"][0]["function"]["name"] == "mail"
    assert read_reply(chat(content="Hi", tool_calls=[])).text == "Hi"


@pytest.mark.parametrize("calls", ["x", [5], [{}], [{"function": {}}], {"function": {"name": "a"}}])
def test_calls_in_an_unknown_form_are_none(calls: Any) -> None:
    """Without content there is then no answer."""
    assert kind_of(chat(content=None, tool_calls=calls)) == "bad_reply"


def responses(*output: Any, **rest: Any) -> bytes:
    """A reply of the Responses form."""
    return json.dumps({"output": list(output), **rest}).encode()


def response_kind(body: bytes) -> str:
    """Give the kind of failure that a Responses body is, empty for an answer."""
    try:
        reply = read_response(body)
    except ModelUnavailable as failure:
        return failure.kind
    assert isinstance(reply.text, str)
    return ""


def said(*texts: str, kind: str = "output_text") -> dict[str, Any]:
    """A message of the Responses form."""
    return {"type": "message", "content": [{"type": kind, "text": text} for text in texts]}


def test_responses_are_read_exactly() -> None:
    """Texts of all messages in order; reasoning is left out; tokens have other names."""
    usage = {"input_tokens": 3, "output_tokens": 4}
    body = responses({"type": "reasoning", "summary": []}, said("a\u202e", "b"), said("c"), usage=usage)
    assert read_response(body) == Reply("a\u202ebc", 3, 4)
    assert read_response(responses(said(""))).text == ""
    call = {"type": "function_call", "name": "mail", "arguments": "{}"}
    assert json.loads(read_response(responses(call)).text) == {"content": None, "tool_calls": [call]}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", "unreadable"),
        (b"{}", "bad_reply"),
        (b'{"error": {"message": "x"}}', "bad_reply"),
        (responses(), "bad_reply"),
        (responses({"type": "reasoning"}), "bad_reply"),
        (responses({"type": "message", "content": "x"}), "bad_reply"),
        (responses({"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}), "refused"),
        (responses(incomplete_details={"reason": "content_filter"}), "refused"),
        (responses(incomplete_details={"reason": "max_output_tokens"}), "bad_reply"),
        (responses({"type": "function_call"}), "bad_reply"),
    ],
)
def test_responses_without_an_answer_are_failures(body: bytes, kind: str) -> None:
    """Each has its kind."""
    assert response_kind(body) == kind


@given(
    JSON
    | st.fixed_dictionaries({"output": st.lists(st.fixed_dictionaries({"type": st.just("message"), "content": JSON}))})
)
def test_any_json_is_a_response_or_a_failure(data: Any) -> None:
    """No shape gets past the checks."""
    assert response_kind(json.dumps(data).encode()) in {"", "bad_reply", "refused"}


def test_embeddings_come_in_the_order_of_the_texts() -> None:
    """The index decides, not the place in the reply."""
    rows = [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": [1.5, 0]}]
    found = read_embeddings(json.dumps({"data": rows, "usage": {"prompt_tokens": 4}}).encode(), 2)
    assert (found.vectors, found.input_tokens) == (((1.5, 0.0), (0.0, 1.0)), 4)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        [{"index": 0, "embedding": [1]}],
        [{"embedding": [1]}, {"embedding": [1, 2]}],
        [{"embedding": []}, {"embedding": []}],
        [{"embedding": ["1"]}, {"embedding": [1]}],
        [{"embedding": [True]}, {"embedding": [1]}],
        [{"embedding": [float("nan")]}, {"embedding": [1]}],
        [5, {"embedding": [1]}],
    ],
)
def test_odd_embeddings_are_a_failure(data: Any) -> None:
    """A vector is finite, all are there, and all are of one length."""
    with pytest.raises(ModelUnavailable) as caught:
        read_embeddings(json.dumps({"data": data}).encode(), 2)
    assert caught.value.kind == "bad_reply"
