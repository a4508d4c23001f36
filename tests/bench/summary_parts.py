"""The parts of `tests.bench.summary` that run in processes of their own: filling a database, a summary, and its floor."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from sqlite3 import connect

import numpy as np

from evalbot.grading.grades import Grade, Grader, GraderKind, Purpose
from evalbot.grading.reviews import Review, ReviewId, ReviewStatus, Round, RoundId
from evalbot.people import PersonId, TeamId
from evalbot.runs.outputs import Failure, Output, RunId, Unit, Usage, output_id
from evalbot.runs.runs import Run, RunStatus
from evalbot.stats.intervals import wilson
from evalbot.store import grades, outputs, reviews, runs, suites
from evalbot.store.database import Store, Transaction
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId
from evalbot.suites.rubrics import Rubric, Scale, Step
from evalbot.suites.suites import RunDefaults, Strategy, Suite
from evalbot.suites.targets import short_target
from evalbot.workflows.scoring import summarise_run
from tests.bench.summary import GRADED, SKILLS

TEAM = TeamId("local")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TARGET, JUDGE = short_target("test:model"), short_target("test:judge")
RUBRIC = Rubric("helpful", 1, "Does it help?", Scale(tuple(Step(value, f"step {value}") for value in (1, 2, 3, 4))), 3)
AT_ONCE = 1_000


# --- filling ---------------------------------------------------------------------------------------


async def fill(case: str, size: int) -> None:
    """Put a suite, a run of it with all its grades, and what the case has besides, into an empty database."""
    store = await Store.open(os.environ["EVALBOT_DATABASE_URL"])
    suite = make_suite(size, judged=case == "people")
    await store.write(lambda tx: suites.add_suite(tx, TEAM, suite, NOW, PersonId("ann"), ""))
    for number in (1, 2) if case == "earlier" else (2,):
        run = make_run(suite, number)
        await store.write(partial(runs.add_run, run=run))
        for start in range(0, size, AT_ONCE):
            results = [make_result(run, suite, n) for n in range(start, min(size, start + AT_ONCE))]
            await store.record(partial(record, results=results))
        if case == "people":
            await store.write(partial(review, run=run, suite=suite))
    await store.close()


def make_suite(size: int, judged: bool) -> Suite:
    """Give a suite of short questions in a few skills."""
    items = tuple(
        Item(ItemId(f"i{n}"), vars={"question": f"Say the number {n}."}, reference=str(n), skill=f"s{n % SKILLS}")
        for n in range(size)
    )
    checks, judges = (GraderSpec(GraderType.EQUALS),), (GraderSpec(GraderType.RUBRIC, rubric=RUBRIC.name),)
    if not judged:
        return Suite("sums", items, version=1, graders=checks, targets=(TARGET,))
    return Suite(
        "sums",
        items,
        version=1,
        graders=judges,
        rubrics={RUBRIC.name: RUBRIC},
        targets=(TARGET,),
        run=RunDefaults(judge=JUDGE),
    )


def make_run(suite: Suite, number: int) -> Run:
    """Give an ended run of all items."""
    return Run(
        id=RunId(f"run{number}"),
        team=TEAM,
        number=number,
        suite=suite.name,
        suite_version=suite.version,
        targets=(TARGET,),
        item_ids=tuple(item.id for item in suite.items),
        repeats=1,
        concurrency=8,
        started_by=PersonId("ann"),
        started_name="Ann",
        created_at=NOW,
        status=RunStatus.DONE,
        finished_at=NOW + timedelta(minutes=number),
    )


def make_result(run: Run, suite: Suite, n: int) -> tuple[Output, list[Grade]]:
    """Make an output with its grade: one of a hundred is an error, one of five fails."""
    unit = Unit(TARGET.label, suite.items[n].id, 0)
    failure = Failure("timeout", "No answer came.") if n % 100 == 99 else None
    text = None if failure else f"The number that you asked for is {n}, as far as I can tell. " * 5
    output = Output(output_id(run.id, unit), run.id, unit, text, failure, Usage(0.5, 20, 60, 0.0001), NOW)
    if failure:
        return output, []
    passed = (n * run.number) % 5 > 0
    if not suite.rubrics:
        return output, [
            Grade(output.id, "correct", Grader(GraderKind.CHECK, "equals", "1"), NOW, float(passed), passed)
        ]
    level = 3 + n % 2 if passed else 1 + n % 2
    score = RUBRIC.scale.score(level)
    reason = "It answers what was asked, in the words of the question, and leaves nothing out."
    return output, [
        Grade(output.id, RUBRIC.name, Grader(GraderKind.JUDGE, "judge", "1"), NOW, score, passed, level, reason)
    ]


async def record(tx: Transaction, results: list[tuple[Output, list[Grade]]]) -> None:
    """Write a batch as a run does."""
    await outputs.add_outputs(tx, [output for output, _ in results])
    await grades.add_grades(tx, [grade for _, mine in results for grade in mine])


async def review(tx: Transaction, run: Run, suite: Suite) -> None:
    """Let people grade answers that were drawn by chance; they differ from the judge on every seventh."""
    opened = Round(RoundId("round1"), TEAM, run.id, run.started_by, "C1", GRADED, Strategy.RANDOM, 1, NOW)
    await reviews.add_round(tx, opened)
    places = [n for n in range(0, len(suite.items), max(1, len(suite.items) // GRADED)) if n % 100 != 99]
    chance = len(places) / len(suite.items)
    found = []
    for position, n in enumerate(places):
        output, given = make_result(run, suite, n)
        passed = bool(given[0].passed) is (position % 7 > 0)
        level = 4 if passed else 1
        grade = Grade(
            output.id, RUBRIC.name, Grader(GraderKind.HUMAN, "ben", "1"), NOW, RUBRIC.scale.score(level), passed, level
        )
        await grades.put_human_grade(tx, replace(grade, purpose=Purpose.ESTIMATE))
        found.append(
            Review(
                ReviewId(f"review{position}"),
                opened.id,
                TEAM,
                run.id,
                output.id,
                position,
                1,
                chance,
                NOW,
                ReviewStatus.SETTLED,
                NOW,
            )
        )
    await reviews.add_reviews(tx, found)


# --- measuring -------------------------------------------------------------------------------------


async def summary(size: int) -> float:
    """Give the summary of the newest run; returns the longest pause of the event loop."""
    store = await Store.open(os.environ["EVALBOT_DATABASE_URL"], migrate=False)
    run = (await store.read(lambda tx: runs.list_runs(tx, TEAM, limit=1)))[0]
    gc.freeze()  # as the engine does before its first run
    watch = asyncio.create_task(longest_pause())
    found = await store.read(lambda tx: summarise_run(tx, run))
    assert found.outputs == size
    assert len(found.rows) == SKILLS + 1
    watch.cancel()
    pause_s = await watch
    await store.close()
    return pause_s


async def longest_pause() -> float:
    """Give the most processor time that the event loop's thread took between two turns, until cancelled."""
    longest, last = 0.0, time.thread_time()
    try:
        while True:
            await asyncio.sleep(0.001)
            now = time.thread_time()
            longest, last = max(longest, now - last), now
    except asyncio.CancelledError:
        return longest


async def floor(size: int) -> float:
    """Give pass rates from bare arrays."""
    path = os.environ["EVALBOT_DATABASE_URL"].removeprefix("sqlite:///")
    with closing(connect(path)) as database:
        rows = database.execute("SELECT o.item_id, g.passed FROM outputs o JOIN grades g ON g.output_id = o.id")
        table = np.fromiter(
            ((int(item[1:]) % SKILLS, passed) for item, passed in rows), dtype=[("skill", "i2"), ("passed", "i1")]
        )
    found = [wilson(int(table["passed"].sum()), table.size)]
    for skill in range(SKILLS):
        mine = table["passed"][table["skill"] == skill]
        found.append(wilson(int(mine.sum()), mine.size))
    assert len(found) == SKILLS + 1
    return 0.0


def measured(work: Callable[[], float]) -> dict[str, float]:
    """Do work and give what it took."""
    start_mb, cpu, wall = _peak_mb(), time.process_time(), time.perf_counter()
    pause_s = work()
    return {
        "cpu_s": time.process_time() - cpu,
        "wall_s": time.perf_counter() - wall,
        "start_mb": start_mb,
        "peak_mb": _peak_mb(),
        "pause_s": pause_s,
    }


def _peak_mb() -> float:
    """Give the most memory this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    part, case, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if part == "fill":
        asyncio.run(fill(case, count))
    else:
        measure = floor if case == "floor" else summary
        sys.stdout.write(json.dumps(measured(lambda: asyncio.run(measure(count)))))
