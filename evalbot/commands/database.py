"""The commands that look after the database."""

from __future__ import annotations

import typer

from evalbot.app import open_store
from evalbot.commands.speaking import wait_for, want_command
from evalbot.settings import load_settings

app = typer.Typer(name="db", help="Look after the database.")


@app.callback(invoke_without_command=True)
def enter_database(context: typer.Context) -> None:
    """Look after the database."""
    want_command(context)


@app.command(name="upgrade")
def upgrade_database() -> None:
    """Bring the database to this version's schema; done at every start too. Example: evalbot db upgrade"""

    async def upgrade() -> None:
        async with open_store(load_settings()):
            """Opening it is what brings it up to date."""

    wait_for(upgrade())
    typer.echo("The database is up to date.")
