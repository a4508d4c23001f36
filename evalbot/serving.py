"""The bot put on Slack: connected by Socket Mode or HTTP, with its outbox, schedule and unfinished runs going."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import aiohttp
import uvicorn
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from evalbot.app import Program, open_program, open_store, utc_now
from evalbot.errors import BadSetting, SlackUnavailable
from evalbot.people import TeamId
from evalbot.schedule import start_schedule
from evalbot.settings import Settings
from evalbot.slack.announcer import SlackAnnouncer
from evalbot.slack.app import build_app
from evalbot.slack.directory import Directory
from evalbot.slack.door import Door, find_permalink
from evalbot.slack.outbox import OutboxSender
from evalbot.slack.pace import USUAL, Pace
from evalbot.store import workspaces
from evalbot.store.database import Store, Transaction
from evalbot.workflows.posting import Outbox

log = logging.getLogger(__name__)

SLACK_TIMEOUT_S = 20
EVENTS_PATH = "/slack/events"


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot that is connected: its program, its outbox and the address it listens on in HTTP mode."""

    program: Program
    outbox: Outbox
    door: Door
    url: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who Slack says we are."""

    team: TeamId
    bot_user: str


@asynccontextmanager
async def open_bot(
    settings: Settings, *, now: Callable[[], datetime] = utc_now, note: str = "", pace: Pace = USUAL
) -> AsyncIterator[Bot]:
    """Connect to Slack and begin: unfinished runs go on, waiting posts are delivered, digests are looked after.

    `note` names what is simulated; `pace` is quicker than Slack allows only where Slack is simulated. Raises BadSetting for missing or refused tokens, SlackUnavailable when Slack is away.
    """
    _check_tokens(settings)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        client = slack_client(settings, session)
        identity = await identify(client)
        store = await stack.enter_async_context(open_store(settings))
        await _adopt(store, identity.team)
        outbox = Outbox(store, now)
        announcer = SlackAnnouncer(
            outbox,
            identity.team,
            permalink=lambda key: find_permalink(client, outbox, key),
            stewards=settings.stewards_channel,
            note=note,
            pace=pace,
        )
        program = await stack.enter_async_context(
            open_program(settings, store, team=identity.team, announcer=announcer, now=now)
        )
        directory = Directory(client, identity.team, settings.admin_ids, settings.default_role)
        door = Door(program.services, program.engine, outbox, directory, client, settings.command, identity.bot_user)
        url = await _connect(stack, settings, door)
        sender = asyncio.create_task(OutboxSender(client, outbox, pace).run(), name="outbox")
        stack.push_async_callback(_stop, sender)
        scheduler = start_schedule(program.services)
        stack.callback(scheduler.shutdown, wait=False)
        waiting = await program.resume()
        log.info("connected", extra={"action": "connected", "team": identity.team, "resumed": waiting})
        yield Bot(program, outbox, door, url)


def slack_client(settings: Settings, session: aiohttp.ClientSession) -> AsyncWebClient:
    """Give the Web API client; it repeats nothing by itself, as a repeated post would be there twice."""
    assert settings.slack_bot_token is not None
    return AsyncWebClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        session=session,
        timeout=SLACK_TIMEOUT_S,
        retry_handlers=[],
    )


def _check_tokens(settings: Settings) -> None:
    """Raise BadSetting unless the tokens for one of the two modes are set."""
    if settings.slack_bot_token is None:
        raise BadSetting(
            "SLACK_BOT_TOKEN is not set.", "Set the bot token (xoxb-...) of your Slack app, or try evalbot demo."
        )
    if settings.slack_app_token is None and settings.slack_signing_secret is None:
        raise BadSetting(
            "Neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set.",
            "Set the app token (xapp-...) for Socket Mode, or the signing secret for HTTP.",
        )


async def identify(client: AsyncWebClient) -> Identity:
    """Ask Slack who we are; raises BadSetting for a refused token and SlackUnavailable when there is no answer."""
    try:
        answer = await client.auth_test()
    except SlackApiError as error:
        code = str(error.response.get("error") or error.response.status_code)
        if error.response.status_code >= 429:
            raise SlackUnavailable(f"Slack answered {code}.", "Try again in a minute.") from None
        raise BadSetting(
            f"Slack refused SLACK_BOT_TOKEN ({code}).", "Copy the token from your app's page again."
        ) from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise SlackUnavailable(
            f"Slack could not be reached ({type(error).__name__}).", "Check the network and SLACK_API_URL."
        ) from None
    return Identity(TeamId(str(answer["team_id"])), str(answer["user_id"]))


async def _adopt(store: Store, team: TeamId) -> None:
    """Make the workspace the home of what was run from the command line before."""

    async def adopt(tx: Transaction) -> None:
        await workspaces.adopt_local(tx, team)
        await workspaces.remember_home(tx, team)

    await store.write(adopt)


async def _connect(stack: AsyncExitStack, settings: Settings, door: Door) -> str:
    """Connect by Socket Mode when there is an app token, else listen for Slack's requests; gives the address of the latter."""
    if settings.slack_app_token is not None:
        app = build_app(door)
        handler = AsyncSocketModeHandler(app, settings.slack_app_token.get_secret_value(), web_client=door.client)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        stack.push_async_callback(handler.close_async)
        return ""
    assert settings.slack_signing_secret is not None
    app = build_app(door, settings.slack_signing_secret.get_secret_value())
    return await _listen(stack, settings, app)


async def _listen(stack: AsyncExitStack, settings: Settings, app: AsyncApp) -> str:
    """Serve Slack's requests over HTTP."""
    handler = AsyncSlackRequestHandler(app)

    async def receive(request: Request) -> Response:
        return await handler.handle(request)

    async def health(request: Request) -> Response:
        return PlainTextResponse("ok")

    asgi = Starlette(routes=[Route(EVENTS_PATH, receive, methods=["POST"]), Route("/health", health)])
    config = uvicorn.Config(asgi, settings.host, settings.port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    task = asyncio.create_task(server.serve(), name="http")
    while not server.started:
        if task.done():
            raise BadSetting(f"Port {settings.port} cannot be listened on.", "Choose another one with EVALBOT_PORT.")
        await asyncio.sleep(0.02)

    async def end() -> None:
        server.should_exit = True
        await task

    stack.push_async_callback(end)
    port = server.servers[0].sockets[0].getsockname()[1]
    return f"http://{settings.host}:{port}{EVENTS_PATH}"


async def _stop(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def serve(settings: Settings, on_ready: Callable[[Bot], None]) -> None:
    """Be the bot until SIGINT or SIGTERM."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ending.set)
    async with open_bot(settings) as bot:
        on_ready(bot)
        await ending.wait()
