"""The story before a run: a private preview that is started, changed or dropped, and the approver whom a dear run waits for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from evalbot.playground.driver import DriverError, Seen
from evalbot.playground.model_server import ModelServer
from evalbot.playground.server import Playground
from evalbot.playground.simulated.simulation import Simulation
from evalbot.runs.runs import RunStatus
from evalbot.settings import TokenPrice
from tests.stories.story_stage import CHANNEL, PATIENCE_S, SCRIPT, Stage, stage_settings

PRICES = {
    "openai:sim-steady": TokenPrice(input=1.0, output=100.0),
    "openai:sim-judge": TokenPrice(input=1.0, output=1.0),
}


@asynccontextmanager
async def open_priced_stage(database: Path, **money: Any) -> AsyncIterator[Stage]:
    """Build the stage with prices and budgets."""
    simulation = Simulation(latency_ms=0)
    async with Playground(rate_limits=False) as slack, ModelServer(simulation=simulation) as models:
        simulation.apply({"script": SCRIPT})
        settings = stage_settings(slack, models, database)
        stage = Stage(slack, models, settings.model_copy(update=dict(money)))
        try:
            await stage.start()
            yield stage
        finally:
            await stage.stop()


async def previewed(stage: Stage, line: str) -> Seen:
    """Let Dana ask for a run and give its preview."""
    await stage.dana.slash(f"/evalbot {line}", CHANNEL)
    return await stage.dana.see_ephemeral(CHANNEL, "[Change…]", timeout=PATIENCE_S)


async def test_preview_says_what_a_run_would_take(stage: Stage) -> None:
    """Items, calls, cost, time, exactness and the smallest visible change are seen by the asker alone; nothing is asked."""
    preview = await previewed(stage, "run shop repeat:3")
    assert "*Run shop?* 6 items × 3 repeats · sim-steady" in preview.text
    assert "36 calls" in preview.text
    assert "cost unknown" in preview.text
    assert "±40 points (n 6)" in preview.text
    assert "57 points" in preview.text
    assert await stage.lee.messages(CHANNEL) == []
    assert stage.bot_messages() == []
    assert stage.models.simulation.requests.total() == 0


async def test_one_press_starts_the_run_and_takes_the_preview_away(stage: Stage) -> None:
    """Start makes the card; the preview becomes a line that says so, and a second press starts nothing more."""
    preview = await previewed(stage, "run shop")
    await stage.dana.click("Start", preview)
    told = await stage.dana.see_ephemeral(CHANNEL, "Run 1 of shop has started: 6 answers from 1 target")
    assert told.ts == preview.ts
    assert "[Start]" not in told.text
    await stage.card(1, "Why these numbers?")
    assert len([one for one in stage.bot_messages() if one.get("thread_ts", one["ts"]) == one["ts"]]) == 1


async def test_a_preview_is_changed_in_its_place(stage: Stage) -> None:
    """The form begins with what was asked for, keeps what is wrong, and shows the new preview where the old one was."""
    preview = await previewed(stage, "run shop n:4")
    await stage.dana.click("Change…", preview)
    await stage.dana.see_view("Change the run")
    with pytest.raises(DriverError, match="'items': '`n` is `none`, not a whole number"):
        await stage.dana.submit(items="none")
    await stage.dana.submit(suite="sums", items="3", repeat="2")
    await stage.dana.see_no_view()
    changed = await stage.dana.see_ephemeral(CHANNEL, "Run sums?")
    assert changed.ts == preview.ts
    assert "3 items × 2 repeats" in changed.text
    await stage.dana.click("Start", changed)
    assert len((await stage.card(1)).text) > 0
    run = await stage.run()
    assert (run.suite, len(run.item_ids), run.repeats) == ("sums", 3, 2)


async def test_a_preview_that_is_dropped_starts_nothing(stage: Stage) -> None:
    """Cancel leaves one line, and nothing was asked."""
    preview = await previewed(stage, "run shop")
    await stage.dana.click("Cancel", preview)
    assert (await stage.dana.see_ephemeral(CHANNEL, "Not started.")).ts == preview.ts
    await stage.settled_down()
    assert stage.bot_messages() == []


async def test_a_run_ends_with_what_its_budget_bought(database: Path) -> None:
    """The card says why it ended and how much is there, with the score of that; the cost has the judge in it."""
    async with open_priced_stage(database, prices=PRICES) as stage:
        await stage.dana.slash("/evalbot run many concurrency:1 budget:0.42", CHANNEL)
        preview = await stage.dana.see_ephemeral(CHANNEL, "[Start]", timeout=PATIENCE_S)
        assert "The money may not last to the end: $0.42 of this run's budget is left." in preview.text
        await stage.dana.click("Start", preview)
        card = await stage.card(1, "stopped early")
        run = await stage.run()
        assert run.status is RunStatus.CANCELLED
        assert run.note in card.text
        assert run.note.startswith("The budget of $0.42 is used up: ")


@pytest.mark.parametrize("decision", ["Approve", "Reject"])
async def test_a_dear_run_waits_for_somebody_else(database: Path, decision: str) -> None:
    """Its card has the buttons; the starter is refused, another one decides, and before that nothing is asked."""
    async with open_priced_stage(database, prices=PRICES, approval_above=0.05) as stage:
        preview = await previewed(stage, "run sums")
        assert "waits for an approver; nothing is asked before" in preview.text
        await stage.dana.click("Ask for approval", preview)
        await stage.dana.see_ephemeral(CHANNEL, "Run 1 of sums waits for an approver")
        card = await stage.dana.see_message(CHANNEL, "[Approve]", timeout=PATIENCE_S)
        assert "somebody else than Dana Osei decides" in card.text
        await stage.dana.click("Approve", card)
        await stage.dana.see_ephemeral(CHANNEL, "A second person decides", timeout=PATIENCE_S)
        await stage.lee.slash("/evalbot status", CHANNEL)
        await stage.lee.see_ephemeral(CHANNEL, "*Run 1* of sums waits for an approver; nothing is asked before")
        await stage.restart()
        assert stage.models.simulation.requests.total() == 0
        await stage.kim.click(decision, card)
        if decision == "Approve":
            done = await stage.card(1, "Why these numbers?")
            assert stage.models.simulation.requests.total() == 6
        else:
            done = await stage.card(1, "rejected by Kim Alvarez")
            assert stage.models.simulation.requests.total() == 0
        assert done.ts == card.ts
