"""Runs from the command line: started, or gone on with after an interruption, and carried out to the end."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace

from rich.console import Console
from rich.text import Text

from evalbot.app import Program, open_program, open_store, read_keeping
from evalbot.errors import BadRequest, Conflict, OutsideError
from evalbot.people import Person, PersonId, Role
from evalbot.reporting.estimates import RunSummary
from evalbot.reports.forecast_words import cost_words, preview_line
from evalbot.runs.budgets import dollars
from evalbot.runs.requests import Preview, RunRequest
from evalbot.runs.runs import Run, RunStatus
from evalbot.settings import load_settings
from evalbot.terminal.progress import TerminalAnnouncer
from evalbot.terminal.stored_runs import open_archive
from evalbot.workflows import browsing
from evalbot.workflows.going_on import go_on
from evalbot.workflows.previewing import look_at
from evalbot.workflows.regrading import RegradeRequest, preview_regrading, start_regrading
from evalbot.workflows.reusing import forget_kept
from evalbot.workflows.running import cancel_run, resume_run
from evalbot.workflows.starting import change_budget, find_interrupted, start_run

PATIENCE_S = 60.0
"""How long a run from the command line waits for a database that is away before it says so."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What was asked for; None and empty mean what the suite says."""

    suite: str
    targets: tuple[str, ...]
    limit: int | None
    repeats: int | None
    concurrency: int | None
    holdout: bool
    budget: int | None = None
    """What the run may cost at most, in billionths of a dollar."""
    approved: bool = False
    """Whether its cost was approved beforehand."""
    cache: bool = False
    """Whether answers that were given before are used again."""


Confirm = Callable[[str], bool]
"""Asks a question at the terminal."""


@dataclass(frozen=True, slots=True)
class DoneRun:
    """A run that has ended, with what it says; `first_error` is the first failure's sentence, empty without one.

    `gate` holds the conditions under which the suite's file says that it fails.
    """

    run: Run
    summary: RunSummary
    first_error: str
    gate: tuple[str, ...] = ()


async def preview_suite(options: RunOptions) -> Preview:
    """Give what a run would take; nothing is asked and nothing is saved."""
    settings = load_settings()
    async with open_store(settings) as store, open_program(settings, store) as program:
        return await look_at(program.services, _request(program, options))


async def run_suite(options: RunOptions, console: Console, ask: Confirm | None = None) -> DoneRun:
    """Run a suite to its end in this process. A run with the same options that was interrupted is gone on with.

    `ask` asks before a run whose cost needs approval; without it such a run is refused.
    """
    settings = load_settings(cache=True) if options.cache else load_settings()
    announcer = TerminalAnnouncer(console)
    async with (
        open_store(settings) as store,
        open_program(settings, store, announcer=announcer, patience_s=PATIENCE_S) as program,
    ):
        for problem in program.project.problems:
            console.print(Text(f"warning: {problem}", style="yellow"), soft_wrap=True)
        with contextlib.closing(announcer):
            run = await _carry_out(program, options, console, ask)
        if settings.cache:
            await forget_kept(program.services, read_keeping(settings))
            cached = await browsing.count_cached(program.services, run)
            console.print(f"{cached:,} of {run.size:,} answers came from the cache.")
        return await _done(program, run)


@dataclass(frozen=True, slots=True)
class AgainOptions:
    """Which ended run is graded again or gone on with. `budget` is what that may cost, in billionths of a dollar; `approved`
    says that it was approved beforehand."""

    name: str
    budget: int | None = None
    approved: bool = False


async def preview_regrade(options: AgainOptions) -> Preview:
    """Give what grading a run's stored answers again would take; nothing is asked and nothing is saved."""
    settings = load_settings()
    async with open_archive() as archive:
        old = await archive.find(options.name)
    async with open_store(settings) as store, open_program(settings, store) as program:
        request = RegradeRequest(old, _operator(program), options.budget, options.approved)
        return await preview_regrading(program.services, request)


async def regrade_run(options: AgainOptions, console: Console, ask: Confirm | None = None) -> DoneRun:
    """Grade the stored answers of a run again, with what its suite says now; no target is asked."""
    settings = load_settings()
    async with open_archive() as archive:
        old = await archive.find(options.name)
    announcer = TerminalAnnouncer(console)
    async with (
        open_store(settings) as store,
        open_program(settings, store, announcer=announcer, patience_s=PATIENCE_S) as program,
    ):
        with contextlib.closing(announcer):
            request = RegradeRequest(old, _operator(program), options.budget, options.approved)
            preview = await preview_regrading(program.services, request)
            approved = await _agreed(program, preview, console, ask)
            started = await start_regrading(program.services, replace(request, approved=approved))
            run = await _wait_for_end(program, started, request.person, console)
        return await _done(program, run)


async def rerun_run(name: str, budget: int | None, console: Console, approved: bool) -> DoneRun:
    """Ask what an ended run has no answer to, in a new run that takes over the rest."""
    settings = load_settings()
    async with open_archive() as archive:
        old = await archive.find(name)
    announcer = TerminalAnnouncer(console)
    async with (
        open_store(settings) as store,
        open_program(settings, store, announcer=announcer, patience_s=PATIENCE_S) as program,
    ):
        with contextlib.closing(announcer):
            person = _operator(program)
            run = await go_on(program.services, person, old, budget, approved=approved)
            if run.status is RunStatus.WAITING:
                await cancel_run(program.services, program.engine, person, run)
                raise BadRequest(run.note, "Add --yes, or a smaller --budget.")
            run = await _wait_for_end(program, run, person, console)
        return await _done(program, run)


async def _done(program: Program, run: Run) -> DoneRun:
    """Load what an ended run says."""
    summary = await browsing.run_summary(program.services, run)
    errors = await browsing.list_errors(program.services, run, 1)
    suite = program.project.suites.get(run.suite)
    first_error = errors[0].failure.message if errors and errors[0].failure else ""
    return DoneRun(run, summary, first_error, suite.gate if suite else ())


def _request(program: Program, options: RunOptions) -> RunRequest:
    """Give what was asked for."""
    return RunRequest(
        suite=options.suite,
        person=_operator(program),
        targets=options.targets,
        limit=options.limit,
        repeats=options.repeats,
        concurrency=options.concurrency,
        holdout=options.holdout,
        budget=options.budget,
        approved=options.approved,
    )


async def _look_first(program: Program, request: RunRequest, console: Console, ask: Confirm | None) -> RunRequest:
    """Say what a run will take before it is started; raises BadRequest for one that costs more than may be started so."""
    preview = await look_at(program.services, request)
    return replace(request, approved=await _agreed(program, preview, console, ask))


async def _agreed(program: Program, preview: Preview, console: Console, ask: Confirm | None) -> bool:
    """Say what will be taken, and tell whether a cost that needs approval is approved; raises BadRequest where it is not."""
    console.print(Text(f"{preview.run.suite}: {preview_line(preview.forecast)}."), soft_wrap=True)
    if not preview.waits or preview.request.approved:
        return preview.request.approved
    limit = f"${dollars(program.services.limits.approval_above or 0):,.2f}"
    cost = cost_words(preview.forecast)
    if ask is None:
        raise BadRequest(
            f"This run would cost {cost}, and above {limit} somebody must agree.", "Add --yes, or a smaller --budget."
        )
    if not await asyncio.to_thread(ask, f"This run would cost {cost}, more than {limit}. Start it?"):
        raise BadRequest("The run was not started.", "Nothing was asked.")
    return True


async def _carry_out(program: Program, options: RunOptions, console: Console, ask: Confirm | None) -> Run:
    """Start or go on with a run and wait for its end."""
    services = program.services
    request = _request(program, options)
    run = await find_interrupted(services, request, program.engine.can_take)
    if run is None:
        run = await start_run(services, await _look_first(program, request, console, ask))
    else:
        if options.budget is not None:
            await change_budget(services, request.person, run, options.budget)
        if run.status is RunStatus.PAUSED:
            run = await resume_run(services, program.engine, request.person, run)
        progress = await browsing.run_progress(services, run)
        console.print(f"Going on with run {run.number}: {progress.outputs} of {progress.size} outputs are there.")
    return await _wait_for_end(program, run, request.person, console)


async def _wait_for_end(program: Program, run: Run, person: Person, console: Console) -> Run:
    """Have a run carried out and give it ended; raises what stopped it."""
    await program.engine.submit(run.id)
    if await program.lacks_workers():
        console.print("No worker is there yet: start one with evalbot worker. The run waits for it.")
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, signal.raise_signal, signal.SIGINT)
    try:
        await program.engine.wait()
    except asyncio.CancelledError:
        console.print(await _left_undone(program, run), highlight=False, soft_wrap=True)
        raise
    failure = program.engine.failure(run.id)
    if isinstance(failure, OutsideError):
        hint = f"{failure.hint} The same command goes on with run {run.number}."
        raise OutsideError(failure.message, hint.strip())
    if failure is not None:
        raise failure
    ended = await browsing.get_run(program.services, person, run.id)
    if ended.status is RunStatus.PAUSED:
        raise OutsideError(f"Run {run.number} is paused: {ended.note}", "The same command goes on with it.")
    if ended.open:
        raise Conflict(f"Another process is carrying out run {run.number}.", "Wait for its end.")
    return ended


async def _left_undone(program: Program, run: Run) -> str:
    """Say what becomes of a run whose command was interrupted."""
    if program.queue_depth is not None:
        return f"The workers go on with run {run.number}."
    await program.engine.close()
    progress = await browsing.run_progress(program.services, run)
    there = f"{progress.outputs:,} of {progress.size:,} outputs are there"
    return f"Run {run.number} is paused: {there}. The same command goes on with it."


def _operator(program: Program) -> Person:
    """Give who works at this terminal."""
    return Person(PersonId(_user()), program.services.team, _user(), Role.ADMIN)


def _user() -> str:
    """Name who runs this program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "cli"
