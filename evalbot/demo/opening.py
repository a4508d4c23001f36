"""The demo opened: everything simulated around the real bot, and twelve weeks of history."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from evalbot.demo.children import Stage, open_stage
from evalbot.demo.history import make_history
from evalbot.library.assets import assets_folder
from evalbot.serving import Bot, open_bot
from evalbot.settings import Settings, TokenPrice, load_settings

NOTE = "simulated models and prices, pretend colleagues"

PRICES = {
    "openai:sim-steady": TokenPrice(input=2.0, output=8.0),
    "openai:sim-swift": TokenPrice(input=0.4, output=1.6),
    "openai:sim-judge": TokenPrice(input=0.4, output=1.6),
}
"""What the simulated models would cost: made up, near what real ones do."""

APPROVAL_ABOVE = 2.0
"""In dollars: a run of many repeats waits for a second person, so that this can be tried too."""


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
        prices=PRICES,
        approval_above=APPROVAL_ABOVE,
    )
