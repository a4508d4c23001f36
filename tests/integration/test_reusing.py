"""Answers used again: what was asked before in exactly the same way is asked only once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from evalbot.asking.ask import Question
from evalbot.errors import ModelUnavailable
from evalbot.runs.outputs import Usage
from evalbot.runs.runs import Run, RunStatus
from evalbot.suites.targets import Target
from evalbot.testing import Reply
from evalbot.workflows import browsing
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.reusing import Keeping, forget_kept
from evalbot.workflows.running import execute_run
from evalbot.workflows.starting import start_run
from tests.integration.test_running import ASK, ITEMS, World, judged, make_suite, say_number, world

__all__ = ["judged", "world"]


async def carry_out(world: World, **changes: object) -> Run:
    """Start a run and carry it out, answers used again."""
    services = replace(world.services, reuse="http://models/v1")
    run = await start_run(services, replace(ASK, **changes))  # type: ignore[arg-type]
    await execute_run(services, run.id)
    assert (await world.again(run)).status is RunStatus.DONE
    return run


async def test_the_same_is_asked_once(world: World) -> None:
    """A second run asks nothing; its answers are the same, cost nothing and are counted as coming from the cache."""
    world.model.usage = Usage(1.5, 10, 2, 0.01)
    first, second = await carry_out(world), await carry_out(world)
    assert len(world.model.asked) == ITEMS
    before, after = await world.found(first), await world.found(second)
    assert [one.text for one in after] == [one.text for one in before]
    assert {one.usage for one in before} == {Usage(1.5, 10, 2, 0.01)}
    assert {one.usage for one in after} == {Usage(1.5, 10, 2, 0.0, cached=True)}
    assert await browsing.count_cached(world.services, first) == 0
    assert await browsing.count_cached(world.services, second) == ITEMS
    await start_and_finish_without(world)
    assert len(world.model.asked) == 2 * ITEMS, "off unless asked for"


async def start_and_finish_without(world: World) -> None:
    """Carry out a run in which nothing is used again."""
    run = await start_run(world.services, ASK)
    await execute_run(world.services, run.id)


async def test_anything_different_is_asked(world: World) -> None:
    """Another parameter, another repeat or another question is asked anew; what is the same among it is not."""
    await carry_out(world)
    warm = Target("test:model", "model", {"temperature": 1})
    await sync_suites(world.services, [make_suite(targets=(warm,))])
    await carry_out(world)
    assert len(world.model.asked) == 2 * ITEMS
    await carry_out(world, repeats=2)
    assert len(world.model.asked) == 3 * ITEMS, "the first repeat was there"


async def test_a_failure_is_not_kept(world: World) -> None:
    """What failed is asked again in the next run."""

    def half(question: Question) -> Reply:
        assert question.item is not None
        return say_number(question) if question.item.id == "i0" else ModelUnavailable("No.", kind="bad_request")

    world.model.script = half
    await carry_out(world)
    world.model.script = say_number
    await carry_out(world)
    assert len(world.model.asked) == 2 * ITEMS - 1


async def test_judges_are_asked_once_too(judged: World) -> None:
    """The mark in a request to a judge is new each time, yet the same request is recognised."""
    await carry_out(judged, suite="judged")
    await carry_out(judged, suite="judged")
    assert (len(judged.model.asked), len(judged.judge.asked)) == (ITEMS, ITEMS)
    assert len({question.messages for question in judged.judge.asked}) == ITEMS
    plain = [question.plain() for question in judged.judge.asked if question.plain]
    assert all(sent != bare for sent, bare in zip((q.messages for q in judged.judge.asked), plain, strict=True))


async def test_what_is_kept_is_forgotten_in_time_and_beyond_its_room(world: World) -> None:
    """Answers older than the days that are set go, and of the rest the oldest that are too many; what went is asked anew."""
    await carry_out(world)
    assert await forget_kept(world.services, Keeping(30, 1_000_000)) == 0
    there = sum(len(one.text or "") for one in await world.found(await browsing.find_run(world.services, 1)))
    assert await forget_kept(world.services, Keeping(30, there)) == 0
    assert await forget_kept(world.services, Keeping(30, there - 1)) == 1
    await carry_out(world)
    assert len(world.model.asked) == ITEMS + 1
    later = replace(world.services, now=lambda: world.services.now() + timedelta(days=31))
    assert await forget_kept(later, Keeping(30, 1_000_000)) == ITEMS
    await carry_out(world)
    assert len(world.model.asked) == 2 * ITEMS + 1
