"""Migrations and tables are the same thing, and a migration happens whole or not at all."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, String, create_engine, inspect

from evalbot.store.database import Store, Transaction
from evalbot.store.exact_text import ExactText
from evalbot.store.migrate import migrations_config, upgrade
from evalbot.store.revisions import REVISIONS
from evalbot.store.tables import METADATA
from evalbot.store.urls import parse_url

KILLER = """
import asyncio, os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
import evalbot.store.migrate
from evalbot.store.database import Store

def die_at(last):
    left = [last]
    @event.listens_for(Engine, "before_cursor_execute")
    def _count(connection, cursor, statement, *_):
        if statement.lstrip().startswith(("CREATE", "INSERT")):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

for last, url in enumerate(sys.argv[1:], start=1):
    pid = os.fork()
    if pid == 0:
        die_at(last * 10)
        asyncio.run(Store.open(url))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def test_migrations_equal_tables(database_url: str) -> None:
    """A migrated database has exactly the tables, columns, keys and indexes that the code works with."""
    url = parse_url(database_url)
    plain = url.set(drivername="sqlite") if url.drivername.startswith("sqlite") else url
    engine = create_engine(plain)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


async def test_new_file_equals_a_migrated_one(tmp_path: Path) -> None:
    """A new file, which is made without the migrations, has exactly what they would have left in it, and notes the same schema."""
    store = await Store.open(f"sqlite:///{tmp_path}/made.db")
    await store.close()
    engine = create_engine(f"sqlite:///{tmp_path}/migrated.db")
    with engine.begin() as connection:
        upgrade(connection)
    engine.dispose()
    made, migrated = (parts_of(tmp_path / f"{name}.db") for name in ("made", "migrated"))
    assert len(made) > 25
    assert made == migrated


def test_program_knows_every_migration() -> None:
    """The schemas the program names are the migrations it carries, in order."""
    script = ScriptDirectory.from_config(migrations_config())
    assert tuple(step.revision for step in reversed(list(script.walk_revisions()))) == REVISIONS


def test_every_text_column_keeps_every_text() -> None:
    """No text column is of a kind that changes or refuses what a model sent."""
    columns = [column for table in METADATA.sorted_tables for column in table.c]
    assert sum(isinstance(column.type, ExactText) for column in columns) > 100
    assert [column for column in columns if isinstance(column.type, String)] == []


def test_killed_migration_leaves_the_old_schema(
    tmp_path: Path, postgresql_server: URL, on_postgresql: Callable[[str], object]
) -> None:
    """A program killed in the middle of a migration leaves an empty database, which the next start migrates."""
    name = f"evalbot_killed_{uuid4().hex[:8]}"
    on_postgresql(f"CREATE DATABASE {name}")
    urls = [f"sqlite:///{tmp_path}/{number}.db" for number in range(2)]
    urls.append(postgresql_server.set(database=name).render_as_string(hide_password=False))
    ended = subprocess.run([sys.executable, "-c", KILLER, *urls], capture_output=True, text=True, check=True)
    assert [int(line) for line in ended.stdout.split()] == [-signal.SIGKILL] * 3
    for url in urls:
        assert tables_of(parse_url(url)) == set()
    for url in (urls[0], urls[-1]):
        assert asyncio.run(tables_after_opening(url)) > 15
    on_postgresql(f"DROP DATABASE {name} WITH (FORCE)")


async def test_two_programs_migrate_once(
    tmp_path: Path, postgresql_server: URL, on_postgresql: Callable[[str], object]
) -> None:
    """Programs that start together on a new database all find it migrated."""
    name = f"evalbot_race_{uuid4().hex[:8]}"
    on_postgresql(f"CREATE DATABASE {name}")
    server = postgresql_server.set(database=name).render_as_string(hide_password=False)
    for url in (f"sqlite:///{tmp_path}/new.db", server):
        stores = await asyncio.gather(*(Store.open(url) for _ in range(4)))
        for store in stores:
            await store.close()
    on_postgresql(f"DROP DATABASE {name} WITH (FORCE)")


async def test_opening_again_changes_nothing(store: Store, database_url: str) -> None:
    """A database that is up to date is opened as it is, also by those who may not migrate."""
    again = await Store.open(database_url, migrate=False)
    await again.close()


async def test_stranger_tables_survive(tmp_path: Path) -> None:
    """Tables of somebody else in the same database are left alone."""
    engine = create_engine(f"sqlite:///{tmp_path}/shared.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE theirs (x INTEGER)")
        connection.exec_driver_sql("INSERT INTO theirs VALUES (1)")
    engine.dispose()
    store = await Store.open(f"sqlite:///{tmp_path}/shared.db")

    async def count(tx: Transaction) -> object:
        return (await tx.connection.exec_driver_sql("SELECT count(*) FROM theirs")).scalar()

    assert await store.read(count) == 1
    await store.close()


def parts_of(file: Path) -> dict[str, object]:
    """Give all that the schema of a SQLite file says, by table, the columns of a table in no order; and which schema it notes."""
    with closing(sqlite3.connect(file)) as found:

        def ask(pragma: str) -> list[tuple[object, ...]]:
            return found.execute(f"PRAGMA {pragma}").fetchall()

        names = [name for (name,) in found.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        parts: dict[str, object] = {"schema": found.execute("SELECT version_num FROM alembic_version").fetchall()}
        for name in names:
            columns = sorted(row[1:] for row in ask(f"table_info({name})"))
            links = sorted(row[1:] for row in ask(f"foreign_key_list({name})"))
            indexes = sorted((row[1:], ask(f"index_info({row[1]})")) for row in ask(f"index_list({name})"))
            keyed = [(index, [column for *_, column in inside]) for index, inside in indexes]
            parts[name] = (columns, links, keyed)
        return parts


def tables_of(url: URL) -> set[str]:
    """Give the names of the tables in a database."""
    plain = url.set(drivername="sqlite") if url.drivername.startswith("sqlite") else url
    engine = create_engine(plain)
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
    engine.dispose()
    return names


async def tables_after_opening(url: str) -> int:
    """Open and close a database and count its tables."""
    store = await Store.open(url)

    def count(connection: Connection) -> int:
        return len(inspect(connection).get_table_names())

    number = await store.read(lambda tx: tx.connection.run_sync(count))
    await store.close()
    return number


@pytest.mark.parametrize("revision", REVISIONS)
def test_migrations_do_not_lean_on_the_code(revision: str) -> None:
    """A migration says in its own words what it does, so that later changes of the code cannot change it."""
    script = ScriptDirectory.from_config(migrations_config()).get_revision(revision)
    assert script is not None
    assert "evalbot" not in Path(script.path).read_text()
