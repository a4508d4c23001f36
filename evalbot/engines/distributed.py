"""Runs carried out by workers on as many machines as wanted. The program that starts a run puts its shards into the queue."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from evalbot.engines.claims import RunClaims
from evalbot.engines.job_queue import Depth, JobQueue
from evalbot.errors import EvalbotError, OutsideError
from evalbot.runs.outputs import RunId
from evalbot.runs.planning import shard_count
from evalbot.runs.runs import Progress, Run
from evalbot.store import runs, standing
from evalbot.workflows import browsing
from evalbot.workflows.services import Services

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often a run that somebody waits for is looked at."""

STOP_S = 5.0
"""How long cancelling waits for the workers to let go of a run; what a dead one held counts for nothing by then."""

BUG_S = 600.0
"""For how long a run that a bug stopped is left alone before it is tried again."""


@dataclass(frozen=True, slots=True)
class _Followed:
    """A run that is followed since a loop time: how far it was then, and what was told last."""

    run: Run
    since: float
    first: Progress
    last: Progress


class DistributedEngine:
    """Submits runs to the workers and waits for them. Workers may come before or after; none of them needs this program.

    A run goes on in the workers when this program ends. `claims` are for those who wait: of several on one machine that ask
    for the same run, one goes on with it.
    """

    def __init__(self, services: Services, queue: JobQueue, claims: RunClaims) -> None:
        self._services = services
        self._queue = queue
        self._claims = claims
        self._awaited: dict[RunId, Exception | None] = {}

    def can_take(self, run_id: RunId) -> bool:
        """Tell whether nobody else on this machine waits for the run; it is claimed for this program."""
        return self._claims.take(run_id)

    async def submit(self, run_id: RunId) -> None:
        """Put the shards of a run that may ask into the queue; those that wait there already are left alone."""
        run = await self._services.store.read(lambda tx: runs.get_run(tx, run_id))
        self._awaited[run_id] = None
        if run.going:
            added = await self._queue.put(run_id, range(shard_count(run)))
            log.info("run submitted", extra={"action": "run_submitted", "run_id": run_id, "shards": added})

    async def cancel(self, run_id: RunId) -> None:
        """Take a run out of the queue, stop its workers and wait until they have let go of it."""
        await self._queue.drop(run_id)
        patient_until = asyncio.get_running_loop().time() + STOP_S
        while busy := await self._queue.is_busy(run_id):
            if asyncio.get_running_loop().time() > patient_until:
                break
            await asyncio.sleep(0.1)
        if busy:
            log.warning("a worker does not let go", extra={"action": "cancel_late", "run_id": run_id})

    async def wait(self) -> None:
        """Wait until the workers are done with every submitted run, telling how far they are."""
        waiting = set(self._awaited)
        while waiting:
            for run_id in list(waiting):
                if not await self._goes_on(run_id):
                    waiting.discard(run_id)
                    self._claims.release(run_id)
            if waiting:
                await asyncio.sleep(LOOK_S)

    async def _goes_on(self, run_id: RunId) -> bool:
        """Tell whether workers still have to do with a run, and tell how far it is."""
        # Looked at before the run itself: by the time its last job is gone, a run that came to its end has ended.
        stuck = await self._queue.failures(run_id, BUG_S) and not await self._queue.is_busy(run_id)
        run = await self._services.store.read(lambda tx: runs.get_run(tx, run_id))
        if not run.going:
            return False
        await self._services.announcer.run_progressed(run, await browsing.run_progress(self._services, run), None)
        if stuck:
            self._awaited[run_id] = OutsideError("A worker met a bug in this run.", "Its log says more.")
        return not stuck

    async def follow(self, pause_s: float) -> None:
        """Tell for ever how far the workers are with the runs that people watch; a database that is away is waited for."""
        followed: dict[RunId, _Followed] = {}
        while True:
            try:
                for run_id in await self._services.store.read(standing.going_runs):
                    followed[run_id] = await self._tell(run_id, followed.get(run_id))
            except EvalbotError as error:
                log.warning("progress is not told: %s", error.message, extra={"action": "follow_waits"})
            await asyncio.sleep(pause_s)

    async def _tell(self, run_id: RunId, before: _Followed | None) -> _Followed:
        """Tell how far a run is when it has a card and something is new; gives what is known of it now."""
        services, now = self._services, asyncio.get_running_loop().time()
        run = before.run if before else await services.store.read(lambda tx: runs.get_run(tx, run_id))
        if not run.channel:
            return before or _Followed(run, now, Progress(run.size), Progress(run.size))
        progress = await browsing.run_progress(services, run)
        known = before or _Followed(run, now, progress, Progress(run.size))
        if progress != known.last:
            await services.announcer.run_progressed(run, progress, _eta_s(known, progress, now))
        return replace(known, last=progress)

    def failure(self, run_id: RunId) -> Exception | None:
        """Give what stopped a run before its end, None when nothing did."""
        return self._awaited.get(run_id)

    async def workers(self, within_s: float) -> int:
        """Count the workers that showed life lately."""
        return await self._queue.workers(within_s)

    async def depth(self) -> list[Depth]:
        """Tell how long the queue is."""
        return await self._queue.depth()

    async def close(self) -> None:
        """Let go of what was waited for; the workers go on."""
        for run_id in self._awaited:
            self._claims.release(run_id)

    async def put_back_forgotten(self) -> int:
        """Submit the runs that may ask and of which no shard waits or is being carried out; tell how many there were.

        That is a run whose program was killed before it submitted it, or that was let go on while its last jobs ended.
        """
        forgotten = 0
        for run_id in await self._services.store.read(standing.going_runs):
            if not await self._queue.is_busy(run_id) and not await self._queue.failures(run_id, BUG_S):
                await self.submit(run_id)
                forgotten += 1
        return forgotten


def _eta_s(known: _Followed, progress: Progress, now: float) -> float | None:
    """Guess the seconds left from the speed since the run is followed; None before anything can be said."""
    done, passed = progress.outputs - known.first.outputs, now - known.since
    return (progress.size - progress.outputs) * passed / done if done >= 5 and passed > 0 else None
