"""The command that starts a worker."""

from __future__ import annotations

from typing import Annotated

import typer

from evalbot.commands.consoles import error_console
from evalbot.commands.speaking import wait_for
from evalbot.logs import start_logging
from evalbot.settings import load_settings
from evalbot.working import Worker, work

app = typer.Typer()


@app.command()
def worker(
    concurrency: Annotated[
        int,
        typer.Option("--concurrency", min=1, max=64, help="Shards of runs at the same time, each with its own calls."),
    ] = 2,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Show /health and /metrics on this port; 0 for nowhere.")
    ] = 0,
) -> None:
    """Carry out runs for the bot, on any machine. Example: EVALBOT_ENGINE=procrastinate evalbot worker --concurrency 4"""
    settings = load_settings()
    start_logging(settings.log_level, settings.log_format)

    def ready(worker: Worker) -> None:
        error_console().print(f"evalbot works on up to {worker.concurrency} shards at once.", highlight=False)

    wait_for(work(settings, concurrency, port, ready))
