"""The command that prints what a file may hold, for editors."""

from __future__ import annotations

from typing import Annotated

import typer

from evalbot.library.schemas import json_schema
from evalbot.terminal.printing import print_json

app = typer.Typer()


@app.command()
def schema(kind: Annotated[str, typer.Argument(help="suite, rubric, prompt or items")]) -> None:
    """Print the JSON Schema of a file format, for editors. Example: evalbot schema suite > schemas/suite.schema.json"""
    print_json(json_schema(kind))
