"""The command that shows a run."""

from __future__ import annotations

from typing import Annotated

import typer

from evalbot.commands.consoles import output_console
from evalbot.commands.speaking import HoldoutOption, JsonOption, RunArgument, wait_for
from evalbot.commands.stored_report import load_report
from evalbot.terminal.printing import print_json
from evalbot.terminal.showing import print_failures, print_verdict, run_data
from evalbot.terminal.summaries import print_run

app = typer.Typer()


@app.command()
def show(
    run: RunArgument,
    failures: Annotated[bool, typer.Option("--failures", help="Show the answers that failed, and why.")] = False,
    include_holdout: HoldoutOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a run says. Example: evalbot show latest --failures"""
    report = wait_for(load_report(run, include_holdout))
    if as_json:
        print_json(run_data(report, failures))
        return
    print_verdict(output_console(), report)
    print_run(output_console(), report.run, report.summary)
    if failures:
        print_failures(output_console(), report)
