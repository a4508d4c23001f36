"""The distributed engine on PostgreSQL: the same runs as in one process, whoever works, dies, comes late or stops."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL

from evalbot.app import check_distributed
from evalbot.asking.ask import Question
from evalbot.engines.embedded import EmbeddedEngine
from evalbot.engines.job_queue import SHARDS, JobQueue, open_queue
from evalbot.errors import BadSetting
from evalbot.runs.outputs import RunId
from evalbot.runs.runs import RunStatus
from evalbot.settings import load_settings
from evalbot.store import runs
from evalbot.store.database import Store
from evalbot.workflows.running import cancel_run, execute_run
from tests.integration.engine_world import ANN, ITEMS, EngineWorld, until

ONE = RunId("run-1")


@pytest.fixture(params=["procrastinate"])
def engine_url(request: pytest.FixtureRequest) -> str:
    """The database that goes with an engine: PostgreSQL, and SQLite where a test names the embedded one."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "embedded" else "postgresql_url")
    return url


@pytest.fixture
async def world(engine_url: str, tmp_path: Path) -> AsyncIterator[EngineWorld]:
    """A world on the database of the engine."""
    store = await Store.open(engine_url)
    made = EngineWorld(store, engine_url, tmp_path)
    await made.prepare()
    yield made
    await store.close()


@pytest.fixture
async def queue(postgresql_url: str) -> AsyncIterator[JobQueue]:
    """The queue with nothing in it."""
    async with open_queue(postgresql_url) as opened:
        yield opened


async def statuses(queue: JobQueue) -> list[str]:
    """Give the states of all shards' jobs, oldest first."""
    return [str(job.status) for job in await queue.app.job_manager.list_jobs_async(queue=SHARDS)]


async def take(queue: JobQueue, count: int = 1) -> int:
    """Take jobs as a worker that is then heard of no more; gives the worker's number."""
    manager = queue.app.job_manager
    worker = await manager.register_worker()
    for _ in range(count):
        assert await manager.fetch_job([SHARDS], worker) is not None
    return worker


async def fall_silent(queue: JobQueue, worker: int) -> None:
    """Let a worker's last sign of life be a minute old."""
    await queue.app.connector.execute_query_async(
        "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute' WHERE id = %(worker)s",
        worker=worker,
    )


@pytest.mark.parametrize("engine_url", ["embedded", "procrastinate"], indirect=True)
async def test_a_run_has_the_same_results_on_both_engines(world: EngineWorld) -> None:
    """600 answers in two shards: each unit once, all right, ended once, whichever engine carries the run out."""
    run = await world.start(repeats=50)
    if world.url.startswith("sqlite"):
        services = world.services
        embedded = EmbeddedEngine(lambda run_id: execute_run(services, run_id), world.claims())
        await embedded.submit(run.id)
        await embedded.wait()
        assert embedded.failure(run.id) is None
    else:
        async with world.working(), world.submitting() as distributed:
            await distributed.submit(run.id)
            await asyncio.wait_for(distributed.wait(), 30)
            assert distributed.failure(run.id) is None
    ended = await world.again(run)
    assert ended.status is RunStatus.DONE
    assert world.model.times == {f"i{n}": 50 for n in range(ITEMS)}
    assert len({(one.unit.item_id, one.unit.repeat) for one in await world.found(run)}) == 12 * 50
    [told] = world.announcer.of("run_finished")
    summary = told.about[1]
    assert (summary.outputs, summary.errors, summary.ungraded) == (600, 0, 0)
    assert (summary.rows[0].estimate.n, summary.rows[0].estimate.score) == (ITEMS, 1.0)


async def test_a_run_submitted_twice_is_carried_out_once(world: EngineWorld) -> None:
    """Submitting again, before and while workers have the run, asks nothing twice."""
    run = await world.start()
    world.model.gate = asyncio.Event()
    async with world.submitting() as first, world.submitting() as second:
        await asyncio.gather(*(engine.submit(run.id) for engine in (first, second, first)))
        async with world.working() as queue:
            assert await statuses(queue) == ["todo"]
            await asyncio.wait_for(world.model.wait_for(4), 10)
            await second.submit(run.id)
            assert sorted(await statuses(queue)) == ["doing", "todo"]
            world.model.gate.set()
            await asyncio.wait_for(first.wait(), 30)
            await until(lambda: is_empty(queue), "the twins of the shards are gone")
    assert world.model.times == {f"i{n}": 1 for n in range(ITEMS)}
    assert len(world.announcer.of("run_finished")) == 1


async def is_empty(queue: JobQueue) -> bool:
    """Tell whether no shard waits or is being carried out."""
    return not {"todo", "doing"} & set(await statuses(queue))


async def test_workers_may_come_first_or_last(world: EngineWorld) -> None:
    """A worker that was there before the run gets it at once; one that comes later finds it waiting."""
    async with world.working(), world.submitting() as engine:
        early = await world.start()
        await engine.submit(early.id)
        await asyncio.wait_for(engine.wait(), 10)
    async with world.submitting() as engine:
        late = await world.start()
        await engine.submit(late.id)
    async with world.working():
        await until(lambda: is_done(world, late.id), "the late run is done")
    assert world.model.times == {f"i{n}": 2 for n in range(ITEMS)}


async def is_done(world: EngineWorld, run_id: RunId) -> bool:
    """Tell whether a run has ended."""
    return (await world.store.read(lambda tx: runs.get_run(tx, run_id))).status is RunStatus.DONE


async def test_a_run_that_nobody_submitted_is_found(world: EngineWorld) -> None:
    """A program killed between saving a run and submitting it leaves it to the care of the workers."""
    run = await world.start()
    async with world.working():
        await until(lambda: is_done(world, run.id), "the run is done")


@pytest.mark.parametrize("status", [RunStatus.PAUSED, RunStatus.WAITING])
async def test_a_run_that_may_not_ask_is_not_asked(world: EngineWorld, status: RunStatus) -> None:
    """A paused run is not submitted, its waiting jobs do nothing, and going on again it is carried out."""
    run = await world.start()
    async with world.submitting() as engine:
        await engine.submit(run.id)
        await world.store.write(lambda tx: runs.update_run(tx, replace(run, status=status)))
        async with world.working() as queue:
            await until(lambda: is_empty(queue), "the job is gone")
            await engine.submit(run.id)
            assert await is_empty(queue)
            assert world.model.asked == []
            await asyncio.wait_for(engine.wait(), 5)
            await world.store.write(lambda tx: runs.update_run(tx, run))
            await engine.submit(run.id)
            await asyncio.wait_for(engine.wait(), 10)
    assert world.model.times == {f"i{n}": 1 for n in range(ITEMS)}


async def test_cancelling_reaches_the_workers(world: EngineWorld) -> None:
    """Within five seconds no call of a cancelled run is open, its jobs are gone, and what was answered is kept."""
    run = await world.start(repeats=50)
    world.model.gate = asyncio.Event()
    async with world.working() as queue, world.submitting() as engine:
        await engine.submit(run.id)
        await asyncio.wait_for(world.model.wait_for(8), 10)
        begun = asyncio.get_running_loop().time()
        ended = await cancel_run(world.services, engine, ANN, run)
        assert asyncio.get_running_loop().time() - begun < 5
        assert (ended.status, ended.note) == (RunStatus.CANCELLED, "cancelled by Ann")
        assert world.model.at_once == 0
        assert set(await statuses(queue)) <= {"aborted", "cancelled", "failed"}
        world.model.gate.set()
        assert (await world.again(run)).status is RunStatus.CANCELLED
    assert len(world.model.asked) == 8


async def test_a_run_paused_elsewhere_stops_in_the_workers(world: EngineWorld) -> None:
    """Workers look at the run's status: who pauses it need not know of the queue."""
    run = await world.start()
    world.model.gate = asyncio.Event()
    async with world.working() as queue, world.submitting() as engine:
        await engine.submit(run.id)
        await asyncio.wait_for(world.model.wait_for(4), 10)
        await world.store.write(lambda tx: runs.update_run(tx, replace(run, status=RunStatus.PAUSED)))
        await until(lambda: is_empty(queue), "the worker lets go", 5)
        assert world.model.at_once == 0


async def test_a_worker_that_ends_gives_its_shards_to_another(world: EngineWorld) -> None:
    """Told to end, a worker stops its calls after a few moments, and what it had can be taken at once."""
    run = await world.start()
    world.model.gate = asyncio.Event()
    async with world.submitting() as engine:
        await engine.submit(run.id)
        async with world.working() as queue:
            await asyncio.wait_for(world.model.wait_for(4), 10)
        assert world.model.at_once == 0
        async with open_queue(world.url) as queue:
            assert await statuses(queue) == ["todo"]
        world.model.gate.set()
        async with world.working():
            await asyncio.wait_for(engine.wait(), 10)
    assert len(world.model.asked) == ITEMS + 4


async def test_a_database_that_goes_away_is_waited_for(
    world: EngineWorld, on_postgresql: Callable[[str], object], caplog: pytest.LogCaptureFixture
) -> None:
    """All connections are cut in the middle of a run: the worker connects again by itself, and the run comes out whole."""
    run = await world.start(repeats=10)
    world.model.gate = asyncio.Event()
    async with world.working(), world.submitting() as engine:
        await engine.submit(run.id)
        await asyncio.wait_for(world.model.wait_for(4), 10)
        name = world.url.rpartition("/")[2].partition("?")[0]
        for _ in range(2):
            on_postgresql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            await asyncio.sleep(0.3)
        world.model.gate.set()
        await until(lambda: is_done(world, run.id), "the run is done", 30)
    assert 120 <= len(world.model.asked) <= 120 + 2 * 4
    assert len(await world.found(run)) == 120
    caplog.clear()


async def test_a_bug_ends_in_a_reason(world: EngineWorld, caplog: pytest.LogCaptureFixture) -> None:
    """Who waits for a run that a bug stops hears so; the run is left alone for a while, not tried in a circle."""

    def fail(question: Question) -> str:
        raise ZeroDivisionError

    world.model.script = fail
    run = await world.start()
    async with world.working() as queue, world.submitting() as engine:
        await engine.submit(run.id)
        await asyncio.wait_for(engine.wait(), 10)
        assert "A worker met a bug" in str(engine.failure(run.id))
        assert await engine.put_back_forgotten() == 0
        assert await statuses(queue) == ["failed"]
    assert (await world.again(run)).open
    caplog.clear()


async def test_a_stalled_shard_is_rescued(world: EngineWorld) -> None:
    """What a worker was doing that showed no life goes back and is done by another one."""
    run = await world.start()
    async with world.submitting() as engine, open_queue(world.url) as dead:
        await engine.submit(run.id)
        worker = await take(dead)
        assert await dead.rescue(30) == 0, "its worker is alive"
        await fall_silent(dead, worker)
        async with world.working():
            await asyncio.wait_for(engine.wait(), 15)
    assert world.model.times == {f"i{n}": 1 for n in range(ITEMS)}


async def test_a_worker_that_wakes_up_too_late_lets_go(world: EngineWorld) -> None:
    """A worker that seemed dead and lives finds its shard given away: it stops its calls, and does not end the other's job."""
    run = await world.start()
    world.model.gate = asyncio.Event()
    async with world.submitting() as engine, open_queue(world.url) as other:
        await engine.submit(run.id)
        async with world.working(1) as queue:
            await asyncio.wait_for(world.model.wait_for(4), 10)
            worker = await other.jobs.register_worker()
            await other.app.connector.execute_query_async(
                "UPDATE procrastinate_jobs SET worker_id = %(worker)s, attempts = attempts + 1 WHERE status = 'doing'",
                worker=worker,
            )

            async def stopped() -> bool:
                return world.model.at_once == 0

            await until(stopped, "it lets go", 5)
            assert await statuses(queue) == ["doing"], "the other one still has it"
            await fall_silent(other, worker)
            world.model.gate.set()
            await asyncio.wait_for(engine.wait(), 15)
    assert len(world.model.asked) == ITEMS + 4


async def test_a_stalled_job_with_a_waiting_twin_is_ended(queue: JobQueue) -> None:
    """Where the shard waits in a second job, the stalled one is ended and the second one can be taken."""
    assert await queue.put(ONE, [0, 1]) == 2
    worker = await take(queue, 2)
    assert await queue.put(ONE, [0]) == 1
    assert await queue.app.job_manager.fetch_job([SHARDS], worker) is None, "the lock holds the twin back"
    await fall_silent(queue, worker)
    assert await queue.rescue(30) == 2
    assert await queue.rescue(30) == 0
    assert sorted(await statuses(queue)) == ["aborted", "todo", "todo"]
    again = await queue.app.job_manager.register_worker()
    taken = [await queue.app.job_manager.fetch_job([SHARDS], again) for _ in range(2)]
    assert [job.task_kwargs["k"] for job in taken if job] == [0, 1]


async def test_a_job_tried_again_with_a_waiting_twin_is_ended(queue: JobQueue) -> None:
    """A shard that is to be tried again while it waits in a second job leaves it to that one, and does not block it."""
    await queue.put(ONE, [0])
    worker = await queue.jobs.register_worker()
    job = await queue.jobs.fetch_job([SHARDS], worker)
    assert job is not None
    await queue.put(ONE, [0])
    await queue.jobs.retry_job(job)
    assert sorted(await statuses(queue)) == ["aborted", "todo"]
    assert await queue.jobs.fetch_job([SHARDS], worker) is not None


async def test_two_who_rescue_do_no_harm(queue: JobQueue) -> None:
    """Several workers that look for stalled shards in the same moment put each back once."""
    await queue.put(ONE, range(5))
    worker = await take(queue, 5)
    await fall_silent(queue, worker)
    rescued: Sequence[int] = await asyncio.gather(*(queue.rescue(30) for _ in range(3)))
    assert sum(rescued) == 5
    assert await statuses(queue) == ["todo"] * 5


async def test_many_who_submit_at_once_leave_one_job_for_each_shard(queue: JobQueue) -> None:
    """Ten programs that submit one run together make one job for each of its shards."""
    added = await asyncio.gather(*(queue.put(ONE, range(7)) for _ in range(10)))
    assert sum(added) == 7
    assert await statuses(queue) == ["todo"] * 7


async def test_a_small_run_is_not_held_up_by_a_large_one(queue: JobQueue) -> None:
    """The first shard of a run that comes later is taken before the late shards of one that came first."""
    await queue.put(RunId("large"), range(20))
    await queue.put(RunId("small"), [0])
    worker = await queue.app.job_manager.register_worker()
    taken = [await queue.app.job_manager.fetch_job([SHARDS], worker) for _ in range(3)]
    assert [job.lock for job in taken if job] == ["large:0", "small:0", "large:1"]


async def test_depth_tells_how_much_waits_and_since_when(queue: JobQueue) -> None:
    """Metrics see how many jobs wait or are done, and how old the oldest is."""
    assert await queue.depth() == []
    await queue.put(ONE, range(3))
    await take(queue)
    found = {(one.queue, one.state): one for one in await queue.depth()}
    assert {key: one.jobs for key, one in found.items()} == {("shards", "doing"): 1, ("shards", "todo"): 2}
    assert all(0 <= one.oldest_s < 60 for one in found.values())
    assert await queue.workers(60) == 1


async def test_without_the_extra_the_commands_say_what_to_install(
    postgresql_server: URL, on_postgresql: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Procrastinate is not installed, neither the engine nor a new PostgreSQL database can be had, in one sentence."""
    monkeypatch.setitem(sys.modules, "procrastinate", None)
    monkeypatch.delitem(sys.modules, "procrastinate.schema", raising=False)
    name = f"evalbot_bare_{uuid4().hex[:8]}"
    on_postgresql(f"CREATE DATABASE {name}")
    url = postgresql_server.set(database=name).render_as_string(hide_password=False)
    with pytest.raises(
        BadSetting, match=r"engine procrastinate is not installed\. Run pip install \"evalbot\[scale\]\""
    ):
        check_distributed(load_settings(database_url=url, engine="procrastinate"))
    with pytest.raises(BadSetting, match=r"evalbot\[scale\]"):
        await Store.open(url)
    on_postgresql(f"DROP DATABASE {name} WITH (FORCE)")
