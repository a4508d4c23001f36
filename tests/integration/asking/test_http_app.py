"""Asking the team's own app over real sockets: what is sent, what is read, and where a request never goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import JsonValue

from evalbot.asking.answerers import ModelAnswerers
from evalbot.asking.ask import Answerer, Question
from evalbot.asking.http_app import HttpApp
from evalbot.asking.http_config import read_app_config
from evalbot.asking.throttle import Limits, Throttle
from evalbot.errors import ModelUnavailable
from evalbot.suites.items import Item, ItemId, Message
from evalbot.suites.targets import Target

TOKEN = "t0ken-canary-314159265"
Open = Callable[..., Answerer]


def question(text: str = "Why?", **values: Any) -> Question:
    """A question of an item with variables, after an earlier turn."""
    item = Item(ItemId("i1"), vars={"question": text, **values})
    return Question([Message("user", "Hi"), Message("assistant", "Yes?"), Message("user", text)], item, 2)


@pytest.fixture
async def open_app(wire: Any, tmp_path: Path) -> AsyncIterator[Open]:
    """Give a function that opens the scripted server as an app, private addresses allowed unless said."""
    opened: list[ModelAnswerers] = []

    def open_app(path: str = "/chat", deadline_s: float = 2.0, max_bytes: int = 100_000, **config: Any) -> Answerer:
        models = ModelAnswerers(None, None, tmp_path, deadline_s, max_bytes, 0, environment={"TOKEN": TOKEN})
        opened.append(models)
        root = wire.base_url.removesuffix("/v1")
        return models.answerer(Target("http", "staging", {"url": root + path, "allow_private": True, **config}))

    yield open_app
    for models in opened:
        await models.close()


async def failure_of(answerer: Answerer) -> ModelUnavailable:
    """Ask and give the failure."""
    with pytest.raises(ModelUnavailable) as caught:
        await answerer.ask(question("Why is that so, dear friend of mine?"))
    return caught.value


async def test_the_body_is_filled_and_the_answer_found(wire: Any, open_app: Open) -> None:
    """Templates are filled from the item; a lone variable stays a list or number; the answer stands at a path."""
    wire.will(wire.reply(200, {"reply": {"parts": [{"text": "Because\u202e"}]}, "took": 3}))
    app = open_app(
        body={"message": "Q: {{ question }}", "n": "{{ count }}", "all": "{{ messages }}", "to": ["{{ item_id }}", 5]},
        headers={"Authorization": "Bearer ${TOKEN}"},
        output="reply.parts[0].text",
    )
    answer = await app.ask(question("{{ 7 * 7 }} ${TOKEN}", count=3))
    assert answer.text == "Because\u202e"
    assert 0 < answer.usage.latency_s < 2
    assert answer.usage.cost_usd is None
    sent = wire.requests[0]
    assert sent.path == "/chat"
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert sent.body["message"] == "Q: {{ 7 * 7 }} ${TOKEN}"
    assert (sent.body["n"], sent.body["to"]) == (3, ["i1", 5])
    assert [turn["role"] for turn in sent.body["all"]] == ["user", "assistant", "user"]


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("a", "x"),
        ("b", "5"),
        ("c", "true"),
        ("d", '["é", {"k": 1}]'),
        ("join(' ', d[?type(@) == 'string'])", "é"),
        ("e", ""),
    ],
)
async def test_any_value_is_an_answer(wire: Any, open_app: Open, output: str, text: str) -> None:
    """Texts as they are, anything else as JSON; an empty text is an answer."""
    wire.will(wire.reply(200, {"a": "x", "b": 5, "c": True, "d": ["é", {"k": 1}], "e": ""}))
    assert (await open_app(output=output).ask(question())).text == text


async def test_without_a_path_the_whole_reply_is_the_answer(wire: Any, open_app: Open) -> None:
    """A GET sends variables in the query; the reply is text."""
    wire.will(wire.reply(200, "Plain é".encode(), {"Content-Type": "text/plain"}))
    app = open_app(query={"q": "{{ question }}", "n": "{{ count }}"})
    assert (await app.ask(question("a&b=c é", count=2))).text == "Plain é"
    assert wire.requests[0].path == "/chat?q=a%26b%3Dc+%C3%A9&n=2"


STREAM = b'data: {"t": "Be"}\n\n: ping\n\ndata: {"t": "cause"}\n\ndata: {"usage": 3}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (STREAM, "text/event-stream; charset=utf-8"),
        (STREAM.replace(b"data: [DONE]\n\n", b""), "text/event-stream"),
        (b'{"t": "Be"}\n\n{"t": "cause"}\n{"done": true}\n', "application/x-ndjson"),
        (b'{"t": "Be"}\n{"t": "cause"}', "application/json"),
    ],
)
async def test_a_stream_is_collected(wire: Any, open_app: Open, data: bytes, kind: str) -> None:
    """Server-sent events and JSON lines, in small pieces, are one answer."""

    async def deed(reader: Any, writer: Any) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for start in range(0, len(data), 5):
            piece = data[start : start + 5]
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    wire.will(deed)
    assert (await open_app(output="t", stream=True).ask(question())).text == "Because"


@pytest.mark.parametrize(
    ("status", "body", "headers", "kind"),
    [
        (400, {"error": "no"}, {}, "bad_request"),
        (401, {"error": "no"}, {}, "auth"),
        (404, "<html>", {}, "not_found"),
        (429, {}, {"Retry-After": "3600"}, "rate_limited"),
        (500, "", {}, "server_error"),
        (529, "", {}, "server_error"),
        (302, "", {"Location": "https://evil.example/"}, "redirected"),
        (307, "", {"Location": "http://127.0.0.1:1/chat"}, "redirected"),
        (308, "", {"Location": "//evil.example/chat"}, "redirected"),
        (307, "", {}, "redirected"),
        (303, "", {"Location": "/other"}, "redirected"),
        (200, "<html>", {}, "unreadable"),
        (200, b"\xff\xfe", {}, "unreadable"),
        (200, "[" * 50_000, {}, "unreadable"),
        (200, {"other": 1}, {}, "bad_reply"),
        (200, {"t": None}, {}, "bad_reply"),
        (200, {"t": "x" * 200_000}, {}, "too_large"),
    ],
)
async def test_what_is_no_answer_is_a_failure(
    wire: Any, open_app: Open, status: int, body: Any, headers: dict[str, str], kind: str
) -> None:
    """Each has its kind, and no request goes anywhere else."""
    wire.will(wire.reply(status, body, headers))
    failure = await failure_of(open_app(output="t", body={"q": "{{ question }}"}, deadline_s=0.5))
    assert failure.kind == kind
    assert len(wire.requests) == 1


async def test_no_failure_repeats_the_key_or_the_prompt(wire: Any, open_app: Open) -> None:
    """An app that echoes what it was sent is not quoted."""
    app = open_app(output="t", headers={"X-Api-Key": "${TOKEN}"}, body={})
    for words in (f"bad key {TOKEN}", "You said: Why is that so, dear friend of mine?"):
        wire.will(wire.reply(400, {"error": {"message": words}}))
        assert "withheld" in str(await failure_of(app))


async def test_a_redirect_within_the_host_is_followed(wire: Any, open_app: Open) -> None:
    """307 keeps method and body; a circle ends."""
    wire.will(wire.reply(307, "", {"Location": "/v2/chat"}), wire.reply(200, {"t": "moved"}))
    assert (await open_app(output="t", body={"q": "{{ question }}"}).ask(question())).text == "moved"
    assert [(one.path, one.body) for one in wire.requests] == [("/chat", {"q": "Why?"}), ("/v2/chat", {"q": "Why?"})]
    wire.will(*(wire.reply(307, "", {"Location": f"/{n % 2}"}) for n in range(9)))
    assert (await failure_of(open_app(output="t", body={}))).kind == "redirected"
    assert len(wire.requests) <= 2 + 4


@pytest.mark.parametrize("stream", [False, True])
async def test_a_hang_a_drip_and_a_broken_reply_end(wire: Any, open_app: Open, stream: bool) -> None:
    """The deadline is for the whole answer; a reply that breaks off is no answer."""

    async def hang(reader: Any, writer: Any) -> None:
        await reader.read()

    async def drip(reader: Any, writer: Any) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9999\r\n\r\n")
        while not writer.is_closing():
            writer.write(b'data: {"t": "x"}\n\n')
            await writer.drain()
            await asyncio.sleep(0.02)

    async def reset(reader: Any, writer: Any) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{"t": "x')
        await writer.drain()
        writer.transport.abort()

    for deed, kind in ((hang, "timeout"), (drip, "timeout"), (reset, "connection")):
        wire.will(deed)
        assert (await failure_of(open_app(output="t", stream=stream, deadline_s=0.3))).kind == kind


async def test_a_stream_has_its_limits(wire: Any, open_app: Open) -> None:
    """A stream without an answer, with an error, without JSON or without end is a failure."""
    head = {"Content-Type": "text/event-stream"}
    for data, kind in (
        (b"data: [DONE]\n\n", "bad_reply"),
        (b'data: {"u": 1}\n\n', "bad_reply"),
        (b"event: error\ndata: x\n\n", "server_error"),
        (b"data: <html>\n\n", "unreadable"),
        (b'data: {"t": "x"}\n\n' * 20_000, "too_large"),
    ):
        wire.will(wire.reply(200, data, head))
        assert (await failure_of(open_app(output="t", stream=True, deadline_s=1.0))).kind == kind


async def test_private_addresses_need_leave(wire: Any, open_app: Open) -> None:
    """An address written out or looked up is refused before anything is sent, unless the suite allows it."""
    wire.will(wire.reply(200, {"t": "x"}))
    for url in (wire.base_url, wire.base_url.replace("127.0.0.1", "localhost"), "http://169.254.169.254/latest"):
        failure = await failure_of(open_app(output="t", url=url, allow_private=False))
        assert failure.kind == "forbidden_address"
        assert "allow_private" in str(failure)
    assert wire.requests == []


async def test_the_checked_address_is_the_one_connected_to(wire: Any) -> None:
    """A name that is public when checked cannot become a private one when connected to: it is looked up once."""
    port = urlsplit(wire.base_url).port
    asked: list[str] = []

    async def lookup(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.99"]

    config: dict[str, JsonValue] = {"url": f"http://bot.test:{port}/chat", "allow_private": True, "output": "t"}
    app = HttpApp(read_app_config(Target("http", "x", config), {}), Limits(2.0), Throttle(4), "x", lookup)
    wire.will(wire.reply(200, {"t": "here"}))
    assert (await app.ask(question())).text == "here"
    assert asked == ["bot.test"]
    assert wire.requests[0].headers["host"] == f"bot.test:{port}"
    await app.close()

    async def inside(host: str, port: int) -> Sequence[str]:
        return ["8.8.8.8", "127.0.0.1"]

    strict: dict[str, JsonValue] = {**config, "allow_private": False}
    guarded = HttpApp(read_app_config(Target("http", "x", strict), {}), Limits(2.0), Throttle(4), "x", inside)
    assert (await failure_of(guarded)).kind == "forbidden_address"
    assert len(wire.requests) == 1
    await guarded.close()


async def test_a_body_that_cannot_be_filled_is_a_failure(wire: Any, open_app: Open) -> None:
    """The missing variable is named and nothing is sent."""
    failure = await failure_of(open_app(body={"q": "{{ nonsense }} x"}))
    assert (failure.kind, "nonsense" in str(failure)) == ("bad_request", True)
    assert wire.requests == []


async def test_odd_text_is_sent_as_it_is(wire: Any, open_app: Open) -> None:
    """Half surrogates, NUL and direction marks arrive; cookies of the app are not sent back."""
    wire.will(wire.reply(200, {"t": "x"}, {"Set-Cookie": "a=b"}))
    app = open_app(body={"q": "{{ question }}"}, output="t")
    text = "half \ud83d, nul \x00, \u202e"
    await app.ask(question(text))
    await app.ask(question(text))
    assert json.loads(json.dumps(wire.requests[1].body)) == {"q": text}
    assert "cookie" not in wire.requests[1].headers
