"""The story of a judge: held against people, calibrated with its own mistakes, and every number explained and shared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from evalbot.people import Person, PersonId, Role
from evalbot.playground.simulated.simulation import Simulation
from evalbot.settings import TokenPrice
from evalbot.workflows.starting_calibrations import CalibrationRequest, start_calibration
from tests.stories.judge_stage import POLITE, ask, graded_run, script, write_project
from tests.stories.story_stage import CHANNEL, PATIENCE_S, Stage, open_stage


@pytest.fixture(params=["socket", pytest.param("http", marks=pytest.mark.short)])
async def desk_stage(
    request: pytest.FixtureRequest, database: Path, simulation: Simulation, quiet_log: None, tmp_path: Path
) -> AsyncIterator[Stage]:
    """The shop with the bot connected by Socket Mode, and then by HTTP; the story must leave no violation behind."""
    project = write_project(tmp_path / "desk")
    async with open_stage(database, simulation, http=request.param == "http", project=project) as opened:
        yield opened
        assert [one.text for one in opened.slack.violations()] == []


async def test_a_judge_is_measured_calibrated_and_told_of(desk_stage: Stage) -> None:
    """From "not measured" over "unverified" to a card that shows what examples change on answers kept aside."""
    stage = desk_stage
    stage.script(script=script(taken_in=True))
    unknown = await ask(stage, "judge desk", "not measured yet")
    assert "Let two people grade 10 answers more" in unknown.text
    await graded_run(stage)
    shown = await ask(stage, "judge desk", "unverified")
    for part in ("agrees with people on *65 % (", "n 40", "one person", "best blind guess", "kinder than people"):
        assert part in shown.text, part
    stage.script(script=script(taken_in=False))
    preview = await ask(stage, "judge calibrate desk", "[Start]")
    for part in ("*Calibrate the judge of desk?* 40 answers graded by people", "cost unknown", "calls"):
        assert part in preview.text, part
    await stage.dana.click("Start", preview)
    told = await stage.dana.see_ephemeral(CHANNEL, "is put to the stored answers", timeout=PATIENCE_S)
    assert told.ts == preview.ts
    card = await stage.dana.see_message(CHANNEL, "Judge of desk calibrated", timeout=PATIENCE_S)
    assert not card.is_ephemeral
    for part in ("The examples help", "without examples", "for this: *+", POLITE, "raise its version to 2"):
        assert part in card.text, part
    await stage.settled_down()


async def test_everything_is_reached_by_mention_in_the_thread_of_a_run(desk_stage: Stage) -> None:
    """In a run's thread neither run nor suite need be named."""
    stage = desk_stage
    run = await graded_run(stage)
    await stage.dana.mention(CHANNEL, "explain", run)
    await stage.dana.see_reply(run, "Run 1 of desk · sim-steady · all items", timeout=PATIENCE_S)
    await stage.dana.mention(CHANNEL, "explain latest shipping", run)
    await stage.dana.see_reply(run, "Run 1 of desk · sim-steady · shipping", timeout=PATIENCE_S)
    await stage.dana.mention(CHANNEL, "explain refunds", run)
    await stage.dana.see_reply(run, "Run 1 of desk · sim-steady · refunds", timeout=PATIENCE_S)
    await stage.dana.mention(CHANNEL, "judge", run)
    await stage.dana.see_reply(run, "best blind guess", timeout=PATIENCE_S)
    await stage.dana.mention(CHANNEL, "explain judge", run)
    await stage.dana.see_reply(run, "Judge of desk: sim-judge", timeout=PATIENCE_S)
    await stage.dana.mention(CHANNEL, "judge calibrate", run)
    await stage.dana.click("Start", await stage.dana.see_reply(run, "[Start]", timeout=PATIENCE_S))
    await stage.dana.see_message(CHANNEL, "Judge of desk calibrated", timeout=PATIENCE_S)
    await stage.settled_down()


async def test_a_number_is_explained_with_its_arithmetic_and_shared_once(desk_stage: Stage) -> None:
    """Items, graders, judge, people, formula and source; the steps behind a button; and one post for two presses."""
    stage = desk_stage
    await graded_run(stage)
    shown = await ask(stage, "explain run 1", "How it is computed")
    for part in (
        "40 items of version 1, 40 answers",
        "rubric helpfulness version 1",
        "2 people graded 40 answers",
        "Source:",
        "unverified",
    ):
        assert part in shown.text, part
    await stage.dana.click("Show the arithmetic", shown)
    await stage.dana.see_view("interval = ")
    await stage.dana.close()
    await asyncio.gather(stage.dana.click("Share", shown), stage.dana.click("Share", shown))
    posted = await stage.kim.see_message(CHANNEL, "shared by", timeout=PATIENCE_S)
    assert "Run 1 of desk" in posted.text
    assert not posted.is_ephemeral
    await stage.settled_down()
    assert len([one for one in await stage.kim.messages(CHANNEL) if "shared by" in one.text]) == 1


async def test_a_judge_is_shared_and_calibrated_by_button(desk_stage: Stage) -> None:
    """The buttons of the private answer do what the commands do."""
    stage = desk_stage
    await graded_run(stage)
    shown = await ask(stage, "judge desk", "unverified")
    await stage.dana.click("How is this computed?", shown)
    await stage.dana.see_view("bar = the higher of")
    await stage.dana.close()
    await stage.dana.click("Share", shown)
    await stage.kim.see_message(CHANNEL, "shared by", timeout=PATIENCE_S)
    await stage.dana.click("Calibrate…", shown)
    preview = await stage.dana.see_ephemeral(CHANNEL, "Calibrate the judge of desk?", timeout=PATIENCE_S)
    await stage.dana.click("Cancel", preview)
    await stage.dana.see_ephemeral(CHANNEL, "Not started.", timeout=PATIENCE_S)
    await stage.dana.click("Calibrate…", shown)
    await stage.dana.click("Start", await stage.dana.see_ephemeral(CHANNEL, "[Start]", timeout=PATIENCE_S))
    await stage.dana.see_message(CHANNEL, "Judge of desk calibrated", timeout=PATIENCE_S)
    reasons = await ask(stage, "explain judge desk", "How often judge and people")
    await stage.dana.click("Share", reasons)
    await stage.kim.see_message(CHANNEL, "How often judge and people", timeout=PATIENCE_S)
    await stage.settled_down()


@pytest.mark.parametrize("decision", ["Approve", "Reject"])
async def test_a_dear_calibration_waits_for_an_approver(
    database: Path, simulation: Simulation, quiet_log: None, tmp_path: Path, decision: str
) -> None:
    """Its card has the buttons; the starter is refused, another one decides, and before that no judge is asked."""
    prices = {name: TokenPrice(input=100.0, output=100.0) for name in ("openai:sim-steady", "openai:sim-judge")}
    project = write_project(tmp_path / "desk")
    async with open_stage(database, simulation, project=project) as stage:
        await graded_run(stage)
        stage.settings = stage.settings.model_copy(update={"prices": prices, "approval_above": 0.05})
        await stage.restart()
        asked = stage.models.simulation.requests.total()
        preview = await ask(stage, "judge calibrate desk", "waits for an approver; nothing is asked before")
        await stage.dana.click("Ask for approval", preview)
        card = await stage.dana.see_message(CHANNEL, "[Approve]", timeout=PATIENCE_S)
        assert "Expected cost: $" in card.text
        await stage.dana.click("Approve", card)
        await stage.dana.see_ephemeral(CHANNEL, "A second person decides", timeout=PATIENCE_S)
        await stage.settled_down()
        assert stage.models.simulation.requests.total() == asked
        await stage.kim.click(decision, card)
        if decision == "Approve":
            await stage.now_shows(card, "approved by")
            await stage.dana.see_message(CHANNEL, "Judge of desk calibrated", timeout=PATIENCE_S)
        else:
            await stage.now_shows(card, "rejected by")
            assert stage.models.simulation.requests.total() == asked
        await stage.settled_down()


async def test_who_may_and_what_is_not_there(desk_stage: Stage) -> None:
    """Everybody may look and a guest may not calibrate; a wrong name is told the nearest one."""
    stage = desk_stage
    await graded_run(stage)
    await stage.gus.slash("/evalbot judge calibrate desk", "#support-quality")
    await stage.gus.see_ephemeral("#support-quality", "needs the role runner", timeout=PATIENCE_S)
    await stage.gus.slash("/evalbot judge", "#support-quality")
    await stage.gus.see_ephemeral("#support-quality", "sim-judge", timeout=PATIENCE_S)
    await ask(stage, "judge sums", "has no judge that grades what people grade")
    await ask(stage, "explain 1 refund", "Did you mean refunds?")
    await ask(stage, "explain 99", "There is no run 99")
    await ask(stage, "judge dask", "Did you mean desk?")
    await stage.settled_down()


async def test_a_calibration_goes_on_after_a_restart(desk_stage: Stage) -> None:
    """What was begun before a stop of the program ends with its card after the start."""
    stage = desk_stage
    await graded_run(stage)
    services = stage.bot.program.services
    dana = Person(PersonId(await stage.dana.id()), services.team, "dana", Role.RUNNER)
    await start_calibration(services, CalibrationRequest(dana, "desk", (await stage.run()).channel))
    await stage.restart()
    await stage.dana.see_message(CHANNEL, "Judge of desk calibrated", timeout=PATIENCE_S)
    await stage.quiet()
