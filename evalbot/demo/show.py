"""The demo for a person: everything started, history made, first messages posted, the page opened."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from evalbot.demo.children import Stage, open_stage
from evalbot.demo.history import make_history
from evalbot.library.assets import assets_folder
from evalbot.playground.driver import RemoteDriver
from evalbot.reporting.posts import Post
from evalbot.serving import Bot, open_bot
from evalbot.settings import Settings, load_settings
from evalbot.slack.views.notices import linked_notice

NOTE = "simulated models and pretend colleagues"

WELCOME = (
    "This is a local playground: Slack, the models and your colleagues are simulated; evalbot itself is real. "
    "Try */evalbot run support-desk* here, press *Start*, grade the answers in its thread, press *Better answer…* on a bad "
    "one, switch to another person at the bottom left and approve the item, run again, then type */evalbot digest now*."
)


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that is going: the simulated outside and the real bot."""

    stage: Stage
    bot: Bot


@asynccontextmanager
async def open_demo(console: Console, port: int, folder: Path) -> AsyncIterator[Demo]:
    """Start everything on a database in the folder and make the history."""
    async with open_stage(port) as stage:
        console.print("Slack and the models are simulated on this machine; nothing leaves it.")
        async with open_bot(demo_settings(stage, folder), note=NOTE) as bot:
            with console.status("Running twelve weeks of evals against simulated models") as status:
                await make_history(
                    bot.program,
                    stage.simulation_url,
                    stage.users,
                    lambda text: status.update(f"Running twelve weeks of evals against simulated models: {text}"),
                )
            yield Demo(stage, bot)


def demo_settings(stage: Stage, folder: Path) -> Settings:
    """Give the settings of the bot in the demo; what is set for a real workspace has no part in it."""
    return load_settings(
        database_url=f"sqlite+aiosqlite:///{folder / 'demo.db'}",
        project=assets_folder(),
        slack_bot_token=stage.bot_token,
        slack_app_token=stage.app_token,
        slack_api_url=stage.api_url,
        openai_base_url=stage.models_url,
        openai_api_key="simulated",
        stewards_channel=stage.channels["evals-stewards"],
        command="/evalbot",
    )


async def show_demo(console: Console, port: int, open_page: bool) -> None:
    """Run the demo until it is interrupted."""
    began = time.monotonic()
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ending.set)
    with tempfile.TemporaryDirectory(prefix="evalbot-demo-") as folder:
        async with open_demo(console, port, Path(folder)) as demo:
            await set_the_scene(demo)
            console.print(f"First digest posted after {time.monotonic() - began:.0f} s.")
            console.print(f"Open [bold]{demo.stage.page_url}[/bold] (Ctrl+C ends the demo)", highlight=False)
            if open_page:
                webbrowser.open(demo.stage.page_url)
            await ending.wait()


async def set_the_scene(demo: Demo) -> None:
    """Post the first messages: the digest, a run with its grading thread, and a welcome."""
    stage, outbox = demo.stage, demo.bot.outbox
    quality, evals, general = (stage.channels[name] for name in ("support-quality", "support-evals", "general"))
    team = demo.bot.program.services.team
    await outbox.put(Post("welcome", team, general, {**linked_notice(WELCOME)}))
    async with RemoteDriver(stage.page_url, "dana") as dana:
        await dana.slash("/evalbot run support-desk", evals)
        await dana.click("Start", await dana.see_ephemeral(evals, "[Start]", timeout=60))
        await dana.see_message(evals, "Why these numbers?", timeout=60)
        await dana.slash("/evalbot digest on mon 09:00", quality)
        await dana.slash("/evalbot digest now", quality)
        await dana.see_message(quality, "Model quality", timeout=60)
