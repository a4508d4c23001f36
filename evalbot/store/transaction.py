"""Transactions: what the functions of the store work in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CursorResult, Executable, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from evalbot.suites.suites import Suite

SuiteKey = tuple[str, str, int]
"""Team, name and version."""

MOST_SUITES = 64
"""How many parsed suite versions are kept at hand."""


@dataclass(slots=True)
class SuiteShelf:
    """Parsed suite versions that are committed; a released version never changes."""

    suites: dict[SuiteKey, Suite] = field(default_factory=dict)

    def keep(self, fresh: Mapping[SuiteKey, Suite]) -> None:
        """Keep more versions, the newest come last; the oldest make room."""
        self.suites.update(fresh)
        while len(self.suites) > MOST_SUITES:
            del self.suites[next(iter(self.suites))]


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

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Give an insert that knows ON CONFLICT in the words of this database."""
        return sqlite.insert(table) if self.dialect == "sqlite" else postgresql.insert(table)

    async def add_once(self, table: Table, values: Mapping[str, Any]) -> bool:
        """Add a row unless one of its unique keys is taken; tell whether it was added."""
        once = self.insert(table).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
        added = await self.execute(once, values)
        return added.rowcount == 1

    async def add_all(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows, leaving out those of which a unique key is taken."""
        if rows:
            await self.execute(self.insert(table).on_conflict_do_nothing(), rows)

    async def put(self, table: Table, values: Mapping[str, Any], keys: Sequence[str]) -> None:
        """Add a row, or change the one that has the same keys."""
        statement = self.insert(table)
        changed = {name: statement.excluded[name] for name in values if name not in keys}
        await self.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changed), values)
