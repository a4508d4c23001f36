"""A store keeps what it says it kept, whatever happens beside it."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from evalbot.errors import BadSetting, Conflict, OutsideError, SchemaMismatch
from evalbot.people import PersonId
from evalbot.store import deliveries, grades, people, runs
from evalbot.store.database import Store, Transaction
from evalbot.store.tables import DELIVERIES
from tests.integration.store.store_nouns import ANN, NOON, TEAM, make_check_grade, make_output, make_run

COUNT = "count"


async def count_up(tx: Transaction) -> int:
    """Read a counter and save one more."""
    number = int(await people.get_preference(tx, TEAM, ANN, COUNT) or 0) + 1
    await people.put_preference(tx, TEAM, ANN, COUNT, str(number))
    return number


async def counted(store: Store) -> int:
    """Read the counter."""
    return int(await store.read(lambda tx: people.get_preference(tx, TEAM, ANN, COUNT)) or 0)


def remember(name: str) -> Any:
    """Give the work that remembers a delivery."""
    return lambda tx: deliveries.first_time(tx, name, NOON)


async def remembered(store: Store) -> set[str]:
    """Give the deliveries that are remembered."""

    async def work(tx: Transaction) -> set[str]:
        return set((await tx.execute(select(DELIVERIES.c.id))).scalars())

    return await store.read(work)


async def test_500_concurrent_writes_lose_nothing(store: Store) -> None:
    """Read-then-write transactions started at once all count, and each sees the one before."""
    wanted = 500 if store.url.drivername.startswith("sqlite") else 60
    numbers = await asyncio.gather(*(store.write(count_up) for _ in range(wanted)))
    assert sorted(numbers) == list(range(1, wanted + 1))
    assert await counted(store) == wanted


async def test_two_programs_on_one_database_lose_nothing(store: Store) -> None:
    """Two stores on one database take turns, also between people's writes and those of a run."""
    other = await Store.open(store.url.render_as_string(hide_password=False))
    ways = [store.write, other.write] if not store.url.drivername.startswith("sqlite") else [store.record, other.write]
    try:
        await asyncio.gather(*(ways[n % 2](count_up) for n in range(60)))
        assert await counted(other) == 60
    finally:
        await other.close()


async def test_failing_work_takes_nothing_with_it(store: Store) -> None:
    """Of works that share a commit, the one that fails leaves no trace and the others are saved."""

    async def fail(tx: Transaction) -> None:
        await remember("bad")(tx)
        raise Conflict("Somebody was faster.")

    async def break_a_link(tx: Transaction) -> None:
        await remember("worse")(tx)
        await grades.add_grades(tx, [make_check_grade(make_output(make_run()))])

    works = [remember("a"), fail, remember("b"), break_a_link, remember("c")]
    results = await asyncio.gather(*(store.write(work) for work in works), return_exceptions=True)
    assert [type(result) for result in results] == [bool, Conflict, bool, IntegrityError, bool]
    assert await remembered(store) == {"a", "b", "c"}


async def test_failing_work_alone_leaves_nothing(store: Store) -> None:
    """A single work that fails is undone, and the store goes on."""

    async def fail(tx: Transaction) -> None:
        await remember("bad")(tx)
        raise Conflict("Somebody was faster.")

    with pytest.raises(Conflict):
        await store.write(fail)
    assert await store.write(remember("good"))
    assert await remembered(store) == {"good"}


async def test_result_comes_after_the_commit(store: Store) -> None:
    """When a write returns, a reader sees it."""
    for number in range(1, 6):
        await store.write(count_up)
        assert await counted(store) == number


async def test_reader_sees_one_state(store: Store) -> None:
    """A read that goes on while somebody writes sees the database as it was at its start."""

    async def work(tx: Transaction) -> tuple[str | None, str | None]:
        before = await people.get_preference(tx, TEAM, ANN, COUNT)
        await store.write(count_up)
        return before, await people.get_preference(tx, TEAM, ANN, COUNT)

    assert await store.read(work) == (None, None)
    assert await counted(store) == 1


async def test_reader_cannot_write(store: Store) -> None:
    """What must not change anything cannot."""
    with pytest.raises(Exception, match=r"(?i)read-?\s?only"):
        await store.read(count_up)
    assert await counted(store) == 0


async def test_write_within_a_write_is_a_bug_that_shows(store: Store) -> None:
    """Work that waits for another write would wait for ever; it fails instead."""

    async def work(_tx: Transaction) -> int:
        return await store.write(count_up)

    with pytest.raises(RuntimeError, match="must not wait"):
        await store.write(work)
    assert await store.write(count_up) == 1


async def test_cancelled_caller_writes_whole_or_not_at_all(store: Store) -> None:
    """A caller who stops waiting before the turn came leaves no trace; others are not disturbed."""
    hold, held = asyncio.Event(), asyncio.Event()

    async def slow(tx: Transaction) -> bool:
        held.set()
        await hold.wait()
        return bool(await remember("slow")(tx))

    first = asyncio.create_task(store.write(slow))
    await held.wait()
    second = asyncio.create_task(store.write(remember("never")))
    third = asyncio.create_task(store.write(remember("third")))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    hold.set()
    assert await third
    assert await remembered(store) == {"slow", "third"}


async def test_links_between_tables_hold(store: Store) -> None:
    """An output of a run that does not exist is refused by the database."""
    with pytest.raises(IntegrityError):
        await store.record(lambda tx: grades.put_human_grade(tx, make_check_grade(make_output(make_run()))))


async def test_closing_finishes_what_was_begun(database_url: str) -> None:
    """Writes that were asked for before the end are saved."""
    store = await Store.open(database_url)
    writes = [asyncio.create_task(store.write(count_up)) for _ in range(5)]
    await asyncio.sleep(0)
    await store.close()
    assert sorted(await asyncio.gather(*writes)) == [1, 2, 3, 4, 5]
    again = await Store.open(database_url)
    assert await counted(again) == 5
    await again.close()


def test_stores_live_in_several_event_loops(database_url: str) -> None:
    """A database can be opened in one event loop after another, and nothing is left open."""

    async def use() -> int:
        store = await Store.open(database_url)
        number = await store.write(count_up)
        await store.close()
        return number

    assert [asyncio.run(use()) for _ in range(3)] == [1, 2, 3]
    gc.collect()


async def test_sqlite_is_set_to_keep_promises(sqlite_store: Store) -> None:
    """People's writes are on disk at the commit, runs' writes survive a crash of the program, links are checked."""

    async def pragmas(tx: Transaction) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [(await tx.connection.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in names]

    assert await sqlite_store.write(pragmas) == ["wal", 2, 1, 30_000]
    assert await sqlite_store.record(pragmas) == ["wal", 1, 1, 30_000]


async def test_database_locked_by_somebody_else_is_said(sqlite_url: str) -> None:
    """A file held by another program gives one clear sentence after the wait, and works again afterwards."""
    store = await Store.open(sqlite_url, busy_s=0.1)
    blocker = sqlite3.connect(store.url.database or "", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(OutsideError, match="busy"):
        await store.write(count_up)
    assert await counted(store) == 0
    blocker.execute("ROLLBACK")
    blocker.close()
    assert await store.write(count_up) == 1
    await store.close()


async def test_full_disk_is_said_and_got_over(sqlite_url: str) -> None:
    """Without room nothing is half saved; with room again the store goes on by itself."""
    store = await Store.open(sqlite_url)

    async def fill(tx: Transaction) -> None:
        pages = (await tx.connection.exec_driver_sql("PRAGMA page_count")).scalar()
        await tx.connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        await people.put_preference(tx, TEAM, ANN, "much", "x" * 1_000_000)

    async def make_room(tx: Transaction) -> None:
        await tx.connection.exec_driver_sql("PRAGMA max_page_count=1000000")

    with pytest.raises(OutsideError, match="disk is full"):
        await store.write(fill)
    await store.write(make_room)
    assert await store.write(count_up) == 1
    assert await store.read(lambda tx: people.get_preference(tx, TEAM, ANN, "much")) is None
    await store.close()


async def test_lost_postgresql_connections_are_replaced(postgresql_url: str) -> None:
    """After the server dropped every connection the next read and write work."""
    store = await Store.open(postgresql_url)
    assert await store.write(count_up) == 1

    async def drop_all(tx: Transaction) -> None:
        await tx.connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    await store.record(drop_all)
    assert await counted(store) == 1
    assert await store.write(count_up) == 2
    await store.close()


async def test_unreachable_server_is_said(postgresql_url: str) -> None:
    """A server that is not there gives one sentence, without the password."""
    with pytest.raises(OutsideError, match="cannot be reached") as caught:
        await Store.open("postgresql://ann:secret@127.0.0.1:9/evalbot")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite+aiosqlite:///:memory:", "mysql://host/name", "nonsense", "", "sqlite+pysqlcipher:///x.db"],
)
async def test_unusable_urls_are_refused(url: str) -> None:
    """A database that evalbot cannot use is refused with what to type instead."""
    with pytest.raises(BadSetting, match="sqlite:///path"):
        await Store.open(url)


async def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Another kind of file is named as such and left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("My notes. " * 1000)
    with pytest.raises(BadSetting, match="no SQLite database"):
        await Store.open(f"sqlite:///{path}")
    assert path.read_text().startswith("My notes.")


async def test_new_file_is_made_with_its_folder(tmp_path: Path) -> None:
    """The first start needs no preparation."""
    store = await Store.open(f"sqlite:///{tmp_path}/new/folder/evalbot.db")
    assert await store.read(runs.open_runs) == []
    await store.close()


async def test_newer_database_is_refused_in_one_line(store: Store, database_url: str) -> None:
    """An older program does not touch a newer database, and says what to do."""

    async def age(tx: Transaction) -> None:
        await tx.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    await store.write(age)
    with pytest.raises(SchemaMismatch, match=r"9999.*newer.*Install") as caught:
        await Store.open(database_url)
    assert "\n" not in str(caught.value)


async def test_empty_database_is_refused_when_it_may_not_be_migrated(tmp_path: Path) -> None:
    """Who only looks is told to migrate first."""
    with pytest.raises(SchemaMismatch, match="Run evalbot db upgrade"):
        await Store.open(f"sqlite:///{tmp_path}/empty.db", migrate=False)


async def test_person_ids_do_not_mix(store: Store) -> None:
    """What one person chose is not another's."""
    await store.write(count_up)
    assert await store.read(lambda tx: people.get_preference(tx, TEAM, PersonId("U9"), COUNT)) is None
