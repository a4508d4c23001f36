"""The story of a killed bot: a process of its own is killed in the middle of a run, and started again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from evalbot.playground.model_server import ModelServer
from evalbot.playground.server import Playground
from evalbot.playground.simulated.simulation import Simulation
from evalbot.runs.outputs import Unit
from evalbot.store import outputs, runs, workspaces
from evalbot.store.database import Store, Transaction
from tests.stories.story_stage import CHANNEL, PATIENCE_S, PROJECT, press_start, until

CONCURRENCY = 4
READY_S = 30.0


@dataclass
class Child:
    """A bot in a process of its own."""

    process: asyncio.subprocess.Process

    async def kill(self) -> None:
        """End it without any chance to tidy up."""
        self.process.kill()
        await self.process.communicate()

    async def end(self) -> None:
        """End it by SIGTERM, which it obeys."""
        self.process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(self.process.communicate(), READY_S)


@dataclass
class World:
    """Slack and the models in this process, and where the bot keeps what it knows."""

    slack: Playground
    models: ModelServer
    database: Path

    async def start(self) -> Child:
        """Start the bot as an operator does, and wait until Slack reaches it."""
        given = {
            "EVALBOT_DATABASE_URL": f"sqlite+aiosqlite:///{self.database}",
            "EVALBOT_PROJECT": str(PROJECT),
            "EVALBOT_LOG_LEVEL": "ERROR",
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_API_URL": self.slack.api_url,
            "OPENAI_BASE_URL": self.models.base_url,
            "OPENAI_API_KEY": "simulated",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "evalbot.cli", "serve"),
            env={**os.environ, **given},
            cwd=self.database.parent,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stderr is not None
        said = await asyncio.wait_for(process.stderr.readline(), READY_S)
        assert b"connected by Socket Mode" in said, said
        return Child(process)

    @property
    def asked(self) -> int:
        """How many questions the models were asked."""
        return self.models.simulation.requests["sim-steady"]

    async def asked_more(self, count: int, within_s: float) -> None:
        """Wait until so many more questions were asked."""
        goal = self.asked + count

        async def enough() -> bool:
            return self.asked >= goal

        await until(enough, f"{count} more questions are asked", within_s)


@asynccontextmanager
async def open_world(database: Path, simulation: Simulation) -> AsyncIterator[World]:
    """Build the world without a bot."""
    async with Playground(rate_limits=False) as slack, ModelServer(simulation=simulation) as models:
        yield World(slack, models, database)


@pytest.mark.short
async def test_killed_twice_in_a_run(database: Path, simulation: Simulation) -> None:
    """After two kills a run of 90 answers has 90 results, none twice, and ends in the card it began with."""
    async with open_world(database, simulation) as world:
        await killed_in_a_run(world, kills=2, repeats=15, goes_on_s=PATIENCE_S)


@pytest.mark.drill
async def test_killed_twenty_times_in_a_run(database: Path, simulation: Simulation) -> None:
    """The same with twenty kills in a run of 300 answers, which goes on within five seconds each time."""
    async with open_world(database, simulation) as world:
        await killed_in_a_run(world, kills=20, repeats=50, goes_on_s=5.0)


async def killed_in_a_run(world: World, kills: int, repeats: int, goes_on_s: float) -> None:
    """Kill the bot so often in a run, and look at what there is when it has ended."""
    size = 6 * repeats
    world.models.simulation.apply({"latency_ms": 10})
    dana = world.slack.driver("dana")
    child = await world.start()
    await dana.slash(f"/evalbot run sums repeat:{repeats} concurrency:{CONCURRENCY}", CHANNEL)
    await press_start(dana, CHANNEL)
    first = await dana.see_message(CHANNEL, "Run 1 by", timeout=PATIENCE_S)
    for _ in range(kills):
        await world.asked_more(1, goes_on_s)
        await world.asked_more(size // (2 * kills), PATIENCE_S)
        await child.kill()
        child = await world.start()
    card = await dana.see_message(CHANNEL, "Why these numbers?", timeout=30.0)
    assert card.ts == first.ts
    await child.end()
    await assert_whole(world, size, size + kills * CONCURRENCY)
    assert len([one for one in await dana.messages(CHANNEL) if not one.is_ephemeral]) == 1


async def assert_whole(world: World, size: int, most_asked: int) -> None:
    """Assert that a run has every result once and cost no more calls than those under way at the kills."""

    async def load(tx: Transaction) -> list[Unit]:
        [run] = await runs.list_runs(tx, await workspaces.home_team(tx))
        return [output.unit for output in await outputs.list_outputs(tx, run.id)]

    store = await Store.open(f"sqlite+aiosqlite:///{world.database}")
    try:
        units = await store.read(load)
    finally:
        await store.close()
    assert (len(units), len(set(units))) == (size, size)
    assert world.asked <= most_asked


async def test_a_bot_that_is_stopped_says_that_its_run_goes_on(database: Path, simulation: Simulation) -> None:
    """After SIGTERM card and thread say that the run is paused, and so does the terminal; it goes on by itself at the start."""
    async with open_world(database, simulation) as world:
        world.models.simulation.apply({"latency_ms": 20})
        dana = world.slack.driver("dana")
        child = await world.start()
        await dana.slash("/evalbot run sums repeat:15 concurrency:2", CHANNEL)
        await press_start(dana, CHANNEL)
        await world.asked_more(5, PATIENCE_S)
        child.process.send_signal(signal.SIGTERM)
        said = (await asyncio.wait_for(child.process.communicate(), READY_S))[1]
        assert b"Run 1 of sums is paused and goes on by itself at the next start." in said
        assert child.process.returncode == 0
        card = await dana.see_message(CHANNEL, "Paused sums: ")
        assert "goes on by itself" in card.text
        line = await dana.see_message(CHANNEL, "It goes on by itself when evalbot starts again", thread=card.ts)
        world.models.simulation.apply({"latency_ms": 0})
        child = await world.start()
        told = await dana.see_message(CHANNEL, "went on by itself", thread=card.ts, timeout=PATIENCE_S)
        assert told.ts == line.ts
        assert (await dana.see_message(CHANNEL, "Why these numbers?", timeout=30.0)).ts == card.ts
        await child.end()
        await assert_whole(world, 90, 90 + 2)
