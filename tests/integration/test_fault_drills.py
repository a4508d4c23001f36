"""Runs against an endpoint that fails: nothing is lost, nothing is asked twice, waits are obeyed, and a stop is a stop."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from evalbot.asking.answerers import ModelAnswerers
from evalbot.engines.claims import RunClaims
from evalbot.engines.embedded import EmbeddedEngine
from evalbot.reporting.estimates import RunSummary
from evalbot.runs.outputs import RunId
from evalbot.runs.runs import Run, RunStatus
from evalbot.store.database import Store
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId
from evalbot.suites.suites import Suite
from evalbot.suites.targets import short_target
from evalbot.testing import RecordingAnnouncer, make_services
from evalbot.workflows.curating import sync_suites
from evalbot.workflows.running import cancel_run, execute_run
from evalbot.workflows.services import Services
from evalbot.workflows.starting import start_run
from tests.integration.test_running import ANN, ASK
from tests.stub_endpoint import Fault, Plan, StubEndpoint, mix

SHARES = {Fault.LIMITED: 0.05, Fault.BROKEN: 0.02, Fault.RESET: 0.01, Fault.MALFORMED: 0.01}
RETRIES = 2
IN_FLIGHT = 16


@dataclass(frozen=True, slots=True)
class Drill:
    """A run that is about to be carried out against an endpoint."""

    services: Services
    announcer: RecordingAnnouncer
    run: Run

    @property
    def summary(self) -> RunSummary:
        """What the run said at its end."""
        summary: RunSummary = self.announcer.of("run_finished")[-1].about[1]
        return summary


@asynccontextmanager
async def drill(
    store: Store, folder: Path, endpoint: StubEndpoint, items: int, deadline_s: float = 6.0
) -> AsyncIterator[Drill]:
    """Serve the endpoint and start a run of so many items."""
    asked = tuple(Item(ItemId(f"i{n}"), vars={"question": f"Say {n}."}, reference=str(n)) for n in range(items))
    suite = Suite("sums", asked, targets=(short_target("openai:m"),), graders=(GraderSpec(GraderType.EQUALS),))
    announcer = RecordingAnnouncer()
    async with endpoint.serving() as url:
        models = ModelAnswerers(url, "none", folder, deadline_s, retries=RETRIES)
        services = replace(make_services(store, {}, announcer=announcer), models=models)
        await sync_suites(services, [suite])
        run = await start_run(services, replace(ASK, concurrency=IN_FLIGHT))
        yield Drill(services, announcer, run)
        await models.close()


def is_answered(plan: Plan, question: str) -> bool:
    """Tell whether a question is answered before its retries are used up, by the plan alone."""
    failures = nth = 0
    while failures <= RETRIES:
        nth += 1
        fault = plan(question, nth, 0.0)
        if fault is None:
            return True
        failures += fault is not Fault.LIMITED
    return False


@pytest.mark.short
async def test_a_mix_of_faults_loses_nothing(sqlite_store: Store, tmp_path: Path) -> None:
    """Each question is asked until it is answered or its retries are used up, never again after that, and never in a pause."""
    plan = mix(
        {fault: 4 * share for fault, share in SHARES.items() if fault is not Fault.LIMITED} | {Fault.LIMITED: 0.05}
    )
    endpoint = StubEndpoint(0.002, plan, retry_after_s=0.5)
    async with drill(sqlite_store, tmp_path, endpoint, 200) as found:
        await execute_run(found.services, found.run.id)
    right = sum(is_answered(plan, f"Say {n}.") for n in range(200))
    assert 190 <= right < 200, "the plan lets some fail for good"
    assert (found.summary.outputs, found.summary.errors) == (200, 200 - right)
    assert (found.summary.rows[0].estimate.n, found.summary.rows[0].estimate.score) == (right, 1.0)
    assert sum(endpoint.answered.values()) == right
    assert endpoint.repeats == []
    assert endpoint.limited
    early = [at for at in endpoint.came for limited in endpoint.limited if 0.25 < at - limited < 0.45]
    assert early == []


async def test_the_usual_mix_of_faults_gives_every_answer(sqlite_store: Store, tmp_path: Path) -> None:
    """With 5 % refused, 2 % failed, 1 % broken off and 1 % malformed, every answer comes and is right."""
    plan = mix(SHARES)
    endpoint = StubEndpoint(0.002, plan, retry_after_s=0.05)
    async with drill(sqlite_store, tmp_path, endpoint, 300) as found:
        await execute_run(found.services, found.run.id)
    assert (found.summary.outputs, found.summary.errors) == (300, 0)
    assert found.summary.rows[0].estimate.score == 1.0
    assert endpoint.repeats == []
    assert sum(endpoint.asked.values()) > 310, "there were faults"


@pytest.mark.parametrize(
    "storm_s", [pytest.param(4.0, marks=pytest.mark.short), pytest.param(60.0, marks=pytest.mark.drill)]
)
async def test_a_storm_of_refusals_is_sat_out(sqlite_store: Store, tmp_path: Path, storm_s: float) -> None:
    """While 90 % are refused at most 2 calls a second are made; nothing is lost; soon after it is as fast as before."""
    rng = random.Random(3)
    begin_s = 0.2

    def plan(question: str, nth: int, at: float) -> Fault | None:
        return Fault.LIMITED if begin_s < at < begin_s + storm_s and rng.random() < 0.9 else None

    endpoint = StubEndpoint(0.02, plan)
    async with drill(sqlite_store, tmp_path, endpoint, 600, deadline_s=60.0) as found:
        await execute_run(found.services, found.run.id)
    end_s = begin_s + storm_s
    assert (found.summary.outputs, found.summary.errors) == (600, 0)
    assert endpoint.repeats == []
    during = [at for at in endpoint.came if begin_s + 0.5 < at < end_s]
    assert during, "it is tried now and then"
    assert len(during) <= 2 * storm_s
    full = [at for at, under_way in endpoint.in_flight_at if at > end_s and under_way >= IN_FLIGHT - 1]
    assert full
    assert min(full) < end_s + 10


async def test_a_cancelled_run_lets_its_calls_go_at_once(sqlite_store: Store, tmp_path: Path) -> None:
    """Cancelling does not wait for an endpoint that would answer a minute later; no call goes on."""
    endpoint = StubEndpoint(latency_s=60.0)
    async with drill(sqlite_store, tmp_path, endpoint, 40, deadline_s=120.0) as found:
        engine = EmbeddedEngine(
            lambda run_id: execute_run(found.services, RunId(run_id)), RunClaims(tmp_path / "claims"), 1.0
        )
        await engine.submit(found.run.id)
        async with asyncio.timeout(20):
            await endpoint.wait_for(lambda count: count == IN_FLIGHT)
        async with asyncio.timeout(30):
            ended = await cancel_run(found.services, engine, ANN, found.run)
            await endpoint.wait_for(lambda count: count == 0)
        assert ended.status is RunStatus.CANCELLED
        assert len(endpoint.came) == IN_FLIGHT
