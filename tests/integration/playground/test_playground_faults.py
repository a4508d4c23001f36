"""Troubles on demand hit the app and leave the people's window alone."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.playground.server import Playground


@pytest.fixture
def impatient(playground: Playground) -> AsyncWebClient:
    """A client that never tries again by itself."""
    return AsyncWebClient(token=playground.bot_token, base_url=playground.api_url, retry_handlers=[], timeout=2)


async def texts(playground: Playground) -> list[str]:
    """Return what Dana sees in #general."""
    return [one.text for one in await playground.driver("dana").messages("#general")]


@pytest.mark.parametrize(
    "fault,expected",
    [
        ({"trouble": "error", "code": "fatal_error"}, SlackApiError),
        ({"trouble": "rate_limited", "seconds": 7}, SlackApiError),
        ({"trouble": "server_error"}, SlackApiError),
        ({"trouble": "reset"}, aiohttp.ClientError),
        ({"trouble": "timeout", "seconds": 0.1}, aiohttp.ClientError),
    ],
)
async def test_next_call_fails_once(
    impatient: AsyncWebClient, playground: Playground, fault: dict[str, Any], expected: type[Exception]
) -> None:
    """The named trouble hits one call, does nothing, and is no violation."""
    playground.faults.next_call(method="chat.postMessage", **fault)
    with pytest.raises(expected) as caught:
        await impatient.chat_postMessage(channel="C0GENERAL", text="lost")
    if isinstance(caught.value, SlackApiError) and fault["trouble"] == "rate_limited":
        assert caught.value.response.headers["Retry-After"] == "7"
    await impatient.chat_postMessage(channel="C0GENERAL", text="kept")
    assert await texts(playground) == ["kept"]
    assert playground.violations() == []


async def test_reply_can_get_lost_after_the_message_was_stored(
    impatient: AsyncWebClient, playground: Playground
) -> None:
    """The caller sees a broken connection, the people see the message."""
    playground.faults.next_call("lost_reply", "chat.postMessage")
    with pytest.raises(aiohttp.ClientError):
        await impatient.chat_postMessage(channel="C0GENERAL", text="stored")
    assert await texts(playground) == ["stored"]


@pytest.mark.parametrize("trouble,expected", [("server_error", SlackApiError), ("reset", aiohttp.ClientError)])
async def test_outage_ends_by_the_clock(
    impatient: AsyncWebClient, raw_app: Any, playground: Playground, trouble: str, expected: type[Exception]
) -> None:
    """While Slack is away calls fail, sockets are cut and new ones refused; people can still read."""
    await raw_app.connect()
    await raw_app.read()
    playground.faults.outage(60, trouble)
    assert (await raw_app.socket.receive(3)).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE)
    with pytest.raises(expected):
        await impatient.auth_test()
    assert await texts(playground) == []
    playground.clock.advance(61)
    assert (await impatient.auth_test())["ok"]


async def test_deliveries_can_be_doubled(raw_app: Any, playground: Playground) -> None:
    """The next event comes four times with one event id; the one after it once."""
    playground.faults.duplicate(1, copies=3)
    await raw_app.connect()
    await raw_app.read()
    dana = playground.driver("dana")
    await dana.say("#general", "one")
    await dana.say("#general", "two")
    envelopes = [await raw_app.read() for _ in range(5)]
    for envelope in envelopes:
        await raw_app.ack(envelope)
    assert [one["payload"]["event"]["text"] for one in envelopes] == ["one"] * 4 + ["two"]
    assert len({one["payload"]["event_id"] for one in envelopes}) == 2


async def test_silent_socket_carries_nothing_and_a_new_one_does(raw_app: Any, playground: Playground) -> None:
    """Events to the silent socket are redelivered to the next one; silence is not the app's violation."""
    await raw_app.connect()
    await raw_app.read()
    playground.faults.silence_sockets()
    await playground.driver("dana").say("#general", "hello")
    silent = raw_app.socket
    await raw_app.connect()
    await raw_app.read()
    envelope = await raw_app.read()
    assert envelope["retry_attempt"] in (0, 1)
    await raw_app.ack(envelope)
    assert playground.violations() == []
    with pytest.raises(TimeoutError):
        await silent.receive(0.05)


async def test_dropped_socket_is_not_a_late_ack(raw_app: Any, playground: Playground) -> None:
    """An event whose connection is cut comes again on a new connection and is not held against the app."""
    await raw_app.connect()
    await raw_app.read()
    await playground.driver("dana").say("#general", "hello")
    first = await raw_app.read()
    playground.faults.drop_sockets()
    await raw_app.connect()
    await raw_app.read()
    playground.clock.advance(61)
    again = await raw_app.read()
    await raw_app.ack(again)
    assert again["payload"]["event_id"] == first["payload"]["event_id"]
    assert playground.violations("missing_ack") == []


async def test_slow_answers_and_the_end_of_all_faults(impatient: AsyncWebClient, playground: Playground) -> None:
    """Every call waits while it is switched on, and clear() ends every fault."""
    loop = asyncio.get_running_loop()
    playground.faults.slow_down(0.2)
    playground.faults.next_call("error", times=9)
    started = loop.time()
    with pytest.raises(SlackApiError):
        await impatient.auth_test()
    assert loop.time() - started >= 0.2
    playground.faults.clear()
    assert (await impatient.auth_test())["ok"]


async def test_events_can_come_in_reverse(raw_app: Any, playground: Playground) -> None:
    """The next three events come backwards once all are there; a group that stays short is sent after a while."""
    await raw_app.connect()
    await raw_app.read()
    dana = playground.driver("dana")
    playground.faults.reorder(3)
    for text in ("one", "two", "three", "four"):
        await dana.say("#general", text)
    envelopes = [await raw_app.read() for _ in range(4)]
    for envelope in envelopes:
        await raw_app.ack(envelope)
    assert [one["payload"]["event"]["text"] for one in envelopes] == ["three", "two", "one", "four"]
    playground.faults.reorder(2)
    await dana.say("#general", "alone")
    await asyncio.sleep(0)
    playground.clock.advance(6)
    envelope = await raw_app.read()
    await raw_app.ack(envelope)
    assert envelope["payload"]["event"]["text"] == "alone"


async def test_events_can_come_late(raw_app: Any, playground: Playground) -> None:
    """A late event comes after the one that followed it, when the clock has moved on."""
    await raw_app.connect()
    await raw_app.read()
    dana = playground.driver("dana")
    playground.faults.delay_events(1, 90)
    await dana.say("#general", "first")
    await dana.say("#general", "second")
    second = await raw_app.read()
    await raw_app.ack(second)
    assert (await dana.do("waiting"))["waiting"][0]["what"] == "event message"
    playground.clock.advance(91)
    first = await raw_app.read()
    await raw_app.ack(first)
    assert [one["payload"]["event"]["text"] for one in (second, first)] == ["second", "first"]


async def test_too_many_events_are_dropped_and_told_once_a_minute(raw_app: Any, playground: Playground) -> None:
    """Above the hourly limit the app hears app_rate_limited; an hour later events come again."""
    assert playground.emulation.delivery.events_per_hour == 30_000
    playground.emulation.delivery.events_per_hour = 2
    await raw_app.connect()
    await raw_app.read()
    dana = playground.driver("dana")
    for number in range(5):
        await dana.say("#general", str(number))
    envelopes = [await raw_app.read() for _ in range(3)]
    for envelope in envelopes:
        await raw_app.ack(envelope)
    kinds = [one["payload"]["type"] for one in envelopes]
    assert kinds == ["event_callback", "event_callback", "app_rate_limited"]
    limited = envelopes[2]["payload"]
    assert limited["team_id"] == "T0ACME001"
    assert limited["minute_rate_limited"] % 60 == 0
    with pytest.raises(TimeoutError):
        await raw_app.read(0.05)
    playground.clock.advance(3601)
    await dana.say("#general", "again")
    envelope = await raw_app.read()
    await raw_app.ack(envelope)
    assert envelope["payload"]["event"]["text"] == "again"


async def test_unfinished_work_is_listed(impatient: AsyncWebClient, playground: Playground) -> None:
    """Events without an app, planned messages, uploads without an end and running streams are all named."""
    dana = playground.driver("dana")
    ts = await dana.say("@evalbot", "hello")
    at = int(playground.clock.now()) + 3600
    await impatient.chat_scheduleMessage(channel="C0GENERAL", post_at=at, text="later")
    await impatient.files_getUploadURLExternal(filename="chart.png", length=4)
    await impatient.chat_startStream(channel=playground.users["dana"], thread_ts=ts, markdown_text="a")
    rows = {one["what"]: one["state"] for one in (await dana.do("waiting"))["waiting"]}
    assert rows["message for #general"] == "scheduled"
    assert rows["file chart.png"] == "announced, no bytes yet"
    assert rows["answer in a direct message"] == "streaming"
    assert any("not acknowledged" in state for state in rows.values())
