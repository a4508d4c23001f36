"""The simulated model server over HTTP: protocol, faults, settings, and its life as a process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI

from evalbot.playground.model_server import ModelServer
from evalbot.playground.simulated.bank import load_questions

ROOT = Path(__file__).parents[2]
CITATION = next(question for question in load_questions() if question.item == "cite-04")
PRICE = next(question for question in load_questions() if question.item == "refund-10")


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A server without latency."""
    async with ModelServer(latency_ms=0) as running:
        yield running


@pytest.fixture
async def client(server: ModelServer) -> AsyncIterator[AsyncOpenAI]:
    """A client that does not try again."""
    async with AsyncOpenAI(base_url=server.base_url, api_key="none", max_retries=0, timeout=10) as opened:
        yield opened


async def ask(client: AsyncOpenAI, text: str, model: str = "sim-swift") -> str:
    """Put one question and give the answer."""
    reply = await client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content or ""


async def put(server: ModelServer, **changes: Any) -> dict[str, Any]:
    """Change the simulation over HTTP."""
    url = server.base_url.replace("/v1", "/simulation")
    async with aiohttp.ClientSession() as session, session.post(url, json=changes) as reply:
        state: dict[str, Any] = await reply.json()
        return state


async def get(server: ModelServer, door: str, **query: str) -> tuple[int, dict[str, Any]]:
    """Read a door of the server."""
    url = server.base_url.replace("/v1", door)
    async with aiohttp.ClientSession() as session, session.get(url, params=query) as reply:
        return reply.status, await reply.json()


async def test_answer_comes_from_the_bank_with_usage(server: ModelServer, client: AsyncOpenAI) -> None:
    """A question of a suite gets one of its written answers, and the request is counted."""
    reply = await client.chat.completions.create(
        model="sim-steady",
        messages=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": PRICE.question}],
    )
    answer = reply.choices[0].message.content or ""
    assert any(written.text in answer for written in PRICE.answers)
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 20
    assert reply.model == "sim-steady"
    assert (await get(server, "/simulation"))[1]["requests"] == {"sim-steady": 1}


async def test_stream_gives_the_pieces_and_then_usage(client: AsyncOpenAI) -> None:
    """The joined pieces are the whole answer; the usage chunk has no choices."""
    stream = await client.chat.completions.create(
        model="sim-swift",
        messages=[{"role": "user", "content": PRICE.question}],
        seed=3,
        stream=True,
        stream_options={"include_usage": True},
    )
    parts = [part async for part in stream]
    whole = await client.chat.completions.create(
        model="sim-swift", messages=[{"role": "user", "content": PRICE.question}], seed=3
    )
    text = "".join(choice.delta.content or "" for part in parts for choice in part.choices)
    assert text == whole.choices[0].message.content
    assert parts[-1].choices == []
    assert parts[-1].usage is not None


async def test_response_format_gives_json(client: AsyncOpenAI) -> None:
    """A JSON schema is filled, and json_object gives an object."""
    schema = {
        "type": "object",
        "properties": {"reply": {"type": "string"}, "sure": {"type": "integer", "minimum": 1, "maximum": 5}},
        "required": ["reply", "sure"],
        "additionalProperties": False,
    }
    reply = await client.chat.completions.create(
        model="sim-swift",
        messages=[{"role": "user", "content": PRICE.question}],
        response_format={"type": "json_schema", "json_schema": {"name": "r", "strict": True, "schema": schema}},
    )
    filled = json.loads(reply.choices[0].message.content or "")
    assert isinstance(filled["reply"], str)
    assert 1 <= filled["sure"] <= 5
    reply = await client.chat.completions.create(
        model="sim-swift",
        messages=[{"role": "user", "content": PRICE.question}],
        response_format={"type": "json_object"},
    )
    assert json.loads(reply.choices[0].message.content or "").keys() == {"answer"}


async def test_models_are_listed_as_simulated_and_others_are_unknown(server: ModelServer, client: AsyncOpenAI) -> None:
    """The list names four models and says what they are; any other name is an error with the names."""
    listed = (await get(server, "/v1/models"))[1]["data"]
    assert [model["id"] for model in listed] == ["sim-steady", "sim-swift", "sim-novice", "sim-judge"]
    assert all("Simulated" in model["description"] for model in listed)
    with pytest.raises(openai.NotFoundError, match="sim-steady, sim-swift"):
        await ask(client, "Hi", model="gpt-9")


async def test_weeks_ago_brings_back_the_citations(server: ModelServer, client: AsyncOpenAI) -> None:
    """Before the drop the swift model cites more articles than now."""
    questions = [question for question in load_questions() if question.skill == "citations"]
    cited = {}
    for weeks_ago in (6, 0):
        await put(server, weeks_ago=weeks_ago)
        answers = await asyncio.gather(*(ask(client, question.question) for question in questions))
        levels = [(await get(server, "/simulation/quality", text=answer))[1] for answer in answers]
        assert all(level["known"] for level in levels)
        cited[weeks_ago] = sum(level["level"] >= 3 for level in levels)
    assert cited[6] >= cited[0] + 3


async def test_judge_answers_strict_json_over_http(client: AsyncOpenAI) -> None:
    """The real judge prompt in two messages is graded; other text gets no grade."""
    wrong = next(answer.text for answer in CITATION.answers if answer.quality == 1)
    system = "SCALE\n1 = Bad: wrong\n2 = Half: partly\n3 = Good: right\n4 = Great: more than right"
    user = f"BEGIN TASK q7\nx\nEND TASK q7\nBEGIN ANSWER q7\n{wrong}\nEND ANSWER q7"
    reply = await client.chat.completions.create(
        model="sim-judge",
        messages=[{"role": "system", "content": system}, {"role": "user", "content": user}],
        response_format={"type": "json_object"},
    )
    said = json.loads(reply.choices[0].message.content or "")
    assert said.keys() == {"grade", "reason"}
    assert said["grade"] in (1, 2, 3)
    assert "no grade" in await ask(client, "How good is it?", model="sim-judge")


async def test_script_and_reset(server: ModelServer, client: AsyncOpenAI) -> None:
    """A scripted answer wins over the bank until the reset, which also forgets the counts."""
    await put(server, script={"$80 jacket": "Scripted."})
    assert await ask(client, PRICE.question) == "Scripted."
    state = await put(server, reset=True)
    assert state["requests"] == {}
    assert await ask(client, PRICE.question) != "Scripted."


async def test_unusable_requests_are_refused_with_a_sentence(server: ModelServer, client: AsyncOpenAI) -> None:
    """A wrong setting and a request without messages are answered with 400 and what is wrong."""
    assert "did you mean latency_ms" in (await put(server, latency=3))["error"]["message"]
    with pytest.raises(openai.BadRequestError, match="messages must be a list"):
        await client.post("/chat/completions", cast_to=object, body={"model": "sim-swift"})


async def test_rate_limit_says_when_to_come_back(server: ModelServer, client: AsyncOpenAI) -> None:
    """The error carries Retry-After, and after the limit of faults the next request is answered."""
    await put(server, faults={"rate_limit": 1.0}, fault_limit=1, retry_after_s=0.25)
    with pytest.raises(openai.RateLimitError) as caught:
        await ask(client, PRICE.question)
    assert caught.value.response.headers["retry-after"] == "0.25"
    assert await ask(client, PRICE.question)
    assert (await get(server, "/simulation"))[1]["faults_met"] == {"rate_limit": 1}


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ("server_error", 500, '"Simulated server error."'),
        ("html", 502, "<!doctype html>"),
        ("malformed", 200, '"mess'),
        ("empty_choices", 200, '"choices": []'),
    ],
)
async def test_other_faults_look_as_they_do_in_life(server: ModelServer, fault: str, status: int, body: str) -> None:
    """Each fault has its status and its body."""
    await put(server, faults={fault: 1.0})
    asked = {"model": "sim-swift", "messages": [{"role": "user", "content": "Hi"}]}
    url = f"{server.base_url}/chat/completions"
    async with aiohttp.ClientSession() as session, session.post(url, json=asked) as reply:
        assert reply.status == status
        assert body in await reply.text()


async def test_hanging_request_ends_only_with_the_server() -> None:
    """A hang outlasts the others' answers and does not keep the server from stopping."""
    async with (
        asyncio.timeout(5),
        ModelServer(latency_ms=0) as server,
        AsyncOpenAI(base_url=server.base_url, api_key="none", max_retries=0) as client,
    ):
        await put(server, faults={"hang": 1.0}, fault_models=["sim-swift"])
        hanging = asyncio.create_task(ask(client, PRICE.question))
        assert await ask(client, PRICE.question, model="sim-steady")
        assert not hanging.done()
        await server.__aexit__(None, None, None)
        with pytest.raises(openai.APIError):
            await hanging


async def start(*arguments: str) -> tuple[asyncio.subprocess.Process, str]:
    """Start the server as a child and give it with its address."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "evalbot.playground.model_server",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    assert child.stdout is not None
    told = json.loads(await child.stdout.readline())
    assert told["simulated"] is True
    return child, str(told["base_url"])


async def test_child_process_tells_its_address_and_stops_with_its_parent_or_on_sigterm() -> None:
    """Closing standard input or SIGTERM ends the process with 0; before that it answers."""
    async with asyncio.timeout(20):
        (one, address), (two, _) = await asyncio.gather(start("--latency-ms", "0"), start())
        async with AsyncOpenAI(base_url=address, api_key="none", max_retries=0) as client:
            assert await ask(client, PRICE.question)
        assert one.stdin is not None
        one.stdin.close()
        two.send_signal(signal.SIGTERM)
        assert await one.wait() == 0
        assert await two.wait() == 0
