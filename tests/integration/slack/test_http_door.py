"""The HTTP door: what Slack signs is carried out once, everything else ends at the guard."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from evalbot.errors import BadSetting
from evalbot.slack.guard import MAX_BYTES, sign
from evalbot.slack.http_app import SlackRequests, build_http_app, serve_http
from evalbot.slack.receiving import Reply
from tests.integration.slack.slack_world import (
    FORM,
    World,
    click_on,
    encode_delivery,
    open_world,
    put_up_reviews,
    until,
)

COMMAND = {
    "command": "/evalbot",
    "text": "help",
    "user_id": "U0DANA001",
    "user_name": "dana",
    "team_id": "T0ACME001",
    "channel_id": "C0GENERAL1",
}


@pytest.mark.parametrize("text", ["payload", "run payload", "help payload=1&command=x", "what is a {payload}?"])
async def test_command_that_speaks_of_payloads_is_answered(http_world: World, text: str) -> None:
    """A command's text may hold the word payload: it is answered like any other."""
    dana = http_world.slack.driver("dana")
    await dana.slash(f"/evalbot {text}", "#general")
    await dana.see_ephemeral("#general")
    assert http_world.slack.violations() == []


async def test_request_url_is_verified(http_world: World) -> None:
    """Slack's challenge is given back."""
    assert await http_world.slack.emulation.delivery.http.verify()
    status, text = await http_world.send({"type": "url_verification", "challenge": "abc"})
    assert (status, json.loads(text)) == (200, {"challenge": "abc"})


async def test_refused_request_keeps_its_connection(http_world: World) -> None:
    """A refusal comes after the body and not in the middle of it, so that the sender can use the connection again."""
    parts = urlsplit(http_world.bot.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    lines = f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Content-Type: text/plain", "Content-Length: 1000"
    for _ in range(2):
        writer.write("\r\n".join((*lines, "", "x" * 500)).encode())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readline(), 0.1)
        writer.write(b"x" * 500)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 4")
        assert b"connection: close" not in head.lower()
        await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split()[0]))
    writer.close()
    await writer.wait_closed()


async def test_forged_requests_have_no_effect(http_world: World, no_traceback: pytest.LogCaptureFixture) -> None:
    """A request without the right signature, or with one of another time or body, stores nothing."""
    reviews = await put_up_reviews(http_world.store, http_world.bot.program.services.team, 1)
    body, kind = encode_delivery(click_on(reviews[0], "U0DANA001", 4))
    old = str(int(time.time()) - 301)
    answers = [
        await http_world.post(body, kind, **{"X-Slack-Signature": "v0=" + "0" * 64}),
        await http_world.post(body, kind, **{"X-Slack-Signature": ""}),
        await http_world.post(body, kind, **{"X-Slack-Request-Timestamp": str(int(time.time()) - 1)}),
        await http_world.post(body, kind, stamp=old),
        await http_world.post(body, kind, stamp=str(int(time.time()) + 400)),
        await http_world.post(body, kind, stamp="now"),
    ]
    assert [status for status, _ in answers] == [401] * 6
    assert await http_world.human_grades() == []
    refusals = [one for one in no_traceback.records if getattr(one, "action", "") == "refused"]
    assert len(refusals) == 6


async def test_repeated_request_has_one_effect(http_world: World) -> None:
    """The same signed request again is answered as the first one was, and nothing is carried out twice."""
    body, kind = encode_delivery(COMMAND | {"trigger_id": "1.2.3"})
    stamp = str(int(time.time()))
    first, *others = await asyncio.gather(*(http_world.post(body, kind, stamp=stamp) for _ in range(4)))
    assert [first, *others] == [(200, "")] * 4
    health = http_world.bot.health()
    assert health["taken"] == 1


async def test_late_repetition_is_refused() -> None:
    """After the three seconds in which Slack waits, a known request is a replay."""
    moment, carried_out = 1_770_000_000.0, []

    async def receive(body: dict[str, object], retry: object) -> Reply:
        carried_out.append(body)
        return Reply(200)

    door = SlackRequests(receive, "secret", lambda: moment)
    assert await _ask(door, moment) == 200
    moment += 2
    assert await _ask(door, 1_770_000_000.0) == 200
    moment += 2
    assert await _ask(door, 1_770_000_000.0) == 409
    assert len(carried_out) == 1


async def test_request_that_could_not_be_carried_out_may_come_again() -> None:
    """What broke on our side is not taken for done."""
    tries = []

    async def receive(body: dict[str, object], retry: object) -> Reply:
        tries.append(body)
        if len(tries) == 1:
            raise RuntimeError("broken")
        return Reply(200)

    door = SlackRequests(receive, "secret", lambda: 1_770_000_000.0)
    with pytest.raises(RuntimeError):
        await _ask(door, 1_770_000_000.0)
    assert await _ask(door, 1_770_000_000.0) == 200


async def _ask(door: SlackRequests, at: float) -> int:
    """Send one signed event through the door without a server; gives the status."""
    stamp, body = str(int(at)), b'{"type": "event_callback"}'
    headers = [
        (b"content-type", b"application/json"),
        (b"x-slack-request-timestamp", stamp.encode()),
        (b"x-slack-signature", sign("secret", stamp, body).encode()),
    ]
    sent: list[dict[str, object]] = []

    async def read() -> dict[str, object]:
        return {"type": "http.request", "body": body}

    async def write(message: Mapping[str, object]) -> None:
        sent.append(dict(message))

    await door({"type": "http", "method": "POST", "headers": headers}, read, write)
    status = sent[0]["status"]
    assert isinstance(status, int)
    return status


async def test_large_body_is_not_read_to_its_end(http_world: World) -> None:
    """A body over the limit is refused, also one that does not say how long it is."""
    large = {"Content-Length": str(MAX_BYTES + 1), "Connection": "close"}
    assert (await http_world.post(b"x", **large))[0] == 413

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    headers = {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": str(int(time.time())),
        "X-Slack-Signature": "v0=" + "0" * 64,
    }
    try:
        async with http_world.session.post(http_world.bot.url, data=endless(), headers=headers) as answer:
            assert answer.status == 413
    except ConnectionError:
        pass  # the door closed while we were still talking
    assert http_world.bot.health()["refused"] == 2


async def test_connection_that_ends_early_leaves_nothing(
    http_world: World, no_traceback: pytest.LogCaptureFixture
) -> None:
    """A request that is cut off in its body is refused without a traceback."""
    port = int(http_world.bot.url.split(":")[2].split("/")[0])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    stamp = int(time.time())
    writer.write(
        f"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: 100\r\n"
        f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: v0={'0' * 64}\r\n\r\npayload=".encode()
    )
    await writer.drain()
    writer.close()
    await until(lambda: http_world.bot.health()["refused"] == 1)


async def test_other_doors_are_closed(http_world: World) -> None:
    """Only one path takes requests; the health page tells how the bot is."""
    base = http_world.bot.url.removesuffix("/slack/events")
    async with http_world.session.get(http_world.bot.url) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    for path in ("/", "/slack/events/", "/slack"):
        async with http_world.session.post(base + path, allow_redirects=False) as answer:
            assert answer.status == 404
    async with http_world.session.get(base + "/health") as answer:
        told = await answer.json()
        assert (answer.status, told["ok"], told["mode"]) == (200, True, "http")


async def test_port_that_is_taken_ends_the_start(http_world: World) -> None:
    """A second bot on the same port says so in one sentence."""
    port = int(http_world.bot.url.split(":")[2].split("/")[0])
    with pytest.raises(BadSetting, match="cannot be listened on"):
        async with serve_http(build_http_app(dict), "127.0.0.1", port):
            pass


async def test_slow_database_delays_no_acknowledgement(folder: Path) -> None:
    """While another program holds the database a click is acknowledged, its person told, its grade stored later."""
    async with open_world(folder, http=True) as world:
        reviews = await put_up_reviews(world.store, world.bot.program.services.team, 1)
        dana = world.slack.driver("dana")
        click = click_on(reviews[0], world.slack.users["dana"], 4, channel=world.slack.channels["support-evals"])
        with closing(sqlite3.connect(folder / "evalbot.db", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            status, _ = await world.send(click)
            assert status == 200
            await dana.see_ephemeral("#support-evals", "not saved yet")
            assert await world.human_grades() == []
        await dana.see_ephemeral("#support-evals", "your grade is")
        assert len(await world.human_grades()) == 1
