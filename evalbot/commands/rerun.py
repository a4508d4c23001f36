"""The command that asks what an ended run has no answer to."""

from __future__ import annotations

from typing import Annotated

import typer

from evalbot.commands.carrying_out import print_done
from evalbot.commands.consoles import error_console
from evalbot.commands.speaking import (
    USAGE,
    JsonOption,
    QuietOption,
    RunArgument,
    YesOption,
    complain,
    log_errors,
    wait_for,
)
from evalbot.runs.budgets import parse_dollars
from evalbot.runs.runs import RunStatus
from evalbot.terminal.runs import rerun_run

app = typer.Typer()


@app.command()
def rerun(
    run: RunArgument,
    budget: Annotated[str | None, typer.Option("--budget", help="What the rest may cost, in dollars.")] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Ask what an ended run has no answer to, in a new run with the rest. Example: evalbot rerun latest --budget 2.00"""
    log_errors()
    most = parse_dollars(budget) if budget is not None else None
    done = wait_for(rerun_run(run, most, error_console(quiet), yes))
    print_done(done, None, as_json)
    if done.run.status is not RunStatus.DONE:
        complain(f"Run {done.run.number} stopped before its end. {done.run.note}")
        raise typer.Exit(USAGE)
