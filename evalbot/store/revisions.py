"""Which database schemas this program knows, and how an empty database gets the newest."""

from __future__ import annotations

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert, inspect

from evalbot.errors import SchemaMismatch
from evalbot.store.tables import METADATA

REVISIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every released schema, oldest first; the last is the one this program works with."""

_VERSION_TABLE = "alembic_version"


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
    if not inspect(connection).has_table(_VERSION_TABLE):
        return None
    revision: str | None = connection.exec_driver_sql(f"SELECT version_num FROM {_VERSION_TABLE}").scalar()
    return revision


def create_newest(connection: Connection) -> None:
    """Create in an empty SQLite database what all migrations together would leave there, and note it as the newest schema."""
    METADATA.create_all(connection, checkfirst=False)
    noted = Table(
        _VERSION_TABLE,
        MetaData(),
        Column("version_num", String(32), nullable=False),
        PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
    )
    noted.create(connection, checkfirst=False)
    connection.execute(insert(noted).values(version_num=REVISIONS[-1]))
