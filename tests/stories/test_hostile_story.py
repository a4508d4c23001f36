"""The story of hostile text: whatever a model answers or a person types, it stays text wherever it is quoted."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from evalbot.playground.driver import Seen
from evalbot.playground.simulated.simulation import Simulation
from evalbot.store import candidates
from tests.stories.hostile_texts import COMMANDS, OUTPUTS, complaints, shared_texts
from tests.stories.story_stage import CHANNEL, PATIENCE_S, POOR, STEWARDS, Stage, open_stage, until

BETTER = "A better answer."


SOURCES = ["inline", pytest.param("shared", marks=pytest.mark.short)]
"""The texts that stand beside these stories, and for long the practice texts that are shared."""


@pytest.fixture(params=SOURCES)
def answers(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """Hostile answers by the id of the item that gets them."""
    texts = OUTPUTS if request.param == "inline" else shared_texts("outputs.jsonl")
    return {f"{place:02d}-{name.replace(' ', '-')}": text for place, (name, text) in enumerate(texts.items())}


@pytest.fixture(params=SOURCES)
def commands(request: pytest.FixtureRequest) -> Mapping[str, str]:
    """Hostile commands by name."""
    return COMMANDS if request.param == "inline" else shared_texts("commands.jsonl")


@pytest.fixture(params=["socket", pytest.param("http", marks=pytest.mark.short)])
async def hostile_stage(
    request: pytest.FixtureRequest,
    database: Path,
    simulation: Simulation,
    tmp_path: Path,
    quiet_log: None,
    answers: Mapping[str, str],
) -> AsyncIterator[Stage]:
    """A stage whose suite asks one question for each hostile text, which the model answers with that text."""
    suite = {
        "name": "hostile",
        "targets": ["openai:sim-steady"],
        "defaults": {"graders": [{"type": "rubric", "rubric": "helpfulness"}]},
        "run": {"judge": {"target": "openai:sim-judge"}},
        "review": {"sample": 20, "strategy": "random", "graders_per_item": 1},
        "items": [{"id": name, "skill": "quoting", "input": f"Question {name}!"} for name in answers],
    }
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "hostile.yaml").write_text(json.dumps(suite))
    script: dict[str, Any] = {f"Question {name}!": text for name, text in answers.items()}
    simulation.apply({"script": script | {"sim-judge": {"BEGIN TASK": POOR}}})
    async with open_stage(database, simulation, http=request.param == "http", project=tmp_path) as stage:
        yield stage
        assert [one.text for one in stage.slack.violations()] == []


def wrong_with(stage: Stage, shown: Any) -> list[str]:
    """Say what is wrong with something that is shown."""
    return complaints(shown, stage.slack.base_url)


async def test_answers_stay_text_in_cards_and_modals(hostile_stage: Stage, answers: Mapping[str, str]) -> None:
    """The database keeps exactly what the model sent; the run's card, its thread and every modal quote it harmlessly."""
    stage = hostile_stage
    run = await stage.finished("run hostile")
    stored = {output.unit.item_id: (output.text, output.failure) for output in await stage.outputs()}
    assert stored == {name: (text, None) for name, text in answers.items()}
    cards = await all_cards(stage, run, len(answers))
    assert wrong_with(stage, stage.bot_messages()) == []
    told: dict[str, list[str]] = {}
    await stage.lee.click("See failures", run)
    told["See failures"] = wrong_with(stage, await stage.lee.see_view())
    await stage.lee.close()
    for card in cards:
        if "[Show all]" in card.text:
            await stage.lee.click("Show all", card)
            told[card.text[:60]] = wrong_with(stage, await stage.lee.see_view())
            await stage.lee.close()
    assert {name: found for name, found in told.items() if found} == {}
    assert_stated(cards, answers)


def assert_stated(cards: list[Seen], answers: Mapping[str, str]) -> None:
    """Assert that an empty answer is said to be empty, and a cut one to be cut, with a way to the whole."""
    shown = {name: card.text for name in answers for card in cards if f"item {name} " in card.text}
    assert shown.keys() == answers.keys()
    for name, text in answers.items():
        if not text.strip():
            assert "(empty answer)" in shown[name] or "(blank answer" in shown[name], name
        if len(text) > 2_000:
            assert f"of {len(text):,} characters]" in shown[name], name
            assert "[Show all]" in shown[name], name


async def all_cards(stage: Stage, run: Seen, count: int) -> list[Seen]:
    """Put up every answer of the run and give the grading cards."""
    while len(cards := await stage.reviews(run)) < count:
        await stage.dana.slash("/evalbot review 1 n:20", CHANNEL)
        opened = len(await stage.stored_reviews())

        async def more(before: int = opened) -> bool:
            return len(await stage.stored_reviews()) > before

        await until(more, "another round is open")
        await stage.settled_down()
    return cards


async def test_answers_stay_text_in_candidates_items_and_digest(
    hostile_stage: Stage, answers: Mapping[str, str]
) -> None:
    """Proposed as items, approved, asked in the next run and shown in the digest they are harmless as well."""
    stage = hostile_stage
    run = await stage.finished("run hostile")
    proposed = await all_cards(stage, run, len(answers))
    for card in proposed:
        await propose(stage, card, next(text for name, text in answers.items() if f"item {name} " in card.text))
    await stage.settled_down()
    stored = await stage.read(lambda tx: candidates.list_candidates(tx, stage.bot.program.services.team))
    assert sorted(one.bad_output for one in stored) == sorted(answers.values())
    drafted = [one for one in await stage.dana.messages(STEWARDS) if "[Approve]" in one.text]
    for candidate in drafted[-8:]:
        await stage.dana.click("Approve", candidate)
    again = await stage.finished("run hostile", 2)
    for card in (await stage.reviews(again))[:5]:
        await stage.grade(stage.lee, "1 Wrong", card)
    await stage.dana.slash("/evalbot digest now", CHANNEL)
    await stage.dana.see_message(CHANNEL, "Model quality", timeout=PATIENCE_S)
    await stage.lee.open_home()
    home = await stage.lee.see_home("*in version")
    await stage.settled_down()
    assert wrong_with(stage, [*stage.bot_messages(), home]) == []


async def propose(stage: Stage, card: Seen, text: str) -> None:
    """Propose an item on an answer; what a form takes is typed into all of its fields."""
    await stage.lee.click("Better answer…", card)
    assert wrong_with(stage, await stage.lee.see_view("Better answer")) == []
    typed = text if text.strip() and len(text) <= 2_900 and not re.search("[\0\ud800-\udfff]", text) else BETTER
    await stage.lee.submit(question=f"{card.ts} {typed}", better=typed, reason=typed)


async def test_every_command_gets_one_private_answer(stage: Stage, commands: Mapping[str, str]) -> None:
    """Whatever is typed after the command, its writer alone gets one harmless answer."""
    told: dict[str, list[str]] = {}
    for count, (name, text) in enumerate(commands.items(), 1):
        await stage.dana.slash(f"/evalbot {text}", CHANNEL)
        answer = await stage.dana.see_ephemeral(CHANNEL)
        await stage.settled_down()
        private = [one for one in await stage.dana.messages(CHANNEL) if one.is_ephemeral]
        told[name] = [*wrong_with(stage, private[-1].body), *([] if len(private) == count else ["no single answer"])]
        told[name] += [] if answer.text.strip() else ["empty"]
    assert {name: found for name, found in told.items() if found} == {}
    assert await stage.lee.messages(CHANNEL) == []


async def test_every_mention_gets_one_private_answer(stage: Stage) -> None:
    """The same holds for what is typed after a mention."""
    for count, text in enumerate((text for text in COMMANDS.values() if text.strip()), 1):
        await stage.dana.mention(CHANNEL, text)
        await stage.settled_down()
        private = [one for one in await stage.dana.messages(CHANNEL) if one.is_ephemeral]
        assert len(private) == count, text[:60]
        assert wrong_with(stage, private[-1].body) == [], text[:60]
    assert stage.bot_messages() == []


async def test_nothing_of_an_answer_is_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """No log line of the bot, down to the details, holds a question or a model's answer."""
    caplog.set_level(logging.DEBUG, "evalbot")
    stage.models.simulation.script["How long can I return a tent?"] = "very-private-answer"
    run = await stage.finished("run shop")
    await stage.grade(stage.lee, "1 Wrong", (await stage.reviews(run))[0])
    lines = [f"{one.getMessage()} {vars(one)}" for one in caplog.records if one.name.startswith("evalbot.")]
    assert lines
    assert not [line for line in lines if "very-private-answer" in line or "How long can I return" in line]
