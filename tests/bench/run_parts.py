"""What `tests.bench.run` measures as the runner: a run on a database that is ready, without reading files and printing."""

from __future__ import annotations

import asyncio
import os
import sys

from evalbot.app import open_program, open_store
from evalbot.people import Person, PersonId, Role
from evalbot.settings import load_settings
from evalbot.store import runs
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId
from evalbot.suites.suites import Suite
from evalbot.suites.targets import short_target
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.running import execute_run
from evalbot.workflows.starting import RunRequest, start_run
from tests.bench.run import IN_FLIGHT


async def prepare(items: int) -> None:
    """Put a suite and a run that asks it into the database."""
    found = tuple(
        Item(ItemId(f"i{n}"), vars={"question": f"Say the number {n}."}, reference=str(n)) for n in range(items)
    )
    suite = Suite("sums", found, graders=(GraderSpec(GraderType.EQUALS),), targets=(short_target("openai:anything"),))
    settings = load_settings()
    async with open_store(settings) as store, open_program(settings, store) as program:
        await sync_suites(program.services, [suite])
        person = Person(PersonId("ann"), program.services.team, "Ann", Role.ADMIN)
        await start_run(program.services, RunRequest("sums", person, concurrency=IN_FLIGHT))


async def runner(items: int) -> None:
    """Carry out the run that is ready, without the summary at its end."""
    settings = load_settings()
    async with open_store(settings) as store, open_program(settings, store) as program:
        run = (await store.read(runs.open_runs))[0]
        assert run.size == items
        await execute_run(program.services, run.id)


if __name__ == "__main__":
    part, count = sys.argv[1], int(sys.argv[2])
    os.environ.setdefault("OPENAI_API_KEY", "none")
    asyncio.run({"prepare": prepare, "runner": runner}[part](count))
