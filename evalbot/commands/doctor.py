"""The command that looks for what is wrong with the setup."""

from __future__ import annotations

import typer

from evalbot.commands.consoles import output_console
from evalbot.commands.speaking import USAGE, JsonOption, wait_for
from evalbot.settings import load_settings
from evalbot.terminal.doctor import examine
from evalbot.terminal.printing import print_checks

app = typer.Typer()


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Check tokens, scopes, database, project and models. Example: evalbot doctor"""
    findings = wait_for(examine(load_settings()))
    print_checks(output_console(), findings, as_json)
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(USAGE)
