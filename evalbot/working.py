"""A worker: carries out shards of runs that others submitted, on any machine that reaches the database."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from evalbot.app import check_distributed, claims_folder, open_parts, open_store
from evalbot.engines.claims import RunClaims
from evalbot.engines.distributed import DistributedEngine
from evalbot.engines.job_queue import JobQueue, open_queue
from evalbot.engines.shard_work import ShardJob, WorkPace, register_work, work_until
from evalbot.errors import BadSetting
from evalbot.metrics.page import MetricsPage
from evalbot.metrics.process import ProcessFigures
from evalbot.people import TeamId
from evalbot.reporting.estimates import RunSummary
from evalbot.runs.runs import Run
from evalbot.settings import Settings
from evalbot.slack.announcer import SlackAnnouncer
from evalbot.slack.http_app import build_http_app, serve_http
from evalbot.workflows.announcer import QuietAnnouncer, ReviewState, RoundState
from evalbot.workflows.posting import Outbox
from evalbot.workflows.running import finish_run, run_shard
from evalbot.workflows.services import Services

log = logging.getLogger(__name__)


class OutboxAnnouncer(QuietAnnouncer):
    """Puts what a worker has to tell into the outbox, from where the bot delivers it.

    It says nothing of progress: each worker knows a part of it only, so that the bot counts and tells it itself.
    """

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def run_finished(self, run: Run, summary: RunSummary) -> None:
        """Edit the run's card to its verdict."""
        await self._of(run.team).run_finished(run, summary)

    async def round_opened(self, state: RoundState, reviews: Sequence[ReviewState]) -> None:
        """Show the round and its grading cards in the run's thread."""
        await self._of(state.run.team).round_opened(state, reviews)

    def _of(self, team: TeamId) -> SlackAnnouncer:
        """Give the announcer of a workspace."""
        return SlackAnnouncer(self._outbox, team, _no_permalink)


async def _no_permalink(key: str) -> None:
    """Only digests have links, and workers compose none."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that is connected: its services, its queue, and how many shards it carries out at once."""

    services: Services
    queue: JobQueue
    concurrency: int
    pace: WorkPace
    job: ShardJob
    page: MetricsPage

    def health(self) -> dict[str, Any]:
        """Tell how the worker is."""
        return {"mode": "worker", "ok": True, "shards": len(self.job.in_hand), "at_once": self.concurrency}

    async def work(self, ending: asyncio.Event) -> None:
        """Carry out shards until told to end; those under way are then given up for others after a few seconds."""
        await work_until(ending, self.queue, self.concurrency, self.pace)


@asynccontextmanager
async def open_worker(settings: Settings, concurrency: int) -> AsyncIterator[Worker]:
    """Connect to the database and its queue; raises BadSetting when runs are not given to workers.

    Suites are released by the bot and the command line alone: a worker with other files would release other versions.
    """
    if settings.engine != "procrastinate":
        raise BadSetting(
            "EVALBOT_ENGINE is embedded, so there is nothing for workers to do.",
            "Set EVALBOT_ENGINE=procrastinate for the bot and for its workers.",
        )
    check_distributed(settings)
    pace = WorkPace(stalled_s=settings.worker_stall_s)
    async with (
        open_store(settings) as store,
        open_parts(settings, store) as parts,
        open_queue(settings.database_url) as queue,
    ):
        services = _telling(parts.services)
        engine = DistributedEngine(services, queue, RunClaims(claims_folder(settings.database_url)))
        job = ShardJob(
            store,
            lambda run_id, k: run_shard(services, run_id, k),
            lambda run_id: finish_run(services, run_id, pace.stalled_s),
        )
        register_work(queue, engine, job, pace)
        page = MetricsPage(ProcessFigures(), lambda: parts.models.lines)
        yield Worker(services, queue, concurrency, pace, job, page)


def _telling(services: Services) -> Services:
    """Let services tell what happens through the outbox."""
    return replace(services, announcer=OutboxAnnouncer(Outbox(services.store, services.now)))


async def work(settings: Settings, concurrency: int, port: int, on_ready: Callable[[Worker], None]) -> None:
    """Be a worker until SIGINT or SIGTERM; `port` is where its health and its figures are shown, 0 for nowhere."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ending.set)
    async with AsyncExitStack() as stack:
        worker = await stack.enter_async_context(open_worker(settings, concurrency))
        counting = asyncio.create_task(worker.page.process.watch_loop(), name="loop lag")
        stack.callback(counting.cancel)
        if port:
            web = build_http_app(worker.health, metrics=worker.page.write)
            await stack.enter_async_context(serve_http(web, settings.host, port))
        on_ready(worker)
        log.info("working", extra={"action": "working", "concurrency": concurrency})
        await worker.work(ending)
    log.info("worker ended", extra={"action": "worker_ended"})
