"""What a worker does: shards of runs, and the care that no shard is forgotten when another worker dies."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.exceptions import ConnectorException, JobAborted
from procrastinate.job_context import AbortReason
from procrastinate.jobs import Job
from psycopg_pool import PoolTimeout

from evalbot.engines.distributed import DistributedEngine
from evalbot.engines.job_queue import CARE, CARE_PRIORITY, SHARD_TASK, SHARDS, JobQueue
from evalbot.errors import OutsideError
from evalbot.runs.outputs import RunId
from evalbot.runs.runs import RunStatus
from evalbot.store import standing
from evalbot.store.database import Store

log = logging.getLogger(__name__)

MOST_TRIES = 30
LONGEST_PAUSE_S = 30.0
"""A shard that something outside stops is tried again so often, with pauses that double up to this: about a quarter of an hour."""

TELLING_S = 3.0
"""How long telling that a run failed may take."""

GOING_ON = frozenset({RunStatus.RUNNING, RunStatus.DONE})

KEEP_HOURS = 72
"""How long jobs that failed or were cancelled can be looked at."""


@dataclass(frozen=True, slots=True)
class WorkPace:
    """How a worker keeps time, in seconds: `stalled_s` without a sign of life and its shards are given to others.

    `watch_s` is how often a worker looks whether a run may still ask, `grace_s` how long shards may go on when it is told to end.
    """

    stalled_s: float = 30.0
    watch_s: float = 1.0
    poll_s: float = 1.0
    grace_s: float = 5.0

    @property
    def heartbeat_s(self) -> float:
        """How often a worker shows life: three times before it counts as dead."""
        return self.stalled_s / 3

    @property
    def care_cron(self) -> str:
        """How often stalled shards are looked for; the seconds come last."""
        return f"* * * * * */{max(1, min(30, round(self.stalled_s / 3)))}"


@dataclass(frozen=True, slots=True)
class ShardJob:
    """The work of a job. `run_shard` brings what a shard misses, `finish_run` ends a run that is complete.

    `in_hand` names the shards that this process carries out now.
    """

    store: Store
    run_shard: Callable[[RunId, int], Awaitable[object]]
    finish_run: Callable[[RunId], Awaitable[object]]
    watch_s: float = 1.0
    in_hand: set[tuple[RunId, int]] = field(default_factory=set)

    async def carry_out(self, run_id: RunId, k: int, is_ours: Callable[[], Awaitable[bool]]) -> None:
        """Do a shard and end the run if that was the last one; stops when people stop the run.

        It also stops when the shard is not this worker's any more, because it showed no life for too long.
        """
        self.in_hand.add((run_id, k))
        work = asyncio.create_task(self._work(run_id, k), name=f"shard {run_id}:{k}")
        watch = asyncio.create_task(self._until_stopped(run_id, is_ours), name=f"watch {run_id}")
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            done = work.done()
        finally:
            self.in_hand.discard((run_id, k))
            work.cancel()
            watch.cancel()
            await asyncio.gather(work, watch, return_exceptions=True)
        if done:
            work.result()
        else:
            log.info("shard stopped", extra={"action": "shard_stopped", "run_id": run_id, "shard": k})

    async def _work(self, run_id: RunId, k: int) -> None:
        await self.run_shard(run_id, k)
        await self.finish_run(run_id)

    async def _until_stopped(self, run_id: RunId, is_ours: Callable[[], Awaitable[bool]]) -> None:
        """Return once a run is cancelled or paused, or the shard is another's; a database that is away tells nothing.

        A run that failed is perhaps being told of by this very job, so that it gets some time.
        """
        while True:
            await asyncio.sleep(self.watch_s)
            try:
                status = await self.store.read(lambda tx: standing.find_status(tx, run_id))
                ours = await is_ours()
            except OutsideError:
                continue
            if not ours:
                return
            if status is RunStatus.FAILED:
                await asyncio.sleep(TELLING_S)
                return
            if status not in GOING_ON:
                return


class TryAgain(BaseRetryStrategy):
    """Does a shard again at once when its worker ends, and after a pause when something outside stopped it; never after a bug."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Tell when to try again, None for never."""
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision(retry_in={"seconds": 0})
        if isinstance(exception, OutsideError) and job.attempts < MOST_TRIES:
            return RetryDecision(retry_in={"seconds": round(min(LONGEST_PAUSE_S, 2.0 ** min(job.attempts, 10)))})
        return None


def register_work(queue: JobQueue, engine: DistributedEngine, work: ShardJob, pace: WorkPace) -> None:
    """Tell the queue what its jobs mean in this process."""
    app = queue.app

    @app.task(name=SHARD_TASK, queue=SHARDS, pass_context=True, retry=TryAgain())
    async def shard(context: JobContext, *, run_id: str, k: int) -> None:
        try:
            await work.carry_out(RunId(run_id), k, lambda: queue.holds(context.job))
        except asyncio.CancelledError:
            if context.abort_reason() is AbortReason.USER_REQUEST:
                raise JobAborted from None
            raise

    @app.periodic(cron=pace.care_cron)
    @app.task(name="care", queue=CARE, queueing_lock="care", priority=CARE_PRIORITY)
    async def care(timestamp: int) -> None:
        rescued = await queue.rescue(pace.stalled_s)
        forgotten = await engine.put_back_forgotten()
        if rescued or forgotten:
            log.warning(
                "shards put back", extra={"action": "shards_put_back", "rescued": rescued, "forgotten": forgotten}
            )

    @app.periodic(cron="17 * * * *")
    @app.task(name="sweep", queue=CARE, queueing_lock="sweep")
    async def sweep(timestamp: int) -> None:
        await app.job_manager.delete_old_jobs(
            KEEP_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )


async def work_until(ending: asyncio.Event, queue: JobQueue, concurrency: int, pace: WorkPace) -> None:
    """Take jobs until told to end; a queue that is away is tried again."""
    pause = 0.5
    while not ending.is_set():
        begun = asyncio.get_running_loop().time()
        try:
            await _work_once(ending, queue, concurrency, pace)
        except (ConnectorException, PoolTimeout) as error:
            log.warning("the queue is away: %s", type(error).__name__, extra={"action": "queue_away"})
        if asyncio.get_running_loop().time() - begun > LONGEST_PAUSE_S:
            pause = 0.5
        await _pause(ending, 0 if ending.is_set() else pause)
        pause = min(LONGEST_PAUSE_S / 3, 2 * pause)


async def _work_once(ending: asyncio.Event, queue: JobQueue, concurrency: int, pace: WorkPace) -> None:
    """Take jobs until told to end, or until the queue is lost."""
    taking = asyncio.create_task(
        queue.app.run_worker_async(
            name=f"{socket.gethostname()}-{os.getpid()}",
            queues=[SHARDS, CARE],
            concurrency=concurrency,
            fetch_job_polling_interval=pace.poll_s,
            abort_job_polling_interval=2 * pace.poll_s,
            shutdown_graceful_timeout=pace.grace_s,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=pace.heartbeat_s,
            stalled_worker_timeout=pace.stalled_s,
        ),
        name="worker",
    )
    told = asyncio.create_task(ending.wait())
    try:
        await asyncio.wait({taking, told}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()
        if not taking.done():
            taking.cancel()
        found = await asyncio.gather(taking, return_exceptions=True)
    if isinstance(found[0], Exception):
        raise found[0]


async def _pause(ending: asyncio.Event, pause_s: float) -> None:
    """Wait a while, not longer than until the end."""
    try:
        async with asyncio.timeout(pause_s):
            await ending.wait()
    except TimeoutError:
        return
