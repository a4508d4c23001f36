"""The command that compares two runs."""

from __future__ import annotations

import typer

from evalbot.commands.consoles import output_console
from evalbot.commands.speaking import JsonOption, RunArgument, wait_for
from evalbot.reports.comparing import RunComparison, comparison_data
from evalbot.terminal.printing import print_json
from evalbot.terminal.showing import print_comparison
from evalbot.terminal.stored_runs import open_archive

app = typer.Typer()


@app.command()
def compare(run_a: RunArgument, run_b: RunArgument, as_json: JsonOption = False) -> None:
    """Tell whether run B is better than run A, on the items both were asked. Example: evalbot compare 7 8"""

    async def load() -> RunComparison:
        async with open_archive() as archive:
            return await archive.compare(run_a, run_b)

    comparison = wait_for(load())
    if as_json:
        print_json(comparison_data(comparison))
    else:
        print_comparison(output_console(), comparison)
