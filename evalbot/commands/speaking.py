"""What all commands share, and what every start may load: exit codes, options that several have, the loop."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import typer

T = TypeVar("T")

OK, INTERNAL, USAGE, NOTHING, OUTSIDE, FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 100, 130
"""Exit codes: done; a bug; wrong usage or file; nothing to do; provider or Slack failed; gate failed; interrupted."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
HoldoutOption = Annotated[bool, typer.Option("--include-holdout", help="Show the holdout's answers too.")]
RunArgument = Annotated[str, typer.Argument(help="Number of a run, or latest.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Start also what costs more than may be started so.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only say what the run would take and how exactly it would measure.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
PortOption = Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")]


def complain(text: str) -> None:
    """Write one sentence to standard error."""
    sys.stderr.write(f"evalbot: {text}\n")


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Do asynchronous work."""
    settle()
    return asyncio.run(work)


def settle() -> None:
    """Collect garbage again, but never among what is loaded by now: it stays until the end."""
    gc.freeze()
    gc.enable()


def log_errors() -> None:
    """Log only what went wrong: everything else is printed."""
    logging.basicConfig(level="ERROR", format="%(levelname)s %(name)s: %(message)s")


def want_command(context: typer.Context) -> None:
    """Show the commands to who named none."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(USAGE)
