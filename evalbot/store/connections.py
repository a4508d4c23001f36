"""Engines for SQLite and PostgreSQL, and what their failures mean to people."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, NullPool, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from evalbot.errors import BadSetting, EvalbotError, OutsideError
from evalbot.store import sqlite_driver

SQLITE = "sqlite+aiosqlite"
POSTGRESQL = "postgresql+psycopg"

READERS = 6
"""Most read transactions at once in one process."""

_DRIVERS = {"sqlite": SQLITE, SQLITE: SQLITE, "postgresql": POSTGRESQL, "postgres": POSTGRESQL, POSTGRESQL: POSTGRESQL}
_SQLITE_BUSY = {5, 6}
_SQLITE_OUTSIDE = {
    8: "is read-only",
    10: "cannot be read or written",
    13: "has no room: the disk is full",
    14: "cannot be opened",
}
_SQLITE_NOT_OURS = {11, 26}
_PG_AGAIN = {"40001", "40P01"}
_PG_BUSY = {"55P03", "53300"}


def parse_url(url: str) -> URL:
    """Give a database URL with the driver written out; raises BadSetting for what evalbot cannot use."""
    example = "Use sqlite:///path/to/file.db or postgresql://user@host/name."
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadSetting("The database URL was not understood.", example) from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise BadSetting(f"There is no support for databases of the kind {parsed.drivername!r}.", example)
    if driver == SQLITE and (parsed.database or ":memory:") == ":memory:":
        raise BadSetting("A SQLite database in memory forgets everything.", "Name a file: sqlite:///path/to/file.db.")
    return parsed.set(drivername=driver)


PRAGMA_PAUSE_S = 0.01
"""How long the setting of a new connection waits between two tries."""


def sqlite_engine(
    url: URL, *, begin: str, busy_s: float, synchronous: str = "FULL", foreign_keys: bool = True, readers: int = 0
) -> AsyncEngine:
    """Give an engine on a SQLite file that begins transactions with `begin`; readers 0 means one connection that writes."""
    Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        url,
        connect_args={"async_creator_fn": sqlite_driver.connect},
        pool_size=readers or 1,
        max_overflow=0,
        pool_timeout=busy_s,
        hide_parameters=True,
    )
    pragmas = [
        f"busy_timeout={round(busy_s * 1000)}",
        "journal_mode=WAL",
        f"synchronous={synchronous}",
        f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
        *(["query_only=ON"] if readers else []),
    ]

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            _set_patiently(cursor, pragma, busy_s)
        cursor.close()
        connection.isolation_level = None

    _begin_with(engine, begin)
    return engine


def postgresql_engine(url: URL, *, isolation: str = "READ COMMITTED", size: int, readonly: bool = False) -> AsyncEngine:
    """Give an engine on a PostgreSQL database with transactions of one isolation level; size 0 keeps no connection."""
    pool: dict[str, Any] = (
        {"pool_size": size, "max_overflow": 0, "pool_pre_ping": True} if size else {"poolclass": NullPool}
    )
    try:
        engine = create_async_engine(url, isolation_level=isolation, hide_parameters=True, **pool)
    except (ModuleNotFoundError, NoSuchModuleError):
        raise BadSetting("The PostgreSQL driver is not installed.", 'Run pip install "evalbot[scale]".') from None
    return engine.execution_options(postgresql_readonly=True) if readonly else engine


def _set_patiently(cursor: Any, pragma: str, busy_s: float) -> None:
    """Set a pragma of a new connection; the change to WAL meets a lock at once when others open the new file too."""
    patient_until = time.monotonic() + busy_s
    while True:
        try:
            cursor.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > patient_until:
                raise
            time.sleep(PRAGMA_PAUSE_S)
        else:
            return


def one_at_a_time(engine: AsyncEngine, lock: int, busy_s: float) -> AsyncEngine:
    """Let PostgreSQL transactions of this engine take turns, over all programs, with those that name the same lock."""
    patience = f"set_config('lock_timeout', '{round(busy_s * 1000)}', true)"
    _begin_with(engine, f"SELECT {patience}, pg_advisory_xact_lock({lock})")
    return engine


def _begin_with(engine: AsyncEngine, statement: str) -> None:
    """Begin each transaction of an engine with a statement."""

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)


def is_retryable(error: BaseException) -> bool:
    """Tell whether a transaction failed only because it crossed another one, so that it may simply be done again."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _PG_AGAIN


@contextmanager
def outside_errors() -> Iterator[None]:
    """Raise failures of the database itself as OutsideError or BadSetting, in one sentence; bugs pass unchanged."""
    try:
        yield
    except PoolTimeout as error:
        raise _busy() from error
    except DBAPIError as error:
        explained = _explain(error)
        if explained is None:
            raise
        raise explained from error


def _busy() -> OutsideError:
    """Give the error of a database that somebody else holds for too long."""
    return OutsideError("The database is busy.", "Try again in a moment.")


def _explain(error: DBAPIError) -> EvalbotError | None:
    """Give the sentence for a failure that is nobody's bug, else None."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return _explain_sqlite(code & 0xFF)
    state = getattr(error.orig, "sqlstate", None)
    if state in _PG_BUSY or state in _PG_AGAIN:
        return _busy()
    lost = error.connection_invalidated or (state is None and type(error.orig).__name__ == "OperationalError")
    if lost or (state or "")[:2] in {"08", "53", "57", "58"}:
        return OutsideError("The database cannot be reached.", "Check that it runs; nothing was saved just now.")
    if (state or "")[:2] in {"28", "3D"}:
        return BadSetting("The database refused the login or does not exist.", "Check EVALBOT_DATABASE_URL.")
    return None


def _explain_sqlite(code: int) -> EvalbotError | None:
    """Give the sentence for a primary SQLite result code, None for codes that mean a bug."""
    if code in _SQLITE_BUSY:
        return _busy()
    if code in _SQLITE_OUTSIDE:
        return OutsideError(
            f"The database file {_SQLITE_OUTSIDE[code]}.", "Nothing was saved just now; mend that and try again."
        )
    if code in _SQLITE_NOT_OURS:
        return BadSetting(
            "The database file is damaged or no SQLite database.", "Restore a backup or name another file."
        )
    return None
