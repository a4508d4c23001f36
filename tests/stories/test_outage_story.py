"""The story of bad days: Slack away, answers lost, the bot stopped, restarted or killed; nothing is lost or doubled."""

from __future__ import annotations

import sqlite3
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from evalbot.app import open_program, open_store
from evalbot.playground.driver import Seen
from evalbot.playground.payloads import event_callback
from evalbot.workflows import browsing
from evalbot.workflows.digesting import deliver_due, schedule_digest
from evalbot.workflows.running import execute_run, list_open_runs
from tests.stories.story_stage import CHANNEL, PATIENCE_S, STEWARDS, Stage, press_start, until

LONG = "run sums repeat:20 concurrency:4"
LONG_SIZE = 120
STOPPED = "Run 1 was paused while evalbot was stopped, and went on by itself."


def texts_once(stage: Stage) -> list[str]:
    """Give the first line of each message of the bot, after asserting that none stands there twice."""
    keys = Counter(str(one["metadata"]["event_payload"]["key"]) for one in stage.bot_messages() if "metadata" in one)
    assert [key for key, count in keys.items() if count > 1] == []
    return [str(one["text"]).split(":")[0] for one in stage.bot_messages()]


async def assert_whole_thread(stage: Stage, card: Seen) -> None:
    """Assert that the thread of a shop run holds its round and three cards, once and in order."""
    await stage.quiet()
    assert len([one for one in texts_once(stage) if "needs a grade" in one]) == 3
    thread = await stage.dana.messages(CHANNEL, card)
    told = [one.text.split(" on ")[0].split(":")[0] for one in thread if one.ts != card.ts and not one.is_ephemeral]
    told = [text for text in told if not STOPPED.startswith(text)]
    assert told == ["3 answers need a person", "Answer 1 of 3", "Answer 2 of 3", "Answer 3 of 3"]


@pytest.mark.parametrize("trouble", ["server_error", "reset"])
async def test_slack_away_during_a_run(stage: Stage, trouble: str) -> None:
    """After an outage everything that happened meanwhile is there once, in order."""
    stage = stage
    first = await run_begun(stage)
    stage.slack.faults.outage(3600.0, trouble)
    await run_ended(stage)
    stage.slack.faults.clear()
    await assert_told_once(stage, first, PATIENCE_S)


@pytest.mark.drill
async def test_slack_away_for_a_minute_during_a_run(stage: Stage) -> None:
    """The same after an outage of 60 seconds, within a minute after it."""
    first = await run_begun(stage)
    stage.slack.faults.outage(60.0)
    await run_ended(stage)
    assert stage.slack.faults.is_outage
    await assert_told_once(stage, first, 120.0)


async def run_begun(stage: Stage) -> Seen:
    """Start a run and give its card while it goes on."""
    stage.script(latency_ms=20)
    await stage.start_run("run shop")
    return await stage.card(1)


async def run_ended(stage: Stage) -> None:
    """Wait until the run has ended, whatever Slack shows."""

    async def ended() -> bool:
        return not (await stage.run()).open

    await until(ended, "the run has ended")


async def assert_told_once(stage: Stage, first: Seen, timeout_s: float) -> None:
    """Assert that the first card becomes the verdict, that its thread is whole, and that grading works."""
    card = await stage.dana.see_message(CHANNEL, "Why these numbers?", timeout=timeout_s)
    assert card.ts == first.ts
    await assert_whole_thread(stage, card)
    await stage.reachable()
    await stage.lee.click("3 Good", (await stage.reviews(card))[0])
    await stage.lee.see_reply(card, "your grade is stored", timeout=PATIENCE_S)


async def test_lost_answers_double_nothing(stage: Stage) -> None:
    """When Slack stores a message and its answer is lost, the message is found again instead of posted twice."""
    stage = stage
    stage.slack.faults.next_call("lost_reply", "chat.postMessage", times=4)
    card = await stage.finished()
    await assert_whole_thread(stage, card)


async def test_lost_answer_of_a_direct_message_doubles_nothing(stage: Stage) -> None:
    """Thanks whose answer was lost come once."""
    run = await stage.finished()
    await stage.lee.click("Better answer…", (await stage.reviews(run))[0])
    await stage.lee.see_view("Better answer")
    await stage.lee.submit(better="Something better.")
    candidate = await stage.dana.see_message(STEWARDS, "[Approve]", timeout=PATIENCE_S)
    await stage.quiet()
    stage.slack.faults.next_call("lost_reply", "chat.postMessage", times=1)
    await stage.dana.click("Approve", candidate)
    await stage.lee.see_message("@evalbot", "Thank you!", timeout=PATIENCE_S)
    await stage.settled_down()
    assert len([one for one in await stage.lee.messages("@evalbot") if "Thank you!" in one.text]) == 1


async def test_message_that_has_to_wait_is_not_overtaken(stage: Stage) -> None:
    """When one message is put off, the later ones of its channel wait for it."""
    await run_begun(stage)
    stage.slack.faults.next_call("rate_limited", "chat.postMessage", times=1, seconds=1.0)
    await assert_whole_thread(stage, await stage.card(1, "Why these numbers?"))


async def test_card_tells_of_a_grade_although_the_box_did_not_open(stage: Stage) -> None:
    """When Slack refuses the question why, the grade is stored and its card says so all the same."""
    card = (await stage.reviews(await stage.finished()))[0]
    stage.slack.faults.next_call("error", "views.open")
    await stage.lee.click("1 Wrong", card)
    await stage.now_shows(card, "1 of 2 graded")
    await stage.settled_down()
    assert [grade.level for grade in await stage.human_grades()] == [1]


async def test_restart_in_the_middle_of_a_run(stage: Stage) -> None:
    """A bot that is stopped and started goes on with its run: one result for each unit, the same card."""
    stage = stage
    stage.script(latency_ms=4)
    await stage.start_run(LONG)
    first = await stage.card_after(1, 20)
    await stage.restart()
    card = await stage.card(1, "Why these numbers?")
    await stage.quiet()
    assert card.ts == first.ts
    found = [output.unit for output in await stage.outputs()]
    assert (len(found), len(set(found))) == (LONG_SIZE, LONG_SIZE)
    assert stage.models.simulation.requests["sim-steady"] <= LONG_SIZE + 4
    assert texts_once(stage)[1:] == [STOPPED]


async def test_what_a_killed_program_did_not_come_to_tell_is_told_at_the_next_start(stage: Stage) -> None:
    """A run that was finished and put up for grading, but never announced, is announced when the bot starts."""
    stage.script(latency_ms=20)
    await stage.start_run("run shop")
    first = await stage.card(1)
    await stage.stop()
    async with open_store(stage.settings) as store, open_program(stage.settings, store) as silent:
        [run] = await list_open_runs(silent.services)
        await execute_run(silent.services, run.id)
    assert "Why these numbers?" not in (await stage.card(1)).text
    await stage.start()
    card = await stage.card(1, "Why these numbers?")
    assert card.ts == first.ts
    await assert_whole_thread(stage, card)
    await stage.restart()
    await assert_whole_thread(stage, card)


async def test_redelivery_after_a_restart_has_no_second_effect(stage: Stage) -> None:
    """A mention that Slack hands over again to the next program starts nothing more."""
    stage = stage
    space, bot = stage.slack.emulation.space, stage.slack.emulation.app.bot_user
    channel = space.channels["C0EVALS01"]
    said = {"user": await stage.dana.id(), "text": f"<@{bot}> run sums", "ts": space.clock.next_ts()}
    mention = event_callback(space, {"type": "app_mention", **said, "channel": channel.id}, channel)
    stage.slack.emulation.delivery.tell(mention)
    await press_start(stage.dana, CHANNEL)
    await stage.card(1, "Why these numbers?")
    await stage.restart()
    for _ in range(3):
        stage.slack.emulation.delivery.tell(mention)
    await stage.settled_down()
    assert not [one for one in await stage.dana.messages(CHANNEL) if "[Start]" in one.text]
    assert [run.number for run in await browsing.recent_runs(stage.bot.program.services)] == [1]
    assert len(stage.bot_messages()) == 1


async def test_click_waits_out_a_locked_database(stage: Stage, database: Path) -> None:
    """While another program holds the database a press is told to take longer, and is stored when that lets go."""
    card = (await stage.reviews(await stage.finished()))[0]
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    await stage.lee.click("3 Good", card)
    await stage.lee.see_reply(card, "takes longer than usual", timeout=PATIENCE_S)
    assert await stage.human_grades() == []
    holder.execute("ROLLBACK")
    holder.close()
    await stage.lee.see_reply(card, "your grade is stored", timeout=PATIENCE_S)
    await stage.now_shows(card, "1 of 2 graded")
    assert [grade.level for grade in await stage.human_grades()] == [3]


async def test_digest_due_while_slack_is_away_comes_once_with_its_picture(stage: Stage) -> None:
    """A digest that falls due in an outage is posted once, whole, when Slack is back."""
    await stage.finished()
    await stage.move_to(stage.time() + timedelta(days=7))
    await stage.finished("run shop", 2)
    services = stage.bot.program.services
    await schedule_digest(services, await stage.bot.door.directory.person("U0DANA001"), "C0EVALS01", "mon 09:00")
    monday = (await browsing.list_schedules(services, services.team))[0].next_due(stage.time())
    await stage.move_to(monday + timedelta(minutes=1))
    stage.slack.faults.outage(1.0)
    assert await deliver_due(services) == 1
    digest = await stage.dana.see_message(CHANNEL, "Model quality", timeout=PATIENCE_S)
    assert [block for block in digest.body["blocks"] if block["type"] == "image"]
    await stage.settled_down()
    assert len([one for one in texts_once(stage) if one.startswith("Model quality")]) == 1
