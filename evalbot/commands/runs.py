"""The command that lists runs."""

from __future__ import annotations

from typing import Annotated

import typer

from evalbot.commands.consoles import output_console
from evalbot.commands.speaking import NOTHING, JsonOption, complain, wait_for
from evalbot.terminal.printing import print_json
from evalbot.terminal.showing import lines_data, print_lines
from evalbot.terminal.stored_runs import RunLine, open_archive

app = typer.Typer()


@app.command(name="runs")
def list_runs(
    suite: Annotated[str | None, typer.Option("--suite", help="Only runs of this suite.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="At most so many, newest first.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """List the newest runs with their pass rates. Example: evalbot runs --suite support-desk"""

    async def load() -> list[RunLine]:
        async with open_archive() as archive:
            return await archive.lines(suite, limit)

    lines = wait_for(load())
    if as_json:
        print_json(lines_data(lines))
    elif lines:
        print_lines(output_console(), lines)
    if not lines:
        complain("Nothing has been run yet. Start with evalbot run and the name of a suite.")
        raise typer.Exit(NOTHING)
