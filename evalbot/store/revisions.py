"""Which database schemas this program knows."""

from __future__ import annotations

from sqlalchemy import Connection, inspect

from evalbot.errors import SchemaMismatch

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every released schema, oldest first; the last is the one this program works with."""


def needs_migration(found: str | None, *, migrate: bool) -> bool:
    """Tell whether a database must be migrated before use; raises SchemaMismatch when it may not or cannot be."""
    if found == REVISIONS[-1]:
        return False
    if found is not None and found not in REVISIONS:
        raise SchemaMismatch(
            f"The database has schema {found}, which is newer than this program.", "Install the newer evalbot."
        )
    if not migrate:
        state = "is empty" if found is None else f"has the older schema {found}"
        raise SchemaMismatch(f"The database {state}.", "Run evalbot db upgrade.")
    return True


def find_revision(connection: Connection) -> str | None:
    """Give the schema of a database, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return revision
