"""The command that tells where a number comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from evalbot.commands.consoles import output_console
from evalbot.commands.speaking import JsonOption, wait_for
from evalbot.terminal.judges import explanation_data, load_explanations, print_explanation
from evalbot.terminal.printing import print_json

app = typer.Typer()


@app.command()
def explain(
    ref: Annotated[
        list[str],
        typer.Argument(
            help="A run with perhaps a target and a skill; `judge` and a suite; or `digest` with perhaps a day and a skill."
        ),
    ],
    as_json: JsonOption = False,
) -> None:
    """Tell where a number comes from. Example: evalbot explain 12 refunds"""
    found = wait_for(load_explanations(ref))
    if as_json:
        print_json({"explanations": [explanation_data(one) for one in found]})
        return
    for explanation in found:
        print_explanation(output_console(), explanation)
