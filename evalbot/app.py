"""The only composition: settings in, a working program out."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import random
import secrets
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalbot.asking.answerers import OPENAI_URL, Line, ModelAnswerers, own_permits
from evalbot.asking.prices import PriceTable
from evalbot.asking.target_config import Price
from evalbot.engines.claims import RunClaims
from evalbot.engines.embedded import EmbeddedEngine
from evalbot.engines.shared_permits import SharedPermits
from evalbot.errors import BadSetting
from evalbot.library.assets import assets_folder
from evalbot.library.project import LoadedProject, load_project
from evalbot.people import TeamId
from evalbot.runs.budgets import Limits, nanos
from evalbot.runs.outputs import RunId
from evalbot.runs.runs import Run
from evalbot.settings import Settings, project_folder
from evalbot.store import workspaces
from evalbot.store.database import Store
from evalbot.store.urls import SQLITE, parse_url
from evalbot.workflows.announcer import Announcer, QuietAnnouncer
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.retelling import tell_interrupted
from evalbot.workflows.reusing import Keeping
from evalbot.workflows.running import execute_run, list_open_runs
from evalbot.workflows.services import Services

if TYPE_CHECKING:
    from evalbot.engines.distributed import DistributedEngine
    from evalbot.engines.job_queue import Depth, JobQueue

log = logging.getLogger(__name__)


class Background:
    """Work that goes on after an answer; kept until it ends, its failures logged."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a piece of work."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def wait(self) -> None:
        """Wait until nothing goes on."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self, grace_s: float = 3.0) -> None:
        """Wait a little for what still goes on, then stop it."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Forget a piece of work and log its failure."""
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("background work failed", exc_info=task.exception(), extra={"action": "background_failed"})


def utc_now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


def new_id() -> str:
    """Give a fresh random name."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Program:
    """A working program: its services, the engine that carries out runs, and the files it was started on."""

    settings: Settings
    services: Services
    engine: EmbeddedEngine | DistributedEngine
    project: LoadedProject
    background: Background
    models: ModelAnswerers

    async def resume(self) -> int:
        """Go on with every run that was under way when the program stopped; gives how many there are."""
        waiting = [run for run in await list_open_runs(self.services) if run.going]
        for run in waiting:
            await self.engine.submit(run.id)
        return len(waiting)

    async def pause(self) -> list[Run]:
        """Stop the runs that this process carries out and say that they go on at its next start; gives them."""
        if not isinstance(self.engine, EmbeddedEngine):
            return []
        return await tell_interrupted(self.services, await self.engine.close())

    @property
    def lines(self) -> Sequence[Line]:
        """The lines in front of the models that this process asks."""
        return self.models.lines

    @property
    def queue_depth(self) -> Callable[[], Awaitable[Sequence[Depth]]] | None:
        """What tells how long the queue of the workers is; None where there is none."""
        return None if isinstance(self.engine, EmbeddedEngine) else self.engine.depth

    async def lacks_workers(self) -> bool:
        """Tell whether runs wait for workers and none shows life."""
        if isinstance(self.engine, EmbeddedEngine):
            return False
        return not await self.engine.workers(2 * self.settings.worker_stall_s)

    async def follow(self, pause_s: float) -> None:
        """Tell how far the runs are that workers carry out, until cancelled; those of this process tell it themselves."""
        if not isinstance(self.engine, EmbeddedEngine):
            await self.engine.follow(pause_s)


def database_file(database_url: str) -> Path | None:
    """Give the file of a SQLite database, whether it is there or not; None for a database on a server."""
    url = parse_url(database_url)
    return Path(url.database or "").resolve() if url.drivername == SQLITE else None


def claims_folder(database_url: str) -> Path:
    """Give the folder that programs with the same database claim runs in: beside its file, else in the machine's own place."""
    file = database_file(database_url)
    if file is not None:
        return file.with_name(f"{file.name}-claims")
    named = parse_url(database_url).render_as_string()
    digest = hashlib.blake2b(named.encode(), digest_size=8).hexdigest()
    return Path(tempfile.gettempdir()) / f"evalbot-claims-{os.getuid()}-{digest}"


@asynccontextmanager
async def open_store(settings: Settings, *, migrate: bool = True) -> AsyncIterator[Store]:
    """Open the database of the settings; raises BadSetting when its folder cannot be made."""
    store = await Store.open(settings.database_url, migrate=migrate)
    try:
        yield store
    finally:
        await store.close()


def read_limits(settings: Settings) -> Limits:
    """Give the budgets of the settings."""

    def amount(usd: float | None) -> int | None:
        return None if usd is None else nanos(usd)

    return Limits(
        run=amount(settings.budget_run),
        person_day=amount(settings.budget_person_day),
        day=amount(settings.budget_day),
        month=amount(settings.budget_workspace_month),
        approval_above=amount(settings.approval_above),
    )


def read_prices(settings: Settings) -> PriceTable:
    """Give what the settings say of prices."""
    return PriceTable({name: Price(price.input, price.output) for name, price in settings.prices.items()})


def read_keeping(settings: Settings) -> Keeping:
    """Give how long answers are kept to be used again."""
    return Keeping(settings.cache_days, round(settings.cache_mb * 1_000_000))


@dataclass(frozen=True, slots=True)
class Parts:
    """What a program and a worker are both built on; `folder` holds the project, `shipped` what evalbot brings along."""

    services: Services
    models: ModelAnswerers
    folder: Path
    shipped: Path
    background: Background


@asynccontextmanager
async def open_parts(
    settings: Settings,
    store: Store,
    *,
    team: TeamId | None = None,
    announcer: Announcer | None = None,
    now: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Parts]:
    """Put services together on an open store; `team` None means the database's own."""
    home = team if team is not None else await store.read(workspaces.home_team)
    shipped = assets_folder(settings.assets)
    folder = project_folder(settings, shipped)
    models = ModelAnswerers(
        openai_base_url=settings.openai_base_url,
        openai_api_key=settings.openai_api_key,
        project_folder=folder,
        deadline_s=settings.call_deadline_s,
        stated=read_prices(settings).stated,
        permits=own_permits if settings.engine == "embedded" else partial(SharedPermits, store),
    )
    background = Background()
    services = Services(
        store=store,
        models=models,
        announcer=announcer or QuietAnnouncer(),
        now=now,
        new_id=new_id,
        new_seed=lambda: random.SystemRandom().getrandbits(31),
        spawn=background.spawn,
        team=home,
        limits=read_limits(settings),
        prices=read_prices(settings),
        reuse=(settings.openai_base_url or OPENAI_URL) if settings.cache else None,
    )
    try:
        yield Parts(services, models, folder, shipped, background)
    finally:
        await background.close()
        await models.close()


@asynccontextmanager
async def open_program(
    settings: Settings,
    store: Store,
    *,
    team: TeamId | None = None,
    announcer: Announcer | None = None,
    now: Callable[[], datetime] = utc_now,
    patience_s: float = 600.0,
) -> AsyncIterator[Program]:
    """Put a program together on an open store and bring its suites up to date; `team` None means the database's own.

    `patience_s` is how long a run is tried again that something outside stops.
    """
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(open_parts(settings, store, team=team, announcer=announcer, now=now))
        engine = await _open_engine(stack, settings, parts.services, patience_s)
        project = await asyncio.to_thread(load_project, parts.folder, parts.shipped)
        await sync_suites(parts.services, list(project.suites.values()))
        yield Program(settings, parts.services, engine, project, parts.background, parts.models)


async def _open_engine(
    stack: AsyncExitStack, settings: Settings, services: Services, patience_s: float
) -> EmbeddedEngine | DistributedEngine:
    """Open the engine of the settings."""
    claims = RunClaims(claims_folder(settings.database_url))
    if settings.engine == "embedded":
        embedded = EmbeddedEngine(lambda run_id: execute_run(services, RunId(run_id)), claims, patience_s)
        stack.push_async_callback(embedded.close)
        return embedded
    check_distributed(settings)
    from evalbot.engines.distributed import DistributedEngine

    queue = await stack.enter_async_context(open_jobs(settings))
    distributed = DistributedEngine(services, queue, claims)
    stack.push_async_callback(distributed.close)
    return distributed


@asynccontextmanager
async def open_jobs(settings: Settings) -> AsyncIterator[JobQueue]:
    """Connect to the queue of the workers; raises BadSetting where there cannot be one."""
    check_distributed(settings)
    from evalbot.engines.job_queue import open_queue

    async with open_queue(settings.database_url) as queue:
        yield queue


def check_distributed(settings: Settings) -> None:
    """Raise BadSetting unless runs can be given to workers: they share a PostgreSQL database and its queue."""
    if database_file(settings.database_url) is not None:
        raise BadSetting(
            "The engine procrastinate needs PostgreSQL, and the database is a SQLite file.",
            "Set EVALBOT_DATABASE_URL to postgresql://user@host/name, or leave EVALBOT_ENGINE out.",
        )
    if find_spec("procrastinate") is None:
        raise BadSetting("The engine procrastinate is not installed.", 'Run pip install "evalbot[scale]".')
