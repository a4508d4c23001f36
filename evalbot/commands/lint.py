"""The command that checks the files of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evalbot.commands.consoles import output_console
from evalbot.commands.speaking import NOTHING, USAGE, JsonOption
from evalbot.terminal.files import check_project
from evalbot.terminal.printing import print_lint

app = typer.Typer()


@app.command()
def lint(
    folder: Annotated[
        Path | None, typer.Argument(help="The project folder; without it the one that evalbot would use.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every suite, rubric and prompt file of a project. Example: evalbot lint ."""
    checked = check_project(folder)
    print_lint(output_console(), checked, as_json)
    if checked.project.problems:
        raise typer.Exit(USAGE)
    if not checked.project.suites:
        raise typer.Exit(NOTHING)
