"""Runs from the command line: started, or gone on with after an interruption, and carried out to the end."""

from __future__ import annotations

import contextlib
import getpass
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from evalbot.app import Program, open_program, open_store
from evalbot.errors import Conflict, OutsideError
from evalbot.people import Person, PersonId, Role
from evalbot.reporting.estimates import RunSummary
from evalbot.runs.runs import Run
from evalbot.settings import load_settings
from evalbot.terminal.progress import TerminalAnnouncer
from evalbot.workflows import browsing
from evalbot.workflows.starting import RunRequest, find_interrupted, start_run

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


@dataclass(frozen=True, slots=True)
class DoneRun:
    """A run that has ended, with what it says; `first_error` is the first failure's sentence, empty without one."""

    run: Run
    summary: RunSummary
    first_error: str


async def run_suite(options: RunOptions, console: Console) -> DoneRun:
    """Run a suite to its end in this process. A run with the same options that was interrupted is gone on with."""
    settings = load_settings()
    announcer = TerminalAnnouncer(console)
    async with (
        open_store(settings) as store,
        open_program(settings, store, announcer=announcer, patience_s=PATIENCE_S) as program,
    ):
        for problem in program.project.problems:
            console.print(Text(f"warning: {problem}", style="yellow"), soft_wrap=True)
        with contextlib.closing(announcer):
            run = await _carry_out(program, options, console)
        summary = await browsing.run_summary(program.services, run)
        errors = await browsing.list_errors(program.services, run, 1)
        return DoneRun(run, summary, errors[0].failure.message if errors and errors[0].failure else "")


async def _carry_out(program: Program, options: RunOptions, console: Console) -> Run:
    """Start or go on with a run and wait for its end."""
    services = program.services
    request = RunRequest(
        suite=options.suite,
        person=Person(PersonId(_user()), services.team, _user(), Role.ADMIN),
        targets=options.targets,
        limit=options.limit,
        repeats=options.repeats,
        concurrency=options.concurrency,
        holdout=options.holdout,
    )
    run = await find_interrupted(services, request, program.engine.can_take)
    if run is None:
        run = await start_run(services, request)
    else:
        progress = await browsing.run_progress(services, run)
        console.print(f"Going on with run {run.number}: {progress.outputs} of {progress.size} outputs are there.")
    await program.engine.submit(run.id)
    await program.engine.wait()
    failure = program.engine.failure(run.id)
    if isinstance(failure, OutsideError):
        hint = f"{failure.hint} The same command goes on with run {run.number}."
        raise OutsideError(failure.message, hint.strip())
    if failure is not None:
        raise failure
    ended = await browsing.get_run(services, request.person, run.id)
    if ended.open:
        raise Conflict(f"Another process is carrying out run {run.number}.", "Wait for its end.")
    return ended


def _user() -> str:
    """Name who runs this program."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "cli"
