"""Runs carried out as tasks of this process; what is missing is read from the results, so there is no queue to keep."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable

from evalbot.engines.claims import RunClaims
from evalbot.errors import EvalbotError, OutsideError
from evalbot.runs.outputs import RunId

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0


class EmbeddedEngine:
    """Carries out each submitted run in one task. `execute` does the work of a run and may be called again after a stop.

    A run that something outside stops, such as a database that is away, is tried again for `patience_s`.
    """

    def __init__(
        self, execute: Callable[[RunId], Awaitable[None]], claims: RunClaims, patience_s: float = 600.0
    ) -> None:
        self._execute = execute
        self._claims = claims
        self._patience_s = patience_s
        self._tasks: dict[RunId, asyncio.Task[None]] = {}
        self._failures: dict[RunId, Exception] = {}
        self._settled = False
        self._closed = False

    def can_take(self, run_id: RunId) -> bool:
        """Tell whether no other process carries the run out; it is claimed for this one."""
        return self._claims.take(run_id)

    async def submit(self, run_id: RunId) -> None:
        """Begin or go on with a run; one that is being carried out already, here or by another process, is left alone."""
        if self._closed or run_id in self._tasks or not self._claims.take(run_id):
            return
        self._failures.pop(run_id, None)
        self._settle()
        task = asyncio.create_task(self._carry_out(run_id), name=f"run {run_id}")
        self._tasks[run_id] = task
        task.add_done_callback(lambda _: self._forget(run_id))

    def _settle(self) -> None:
        """Spare the collector of rubbish what is loaded by now, once: it lives as long as the program."""
        if not self._settled:
            self._settled = True
            gc.freeze()

    async def cancel(self, run_id: RunId) -> None:
        """Stop asking for a run and wait until its calls are gone."""
        task = self._tasks.get(run_id)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _forget(self, run_id: RunId) -> None:
        """Let go of a run whose task has ended."""
        self._tasks.pop(run_id, None)
        self._claims.release(run_id)

    async def wait(self) -> None:
        """Wait until every submitted run has ended."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def failure(self, run_id: RunId) -> Exception | None:
        """Give what stopped a run before its end, None when nothing did."""
        return self._failures.get(run_id)

    async def close(self) -> list[RunId]:
        """Stop everything and begin nothing more; gives the runs that were stopped, which go on at the next start."""
        self._closed = True
        stopped = list(self._tasks)
        await asyncio.gather(*(self.cancel(run_id) for run_id in stopped))
        return stopped

    async def _carry_out(self, run_id: RunId) -> None:
        """Carry out one run; what stops it is kept and logged, and mended by going on at the next start."""
        try:
            await self._execute_patiently(run_id)
        except EvalbotError as error:
            self._failures[run_id] = error
            log.error("run stopped: %s", error.message, extra={"action": "run_stopped", "run_id": run_id})
        except Exception as error:
            self._failures[run_id] = error
            log.exception("run stopped by a bug", extra={"action": "run_stopped", "run_id": run_id})

    async def _execute_patiently(self, run_id: RunId) -> None:
        """Do the work of a run, again after a pause when something outside stopped it."""
        loop = asyncio.get_running_loop()
        patient_until, pause = loop.time() + self._patience_s, FIRST_PAUSE_S
        while True:
            begun = loop.time()
            try:
                return await self._execute(run_id)
            except OutsideError as error:
                if loop.time() - begun > LONGEST_PAUSE_S:  # it went well for a while: this is new trouble
                    patient_until, pause = loop.time() + self._patience_s, FIRST_PAUSE_S
                if loop.time() + pause > patient_until:
                    raise
                log.warning(
                    "run waits: %s", error.message, extra={"action": "run_waits", "run_id": run_id, "pause_s": pause}
                )
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_S, 2 * pause)
