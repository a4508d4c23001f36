"""The command that makes a suite of somebody's data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evalbot.commands.consoles import output_console
from evalbot.commands.speaking import NOTHING, JsonOption, complain
from evalbot.terminal.files import import_file as bring_in
from evalbot.terminal.printing import print_import

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
    done = bring_in(file, suite, mapping, dry_run)
    print_import(output_console(), done, as_json)
    if not done.report.items:
        complain(f"Nothing of {file.name} could be imported. Check --map against its columns.")
        raise typer.Exit(NOTHING)
