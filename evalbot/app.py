"""The only composition: settings in, a working program out."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import random
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalbot.asking.answerers import ModelAnswerers
from evalbot.engines.claims import RunClaims
from evalbot.engines.embedded import EmbeddedEngine
from evalbot.errors import BadSetting
from evalbot.library.assets import assets_folder
from evalbot.library.project import LoadedProject, load_project
from evalbot.people import TeamId
from evalbot.runs.outputs import RunId
from evalbot.settings import Settings, project_folder
from evalbot.store import workspaces
from evalbot.store.connections import SQLITE, parse_url
from evalbot.store.database import Store
from evalbot.workflows.announcer import Announcer, QuietAnnouncer
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.running import execute_run, list_open_runs
from evalbot.workflows.services import Services

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

    async def close(self, grace_s: float = 5.0) -> None:
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
    engine: EmbeddedEngine
    project: LoadedProject
    background: Background

    async def resume(self) -> int:
        """Go on with every run that was under way when the program stopped; gives how many there are."""
        waiting = [run for run in await list_open_runs(self.services) if run.going]
        for run in waiting:
            await self.engine.submit(run.id)
        return len(waiting)


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
    try:
        store = await Store.open(settings.database_url, migrate=migrate)
    except OSError as error:
        raise BadSetting(
            f"The folder of the database cannot be made ({error.strerror}).", "Check EVALBOT_DATABASE_URL."
        ) from error
    try:
        yield store
    finally:
        await store.close()


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
    home = team if team is not None else await store.read(workspaces.home_team)
    shipped = assets_folder(settings.assets)
    folder = project_folder(settings, shipped)
    models = ModelAnswerers(
        openai_base_url=settings.openai_base_url,
        openai_api_key=settings.openai_api_key,
        project_folder=folder,
        deadline_s=settings.call_deadline_s,
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
    )
    claims = RunClaims(claims_folder(settings.database_url))
    engine = EmbeddedEngine(lambda run_id: execute_run(services, RunId(run_id)), claims, patience_s)
    project = await asyncio.to_thread(load_project, folder, shipped)
    try:
        await sync_suites(services, list(project.suites.values()))
        yield Program(settings, services, engine, project, background)
    finally:
        await engine.close()
        await background.close()
        await models.close()
