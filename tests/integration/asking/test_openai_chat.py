"""Asking a chat completions endpoint over real sockets: each way in which it may misbehave ends as an answer or a failure."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

import pytest

from evalbot.asking.ask import Answer, Answerer, Question
from evalbot.errors import ModelUnavailable
from evalbot.suites.items import Message

KEY = "sk-canary-3141592653589793"
PROMPT = "Which planet is the largest one of our solar system, please?"

OpenTarget = Callable[..., Answerer]


def question(text: str = PROMPT) -> Question:
    """A question with one user message."""
    return Question([Message("user", text)])


async def failure_of(answerer: Answerer) -> ModelUnavailable:
    """Ask and give the failure."""
    with pytest.raises(ModelUnavailable) as caught:
        await answerer.ask(question())
    return caught.value


async def test_gives_text_and_usage_as_sent(wire: Any, open_target: OpenTarget) -> None:
    """The text comes back exactly, with tokens and a latency."""
    wire.will(wire.answer("  Jupiter\n\u202e\x00 "))
    answer = await open_target().ask(question())
    assert answer.text == "  Jupiter\n\u202e\x00 "
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (7, 3)
    assert 0 < answer.usage.latency_s < 2


async def test_sends_model_messages_parameters_and_key(wire: Any, open_target: OpenTarget) -> None:
    """Config parameters go into the body, `system` in front of the messages, the key into the header."""
    wire.will(wire.answer("x"))
    await open_target(temperature=0, max_tokens=9, seed=4, system="Be brief.").ask(question("hi"))
    sent = wire.requests[0]
    assert sent.path == "/v1/chat/completions"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["content-type"] == "application/json"
    assert not any("stainless" in name for name in sent.headers), "nothing of this machine goes out"
    assert sent.body == {
        "model": "test-model",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "temperature": 0,
        "max_tokens": 9,
        "seed": 4,
    }


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad_request"),
        (401, "auth"),
        (403, "auth"),
        (404, "not_found"),
        (413, "bad_request"),
        (422, "bad_request"),
        (429, "rate_limited"),
        (500, "server_error"),
        (502, "server_error"),
        (503, "server_error"),
        (529, "server_error"),
    ],
)
async def test_status_becomes_a_failure_of_its_kind(wire: Any, open_target: OpenTarget, status: int, kind: str) -> None:
    """Each HTTP status has its kind, and the sentence names the status."""
    wire.will(wire.reply(status, {"error": {"message": "It went wrong.", "type": "x"}}, {"Retry-After": "60"}))
    failure = await failure_of(open_target(deadline_s=0.3))
    assert failure.kind == kind
    assert str(status) in str(failure)
    assert len(wire.requests) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 529])
async def test_server_errors_are_put_again(wire: Any, open_target: OpenTarget, status: int) -> None:
    """A passing server error costs nobody the answer."""
    wire.will(wire.reply(status, b""), wire.answer("late"))
    assert (await open_target(retries=1).ask(question())).text == "late"
    assert len(wire.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_lasting_errors_are_not_put_again(wire: Any, open_target: OpenTarget, status: int) -> None:
    """What asking again cannot mend is asked once."""
    wire.will(wire.reply(status, b"{}"))
    await failure_of(open_target(retries=2))
    assert len(wire.requests) == 1


async def test_attempts_are_not_multiplied(wire: Any, open_target: OpenTarget) -> None:
    """Two retries mean three requests, whatever the client library does by default."""
    wire.will(wire.reply(500, b"{}"))
    assert (await failure_of(open_target(retries=2, deadline_s=5))).kind == "server_error"
    assert len(wire.requests) == 3


@pytest.mark.parametrize(
    ("headers", "least_s"),
    [({"retry-after-ms": "150"}, 0.15), ({"Retry-After": "0.2"}, 0.2)],
    ids=["milliseconds", "seconds"],
)
async def test_retry_after_is_obeyed(
    wire: Any, open_target: OpenTarget, headers: dict[str, str], least_s: float
) -> None:
    """The second request comes no earlier than the server asked for, without counting as a retry."""
    wire.will(wire.reply(429, b"{}", headers), wire.answer("now"))
    assert (await open_target().ask(question())).text == "now"
    first, second = wire.requests
    assert second.at - first.at >= least_s


async def test_retry_after_date_is_measured_from_the_servers_clock(wire: Any, open_target: OpenTarget) -> None:
    """A date counts from the reply's own Date header, so a server whose clock is years off is obeyed all the same."""
    then = datetime(2019, 1, 1, tzinfo=UTC)
    headers = {"Date": format_datetime(then, usegmt=True), "Retry-After": format_datetime(then, usegmt=True)}
    wire.will(wire.reply(429, b"{}", headers), wire.answer("now"))
    assert (await open_target().ask(question())).text == "now"
    hour = {"Date": headers["Date"], "Retry-After": format_datetime(then + timedelta(hours=1), usegmt=True)}
    wire.will(wire.reply(429, b"{}", hour))
    assert (await failure_of(open_target())).retry_after_s == 3600


async def test_an_hours_wait_fails_at_once_and_stops_later_calls(wire: Any, open_target: OpenTarget) -> None:
    """A wait beyond the time allowed is no wait: the call fails, and nobody knocks again before the hour is over."""
    wire.will(wire.reply(429, b"{}", {"Retry-After": "3600"}))
    answerer = open_target()
    async with asyncio.timeout(20):
        assert (await failure_of(answerer)).kind == "rate_limited"
        again = await failure_of(answerer)
    assert again.kind == "rate_limited"
    assert again.retry_after_s is not None
    assert again.retry_after_s > 3000
    assert len(wire.requests) == 1


async def test_used_up_quota_is_not_put_again(wire: Any, open_target: OpenTarget) -> None:
    """429 for want of money is no rate limit."""
    wire.will(wire.reply(429, {"error": {"message": "pay", "code": "insufficient_quota"}}))
    assert (await failure_of(open_target(retries=2))).kind == "quota"
    assert len(wire.requests) == 1


async def test_hang_ends_at_the_deadline(wire: Any, open_target: OpenTarget) -> None:
    """A server that never answers costs the deadline, not more, and the connection is let go."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    wire.will(hang)
    async with asyncio.timeout(20):
        failure = await failure_of(open_target(deadline_s=0.2, retries=2))
    assert failure.kind == "timeout"
    assert len(wire.requests) == 1
    await asyncio.wait_for(wire.closed.wait(), 20)


async def test_drip_ends_at_the_deadline(wire: Any, open_target: OpenTarget) -> None:
    """A reply that comes byte by byte for ever ends at the deadline too."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not reader.at_eof() and not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    wire.will(drip)
    async with asyncio.timeout(20):
        assert (await failure_of(open_target(deadline_s=0.3))).kind == "timeout"


async def test_target_timeout_goes_before_the_operators(wire: Any, open_target: OpenTarget) -> None:
    """`timeout` in a target's config is its deadline."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    wire.will(hang)
    async with asyncio.timeout(20):
        assert (await failure_of(open_target(deadline_s=60, timeout="200ms"))).kind == "timeout"


async def test_reset_and_cut_are_connection_failures(wire: Any, open_target: OpenTarget) -> None:
    """A connection that ends before or in the middle of a reply is no answer, and asking again may help."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"choices": [')
        await writer.drain()
        writer.close()

    for deed in (reset, cut):
        wire.will(deed)
        failure = await failure_of(open_target())
        assert (failure.kind, failure.reached) == ("connection", True), "the request went out: it may have cost money"
        wire.will(deed, wire.answer("again"))
        assert (await open_target(retries=1).ask(question())).text == "again"


async def test_nobody_listening_is_a_connection_failure(wire: Any, open_target: OpenTarget) -> None:
    """A closed port fails with its reason."""
    answerer = open_target("openai-compatible:m", base_url="http://127.0.0.1:1/v1")
    failure = await failure_of(answerer)
    assert (failure.kind, failure.reached) == ("connection", False)


@pytest.mark.parametrize("status_line", [b"nonsense\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", b"\x00\xff\r\n\r\n"])
async def test_nonsense_for_http_is_a_connection_failure(
    wire: Any, open_target: OpenTarget, status_line: bytes
) -> None:
    """What is no HTTP fails with a reason instead of an exception of the transport."""
    wire.will(wire.send(status_line))
    assert (await failure_of(open_target())).kind == "connection"


@pytest.mark.parametrize(
    "body",
    [
        b"<!doctype html><html>Bad gateway</html>",
        b'{"choices": [',
        b"",
        b"[" * 100_000,
        b'{"choices":[{"message":{"content":"\xff"}}]}',
    ],
    ids=["html", "half", "empty", "deep", "bad utf-8"],
)
async def test_unreadable_replies_fail_and_may_be_put_again(wire: Any, open_target: OpenTarget, body: bytes) -> None:
    """A page, half an object, nothing, a tower of brackets or broken UTF-8 with status 200 is no success."""
    wire.will(wire.reply(200, body))
    assert (await failure_of(open_target())).kind == "unreadable"
    wire.will(wire.reply(200, body), wire.answer("again"))
    assert (await open_target(retries=1).ask(question())).text == "again"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"choices": None}, "bad_reply"),
        ({"choices": []}, "bad_reply"),
        ({}, "bad_reply"),
        ({"error": {"message": "overloaded"}}, "bad_reply"),
        ([], "bad_reply"),
        ({"choices": [None]}, "bad_reply"),
        ({"choices": [{"message": None}]}, "bad_reply"),
        ({"choices": [{"message": {"content": None}}]}, "bad_reply"),
        ({"choices": [{"message": {"content": 5}}]}, "bad_reply"),
        ({"choices": [{"message": {"content": None}, "finish_reason": "length"}]}, "bad_reply"),
        ({"choices": [{"message": {"content": None, "tool_calls": [{}]}}]}, "bad_reply"),
        ({"choices": [{"message": {"content": None, "refusal": "I will not."}}]}, "refused"),
        ({"choices": [{"message": {"content": None}, "finish_reason": "content_filter"}]}, "refused"),
    ],
)
async def test_replies_without_an_answer_fail_once(wire: Any, open_target: OpenTarget, body: Any, kind: str) -> None:
    """A whole reply that holds no answer is a failure and is not paid for again."""
    wire.will(wire.reply(200, json.dumps(body)))
    assert (await failure_of(open_target(retries=2))).kind == kind
    assert len(wire.requests) == 1


async def test_length_stop_empty_text_and_parts_are_answers(wire: Any, open_target: OpenTarget) -> None:
    """A text cut at its token limit counts as an answer, so do an empty text and one sent in parts."""
    cut = {"choices": [{"message": {"content": "Jup"}, "finish_reason": "length"}]}
    empty = {"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}
    parts = {"choices": [{"message": {"content": [{"type": "text", "text": "Jup"}, {"type": "text", "text": "iter"}]}}]}
    wire.will(*(wire.reply(200, body) for body in (cut, empty, parts)))
    answerer = open_target()
    assert [(await answerer.ask(question())).text for _ in range(3)] == ["Jup", "", "Jupiter"]


async def test_surrogates_are_kept_and_can_be_sent(wire: Any, open_target: OpenTarget) -> None:
    """Half a surrogate pair that a model escaped is kept, and such a text can be put to a model again."""
    wire.will(wire.reply(200, '{"choices":[{"message":{"content":"half \\ud83d pair"}}]}'))
    answer = await open_target().ask(question("half \ud83d pair"))
    assert answer.text == "half \ud83d pair"
    assert wire.requests[0].body["messages"][0]["content"] == "half \ud83d pair"


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": -1, "completion_tokens": 10**30},
        {"prompt_tokens": "7", "completion_tokens": True},
        [],
    ],
)
async def test_missing_or_absurd_usage_is_unknown(wire: Any, open_target: OpenTarget, usage: Any) -> None:
    """Without believable token counts neither tokens nor cost are known; they are not zero."""
    wire.will(wire.answer("x", usage=usage))
    answer = await open_target("openai:gpt-4.1-mini").ask(question())
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.cost_usd) == (None, None, None)


async def test_huge_replies_stop_at_the_limit(wire: Any, open_target: OpenTarget) -> None:
    """A reply of 60 MB is given up at the limit, long before it was sent."""
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 60000000\r\n\r\n")
        while sent < 60_000_000 and not writer.is_closing():
            writer.write(b"x" * 65_536)
            sent += 65_536
            await writer.drain()

    wire.will(flood)
    assert (await failure_of(open_target(max_bytes=100_000))).kind == "too_large"
    await asyncio.wait_for(wire.closed.wait(), 20)
    assert sent < 30_000_000


@pytest.mark.parametrize("status", [200, 500])
async def test_packed_floods_stop_at_the_limit(wire: Any, open_target: OpenTarget, status: int) -> None:
    """A small reply that unpacks to very much is given up as well; packing is not asked for."""
    bomb = gzip.compress(b" " * 20_000_000)
    wire.will(wire.reply(status, bomb, {"Content-Encoding": "gzip"}))
    failure = await failure_of(open_target(max_bytes=100_000))
    assert failure.kind == ("too_large" if status == 200 else "server_error")
    assert wire.requests[0].headers["accept-encoding"] == "identity"


async def test_broken_packing_is_unreadable(wire: Any, open_target: OpenTarget) -> None:
    """A reply that claims to be packed and is not fails with its reason."""
    wire.will(wire.reply(200, b"no gzip", {"Content-Encoding": "gzip"}))
    assert (await failure_of(open_target())).kind == "unreadable"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_not_followed(wire: Any, other_wire: Any, open_target: OpenTarget, status: int) -> None:
    """Another host never sees the request or the key."""
    other_wire.will(other_wire.answer("stolen"))
    wire.will(wire.reply(status, b"", {"Location": f"{other_wire.base_url}/chat/completions"}))
    assert (await failure_of(open_target(retries=2))).kind == "redirected"
    assert other_wire.requests == []
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "echoed", [KEY, KEY[2:-3], quote(f"Bearer {KEY}"), base64.b64encode(f"x:{KEY}".encode()).decode(), KEY[:12] + "***"]
)
@pytest.mark.parametrize("status", [400, 401, 500])
async def test_errors_never_hold_the_key(wire: Any, open_target: OpenTarget, status: int, echoed: str) -> None:
    """A server that repeats the key, whole, in part, in a URL or in base64, does not get it into an error or a traceback."""
    wire.will(wire.reply(status, {"error": {"message": f"Wrong key {echoed}!", "code": echoed}}))
    failure = await failure_of(open_target())
    shown = "".join(traceback.format_exception(failure)) + repr(failure)
    assert KEY[3:] not in shown
    assert echoed not in shown


async def test_errors_never_hold_the_prompt(wire: Any, open_target: OpenTarget) -> None:
    """A server that repeats the prompt does not get it into an error, but its other words are passed on."""
    wire.will(wire.reply(400, {"error": {"message": f"Not allowed: {PROMPT}"}}))
    assert "planet" not in str(await failure_of(open_target()))
    wire.will(wire.reply(400, {"error": {"message": "Unsupported parameter: 'temperature'."}}))
    assert "Unsupported parameter: 'temperature'." in str(await failure_of(open_target()))


async def test_nothing_is_logged(wire: Any, open_target: OpenTarget, caplog: pytest.LogCaptureFixture) -> None:
    """Neither key nor prompt nor answer reaches a log, at any level."""
    caplog.set_level(logging.DEBUG)
    wire.will(wire.answer("Jupiter it is"))
    await open_target().ask(question())
    wire.will(wire.reply(500, {"error": {"message": f"{PROMPT} {KEY}"}}))
    await failure_of(open_target())
    for secret in (KEY, "planet", "Jupiter"):
        assert secret not in caplog.text


async def test_json_is_asked_for_by_schema_or_as_configured(wire: Any, open_target: OpenTarget) -> None:
    """`ask_json` sends the schema; `json_mode` softens that for servers that know less. The text comes back unparsed."""
    schema = {"type": "object", "properties": {"grade": {"type": "integer"}}, "required": ["grade"]}
    wire.will(wire.answer(' {"grade": 3} '))
    assert (await open_target().ask_json(question(), schema)).text == ' {"grade": 3} '
    await open_target(json_mode="object").ask_json(question(), schema)
    await open_target(json_mode="none").ask_json(question(), schema)
    first, second, third = (request.body.get("response_format") for request in wire.requests)
    assert first["json_schema"]["schema"] == schema
    assert first["json_schema"]["strict"] is True
    assert second == {"type": "json_object"}
    assert third is None


async def test_cost_from_the_list_or_the_config_else_unknown(wire: Any, open_target: OpenTarget) -> None:
    """A known model has its list price, a configured price goes first, and an unknown model's cost is unknown."""
    wire.will(wire.answer("x", usage={"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000}))
    known = await open_target("openai:gpt-4.1-mini").ask(question())
    own = await open_target("openai:no-such-model", price={"input": 1, "output": 2}).ask(question())
    unknown = await open_target("openai:no-such-model").ask(question())
    assert known.usage.cost_usd == pytest.approx(2.0)
    assert own.usage.cost_usd == pytest.approx(3.0)
    assert unknown.usage.cost_usd is None


async def test_refusals_narrow_the_way_for_all_calls(wire: Any, open_target: OpenTarget) -> None:
    """After 429 the calls in flight come back one by one at first, and all of them get their answer."""
    busy = wire.reply(429, b"{}", {"retry-after-ms": "100"})
    wire.will(*[busy] * 8, wire.answer("now"))
    answerer = open_target()
    answers: list[Answer] = await asyncio.gather(*(answerer.ask(question()) for _ in range(8)))
    assert [answer.text for answer in answers] == ["now"] * 8
    later = sorted(request.at for request in wire.requests[8:])
    assert len(wire.requests) == 16
    assert later[0] - wire.requests[7].at >= 0.09


async def test_at_most_max_concurrency_calls_at_once(wire: Any, open_target: OpenTarget) -> None:
    """`max_concurrency` of a target holds over all calls."""
    running, most = 0, 0

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        await wire.answer("x")(reader, writer)

    wire.will(slow)
    answerer = open_target(max_concurrency=3)
    await asyncio.gather(*(answerer.ask(question()) for _ in range(12)))
    assert most == 3


async def test_a_cancelled_call_gives_its_place_back(wire: Any, open_target: OpenTarget) -> None:
    """Stopping a call ends it at once and leaves the target usable."""
    started = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        started.set()
        await reader.read()

    wire.will(hang, wire.answer("next"))
    answerer = open_target(max_concurrency=1)
    call = asyncio.create_task(answerer.ask(question()))
    await asyncio.wait_for(started.wait(), 1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert (await answerer.ask(question())).text == "next"
