"""A real slack_bolt app in the playground, driven in the process and over the network."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.playground.driver import Driver, DriverError, NotSeen, RemoteDriver
from evalbot.playground.refusals import PlaygroundError
from evalbot.playground.server import Playground

CARD: list[dict[str, Any]] = [
    {"type": "section", "block_id": "head", "text": {"type": "mrkdwn", "text": "*Run 1* queued"}},
    {
        "type": "actions",
        "block_id": "act",
        "elements": [
            {"type": "button", "action_id": "open", "text": {"type": "plain_text", "text": "Open"}, "value": "17"},
            {
                "type": "static_select",
                "action_id": "pick",
                "placeholder": {"type": "plain_text", "text": "Pick a skill"},
                "options": [
                    {"text": {"type": "plain_text", "text": one}, "value": one.lower()} for one in ("Geo", "Math")
                ],
            },
        ],
    },
]
FORM = {
    "type": "modal",
    "callback_id": "item",
    "title": {"type": "plain_text", "text": "New item"},
    "submit": {"type": "plain_text", "text": "Save"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "prompt",
            "label": {"type": "plain_text", "text": "Prompt"},
            "element": {"type": "plain_text_input", "action_id": "v"},
        },
        {
            "type": "input",
            "block_id": "suite",
            "optional": True,
            "label": {"type": "plain_text", "text": "Suite"},
            "element": {"type": "external_select", "action_id": "suites", "min_query_length": 0},
        },
    ],
}


def build(playground: Playground) -> AsyncApp:
    """Return a small app that uses every kind of delivery."""
    app = AsyncApp(client=AsyncWebClient(token=playground.bot_token, base_url=playground.api_url))
    channel = playground.channels["support-evals"]

    @app.command("/evalbot")
    async def command(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack("Starting")
        await client.chat_postMessage(channel=body["channel_id"], text="Run 1", blocks=CARD)

    @app.action("open")
    async def open_form(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(
            trigger_id=body["trigger_id"], view={**FORM, "private_metadata": body["actions"][0]["value"]}
        )

    @app.action("pick")
    async def pick(ack: Any, body: dict[str, Any], respond: Any) -> None:
        await ack()
        await respond(text=f"picked {body['actions'][0]['selected_option']['value']}", replace_original=True)

    @app.options("suites")
    async def suites(ack: Any, body: dict[str, Any]) -> None:
        await ack(options=[{"text": {"type": "plain_text", "text": body["value"] + "!"}, "value": "s1"}])

    @app.view("item")
    async def submitted(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        text = body["view"]["state"]["values"]["prompt"]["v"]["value"]
        if text == "bad":
            await ack(response_action="errors", errors={"prompt": "Say more."})
            return
        await ack()
        saved = f"saved {text} for {body['view']['private_metadata']}"
        await client.chat_postEphemeral(channel=channel, user=body["user"]["id"], text=saved)

    @app.view_closed("item")
    async def closed(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.chat_postEphemeral(channel=channel, user=body["user"]["id"], text=f"closed {body['is_cleared']}")

    build_entrances(app)
    return app


def build_entrances(app: AsyncApp) -> None:
    """Add the shortcuts, the Home tab and what is done with events."""

    @app.shortcut("add_to_evals")
    async def from_message(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.chat_postMessage(
            channel=body["channel"]["id"], thread_ts=body["message"]["ts"], text=f"noted: {body['message']['text']}"
        )

    @app.shortcut("probe_model")
    async def from_anywhere(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    @app.event("app_home_opened")
    async def home(event: dict[str, Any], client: AsyncWebClient) -> None:
        block = {"type": "section", "text": {"type": "mrkdwn", "text": f"Hello <@{event['user']}>"}}
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [block]})

    @app.event("app_mention")
    async def mention(event: dict[str, Any], say: Callable[..., Any]) -> None:
        await say(text=f"heard: {event['text'].partition('> ')[2]}", thread_ts=event["ts"])

    @app.event("message")
    @app.event("reaction_added")
    async def other(event: dict[str, Any]) -> None:
        """Take it, so that it does not come again."""


@pytest.fixture
async def connected(playground: Playground) -> AsyncIterator[AsyncApp]:
    """The small app, connected."""
    app = build(playground)
    handler = AsyncSocketModeHandler(app, playground.app_token)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await playground.wait_connected()
    yield app
    await handler.close_async()  # type: ignore[no-untyped-call]


@pytest.fixture(params=["in the process", "over the network"])
async def dana(request: pytest.FixtureRequest, playground: Playground) -> AsyncIterator[Driver]:
    """Dana at the keyboard, both ways."""
    driver = (
        playground.driver("dana") if request.param == "in the process" else RemoteDriver(playground.page_url, "dana")
    )
    async with driver:
        yield driver


async def test_command_card_modal_and_answer(connected: AsyncApp, playground: Playground, dana: Driver) -> None:
    """A command posts a card, its button opens a form, an error is shown, and a good entry closes it."""
    await dana.slash("/evalbot run geography", "#support-evals")
    await dana.see_ephemeral("#support-evals", "Starting")
    card = await dana.see_message("#support-evals", "*Run 1* queued")
    await dana.click("Open", card)
    await dana.see_view("New item")
    assert await dana.submit_with_errors() == {"prompt": "Please complete this required field."}
    assert await dana.submit_with_errors(Prompt="bad") == {"prompt": "Say more."}
    await dana.submit(Prompt="Which plan has SSO?")
    await dana.see_ephemeral("#support-evals", "saved Which plan has SSO? for 17")
    await dana.see_no_view()
    assert playground.violations() == []


async def test_choices_suggestions_and_closing(connected: AsyncApp, playground: Playground, dana: Driver) -> None:
    """A menu choice reaches the app, which edits the card; an external menu is filled; closing is told."""
    await dana.slash("/evalbot run", "#support-evals")
    card = await dana.see_message("#support-evals", "queued")
    await dana.click("open", card)
    assert (await dana.suggestions("Suite", "geo"))[0]["text"]["text"] == "geo!"
    await dana.close()
    await dana.see_ephemeral("#support-evals", "closed False")
    await dana.select("Pick a skill", "Math", card)
    await dana.see_message("#support-evals", "picked math")
    assert playground.violations() == []


async def test_mentions_shortcuts_reactions_and_home(connected: AsyncApp, playground: Playground, dana: Driver) -> None:
    """A mention is answered in its thread, shortcuts work from a message and from anywhere, the Home tab fills."""
    ts = await dana.mention("#support-evals", "how are we doing?")
    await dana.see_message("#support-evals", "heard: how are we doing?", thread=ts)
    message = await dana.see_message("#support-evals", "how are we doing?")
    await dana.shortcut("add_to_evals", message)
    await dana.see_reply(message, "noted:")
    await dana.react(message, "eyes")
    await dana.shortcut("probe_model")
    await dana.see_view("New item")
    await dana.close(clear=True)
    await dana.see_ephemeral("#support-evals", "closed True")
    await dana.open_home()
    await dana.see_home("Hello @dana")
    assert playground.violations() == []


async def test_failure_shows_what_there_was_instead(playground: Playground, dana: Driver) -> None:
    """A wait that fails draws the channel; an unknown button names those there are."""
    await dana.say("#general", "good morning")
    with pytest.raises(NotSeen) as caught:
        await dana.see_message("#general", "good night", timeout=0.1)
    assert "dana waited 0.1 s for a message containing 'good night' in #general" in str(caught.value)
    assert "good morning" in str(caught.value)
    message = await dana.see_message("#general", "morning")
    with pytest.raises(PlaygroundError, match="no button or field 'Open'"):
        await dana.click("Open", message)
    with pytest.raises(DriverError, match="There is no channel"):
        await dana.say("#nowhere", "x")
    with pytest.raises(DriverError, match="nobody called"):
        await playground.driver("nobody").say("#general", "x")


async def test_response_url_counts_its_uses(connected: AsyncApp, playground: Playground) -> None:
    """Five answers are shown, the sixth is refused and noted."""
    urls: asyncio.Queue[str] = asyncio.Queue()

    @connected.command("/evalbot")
    async def again(ack: Any, body: dict[str, Any]) -> None:
        await ack()

    @connected.middleware
    async def keep(body: dict[str, Any], next: Any) -> None:
        if "response_url" in body:
            await urls.put(body["response_url"])
        await next()

    dana = playground.driver("dana")
    await dana.slash("/evalbot x", "#support-evals")
    url = await asyncio.wait_for(urls.get(), 3)
    async with aiohttp.ClientSession() as session:
        codes = []
        for number in range(6):
            async with session.post(url, json={"text": f"answer {number}"}) as response:
                codes.append(response.status)
    assert codes == [200] * 5 + [404]
    await dana.see_ephemeral("#support-evals", "answer 4")
    assert len(playground.violations("bad_response_url")) == 1
