"""Transactions: what the functions of the store work in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import CursorResult, Executable, Insert, Table
from sqlalchemy.dialects import sqlite

from evalbot.suites.suites import Suite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.ext.asyncio import AsyncConnection

SuiteKey = tuple[str, str, int]
"""Team, name and version."""

BUSY_S = 30.0
"""How long a transaction waits for another process that holds the database."""

MOST_SUITES = 64
"""How many parsed suite versions are kept at hand."""

MOST_ITEMS = 50_000
"""How many items they may have together; the newest is kept whatever its size."""


@dataclass(frozen=True, slots=True)
class Addition:
    """Rows for a table, each with all its columns."""

    table: Table
    rows: Sequence[Mapping[str, Any]]


def insert_into(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Give an insert that knows ON CONFLICT in the words of a database."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects.postgresql import insert

    return insert(table)


@cache
def insert_once(dialect: str, table: Table) -> Executable:
    """Give the statement that adds rows unless one of their unique keys is taken."""
    return insert_into(dialect, table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)


@cache
def insert_or_change(dialect: str, table: Table) -> Insert:
    """Give the statement that adds a row, or changes the one that has the same primary key."""
    statement = insert_into(dialect, table)
    changed = {column.name: statement.excluded[column.name] for column in table.c if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)


@dataclass(slots=True)
class SuiteShelf:
    """Parsed suite versions that are committed; a released version never changes."""

    suites: dict[SuiteKey, Suite] = field(default_factory=dict)

    def keep(self, fresh: Mapping[SuiteKey, Suite]) -> None:
        """Keep more versions, the newest come last; the oldest make room."""
        self.suites.update(fresh)
        items = sum(len(suite.items) for suite in self.suites.values())
        while len(self.suites) > 1 and (len(self.suites) > MOST_SUITES or items > MOST_ITEMS):
            items -= len(self.suites.pop(next(iter(self.suites))).items)


@dataclass(slots=True)
class Transaction:
    """An open transaction. `fresh` are the suites parsed in it, which go on the shelf when it is committed."""

    connection: AsyncConnection
    dialect: str
    shelf: SuiteShelf
    fresh: dict[SuiteKey, Suite] = field(default_factory=dict)

    async def execute(
        self, statement: Executable, rows: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None
    ) -> CursorResult[Any]:
        """Run a statement once, or once per row."""
        return await self.connection.execute(statement, rows)

    async def add_once(self, table: Table, values: Mapping[str, Any]) -> bool:
        """Add a row unless one of its unique keys is taken; tell whether it was added."""
        added = await self.execute(insert_once(self.dialect, table), values)
        return added.rowcount == 1

    async def add_all(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows, leaving out those of which a unique key is taken."""
        if rows:
            await self.execute(insert_once(self.dialect, table), rows)

    async def put(self, table: Table, values: Mapping[str, Any]) -> None:
        """Add a whole row, or change the one that has the same primary key."""
        await self.execute(insert_or_change(self.dialect, table), values)
