"""The store: opening a database, reading from it and writing to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from evalbot.grading.reviews import ReviewId
from evalbot.store.adding import Adder, RecordingAdder, SqliteAdder
from evalbot.store.connections import READERS, one_at_a_time, postgresql_engine, sqlite_engine
from evalbot.store.failures import outside_errors
from evalbot.store.migrate import migrate_database
from evalbot.store.preparing import ONE_STATE
from evalbot.store.revisions import find_revision, needs_migration
from evalbot.store.taking import Decide, SqliteTaker, Taker, WritingTaker
from evalbot.store.transaction import BUSY_S, Addition, SuiteShelf, Transaction
from evalbot.store.urls import SQLITE, parse_url
from evalbot.store.visits import Visits
from evalbot.store.writing import Writer

__all__ = ["Store", "Transaction"]

T = TypeVar("T")

GROUP = 64
"""Most writes that share one commit."""

WRITE_LOCK = 0x6576616D
"""The PostgreSQL advisory lock that lets one write happen at a time."""


@dataclass(slots=True, eq=False)
class Store:
    """A database that is open. It belongs to the event loop that opened it; `close` ends it.

    Writes wait for their turn in order, over all programs, so that what a write reads stays true until its commit. On
    PostgreSQL records go on beside them, and work that crossed another's is done again: it should change the database only.
    """

    url: URL
    reader: AsyncEngine
    writer: Writer
    recorder: Writer
    adder: Adder
    taker: Taker
    shelf: SuiteShelf

    @classmethod
    async def open(cls, url: str, *, migrate: bool = True, busy_s: float = BUSY_S) -> Store:
        """Open a database, migrated when asked; raises SchemaMismatch when its schema does not fit this program."""
        parsed = parse_url(url)
        with outside_errors():
            store = cls._build(parsed, busy_s)
            try:
                if needs_migration(await store._revision(), migrate=migrate):
                    await migrate_database(parsed, busy_s)
            except BaseException:
                await store.close()
                raise
        return store

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do work that only reads, on one consistent state of the database."""
        with outside_errors():
            async with self.reader.connect() as connection:
                transaction = Transaction(connection, connection.dialect.name, self.shelf)
                result = await work(transaction)
        self.shelf.keep(transaction.fresh)
        return result

    async def write(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do work whose effect people are told is saved: it is on disk when this returns."""
        return await self.writer.run(work)

    async def record(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do work that a run can do again: a crash of the program loses nothing, loss of power at most the last moments."""
        return await self.recorder.run(work)

    async def add(self, *additions: Addition) -> None:
        """Record rows of several tables together, leaving out those of which a unique key is taken: the cheapest way to write."""
        await self.adder.add(additions)

    async def take(self, review_ids: Sequence[ReviewId], decide: Decide[T]) -> T:
        """Write the grades that are decided on how some reviews stand: the cheapest way, as each click waits for it."""
        return await self.taker.take(review_ids, decide)

    async def close(self) -> None:
        """Finish what is being written and close every connection."""
        await self.writer.close()
        await self.recorder.close()
        await self.adder.close()
        await self.taker.close()
        for engine in (self.reader, self.writer.engine, self.recorder.engine):
            await engine.dispose()

    @classmethod
    def _build(cls, url: URL, busy_s: float) -> Store:
        """Give the store with its engines; nothing is connected yet."""
        shelf, turn = SuiteShelf(), asyncio.Lock()
        if url.drivername == SQLITE:
            reader = sqlite_engine(url, begin="BEGIN", busy_s=busy_s, readers=READERS)
            full, taking = (
                sqlite_engine(url, begin="BEGIN IMMEDIATE", busy_s=busy_s, synchronous="FULL") for _ in range(2)
            )
            normal, adding = (
                sqlite_engine(url, begin="BEGIN IMMEDIATE", busy_s=busy_s, synchronous="NORMAL") for _ in range(2)
            )
            writer, recorder = Writer(full, turn, shelf, GROUP), Writer(normal, turn, shelf, GROUP)
            adder, taker = SqliteAdder(Visits(adding, turn)), SqliteTaker(Visits(taking, turn))
            return cls(url, reader, writer, recorder, adder, taker, shelf)
        reader = postgresql_engine(url, isolation=ONE_STATE, size=READERS, readonly=True)
        writer = Writer(one_at_a_time(postgresql_engine(url, size=1), WRITE_LOCK, busy_s), turn, shelf, GROUP)
        recorder = Writer(postgresql_engine(url, size=1), asyncio.Lock(), shelf, GROUP)
        return cls(url, reader, writer, recorder, RecordingAdder(recorder), WritingTaker(writer), shelf)

    async def _revision(self) -> str | None:
        """Give the schema of the database, None for an empty one."""
        async with self.reader.connect() as connection:
            return await connection.run_sync(find_revision)
