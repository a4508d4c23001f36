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
from evalbot.store.database import Transaction
from evalbot.workflows.services import Services

PAUSE_S = 0.015
"""How long a batch waits for company before it is written."""


@dataclass(slots=True)
class Batch:
    """What is written together; `written` is set once it is committed."""

    outputs: list[Output] = field(default_factory=list)
    grades: list[Grade] = field(default_factory=list)
    judged: int = 0
    written: asyncio.Event = field(default_factory=asyncio.Event)


class Recorder:
    """Writes results in batches. `add_output` and `add_judgement` return when their batch is committed."""

    def __init__(self, services: Services, run: Run, progress: Progress) -> None:
        self._services = services
        self._run = run
        self.progress = progress
        self._batch = Batch()
        self._wanted = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._began = services.now()
        self._before = progress.outputs

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write_all())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    async def add_output(self, output: Output, checks: Sequence[Grade]) -> None:
        """Write an output with the grades of its checks."""
        self._batch.outputs.append(output)
        self._batch.grades.extend(checks)
        await self._committed()

    async def add_judgement(self, found: Sequence[Grade]) -> None:
        """Write the judge's grades of one output."""
        self._batch.grades.extend(found)
        self._batch.judged += 1
        await self._committed()

    async def _committed(self) -> None:
        """Wait until the batch of the caller is committed; a failed writer raises here."""
        written = self._batch.written
        self._wanted.set()
        assert self._writer is not None
        waiting = asyncio.ensure_future(written.wait())
        try:
            await asyncio.wait((waiting, self._writer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if not written.is_set():
            self._writer.result()

    async def _write_all(self) -> None:
        """Write one batch after the other until cancelled."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(PAUSE_S)
            self._wanted.clear()
            batch, self._batch = self._batch, Batch()
            await self._write(batch)
            batch.written.set()

    async def _write(self, batch: Batch) -> None:
        """Commit a batch and tell how far the run is."""

        async def save(tx: Transaction) -> None:
            await outputs.add_outputs(tx, batch.outputs)
            await grades.add_grades(tx, batch.grades)

        await self._services.store.record(save)
        failed = sum(not output.answered for output in batch.outputs)
        self.progress = replace(
            self.progress,
            outputs=self.progress.outputs + len(batch.outputs),
            errors=self.progress.errors + failed,
            judged=self.progress.judged + batch.judged,
            to_judge=self.progress.to_judge,
        )
        await self._services.announcer.run_progressed(self._run, self.progress, self._eta_s())

    def _eta_s(self) -> float | None:
        """Guess the seconds left from the speed so far; None before anything can be said."""
        done = self.progress.outputs - self._before
        passed = (self._services.now() - self._began).total_seconds()
        return (self.progress.size - self.progress.outputs) * passed / done if done >= 5 and passed > 0 else None
