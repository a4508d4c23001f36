"""The Responses form and embeddings over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evalbot.asking.answerers import ModelAnswerers
from evalbot.asking.ask import Answerer, Embedder, Question
from evalbot.errors import BadRequest, ModelUnavailable
from evalbot.runs.tool_calls import ToolCall, find_tool_calls
from evalbot.suites.items import Message
from evalbot.suites.targets import Target, short_target

OpenTarget = Callable[..., Answerer]
ASKED = Question([Message("user", "Why?")])
SCHEMA = {"type": "object", "properties": {"grade": {"type": "integer"}}, "required": ["grade"]}


def response(text: str) -> dict[str, Any]:
    """A reply of the Responses form."""
    output = [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}]
    return {"id": "r", "object": "response", "output": output, "usage": {"input_tokens": 5, "output_tokens": 2}}


async def test_the_responses_form_is_asked_in_its_own_way(wire: Any, open_target: OpenTarget) -> None:
    """Another path, other names, nothing kept by the server; text and tokens come back the same."""
    wire.will(wire.reply(200, response("Because\u202e")))
    target = open_target(api="responses", temperature=0, max_output_tokens=9, system="Be brief.")
    answer = await target.ask(ASKED)
    assert (answer.text, answer.usage.input_tokens, answer.usage.output_tokens) == ("Because\u202e", 5, 2)
    assert wire.requests[0].path == "/v1/responses"
    assert wire.requests[0].body == {
        "model": "test-model",
        "input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}],
        "store": False,
        "temperature": 0,
        "max_output_tokens": 9,
    }
    await target.ask_json(ASKED, SCHEMA)
    wanted = wire.requests[1].body["text"]["format"]
    assert (wanted["type"], wanted["schema"], wanted["strict"]) == ("json_schema", SCHEMA, True)
    await open_target(api="responses", json_mode="object").ask_json(ASKED, SCHEMA)
    assert wire.requests[2].body["text"] == {"format": {"type": "json_object"}}


@pytest.mark.parametrize(
    ("status", "kind", "requests"), [(400, "bad_request", 1), (401, "auth", 1), (500, "server_error", 2)]
)
async def test_failures_of_the_responses_form(
    wire: Any, open_target: OpenTarget, status: int, kind: str, requests: int
) -> None:
    """They have the kinds of chat completions and are retried as often."""
    wire.will(wire.reply(status, {"error": {"message": "no"}}))
    with pytest.raises(ModelUnavailable) as caught:
        await open_target(api="responses", retries=1).ask(ASKED)
    assert (caught.value.kind, len(wire.requests)) == (kind, requests)


async def test_the_form_is_part_of_the_identity_and_its_name_is_checked(wire: Any, open_target: OpenTarget) -> None:
    """Chat and Responses are two systems; a wrong name is refused with the nearest."""
    chat, responses = Target("openai:m", "a"), Target("openai:m", "a", {"api": "responses"})
    assert chat.identity != responses.identity
    with pytest.raises(BadRequest, match=r"chat, responses \(nearest: responses\)"):
        open_target(api="response")


async def test_tool_calls_are_kept_with_the_answer(wire: Any, open_target: OpenTarget) -> None:
    """Tools go out as they are written; what is called comes back in the text."""
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    wire.will(wire.answer(None, choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}]))
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    answer = await open_target(tools=tools).ask(ASKED)
    assert wire.requests[0].body["tools"] == tools
    assert find_tool_calls(answer.text) == [ToolCall("weather", {"city": "Oslo"})]
    through = await open_target("langchain-openai:m", deadline_s=30).ask(ASKED)
    assert find_tool_calls(through.text) == [ToolCall("weather", {"city": "Oslo"})]


async def test_texts_are_embedded_in_one_call(wire: Any, open_target: OpenTarget) -> None:
    """One request for all texts; vectors in their order; failures as with answers."""
    rows = [{"index": 1, "embedding": [0.0, 1.0]}, {"index": 0, "embedding": [1.0, 0.0]}]
    wire.will(wire.reply(200, {"data": rows, "usage": {"prompt_tokens": 4, "total_tokens": 4}}))
    target = open_target("openai:text-embedding-3-small")
    assert isinstance(target, Embedder)
    found = await target.embed(["a", "half \ud83d"])
    assert found.vectors == ((1.0, 0.0), (0.0, 1.0))
    assert found.usage.input_tokens == 4
    assert wire.requests[0].path == "/v1/embeddings"
    assert wire.requests[0].body == {
        "model": "text-embedding-3-small",
        "input": ["a", "half \ud83d"],
        "encoding_format": "float",
    }
    wire.will(wire.reply(200, {"data": []}))
    with pytest.raises(ModelUnavailable) as caught:
        await target.embed(["a"])
    assert caught.value.kind == "bad_reply"


async def test_what_gives_no_embeddings_says_so(open_target: OpenTarget, tmp_path: Path) -> None:
    """A model by way of LangChain is asked for text only."""
    target = open_target("langchain-openai:m")
    assert isinstance(target, Embedder)
    with pytest.raises(ModelUnavailable, match="gives no embeddings"):
        await target.embed(["a"])
    assert not isinstance(ModelAnswerers(None, None, tmp_path).answerer(short_target("echo")), Embedder)
