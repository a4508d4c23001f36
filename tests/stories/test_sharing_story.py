"""The story of several processes on one PostgreSQL database: two bots, and a bot whose runs workers carry out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from evalbot.errors import BadSetting
from evalbot.playground.model_server import ModelServer
from evalbot.playground.server import Playground
from evalbot.playground.simulated.simulation import Simulation
from evalbot.serving import open_bot
from evalbot.settings import Settings
from evalbot.workflows import browsing
from evalbot.workflows.digesting import deliver_due
from evalbot.working import open_worker
from tests.integration.conftest import (  # noqa: F401
    on_postgresql,
    postgresql_database,
    postgresql_server,
    postgresql_url,
)
from tests.stories.story_stage import BRIEF, CHANNEL, PATIENCE_S, QUICK, Stage, press_start, stage_settings, until
from tests.stories.test_digest_story import ON, digests_in, is_digest, next_monday


@asynccontextmanager
async def staging(url: str, simulation: Simulation, **changes: object) -> AsyncIterator[Stage]:
    """Build the stage on a PostgreSQL database, with the bot going."""
    async with Playground(rate_limits=False) as slack, ModelServer(simulation=simulation) as models:
        settings = stage_settings(slack, models, Path("unused.db")).model_copy(update={"database_url": url, **changes})
        stage = Stage(slack, models, settings)
        try:
            await stage.start()
            yield stage
        finally:
            await stage.stop()
        assert [one.text for one in slack.violations()] == []


@pytest.fixture
async def shared_stage(postgresql_url: str, simulation: Simulation, quiet_log: None) -> AsyncIterator[Stage]:  # noqa: F811
    """A stage that other programs can share."""
    async with staging(postgresql_url, simulation) as opened:
        yield opened


@pytest.fixture
async def worked_stage(postgresql_url: str, simulation: Simulation, quiet_log: None) -> AsyncIterator[Stage]:  # noqa: F811
    """A stage whose bot gives its runs to workers."""
    async with staging(postgresql_url, simulation, engine="procrastinate", worker_stall_s=2.0) as opened:
        yield opened


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    """Let a worker go beside the bot."""
    ending = asyncio.Event()
    async with open_worker(settings, 2) as worker:
        task = asyncio.create_task(worker.work(ending))
        try:
            yield
        finally:
            ending.set()
            await task


async def start_run(stage: Stage, repeats: int) -> None:
    """Let Dana start a large run, which she is asked about first."""
    await stage.dana.slash(f"/evalbot run shop repeat:{repeats}", CHANNEL)
    await press_start(stage.dana, CHANNEL)


async def test_two_bots_on_one_database_post_one_digest(shared_stage: Stage) -> None:
    """Two programs whose clocks strike together deliver one digest between them, also while Slack is slow."""
    stage = shared_stage
    await stage.finished()
    await stage.move_to(next_monday())
    await stage.finished("run shop", 2)
    await stage.dana.slash(ON, CHANNEL)
    await stage.dana.see_ephemeral(CHANNEL, "each Mon at 09:00")
    await stage.move_to(next_monday() + timedelta(weeks=1))
    async with open_bot(stage.settings, now=stage.time, pace=QUICK, timing=BRIEF) as twin:
        stage.slack.faults.slow_down(0.5)
        struck = await asyncio.gather(deliver_due(stage.bot.program.services), deliver_due(twin.program.services))
        assert sum(struck) == 1
        await stage.dana.see_message(CHANNEL, where=is_digest, timeout=PATIENCE_S)
        await stage.quiet()
    assert len(digests_in(stage)) == 1
    assert stage.slack.emulation.calls["files.getUploadURLExternal"] == 1


async def test_twin_goes_on_delivering_when_the_other_bot_ends(shared_stage: Stage) -> None:
    """Posts are delivered by one of two programs; when it ends the other one takes over."""
    stage = shared_stage
    async with open_bot(stage.settings, now=stage.time, pace=QUICK, timing=BRIEF) as twin:
        await stage.stop()
        await stage.dana.slash("/evalbot digest now", CHANNEL)
        await stage.dana.see_message(CHANNEL, where=is_digest, timeout=PATIENCE_S)

        async def all_posted() -> bool:
            return await twin.outbox.unposted() == 0

        await until(all_posted, "everything is posted")
    assert len(digests_in(stage)) == 1


async def test_a_second_bot_on_a_sqlite_file_is_refused(stage: Stage) -> None:
    """Two bots on one file would each carry runs out; the second one says what to do, and may start when the first has ended."""
    with pytest.raises(BadSetting, match=r"Another evalbot serve uses the database story\.db\. Stop it first"):
        async with open_bot(stage.settings, now=stage.time, pace=QUICK, timing=BRIEF):
            """It does not come to this."""
    await stage.finished()
    await stage.restart()


@pytest.mark.short
async def test_a_run_from_slack_is_carried_out_by_a_worker(worked_stage: Stage) -> None:
    """The card waits, shows progress while a worker asks, and ends in the verdict with its reviews, as it does without workers."""
    stage = worked_stage
    await start_run(stage, 40)
    first = await stage.card(1)
    assert "0 of" in first.text
    stage.script(latency_ms=20)
    async with working(stage.settings):
        await stage.card_after(1, 5)
        card = await stage.card(1, "Why these numbers?")
        assert card.ts == first.ts
        await stage.quiet()
        assert await stage.reviews(card)


async def test_cancelling_in_slack_reaches_a_worker(worked_stage: Stage) -> None:
    """The button Cancel ends a run that a worker carries out; nothing more is asked."""
    stage = worked_stage
    stage.script(latency_ms=100)
    async with working(stage.settings):
        await start_run(stage, 50)
        card = await stage.card_after(1, 3)
        await stage.dana.click("Cancel", card)
        await stage.card(1, "ancelled")

        async def at_rest() -> bool:
            asked = sum(stage.models.simulation.requests.values())
            await asyncio.sleep(0.5)
            return sum(stage.models.simulation.requests.values()) == asked

        await until(at_rest, "the worker asks nothing more")
        (run,) = await browsing.recent_runs(stage.bot.program.services)
        assert sum(stage.models.simulation.requests.values()) < run.size
