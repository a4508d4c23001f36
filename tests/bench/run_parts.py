"""What `tests.bench.run` measures as the runner: a run on a database that is ready, without reading files and printing."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from datetime import UTC, datetime

from evalbot.app import open_program, open_store
from evalbot.grading.grades import Grade, Grader, GraderKind
from evalbot.people import Person, PersonId, Role
from evalbot.reporting.estimates import RunSummary
from evalbot.runs.outputs import Output, Unit, Usage, output_id
from evalbot.runs.requests import RunRequest
from evalbot.runs.runs import Progress, Run
from evalbot.settings import load_settings
from evalbot.store import grades, outputs, runs
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId
from evalbot.suites.suites import Suite
from evalbot.suites.targets import short_target
from evalbot.workflows.announcer import QuietAnnouncer
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.starting import start_run
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


class Watching(QuietAnnouncer):
    """Notes what the process had taken when the last answer was recorded, and when the verdict came."""

    def __init__(self) -> None:
        self.asked_at = self.told_at = self.asked_cpu_s = self.asked_mb = 0.0

    async def run_progressed(self, run: Run, progress: Progress, eta_s: float | None) -> None:
        """Note the moment."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        self.asked_at, self.asked_cpu_s = time.monotonic(), used.ru_utime + used.ru_stime
        self.asked_mb = used.ru_maxrss / 1024

    async def run_finished(self, run: Run, summary: RunSummary) -> None:
        """Note the moment."""
        self.told_at = time.monotonic()


async def runner(items: int) -> None:
    """Carry out the run that is ready, and say what the asking took and how long the verdict took after it."""
    settings, watching = load_settings(), Watching()
    async with open_store(settings) as store, open_program(settings, store, announcer=watching) as program:
        run = (await store.read(runs.open_runs))[0]
        assert run.size == items
        await program.engine.submit(run.id)
        await program.engine.wait()
    verdict_s = watching.told_at - watching.asked_at
    found = {"asked_cpu_s": watching.asked_cpu_s, "asked_mb": watching.asked_mb, "verdict_s": verdict_s}
    sys.stdout.write(f"{json.dumps(found)}\n")


async def writes(rows: int) -> None:
    """Record outputs, each with a grade, in batches as a run does, and say what a row costs in microseconds of CPU."""
    found: dict[str, float] = {}
    async with open_store(load_settings()) as store:
        run = (await store.read(runs.open_runs))[0]
        for size in (1, 10, 50, 500):
            begun = time.process_time()
            for start in range(0, rows, size):
                some = [_result(run, f"{size} {number}") for number in range(start, start + size)]
                await store.add(
                    outputs.output_rows([output for output, _ in some]), grades.grade_rows([grade for _, grade in some])
                )
            found[str(size)] = 1e6 * (time.process_time() - begun) / rows / 2
    sys.stdout.write(f"{json.dumps(found)}\n")


def _result(run: Run, name: str) -> tuple[Output, Grade]:
    """Make an output with its grade."""
    unit, now = Unit(run.targets[0].label, ItemId(name), 0), datetime.now(UTC)
    output = Output(output_id(run.id, unit), run.id, unit, "An answer of some words.", None, Usage(0.1, 12, 2), now)
    return output, Grade(output.id, "equals", Grader(GraderKind.CHECK, "equals", "1"), now, 1.0, True)


if __name__ == "__main__":
    part, count = sys.argv[1], int(sys.argv[2])
    os.environ.setdefault("OPENAI_API_KEY", "none")
    asyncio.run({"prepare": prepare, "runner": runner, "writes": writes}[part](count))
