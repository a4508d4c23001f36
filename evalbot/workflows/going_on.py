"""A run that ended early gone on with: a new run that takes over the answers that are there and asks the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from evalbot.errors import BadRequest, Conflict, UnknownName
from evalbot.grading.grades import Grade, GraderKind
from evalbot.people import Person
from evalbot.runs.outputs import Output, RunId, output_id
from evalbot.runs.requests import RunRequest
from evalbot.runs.runs import Progress, Run, RunStatus
from evalbot.store import grades, outputs
from evalbot.store.database import Transaction
from evalbot.suites.suites import Suite
from evalbot.workflows.scoring import get_suite
from evalbot.workflows.services import Services
from evalbot.workflows.starting import check_may_start, save_run

_Left = tuple[Suite, list[Output], list[Grade]]


async def go_on(
    services: Services, person: Person, run: Run, budget: int | None = None, *, approved: bool = False
) -> Run:
    """Save a run that asks what an ended one has no answer to, of the same suite version, and give it.

    The answers that are there come along with the grades of checks and judges, for nothing, as they were paid for; answers that
    failed are asked again. `budget` is what the rest may cost, in nanos, `approved` says that it was approved beforehand.
    Raises UserError where nothing is missing.
    """
    check_may_start(person)
    if run.team != person.team:
        raise UnknownName("There is no such run.", "Try status for the newest ones.")
    if run.open:
        raise Conflict(f"Run {run.number} still goes on.", "Wait for it or cancel it.")
    suite, kept, graded = await services.store.read(lambda tx: _load(tx, run))
    if len(kept) >= run.size:
        raise BadRequest(f"Run {run.number} has all its answers.", "Type run to ask them anew.")
    planned = _planned(services, person, run)
    copies = [_copied(services, one, planned.id) for one in kept]
    names = {old.id: new.id for old, new in zip(kept, copies, strict=True)}
    theirs = [replace(grade, output_id=names[grade.output_id]) for grade in graded if grade.output_id in names]

    async def take_over(tx: Transaction) -> None:
        await outputs.add_outputs(tx, copies)
        await grades.add_grades(tx, theirs)

    request = RunRequest(run.suite, person, channel=run.channel, budget=budget, approved=approved)
    saved = await save_run(services, request, planned, suite, take_over)
    await services.announcer.run_started(saved, Progress(saved.size, len(copies)))
    return saved


async def _load(tx: Transaction, run: Run) -> _Left:
    """Load the suite of a run, its answers, and what checks and judges said of them without failing."""
    found = [output for output in await outputs.list_outputs(tx, run.id) if output.answered]
    graded = [grade for grade in await grades.list_grades(tx, run.id) if grade.grader.kind is not GraderKind.HUMAN]
    return await get_suite(tx, run), found, _whole(graded)


def _whole(found: Sequence[Grade]) -> list[Grade]:
    """Leave out the grades of a judge who failed, so that it is asked again."""
    return [grade for grade in found if not (grade.error and grade.grader.kind is GraderKind.JUDGE)]


def _planned(services: Services, person: Person, run: Run) -> Run:
    """Give the run that goes on; its number is found when it is saved."""
    return replace(
        run,
        id=RunId(services.new_id()),
        started_by=person.id,
        started_name=person.name,
        created_at=services.now(),
        status=RunStatus.RUNNING,
        finished_at=None,
        note=f"goes on where run {run.number} ended",
    )


def _copied(services: Services, output: Output, run_id: RunId) -> Output:
    """Give the same answer as an output of another run, which costs nothing there."""
    usage = replace(output.usage, cost_usd=0.0)
    return replace(output, id=output_id(run_id, output.unit), run_id=run_id, usage=usage, at=services.now())
