"""SQLite in a thread of its own, reached with one message per statement instead of four, and none to begin a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Self, TypeVar

import aiosqlite

T = TypeVar("T")


class WholeCursor:
    """A cursor that runs a statement and fetches all its rows in one visit to the thread."""

    arraysize = 1

    def __init__(self, connection: WholeConnection) -> None:
        self._connection = connection
        self._rows: Sequence[Any] = ()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Self:
        """Run a statement once; what begins a transaction that takes no lock waits for the first statement in it."""
        if statement == "BEGIN":
            self._connection.begin(statement)
            return self
        if statement.startswith("BEGIN"):
            self._connection.note_transaction()
        return await self._visit(lambda cursor: cursor.execute(statement, parameters))

    async def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> Self:
        """Run a statement for each row."""
        return await self._visit(lambda cursor: cursor.executemany(statement, rows))

    async def fetchall(self) -> Sequence[Any]:
        """Give the rows, which are here already."""
        return self._rows

    async def close(self) -> None:
        """Nothing is open between statements."""

    async def _visit(self, run: Callable[[sqlite3.Cursor], object]) -> Self:
        """Run something with a real cursor in the connection's thread."""
        first = self._connection.take_beginning()
        await self._connection._execute(partial(self._run, first, run))  # type: ignore[no-untyped-call]  # aiosqlite has no types here
        return self

    def _run(self, first: str, run: Callable[[sqlite3.Cursor], object]) -> None:
        """Run something, after what begins its transaction, and keep all that it gives."""
        cursor = self._connection._conn.cursor()
        try:
            if first:
                cursor.execute(first)
            run(cursor)
            self.description = cursor.description
            self._rows = cursor.fetchall() if cursor.description else ()
            self.rowcount, self.lastrowid = cursor.rowcount, cursor.lastrowid
        finally:
            cursor.close()


class WholeConnection(aiosqlite.Connection):
    """A connection whose cursors are whole. It goes to its thread neither for a transaction in which nothing happened nor to
    roll back one that has ended."""

    _beginning = ""
    _in_transaction = False

    def begin(self, statement: str) -> None:
        """Begin a transaction with the first statement in it."""
        self._beginning = statement

    def note_transaction(self) -> None:
        """Note that a transaction begins."""
        self._in_transaction = True

    def take_beginning(self) -> str:
        """Give what begins the transaction, empty once it has begun. It counts as begun, also for who stops waiting for it."""
        statement, self._beginning = self._beginning, ""
        self._in_transaction = self._in_transaction or bool(statement)
        return statement

    async def commit(self) -> None:
        """End the transaction and keep what it did."""
        await self._end(super().commit)

    async def rollback(self) -> None:
        """End the transaction and undo what it did."""
        await self._end(super().rollback)

    async def _end(self, how: Callable[[], Awaitable[None]]) -> None:
        """End a transaction that has begun."""
        self._beginning = ""
        if self._in_transaction:
            await how()
            self._in_transaction = False

    def cursor(self, cursor_class: type[sqlite3.Cursor] | None = None) -> Any:
        """Give a cursor; it costs nothing until it runs a statement."""
        return WholeCursor(self)

    async def visit(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work with the real connection in its thread; once begun it comes to its end, whoever stops waiting for it."""
        result: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]  # aiosqlite has no types here
        return result

    async def _connect(self) -> Self:
        """Open the file; after a failure the thread has ended, so that it has nothing to say to a loop that is gone."""
        try:
            await super()._connect()
        except BaseException:
            self._thread.join(1.0)
            raise
        return self


def connect(database: str, **options: Any) -> WholeConnection:
    """Give a connection to be awaited; its thread ends with the program."""
    connection = WholeConnection(partial(sqlite3.connect, database, **options), iter_chunk_size=64)
    connection._thread.daemon = True
    return connection
