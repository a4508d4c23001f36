"""Rows added by the thousand: on SQLite in one visit to its thread for a whole transaction, past the statement machinery."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Protocol

from sqlalchemy import Dialect, Table

from evalbot.store.transaction import Addition, Transaction, insert_into
from evalbot.store.visits import Prepared, Values, Visits, prepare
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


@dataclass(frozen=True, slots=True)
class SqliteAdder:
    """Adds rows on a connection of its own, all in one visit to its thread."""

    visits: Visits

    async def add(self, additions: Sequence[Addition]) -> None:
        """Add rows; they are committed when this returns."""
        await self.visits.write(partial(_add, [_bound(one, self.visits.dialect) for one in additions if one.rows]))

    async def close(self) -> None:
        """Close the connection; what is being added is added before."""
        await self.visits.close()


def _bound(addition: Addition, dialect: Dialect) -> tuple[str, list[Values]]:
    """Give the statement of an addition with its rows as the driver takes them."""
    insert = _insert(addition.table, dialect)
    return insert.sql, [insert.values(row) for row in addition.rows]


@lru_cache(maxsize=8)
def _insert(table: Table, dialect: Dialect) -> Prepared:
    """Give the statement that adds a row."""
    statement = insert_into(dialect.name, table).on_conflict_do_nothing()
    return prepare(statement, dialect, [column.name for column in table.c])


def _add(bound: Sequence[tuple[str, list[Values]]], db: sqlite3.Connection) -> None:
    """Add rows."""
    for sql, rows in bound:
        db.executemany(sql, rows)
