"""Migrating: bring a database to the schema of this program, in one transaction."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from evalbot.errors import BadSetting, SchemaMismatch
from evalbot.store.connections import one_at_a_time, postgresql_engine, sqlite_engine
from evalbot.store.revisions import create_newest, find_revision, needs_migration
from evalbot.store.urls import SQLITE

if TYPE_CHECKING:
    from alembic.config import Config

_LOCK = 0x6576616C
"""The PostgreSQL advisory lock that lets one migration run at a time."""


def migrations_config() -> Config:
    """Give the Alembic settings of the migrations in this package."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the missing migrations in the connection's transaction."""
    from alembic import command  # half a second and 12 MB, which a new file and one that is up to date do without

    config = migrations_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def migrate_database(url: URL, busy_s: float) -> None:
    """Bring a database to the newest schema. All or nothing: whoever dies in the middle leaves the old schema."""
    engine = _engine(url, busy_s)
    try:
        async with engine.begin() as connection:
            try:
                await connection.run_sync(_bring_up)
            except ModuleNotFoundError as error:
                if (error.name or "").partition(".")[0] != "procrastinate":
                    raise
                raise BadSetting(
                    "The queue that a PostgreSQL database holds is not installed.", 'Run pip install "evalbot[scale]".'
                ) from None
            if url.drivername == SQLITE:
                await connection.run_sync(_check_links)
    finally:
        await engine.dispose()


def _bring_up(connection: Connection) -> None:
    """Bring a database to the newest schema, unless another program did while this one waited for its turn."""
    found = find_revision(connection)
    if not needs_migration(found, migrate=True):
        return
    if found is None and connection.dialect.name == "sqlite":
        create_newest(connection)
    else:
        upgrade(connection)


def _engine(url: URL, busy_s: float) -> AsyncEngine:
    """Give an engine for one migration; SQLite rebuilds tables only while foreign keys are off."""
    if url.drivername == SQLITE:
        return sqlite_engine(url, begin="BEGIN IMMEDIATE", busy_s=busy_s, foreign_keys=False)
    return one_at_a_time(postgresql_engine(url, size=0), _LOCK, busy_s)


def _check_links(connection: Connection) -> None:
    """Raise when a migration left a row that points at nothing."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise SchemaMismatch(f"A row of {broken[0]} points at nothing in {broken[2]}; nothing was changed.")
