"""Socket Mode against a Slack that follows a script: greetings, goodbyes, silence, crowds and broken frames."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from evalbot.errors import BadSetting
from evalbot.slack.guard import Body
from evalbot.slack.receiving import Reply, Retry
from evalbot.slack.retrying import CarefulClient
from evalbot.slack.sockets import Sockets, Timing
from tests.integration.slack.slack_world import QUICK, until

HELLO = {"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}}
Play = Callable[["ScriptedSlack", web.WebSocketResponse], Awaitable[None]]


@dataclass
class ScriptedSlack:
    """Answers apps.connections.open from `openings` (then always ok) and plays `scenes` on the connections, one each."""

    scenes: list[Play]
    openings: list[web.Response] = field(default_factory=list)
    asked: int = 0
    connected: int = 0
    heard: list[Any] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, request: web.Request) -> web.Response:
        """Answer apps.connections.open; every address works once."""
        self.asked += 1
        if self.openings:
            return self.openings.pop(0)
        return web.json_response({"ok": True, "url": f"ws://{request.host}/link/{self.asked}"})

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Play the next scene on a connection; the last one comes again and again."""
        if int(request.match_info["ticket"]) != self.asked:
            return web.Response(status=404)
        self.connected += 1
        ws = web.WebSocketResponse(autoping=False)
        await ws.prepare(request)
        await (self.scenes.pop(0) if len(self.scenes) > 1 else self.scenes[0])(self, ws)
        return ws

    async def listen(self, ws: web.WebSocketResponse) -> None:
        """Answer pings and note what comes until the connection ends."""
        async for message in ws:
            if message.type == WSMsgType.PING:
                await ws.pong(message.data)
            elif message.type == WSMsgType.TEXT:
                self.heard.append(json.loads(message.data))
                self.news.set()

    async def hear(self, number: int) -> list[Any]:
        """Wait until so many frames came."""
        async with asyncio.timeout(20):
            while len(self.heard) < number:
                self.news.clear()
                await self.news.wait()
        return self.heard


async def stay(slack: ScriptedSlack, ws: web.WebSocketResponse) -> None:
    """Greet and stay."""
    await ws.send_json(HELLO)
    await slack.listen(ws)


async def echo(body: Body, retry: Retry) -> Reply:
    """Give back what a payload asks for."""
    return Reply(int(body.get("status", 200)), str(body.get("give", "")))


@asynccontextmanager
async def connected(
    slack: ScriptedSlack, receive: Callable[[Body, Retry], Awaitable[Reply]] = echo, timing: Timing = QUICK
) -> AsyncIterator[Sockets]:
    """Connect to a scripted Slack."""
    app = web.Application()
    app.add_routes([web.post("/api/apps.connections.open", slack.open), web.get("/link/{ticket}", slack.connect)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession() as session:
            client = CarefulClient(base_url=f"http://127.0.0.1:{port}/api/", session=session, retry_handlers=[])
            sockets = Sockets(client, "xapp-1", receive, session=session, timing=timing, rng=lambda: 0.5)
            async with sockets:
                yield sockets
    finally:
        await runner.cleanup()


def refusal(error: str, status: int = 200, **headers: str) -> web.Response:
    """Give a refusal of apps.connections.open."""
    return web.json_response({"ok": False, "error": error}, status=status, headers=headers)


async def test_delivery_is_acknowledged_with_its_payload_only_where_one_is_taken() -> None:
    """An acknowledgement carries an answer where Slack accepts one, and nothing where it does not."""

    async def deliver(slack: ScriptedSlack, ws: web.WebSocketResponse) -> None:
        await ws.send_json(HELLO)
        for number, (accepts, give) in enumerate(
            [(True, '{"response_action": "clear"}'), (True, "words"), (False, "words"), (True, "")]
        ):
            envelope = {"envelope_id": f"e{number}", "type": "interactive", "accepts_response_payload": accepts}
            await ws.send_json(envelope | {"payload": {"give": give}})
        await slack.listen(ws)

    slack = ScriptedSlack([deliver])
    async with connected(slack):
        heard = {one["envelope_id"]: one.get("payload") for one in await slack.hear(4)}
    assert heard == {"e0": {"response_action": "clear"}, "e1": {"text": "words"}, "e2": None, "e3": None}


async def test_broken_frames_are_acknowledged_where_they_have_an_id(caplog: pytest.LogCaptureFixture) -> None:
    """A frame that cannot be read ends nothing; one that names its envelope does not come again."""
    frames = ["", "nothing", "[]", '{"type": "odd"}', '{"envelope_id": 7}', '{"envelope_id": "a1", "payload": NaN}']
    frames += ['{"envelope_id": "a2", "payload": ' + "[" * 5_000, '{"envelope_id": "a3"}']
    frames += ['{"envelope_id": "a4", "payload": {"status": 400}}', '{"envelope_id": "a5", "payload": {}}']

    async def deliver(slack: ScriptedSlack, ws: web.WebSocketResponse) -> None:
        await ws.send_json(HELLO)
        for frame in frames:
            await ws.send_str(frame)
        await ws.send_bytes(b"\xff")
        await slack.listen(ws)

    slack = ScriptedSlack([deliver])
    async with connected(slack) as sockets:
        heard = {one["envelope_id"] for one in await slack.hear(5)}
        assert sockets.health()["ok"]
    assert heard == {"a1", "a2", "a3", "a4", "a5"}
    assert [one for one in caplog.records if one.levelno >= logging.ERROR or one.exc_info] == []


async def test_retries_are_told() -> None:
    """The marks of another try reach whoever takes the delivery."""
    seen: list[Retry] = []

    async def receive(body: Body, retry: Retry) -> Reply:
        seen.append(retry)
        return Reply(200)

    async def deliver(slack: ScriptedSlack, ws: web.WebSocketResponse) -> None:
        await ws.send_json(HELLO)
        await ws.send_json({"envelope_id": "e0", "payload": {}, "retry_attempt": 2, "retry_reason": "timeout"})
        await ws.send_json({"envelope_id": "e1", "payload": {}, "retry_attempt": 0})
        await slack.listen(ws)

    slack = ScriptedSlack([deliver])
    async with connected(slack, receive):
        await slack.hear(2)
    assert sorted(seen, key=len) == [(), (("x-slack-retry-num", "2"), ("x-slack-retry-reason", "timeout"))]


async def test_silent_connection_is_replaced() -> None:
    """A connection that is open and carries nothing, not even answers to pings, is left for a new one."""

    async def fall_silent(slack: ScriptedSlack, ws: web.WebSocketResponse) -> None:
        await ws.send_json(HELLO)
        while not ws.closed:
            await ws.ping(b"server")  # a server that pings and does not hear us is as good as dead
            await asyncio.sleep(0.05)

    slack = ScriptedSlack([fall_silent, stay])
    async with connected(slack) as sockets:
        assert sockets.health()["ok"]
        await until(lambda: sockets.health()["connections_opened"] == 2)
        assert sockets.health()["silent_s"] < 0.5


async def test_pings_keep_a_quiet_connection() -> None:
    """A connection without deliveries stays as long as its pings are answered."""
    slack = ScriptedSlack([stay])
    async with connected(slack, timing=replace(QUICK, ping_s=0.05, silent_s=0.2)) as sockets:
        await asyncio.sleep(0.5)
        assert sockets.health()["connections_opened"] == 1


async def test_refresh_opens_the_new_connection_before_the_old_is_left() -> None:
    """What came over the old connection is acknowledged there, while the new one takes deliveries."""
    going = asyncio.Event()
    ended: list[str] = []

    async def receive(body: Body, retry: Retry) -> Reply:
        await going.wait()
        return Reply(200)

    async def leave(slack: ScriptedSlack, ws: web.WebSocketResponse) -> None:
        await ws.send_json(HELLO)
        await ws.send_json({"envelope_id": "old", "payload": {}})
        await ws.send_json({"type": "disconnect", "reason": "refresh_requested"})
        await slack.listen(ws)
        ended.append("old")

    slack = ScriptedSlack([leave, stay])
    async with connected(slack, receive) as sockets:
        await until(lambda: sockets.health()["connections_opened"] == 2)
        assert sockets.health()["ok"]
        assert ended == []
        going.set()
        assert await slack.hear(1) == [{"envelope_id": "old"}]
        await until(lambda: ended == ["old"])
        assert sockets.health()["ok"]


async def test_lost_connections_come_back_with_a_new_address() -> None:
    """However a connection ends or fails to begin, another one is opened, each with an address of its own."""

    async def drop(slack: ScriptedSlack, ws: web.WebSocketResponse) -> None:
        await ws.send_json(HELLO)
        transport = ws.get_extra_info("socket")
        assert transport is not None
        await ws.close(code=1011)

    async def hang_up(slack: ScriptedSlack, ws: web.WebSocketResponse) -> None:
        await ws.close()

    openings = [refusal("internal_error"), web.Response(status=503, text="<html>"), web.Response(text="no JSON")]
    openings += [web.json_response({"ok": True, "url": "ws://127.0.0.1:1/"}), web.json_response({"ok": True})]
    slack = ScriptedSlack([hang_up, drop, stay], openings)
    async with connected(slack) as sockets:
        await until(lambda: sockets.health()["connections_opened"] == 2)
    assert slack.asked == len([1] * 5) + 3


async def test_crowd_is_left_for_a_while_and_longer_each_time(caplog: pytest.LogCaptureFixture) -> None:
    """With too many connections we go away at once and come back after pauses that grow."""

    async def send_away(slack: ScriptedSlack, ws: web.WebSocketResponse) -> None:
        await ws.send_json({"type": "disconnect", "reason": "too_many_websockets"})
        await slack.listen(ws)

    async def send_away_later(slack: ScriptedSlack, ws: web.WebSocketResponse) -> None:
        await ws.send_json(HELLO)
        await send_away(slack, ws)

    caplog.set_level(logging.WARNING, "evalbot.slack.sockets")
    slack = ScriptedSlack([send_away, send_away, send_away_later, stay])
    async with connected(slack, timing=replace(QUICK, crowded_pause_s=0.05, longest_crowded_pause_s=0.3)) as sockets:
        await until(lambda: sockets.health()["connections_opened"] == 2)
    waits = [float(one.getMessage().split("next try in ")[1].split()[0]) for one in caplog.records]
    assert waits == [0.0, 0.1, 0.2]  # 0.75 x 0.05, 0.10 and 0.20 s, as they are printed
    assert all("too_many_websockets" in one.getMessage() for one in caplog.records)


async def test_rate_limit_is_waited_for() -> None:
    """When Slack says how long to wait before asking for an address again, that is how long it takes."""
    slack = ScriptedSlack([stay], [refusal("ratelimited", 429, **{"Retry-After": "1"})])
    began = asyncio.get_running_loop().time()
    async with connected(slack):
        assert asyncio.get_running_loop().time() - began >= 1


@pytest.mark.parametrize("code", ["invalid_auth", "not_allowed_token_type", "missing_scope"])
async def test_wrong_token_ends_the_start(code: str) -> None:
    """A token that Slack refuses at the start is the operator's to mend."""
    slack = ScriptedSlack([stay], [refusal(code)])
    with pytest.raises(BadSetting, match=code):
        async with connected(slack):
            pass


async def test_wrong_token_later_is_tried_again() -> None:
    """A refusal while the bot is at work ends nothing: tokens are mended without a restart."""

    async def leave(slack: ScriptedSlack, ws: web.WebSocketResponse) -> None:
        slack.openings.append(refusal("account_inactive"))
        await ws.send_json(HELLO)

    slack = ScriptedSlack([leave, stay])
    async with connected(slack, timing=replace(QUICK, crowded_pause_s=0.2)) as sockets:
        await until(lambda: sockets.health()["trouble"] == "account_inactive")
        assert not sockets.health()["ok"]
        await until(lambda: sockets.health()["connections_opened"] == 2)
        assert sockets.health() == sockets.health() | {"ok": True, "trouble": "", "mode": "socket"}


async def test_end_answers_what_has_come() -> None:
    """At the end what is being carried out is still acknowledged."""
    begun = asyncio.Event()

    async def receive(body: Body, retry: Retry) -> Reply:
        begun.set()
        await asyncio.sleep(0.1)
        return Reply(200)

    async def deliver(slack: ScriptedSlack, ws: web.WebSocketResponse) -> None:
        await ws.send_json(HELLO)
        await ws.send_json({"envelope_id": "last", "payload": {}})
        await slack.listen(ws)

    slack = ScriptedSlack([deliver])
    async with connected(slack, receive):
        await begun.wait()
    assert slack.heard == [{"envelope_id": "last"}]


async def test_failing_delivery_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A bug in carrying out a delivery is logged, and the connection stays."""

    async def receive(body: Body, retry: Retry) -> Reply:
        if body:
            raise RuntimeError("a bug")
        return Reply(200)

    async def deliver(slack: ScriptedSlack, ws: web.WebSocketResponse) -> None:
        await ws.send_json(HELLO)
        await ws.send_json({"envelope_id": "bug", "payload": {"x": 1}})
        await ws.send_json({"envelope_id": "fine", "payload": {}})
        await slack.listen(ws)

    slack = ScriptedSlack([deliver])
    async with connected(slack, receive):
        assert await slack.hear(1) == [{"envelope_id": "fine"}]
    assert any("a delivery failed" in one.getMessage() for one in caplog.records)
