"""The stage of the browser tests: the simulated Slack and models and the real bot in this process, and windows on the page."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.people import Person, PersonId, Role
from evalbot.playground.model_server import ModelServer
from evalbot.playground.server import Playground
from evalbot.playground.simulated.simulation import Simulation
from evalbot.runs.requests import RunRequest
from evalbot.serving import Bot, open_bot
from evalbot.settings import Settings, load_settings
from evalbot.slack.pace import Pace
from evalbot.workflows.announcer import QuietAnnouncer
from evalbot.workflows.running import execute_run
from evalbot.workflows.starting import start_run

PROJECT = Path(__file__).parent / "project"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
QUICK = Pace(post_s=0.0, edit_s=0.0, run_edit_s=0.0, progress_s=0.0, card_s=0.0, confirm_s=0.0)
DESKTOP, PHONE = (1440, 900), (390, 844)
PATIENCE_MS = 20_000
OUTAGE_NOISE = ("WebSocket connection to", "net::ERR_CONNECTION_REFUSED")

SCRIPT: Mapping[str, Any] = {
    "How long can I return a tent?": "Thirty days from delivery.",
    "What if I lost the receipt?": "You get store credit.",
    "Who pays for the parcel back?": "You do, it is taken off the refund.",
    "Your stove is rubbish!": "Well, read the manual.",
    "My mug came in five pieces, lol.": "We send you a new one.",
    "Where is my parcel? It is three days late.": "I am sorry. I look it up for you.",
    "sim-judge": {
        "BEGIN TASK": '{"grade": 3, "reason": "It is right."}',
        "read the manual": '{"grade": 1, "reason": "It is rude."}',
    },
}


def find_chromium() -> str | None:
    """Return the path of a Chromium on this machine, or None."""
    return next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)


class Window:
    """A window of the page as one person; everything its console complains of is kept."""

    def __init__(self, page: Page) -> None:
        """Begin to listen to the console."""
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    @property
    def main(self) -> Locator:
        """The conversation in the middle."""
        return self.page.get_by_test_id("main")

    @property
    def thread(self) -> Locator:
        """The thread on the right."""
        return self.page.get_by_test_id("thread")

    @property
    def modal(self) -> Locator:
        """The modal on top."""
        return self.page.get_by_test_id("modal")

    @property
    def box(self) -> Locator:
        """Where a message is written."""
        return self.page.get_by_test_id("composer").get_by_role("combobox")

    def messages(self, text: str | re.Pattern[str] = "", *, within: Locator | None = None) -> Locator:
        """Return the messages that contain a text."""
        return (within or self.main).get_by_test_id("message").filter(has_text=text)

    def button(self, name: str, within: Locator) -> Locator:
        """Return a button by the exact words that stand on it; screen readers may hear more."""
        return within.get_by_role("button").filter(has_text=re.compile(f"^\\s*{re.escape(name)}\\s*$"))

    async def open_channel(self, name: str) -> None:
        """Choose a channel on the left."""
        await self.page.get_by_test_id(f"channel-{name}").click()
        await expect(self.main.get_by_role("heading", level=1)).to_contain_text(name)

    async def type(self, text: str) -> None:
        """Write a line in the open channel, letter by letter, and send it."""
        await self.box.click()
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Enter")

    async def become(self, name: str) -> None:
        """Act as somebody else in this window."""
        await self.page.get_by_test_id("person-switcher").click()
        await self.page.get_by_test_id(f"act-as-{name}").click()
        await expect(self.page).to_have_url(re.compile(f"as={name}"))

    async def see(self, locator: Locator, *texts: str) -> None:
        """Wait until an element shows all these texts."""
        for text in texts:
            await expect(locator).to_contain_text(text, timeout=PATIENCE_MS)


@dataclass
class Stage:
    """The simulated Slack with its page, and windows on it. `bot` is there when the stage was opened with one.

    profile: what windows share, so that each need not load the page's parts anew. channel: one that only the present test uses.
    """

    slack: Playground
    profile: BrowserContext
    bot: Bot | None = None
    channel: str = ""
    windows: list[Window] = field(default_factory=list)
    expected_noise: tuple[str, ...] = ()
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def window(self, person: str, size: tuple[int, int] = DESKTOP, path: str = "", **options: Any) -> Window:
        """Open a window as somebody; with options of a browser profile, in one of its own."""
        window = Window(await (self._own_page(options) if options else self.profile.new_page()))
        self._open.push_async_callback(window.page.close)
        await window.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.windows.append(window)
        await window.page.goto(f"{self.slack.page_url}{path}?as={person}")
        await window.page.get_by_test_id("person-switcher").wait_for(state="attached")
        return window

    async def _own_page(self, options: dict[str, Any]) -> Page:
        """Open a page in a profile of its own."""
        assert self.profile.browser is not None
        context = await self.profile.browser.new_context(**{"reduced_motion": "reduce", **options})
        self._open.push_async_callback(context.close)
        return await context.new_page()

    def complaints(self) -> list[str]:
        """Return what the windows' consoles complained of, the expected left out."""
        found = [text for window in self.windows for text in window.complaints]
        return [text for text in found if not any(one in text for one in self.expected_noise)]

    async def new_channel(self) -> None:
        """Make a channel of people and the bot, for one test."""
        dana = self.slack.driver("dana")
        self.channel = f"evals-{len(self.slack.channels)}"
        await dana.do("add_channel", name=self.channel, members=["dana", "lee", "kim"])

    async def close_windows(self) -> None:
        """Close all windows."""
        await self._open.aclose()
        self.windows.clear()


@asynccontextmanager
async def open_page_stage(profile: BrowserContext, **options: Any) -> AsyncIterator[Stage]:
    """Build a stage without a bot."""
    async with Playground(rate_limits=False, **options) as slack:
        stage = Stage(slack, profile)
        try:
            yield stage
        finally:
            await stage.close_windows()


@asynccontextmanager
async def open_bot_stage(profile: BrowserContext, database: Path, simulation: Simulation) -> AsyncIterator[Stage]:
    """Build a stage with the real bot connected."""
    async with open_page_stage(profile) as stage, ModelServer(simulation=simulation) as models:
        settings = bot_settings(stage.slack, models, database)
        async with open_bot(settings, note="simulated models", pace=QUICK) as bot:
            await stage.slack.wait_connected()
            stage.bot = bot
            yield stage
            await stage.close_windows()


def bot_settings(slack: Playground, models: ModelServer, database: Path) -> Settings:
    """Give the settings of the bot on this stage."""
    return load_settings(
        database_url=f"sqlite+aiosqlite:///{database}",
        project=PROJECT,
        slack_bot_token=slack.bot_token,
        slack_app_token=slack.app_token,
        slack_api_url=slack.api_url,
        openai_base_url=models.base_url,
        openai_api_key="simulated",
        stewards_channel=slack.channels["evals-stewards"],
    )


async def run_weeks_ago(bot: Bot, weeks: int, who: str) -> None:
    """Run the suite as if it had been so many weeks ago, telling nobody."""
    services = bot.program.services
    then = services.now() - timedelta(weeks=weeks)
    began = time.monotonic()
    quiet = replace(
        services, announcer=QuietAnnouncer(), now=lambda: then + timedelta(seconds=time.monotonic() - began)
    )
    person = Person(PersonId(who), services.team, "dana", Role.APPROVER)
    run = await start_run(quiet, RunRequest("desk", person))
    await execute_run(quiet, run.id)


class TakingApp:
    """An app that takes every delivery at once and keeps what it was sent."""

    def __init__(self, slack: Playground) -> None:
        """client: the bot's Web API."""
        self.client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        self.taken: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._slack = slack
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> TakingApp:
        """Connect."""
        self._session = aiohttp.ClientSession()
        url = (await self.client.apps_connections_open(app_token=self._slack.app_token))["url"]
        self._socket = await self._session.ws_connect(str(url))
        self._reading = asyncio.create_task(self._read())
        await self._slack.wait_connected()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        if self._reading is not None:
            self._reading.cancel()
        await self._socket.close()
        await self._session.close()

    async def next(self, kind: str) -> dict[str, Any]:
        """Return the next payload of a kind, such as block_actions."""
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while True:
                payload = await self.taken.get()
                if payload.get("type") == kind:
                    return payload

    async def _read(self) -> None:
        async for frame in self._socket:
            envelope = json.loads(frame.data)
            if "envelope_id" in envelope:
                await self._socket.send_json({"envelope_id": envelope["envelope_id"]})
                self.taken.put_nowait(envelope["payload"])
