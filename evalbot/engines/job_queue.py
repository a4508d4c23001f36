"""The queue of the distributed engine: Procrastinate's tables in PostgreSQL, one job for each shard of a run.

A job is only a wish that a shard be looked at. What is missing is read from the results, so a job too many does no harm, and a
job too few is put back by the care that workers take.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from evalbot.errors import OutsideError
from evalbot.runs.outputs import RunId
from evalbot.store.urls import parse_url

SCHEMA = "eval_jobs"
SHARDS, CARE = "shards", "care"
"""The queues: shards of runs, and the care for the queue itself."""

SHARD_TASK = "shard"
CARE_PRIORITY = 100
CONNECTIONS = 5
"""Most connections that the queue holds in one process; listening takes one more."""

LAST_PLACE = 1000

_WAITING = """
    SELECT (args->>'k')::int AS k FROM procrastinate_jobs
    WHERE task_name = %(task)s AND args->>'run_id' = %(run_id)s AND status = 'todo'
"""
_OPEN = """
    SELECT id FROM procrastinate_jobs
    WHERE task_name = %(task)s AND args->>'run_id' = %(run_id)s AND status IN ('todo', 'doing')
"""
_FAILED = """
    SELECT count(*) AS n FROM procrastinate_jobs AS job
    JOIN procrastinate_events AS event ON event.job_id = job.id AND event.type = 'failed'
    WHERE job.task_name = %(task)s AND job.args->>'run_id' = %(run_id)s AND job.status = 'failed'
      AND event.at > now() - make_interval(secs => %(within_s)s)
"""
_WORKERS = """
    SELECT count(*) AS n FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %(within_s)s)
"""
_HELD = """
    SELECT count(*) AS n FROM procrastinate_jobs
    WHERE id = %(id)s AND status = 'doing' AND worker_id = %(worker)s AND attempts = %(attempts)s
"""
_DEPTH = """
    SELECT queue_name, status::text AS status, count(*) AS n, extract(epoch FROM now() - min(
        (SELECT min(event.at) FROM procrastinate_events AS event WHERE event.job_id = job.id))) AS age_s
    FROM procrastinate_jobs AS job
    WHERE status IN ('todo', 'doing', 'failed') GROUP BY queue_name, status ORDER BY queue_name, status
"""


@dataclass(frozen=True, slots=True)
class Depth:
    """How many jobs of a queue are in a state, and how many seconds ago the oldest of them was put there."""

    queue: str
    state: str
    jobs: int
    oldest_s: float


@contextmanager
def queue_errors() -> Iterator[None]:
    """Raise failures of the queue's database as OutsideError, in one sentence."""
    try:
        yield
    except ConnectorException as error:
        raise OutsideError(
            "The database of the queue cannot be reached.", "Check that it runs; nothing was submitted just now."
        ) from error


class HeldJobs(JobManager):
    """Ends a job only for the worker that still holds it.

    A worker that showed no life for too long, and then goes on, finds that its job was given to another one: what becomes of it
    is not its to say any more.
    """

    async def is_held(self, job: Job) -> bool:
        """Tell whether a job that was taken is still the taker's."""
        rows = await self.connector.execute_query_all_async(
            _HELD, id=job.id, worker=job.worker_id, attempts=job.attempts
        )
        return bool(rows[0]["n"])

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Set a job to its final state, unless another worker has it."""
        if await self.is_held(job):
            await super().finish_job(job, status, delete_job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Put a job back, unless another worker has it; where its shard waits in a second job already, end it."""
        if not await self.is_held(job):
            return
        try:
            await super().retry_job(job, retry_at, priority, queue, lock)
        except UniqueViolation:
            await super().finish_job(job, Status.ABORTED, delete_job=False)


@dataclass(frozen=True, slots=True)
class JobQueue:
    """The queue, open. `app` carries out its jobs, `jobs` sees to their states."""

    app: App
    jobs: HeldJobs

    async def put(self, run_id: RunId, shards: Sequence[int]) -> int:
        """Ask for shards of a run, leaving out those that wait already; tell how many were added.

        A shard that is being carried out gets a job that waits for its end. Early shards go before late ones of other runs,
        so that a small run is not held up by a large one.
        """
        with queue_errors():
            waiting = await self._shards(_WAITING, run_id)
            wanted = [_job(run_id, k) for k in shards if k not in waiting]
            if not wanted:
                return 0
            try:
                return len(await self.app.job_manager.batch_defer_jobs_async(wanted))
            except AlreadyEnqueued:
                return sum([await self._put_one(job) for job in wanted])

    async def _put_one(self, job: Job) -> int:
        """Add one job unless its shard waits already."""
        try:
            await self.app.job_manager.defer_job_async(job)
        except AlreadyEnqueued:
            return 0
        return 1

    async def is_busy(self, run_id: RunId) -> bool:
        """Tell whether shards of a run wait or are being carried out."""
        with queue_errors():
            return bool(await self._rows(_OPEN, task=SHARD_TASK, run_id=run_id))

    async def holds(self, job: Job) -> bool:
        """Tell whether a job that was taken is still the taker's."""
        with queue_errors():
            return await self.jobs.is_held(job)

    async def drop(self, run_id: RunId) -> None:
        """Take away the jobs of a run that wait, and tell the workers to stop those under way."""
        with queue_errors():
            for row in await self._rows(_OPEN, task=SHARD_TASK, run_id=run_id):
                await self.app.job_manager.cancel_job_by_id_async(row["id"], abort=True)

    async def failures(self, run_id: RunId, within_s: float) -> int:
        """Count the shards of a run that a bug stopped lately."""
        with queue_errors():
            rows = await self._rows(_FAILED, task=SHARD_TASK, run_id=run_id, within_s=within_s)
            return int(rows[0]["n"])

    async def workers(self, within_s: float) -> int:
        """Count the workers that showed life lately."""
        with queue_errors():
            return int((await self._rows(_WORKERS, within_s=within_s))[0]["n"])

    async def depth(self) -> list[Depth]:
        """Tell how many jobs wait, are being done or failed, by queue."""
        with queue_errors():
            rows = await self._rows(_DEPTH)
        return [Depth(row["queue_name"], row["status"], row["n"], float(row["age_s"] or 0.0)) for row in rows]

    async def rescue(self, stalled_s: float) -> int:
        """Put back what workers were doing that showed no life for so long; tell how many jobs that were.

        Where the same shard waits in another job already, that one is enough and the stalled one is ended.
        """
        rescued = 0
        with queue_errors():
            for job in await self.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_s):
                rescued += await self._put_back(job)
        return rescued

    async def _put_back(self, job: Job) -> int:
        """Put one stalled job back; 0 when somebody else did so in the same moment."""
        assert job.id is not None
        try:
            await self.jobs.retry_job_by_id_async(job.id, datetime.now(UTC))
        except UniqueViolation:
            await self.jobs.finish_job_by_id_async(job.id, Status.ABORTED, delete_job=False)
        except ConnectorException as error:
            if getattr(error.__cause__, "sqlstate", None) != "P0001":  # raised by the queue's own function: no such job
                raise
            return 0
        return 1

    async def _shards(self, query: str, run_id: RunId) -> set[int]:
        return {row["k"] for row in await self._rows(query, task=SHARD_TASK, run_id=run_id)}

    async def _rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """Run a query of our own on the queue's tables."""
        rows: list[dict[str, Any]] = await self.app.connector.execute_query_all_async(query, **values)
        return rows


@asynccontextmanager
async def open_queue(database_url: str) -> AsyncIterator[JobQueue]:
    """Connect to the queue in a PostgreSQL database that is migrated."""
    app = App(connector=PsycopgConnector(conninfo=conninfo_of(database_url), min_size=1, max_size=CONNECTIONS))
    with queue_errors():
        await app.open_async()
    jobs = app.job_manager = HeldJobs(app.connector)
    try:
        yield JobQueue(app, jobs)
    finally:
        await app.close_async()


def conninfo_of(database_url: str) -> str:
    """Give the connection string of a database URL with the queue's schema as the only one that is looked into."""
    plain = parse_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    options = conninfo_to_dict(plain).get("options") or ""
    return make_conninfo(plain, options=f"{options} -c search_path={SCHEMA}".strip())


def _job(run_id: RunId, k: int) -> Job:
    """Give the job of a shard: one waits, and one at a time is carried out."""
    name = f"{run_id}:{k}"
    return Job(
        queue=SHARDS,
        task_name=SHARD_TASK,
        lock=name,
        queueing_lock=name,
        priority=-min(k, LAST_PLACE),
        task_kwargs={"run_id": run_id, "k": k},
    )
