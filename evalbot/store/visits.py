"""A SQLite connection that is held for good: whole transactions in one visit to its thread, past the statement machinery."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Dialect, Insert, Select, Update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from evalbot.store.failures import outside_errors
from evalbot.store.sqlite_driver import WholeConnection

T = TypeVar("T")

Bind = Callable[[Any], Any]
Values = tuple[Any, ...]


class Visits:
    """Does transactions on a connection of its own, whose settings are the engine's; `turn` is shared with the writers of the file.

    The usual way visits the thread of a connection once per statement and costs three times as much for a few rows.
    """

    def __init__(self, engine: AsyncEngine, turn: asyncio.Lock) -> None:
        self._engine = engine
        self._turn = turn
        self._held: AsyncConnection | None = None
        self._driver: WholeConnection | None = None

    @property
    def dialect(self) -> Dialect:
        """Give what makes statements and values ready for the connection."""
        return self._engine.dialect

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work in the connection's thread, in a transaction of its own: all of it is committed when this returns, or none."""
        with outside_errors():
            async with self._turn:
                driver = self._driver or await self._open()
                try:
                    return await driver.visit(partial(_whole, work))
                except sqlite3.Error as error:
                    raise DBAPIError.instance(None, None, error, sqlite3.Error) from error

    async def close(self) -> None:
        """Close the connection; what is being written is written before."""
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


def _whole(work: Callable[[sqlite3.Connection], T], db: sqlite3.Connection) -> T:
    """Do work in a transaction; leaves nothing of it when it fails."""
    db.execute("BEGIN IMMEDIATE")
    try:
        result = work(db)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    return result


@dataclass(frozen=True, slots=True)
class Prepared:
    """The text of a statement, what it is given in order, and what makes the values of its rows ready on the way back."""

    sql: str
    takes: Sequence[tuple[str, Bind | None]]
    gives: Sequence[Bind | None] = ()

    def values(self, row: Mapping[str, Any]) -> Values:
        """Give the values of a row as the driver takes them."""
        return tuple([bind(row[name]) if bind else row[name] for name, bind in self.takes])

    def read(self, row: Values) -> Values:
        """Give what a row of the database means."""
        return tuple([bind(value) if bind else value for value, bind in zip(row, self.gives, strict=True)])


def prepare(
    statement: Insert | Update | Select[*tuple[Any, ...]], dialect: Dialect, columns: Sequence[str] | None = None
) -> Prepared:
    """Make a statement ready; `columns` are those that one which changes a table is given, all when None."""
    compiled: Any = statement.compile(dialect=dialect, column_keys=columns)
    takes = [(name, _type(compiled.binds[name].type, dialect).bind_processor(dialect)) for name in compiled.positiontup]
    gives: list[Bind | None] = []
    if isinstance(statement, Select):
        gives = [_type(one.type, dialect).result_processor(dialect, None) for one in statement.selected_columns]
    return Prepared(str(compiled), takes, gives)


def _type(kind: Any, dialect: Dialect) -> Any:
    """Give a type as the dialect implements it."""
    return kind.dialect_impl(dialect)
