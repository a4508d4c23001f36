"""The bot put on Slack: connected by Socket Mode or HTTP, with its outbox, schedule and unfinished runs going."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.app import Program, claims_folder, database_file, open_program, open_store, read_keeping, utc_now
from evalbot.engines.claims import RunClaims
from evalbot.errors import BadSetting, EvalbotError, SlackUnavailable
from evalbot.metrics.page import MetricsPage
from evalbot.metrics.process import ProcessFigures
from evalbot.metrics.stored import SharedFigures
from evalbot.people import TeamId
from evalbot.runs.outputs import RunId
from evalbot.runs.runs import Run
from evalbot.schedule import start_schedule
from evalbot.settings import Settings
from evalbot.slack.announcer import SlackAnnouncer
from evalbot.slack.app import build_app
from evalbot.slack.confirming import Confirmations
from evalbot.slack.directory import Directory
from evalbot.slack.door import Door, find_permalink
from evalbot.slack.http_app import EVENTS_PATH, Health, SlackRequests, build_http_app, serve_http
from evalbot.slack.outbox import OutboxSender
from evalbot.slack.pace import USUAL, Pace
from evalbot.slack.receiving import Receive, receive_with
from evalbot.slack.retrying import CarefulClient, PatientRetry, refusal_code
from evalbot.slack.sockets import PATIENT, Sockets, Timing
from evalbot.slack.views.reviews import grades_noted
from evalbot.store import workspaces
from evalbot.store.database import Store, Transaction
from evalbot.workflows.judge_trials import go_on
from evalbot.workflows.posting import Outbox
from evalbot.workflows.retelling import tell_again
from evalbot.workflows.taking_grades import GradeDesk

log = logging.getLogger(__name__)

SLACK_TIMEOUT_S = 20

SENDING = RunId("outbox")
"""Delivering what the outbox holds is claimed like a run: one program does it, and another one when that dies."""

BEING_THE_BOT = RunId("bot")
"""Of the bots on one SQLite file there is one: it carries runs out by itself, and no other process knows what it is doing."""

LOOK_UP_TIMEOUT_S = 1
"""A person is looked up while Slack waits for an acknowledgement."""

LAST_WORDS_S = 4.0
"""How long the messages of a bot that ends may take; it is gone within ten seconds."""

LOOK_UP_PAUSE_S = 30.0
"""How long one who could not be looked up then is taken for a plain member."""


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot that is connected: its program, its outbox, the address it listens on in HTTP mode, and how it is.

    `paused` are the runs that lie still once it has ended.
    """

    program: Program
    outbox: Outbox
    door: Door
    url: str
    health: Health
    paused: list[Run] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who Slack says we are."""

    team: TeamId
    bot_user: str


@asynccontextmanager
async def open_bot(
    settings: Settings,
    *,
    now: Callable[[], datetime] = utc_now,
    note: str = "",
    pace: Pace = USUAL,
    timing: Timing = PATIENT,
) -> AsyncIterator[Bot]:
    """Connect to Slack and begin: unfinished runs go on, waiting posts are delivered, digests are looked after.

    `note` names what is simulated; `pace` and `timing` (of Socket Mode) are quicker than usual only where Slack is simulated.
    Raises BadSetting for missing or refused tokens, SlackUnavailable when Slack is away.
    """
    _check_tokens(settings)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        client = slack_client(settings, session, patient=True)
        identity = await identify(client)
        store = await stack.enter_async_context(open_store(settings))
        claims = RunClaims(claims_folder(settings.database_url))
        _be_the_only_one(stack, settings, claims)
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
        door = Door(
            program.services,
            program.engine,
            outbox,
            directory,
            client,
            settings.command,
            identity.bot_user,
            GradeDesk(program.services, pace.card_s),
            Confirmations(grades_noted, program.services.spawn, pace.confirm_s),
        )
        await tell_again(program.services)
        page = _open_page(stack, program, now)
        url, health = await _connect(stack, settings, door, timing, page)
        posting = slack_client(settings, session)
        stack.callback(claims.release, SENDING)
        sender = OutboxSender(posting, outbox, pace, may_send=lambda: claims.take(SENDING))
        _go_on_beside(stack, settings, program, sender, pace)
        waiting = await program.resume()
        await go_on(program.services)
        log.info("connected", extra={"action": "connected", "team": identity.team, "resumed": waiting})
        bot = Bot(program, outbox, door, url, health)
        stack.push_async_callback(_pause, bot)
        yield bot


def _go_on_beside(
    stack: AsyncExitStack, settings: Settings, program: Program, sender: OutboxSender, pace: Pace
) -> None:
    """Deliver what waits, follow the runs that workers carry out and look after schedules, until the end."""
    stack.push_async_callback(_stop, asyncio.create_task(sender.run(), name="outbox"))
    stack.push_async_callback(_stop, asyncio.create_task(program.follow(pace.progress_s), name="follow"))
    scheduler = start_schedule(program.services, read_keeping(settings))
    stack.callback(scheduler.shutdown, wait=False)


async def _pause(bot: Bot) -> None:
    """Stop the runs under way and tell people, while Slack can still be reached; what it does not take waits in the outbox."""
    try:
        bot.paused.extend(await bot.program.pause())
        if bot.paused:
            async with asyncio.timeout(LAST_WORDS_S):
                await bot.outbox.emptied()
    except TimeoutError:
        log.warning("Slack has not taken every message", extra={"action": "messages_wait"})
    except EvalbotError as error:
        log.warning("the runs under way could not be told of: %s", error.message, extra={"action": "pause_untold"})


def _be_the_only_one(stack: AsyncExitStack, settings: Settings, claims: RunClaims) -> None:
    """Raise BadSetting when another bot has the SQLite file; several bots share a database on a server."""
    file = database_file(settings.database_url)
    if file is None:
        return
    if not claims.take(BEING_THE_BOT):
        raise BadSetting(
            f"Another evalbot serve uses the database {file.name}.",
            "Stop it first, or name another file with EVALBOT_DATABASE_URL; several bots need PostgreSQL.",
        )
    stack.callback(claims.release, BEING_THE_BOT)


def slack_client(
    settings: Settings, session: aiohttp.ClientSession, *, timeout_s: int = SLACK_TIMEOUT_S, patient: bool = False
) -> AsyncWebClient:
    """Give a Web API client. A patient one waits and calls again when Slack says that it was too fast.

    None repeats a call whose answer was lost, as a repeated post would be there twice.
    """
    assert settings.slack_bot_token is not None
    return CarefulClient(
        token=settings.slack_bot_token.get_secret_value(),
        base_url=settings.slack_api_url,
        session=session,
        timeout=timeout_s,
        retry_handlers=[PatientRetry()] if patient else [],
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
        code = refusal_code(error)
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


def _open_page(stack: AsyncExitStack, program: Program, now: Callable[[], datetime]) -> MetricsPage:
    """Begin to count, and give the page that shows it."""
    figures = ProcessFigures()
    stack.push_async_callback(_stop, asyncio.create_task(figures.watch_loop(), name="loop lag"))
    return MetricsPage(figures, lambda: program.lines, SharedFigures(program.services.store, now, program.queue_depth))


async def _connect(
    stack: AsyncExitStack, settings: Settings, door: Door, timing: Timing, page: MetricsPage
) -> tuple[str, Health]:
    """Connect by Socket Mode when there is an app token, else listen for Slack's requests; gives the address and the health."""
    assert door.client.session is not None
    hurried = slack_client(settings, door.client.session, timeout_s=LOOK_UP_TIMEOUT_S)
    app = build_app(door, replace(door.directory, client=hurried, pause_s=LOOK_UP_PAUSE_S, missed_at={}))
    receive = page.process.timed(receive_with(app))
    if settings.slack_app_token is None:
        return await _listen(stack, settings, door, receive, page)
    token = settings.slack_app_token.get_secret_value()
    plain = slack_client(settings, door.client.session)
    sockets = await stack.enter_async_context(
        Sockets(plain, token, receive, session=door.client.session, timing=timing)
    )
    if "port" in settings.model_fields_set and settings.port:
        web = build_http_app(sockets.health, metrics=page.write)
        await stack.enter_async_context(serve_http(web, settings.host, settings.port))
    return "", sockets.health


async def _listen(
    stack: AsyncExitStack, settings: Settings, door: Door, receive: Receive, page: MetricsPage
) -> tuple[str, Health]:
    """Serve Slack's requests over HTTP."""
    assert settings.slack_signing_secret is not None
    secret = settings.slack_signing_secret.get_secret_value()
    requests = SlackRequests(receive, secret, lambda: door.services.now().timestamp())
    app = build_http_app(requests.health, requests, page.write)
    url = await stack.enter_async_context(serve_http(app, settings.host, settings.port))
    return f"{url}{EVENTS_PATH}", requests.health


async def _stop(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def serve(settings: Settings, on_ready: Callable[[Bot], None]) -> list[Run]:
    """Be the bot until SIGINT or SIGTERM; gives the runs that lie still until its next start."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ending.set)
    async with open_bot(settings) as bot:
        on_ready(bot)
        await ending.wait()
    return bot.paused
