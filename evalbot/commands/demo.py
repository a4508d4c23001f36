"""The command that shows everything on one machine."""

from __future__ import annotations

from typing import Annotated

import typer

from evalbot.commands.consoles import output_console
from evalbot.commands.speaking import INTERNAL, PortOption, log_errors, wait_for
from evalbot.demo.script import play_script
from evalbot.demo.show import show_demo

app = typer.Typer()


@app.command()
def demo(
    script: Annotated[
        bool, typer.Option("--script", help="No browser: pretend people do the whole story, printed step by step.")
    ] = False,
    port: PortOption = 0,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
) -> None:
    """Try everything on this machine, without keys or Slack. Example: evalbot demo"""
    log_errors()
    if script:
        if not wait_for(play_script(output_console(), port)):
            raise typer.Exit(INTERNAL)
        return
    wait_for(show_demo(output_console(), port, open_page))
