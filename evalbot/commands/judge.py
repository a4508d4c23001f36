"""The command that tells how far a judge may be believed."""

from __future__ import annotations

from typing import Annotated

import typer

from evalbot.commands.consoles import output_console
from evalbot.commands.speaking import DryRunOption, JsonOption, YesOption, log_errors, wait_for
from evalbot.terminal.judges import judge_data, load_judges, print_judges
from evalbot.terminal.printing import print_json

app = typer.Typer()


@app.command()
def judge(
    suite: Annotated[str, typer.Argument(help="Name of a suite.")],
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Put it to the answers that people graded, and try examples.")
    ] = False,
    budget: Annotated[str | None, typer.Option("--budget", help="What calibrating may cost, in dollars.")] = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Tell how far the judge of a suite may be believed. Example: evalbot judge support-desk --calibrate"""
    log_errors()
    if calibrate:
        from evalbot.commands.calibrating import calibrate_here  # the whole program; to look needs the database alone

        calibrate_here(suite, budget, yes=yes, dry_run=dry_run, as_json=as_json)
        return
    if budget is not None or yes or dry_run:
        raise typer.BadParameter("--budget, --yes and --dry-run go with --calibrate.")
    found = wait_for(load_judges(suite))
    if as_json:
        print_json({"judges": [judge_data(report) for report in found]})
    else:
        print_judges(output_console(), found)
