"""The shipped fakes do what their users count on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from evalbot.asking.ask import Question
from evalbot.errors import ModelUnavailable, UnknownName
from evalbot.store.database import Store
from evalbot.suites.items import Item, ItemId, Message
from evalbot.suites.targets import Target, short_target
from evalbot.testing import (
    FixedClock,
    RecordingAnnouncer,
    ScriptedModel,
    ScriptedModels,
    SeededIds,
    Told,
    make_services,
)

NO_STORE = cast(Store, None)


def question(text: str, item: str = "i1") -> Question:
    """Make a question of one turn."""
    return Question((Message("user", text),), Item(ItemId(item)))


async def test_a_scripted_model_answers_counts_and_raises() -> None:
    """The script decides; every question is kept, also those that fail."""
    model = ScriptedModel(
        lambda asked: ModelUnavailable("Away.") if asked.messages[0].content == "fail" else asked.messages[0].content
    )
    assert (await model.ask(question("a"))).text == "a"
    assert (await model.ask_json(question("b", "i2"), {})).text == "b"
    with pytest.raises(ModelUnavailable):
        await model.ask(question("fail"))
    assert model.times == {"i1": 2, "i2": 1}
    assert (model.at_once, model.most_at_once) == (0, 1)


async def test_questions_wait_at_the_gate() -> None:
    """While the gate is closed questions are open, and who is cancelled leaves."""
    model = ScriptedModel(lambda asked: "yes", gate=asyncio.Event())
    tasks = [asyncio.create_task(model.ask(question(str(n)))) for n in range(3)]
    await asyncio.wait_for(model.wait_for(at_once=3), 5)
    tasks[0].cancel()
    await asyncio.gather(tasks[0], return_exceptions=True)
    assert (model.at_once, model.most_at_once) == (2, 3)
    assert model.gate is not None
    model.gate.set()
    assert [answer.text for answer in await asyncio.gather(*tasks[1:])] == ["yes", "yes"]


def test_models_are_found_by_label_or_id() -> None:
    """A target without a script is refused as an unknown provider would be."""
    model = ScriptedModel(lambda asked: "yes")
    models = ScriptedModels({"mine": model, "test:other": model})
    assert models.answerer(Target("test:x", "mine")) is model
    assert models.answerer(short_target("test:other")) is model
    with pytest.raises(UnknownName):
        models.answerer(short_target("test:x"))


def test_the_clock_stands_until_it_is_moved() -> None:
    """Time passes by order only."""
    clock = FixedClock(datetime(2026, 1, 5, 9, tzinfo=UTC))
    assert clock() == clock()
    clock.move(weeks=1, minutes=5)
    assert clock() == datetime(2026, 1, 12, 9, 5, tzinfo=UTC)


def test_ids_differ_and_come_again() -> None:
    """Two counters give the same ids in the same order."""
    one, two = SeededIds("x"), SeededIds("x")
    first = [one(), one(), one()]
    assert len(set(first)) == 3
    assert first == [two(), two(), two()]


async def test_what_is_told_is_kept_in_order() -> None:
    """The announcer keeps the method and all that it was given."""
    announcer, things = RecordingAnnouncer(), cast(Any, object())
    await announcer.run_started(things, things)
    await announcer.digest_ready(things, None)
    assert announcer.told == [Told("run_started", (things, things)), Told("digest_ready", (things, None))]
    assert announcer.of("digest_ready") == [Told("digest_ready", (things, None))]


def test_work_in_the_background_needs_somebody_to_wait_for_it() -> None:
    """Services without a spawn refuse it, so that no test leaves work behind by accident."""

    async def work() -> None:
        """Do nothing."""

    services = make_services(NO_STORE, {})
    with pytest.raises(RuntimeError, match="spawn"):
        services.spawn(work())
    assert services.new_seed() != services.new_seed()
