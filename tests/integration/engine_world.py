"""What the tests of the engines share: a suite with scripted models, and workers in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from evalbot.asking.ask import Question
from evalbot.engines.claims import RunClaims
from evalbot.engines.distributed import DistributedEngine
from evalbot.engines.job_queue import JobQueue, open_queue
from evalbot.engines.shard_work import ShardJob, WorkPace, register_work, work_until
from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.runs.outputs import Output, RunId
from evalbot.runs.requests import RunRequest
from evalbot.runs.runs import Run
from evalbot.store import outputs, runs
from evalbot.store.database import Store
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId
from evalbot.suites.suites import Suite
from evalbot.suites.targets import short_target
from evalbot.testing import RecordingAnnouncer, Reply, ScriptedModel, make_services
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.running import finish_run, run_shard
from evalbot.workflows.services import Services
from evalbot.workflows.starting import start_run

ANN = Person(PersonId("U1"), TeamId("local"), "Ann", Role.ADMIN)
ITEMS = 12
SHORT_STALL = WorkPace(stalled_s=1.5, watch_s=0.2, poll_s=0.1, grace_s=0.2)


def say_number(question: Question) -> Reply:
    """Answer with the number that was asked for."""
    assert question.item is not None
    return str(question.item.reference)


@dataclass
class EngineWorld:
    """A store with the suite `sums`, and a model that answers all of it right."""

    store: Store
    url: str
    folder: Path
    model: ScriptedModel = field(default_factory=lambda: ScriptedModel(say_number))
    announcer: RecordingAnnouncer = field(default_factory=RecordingAnnouncer)

    async def prepare(self) -> None:
        """Release the suite."""
        items = tuple(Item(ItemId(f"i{n}"), vars={"question": f"Say {n}."}, reference=str(n)) for n in range(ITEMS))
        graders = (GraderSpec(GraderType.NUMERIC),)
        await sync_suites(self.services, [Suite("sums", items, targets=(short_target("test:model"),), graders=graders)])

    @property
    def services(self) -> Services:
        """Services of one more process."""
        return make_services(self.store, {"model": self.model}, announcer=self.announcer, new_id=self._ids)

    _given: int = 0

    def _ids(self) -> str:
        self._given += 1
        return f"id-{self._given:06d}"

    async def start(self, repeats: int = 1, channel: str = "") -> Run:
        """Start a run that no engine knows of yet; 50 repeats make two shards of it."""
        return await start_run(self.services, RunRequest("sums", ANN, repeats=repeats, concurrency=4, channel=channel))

    async def again(self, run: Run) -> Run:
        """Read a run anew."""
        return await self.store.read(lambda tx: runs.get_run(tx, run.id))

    async def found(self, run: Run) -> list[Output]:
        """Give the stored outputs of a run."""
        return await self.store.read(lambda tx: outputs.list_outputs(tx, run.id))

    def claims(self) -> RunClaims:
        """Give claims of one more process."""
        return RunClaims(self.folder / "claims")

    @asynccontextmanager
    async def submitting(self) -> AsyncIterator[DistributedEngine]:
        """Give the engine of a program that submits runs."""
        async with open_queue(self.url) as queue:
            engine = DistributedEngine(self.services, queue, self.claims())
            yield engine
            await engine.close()

    @asynccontextmanager
    async def working(self, concurrency: int = 2, pace: WorkPace = SHORT_STALL) -> AsyncIterator[JobQueue]:
        """Let a worker go in this process."""
        services = self.services
        async with open_queue(self.url) as queue:
            engine = DistributedEngine(services, queue, self.claims())

            async def shard(run_id: RunId, k: int) -> None:
                await run_shard(services, run_id, k)

            job = ShardJob(self.store, shard, lambda run_id: finish_run(services, run_id, pace.stalled_s), pace.watch_s)
            register_work(queue, engine, job, pace)
            ending = asyncio.Event()
            task = asyncio.create_task(work_until(ending, queue, concurrency, pace))
            try:
                yield queue
            finally:
                ending.set()
                await task


async def until(reached: Callable[[], Awaitable[bool]], what: str, within_s: float = 20.0) -> None:
    """Wait until something is so."""
    try:
        async with asyncio.timeout(within_s):
            while not await reached():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"waited {within_s} s in vain until {what}") from None
