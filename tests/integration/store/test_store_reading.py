"""A database that is only read: the same rows as through the store, one consistent state, and no writing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError

from evalbot.errors import OutsideError, SchemaMismatch
from evalbot.store import runs
from evalbot.store.database import Store
from evalbot.store.reading import StoredData
from evalbot.store.tables import RUNS, WORKSPACES
from evalbot.store.transaction import Transaction
from tests.factories import TEAM, make_run


@pytest.fixture
async def data(store: Store, database_url: str) -> AsyncIterator[StoredData]:
    """The database of `store`, opened to be read."""
    opened = await StoredData.open(database_url)
    yield opened
    await opened.close()


async def test_reads_what_was_written(store: Store, data: StoredData) -> None:
    """A run comes back as it was saved."""
    run = make_run()
    await store.write(lambda tx: runs.add_run(tx, run))
    assert await data.read(lambda tx: runs.list_runs(tx, run.team)) == [run]


async def test_reading_sees_one_state(store: Store, data: StoredData) -> None:
    """What is written while somebody reads shows in the next reading only."""

    async def count_twice(tx: Transaction) -> list[int]:
        before = await runs.list_runs(tx, TEAM)
        await store.write(lambda other: runs.add_run(other, make_run()))
        return [len(before), len(await runs.list_runs(tx, TEAM))]

    assert await data.read(count_twice) == [0, 0]
    assert len(await data.read(lambda tx: runs.list_runs(tx, TEAM))) == 1


async def test_nothing_can_be_written(data: StoredData) -> None:
    """A write is refused by the database itself."""

    async def write(tx: Transaction) -> None:
        await tx.execute(insert(WORKSPACES).values(name="home", team="T1", adopted=False))

    with pytest.raises((OutsideError, DBAPIError), match=r"read.only"):
        await data.read(write)


async def test_an_interruption_is_let_through(data: StoredData) -> None:
    """Who is stopped between two statements stops, and the database can be read afterwards."""

    async def never_end(tx: Transaction) -> None:
        while True:
            await tx.execute(select(RUNS.c.id))

    task = asyncio.create_task(data.read(never_end))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await data.read(lambda tx: runs.list_runs(tx, TEAM)) == []


async def test_a_new_database_is_migrated(tmp_path: Path) -> None:
    """The first reading makes the file and its tables."""
    data = await StoredData.open(f"sqlite:///{tmp_path}/new/evalbot.db")
    assert await data.read(lambda tx: runs.list_runs(tx, TEAM)) == []
    await data.close()


async def test_a_newer_schema_is_refused(store: Store, database_url: str) -> None:
    """A database of a later version is not read with this one's eyes."""

    async def age(tx: Transaction) -> None:
        await tx.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    await store.write(age)
    with pytest.raises(SchemaMismatch, match="newer"):
        await StoredData.open(database_url)
