"""What every connection to a database is told before it is used, and what every transaction begins with."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, event

from evalbot.errors import BadSetting

PRAGMA_PAUSE_S = 0.01
"""How long the setting of a new connection waits between two tries."""

ONE_STATE = "REPEATABLE READ"
"""The isolation of PostgreSQL transactions that read one consistent state."""


def make_folder(url: URL) -> None:
    """Make the folder of a SQLite file; raises BadSetting when it cannot be made."""
    try:
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(
            f"The folder of the database cannot be made ({error.strerror}).", "Check EVALBOT_DATABASE_URL."
        ) from error


def prepare_sqlite(
    engine: Engine, *, begin: str, busy_s: float, synchronous: str = "FULL", foreign_keys: bool = True, readonly: bool
) -> None:
    """Set up the connections of an engine on a SQLite file, whose transactions begin with `begin`."""
    pragmas = [
        f"busy_timeout={round(busy_s * 1000)}",
        "journal_mode=WAL",
        f"synchronous={synchronous}",
        f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
        *(["query_only=ON"] if readonly else []),
    ]

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            _set_patiently(cursor, pragma, busy_s)
        cursor.close()
        connection.isolation_level = None

    begin_with(engine, begin)


def begin_with(engine: Engine, statement: str) -> None:
    """Begin each transaction of an engine with a statement."""

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)


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
