"""Where runs stand, asked on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from evalbot.runs.outputs import Failure, RunId, Usage
from evalbot.runs.runs import RunStatus
from evalbot.store import outputs, runs, standing
from evalbot.store.database import Store
from evalbot.store.standing import OutputSums
from tests.factories import NOON, make_output, make_run


async def test_runs_are_found_and_counted_by_status(store: Store) -> None:
    """Only runs that may ask are going, oldest first; an unknown run has no status."""
    states = (RunStatus.RUNNING, RunStatus.PAUSED, RunStatus.DONE, RunStatus.RUNNING)
    for number, status in enumerate(states, 1):
        started_at = NOON - timedelta(hours=number)
        run = make_run(id=RunId(f"run-{number}"), number=number, created_at=started_at, status=status)
        await store.write(lambda tx, run=run: runs.add_run(tx, run))  # type: ignore[misc]
    assert await store.read(standing.going_runs) == ["run-4", "run-1"]
    assert await store.read(lambda tx: standing.find_status(tx, RunId("run-2"))) is RunStatus.PAUSED
    assert await store.read(lambda tx: standing.find_status(tx, RunId("none"))) is None
    counted = await store.read(standing.count_runs)
    assert counted == {RunStatus.RUNNING: 2, RunStatus.PAUSED: 1, RunStatus.DONE: 1}


async def test_outputs_of_recent_runs_are_summed_by_how_they_ended(store: Store) -> None:
    """Answers and each kind of failure are counted, with tokens and known cost; runs started before are left out."""
    run = make_run()
    given = [
        replace(make_output("item-1"), usage=Usage(1.0, 10, 2, 0.5)),
        replace(make_output("item-2"), usage=Usage(1.0, 5, None, None)),
        replace(make_output("item-3"), text=None, failure=Failure("timeout", "Late."), usage=Usage()),
    ]
    await store.write(lambda tx: runs.add_run(tx, run))
    await store.record(lambda tx: outputs.add_outputs(tx, given))
    found = await store.read(lambda tx: standing.count_recent_outputs(tx, NOON))
    assert sorted(found, key=lambda one: one.failure) == [
        OutputSums("", 2, 15, 2, 0.5),
        OutputSums("timeout", 1, 0, 0, 0.0),
    ]
    assert await store.read(lambda tx: standing.count_recent_outputs(tx, NOON + timedelta(seconds=1))) == []
