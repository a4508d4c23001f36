"""The command line: every failure is one sentence; the commands stand in the catalogue."""

from __future__ import annotations

import errno
import gc
import logging
import os
import sys
from typing import Annotated

import typer

from evalbot import __version__
from evalbot.commands.catalogue import LazyGroup
from evalbot.commands.speaking import INTERNAL, INTERRUPTED, OK, OUTSIDE, USAGE, complain, settle, want_command
from evalbot.errors import EvalbotError, OutsideError

OF_THE_MACHINE = frozenset({errno.EACCES, errno.EDQUOT, errno.EIO, errno.ENOSPC, errno.EPERM, errno.EROFS})
"""What the machine refuses to anybody: no place, no permission, a broken disk."""

app = typer.Typer(
    cls=LazyGroup,
    help="Evals in Slack: ask, grade, learn, tell, with honest numbers.",
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; every failure is one sentence and an exit code."""
    gc.disable()  # looking for garbage among what a command loads, then and at the end, takes a third of a short one's time
    try:
        code = app(prog_name="evalbot", standalone_mode=False)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        code = _explain(error)
    settle()
    if code == INTERRUPTED:
        complain("Interrupted.")
    sys.exit(code if isinstance(code, int) else OK)


def _explain(error: BaseException) -> int:
    """Say in one sentence what went wrong and give the exit code for it."""
    match error:
        case typer.Abort() | KeyboardInterrupt():
            return INTERRUPTED
        case typer.TyperException():
            complain(_usage(error))
            return USAGE
        case EvalbotError():
            complain(str(error))
            return OUTSIDE if isinstance(error, OutsideError) else USAGE
        case BrokenPipeError() | SystemExit(__context__=BrokenPipeError()):
            # Whoever read the output has gone; rich and typer tell so by SystemExit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return OK
        case OSError(errno=number) if number in OF_THE_MACHINE:
            complain(f"{error.filename or 'The output'} cannot be written ({error.strerror}).")
            return INTERNAL
    logging.getLogger(__name__).error("evalbot met a bug", exc_info=error)
    complain("That is a bug in evalbot, not your mistake. Please report it with the lines above.")
    return INTERNAL


def _usage(error: typer.TyperException) -> str:
    """Give the sentence for words that were not understood, with where to read more."""
    said = error.format_message().rstrip()
    context = getattr(error, "ctx", None)
    asked = context.command_path if context else "evalbot"
    return f"{said}{'' if said.endswith(('.', '?', '!')) else '.'} See {asked} --help."


@app.callback(invoke_without_command=True)
def entry(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Evals in Slack: ask, grade, learn, tell, with honest numbers."""
    if version:
        typer.echo(f"evalbot {__version__}")
        raise typer.Exit(OK)
    want_command(context)


@app.command(name="version")
def print_version() -> None:
    """Print the version. Example: evalbot version"""
    typer.echo(f"evalbot {__version__}")


if __name__ == "__main__":
    main()
