"""Budgets: money is put aside before each call, settled after it, and never overspent, also by several programs and after kills."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evalbot.asking.answerers import ModelAnswerers
from evalbot.asking.ask import Question
from evalbot.asking.prices import PriceTable
from evalbot.asking.target_config import Price
from evalbot.errors import BadRequest, BudgetUsedUp, ModelUnavailable, NotAllowed
from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.playground.model_server import ModelServer
from evalbot.playground.simulated.simulation import Simulation
from evalbot.runs.budgets import BILLION, Account, Bill, Limits, Scope, Spent
from evalbot.runs.outputs import Usage
from evalbot.runs.requests import RunRequest
from evalbot.runs.runs import Run, RunStatus
from evalbot.store import budgets, outputs, runs
from evalbot.store.database import Store
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId, Message
from evalbot.suites.suites import RunDefaults, Suite
from evalbot.suites.targets import Target
from evalbot.testing import FixedClock, RecordingAnnouncer, Reply, ScriptedModel, make_services
from evalbot.workflows import spending
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.running import execute_run
from evalbot.workflows.services import Services
from evalbot.workflows.spending import MeteredAnswerers, Purse
from evalbot.workflows.starting import start_run
from tests.integration.judge_world import HELPFULNESS

TEAM = TeamId("local")
ANN = Person(PersonId("U1"), TEAM, "Ann", Role.ADMIN)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TARGET = Target("test:model", "model", {"price": {"input": 0.0, "output": 10_000.0}, "max_tokens": 1})
"""A call of it costs one cent: one token out, at ten thousand dollars a million."""

CENT = BILLION // 100
ONE_TOKEN = Usage(0.01, 1, 1, 0.01)


RUBRIC = "helpfulness"


def make_suite(items: int = 50, target: Target = TARGET, rubric: Target | None = None) -> Suite:
    """Make a suite of so many items whose answers are their numbers; `rubric` is who judges them beside the check."""
    made = tuple(Item(ItemId(f"i{n}"), vars={"question": f"Say {n}."}, reference=f"no. {n}") for n in range(items))
    checks = (GraderSpec(GraderType.NUMERIC),)
    if rubric is None:
        return Suite("sums", made, targets=(target,), graders=checks)
    judged = (*checks, GraderSpec(GraderType.RUBRIC, rubric=RUBRIC))
    shipped = {RUBRIC: HELPFULNESS}
    return Suite("sums", made, rubrics=shipped, targets=(target,), graders=judged, run=RunDefaults(judge=rubric))


def say_number(question: Question) -> Reply:
    """Answer with the number that was asked for."""
    assert question.item is not None
    return str(question.item.reference)


class World:
    """Services with one scripted model whose every call costs one cent."""

    def __init__(self, store: Store, limits: Limits) -> None:
        self.model = ScriptedModel(say_number, ONE_TOKEN)
        self.judge = ScriptedModel(lambda question: '{"grade": 2, "reason": "Right."}', ONE_TOKEN)
        self.clock = FixedClock(NOW)
        self.announcer = RecordingAnnouncer()
        made = make_services(
            store, {"model": self.model, "judge": self.judge}, announcer=self.announcer, now=self.clock
        )
        self.services: Services = replace(made, limits=limits)

    async def carried_out(self, request: RunRequest) -> Run:
        """Start a run, carry it out and give it as it is then."""
        run = await start_run(self.services, request)
        await execute_run(self.services, run.id)
        return await self.services.store.read(lambda tx: runs.get_run(tx, run.id))

    async def spent(self, run: Run) -> Spent | None:
        """Give what a run has cost."""
        return await self.services.store.read(lambda tx: budgets.spent(tx, TEAM, run.id))


async def world_with(
    store: Store, limits: Limits, items: int = 50, target: Target = TARGET, rubric: Target | None = None
) -> World:
    """Give a world with a suite and budgets."""
    made = World(store, limits)
    await sync_suites(made.services, [make_suite(items, target, rubric)])
    return made


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Wait only so long for money that somebody else holds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spending, "PATIENCE_S", seconds)
        yield


ASK = RunRequest("sums", ANN, concurrency=16)


async def test_a_run_stops_when_its_budget_is_used_up(store: Store) -> None:
    """A budget of 20 cents buys 20 answers of 50; all of them are kept and scored, and the run says why it ended."""
    world = await world_with(store, Limits(run=20 * CENT))
    run = await world.carried_out(ASK)
    assert len(world.model.asked) == 20
    assert run.status is RunStatus.CANCELLED
    assert run.note == (
        "The budget of $0.20 is used up: 20 of 50 answers are there. Type rerun 1 with a larger budget to go on."
    )
    found = await store.read(lambda tx: outputs.count_outputs(tx, run.id))
    assert found.outputs == 20
    assert await world.spent(run) == Spent(billed=20 * CENT)
    summary = world.announcer.of("run_finished")[-1].about[1]
    assert (summary.outputs, summary.rows[0].estimate.n) == (20, 20)


async def test_a_budget_of_its_own_goes_before_the_usual_one(sqlite_store: Store) -> None:
    """A run may be given less than the usual budget, and by an approver more."""
    world = await world_with(sqlite_store, Limits(run=20 * CENT))
    assert (await world.carried_out(replace(ASK, budget=5 * CENT))).note.startswith(
        "The budget of $0.05 is used up: 5 of"
    )
    assert (await world.carried_out(replace(ASK, budget=30 * CENT))).note.startswith(
        "The budget of $0.30 is used up: 30"
    )
    runner = replace(ANN, role=Role.RUNNER)
    with pytest.raises(NotAllowed, match=r"A run may cost \$0.20 here"):
        await start_run(world.services, replace(ASK, person=runner, budget=30 * CENT))


async def test_a_budget_that_is_enough_changes_nothing(store: Store) -> None:
    """Every item is asked, and what was put aside beyond the real cost is given back."""
    world = await world_with(store, Limits(run=60 * CENT))
    run = await world.carried_out(ASK)
    assert (run.status, len(world.model.asked)) == (RunStatus.DONE, 50)
    assert await world.spent(run) == Spent(billed=50 * CENT)
    assert world.announcer.of("run_finished")[-1].about[1].cost_usd == pytest.approx(0.50)


async def test_money_of_a_day_and_a_person_is_shared_by_their_runs(store: Store) -> None:
    """What one run has spent is not there for the next one of that day; the next day it is there again."""
    world = await world_with(store, Limits(person_day=30 * CENT, day=70 * CENT), items=25)
    assert (await world.carried_out(ASK)).status is RunStatus.DONE
    second = await world.carried_out(ASK)
    assert second.note.startswith("The starter's budget for today, $0.30, is used up: 5 of 25 answers are there.")
    with pytest.raises(NotAllowed, match=r"Your budget for today \(\$0.30\) is used up"):
        await start_run(world.services, ASK)
    lee = replace(ASK, person=replace(ANN, id=PersonId("U2"), name="Lee"))
    assert (await world.carried_out(lee)).status is RunStatus.DONE
    kim = replace(ASK, person=replace(ANN, id=PersonId("U3"), name="Kim"))
    third = await world.carried_out(kim)
    assert third.note.startswith("The workspace's budget for today, $0.70, is used up: 15 of 25 answers are there.")
    world.clock.move(days=1)
    assert (await world.carried_out(ASK)).status is RunStatus.DONE


async def test_money_of_a_month_is_that_of_the_workspace(sqlite_store: Store) -> None:
    """A month's budget lasts over its days, and begins anew with the next month."""
    world = await world_with(sqlite_store, Limits(month=30 * CENT), items=20)
    await world.carried_out(ASK)
    world.clock.move(days=20)
    assert (await world.carried_out(ASK)).note.startswith(
        "The workspace's budget for this month, $0.30, is used up: 10"
    )
    with pytest.raises(NotAllowed, match="Run it next month"):
        await start_run(world.services, ASK)
    world.clock.move(days=20)
    assert (await world.carried_out(ASK)).status is RunStatus.DONE


@pytest.mark.parametrize(
    "usage",
    [Usage(0.01), Usage(0.01, 1, 10**15, 9e9), Usage(0.01, -5, 1), Usage(0.01, 0, 0, 0.0)],
    ids=["missing", "enormous", "negative", "nothing"],
)
async def test_figures_that_cannot_be_true_are_billed_at_the_worst_case(sqlite_store: Store, usage: Usage) -> None:
    """A provider that says nothing of its tokens, or nonsense, neither empties a budget at once nor asks for free."""
    world = await world_with(sqlite_store, Limits(run=20 * CENT))
    world.model.usage = usage
    run = await world.carried_out(ASK)
    assert len(world.model.asked) == 20
    assert await world.spent(run) == Spent(guessed=20 * CENT)


async def test_a_call_dearer_than_its_bound_is_billed_as_it_was(sqlite_store: Store) -> None:
    """Where a provider does not keep to the cap, at most the calls under way go beyond the budget."""
    world = await world_with(sqlite_store, Limits(run=20 * CENT))
    world.model.usage = Usage(0.01, 1, 7, 0.07)
    run = await world.carried_out(replace(ASK, concurrency=4))
    spent = await world.spent(run)
    assert spent is not None
    assert spent == Spent(billed=len(world.model.asked) * 7 * CENT)
    assert 20 * CENT <= spent.total <= (20 + 4 * 7) * CENT


async def test_a_target_without_a_price_is_refused_where_a_budget_is_kept(sqlite_store: Store) -> None:
    """A cost that nobody knows is never nothing: the refusal says what to do, and with a price it is asked."""
    bare = Target("test:model", "model")
    world = await world_with(sqlite_store, Limits(day=20 * CENT), 5, bare)
    with pytest.raises(BadRequest) as refused:
        await start_run(world.services, ASK)
    assert str(refused.value) == (
        "There is a budget, and nobody knows what model costs. Give test:model a price in evalbot.toml or in its config."
    )
    assert world.model.asked == []
    world.services = replace(world.services, prices=PriceTable({"test:model": Price(1.0, 1.0)}))
    assert (await world.carried_out(ASK)).status is RunStatus.DONE


async def test_without_a_budget_an_unknown_cost_stays_unknown(sqlite_store: Store) -> None:
    """The run goes on; its cost is neither nothing nor a guess."""
    world = await world_with(sqlite_store, Limits(), 5, Target("test:model", "model"))
    world.model.usage = Usage(0.01, 10, 10)
    run = await world.carried_out(ASK)
    assert run.status is RunStatus.DONE
    assert await world.spent(run) == Spent(unknown=5)
    assert world.announcer.of("run_finished")[-1].about[1].cost_usd is None


async def test_judge_and_target_count_into_one_cost(sqlite_store: Store) -> None:
    """A run costs what its targets and its judges cost, and both are paid out of its budget."""
    judge = Target("test:judge", "judge", {"price": {"input": 0.0, "output": 20_000.0}, "max_tokens": 1})
    world = await world_with(sqlite_store, Limits(run=31 * CENT), rubric=judge)
    world.judge.usage = Usage(0.01, 1, 1, 0.02)
    run = await world.carried_out(replace(ASK, concurrency=1))
    assert (len(world.model.asked), len(world.judge.asked)) == (11, 10)
    assert await world.spent(run) == Spent(billed=31 * CENT)
    assert run.note.startswith("The budget of $0.31 is used up: 11 of 50 answers are there.")


async def test_a_failed_call_is_billed_only_where_the_provider_may_have_answered(sqlite_store: Store) -> None:
    """A refusal costs nothing; a reply that broke off or cannot be read is billed at the worst case."""
    world = await world_with(sqlite_store, Limits(run=50 * CENT), items=6)
    failures = [ModelUnavailable("It failed.", kind=kind) for kind in ("rate_limited", "auth", "unreadable", "timeout")]
    failures += [ModelUnavailable("It broke off.", kind="connection", reached=reached) for reached in (True, False)]
    left = iter(failures)
    world.model.script = lambda question: next(left)
    run = await world.carried_out(replace(ASK, concurrency=1))
    assert await world.spent(run) == Spent(guessed=3 * CENT)


async def test_a_server_that_is_not_there_costs_nothing(sqlite_store: Store, tmp_path: Path) -> None:
    """Calls that find no server are tried and fail, and take nothing out of the budget."""
    models = ModelAnswerers("http://127.0.0.1:9/v1", "k" * 20, tmp_path, deadline_s=1, retries=1)
    purse = Purse(sqlite_store, TEAM, (Account(Scope.RUN, "run:r1", BILLION),))
    target = Target("openai:sim-steady", "sim", {"price": {"input": 1.0, "output": 1.0}})
    with pytest.raises(ModelUnavailable, match="failed or broke off"):
        await MeteredAnswerers(models, purse, PriceTable()).answerer(target).ask(Question((Message("user", "Hello?"),)))
    await purse.close()
    await models.close()
    assert await sqlite_store.read(lambda tx: budgets.balance(tx, TEAM, "run:r1")) == Spent()


async def test_calls_that_are_cut_off_are_billed_at_the_worst_case(sqlite_store: Store) -> None:
    """A run that is stopped with four calls under way is billed for these four as well, and holds nothing any more."""
    world = await world_with(sqlite_store, Limits(run=50 * CENT))
    world.model.gate = asyncio.Event()
    run = await start_run(world.services, ASK)
    task = asyncio.create_task(execute_run(world.services, run.id))
    await asyncio.wait_for(world.model.wait_for(16), 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await world.spent(run) == Spent(guessed=16 * CENT)


async def spend_all(purse: Purse) -> int:
    """Make calls of a cent until there is no money left; gives how many."""
    made = 0
    while True:
        try:
            await purse.take(CENT)
        except BudgetUsedUp:
            return made
        purse.settle(CENT, Bill(CENT, exact=True))
        made += 1


async def test_what_a_killed_program_held_stays_billed(store: Store) -> None:
    """Money that was taken and never settled is gone for those who come after; nobody spends it twice."""
    accounts = (Account(Scope.RUN, "run:r1", 30 * CENT),)
    killed = Purse(store, TEAM, accounts)
    for _ in range(8):
        await killed.take(CENT)
    held = (await store.read(lambda tx: budgets.balance(tx, TEAM, "run:r1"))) or Spent()
    assert held.held >= 8 * CENT
    heir = Purse(store, TEAM, accounts)
    with patience(0.0):
        heir_took = await spend_all(heir)
    await heir.close()
    assert heir_took == (30 * CENT - held.held) // CENT
    assert (await store.read(lambda tx: budgets.balance(tx, TEAM, "run:r1"))) == Spent(heir_took * CENT, held=held.held)


async def test_each_attempt_at_a_call_is_paid_for(sqlite_store: Store, tmp_path: Path) -> None:
    """A call that is tried again has money put aside for each try, and a try that may have cost something is billed."""
    async with ModelServer(simulation=Simulation(latency_ms=0)) as server:
        server.simulation.apply({"faults": {"malformed": 1.0}, "fault_limit": 2})
        models = ModelAnswerers(server.base_url, "k" * 20, tmp_path, deadline_s=3, retries=2)
        purse = Purse(sqlite_store, TEAM, (Account(Scope.RUN, "run:r1", BILLION),))
        target = Target("openai:sim-steady", "sim", {"price": {"input": 0.0, "output": 1_000.0}, "max_tokens": 10})
        answerer = MeteredAnswerers(models, purse, PriceTable()).answerer(target)
        answer = await answerer.ask(Question((Message("user", "Hello?"),)))
        await purse.close()
        await models.close()
        assert server.simulation.requests["sim-steady"] == 3
    spent = await sqlite_store.read(lambda tx: budgets.balance(tx, TEAM, "run:r1"))
    assert answer.usage.output_tokens is not None
    assert spent == Spent(answer.usage.output_tokens * 1_000_000, guessed=2 * 10 * 1_000_000)


SPENDER = """
import asyncio, sys
from evalbot.errors import BudgetUsedUp
from evalbot.people import TeamId
from evalbot.runs.budgets import Account, Bill, Scope
from evalbot.store.database import Store
from evalbot.workflows import spending
from evalbot.workflows.spending import MeteredAnswerers, Purse

CENT, MOST = 10_000_000, int(sys.argv[2])

async def spend():
    store = await Store.open(sys.argv[1])
    purse = Purse(store, TeamId("local"), (Account(Scope.RUN, f"run:{sys.argv[3]}"), Account(Scope.DAY, "day:1", MOST)))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    made = 0

    async def work():
        nonlocal made
        while True:
            await purse.take(2 * CENT)
            made += 1
            await asyncio.sleep(0.02)
            purse.settle(2 * CENT, Bill(CENT, exact=True))

    tasks = [asyncio.create_task(work()) for _ in range(8)]
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(error, BudgetUsedUp) for error in errors), errors
    await purse.close()
    await store.close()
    print(made, flush=True)

asyncio.run(spend())
"""


@pytest.mark.short
async def test_two_programs_share_one_budget(database_url: str) -> None:
    """Two processes with eight calls at once each never spend more than there is, and leave less than two calls' worth."""
    most = 300 * CENT
    children = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SPENDER, database_url, str(most), name),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for name in ("r1", "r2")
    ]
    for child in children:
        assert child.stdout is not None
        assert await asyncio.wait_for(child.stdout.readline(), 30) == b"ready\n"
    answers = await asyncio.gather(*(asyncio.wait_for(child.communicate(b"go\n"), 40) for child in children))
    made = [int(out) for out, _ in answers]
    assert min(made) > 20, f"one program alone spent nearly all: {made}"
    assert 298 <= sum(made) <= 300
    store = await Store.open(database_url)
    assert await store.read(lambda tx: budgets.balance(tx, TEAM, "day:1")) == Spent(sum(made) * CENT)
    await store.close()
