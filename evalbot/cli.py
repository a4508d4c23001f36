"""The command line: parse, call, print."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from evalbot import __version__
from evalbot.errors import EvalbotError, OutsideError, SetupError, UserError

T = TypeVar("T")

OK, INTERNAL, USAGE, NOTHING, OUTSIDE, FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 100, 130
"""The exit codes: done; a bug; wrong usage or file; nothing to do; provider or Slack failed; gate failed; interrupted."""

app = typer.Typer(
    help="Evals in Slack: ask, grade, learn, tell, with honest numbers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
database = typer.Typer(help="Look after the database.", no_args_is_help=True)
app.add_typer(database, name="db")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
PortOption = Annotated[int, typer.Option(help="Port of the page; 0 takes a free one.")]


def main() -> None:
    """Run the command line; every failure is one sentence and an exit code."""
    try:
        code = app(standalone_mode=False)
    except typer.Abort:
        code = INTERRUPTED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except EvalbotError as error:
        code = _explain(error)
    except typer.TyperException as error:
        error.show()
        code = USAGE
    sys.exit(code if isinstance(code, int) else OK)
