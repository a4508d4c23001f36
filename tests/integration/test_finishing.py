"""The end of a run: whoever comes to it, and however many at once, its rivals are judged and its summary is told once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from evalbot.runs.requests import RunRequest
from evalbot.runs.runs import Run, RunStatus
from evalbot.store import reviews, runs
from evalbot.store.database import Store
from evalbot.testing import RecordingAnnouncer
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.delivering import claimed
from evalbot.workflows.running import finish_run, run_shard
from evalbot.workflows.starting import start_run
from tests.integration.test_grading_kinds import ANN, MODEL, OTHER, World, desk, prefers, say, spec

LEASE_S = 30.0


async def answered(world: World) -> Run:
    """Give a run of two targets to be compared with each other, answered and not ended, its card in a channel."""
    suite = desk(spec("pairwise", against="other"), targets=(MODEL, OTHER))
    await sync_suites(world.services, [suite])
    run = await start_run(world.services, RunRequest(suite.name, ANN, channel="C1"))
    await run_shard(world.services, run.id, 0)
    return run


def make_world(store: Store) -> World:
    """Give a world with two targets and a judge of pairs."""
    return World(store, {"model": say("It is so."), "other": say("It is not."), "judge": prefers("so")})


async def status(world: World, run: Run) -> RunStatus:
    """Give where a run is."""
    return (await world.store.read(lambda tx: runs.get_run(tx, run.id))).status


async def test_two_workers_at_the_end_of_a_run_end_it_once(store: Store) -> None:
    """Both bring the last shard: one judges the rivals, opens the round and tells the verdict, the other does nothing."""
    world = make_world(store)
    run = await answered(world)
    announcers = [RecordingAnnouncer(), RecordingAnnouncer()]
    workers = [replace(world.services, announcer=announcer) for announcer in announcers]
    ended = await asyncio.gather(*(finish_run(worker, run.id, LEASE_S) for worker in workers))
    assert sorted(ended) == [False, True]
    assert len(world.models["judge"].asked) == 2, "a pair is shown in both orders, once"
    told = [one.what for announcer in announcers for one in announcer.told]
    assert sorted(told) == ["round_opened", "run_finished"]
    assert len(await store.read(lambda tx: reviews.rounds_of_run(tx, run.id))) == 1
    assert await status(world, run) is RunStatus.DONE
    assert not await finish_run(workers[0], run.id, LEASE_S)


async def test_the_end_is_left_by_a_worker_that_died_and_taken_by_another(sqlite_store: Store) -> None:
    """While the lease holds nobody else ends the run; after that somebody does. One that fails leaves it at once."""
    world = make_world(sqlite_store)
    run = await answered(world)
    name = f"finish:{run.id}"

    async def fail() -> None:
        async with claimed(world.services, name, LEASE_S) as mine:
            assert mine
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    dying = claimed(world.services, name, LEASE_S)
    assert await dying.__aenter__()
    assert not await finish_run(world.services, run.id, LEASE_S)
    assert await status(world, run) is RunStatus.RUNNING
    start = world.services.now()
    later = replace(world.services, now=lambda: start + timedelta(seconds=2 * LEASE_S))
    assert await finish_run(later, run.id, LEASE_S)
    assert await status(world, run) is RunStatus.DONE
    await dying.__aexit__(None, None, None)
