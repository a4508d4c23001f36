"""Runs survive the database unchanged, with one number and one end each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from evalbot.errors import Conflict, UnknownName
from evalbot.runs.outputs import RunId
from evalbot.runs.runs import Run, RunStatus, finish
from evalbot.store import runs
from evalbot.store.database import Store, Transaction
from evalbot.suites.targets import Target
from tests.integration.store.store_nouns import ANN, NOON, OTHER_TEAM, TEAM, later, make_run


async def add(store: Store, *given: Run) -> None:
    """Save runs."""
    for run in given:
        await store.write(lambda tx, run=run: runs.add_run(tx, run))  # type: ignore[misc]


async def test_run_comes_back_as_it_was_saved(store: Store) -> None:
    """Every part of a run is kept, also what only some runs have."""
    targets = (Target("openai:x", "x", {"temperature": 0.2, "stop": ["a"]}), Target("http:y", "y"))
    run = make_run(7, targets=targets, channel="C1", finished_at=later(9), note="stopped", status=RunStatus.CANCELLED)
    await add(store, run)
    assert await store.read(lambda tx: runs.get_run(tx, run.id)) == run
    assert await store.read(lambda tx: runs.find_run(tx, TEAM, 7)) == run


async def test_unknown_runs_are_not_found(store: Store) -> None:
    """A run that is not there, or is another workspace's, is not found."""
    await add(store, make_run(1))
    assert await store.read(lambda tx: runs.find_run(tx, OTHER_TEAM, 1)) is None
    with pytest.raises(UnknownName):
        await store.read(lambda tx: runs.get_run(tx, RunId("nowhere")))


async def test_taken_number_is_a_conflict(store: Store) -> None:
    """Two runs of a workspace never share a number; other workspaces count for themselves."""
    await add(store, make_run(1), make_run(1, team=OTHER_TEAM))
    with pytest.raises(Conflict):
        await add(store, make_run(1, id=RunId("another")))


async def test_concurrent_starts_get_numbers_of_their_own(store: Store) -> None:
    """Runs started at the same time are numbered one by one, also by two programs on one database."""

    def start(name: int) -> Callable[[Transaction], Awaitable[int]]:
        async def work(tx: Transaction) -> int:
            number = await runs.next_run_number(tx, TEAM)
            await runs.add_run(tx, make_run(number, id=RunId(f"run-{name}")))
            return number

        return work

    other = await Store.open(store.url.render_as_string(hide_password=False))
    try:
        doors = [(store, other)[n % 2] for n in range(20)]
        numbers = await asyncio.gather(*(door.write(start(n)) for n, door in enumerate(doors)))
    finally:
        await other.close()
    assert sorted(numbers) == list(range(1, 21))


async def test_lists_are_newest_first_and_limited(store: Store) -> None:
    """People see the newest runs first, of one suite when they name one."""
    await add(store, *(make_run(n, suite="a" if n % 2 else "b") for n in range(1, 7)), make_run(9, team=OTHER_TEAM))
    assert [run.number for run in await store.read(lambda tx: runs.list_runs(tx, TEAM, limit=4))] == [6, 5, 4, 3]
    assert [run.number for run in await store.read(lambda tx: runs.list_runs(tx, TEAM, suite="a"))] == [5, 3, 1]


async def test_runs_before_one_are_outlined_newest_first(store: Store) -> None:
    """Of the same suite and workspace, however many came later; their items are not read."""
    await add(store, *(make_run(n, suite="a" if n % 2 else "b") for n in range(1, 10)), make_run(3, team=OTHER_TEAM))
    run = await store.read(lambda tx: runs.get_run(tx, make_run(7).id))
    found = await store.read(lambda tx: runs.runs_before(tx, run, 2))
    five, three = (make_run(n, suite="a") for n in (5, 3))
    assert found == [runs.RunOutline(one.id, one.number, one.status, one.targets) for one in (five, three)]


async def test_open_runs_are_those_of_all_workspaces_that_go_on(store: Store) -> None:
    """What a restart must resume is found, and nothing else."""
    ended = finish(make_run(2), RunStatus.DONE, NOON)
    await add(store, make_run(3), ended, make_run(1, team=OTHER_TEAM))
    assert [(run.team, run.number) for run in await store.read(runs.open_runs)] == [(OTHER_TEAM, 1), (TEAM, 3)]


async def test_run_ends_once(store: Store) -> None:
    """The first end of a run counts; a second one changes nothing and hears so."""
    run = make_run(1)
    await add(store, run)
    done, cancelled = finish(run, RunStatus.DONE, later(5)), finish(run, RunStatus.CANCELLED, later(6), "by Ann")
    assert await store.write(lambda tx: runs.end_run(tx, done))
    assert not await store.write(lambda tx: runs.end_run(tx, cancelled))
    assert await store.read(lambda tx: runs.get_run(tx, run.id)) == done


async def test_late_update_does_not_undo_the_end(store: Store) -> None:
    """Saving a run as it was before its end is a conflict; an ended run may still change otherwise."""
    run = make_run(1)
    await add(store, run)
    await store.write(lambda tx: runs.update_run(tx, replace(run, channel="C9")))
    done = finish(replace(run, channel="C9"), RunStatus.DONE, later(5))
    await store.write(lambda tx: runs.end_run(tx, done))
    with pytest.raises(Conflict):
        await store.write(lambda tx: runs.update_run(tx, replace(run, channel="C2")))
    await store.write(lambda tx: runs.update_run(tx, replace(done, note="kept")))
    assert await store.read(lambda tx: runs.get_run(tx, run.id)) == replace(done, note="kept")
    with pytest.raises(UnknownName):
        await store.write(lambda tx: runs.update_run(tx, make_run(4)))


async def test_runs_between_two_moments_are_the_done_ones(store: Store) -> None:
    """A period holds what was completed from its start on and before its end, oldest first."""
    ends = {1: 0, 2: 10, 3: 5, 4: 20}
    await add(store, *(finish(make_run(n), RunStatus.DONE, later(at)) for n, at in ends.items()))
    await add(store, finish(make_run(5), RunStatus.FAILED, later(6)), make_run(6, started_by=ANN))
    found = await store.read(lambda tx: runs.runs_between(tx, TEAM, later(0), later(20)))
    assert [run.number for run in found] == [1, 3, 2]
