"""The stage of the stories: a simulated Slack, simulated models and the real bot, all in this process."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from evalbot.grading.grades import Grade, GraderKind
from evalbot.grading.reviews import Review
from evalbot.playground.driver import Driver, Seen
from evalbot.playground.model_server import ModelServer
from evalbot.playground.server import Playground
from evalbot.playground.simulated.simulation import Simulation
from evalbot.reporting.posts import Delivery
from evalbot.runs.outputs import Output
from evalbot.runs.runs import Run
from evalbot.serving import Bot, open_bot
from evalbot.settings import Settings, load_settings
from evalbot.slack.pace import Pace
from evalbot.slack.sockets import Timing
from evalbot.store import grades, outputs, posts, reviews, runs
from evalbot.store.database import Transaction

PROJECT = Path(__file__).parent / "project"
CHANNEL = "#support-evals"
STEWARDS = "#evals-stewards"
PATIENCE_S = 20.0
QUICK = Pace(post_s=0.0, edit_s=0.0, run_edit_s=0.0, progress_s=0.0, card_s=0.0, confirm_s=0.0)
BRIEF = Timing(linger_s=0.25, pause_s=0.05, longest_pause_s=0.2)
GOOD = '{"grade": 3, "reason": "It is right."}'
POOR = '{"grade": 1, "reason": "It is wrong."}'

SCRIPT: Mapping[str, Any] = {
    "How long can I return a tent?": "Thirty days from delivery.",
    "What if I lost the receipt?": "You get store credit.",
    "Who pays for the parcel back?": "You do, it is taken off the refund.",
    "Is a torn seam a warranty case?": "Yes, for two years.",
    "Your stove is rubbish!": "Well, read the manual.",
    "My mug came in five pieces, lol.": "We send you a new one.",
    "Sum: ": "The answer is 42",
    "Difference: ": "The answer is 42",
    "Difference: 99 and 57": "The answer is 40",
    "sim-judge": {"BEGIN TASK": GOOD, "read the manual": POOR},
}
"""What the simulated models say: five of six answers of the shop pass, and five of six sums are right."""

T = TypeVar("T")


class MovableTime:
    """The bot's clock: real time, moved forward by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        """Give the time."""
        return datetime.now(UTC) + self.ahead

    def move_to(self, moment: datetime) -> None:
        """Let the clock show a later moment."""
        self.ahead = moment - datetime.now(UTC)


@dataclass
class Stage:
    """What a story plays on. `bot` is there between `start` and `stop`; `restart` ends it and begins anew on its database."""

    slack: Playground
    models: ModelServer
    settings: Settings
    pace: Pace = QUICK
    time: MovableTime = field(default_factory=MovableTime)
    _going: AsyncExitStack = field(default_factory=AsyncExitStack)
    _bot: Bot | None = None
    _people: dict[str, Driver] = field(default_factory=dict)

    @property
    def bot(self) -> Bot:
        """The bot that is going."""
        assert self._bot is not None, "the bot is not going"
        return self._bot

    @property
    def is_http(self) -> bool:
        """Whether Slack posts its requests to the bot instead of using a socket."""
        return self.settings.slack_app_token is None

    async def start(self) -> None:
        """Start the bot and wait until Slack reaches it."""
        self._bot = await self._going.enter_async_context(
            open_bot(self.settings, now=self.time, pace=self.pace, timing=BRIEF)
        )
        assert self._bot.program.project.problems == []
        if self.is_http:
            self.slack.request_url = self._bot.url
        await self.reachable()

    async def reachable(self) -> None:
        """Wait until Slack reaches the bot."""
        if not self.is_http:
            await self.slack.wait_connected()

    async def stop(self) -> None:
        """End the bot as a signal would."""
        self._bot = None
        await self._going.aclose()

    async def restart(self) -> None:
        """End the bot and start it again on the same database."""
        await self.stop()
        await self.start()

    async def move_to(self, moment: datetime) -> None:
        """Let the clocks of the bot and of Slack show a later moment; what is on its way arrives before."""
        if self._bot is not None:
            async with asyncio.timeout(PATIENCE_S):
                await self.slack.emulation.delivery.wait_quiet()
        self.slack.clock.advance((moment - self.time()).total_seconds())
        self.time.move_to(moment)

    def person(self, name: str) -> Driver:
        """Give somebody to act as."""
        return self._people.setdefault(name, self.slack.driver(name))

    @property
    def dana(self) -> Driver:
        """A member who runs."""
        return self.person("dana")

    @property
    def lee(self) -> Driver:
        """A member who grades."""
        return self.person("lee")

    @property
    def kim(self) -> Driver:
        """A member who grades and approves."""
        return self.person("kim")

    @property
    def gus(self) -> Driver:
        """A guest."""
        return self.person("gus")

    @property
    def pia(self) -> Driver:
        """Somebody of another organisation."""
        return self.person("pia")

    def script(self, **changes: Any) -> None:
        """Change settings of the simulated models."""
        self.models.simulation.apply(changes)

    # --- playing -----------------------------------------------------------------------------------

    async def card(self, number: int, containing: str = "", channel: str = CHANNEL) -> Seen:
        """Wait for the card of a run in a channel, as it is now."""
        return await self.dana.see_message(
            channel,
            containing,
            where=lambda seen: f"Run {number} by" in seen.text and not seen.is_ephemeral,
            timeout=PATIENCE_S,
        )

    async def card_after(self, number: int, answers: int, channel: str = CHANNEL) -> Seen:
        """Wait for the card of a run that counts at least so many answers and still goes on."""

        def far_enough(seen: Seen) -> bool:
            counted = re.search(r"([\d,]+) of [\d,]+ answers", seen.text)
            going = f"Run {number} by" in seen.text and "[Cancel]" in seen.text
            return going and counted is not None and int(counted[1].replace(",", "")) >= answers

        return await self.dana.see_message(channel, where=far_enough, timeout=PATIENCE_S)

    async def start_run(self, line: str, channel: str = CHANNEL, who: Driver | None = None) -> None:
        """Let somebody (Dana, unless said) ask for a run and press Start on its preview."""
        who = who or self.dana
        await who.slash(f"/evalbot {line}", channel)
        await press_start(who, channel)

    async def finished(self, line: str = "run shop", number: int = 1, channel: str = CHANNEL) -> Seen:
        """Let Dana start a run, wait for its verdict and for everything it posts, and give its card."""
        await self.start_run(line, channel)
        card = await self.card(number, "Why these numbers?", channel)
        await self.quiet()
        return card

    async def reviews(self, card: Seen) -> list[Seen]:
        """Give the grading cards of a run's thread as they are now, in order."""
        thread = await self.dana.messages(card.channel, card)
        return [one for one in thread if "item " in one.text and " of " in one.text and "Why these" not in one.text]

    async def grade(self, who: Driver, label: str, card: Seen) -> None:
        """Let somebody press a grade, wait until it is confirmed, and close the box that may ask why."""
        place = re.search(r"(?m)^(\d+ of \d+) ·", card.text)
        assert place is not None, card.text
        await who.click(label, card)
        told = f"Answer {place[1]}: your grade is"

        async def confirmed() -> bool:
            if any(told in one.text for one in await who.messages(card.channel, card)):
                return True
            views = (await who.do("screen"))["views"]
            return bool(views) and told in str(views)

        await until(confirmed, f"{told} shows")
        if (await who.do("screen"))["views"]:
            await who.close()

    async def now_shows(self, card: Seen, containing: str) -> Seen:
        """Wait until a message shows a text, and give it."""
        return await self.dana.see_message(
            card.channel,
            containing,
            thread=card if card.thread_ts != card.ts else None,
            where=lambda seen: seen.ts == card.ts,
            timeout=PATIENCE_S,
        )

    async def quiet(self) -> None:
        """Wait until every post is visible."""
        await until(self._all_posted, "every post is visible")

    async def settled_down(self) -> None:
        """Wait until Slack has delivered everything, the bot has dealt with it and every post is visible."""
        await self.slack.emulation.delivery.wait_quiet()
        await self.bot.program.background.wait()
        await self.quiet()

    async def discussed(self) -> None:
        """Wait until it is noted that people talk in a thread."""

        async def noted() -> bool:
            return any(one.discussed for one in await self.stored_reviews())

        await until(noted, "the discussion is noted")

    async def _all_posted(self) -> bool:
        return await self.bot.outbox.unposted() == 0

    def bot_messages(self) -> list[dict[str, Any]]:
        """Give every message of the bot in every channel, thread and direct message, in the order of posting."""
        space = self.slack.emulation.space
        found = [
            message | {"channel": channel.id}
            for channel in space.channels.values()
            for message in channel.log
            if message["user"] == space.app.bot_user
        ]
        return sorted(found, key=lambda message: str(message["ts"]))

    # --- what is stored ----------------------------------------------------------------------------

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Read from the bot's database."""
        return await self.bot.program.services.store.read(work)

    async def run(self, number: int = 1) -> Run:
        """Give a run by its number."""
        run = await self.read(lambda tx: runs.find_run(tx, self.bot.program.services.team, number))
        assert run is not None, f"there is no run {number}"
        return run

    async def outputs(self, number: int = 1) -> list[Output]:
        """Give the outputs of a run."""
        run = await self.run(number)
        return await self.read(lambda tx: outputs.list_outputs(tx, run.id))

    async def human_grades(self, number: int = 1) -> list[Grade]:
        """Give the current grades of people on a run's outputs."""
        run = await self.run(number)
        return await self.read(lambda tx: grades.list_grades(tx, run.id, GraderKind.HUMAN))

    async def former_grades(self, number: int = 1) -> list[Grade]:
        """Give the grades of people that were replaced."""
        return [
            grade
            for output in await self.outputs(number)
            for grade in await self.read(lambda tx, output=output: grades.former_grades(tx, output.id))  # type: ignore[misc]
        ]

    async def stored_reviews(self, number: int = 1) -> list[Review]:
        """Give the reviews of a run."""
        run = await self.run(number)

        async def load(tx: Transaction) -> list[Review]:
            return [
                one
                for opened in await reviews.rounds_of_run(tx, run.id)
                for one in await reviews.list_reviews(tx, opened.id)
            ]

        return await self.read(load)

    async def delivery(self, key: str) -> Delivery | None:
        """Give how far a post has come."""
        return await self.read(lambda tx: posts.find_delivery(tx, key))


async def press_start(who: Driver, channel: str) -> None:
    """Wait for the preview of a run and press its Start."""
    preview = await who.see_ephemeral(channel, "[Start]", timeout=PATIENCE_S)
    await who.click("Start", preview)


async def until(condition: Callable[[], Awaitable[bool]], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Wait until a condition comes true."""
    end = time.monotonic() + timeout_s
    while not await condition():
        assert time.monotonic() < end, f"waited {timeout_s:g} s until {what}"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def open_stage(
    database: Path, simulation: Simulation, *, http: bool = False, project: Path = PROJECT
) -> AsyncIterator[Stage]:
    """Build the stage with the bot going."""
    async with Playground(rate_limits=False) as slack, ModelServer(simulation=simulation) as models:
        stage = Stage(slack, models, stage_settings(slack, models, database, http=http, project=project))
        try:
            await stage.start()
            yield stage
        finally:
            await stage.stop()


def stage_settings(
    slack: Playground, models: ModelServer, database: Path, *, http: bool = False, project: Path = PROJECT
) -> Settings:
    """Give the settings of the bot: Socket Mode, or the signing secret alone for HTTP."""
    return load_settings(
        database_url=f"sqlite+aiosqlite:///{database}",
        project=project,
        slack_bot_token=slack.bot_token,
        slack_app_token=None if http else slack.app_token,
        slack_signing_secret=slack.signing_secret if http else None,
        slack_api_url=slack.api_url,
        openai_base_url=models.base_url,
        openai_api_key="simulated",
        stewards_channel=slack.channels["evals-stewards"],
        host="127.0.0.1",
        port=0,
    )
