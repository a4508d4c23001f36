"""Runs before their start: what they would take, kept until somebody starts them once, and those that wait for an approver."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from evalbot.errors import BadRequest, Conflict, NotAllowed, UnknownName
from evalbot.people import PersonId, Role, TeamId
from evalbot.runs.budgets import BILLION, Limits, Scope
from evalbot.runs.outputs import RunId, Usage
from evalbot.runs.requests import RunRequest
from evalbot.runs.runs import Run, RunStatus
from evalbot.store import runs
from evalbot.store.database import Store
from evalbot.suites.targets import Target
from evalbot.workflows import approving, previewing
from evalbot.workflows.going_on import go_on
from evalbot.workflows.retelling import tell_again
from evalbot.workflows.running import cancel_run, execute_run, list_open_runs
from evalbot.workflows.starting import change_budget, start_run
from tests.integration.test_budgets import ANN, ASK, CENT, World, world_with

LEE = replace(ANN, id=PersonId("U2"), name="Lee", role=Role.APPROVER)
KIM = replace(ANN, id=PersonId("U3"), name="Kim", role=Role.APPROVER)
RAE = replace(ANN, id=PersonId("U4"), name="Rae", role=Role.RUNNER)
WEB = Target("test:model", "model", {"price": {"input": 10.0, "output": 100.0}, "max_tokens": 200})


class CountingEngine:
    """An engine that notes what it is given."""

    def __init__(self) -> None:
        self.begun: list[RunId] = []

    async def submit(self, run_id: RunId) -> None:
        """Note a run."""
        self.begun.append(run_id)

    async def cancel(self, run_id: RunId) -> None:
        """Stop nothing."""


async def again(world: World, run: Run) -> Run:
    """Read a run anew."""
    return await world.services.store.read(lambda tx: runs.get_run(tx, run.id))


async def test_a_first_preview_is_reckoned_from_the_prompts(sqlite_store: Store) -> None:
    """50 questions of 6 or 7 bytes: 1.4 to 2.7 tokens in and 60 to 200 out at 100 dollars a million, 0.5 points exact per item."""
    world = await world_with(sqlite_store, Limits(day=BILLION), target=WEB)
    found = await previewing.preview_run(world.services, replace(ASK, budget=3 * BILLION))
    forecast = found.forecast
    assert (forecast.items, forecast.calls, forecast.unknown, forecast.cost_from) == (50, 50, (), None)
    few, many = 50 * (2 * 10_000 + 60 * 100_000), 50 * (3 * 10_000 + 200 * 100_000)
    assert (forecast.low, forecast.high) == (few, many)
    assert forecast.seconds == pytest.approx(50 * 3.0 / 16)
    assert forecast.precision.half_width == pytest.approx(1.96 * 0.5 / 50**0.5, abs=1e-3)
    assert forecast.precision.smallest_change == pytest.approx(2.8016 * 0.5 / 50**0.5, abs=1e-3)
    assert forecast.left == {Scope.RUN: 3 * BILLION, Scope.DAY: BILLION}
    assert forecast.may_stop_early
    assert not found.waits
    assert world.model.asked == []
    assert world.announcer.told == []


async def test_a_preview_learns_from_the_run_before(sqlite_store: Store) -> None:
    """What a like run cost, took and measured is what the next one is reckoned from."""
    world = await world_with(sqlite_store, Limits(), items=40)
    script = world.model.script
    world.model.script = lambda question: "no" if question.item and question.item.id < "i2" else script(question)
    first = await world.carried_out(ASK)
    found = (await previewing.look_at(world.services, ASK)).forecast
    assert found.cost_from == found.precision.from_run == first.number
    assert (found.low, found.high) == (32 * CENT, 50 * CENT)
    right = sum(f"i{n}" >= "i2" for n in range(40)) / 40
    sd = (right * (1 - right) * 40 / 39) ** 0.5
    assert found.precision.half_width == pytest.approx(1.959964 * sd / 40**0.5, rel=1e-4)


async def test_a_preview_is_started_once(store: Store) -> None:
    """Of many presses of Start at once, one starts the run that was shown."""
    world = await world_with(store, Limits())
    found = await previewing.preview_run(world.services, replace(ASK, limit=7, budget=BILLION))
    presses = [previewing.start_draft(world.services, ANN, found.draft_id) for _ in range(5)]
    results = await asyncio.gather(*presses, return_exceptions=True)
    started = [one for one in results if isinstance(one, Run)]
    assert (len(started), len(started[0].item_ids)) == (1, 7)
    assert [type(one) for one in results if not isinstance(one, Run)] == [Conflict] * 4
    assert len(await list_open_runs(world.services)) == 1


async def test_a_preview_is_its_askers_alone(sqlite_store: Store) -> None:
    """Nobody else can start, change or drop it, nor somebody of another workspace; a day later it is gone."""
    world = await world_with(sqlite_store, Limits())
    found = await previewing.preview_run(world.services, ASK)
    with pytest.raises(UnknownName):
        await previewing.start_draft(world.services, LEE, found.draft_id)
    assert not await previewing.drop_draft(world.services, LEE, found.draft_id)
    elsewhere = replace(world.services, team=TeamId("other"))
    with pytest.raises(Conflict):
        await previewing.start_draft(elsewhere, ANN, found.draft_id)
    world.clock.move(days=2)
    await previewing.preview_run(world.services, ASK)
    with pytest.raises(Conflict, match="Ask for the run again"):
        await previewing.start_draft(world.services, ANN, found.draft_id)


async def test_a_changed_preview_takes_the_place_of_the_one_before(sqlite_store: Store) -> None:
    """What cannot be run is refused and leaves the preview as it was; what can is shown anew, and the old one is void."""
    world = await world_with(sqlite_store, Limits())
    found = await previewing.preview_run(world.services, ASK)
    with pytest.raises(UnknownName):
        await previewing.change_draft(world.services, ANN, found.draft_id, replace(ASK, suite="nothing"))
    changed = await previewing.change_draft(world.services, ANN, found.draft_id, replace(ASK, limit=3))
    assert changed.forecast.items == 3
    with pytest.raises(Conflict):
        await previewing.start_draft(world.services, ANN, found.draft_id)
    assert len((await previewing.start_draft(world.services, ANN, changed.draft_id)).item_ids) == 3


async def test_what_cannot_be_started_is_refused_at_the_preview(sqlite_store: Store) -> None:
    """A person without the role, and a target without a price where a budget is kept, learn it before Start."""
    world = await world_with(sqlite_store, Limits(day=BILLION), 5, Target("test:model", "model"))
    with pytest.raises(NotAllowed, match="role runner"):
        await previewing.preview_run(world.services, replace(ASK, person=replace(ANN, role=Role.GRADER)))
    with pytest.raises(BadRequest, match="nobody knows what model costs"):
        await previewing.preview_run(world.services, ASK)


DEAR = Limits(approval_above=40 * CENT)


async def waiting(world: World, request: RunRequest = ASK) -> Run:
    """Start a run that is expected to cost more than may be started so."""
    run = await start_run(world.services, request)
    assert run.status is RunStatus.WAITING
    return run


async def test_above_a_set_price_a_run_waits_and_nothing_is_asked(sqlite_store: Store) -> None:
    """It is announced as waiting with its reason; neither an engine nor a restart lets it begin."""
    world = await world_with(sqlite_store, DEAR)
    run = await waiting(world)
    assert run.note == "It may cost up to $0.50, so it waits for an approver."
    assert world.announcer.of("run_started")[0].about[0].status is RunStatus.WAITING
    await execute_run(world.services, run.id)
    await tell_again(world.services)
    assert (await again(world, run)).status is RunStatus.WAITING
    assert world.model.asked == []
    assert [one.run.id for one in await approving.list_waiting(world.services)] == [run.id]
    assert [told.about[0].id for told in world.announcer.of("run_started")] == [run.id, run.id]


async def test_two_approvals_make_one_start(store: Store) -> None:
    """Of two approvers at the same moment one starts the run; the other is told that it was decided."""
    world, engine = await world_with(store, DEAR), CountingEngine()
    run = await waiting(world)
    found = await asyncio.gather(
        *(approving.approve_run(world.services, engine, person, run.id) for person in (LEE, KIM)),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in found) == ["Conflict", "Run"]
    assert engine.begun == [run.id]
    await execute_run(world.services, run.id)
    assert (await again(world, run)).status is RunStatus.DONE
    assert len(world.model.asked) == 50


async def test_nobody_approves_the_own_run_and_not_everybody_may(sqlite_store: Store) -> None:
    """The starter needs a second person, and that one the role; people of other workspaces see no run at all."""
    world, engine = await world_with(sqlite_store, DEAR), CountingEngine()
    run = await waiting(world)
    with pytest.raises(NotAllowed, match="second person"):
        await approving.approve_run(world.services, engine, ANN, run.id)
    with pytest.raises(NotAllowed, match="role approver"):
        await approving.approve_run(world.services, engine, RAE, run.id)
    with pytest.raises(NotAllowed, match="role approver"):
        await approving.reject_run(world.services, RAE, run.id)
    with pytest.raises(UnknownName):
        await approving.approve_run(world.services, engine, replace(LEE, team=TeamId("other")), run.id)
    assert engine.begun == []
    assert (await again(world, run)).status is RunStatus.WAITING


async def test_a_rejected_run_ends_without_a_call(sqlite_store: Store) -> None:
    """It is cancelled with the name of who rejected it, and cannot be approved any more."""
    world, engine = await world_with(sqlite_store, DEAR), CountingEngine()
    run = await waiting(world)
    ended = await approving.reject_run(world.services, LEE, run.id)
    assert (ended.status, ended.note) == (RunStatus.CANCELLED, "rejected by Lee")
    with pytest.raises(Conflict, match="decided on already"):
        await approving.approve_run(world.services, engine, KIM, run.id)
    assert (engine.begun, world.model.asked) == ([], [])


async def test_a_waiting_run_that_was_cancelled_cannot_be_approved(sqlite_store: Store) -> None:
    """Its starter may take it back; an approval that comes later starts nothing and decides nothing."""
    world, engine = await world_with(sqlite_store, DEAR), CountingEngine()
    run = await waiting(world)
    await cancel_run(world.services, engine, ANN, run)
    with pytest.raises(Conflict, match="already cancelled"):
        await approving.approve_run(world.services, engine, LEE, run.id)
    assert engine.begun == []


async def test_a_budget_below_the_price_needs_no_approval(sqlite_store: Store) -> None:
    """Who holds the cost down oneself starts at once; so does whose run was approved beforehand."""
    world = await world_with(sqlite_store, DEAR)
    assert (await start_run(world.services, replace(ASK, budget=10 * CENT))).going
    assert (await start_run(world.services, replace(ASK, approved=True))).going


async def test_a_run_of_unknown_cost_waits_as_well(sqlite_store: Store) -> None:
    """Where cost needs approval, a cost that nobody knows does."""
    world = await world_with(sqlite_store, DEAR, 5, Target("test:model", "model"))
    world.model.usage = Usage()
    run = await waiting(world)
    assert run.note == "Its cost is not known, so it waits for an approver."


async def test_a_run_whose_money_was_spent_is_gone_on_with(store: Store) -> None:
    """A new run takes over what was paid for, with its grades, and asks the rest out of a budget of its own."""
    world = await world_with(store, Limits(run=20 * CENT))
    first = await world.carried_out(ASK)
    assert first.note.endswith("Type rerun 1 with a larger budget to go on.")
    second = await go_on(world.services, ANN, first, 25 * CENT)
    await execute_run(world.services, second.id)
    assert (await again(world, second)).note.startswith("The budget of $0.25 is used up: 45 of 50 answers are there.")
    third = await go_on(world.services, ANN, await again(world, second))
    await execute_run(world.services, third.id)
    assert (await again(world, third)).status is RunStatus.DONE
    assert world.model.times == {f"i{n}": 1 for n in range(50)}
    summary = world.announcer.of("run_finished")[-1].about[1]
    assert (summary.outputs, summary.ungraded, summary.rows[0].estimate.n) == (50, 0, 50)
    assert summary.cost_usd == pytest.approx(0.05)
    with pytest.raises(BadRequest, match="has all its answers"):
        await go_on(world.services, ANN, await again(world, third))
    with pytest.raises(NotAllowed):
        await go_on(world.services, replace(ANN, role=Role.GRADER), first)
    with pytest.raises(UnknownName):
        await go_on(world.services, replace(ANN, team=TeamId("other")), first)


async def test_a_run_that_goes_on_is_not_gone_on_with(sqlite_store: Store) -> None:
    """An open run has to end first."""
    world = await world_with(sqlite_store, DEAR)
    with pytest.raises(Conflict, match="still goes on"):
        await go_on(world.services, ANN, await waiting(world))


async def test_an_open_run_may_be_given_another_budget(sqlite_store: Store) -> None:
    """A run that was interrupted goes on with what it is given then, up to what its giver may give."""
    world = await world_with(sqlite_store, Limits(run=20 * CENT))
    run = await start_run(world.services, ASK)
    await change_budget(world.services, ANN, run, 30 * CENT)
    with pytest.raises(NotAllowed):
        await change_budget(world.services, RAE, run, 40 * CENT)
    await execute_run(world.services, run.id)
    assert (await again(world, run)).note.startswith("The budget of $0.30 is used up: 30 of 50")
