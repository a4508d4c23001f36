"""Run by Alembic: migrates the connection it is given, or for developers the database named with `-x url=...`."""

from __future__ import annotations

import asyncio
from typing import Literal

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from evalbot.store.tables import METADATA
from evalbot.store.urls import parse_url


def render_plain(kind: str, item: object, _autogenerate: object) -> str | Literal[False]:
    """Write our own column types into migrations as what the database has: a migration must not change with the code."""
    plain = {"ExactText": "sa.Text()", "UTCDateTime": "sa.DateTime(timezone=True)"}
    return plain.get(type(item).__name__, False) if kind == "type" else False


def run_migrations(connection: Connection) -> None:
    """Run the migrations in the connection's transaction, all or nothing."""
    context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True, render_item=render_plain)
    with context.begin_transaction():
        context.run_migrations()


async def run_by_hand() -> None:
    """Run what a developer typed."""
    engine = create_async_engine(parse_url(context.get_x_argument(as_dictionary=True)["url"]))
    async with engine.begin() as connection:
        await connection.run_sync(run_migrations)
    await engine.dispose()


given = context.config.attributes.get("connection")
if given is None:
    asyncio.run(run_by_hand())
else:
    run_migrations(given)
