"""Which commands there are: each has a name, its line in the help, and a module that is imported once it is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("demo", "Try everything on this machine, without keys or Slack."),
    "serve": ("serve", "Be the bot of a real Slack workspace."),
    "manifest": ("manifest", "Print the manifest to make the Slack app from."),
    "doctor": ("doctor", "Check tokens, scopes, database, project and models."),
    "playground": ("playground", "Run only the simulated Slack, for any Bolt app, and print the environment to use."),
    "worker": ("worker", "Carry out runs for the bot, on any machine."),
    "run": ("run", "Run a suite without Slack."),
    "regrade": ("regrade", "Grade a run's stored answers again with what its suite says now; no target is asked."),
    "rerun": ("rerun", "Ask what an ended run has no answer to, in a new run with the rest."),
    "runs": ("runs", "List the newest runs with their pass rates."),
    "show": ("show", "Show what a run says."),
    "compare": ("compare", "Tell whether run B is better than run A, on the items both were asked."),
    "report": ("report", "Write a run as a file."),
    "judge": ("judge", "Tell how far the judge of a suite may be believed."),
    "explain": ("explain", "Tell where a number comes from."),
    "import": ("import_file", "Make a suite of a data file or of a promptfoo suite."),
    "lint": ("lint", "Check every suite, rubric and prompt file of a project."),
    "schema": ("schema", "Print the JSON Schema of a file format, for editors."),
    "analyze": ("analyze", "Say what grades of any data are worth."),
    "db": ("database", "Look after the database."),
}
"""In the order of the help: the module beside this one that has the command, and the first sentence of its help."""


class WaitingCommand(TyperCommand):
    """A command of which only its line is known until it is called, or its own help is asked for."""

    def __init__(self, name: str, module: str, line: str) -> None:
        super().__init__(name, help=line)
        self.module = module

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Give the context of the real command, which then goes on in place of this one; typer keeps its type private."""
        return load(info_name or "", self.module).make_context(info_name, args, parent, **extra)


class LazyGroup(TyperGroup):
    """The commands that a program has itself, and after them those of the catalogue."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        for name, (module, line) in COMMANDS.items():
            self.add_command(WaitingCommand(name, module, line))


def load(name: str, module: str) -> TyperCommand | TyperGroup:
    """Import the module of a command and give the command."""
    whole = typer.Typer(rich_markup_mode=None)
    whole.add_typer(import_module(f"evalbot.commands.{module}").app)
    command = get_group(whole).commands[name]
    assert isinstance(command, TyperCommand | TyperGroup)
    return command
