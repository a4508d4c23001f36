"""The clock of the program: wake-ups only; what is due is decided by rows in the database."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from evalbot.workflows.delivering import forget_old
from evalbot.workflows.digesting import deliver_due
from evalbot.workflows.reusing import Keeping, forget_kept
from evalbot.workflows.services import Services

log = logging.getLogger(__name__)


def start_schedule(services: Services, keeping: Keeping) -> AsyncIOScheduler:
    """Start waking up for digests at the beginning of every minute, and for tidying up every hour; must be called inside a
    running event loop."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    options = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
    scheduler.add_job(
        _guarded(lambda: deliver_due(services)), CronTrigger(second=0, timezone="UTC"), id="digests", **options
    )
    scheduler.add_job(
        _guarded(lambda: forget_old(services)), CronTrigger(minute=7, timezone="UTC"), id="deliveries", **options
    )
    scheduler.add_job(
        _guarded(lambda: forget_kept(services, keeping)),
        CronTrigger(minute=23, timezone="UTC"),
        id="kept answers",
        **options,
    )
    scheduler.start()
    return scheduler


def _guarded(work: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
    """Wrap a job so that its failure is logged with its traceback and the next wake-up comes all the same."""

    async def run() -> None:
        try:
            await work()
        except Exception:
            log.exception("a scheduled job failed", extra={"action": "job_failed"})

    return run
