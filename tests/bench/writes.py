"""What writing costs: batches of outputs and grades, single clicks, counts. Run: python -m tests.bench.writes [database URL]"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable

from evalbot.people import PersonId
from evalbot.runs.outputs import Output
from evalbot.store import grades, outputs, runs
from evalbot.store.database import Store, Transaction
from tests.integration.store.store_nouns import make_human_grade, make_judge_grade, make_output, make_run, putting

BATCHES = 20
ROWS = 1000
CLICKS = 1000


async def timed(what: str, n: int, work: Callable[[], Awaitable[object]]) -> None:
    """Do work and write what each of its n parts took."""
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    each = [1e6 * (now - then) / n for now, then in ((time.perf_counter(), wall), (time.process_time(), cpu))]
    sys.stdout.write(f"{what:<46}{each[0]:10.1f} us wall{each[1]:10.1f} us CPU\n")


async def measure(url: str) -> None:
    """Measure batches of outputs and judge grades, single and concurrent human grades, and counting."""
    store = await Store.open(url)
    run = make_run(int(time.time()))
    await store.write(lambda tx: runs.add_run(tx, run))
    batches = [[make_output(run, f"item-{b}-{n}", text="x" * 200) for n in range(ROWS)] for b in range(BATCHES)]

    async def record_outputs() -> None:
        for batch in batches:
            await store.record(lambda tx, batch=batch: outputs.add_outputs(tx, batch))  # type: ignore[misc]

    async def record_grades() -> None:
        for batch in batches:
            given = [make_judge_grade(output) for output in batch]
            await store.record(lambda tx, given=given: grades.add_grades(tx, given))  # type: ignore[misc]

    async def click(output: Output, person: str) -> None:
        await store.write(putting(make_human_grade(output, PersonId(person))))

    async def one_by_one() -> None:
        for output in batches[0][:CLICKS]:
            await click(output, "U1")

    async def fifty_at_once() -> None:
        for start in range(0, CLICKS, 50):
            await asyncio.gather(*(click(output, "U2") for output in batches[0][start : start + 50]))

    async def count(tx: Transaction) -> None:
        await outputs.count_outputs(tx, run.id)
        await grades.count_judged(tx, run.id)

    await timed("add_outputs, batches of 1,000, per row", BATCHES * ROWS, record_outputs)
    await timed("add_grades, batches of 1,000, per row", BATCHES * ROWS, record_grades)
    await timed("human grade, one at a time", CLICKS, one_by_one)
    await timed("human grade, 50 at once, each", CLICKS, fifty_at_once)
    await timed(f"both counts of a run of {BATCHES * ROWS:,}", 1, lambda: store.read(count))
    await timed(
        "list_outputs, per output", BATCHES * ROWS, lambda: store.read(lambda tx: outputs.list_outputs(tx, run.id))
    )
    await store.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/measure.db"))
