"""Runs carried out: gone on with after a stop, cancelled, finished. How one starts is `starting`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from evalbot.errors import (
    BudgetUsedUp,
    Conflict,
    EndpointDown,
    EvalbotError,
    NotAllowed,
    OutsideError,
    SetupError,
    UnknownName,
    UserError,
)
from evalbot.people import Action, Person, may
from evalbot.runs.outputs import RunId
from evalbot.runs.planning import shard_count
from evalbot.runs.runs import Progress, Run, RunStatus, finish
from evalbot.store import grades, outputs, runs, suites
from evalbot.store.database import Transaction
from evalbot.suites.suites import Suite
from evalbot.workflows.delivering import claimed
from evalbot.workflows.judging import judge_rivals
from evalbot.workflows.recording import Recorder
from evalbot.workflows.reusing import CachedAnswerers
from evalbot.workflows.reviewing import open_first_round
from evalbot.workflows.scoring import get_suite, summarise_run
from evalbot.workflows.services import Engine, Services
from evalbot.workflows.shards import ShardWork, count_to_judge, get_frame, load_shard
from evalbot.workflows.spending import metered, used_up_note
from evalbot.workflows.watching import EndpointWatch, WatchedAnswerers

log = logging.getLogger(__name__)


async def execute_run(services: Services, run_id: RunId) -> None:
    """Ask, check and judge what a run still misses, saving each result as it arrives, then finish it.

    Safe to call again at any time: what is missing is read from the results. A run that is not going is left alone.
    """
    run = await services.store.read(lambda tx: runs.get_run(tx, run_id))
    if run.going:
        await _carry_out(services, run, range(shard_count(run)))
        await finish_run(services, run_id)


async def run_shard(services: Services, run_id: RunId, k: int) -> None:
    """Ask, check and judge what one shard of a run still misses, saving each result as it arrives.

    Safe to call again, also by several programs at once: what is missing is read from the results, and each unit keeps one.
    A run that is not going is left alone. When every shard is done, `finish_run` ends the run.
    """
    run = await services.store.read(lambda tx: runs.get_run(tx, run_id))
    if run.going:
        await _carry_out(services, run, [k])


async def finish_run(services: Services, run_id: RunId, lease_s: float | None = None) -> bool:
    """End a run of which nothing is missing, once: its rivals compared, its first answers put up for review, its verdict told.

    True when this call ended it as done; False while something is missing or the run is not going, and when money or a judge
    failed on the way. Several programs that may come to the end of a run together name a lease: one of them does the work, and
    one that dies at it loses it after that time.
    """

    async def load(tx: Transaction) -> tuple[Run, bool]:
        run = await runs.get_run(tx, run_id)
        return run, run.going and await _is_complete(tx, run)

    run, complete = await services.store.read(load)
    if not complete:
        return False
    if lease_s is None:
        return await _finish(services, run)
    async with claimed(services, f"finish:{run_id}", lease_s) as mine:
        return mine and await _finish(services, run)


async def _finish(services: Services, run: Run) -> bool:
    """End a complete run."""
    suite = await services.store.read(lambda tx: _suite_with_rivals(tx, run))
    if suite is not None and not await _compare_rivals(services, run, suite):
        return False
    await open_first_round(services, run)
    return await end_run(services, run, RunStatus.DONE)


async def _compare_rivals(services: Services, run: Run, suite: Suite) -> bool:
    """Judge the answers that are compared with each other; False when that stopped the run, which says why."""
    try:
        async with metered(services, run) as paid:
            await judge_rivals(_helped(paid, EndpointWatch()), run, suite)
    except ExceptionGroup as group:
        await _stop(services, run, _reason(group), group)
        return False
    return True


async def _is_complete(tx: Transaction, run: Run) -> bool:
    """Tell whether every unit of a run has its output, and every output that a judge should see its grades."""
    if (await outputs.count_outputs(tx, run.id)).outputs < run.size:
        return False
    frame = await get_frame(tx, run)
    if not await count_to_judge(tx, run, frame):
        return True
    for k in range(shard_count(run)):
        if await load_shard(tx, run, frame, k):
            return False
    return True


async def _suite_with_rivals(tx: Transaction, run: Run) -> Suite | None:
    """Give the suite of a run, whole, when answers of its targets are to be compared with each other, else None."""
    frame = await get_frame(tx, run)
    if not any(spec.against for spec in frame.graders):
        named = [spec.against async for item in suites.items_with_graders(tx, run.team, frame) for spec in item.graders]
        if not any(named):
            return None
    return await get_suite(tx, run)


async def _carry_out(services: Services, run: Run, shards: Sequence[int]) -> None:
    """Bring what shards of a run miss; what people have to mend ends the run as failed or lets it pause."""
    try:
        async with metered(services, run) as paid:
            await _bring(paid, run, shards)
    except BudgetUsedUp as error:
        await _end_used_up(services, run, error)
    except ExceptionGroup as group:
        await _stop(services, run, _reason(group), group)


async def _stop(services: Services, run: Run, reason: Exception, group: ExceptionGroup) -> None:
    """Say in the run why it stopped; raises what is nobody's to mend, so that it is tried again or reported."""
    match reason:
        case BudgetUsedUp():
            await _end_used_up(services, run, reason)
        case EndpointDown():
            await pause_run(services, run, str(reason))
        case UserError() | SetupError():
            await end_run(services, run, RunStatus.FAILED, str(reason))
        case _:
            raise reason from group


async def _end_used_up(services: Services, run: Run, error: BudgetUsedUp) -> None:
    """End a run whose money is spent with what is there."""
    there = await services.store.read(lambda tx: outputs.count_outputs(tx, run.id))
    await end_run(services, run, RunStatus.CANCELLED, used_up_note(error, there.outputs, run.size))


async def _bring(services: Services, run: Run, shards: Sequence[int]) -> None:
    """Bring every missing output and judge's grade of some shards."""

    frame = await services.store.read(lambda tx: get_frame(tx, run))
    progress = await load_progress(services, run)
    watch = EndpointWatch()
    async with Recorder(services, run, progress, watch) as recorder:
        await ShardWork(_helped(services, watch), run, frame, recorder).work_off(shards)


def _helped(services: Services, watch: EndpointWatch) -> Services:
    """Give services whose models are watched, and answer what they answered before where that is wanted."""
    if services.reuse is not None:
        services = replace(services, models=CachedAnswerers(services, services.reuse))
    return replace(services, models=WatchedAnswerers(services.models, watch))


async def load_progress(services: Services, run: Run) -> Progress:
    """Tell how far a run is, counted from its results."""

    async def count(tx: Transaction) -> Progress:
        counts, to_judge = (
            await outputs.count_outputs(tx, run.id),
            await count_to_judge(tx, run, await get_frame(tx, run)),
        )
        judged = min(await grades.count_judged(tx, run.id), to_judge) if to_judge else 0
        return Progress(run.size, counts.outputs, counts.errors, to_judge, judged)

    return await services.store.read(count)


def _reason(group: ExceptionGroup) -> Exception:
    """Give what stopped the workers: what people can mend before what they cannot, a bug before both."""
    found = (_reason(one) if isinstance(one, ExceptionGroup) else one for one in group.exceptions)
    return min(found, key=lambda one: (isinstance(one, EvalbotError), isinstance(one, OutsideError)))


async def end_run(services: Services, run: Run, status: RunStatus, note: str = "") -> bool:
    """End a run once, tell its verdict, and say whether this call ended it."""
    ended = finish(run, status, services.now(), note)
    if not await services.store.write(lambda tx: runs.end_run(tx, ended)):
        return False
    await tell_result(services, ended)
    return True


async def pause_run(services: Services, run: Run, note: str) -> bool:
    """Let a run that is going pause until somebody resumes it, and say whether this call did; what is there is kept."""
    paused = replace(run, status=RunStatus.PAUSED, note=note)
    if not await services.store.write(lambda tx: runs.move_run(tx, paused, RunStatus.RUNNING)):
        return False
    await services.announcer.run_progressed(paused, await load_progress(services, run), None)
    log.warning("run paused", extra={"action": "run_paused", "run_id": run.id})
    return True


async def resume_run(services: Services, engine: Engine, person: Person, run: Run) -> Run:
    """Let a paused run go on with what it misses."""
    if run.team != person.team:
        raise UnknownName("There is no such run.", "Try status for the newest ones.")
    if not may(person, Action.START_RUN):
        raise NotAllowed("Resuming a run needs the role runner.", "Ask an admin for the role.")
    going = replace(run, status=RunStatus.RUNNING, note="")
    if not await services.store.write(lambda tx: runs.move_run(tx, going, RunStatus.PAUSED)):
        there = await services.store.read(lambda tx: runs.get_run(tx, run.id))
        raise Conflict(f"Run {run.number} is {there.status}, not paused.", "Look at its card.")
    await services.announcer.run_progressed(going, await load_progress(services, run), None)
    await engine.submit(run.id)
    return going


async def tell_result(services: Services, run: Run) -> None:
    """Announce the summary of an ended run."""
    summary = await services.store.read(lambda tx: summarise_run(tx, run))
    await services.announcer.run_finished(run, summary)
    log.info("run ended", extra={"action": "run_ended", "run_id": run.id, "status": run.status})


async def cancel_run(services: Services, engine: Engine, person: Person, run: Run) -> Run:
    """Stop a run's calls and end it as cancelled, keeping what is there."""
    if run.team != person.team:
        raise UnknownName("There is no such run.", "Try status for the newest ones.")
    if not may(person, Action.CANCEL_RUN):
        raise NotAllowed("Cancelling a run needs the role runner.", "Ask its starter.")
    if not run.open:
        raise Conflict(f"Run {run.number} is already {run.status}.", "Nothing is left to stop.")
    await engine.cancel(run.id)
    if not await end_run(services, run, RunStatus.CANCELLED, f"cancelled by {person.name}"):
        raise Conflict(f"Run {run.number} has ended in the meantime.")
    return await services.store.read(lambda tx: runs.get_run(tx, run.id))


async def list_open_runs(services: Services) -> list[Run]:
    """Give the runs that were going on when the program stopped."""
    return await services.store.read(runs.open_runs)
