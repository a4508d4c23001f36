"""Runs under any sequence of stops, deaths, outages and resumptions: each unit ends with one result, and none is asked in vain."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from evalbot.asking.ask import Question
from evalbot.errors import ModelUnavailable, OutsideError
from evalbot.runs import planning
from evalbot.runs.outputs import Output, OutputId, RunId
from evalbot.runs.runs import Run, RunStatus
from evalbot.store import outputs, runs
from evalbot.store.database import Store
from evalbot.testing import Reply, ScriptedModel, make_services
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.running import execute_run, finish_run, resume_run, run_shard
from evalbot.workflows.starting import start_run
from tests.integration.test_running import ANN, ASK, ITEMS, Submitted, away, make_suite, say_number

AT_ONCE = 3


class Endpoint:
    """A scripted model that answers, refuses the key, or stops the program after so many more questions."""

    def __init__(self) -> None:
        self.model = ScriptedModel(self.reply)
        self.left: int | None = None
        self.down = False
        self.stop = asyncio.Event()

    def reply(self, question: Question) -> Reply:
        """Do what was planned."""
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.stop.set()
                return OutsideError("The program stops here.")
        if self.down:
            return away(question)
        assert question.item is not None
        hard = question.item.id in ("i5", "i9")
        return ModelUnavailable("Refused.", kind="bad_request") if hard else say_number(question)


class RunMachine(RuleBasedStateMachine):
    """One run in a database of its own; shards are small, so that it has several."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = Path(tempfile.mkdtemp(prefix="evalbot-runs-"))
        shutil.copy(self.template, self.folder / "evalbot.db")

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do asynchronous work to its end."""
        return self.runner.run(work)

    @initialize(repeats=st.integers(1, 2))
    def begin(self, repeats: int) -> None:
        """Start a run."""

        async def begin() -> None:
            self.store = await Store.open(f"sqlite:///{self.folder / 'evalbot.db'}")
            self.endpoint = Endpoint()
            self.services = make_services(self.store, {"model": self.endpoint.model})
            await sync_suites(self.services, [make_suite()])
            self.run = await start_run(self.services, replace(ASK, concurrency=AT_ONCE, repeats=repeats))

        self.do(begin())
        self.kept: dict[OutputId, Output] = {}
        self.stops = 0

    @rule(after=st.integers(0, 15))
    def stop(self, after: int) -> None:
        """Carry the run out until a stop of the program, which may come at any question."""

        async def until_stopped() -> None:
            self.endpoint.left, self.endpoint.stop = after, asyncio.Event()
            task = asyncio.create_task(execute_run(self.services, self.run.id))
            waiting = asyncio.create_task(self.endpoint.stop.wait())
            await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
            task.cancel()
            waiting.cancel()
            await asyncio.gather(task, waiting, return_exceptions=True)
            self.endpoint.left = None

        self.do(until_stopped())
        self.stops += 1

    @rule(k=st.integers(0, 5))
    def shard(self, k: int) -> None:
        """Carry out any one shard, also one that the run does not have, and twice at once."""

        async def twice() -> None:
            await asyncio.gather(*(run_shard(self.services, self.run.id, k) for _ in range(2)))

        self.do(twice())
        self.stops += 1

    @rule()
    def outage(self) -> None:
        """Let the endpoint refuse the key for a while."""
        self.endpoint.down = True
        self.do(execute_run(self.services, self.run.id))
        self.endpoint.down = False

    @precondition(lambda self: self.now().status is RunStatus.PAUSED)
    @rule()
    def resume(self) -> None:
        """Resume a paused run."""
        self.do(resume_run(self.services, Submitted(), ANN, self.now()))

    @rule()
    def finish(self) -> None:
        """Try to finish: that works when everything is there and not before."""
        run = self.now()
        whole = run.going and len(self.found()) == run.size
        assert self.do(finish_run(self.services, RunId(run.id))) is whole

    def now(self) -> Run:
        """Read the run."""
        found: Run = self.do(self.store.read(lambda tx: runs.get_run(tx, self.run.id)))
        return found

    def found(self) -> list[Output]:
        """Read the outputs."""
        found: list[Output] = self.do(self.store.read(lambda tx: outputs.list_outputs(tx, self.run.id)))
        return found

    @invariant()
    def results_stay(self) -> None:
        """What is there never changes, each unit has one result at most, and failures of the endpoint are none."""
        if not hasattr(self, "kept"):
            return
        found = {one.id: one for one in self.found()}
        assert len(found) == len({one.unit for one in found.values()})
        assert {key: found.get(key) for key in self.kept} == self.kept
        self.kept = found
        assert {one.failure.kind for one in found.values() if one.failure} <= {"bad_request", "auth"}
        if self.now().status is RunStatus.DONE:
            assert len(found) == self.run.size

    def teardown(self) -> None:
        """Whatever happened, the run can be brought to its end; every unit has its result and few were asked twice."""
        if hasattr(self, "kept"):
            if self.now().status is RunStatus.PAUSED:
                self.resume()
            self.do(execute_run(self.services, self.run.id))
            assert self.now().status is RunStatus.DONE
            found = Counter(one.unit.item_id for one in self.found())
            assert found == dict.fromkeys([f"i{n}" for n in range(ITEMS)], self.run.repeats)
            self.do(self.store.close())
        self.runner.close()
        shutil.rmtree(self.folder)


def test_any_sequence_of_stops_leaves_one_result_per_unit(
    sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planned, run, stopped, paused, resumed and finished in any order, a run comes to the same end."""
    monkeypatch.setattr(planning, "SHARD_UNITS", 5)
    monkeypatch.setattr(RunMachine, "template", sqlite_template, raising=False)
    run_state_machine_as_test(
        RunMachine,
        settings=settings(
            max_examples=6, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
