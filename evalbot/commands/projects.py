"""Commands about the files of a project and grades of any data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evalbot.commands.speaking import (
    NOTHING,
    USAGE,
    JsonOption,
    complain,
    output_console,
)

app = typer.Typer()


@app.command(name="import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A JSONL or CSV file, or a promptfooconfig.yaml.")],
    suite: Annotated[str, typer.Option("--suite", help="Name of the suite that takes the items.")],
    mapping: Annotated[
        str, typer.Option("--map", help="Columns to fields: question=vars.question,answer=reference")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be imported.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a suite of a data file or of a promptfoo suite. Example: evalbot import qa.jsonl --map q=vars.question --suite qa"""
    from evalbot.terminal.files import import_file as bring_in
    from evalbot.terminal.printing import print_import

    done = bring_in(file, suite, mapping, dry_run)
    print_import(output_console(), done, as_json)
    if not done.report.items:
        complain(f"Nothing of {file.name} could be imported. Check --map against its columns.")
        raise typer.Exit(NOTHING)


@app.command()
def lint(
    folder: Annotated[
        Path | None, typer.Argument(help="The project folder; without it the one that evalbot would use.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every suite, rubric and prompt file of a project. Example: evalbot lint ."""
    from evalbot.terminal.files import check_project
    from evalbot.terminal.printing import print_lint

    checked = check_project(folder)
    print_lint(output_console(), checked, as_json)
    if checked.project.problems:
        raise typer.Exit(USAGE)
    if not checked.project.suites:
        raise typer.Exit(NOTHING)


@app.command()
def schema(kind: Annotated[str, typer.Argument(help="suite, rubric, prompt or items")]) -> None:
    """Print the JSON Schema of a file format, for editors. Example: evalbot schema suite > schemas/suite.schema.json"""
    from evalbot.library.schemas import json_schema
    from evalbot.terminal.printing import print_json

    print_json(json_schema(kind))


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
    from evalbot.terminal.analyze import analysis_report, analyze_files, print_analysis
    from evalbot.terminal.printing import print_json

    done = analyze_files(grades, gold, judge)
    if not done.grades:
        complain(f"There are no grades in {grades.name}. Fill in its column value.")
        raise typer.Exit(NOTHING)
    if as_json:
        print_json(analysis_report(done.analysis))
    else:
        print_analysis(output_console(), done)
