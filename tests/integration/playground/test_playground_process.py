"""The playground as a child process, and a burst of clicks."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.playground.driver import RemoteDriver
from evalbot.playground.server import Playground, serve


@asynccontextmanager
async def child() -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """Run a playground in another process and read its environment."""
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "evalbot.playground.server", "--no-rate-limits"]
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    try:
        yield process, json.loads(await asyncio.wait_for(process.stdout.readline(), 20))
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("ending", ["stdin", "signal"])
async def test_child_process_says_where_it_is_and_ends(ending: str) -> None:
    """It prints one line of JSON, can be driven over the network, and stops on SIGTERM or when stdin closes."""
    async with child() as (process, environment):
        assert set(environment) == {
            "api_url",
            "page_url",
            "bot_token",
            "app_token",
            "signing_secret",
            "channels",
            "users",
        }
        client = AsyncWebClient(token=environment["bot_token"], base_url=environment["api_url"])
        async with RemoteDriver(environment["page_url"], "lee") as lee:
            await client.chat_postMessage(channel=environment["channels"]["general"], text="hello")
            await lee.see_message("#general", "hello")
        assert process.stdin is not None
        if ending == "stdin":
            process.stdin.close()
        else:
            process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 5) == 0


async def test_serve_runs_until_it_is_told_to_end() -> None:
    """The function behind the command line reports when it is ready."""
    ending, ready = asyncio.Event(), list[str]()

    def note(playground: Playground) -> None:
        ready.append(playground.api_url)
        ending.set()

    await asyncio.wait_for(serve(0, False, note, ending), 5)
    assert ready[0].startswith("http://127.0.0.1:")


async def test_taken_port_is_said_at_once() -> None:
    """A second playground on the same port fails to start and leaves nothing open."""
    async with Playground() as first:
        port = int(first.base_url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            await Playground(port).start()


@pytest.mark.short
async def test_thousand_clicks_by_two_hundred_people_all_arrive() -> None:
    """Two hundred people click five times each at once: every click is delivered once and acknowledged."""
    async with Playground(rate_limits=False, ack_seconds=60) as playground:
        app = AsyncApp(client=AsyncWebClient(token=playground.bot_token, base_url=playground.api_url))
        clicks: list[tuple[str, str]] = []

        @app.action("grade")
        async def grade(ack: Any, body: dict[str, Any]) -> None:
            clicks.append((body["user"]["id"], body["actions"][0]["action_ts"]))
            await ack()

        @app.event("member_joined_channel")
        async def joined() -> None:
            """Take it, so that it does not come again."""

        handler = AsyncSocketModeHandler(app, playground.app_token)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        await playground.wait_connected()
        dana = playground.driver("dana")
        people = [
            (await dana.do("add_person", name=f"p{number}", channels=["#general"]))["id"] for number in range(200)
        ]
        button = {"type": "button", "action_id": "grade", "text": {"type": "plain_text", "text": "Pass"}}
        blocks = [{"type": "actions", "block_id": "b", "elements": [button]}]
        ts = (await app.client.chat_postMessage(channel="C0GENERAL", text="Grade this", blocks=blocks))["ts"]
        place = {"channel": "C0GENERAL", "ts": ts, "block_id": "b", "action_id": "grade"}

        async def click(person: str) -> None:
            driver = playground.driver(person)
            for _ in range(5):
                await driver.do("click", **place)

        async with asyncio.timeout(60):
            await asyncio.gather(*map(click, people))
        await handler.close_async()  # type: ignore[no-untyped-call]
        assert len(set(clicks)) == len(clicks) == 1000
        assert len({person for person, _ in clicks}) == 200
        assert playground.violations("missing_ack", "late_ack") == []
