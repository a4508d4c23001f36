"""Writing: one transaction after another, and what waits together is committed together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from evalbot.store.failures import is_retryable, outside_errors
from evalbot.store.transaction import SuiteShelf, Transaction

T = TypeVar("T")

MOST_TRIES = 20
"""How often work is done again when it crossed another's."""


@dataclass(slots=True, eq=False)
class _Job:
    """Work with the caller who waits for it."""

    work: Callable[[Transaction], Awaitable[Any]]
    caller: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None


@dataclass(slots=True, eq=False)
class Writer:
    """Does the work of many callers in turn on one connection. A caller hears of the result after the commit, never before.

    `turn` is shared by writers that would block each other. Up to `group` jobs that wait share one commit; each has its own
    savepoint, so a failing one takes nothing with it. A cancelled caller's work is left out unless it has begun.
    """

    engine: AsyncEngine
    turn: asyncio.Lock
    shelf: SuiteShelf
    group: int
    _waiting: deque[_Job] = field(default_factory=deque)
    _task: asyncio.Task[None] | None = None

    async def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Do the work in a transaction and give its result once that is committed."""
        if self._task is not None and asyncio.current_task() is self._task:
            raise RuntimeError("Work of a write transaction must not wait for another one.")
        job = _Job(work, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._task is None:
            self._task = asyncio.create_task(self._drain(), name="evalbot-store-writer")
        result: T = await job.caller
        return result

    async def close(self) -> None:
        """Wait until everything is written."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _drain(self) -> None:
        """Write until nobody waits."""
        batch: list[_Job] = []
        try:
            while self._waiting:
                async with self.turn:
                    batch = self._take()
                    await self._write(batch)
        finally:
            self._task = None
            for job in (*batch, *self._waiting):
                job.caller.cancel()
            self._waiting.clear()

    def _take(self) -> list[_Job]:
        """Give the next jobs whose callers still wait."""
        batch: list[_Job] = []
        while self._waiting and len(batch) < self.group:
            job = self._waiting.popleft()
            if not job.caller.done():
                batch.append(job)
        return batch

    async def _write(self, batch: list[_Job]) -> None:
        """Commit a batch, then answer its callers; a failure of the whole is everybody's answer."""
        if not batch:
            return
        try:
            await self._commit(batch)
        except Exception as error:
            for job in batch:
                job.error = error
        for job in batch:
            if job.caller.done():
                continue
            if job.error is not None:
                job.caller.set_exception(job.error)
            else:
                job.caller.set_result(job.result)

    async def _commit(self, batch: list[_Job]) -> None:
        """Do the work of a batch in one transaction, again when it crossed another's."""
        for attempt in range(1, MOST_TRIES + 1):
            try:
                with outside_errors():
                    await self._attempt(batch)
                return
            except Exception as error:
                if attempt == MOST_TRIES or not is_retryable(error.__cause__ or error):
                    raise

    async def _attempt(self, batch: list[_Job]) -> None:
        """Do the work of a batch in one transaction; one job alone needs no savepoint."""
        async with self.engine.begin() as connection:
            transaction = Transaction(connection, connection.dialect.name, self.shelf)
            if len(batch) == 1:
                batch[0].result = await batch[0].work(transaction)
            else:
                for job in batch:
                    job.error = None
                    await self._guarded(job, transaction)
        self.shelf.keep(transaction.fresh)

    async def _guarded(self, job: _Job, transaction: Transaction) -> None:
        """Do one job of several in its savepoint; its failure is its own."""
        try:
            with outside_errors():
                async with transaction.connection.begin_nested():
                    job.result = await job.work(transaction)
        except Exception as error:
            if is_retryable(error.__cause__ or error):
                raise
            job.error = error
