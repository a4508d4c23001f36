"""The command that runs the simulated Slack alone."""

from __future__ import annotations

from typing import Annotated

import typer

from evalbot.commands.speaking import JsonOption, PortOption, wait_for
from evalbot.errors import BadRequest
from evalbot.playground.server import serve
from evalbot.terminal.printing import print_environment

app = typer.Typer()


@app.command()
def playground(
    port: PortOption = 0,
    no_rate_limits: Annotated[
        bool, typer.Option("--no-rate-limits", help="Let the app call as often as it likes.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run only the simulated Slack, for any Bolt app, and print the environment to use. Example: evalbot playground --port 8080"""
    try:
        wait_for(serve(port, not no_rate_limits, lambda ready: print_environment(ready.environment(), as_json)))
    except OSError as error:
        raise BadRequest(f"Port {port} cannot be used: {error.strerror}.", "Choose another one with --port.") from None
