"""Results of a run written in small batches as they arrive, and its progress told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from evalbot.grading.grades import Grade
from evalbot.runs.outputs import Output
from evalbot.runs.runs import Progress, Run
from evalbot.store import grades, outputs
from evalbot.workflows.services import Services
from evalbot.workflows.watching import EndpointWatch

LONGEST_REST_S = 0.015
"""How long the writer rests at most before it takes the next batch."""

TELL_S = 0.1
"""How often progress is told at most; the last one is told in any case."""


@dataclass(slots=True, eq=False)
class Batch:
    """What is written together; `written` is set once it is committed, or has failed with `error`."""

    outputs: list[Output] = field(default_factory=list)
    grades: list[Grade] = field(default_factory=list)
    judged: int = 0
    written: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None


class Recorder:
    """Writes results in batches. `add_output` and `add_judgement` return when their batch is committed.

    While the watch is in doubt whether an endpoint works at all, failures are held back: they are written once it works or the
    work is done, and forgotten when the run has to pause, so that they are asked again.
    """

    def __init__(self, services: Services, run: Run, progress: Progress, watch: EndpointWatch) -> None:
        self._services = services
        self._run = run
        self._watch = watch
        self.progress = progress
        self._batch = Batch()
        self._held = Batch()
        self._wanted = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._began = services.now()
        self._before = progress.outputs
        self._told_at = float("-inf")
        self._untold = False

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write_all())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and (self._held.outputs or self._held.judged):
                await self._release_held().written.wait()
        finally:
            assert self._writer is not None
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        if error is None and self._batch.error is not None:
            raise self._batch.error
        if self._untold:
            await self._tell()

    async def add_output(self, output: Output, checks: Sequence[Grade]) -> None:
        """Write an output with the grades of its checks."""
        batch = self._batch_for(failed=output.failure is not None)
        batch.outputs.append(output)
        batch.grades.extend(checks)
        await self._committed(batch)

    async def add_judgement(self, found: Sequence[Grade]) -> None:
        """Write the judge's grades of one output."""
        batch = self._batch_for(failed=any(grade.error for grade in found))
        batch.grades.extend(found)
        batch.judged += 1
        await self._committed(batch)

    def _batch_for(self, *, failed: bool) -> Batch:
        """Give the batch that is written next, or the held one for a failure that may be the endpoint's."""
        if self._watch.doubtful:
            return self._held if failed else self._batch
        return self._release_held() if self._held.outputs or self._held.judged else self._batch

    def _release_held(self) -> Batch:
        """Have what was held back written with the next batch, and give that."""
        batch, held = self._batch, self._held
        batch.outputs += held.outputs
        batch.grades += held.grades
        batch.judged += held.judged
        self._held = Batch()
        self._wanted.set()
        return batch

    async def _committed(self, batch: Batch) -> None:
        """Wait until the batch of the caller is committed; a failed write raises here. What is held is not waited for."""
        if batch is self._held:
            return
        self._wanted.set()
        if batch.error is None:
            await batch.written.wait()
        if batch.error is not None:
            raise batch.error

    async def _write_all(self) -> None:
        """Write one batch after the other until cancelled or a write fails; then everybody who comes hears of it.

        It rests as long as it wrote: the slower the database, the more is written together, and nobody waits for a fixed time.
        """
        loop = asyncio.get_running_loop()
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            begun_at = loop.time()
            batch, self._batch = self._batch, Batch()
            try:
                await self._write(batch)
            except Exception as error:
                batch.error = self._batch.error = error
                self._batch.written.set()
                return
            finally:
                batch.written.set()
            await asyncio.sleep(min(LONGEST_REST_S, loop.time() - begun_at))

    async def _write(self, batch: Batch) -> None:
        """Commit a batch and count it; those who wait for it go on before the progress is told."""
        await self._services.store.add(outputs.output_rows(batch.outputs), grades.grade_rows(batch.grades))
        batch.written.set()
        before = self.progress
        self.progress = replace(
            before,
            outputs=before.outputs + len(batch.outputs),
            errors=before.errors + sum(output.failure is not None for output in batch.outputs),
            judged=before.judged + batch.judged,
        )
        self._untold = True
        if asyncio.get_running_loop().time() - self._told_at >= TELL_S:
            await self._tell()

    async def _tell(self) -> None:
        """Tell how far the run is."""
        self._told_at, self._untold = asyncio.get_running_loop().time(), False
        await self._services.announcer.run_progressed(self._run, self.progress, self._eta_s())

    def _eta_s(self) -> float | None:
        """Guess the seconds left from the speed so far; None before anything can be said."""
        done = self.progress.outputs - self._before
        passed = (self._services.now() - self._began).total_seconds()
        return (self.progress.size - self.progress.outputs) * passed / done if done >= 5 and passed > 0 else None
