"""Stored answers graded again, with the checks, rubrics and judge that the suite has now; no target is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evalbot.errors import BadRequest, Conflict, NotAllowed, UnknownName
from evalbot.grading.grades import Grade
from evalbot.people import Action, Person, may
from evalbot.runs.budgets import RunBudget
from evalbot.runs.forecasts import needs_approval
from evalbot.runs.outputs import Output, RunId, output_id
from evalbot.runs.requests import Preview, RunRequest
from evalbot.runs.runs import Progress, Run, RunStatus
from evalbot.store import budgets, grades, outputs, runs
from evalbot.store.database import Transaction
from evalbot.suites.items import Item, ItemId
from evalbot.suites.judges import judge_targets
from evalbot.suites.suites import Suite
from evalbot.workflows.checking import check_output, check_targets
from evalbot.workflows.forecasting import check_budgets, forecast_run
from evalbot.workflows.looking_up import newest_suite
from evalbot.workflows.scoring import get_suite
from evalbot.workflows.services import Services
from evalbot.workflows.spending import metered


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a run left: its outputs, and the suite as it was and as it is now."""

    outputs: list[Output]
    then: Suite
    now: Suite


@dataclass(frozen=True, slots=True)
class _Plan:
    """A run of answers graded again before it is saved, the answers, and their items as they are now."""

    run: Run
    stored: _Stored
    kept: dict[ItemId, Item]

    @property
    def taken(self) -> list[Output]:
        """The answers that are graded again."""
        return [one for one in self.stored.outputs if one.unit.item_id in self.kept]


@dataclass(frozen=True, slots=True)
class RegradeRequest:
    """Whose answers are to be graded again. `budget` is what that may cost, in nanos; `approved` says that it was approved."""

    run: Run
    person: Person
    budget: int | None = None
    approved: bool = False


async def preview_regrading(services: Services, request: RegradeRequest) -> Preview:
    """Give what grading a run's answers again would take; raises UserError as its start would."""
    plan = await _plan(services, request)
    suite = plan.stored.now
    await check_budgets(services, request.person, plan.run, suite, request.budget, asking=False)
    forecast = await forecast_run(services, plan.run, suite, request.budget, asking=False)
    asked = RunRequest(request.run.suite, request.person, budget=request.budget, approved=request.approved)
    return Preview("", asked, plan.run, forecast, needs_approval(services.limits, forecast.high, request.budget))


async def start_regrading(services: Services, request: RegradeRequest) -> Run:
    """Save a run that has the answers of an ended one, graded with the suite's newest version, and give it.

    Taken over are the items that are still asked in the same words and were answered in full. Their checks are done when this
    returns, paid from the same budgets; an engine that takes the run judges what is to be judged and ends it. The answers count
    as free in it: they were paid for before. Raises UserError where nothing can be graded, where no money is left, and where
    the judges cost so much that somebody must agree first.
    """
    preview = await preview_regrading(services, request)
    if preview.waits and not request.approved:
        raise NotAllowed(
            f"Grading run {request.run.number} again costs so much that somebody must agree first.",
            "Add --yes, or a smaller --budget.",
        )
    plan = await _plan(services, request)
    budget = RunBudget(plan.run.id, request.budget, preview.forecast.low, preview.forecast.high)
    async with metered(services, plan.run, request.budget) as paid:
        checked = [
            grade
            for one in plan.taken
            for grade in await _checked(paid, plan.stored.now, plan.kept[one.unit.item_id], one, plan.run.id)
        ]
    copies = [_copied(services, one, plan.run.id) for one in plan.taken]
    saved = await services.store.write(lambda tx: _save(tx, plan.run, budget, copies, checked))
    errors = sum(not one.answered for one in copies)
    await services.announcer.run_started(saved, Progress(saved.size, len(copies), errors))
    return saved


async def _plan(services: Services, request: RegradeRequest) -> _Plan:
    """Give the run of answers graded again; raises UserError where that cannot be done."""
    person, run = request.person, request.run
    if not may(person, Action.START_RUN):
        raise NotAllowed("Grading a run again needs the role runner.", "Ask an admin for the role.")
    if run.team != person.team:
        raise UnknownName("There is no such run.", "Try status for the newest ones.")
    if run.open:
        raise Conflict(f"Run {run.number} still goes on.", "Wait for it or cancel it.")
    stored = await services.store.read(lambda tx: _load(tx, run))
    for asked in (*judge_targets(stored.now), *check_targets(stored.now)):
        services.models.answerer(asked)
    kept = _kept_items(run, stored)
    if not kept:
        raise BadRequest(f"No item of run {run.number} can be graded again.", "Its items have changed; run the suite.")
    return _Plan(_new_run(services, person, run, stored.now, tuple(kept)), stored, kept)


async def _load(tx: Transaction, run: Run) -> _Stored:
    newest = await newest_suite(tx, run.team, run.suite)
    return _Stored(await outputs.list_outputs(tx, run.id), await get_suite(tx, run), newest)


def _kept_items(run: Run, stored: _Stored) -> dict[ItemId, Item]:
    """Give the items, as they are now, whose answers can be graded again."""
    before = {item.id: item for item in stored.then.items}
    now = {item.id: item for item in stored.now.items}
    wanted = len(run.targets) * run.repeats
    there = Counter(one.unit.item_id for one in stored.outputs)
    return {
        name: now[name]
        for name in run.item_ids
        if there[name] == wanted and name in now and name in before and _asked_alike(before[name], now[name])
    }


def _asked_alike(one: Item, two: Item) -> bool:
    """Tell whether two versions of an item ask the same."""
    return dict(one.vars) == dict(two.vars) and one.messages == two.messages


def _new_run(services: Services, person: Person, run: Run, suite: Suite, item_ids: tuple[ItemId, ...]) -> Run:
    """Give the run of the answers graded again; its number is found when it is saved."""
    return replace(
        run,
        id=RunId(services.new_id()),
        suite_version=suite.version,
        item_ids=item_ids,
        started_by=person.id,
        started_name=person.name,
        created_at=services.now(),
        status=RunStatus.RUNNING,
        versus=str(run.number),
        finished_at=None,
        note=f"answers of run {run.number}, graded again",
    )


async def _checked(services: Services, suite: Suite, item: Item, output: Output, run: RunId) -> list[Grade]:
    """Give the grades of an output's checks as those of its copy; what it took counts as it was."""
    found = await check_output(services, suite, item, output)
    return [replace(grade, output_id=output_id(run, output.unit)) for grade in found]


def _copied(services: Services, output: Output, run: RunId) -> Output:
    """Give the same answer as an output of another run."""
    usage = replace(output.usage, cost_usd=0.0)
    return replace(output, id=output_id(run, output.unit), run_id=run, usage=usage, at=services.now())


async def _save(
    tx: Transaction, run: Run, budget: RunBudget, copies: Sequence[Output], checked: Sequence[Grade]
) -> Run:
    """Save all at once: a run whose answers were not all there would be asked the rest."""
    numbered = replace(run, number=await runs.next_run_number(tx, run.team))
    await runs.add_run(tx, numbered)
    await budgets.add_budget(tx, budget)
    await outputs.add_outputs(tx, copies)
    await grades.add_grades(tx, checked)
    return numbered
