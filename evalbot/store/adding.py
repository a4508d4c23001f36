"""Rows added by the thousand: on SQLite in one visit to its thread for a whole transaction, past the statement machinery."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Protocol

from sqlalchemy import Dialect, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from evalbot.store.failures import outside_errors
from evalbot.store.sqlite_driver import WholeConnection
from evalbot.store.transaction import Addition, Transaction, insert_into
from evalbot.store.writing import Writer


class Adder(Protocol):
    """Adds rows to several tables in one transaction, leaving out those of which a unique key is taken."""

    async def add(self, additions: Sequence[Addition]) -> None:
        """Add rows; they are committed when this returns."""

    async def close(self) -> None:
        """Let go of the database."""


@dataclass(frozen=True, slots=True)
class RecordingAdder:
    """Adds rows like any other work that is recorded."""

    recorder: Writer

    async def add(self, additions: Sequence[Addition]) -> None:
        """Add rows; they are committed when this returns."""

        async def work(tx: Transaction) -> None:
            for addition in additions:
                await tx.add_all(addition.table, addition.rows)

        await self.recorder.run(work)

    async def close(self) -> None:
        """Hold nothing, close nothing."""


class SqliteAdder:
    """Adds rows on a connection of its own, whose settings are the engine's; `turn` is shared with the writers of the file.

    The usual way visits the thread of a connection once per statement and costs three times as much for a few rows.
    """

    def __init__(self, engine: AsyncEngine, turn: asyncio.Lock) -> None:
        self._engine = engine
        self._turn = turn
        self._held: AsyncConnection | None = None
        self._driver: WholeConnection | None = None

    async def add(self, additions: Sequence[Addition]) -> None:
        """Add rows; they are committed when this returns."""
        dialect = self._engine.dialect
        bound = [_bound(addition, dialect) for addition in additions if addition.rows]
        with outside_errors():
            async with self._turn:
                driver = self._driver or await self._open()
                try:
                    await driver.visit(partial(_add, bound))
                except sqlite3.Error as error:
                    raise DBAPIError.instance(None, None, error, sqlite3.Error) from error

    async def close(self) -> None:
        """Close the connection; what is being added is added before."""
        if self._held is not None:
            await self._held.close()
        await self._engine.dispose()

    async def _open(self) -> WholeConnection:
        """Take the engine's one connection for good."""
        self._held = await self._engine.connect()
        driver = (await self._held.get_raw_connection()).driver_connection
        assert isinstance(driver, WholeConnection)
        self._driver = driver
        return driver


Bind = Callable[[Any], Any]
Bound = tuple[str, list[tuple[Any, ...]]]


def _bound(addition: Addition, dialect: Dialect) -> Bound:
    """Give the statement of an addition with its rows as the driver takes them."""
    sql, columns = _insert(addition.table, dialect)
    return sql, [tuple([bind(row[name]) if bind else row[name] for name, bind in columns]) for row in addition.rows]


@lru_cache(maxsize=8)
def _insert(table: Table, dialect: Dialect) -> tuple[str, list[tuple[str, Bind | None]]]:
    """Give the text of the statement that adds a row, and its columns in order, each with what makes its values ready."""
    statement = insert_into(dialect.name, table).on_conflict_do_nothing()
    compiled = statement.compile(dialect=dialect, column_keys=[column.name for column in table.c])
    binds = {column.name: column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.c}
    return str(compiled), [(name, binds[name]) for name in compiled.positiontup or ()]


def _add(bound: Sequence[Bound], db: sqlite3.Connection) -> None:
    """Add rows in a transaction of their own; leaves none of them when one fails."""
    db.execute("BEGIN IMMEDIATE")
    try:
        for sql, rows in bound:
            db.executemany(sql, rows)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
