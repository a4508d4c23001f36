"""Rows that are only added: all of a batch or none, once each, committed when the caller hears of it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy.exc import IntegrityError

from evalbot.errors import OutsideError
from evalbot.runs.outputs import Output, OutputId
from evalbot.runs.runs import Run
from evalbot.store import grades, outputs
from evalbot.store.database import Store
from tests.integration.store.store_nouns import make_check_grade, make_output, make_run, save_outputs


async def there(store: Store, run: Run) -> set[OutputId]:
    """Give the outputs of a run that are saved."""
    return {output.id for output in await store.read(lambda tx: outputs.list_outputs(tx, run.id))}


def batch_of(run: Run, *numbers: int) -> list[Output]:
    """Make outputs of some items."""
    return [make_output(run, f"item-{number}") for number in numbers]


async def test_rows_are_there_when_the_adding_returns(store: Store) -> None:
    """Outputs and their grades are written together, and one that is there already stays as it is."""
    run = make_run()
    await save_outputs(store, run)
    first, again = make_output(run, "france", text="Paris"), make_output(run, "france", text="Lyon")
    await store.add(outputs.output_rows([first]), grades.grade_rows([make_check_grade(first)]))
    await store.add(outputs.output_rows([again, *batch_of(run, 1)]), grades.grade_rows([]))
    found = await store.read(lambda tx: outputs.list_outputs(tx, run.id))
    assert [output.text for output in found if output.unit.item_id == "france"] == ["Paris"]
    assert len(found) == 2
    assert await store.read(lambda tx: grades.grades_of_output(tx, first.id)) == [make_check_grade(first)]


async def test_nothing_of_a_batch_that_fails_stays(store: Store) -> None:
    """A grade of an output that nobody has breaks a rule of the database: its whole batch is undone, and the next one is fine."""
    run = make_run()
    await save_outputs(store, run)
    alien = make_check_grade(make_output(make_run(7), "nowhere"))
    with pytest.raises(IntegrityError):
        await store.add(outputs.output_rows(batch_of(run, 1, 2)), grades.grade_rows([alien]))
    assert await there(store, run) == set()
    await store.add(outputs.output_rows(batch_of(run, 3)))
    assert await there(store, run) == {output.id for output in batch_of(run, 3)}


async def test_adding_and_writing_take_turns(store: Store) -> None:
    """Batches of two programs that overlap double nothing, also between other work that is recorded and written."""
    run = make_run()
    await save_outputs(store, run)
    other = await Store.open(store.url.render_as_string(hide_password=False))
    given = batch_of(run, *range(40))
    try:
        await asyncio.gather(
            *(door.add(outputs.output_rows(given[start:])) for start in range(0, 40, 8) for door in (store, other)),
            *(store.record(lambda tx: outputs.add_outputs(tx, given[::3])) for _ in range(4)),
            *(other.write(lambda tx: outputs.add_outputs(tx, given[::5])) for _ in range(4)),
        )
    finally:
        await other.close()
    assert await there(store, run) == {output.id for output in given}


async def test_who_stops_waiting_breaks_nothing(store: Store) -> None:
    """A caller that is cancelled in the middle leaves whole batches, and others go on."""
    run = make_run()
    await save_outputs(store, run)
    callers = [asyncio.create_task(store.add(outputs.output_rows(batch_of(run, n, n + 100)))) for n in range(12)]
    await callers[0]
    for caller in callers[1:6]:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    await store.add(outputs.output_rows(batch_of(run, 50)))
    found = await there(store, run)
    wholes = [{output.id for output in batch_of(run, n, n + 100)} for n in range(12)]
    assert all(whole <= found or not whole & found for whole in wholes)
    assert all(wholes[n] <= found for n in (0, *range(6, 12)))


async def test_file_that_others_hold_is_trouble_outside(sqlite_url: str) -> None:
    """A database that stays locked is said in a sentence, and what was to be added can be added later."""
    store = await Store.open(sqlite_url, busy_s=0.05)
    run = make_run()
    try:
        await save_outputs(store, run)
        with closing(sqlite3.connect(store.url.database or "", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(OutsideError):
                await store.add(outputs.output_rows(batch_of(run, 1)))
            holder.execute("ROLLBACK")
        await store.add(outputs.output_rows(batch_of(run, 1)))
        assert await there(store, run) == {output.id for output in batch_of(run, 1)}
    finally:
        await store.close()
