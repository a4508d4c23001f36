"""The command that says what grades are worth, wherever they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evalbot.commands.consoles import output_console
from evalbot.commands.speaking import NOTHING, JsonOption, complain
from evalbot.terminal.analyze import analysis_report, analyze_files, print_analysis
from evalbot.terminal.printing import print_json

app = typer.Typer()


@app.command()
def analyze(
    grades: Annotated[
        Path, typer.Argument(help="CSV with the columns output,grader,value and perhaps criterion,scale.")
    ],
    gold: Annotated[Path | None, typer.Option("--gold", help="CSV of right labels: output,value.")] = None,
    judge: Annotated[Path | None, typer.Option("--judge", help="CSV of a judge's verdicts: output,value.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what grades of any data are worth. Example: evalbot analyze grades.csv --judge judge.csv"""
    done = analyze_files(grades, gold, judge)
    if not done.grades:
        complain(f"There are no grades in {grades.name}. Fill in its column value.")
        raise typer.Exit(NOTHING)
    if as_json:
        print_json(analysis_report(done.analysis))
    else:
        print_analysis(output_console(), done)
