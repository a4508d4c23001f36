"""The command that grades stored answers again."""

from __future__ import annotations

from typing import Annotated

import typer

from evalbot.commands.carrying_out import confirm_here, exit_code, print_done, print_preview
from evalbot.commands.consoles import error_console
from evalbot.commands.speaking import (
    DryRunOption,
    JsonOption,
    QuietOption,
    RunArgument,
    YesOption,
    log_errors,
    wait_for,
)
from evalbot.runs.budgets import parse_dollars
from evalbot.terminal.runs import AgainOptions, preview_regrade, regrade_run

app = typer.Typer()


@app.command()
def regrade(
    run: RunArgument,
    budget: Annotated[str | None, typer.Option("--budget", help="What the judges may cost, in dollars.")] = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Grade a run's stored answers again with what its suite says now; no target is asked. Example: evalbot regrade latest"""
    log_errors()
    options = AgainOptions(run, parse_dollars(budget) if budget is not None else None, yes)
    if dry_run:
        print_preview(wait_for(preview_regrade(options)), as_json)
        return
    done = wait_for(regrade_run(options, error_console(quiet), confirm_here()))
    print_done(done, None, as_json)
    raise typer.Exit(exit_code(done, None))
