"""Stored answers graded again: with other checks and another judge, and without asking any target."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalbot.asking.ask import Question
from evalbot.errors import BadRequest, Conflict, ModelUnavailable, NotAllowed, UnknownName
from evalbot.library.project import Project
from evalbot.library.rubrics import load_rubric
from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.reporting.estimates import RunSummary
from evalbot.runs.budgets import Limits
from evalbot.runs.outputs import Output, Usage
from evalbot.runs.requests import RunRequest
from evalbot.runs.runs import Run, RunStatus
from evalbot.store import budgets, outputs, runs
from evalbot.store.database import Store
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId
from evalbot.suites.suites import RunDefaults, Suite
from evalbot.suites.targets import Target, short_target
from evalbot.testing import RecordingAnnouncer, Reply, ScriptedModel, make_services
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.regrading import RegradeRequest, preview_regrading, start_regrading
from evalbot.workflows.running import execute_run
from evalbot.workflows.starting import start_run

ROOT = Path(__file__).parents[2]
ANN = Person(PersonId("U1"), TeamId("local"), "Ann", Role.ADMIN)
KINDNESS = load_rubric(ROOT / "rubrics" / "helpfulness.yaml", Project(ROOT).files)


def suite(*graders: GraderSpec, words: str = "Say", **changes: Any) -> Suite:
    """A suite of six items."""
    items = tuple(Item(ItemId(f"i{n}"), vars={"question": f"{words} {n}."}, reference=str(n)) for n in range(6))
    made = Suite("sums", items, targets=(short_target("test:model"),), graders=graders)
    return replace(made, **changes)


class World:
    """A model that says each number in a sentence, a judge, and what was told."""

    def __init__(self, store: Store) -> None:
        self.model = ScriptedModel(self.say, Usage(0.5, 10, 5, 0.01))
        self.judge = ScriptedModel(lambda question: json.dumps({"grade": 4, "reason": "Fine."}))
        self.announcer = RecordingAnnouncer()
        self.services = make_services(store, {"model": self.model, "judge": self.judge}, announcer=self.announcer)

    @staticmethod
    def say(question: Question) -> Reply:
        """Say the number; the last one fails."""
        assert question.item is not None
        if question.item.id == "i5":
            return ModelUnavailable("Away.", kind="timeout")
        return f"It is {question.item.reference}."

    async def ran(self, made: Suite) -> Run:
        """Release a suite and run it to its end."""
        await sync_suites(self.services, [made])
        run = await start_run(self.services, RunRequest("sums", ANN))
        await execute_run(self.services, run.id)
        return await self.read(run)

    async def read(self, run: Run) -> Run:
        """Read a run anew."""
        return await self.services.store.read(lambda tx: runs.get_run(tx, run.id))

    async def outputs(self, run: Run) -> list[Output]:
        """Give the outputs of a run."""
        return await self.services.store.read(lambda tx: outputs.list_outputs(tx, run.id))

    async def regraded(self, run: Run, made: Suite) -> Run:
        """Release another version and grade the run's answers again."""
        await sync_suites(self.services, [made])
        again = await start_regrading(self.services, RegradeRequest(run, ANN))
        await execute_run(self.services, again.id)
        return await self.read(again)

    def summary(self) -> RunSummary:
        """Give the summary that was announced last."""
        found: RunSummary = self.announcer.of("run_finished")[-1].about[1]
        return found


@pytest.fixture
async def world(sqlite_store: Store) -> World:
    """A world on an empty store."""
    return World(sqlite_store)


async def test_other_checks_grade_the_same_answers(world: World) -> None:
    """A stricter check, a new run, no question to the model; the first run keeps its own grades."""
    first = await world.ran(suite(GraderSpec(GraderType.NUMERIC)))
    assert world.summary().rows[0].estimate.score == 1.0
    asked = len(world.model.asked)
    again = await world.regraded(
        first, suite(GraderSpec(GraderType.EQUALS), GraderSpec(GraderType.COST, threshold=0.02))
    )
    assert len(world.model.asked) == asked
    assert (again.number, again.suite_version, again.status) == (first.number + 1, 2, RunStatus.DONE)
    summary = world.summary()
    assert (summary.outputs, summary.errors, summary.ungraded) == (6, 1, 0)
    assert {row.criterion: row.estimate.score for row in summary.rows}["pass"] == 0.0
    assert summary.cost_usd == 0.0
    stored = [await world.outputs(one) for one in (first, again)]
    assert [one.text for one in stored[0]] == [one.text for one in stored[1]]
    assert {one.id for one in stored[0]}.isdisjoint({one.id for one in stored[1]})


async def test_a_judge_comes_later(world: World) -> None:
    """Answers that nobody judged are judged, each once, and the failed one stays an error."""
    first = await world.ran(suite(GraderSpec(GraderType.NUMERIC)))
    judged = suite(
        GraderSpec(GraderType.RUBRIC, rubric=KINDNESS.name),
        rubrics={KINDNESS.name: KINDNESS},
        run=RunDefaults(judge=short_target("test:judge")),
    )
    await world.regraded(first, judged)
    assert len(world.judge.asked) == 5
    assert (world.summary().rows[0].estimate.n, world.summary().errors) == (5, 1)


async def test_items_that_ask_something_else_now_are_left_out(world: World) -> None:
    """An answer is never graded as the answer to another question; without any item there is nothing to do."""
    first = await world.ran(suite(GraderSpec(GraderType.NUMERIC)))
    changed = suite(GraderSpec(GraderType.EQUALS), words="Write")
    mixed = replace(changed, items=(*suite().items[:2], *changed.items[2:4]))
    again = await world.regraded(first, mixed)
    assert again.item_ids == ("i0", "i1")
    await sync_suites(world.services, [changed])
    with pytest.raises(BadRequest, match="No item of run"):
        await start_regrading(world.services, RegradeRequest(first, ANN))


async def test_a_cancelled_run_gives_what_was_answered_in_full(world: World) -> None:
    """What was never answered is not asked now either."""
    made = suite(GraderSpec(GraderType.NUMERIC))
    first = await world.ran(made)
    half = replace(first, item_ids=(*first.item_ids, ItemId("never")))
    again = await world.regraded(half, made)
    assert again.item_ids == first.item_ids
    assert len(world.model.asked) == 6


async def test_who_may_and_when(world: World) -> None:
    """Runners only, of the same workspace, and only runs that have ended."""
    await sync_suites(world.services, [suite(GraderSpec(GraderType.NUMERIC))])
    run = await start_run(world.services, RunRequest("sums", ANN))
    with pytest.raises(Conflict, match="still goes on"):
        await start_regrading(world.services, RegradeRequest(run, ANN))
    await execute_run(world.services, run.id)
    ended = await world.read(run)
    with pytest.raises(NotAllowed):
        await start_regrading(world.services, RegradeRequest(ended, replace(ANN, role=Role.VIEWER)))
    with pytest.raises(UnknownName):
        await start_regrading(world.services, RegradeRequest(ended, replace(ANN, team=TeamId("T2"))))


async def test_regrading_keeps_to_price_and_budgets_as_a_run_does(world: World) -> None:
    """Its preview counts the judge alone; above the set price somebody must agree, and without money nothing begins."""
    first = await world.ran(suite(GraderSpec(GraderType.NUMERIC)))
    judge = Target("test:judge", "judge", {"price": {"input": 10.0, "output": 100.0}, "max_tokens": 200})
    judged = suite(
        GraderSpec(GraderType.RUBRIC, rubric=KINDNESS.name),
        rubrics={KINDNESS.name: KINDNESS},
        run=RunDefaults(judge=judge),
    )
    await sync_suites(world.services, [judged])
    dear = replace(world.services, limits=Limits(approval_above=1_000_000))
    preview = await preview_regrading(dear, RegradeRequest(first, ANN))
    assert (preview.forecast.items, preview.forecast.calls, preview.waits) == (6, 6, True)
    with pytest.raises(NotAllowed, match="somebody must agree"):
        await start_regrading(dear, RegradeRequest(first, ANN))
    assert world.judge.asked == []
    again = await start_regrading(dear, RegradeRequest(first, ANN, budget=10**9, approved=True))
    await execute_run(dear, again.id)
    assert len(world.judge.asked) == 5
    day = await world.services.store.read(lambda tx: budgets.balance(tx, ANN.team, f"person:{ANN.id}:2026-03-02"))
    assert day is not None
    assert day.billed + day.guessed > 0
    poor = replace(world.services, limits=Limits(person_day=day.total))
    with pytest.raises(NotAllowed, match="Your budget for today"):
        await start_regrading(poor, RegradeRequest(first, ANN))
