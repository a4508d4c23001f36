"""The command that writes a run as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evalbot.commands.consoles import error_console
from evalbot.commands.speaking import HoldoutOption, RunArgument, wait_for
from evalbot.commands.stored_report import load_report
from evalbot.terminal.report_files import check_place, parse_form, write_report

app = typer.Typer()


@app.command(name="report")
def write_run_report(
    run: RunArgument,
    to: Annotated[str, typer.Option("--to", help="html, junit, github, csv or json")] = "html",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; without it standard output.")
    ] = None,
    include_holdout: HoldoutOption = False,
) -> None:
    """Write a run as a file. Example: evalbot report latest --to html -o report.html"""
    form = parse_form(to)
    if output:
        check_place(output)
    report = wait_for(load_report(run, include_holdout))
    write_report(report, form, output)
    if output:
        error_console().print(f"Written to {output}.", markup=False, highlight=False, soft_wrap=True)
