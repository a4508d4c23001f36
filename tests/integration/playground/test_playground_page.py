"""The page's websocket and the control door."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.playground.server import Playground


class Window:
    """A window of the page as a test sees it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Start with no event."""
        self.socket = socket
        self.events: list[dict[str, Any]] = []

    async def event(self, name: str, timeout: float = 3.0, **keys: Any) -> dict[str, Any]:
        """Return the next event of this name with these values; others are kept in events."""
        while True:
            found: dict[str, Any] = json.loads((await self.socket.receive(timeout)).data)
            self.events.append(found)
            if found.get("event") == name and all(found.get(key) == value for key, value in keys.items()):
                return found

    async def do(self, verb: str, **args: Any) -> dict[str, Any]:
        """Do an action and return the answer."""
        await self.socket.send_json({"id": 7, "do": verb, **args})
        while True:
            found: dict[str, Any] = json.loads((await self.socket.receive(3)).data)
            if found.get("re") == 7:
                return found
            self.events.append(found)


async def open_window(session: aiohttp.ClientSession, playground: Playground, person: str) -> Window:
    """Open a window as somebody."""
    return Window(await session.ws_connect(f"{playground.base_url}/page?person={person}"))


async def test_hello_tells_a_window_everything(session: aiohttp.ClientSession, playground: Playground) -> None:
    """The first event names people, the person's own channels, commands, shortcuts and the time."""
    hello = await (await open_window(session, playground, "gus")).event("hello")
    assert hello["me"] == playground.users["gus"]
    assert {one["name"] for one in hello["channels"]} == {"support-quality", "evalbot"}
    assert hello["commands"][0]["command"] == "/evalbot"
    assert {one["type"] for one in hello["shortcuts"]} == {"message", "global"}
    dana = next(one for one in hello["people"] if one["name"] == "dana")
    assert (dana["initials"], dana["tz"], dana["is_guest"]) == ("DO", "Europe/Berlin", False)
    assert abs(hello["now"] - playground.clock.now()) < 60


async def test_unknown_person_is_told(session: aiohttp.ClientSession, playground: Playground) -> None:
    """A window for nobody gets a sentence and is closed."""
    window = await open_window(session, playground, "nobody")
    assert "nobody" in (await window.event("notice"))["text"]


async def test_messages_reach_members_with_their_counts(session: aiohttp.ClientSession, playground: Playground) -> None:
    """A mention counts for the person who was mentioned; replies bring their parent; reading sets back to zero."""
    lee, kim = await open_window(session, playground, "lee"), await open_window(session, playground, "kim")
    dana = playground.driver("dana")
    ts = await dana.say("#general", "hi @lee")
    assert (await lee.event("message"))["message"]["ts"] == ts
    channel = (await lee.event("channel"))["channel"]
    assert (channel["unread"], channel["mentions"]) == (1, 1)
    channel = (await kim.event("channel"))["channel"]
    assert (channel["unread"], channel["mentions"]) == (1, 0)
    await dana.say("#general", "and", thread=ts)
    parent = await lee.event("message", channel="C0GENERAL")
    while parent["message"]["ts"] != ts:
        parent = await lee.event("message")
    assert parent["message"]["reply_count"] == 1
    assert (await lee.do("mark_read", channel="C0GENERAL", ts=ts))["ok"]
    told = [one["channel"]["unread"] for one in lee.events if one.get("event") == "channel"]
    assert told[-1] == 0


async def test_looking_into_a_channel_is_live_too(session: aiohttp.ClientSession, playground: Playground) -> None:
    """Who reads a public channel without joining hears of new, edited and deleted messages, without marks of unread."""
    kim, bystander = await open_window(session, playground, "kim"), await open_window(session, playground, "ada")
    lee = playground.driver("lee")
    where = (await lee.do("add_channel", name="lounge", members=["lee"]))["id"]
    assert (await kim.do("history", channel=where))["ok"]
    ts = await lee.say("#lounge", "@kim, are you there?")
    assert (await kim.event("message", channel=where))["message"]["ts"] == ts
    assert (await kim.event("channel"))["channel"]["unread"] == 0
    message = await lee.see_message("#lounge", "are you there?")
    await lee.edit(message, "anybody?")
    assert (await kim.event("message", channel=where))["message"]["text"] == "anybody?"
    await lee.delete(message)
    assert (await kim.event("deleted", channel=where))["ts"] == ts
    await bystander.do("whoami")
    assert not [one for one in bystander.events if one.get("event") == "message"]


async def test_looking_into_a_private_channel_is_refused(
    session: aiohttp.ClientSession, playground: Playground
) -> None:
    """Asking for a channel that one may not see shows nothing of it, then or later."""
    lee = await open_window(session, playground, "lee")
    await lee.event("hello")
    assert not (await lee.do("history", channel=playground.channels["evals-stewards"]))["ok"]
    await playground.driver("dana").say("#evals-stewards", "among stewards")
    await lee.do("whoami")
    assert not [one for one in lee.events if one.get("event") in ("message", "channel")]


async def test_private_things_stay_private(
    session: aiohttp.ClientSession, playground: Playground, client: AsyncWebClient
) -> None:
    """Ephemeral messages, modals and private channels reach only whom they are for."""
    dana, lee = await open_window(session, playground, "dana"), await open_window(session, playground, "lee")
    await client.chat_postEphemeral(channel="C0GENERAL", user=playground.users["dana"], text="psst")
    await client.chat_postMessage(channel=playground.channels["evals-stewards"], text="among stewards")
    trigger = playground.emulation.keys.make_trigger(playground.users["dana"])
    blocks = [{"type": "divider"}]
    await client.views_open(
        trigger_id=trigger, view={"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": blocks}
    )
    await client.chat_postMessage(channel="C0GENERAL", text="for all")
    assert (await dana.event("ephemeral"))["message"]["text"] == "psst"
    view = await dana.event("view")
    assert (view["mode"], view["stack"]) == ("open", [view["view"]["id"]])
    await lee.event("message", channel="C0GENERAL")
    assert {one["event"] for one in lee.events} <= {"hello", "message", "channel"}
    assert all("stewards" not in json.dumps(one) for one in lee.events[1:])
    answer = await lee.do("history", channel=playground.channels["evals-stewards"])
    assert answer["ok"] is False


async def test_burst_of_updates_is_merged(
    session: aiohttp.ClientSession, playground: Playground, client: AsyncWebClient
) -> None:
    """Fifty edits of one message reach a window as a few events, the last of them whole."""
    window = await open_window(session, playground, "dana")
    ts = (await client.chat_postMessage(channel="C0GENERAL", text="0"))["ts"]
    message = playground.emulation.space.channels["C0GENERAL"].log.find(ts)
    assert message is not None
    for number in range(50):
        playground.emulation.space.edit(
            playground.emulation.space.channels["C0GENERAL"], message, {"text": str(number)}, "U0EVALBOT"
        )
    seen = await window.event("message")
    while seen["message"]["text"] != "49":
        seen = await window.event("message")
    assert len([one for one in window.events if one["event"] == "message"]) <= 3


async def test_trouble_panel(session: aiohttp.ClientSession, playground: Playground, client: AsyncWebClient) -> None:
    """Violations, faults and the clock are told to every window and can be changed from one."""
    window, other = await open_window(session, playground, "dana"), await open_window(session, playground, "lee")
    await client.chat_postMessage(channel="C0GENERAL", text="<!channel> wake up")
    assert (await other.event("violations"))["latest"]["kind"] == "pings_channel"
    answer = await window.do("faults", slow=0.5, next_call={"trouble": "error", "method": "chat.update"})
    assert answer["faults"]["slow"] == 0.5
    assert (await other.event("faults"))["faults"]["slow"] == 0.5
    assert (await window.do("faults", clear=True))["faults"]["calls"] == []
    before = playground.clock.now()
    await window.do("clock", advance=3600)
    assert (await other.event("clock"))["now"] >= before + 3600
    assert (await window.do("violations", clear=True))["count"] == 0


@pytest.mark.parametrize(
    "verb,args,words",
    [
        ("nonsense", {}, "There is no action"),
        ("clock", {"advance": "soon"}, "not right"),
        ("click", {"channel": "C0GENERAL", "ts": "1"}, "gone"),
        ("view_close", {"view_id": "V1"}, "closed"),
        ("send", {"channel": "C0GENERAL", "text": " "}, "nothing to send"),
    ],
)
async def test_mistakes_are_answered_with_a_sentence(
    session: aiohttp.ClientSession, playground: Playground, verb: str, args: dict[str, Any], words: str
) -> None:
    """The control door never answers with a traceback."""
    async with session.post(f"{playground.base_url}/control/{verb}", json={"person": "dana", **args}) as response:
        answer = await response.json()
    assert answer["ok"] is False
    assert words in answer["error"]


async def test_answers_do_not_wait_for_each_other(session: aiohttp.ClientSession, playground: Playground) -> None:
    """A command that waits for a missing app does not hold up reading."""
    window = await open_window(session, playground, "dana")
    playground.faults.slow_down(0)
    await window.socket.send_json({"id": 1, "do": "send", "channel": "C0GENERAL", "text": "/evalbot x"})
    async with asyncio.timeout(20):
        assert (await window.do("history", channel="C0GENERAL"))["ok"]


async def test_other_web_sites_are_kept_out(session: aiohttp.ClientSession, playground: Playground) -> None:
    """A browser on another site can neither watch nor act; the page itself can."""
    strange, own = {"Origin": "http://evil.example"}, {"Origin": playground.base_url}
    url = f"{playground.base_url}/control/clock"
    async with session.post(url, json={}, headers=strange) as refused, session.post(url, json={}, headers=own) as taken:
        assert (refused.status, taken.status) == (403, 200)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(f"{playground.base_url}/page", headers=strange)
    async with session.ws_connect(f"{playground.base_url}/page", headers=own) as socket:
        assert (await socket.receive_json(timeout=20))["event"] == "hello"


async def test_page_is_served_or_said_to_be_missing(session: aiohttp.ClientSession, playground: Playground) -> None:
    """The root always answers."""
    async with session.get(playground.page_url) as response:
        assert response.status == 200
