"""Reading a database without a loop, a thread or a writer beside: for commands that look something up and end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sqlalchemy import URL, Connection, CursorResult, Engine, Executable, create_engine
from sqlalchemy.exc import NoSuchModuleError

from evalbot.store.failures import missing_driver, outside_errors
from evalbot.store.preparing import ONE_STATE, make_folder, prepare_sqlite
from evalbot.store.revisions import find_revision, needs_migration
from evalbot.store.transaction import BUSY_S, SuiteShelf, Transaction
from evalbot.store.urls import SQLITE, parse_url

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DirectConnection:
    """Runs statements in the thread that asks; between them it lets an interruption through."""

    connection: Connection

    async def execute(
        self, statement: Executable, rows: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None
    ) -> CursorResult[Any]:
        """Run a statement."""
        await asyncio.sleep(0)
        return self.connection.execute(statement, rows)


@dataclass(slots=True, eq=False)
class StoredData:
    """A database that is open to be read; `close` ends it."""

    engine: Engine
    shelf: SuiteShelf = field(default_factory=SuiteShelf)

    @classmethod
    async def open(cls, url: str, *, busy_s: float = BUSY_S) -> StoredData:
        """Open a database, migrated when it must be; raises SchemaMismatch when its schema does not fit this program."""
        parsed = parse_url(url)
        with outside_errors():
            found = cls(_engine(parsed, busy_s))
            try:
                with found.engine.connect() as connection:
                    revision = find_revision(connection)
                if needs_migration(revision, migrate=True):
                    from evalbot.store.migrate import migrate_database

                    await migrate_database(parsed, busy_s)
            except BaseException:
                await found.close()
                raise
        return found

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do work that only reads, on one consistent state of the database."""
        with outside_errors(), self.engine.connect() as connection:
            # It answers as a connection beside a loop does, and reading asks it for nothing else.
            direct = cast("AsyncConnection", DirectConnection(connection))
            transaction = Transaction(direct, connection.dialect.name, self.shelf)
            result = await work(transaction)
        self.shelf.keep(transaction.fresh)
        return result

    async def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def _engine(url: URL, busy_s: float) -> Engine:
    """Give an engine that only reads."""
    if url.drivername == SQLITE:
        make_folder(url)
        engine = create_engine(url.set(drivername="sqlite"), pool_timeout=busy_s, hide_parameters=True)
        prepare_sqlite(engine, begin="BEGIN", busy_s=busy_s, readonly=True)
        return engine
    try:
        engine = create_engine(url, isolation_level=ONE_STATE, hide_parameters=True)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise missing_driver() from None
    return engine.execution_options(postgresql_readonly=True)
