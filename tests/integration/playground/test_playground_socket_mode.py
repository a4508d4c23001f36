"""Socket Mode on the wire: envelopes, acknowledgements, redelivery, connections."""

import asyncio
from typing import Any

import aiohttp
import pytest

from evalbot.playground.driver import DriverError
from evalbot.playground.server import Playground


async def say(playground: Playground, text: str = "hello") -> None:
    """Let Dana write in #general."""
    await playground.driver("dana").say("#general", text)


async def test_hello_and_a_first_event(raw_app: Any, playground: Playground) -> None:
    """After hello a message comes as an envelope that takes no payload."""
    await raw_app.connect()
    hello = await raw_app.read()
    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    await say(playground)
    envelope = await raw_app.read()
    assert (envelope["type"], envelope["accepts_response_payload"], envelope["retry_attempt"]) == (
        "events_api",
        False,
        0,
    )
    assert envelope["payload"]["event"]["text"] == "hello"
    await raw_app.ack(envelope)


async def test_unacknowledged_event_comes_again_on_the_clock(raw_app: Any, playground: Playground) -> None:
    """Three retries: at once, after a minute, after five; same event id, new envelope id, and each lack is noted."""
    await raw_app.connect()
    await raw_app.read()
    await say(playground)
    seen = [await raw_app.read(), await raw_app.read()]
    await noted(playground, "missing_ack", 2)
    playground.clock.advance(61)
    seen.append(await raw_app.read())
    await noted(playground, "missing_ack", 3)
    playground.clock.advance(301)
    seen.append(await raw_app.read())
    assert [one["retry_attempt"] for one in seen] == [0, 1, 2, 3]
    assert seen[1]["retry_reason"] == "timeout"
    assert len({one["payload"]["event_id"] for one in seen}) == 1
    assert len({one["envelope_id"] for one in seen}) == 4
    await raw_app.ack(seen[3])
    await asyncio.wait_for(playground.emulation.delivery.wait_quiet(), 20)


async def noted(playground: Playground, kind: str, times: int = 1) -> None:
    """Wait until a kind of violation was noted so many times."""
    bell = asyncio.Event()
    playground.emulation.violations.listen(lambda violation: bell.set())
    async with asyncio.timeout(20):
        while len(playground.violations(kind)) < times:
            bell.clear()
            await bell.wait()


async def test_late_and_unwanted_acknowledgements_are_noted(raw_app: Any, playground: Playground) -> None:
    """A payload where none is accepted, a late ack and an unknown one are three kinds of violation."""
    await raw_app.connect()
    await raw_app.read()
    await say(playground)
    first = await raw_app.read()
    await raw_app.ack(first, {"text": "unwanted"})
    await noted(playground, "ack_with_payload", 1)
    await say(playground)
    second = await raw_app.read()
    again = await raw_app.read()
    await raw_app.ack(second)
    await raw_app.ack(again)
    await raw_app.ack({"envelope_id": "nonsense"})
    await noted(playground, "bad_ack", 1)
    assert len(playground.violations("late_ack")) == 1


async def test_command_answer_rides_on_the_acknowledgement(raw_app: Any, playground: Playground) -> None:
    """The payload of a command's ack is shown to the person alone."""
    await raw_app.connect()
    await raw_app.read()
    dana = playground.driver("dana")
    command = asyncio.create_task(dana.slash("/evalbot status payload", "#general"))
    envelope = await raw_app.read()
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    assert envelope["payload"]["text"] == "status payload"
    await raw_app.ack(envelope, {"text": "All is well"})
    await command
    assert (await dana.see_ephemeral("#general")).text == "All is well"


async def test_silent_app_makes_a_command_fail_visibly(raw_app: Any, playground: Playground) -> None:
    """Without an answer the person reads operation_timeout; without an app, dispatch_failed."""
    dana = playground.driver("dana")
    with pytest.raises(DriverError, match="dispatch_failed"):
        await dana.slash("/evalbot status", "#general")
    await raw_app.connect()
    with pytest.raises(DriverError, match="operation_timeout"):
        await dana.slash("/evalbot status", "#general")
    assert "did not answer within 3 seconds" in await dana.see_notice("operation_timeout")
    assert [one.where for one in playground.violations("missing_ack")] == ["command /evalbot"]


async def test_commands_stay_out_of_threads(playground: Playground) -> None:
    """The client itself refuses a command in a thread, and an unknown command anywhere."""
    dana = playground.driver("dana")
    ts = await dana.say("#general", "start")
    with pytest.raises(DriverError, match="not supported in threads"):
        await dana.say("#general", "/evalbot help", thread=ts)
    with pytest.raises(DriverError, match="known are /evalbot"):
        await dana.slash("/other", "#general")


async def test_socket_url_works_once(raw_app: Any, session: aiohttp.ClientSession) -> None:
    """Connecting again needs a fresh url."""
    url = await raw_app.url()
    async with session.ws_connect(url):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_deliveries_are_shared_between_connections(raw_app: Any, playground: Playground, session: Any) -> None:
    """Each event goes to one connection only, and the eleventh connection is turned away."""
    sockets = [await session.ws_connect(await raw_app.url()) for _ in range(11)]
    first = [await one.receive_json(timeout=20) for one in sockets]
    assert [one["type"] for one in first] == ["hello"] * 10 + ["disconnect"]
    assert first[10]["reason"] == "too_many_websockets"
    await say(playground)
    await say(playground)
    received = [await one.receive_json(timeout=20) for one in sockets[:2]]
    assert all(one["type"] == "events_api" for one in received)


async def test_refresh_sends_the_app_to_a_new_connection(raw_app: Any, playground: Playground) -> None:
    """After refresh_requested nothing goes to the old connection any more."""
    await raw_app.connect()
    await raw_app.read()
    await playground.disconnect("refresh_requested")
    assert (await raw_app.read())["reason"] == "refresh_requested"
    old = raw_app.socket
    await raw_app.connect()
    await raw_app.read()
    await say(playground)
    envelope = await raw_app.read()
    assert envelope["payload"]["event"]["text"] == "hello"
    await raw_app.ack(envelope)
    assert (await old.receive(3)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_app_hears_of_what_it_is_a_member_of(raw_app: Any, playground: Playground) -> None:
    """Messages, mentions, edits, reactions and joins come; those of a channel without the bot do not."""
    await raw_app.connect()
    await raw_app.read()
    dana = playground.driver("dana")
    await dana.say("#random", "not for the bot")
    await dana.mention("#general", "look at this")
    message = await dana.see_message("#general", "look at this")
    await dana.react(message, "+1")
    await dana.edit(message, "never mind")
    await playground.driver("gus").do("join", channel="#general")
    kinds = []
    for _ in range(5):
        envelope = await raw_app.read()
        event = envelope["payload"]["event"]
        kinds.append(event.get("subtype") or event["type"])
        await raw_app.ack(envelope)
    assert kinds == ["message", "app_mention", "reaction_added", "message_changed", "member_joined_channel"]


async def test_shared_channel_is_marked(raw_app: Any, playground: Playground) -> None:
    """What an outsider writes in a shared channel shows where it comes from."""
    await raw_app.connect()
    await raw_app.read()
    await playground.driver("Pia Lindqvist").say("#partner-acme", "hi")
    envelope = await raw_app.read()
    await raw_app.ack(envelope)
    assert envelope["payload"]["is_ext_shared_channel"] is True
    assert envelope["payload"]["event"]["user_team"] != envelope["payload"]["team_id"]
