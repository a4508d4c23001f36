"""The story of hostile text: whatever a model answers or a person types, it stays text wherever it is quoted."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hostile_texts import COMMANDS, OUTPUTS, complaints, shared_rows
from story_stage import CHANNEL, PATIENCE_S, STEWARDS, Stage

from evalbot.playground.driver import Seen
from evalbot.store import candidates

QUESTION = "How long can I return a tent?"


def checked(stage: Stage, shown: Any) -> None:
    """Assert that nothing is wrong with something that is shown."""
    assert complaints(shown, stage.slack.base_url) == []


@pytest.mark.parametrize("text", shared_rows("outputs.jsonl", OUTPUTS))
async def test_answer_of_a_model_stays_text_wherever_it_is_quoted(stage: Stage, text: str) -> None:
    """Card, modals, candidate, thanks and digest quote it harmlessly, and the database keeps exactly what was sent."""
    stage.models.simulation.script[QUESTION] = text
    run = await stage.finished("run shop")
    mine = next(output for output in await stage.outputs() if output.unit.item_id == "returns")
    assert (mine.text, mine.failure) == (text, None)
    card = await card_of_item(stage, run, "returns")
    await quote_in_views(stage, run, card)
    await stage.grade(stage.lee, "1 Wrong", card)
    await stage.grade(stage.kim, "1 Wrong", card)
    await stage.now_shows(card, "(fail) by 2 of 2")
    await propose_and_approve(stage, card, text)
    await stage.dana.slash("/evalbot digest now", CHANNEL)
    await stage.dana.see_message(CHANNEL, "Model quality", timeout=PATIENCE_S)
    await stage.settled_down()
    checked(stage, stage.bot_messages())


async def card_of_item(stage: Stage, run: Seen, item: str) -> Seen:
    """Give the grading card of an item, put up by hand when it was not drawn."""
    for _ in range(2):
        for card in await stage.reviews(run):
            if f"item {item}" in card.text:
                return card
        await stage.dana.mention(CHANNEL, "review n:3", run)
        await stage.dana.see_reply(run, "3 answers of run 1 are put up", timeout=PATIENCE_S)
        await stage.quiet()
    raise AssertionError(f"there is no card of {item}")


async def quote_in_views(stage: Stage, run: Seen, card: Seen) -> None:
    """Open every modal that quotes the answer."""
    wanted = [("See failures", run), ("Better answer…", card)]
    wanted += [("Show all", card)] if "[Show all]" in card.text else []
    for label, where in wanted:
        await stage.lee.click(label, where)
        view = await stage.lee.see_view()
        checked(stage, view)
        await stage.lee.close()


async def propose_and_approve(stage: Stage, card: Seen, text: str) -> None:
    """Make an item of the answer; what can be typed into a form is typed into it as well."""
    await stage.lee.click("Make it an item", card)
    await stage.lee.see_view("Better answer")
    typed = text.strip() and len(text) <= 3_000 and "\ud83d" not in text
    better = text if typed else "Thirty days."
    await stage.lee.submit(better=better, reason=better)
    candidate = await stage.dana.see_message(STEWARDS, "[Approve]", timeout=PATIENCE_S)
    [stored] = await stage.read(lambda tx: candidates.list_candidates(tx, stage.bot.program.services.team))
    assert (stored.bad_output, stored.item.reference) == (text, better.strip())
    await stage.dana.click("Approve", candidate)
    await stage.lee.see_message("@evalbot", "Thank you!", timeout=PATIENCE_S)


@pytest.mark.parametrize("text", shared_rows("commands.jsonl", COMMANDS))
async def test_command_gets_one_private_answer(stage: Stage, text: str) -> None:
    """Whatever is typed after the command, its writer alone gets one harmless answer, and nothing is broken."""
    await stage.dana.slash(f"/evalbot {text}", CHANNEL)
    answer = await stage.dana.see_ephemeral(CHANNEL, timeout=3.0)
    await stage.settled_down()
    checked(stage, answer.body)
    assert answer.text.strip()
    assert "Traceback" not in answer.text
    assert len([one for one in await stage.dana.messages(CHANNEL) if one.is_ephemeral]) == 1
    assert [one.text for one in await stage.lee.messages(CHANNEL) if one.is_ephemeral] == []
    assert stage.bot_messages() == []


@pytest.mark.parametrize("text", [text for text in COMMANDS.values() if text.strip()], ids=[key for key, text in COMMANDS.items() if text.strip()])
async def test_mention_gets_one_private_answer(stage: Stage, text: str) -> None:
    """The same holds for a mention."""
    await stage.dana.mention(CHANNEL, text)
    answer = await stage.dana.see_ephemeral(CHANNEL, timeout=3.0)
    await stage.settled_down()
    checked(stage, answer.body)
    assert stage.bot_messages() == []


async def test_nothing_of_an_answer_is_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """No log line of the bot, down to the details, holds a model's answer or a question."""
    caplog.set_level(logging.DEBUG, "evalbot")
    stage.models.simulation.script[QUESTION] = "very-private-answer"
    card = await card_of_item(stage, await stage.finished("run shop"), "returns")
    await stage.grade(stage.lee, "1 Wrong", card)
    logged = "\n".join(one.getMessage() + str(one.__dict__) for one in caplog.records if one.name.startswith("evalbot.") and "playground" not in one.name)
    assert "very-private-answer" not in logged
    assert QUESTION not in logged
