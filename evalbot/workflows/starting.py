"""The start of a run: what was asked for, planned, checked, and saved, perhaps to wait. Carrying it out is `running`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from rapidfuzz import process

from evalbot.errors import BadRequest, Conflict, NotAllowed, UnknownName
from evalbot.people import Action, Person, may
from evalbot.runs.budgets import Decision, RunBudget, dollars
from evalbot.runs.forecasts import Forecast, needs_approval
from evalbot.runs.outputs import RunId
from evalbot.runs.planning import choose_items
from evalbot.runs.requests import RunRequest
from evalbot.runs.runs import Progress, Run, RunStatus, check_size
from evalbot.store import budgets, runs
from evalbot.store.database import Transaction
from evalbot.suites.judges import judge_targets
from evalbot.suites.pairing import names_of, targets_named
from evalbot.suites.suites import Suite
from evalbot.suites.targets import Target, short_target
from evalbot.workflows.checking import check_targets
from evalbot.workflows.forecasting import check_budgets, forecast_run
from evalbot.workflows.looking_up import newest_suite
from evalbot.workflows.services import Services

MOST_NAMED = 5
"""So many targets are named where a name was not found."""

DRAW_SEED = 0
"""Limited runs draw with one seed, so that two of them ask the same items and can be compared."""


Also = Callable[[Transaction], Awaitable[None]]
"""What is saved together with a run."""


async def start_run(services: Services, request: RunRequest) -> Run:
    """Save a new run and give it; raises UserError for anything that cannot be run. It begins when an engine takes it.

    One whose cost needs an approver is saved as waiting: an engine leaves it alone until `approving` lets it go.
    """
    check_may_start(request.person)
    planned, suite = await plan_run(services, request)
    run = await save_run(services, request, planned, suite)
    await services.announcer.run_started(run, Progress(run.size))
    return run


async def save_run(
    services: Services, request: RunRequest, planned: Run, suite: Suite, also: Also | None = None
) -> Run:
    """Save a planned run with its budget, as waiting where that needs an approver; `also` is saved with it or not at all."""
    await check_budgets(services, request.person, planned, suite, request.budget)
    budget = await _budget(services, request, planned, suite)
    if budget.decision is Decision.WAITING:
        planned = replace(planned, status=RunStatus.WAITING, note=waiting_note(budget))

    async def save(tx: Transaction) -> Run:
        run = replace(planned, number=await runs.next_run_number(tx, services.team))
        await _check_can_begin(tx, run)
        await runs.add_run(tx, run)
        await budgets.add_budget(tx, budget)
        if also is not None:
            await also(tx)
        return run

    return await services.store.write(save)


async def plan_run(services: Services, request: RunRequest) -> tuple[Run, Suite]:
    """Give the run that a request asks for, without a number and not saved, and its suite; raises UserError."""
    suite = await services.store.read(lambda tx: newest_suite(tx, services.team, request.suite))
    return _plan_run(services, request, suite, 0), suite


async def look_ahead(services: Services, request: RunRequest) -> tuple[Run, Forecast]:
    """Give the run that a request asks for, not saved, and what it is expected to take; raises UserError as its start would."""
    check_may_start(request.person)
    planned, suite = await plan_run(services, request)
    await services.store.read(lambda tx: _check_can_begin(tx, planned))
    await check_budgets(services, request.person, planned, suite, request.budget)
    return planned, await forecast_run(services, planned, suite, request.budget)


async def change_budget(services: Services, person: Person, run: Run, budget: int) -> None:
    """Give an open run another budget; raises NotAllowed for more than a run may usually cost without the role for it."""
    _, suite = await plan_run(services, RunRequest(run.suite, person))
    await check_budgets(services, person, run, suite, budget)
    await services.store.write(lambda tx: budgets.change_most(tx, run.id, budget))


def waiting_note(budget: RunBudget) -> str:
    """Say why a run waits."""
    if budget.high is None:
        return "Its cost is not known, so it waits for an approver."
    return f"It may cost up to ${dollars(budget.high):,.2f}, so it waits for an approver."


async def _check_can_begin(tx: Transaction, run: Run) -> None:
    await _check_versus(tx, run)
    await _refuse_twin(tx, run)


def check_may_start(person: Person) -> None:
    """Raise NotAllowed unless the person may start runs."""
    if not may(person, Action.START_RUN):
        raise NotAllowed("Starting a run needs the role runner.", "Ask an admin for the role.")


async def _budget(services: Services, request: RunRequest, run: Run, suite: Suite) -> RunBudget:
    """Give what a run may cost, and whether it must wait for somebody who approves that."""
    if services.limits.approval_above is None or request.approved:
        return RunBudget(run.id, request.budget)
    found = await forecast_run(services, run, suite, request.budget)
    waits = needs_approval(services.limits, found.high, request.budget)
    decision = Decision.WAITING if waits else Decision.NONE
    return RunBudget(run.id, request.budget, found.low, found.high, decision)


async def find_interrupted(services: Services, request: RunRequest, may_take: Callable[[RunId], bool]) -> Run | None:
    """Find a run like the requested one that was interrupted and that nobody else carries out, None when there is none."""

    async def find(tx: Transaction) -> Run | None:
        suite = await newest_suite(tx, services.team, request.suite)
        wanted = _plan_run(services, request, suite, 0)
        for other in await runs.open_runs(tx):
            if _asks_the_same(other, wanted) and may_take(other.id):
                return other
        return None

    return await services.store.read(find)


def _asks_the_same(first: Run, second: Run) -> bool:
    """Tell whether two runs put the same items of the same suite version to the same targets as often."""
    return all(
        getattr(first, name) == getattr(second, name)
        for name in ("team", "suite", "suite_version", "targets", "item_ids", "repeats", "channel", "versus")
    )


async def same_again(services: Services, run: Run, person: Person) -> RunRequest:
    """Ask for a run like another one, with the suite's newest version; the same targets, number of items and repeats."""
    suite = await services.store.read(lambda tx: newest_suite(tx, services.team, run.suite))
    whole = len(run.item_ids) >= len(suite.asked_items(holdout=False))
    known = {target.label: target for target in suite.targets}
    names = tuple(one.label if known.get(one.label) == one else one.id for one in run.targets)
    return RunRequest(
        run.suite,
        person,
        names,
        limit=None if whole else len(run.item_ids),
        repeats=run.repeats,
        concurrency=run.concurrency,
        channel=run.channel,
    )


def _plan_run(services: Services, request: RunRequest, suite: Suite, number: int) -> Run:
    """Make the run that a request asks for."""
    repeats = request.repeats if request.repeats is not None else suite.run.epochs
    concurrency = request.concurrency if request.concurrency is not None else suite.run.max_concurrency
    check_size(repeats, concurrency, request.limit)
    items = suite.asked_items(request.holdout)
    if not items:
        raise BadRequest(f"Suite {suite.name} has no items to ask.", "Add items, or ask the holdout ones.")
    targets = _choose_targets(suite, request.targets)
    for asked in (*targets, *judge_targets(suite), *check_targets(suite)):
        services.models.answerer(asked)
    return Run(
        id=RunId(services.new_id()),
        team=services.team,
        number=number,
        suite=suite.name,
        suite_version=suite.version,
        targets=targets,
        item_ids=choose_items(items, request.limit, DRAW_SEED),
        repeats=repeats,
        concurrency=concurrency,
        started_by=request.person.id,
        started_name=request.person.name,
        created_at=services.now(),
        channel=request.channel,
        versus=request.versus,
    )


def _choose_targets(suite: Suite, names: Sequence[str]) -> tuple[Target, ...]:
    """Find the named targets among the suite's, or read them as `provider:model`; without names, all of the suite's."""
    if not names:
        if not suite.targets:
            raise BadRequest(f"Suite {suite.name} names no target.", "Say which: a target such as openai:gpt-4.1-mini.")
        return suite.targets
    known = [name for target in suite.targets for name in names_of(target)]
    chosen: dict[str, Target] = {}
    for name in names:
        if name not in known and ":" not in name and name != "echo":
            raise UnknownName("There is no target of that name.", _nearest_target(suite, name, known))
        asked = targets_named(suite.targets, name) or (short_target(name),)
        if asked[0].runs_code and asked[0] not in suite.targets:
            raise NotAllowed(
                "Code of the project is run only where a suite names it.", "Name it in the suite's targets."
            )
        for target in asked:
            clash = target.label in chosen and chosen[target.label] != target
            single = replace(target, label=target.id) if clash else target
            chosen[single.label] = single
    return tuple(chosen.values())


def _nearest_target(suite: Suite, name: str, known: Sequence[str]) -> str:
    """Say which target may be meant, else which there are."""
    near = process.extractOne(name[:80], known, score_cutoff=60)
    if near:
        return f"Did you mean {near[0]}?"
    some = ", ".join(target.label for target in suite.targets[:MOST_NAMED])
    return f"The suite's are {some}; any other is provider:model." if some else "Write it as provider:model."


async def _check_versus(tx: Transaction, run: Run) -> None:
    """Raise unless what the run is to be compared with exists: an earlier run of the same suite, or one of its targets."""
    if not run.versus or run.versus in {target.label for target in run.targets}:
        return
    earlier = await runs.find_run(tx, run.team, int(run.versus)) if run.versus.isdecimal() else None
    if earlier is None or earlier.suite != run.suite:
        raise UnknownName(
            f"There is nothing to compare {run.suite} with under that name.",
            f"Use the number of an earlier run of {run.suite}, or the label of a target of this run.",
        )


async def _refuse_twin(tx: Transaction, run: Run) -> None:
    """Raise Conflict when the same suite is already being put to the same targets for the same channel."""
    asked = {target.identity for target in run.targets}
    for other in await runs.open_runs(tx):
        same = (other.team, other.suite, other.channel) == (run.team, run.suite, run.channel)
        if run.channel and same and asked == {target.identity for target in other.targets}:
            raise Conflict(
                f"Run {other.number} is already putting {run.suite} to the same targets.", "Wait for it or cancel it."
            )
