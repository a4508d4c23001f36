"""Runs that wait for an approver: approved or rejected once, by somebody else than who asked for them."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from evalbot.errors import Conflict, NotAllowed, UnknownName
from evalbot.people import Action, Person, may
from evalbot.runs.budgets import Decision, RunBudget
from evalbot.runs.outputs import RunId
from evalbot.runs.runs import Progress, Run, RunStatus
from evalbot.store import budgets, runs
from evalbot.store.database import Transaction
from evalbot.workflows.running import end_run
from evalbot.workflows.services import Engine, Services

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WaitingRun:
    """A run that waits, with what it may cost."""

    run: Run
    budget: RunBudget


async def approve_run(services: Services, engine: Engine, person: Person, run_id: RunId) -> Run:
    """Let a run begin that waits; raises Conflict for everybody but the first who decides."""
    run = await _decided(services, person, run_id, Decision.APPROVED)
    await services.announcer.run_started(run, Progress(run.size))
    await engine.submit(run.id)
    log.info("run approved", extra={"action": "run_approved", "run_id": run.id, "person": person.id})
    return run


async def reject_run(services: Services, person: Person, run_id: RunId) -> Run:
    """End a run that waits before anything is asked; raises Conflict for everybody but the first who decides."""
    run = await _decided(services, person, run_id, Decision.REJECTED)
    await end_run(services, run, RunStatus.CANCELLED, f"rejected by {person.name}")
    log.info("run rejected", extra={"action": "run_rejected", "run_id": run.id, "person": person.id})
    return await services.store.read(lambda tx: runs.get_run(tx, run.id))


async def get_waiting(services: Services, person: Person, run_id: RunId) -> WaitingRun:
    """Give a run of the person's workspace with what it may cost; raises UnknownName."""

    async def load(tx: Transaction) -> WaitingRun:
        run = await runs.get_run(tx, run_id)
        return WaitingRun(run, await budgets.find_budget(tx, run_id) or RunBudget(run_id))

    found = await services.store.read(load)
    if found.run.team != person.team:
        raise UnknownName("There is no such run.", "Try status for the newest ones.")
    return found


async def list_waiting(services: Services) -> list[WaitingRun]:
    """Give the workspace's runs that wait for an approver, oldest first."""

    async def load(tx: Transaction) -> list[WaitingRun]:
        found = [run for run in await runs.open_runs(tx) if run.team == services.team]
        waiting = [run for run in found if run.status is RunStatus.WAITING]
        return [WaitingRun(run, await budgets.find_budget(tx, run.id) or RunBudget(run.id)) for run in waiting]

    return await services.store.read(load)


async def _decided(services: Services, person: Person, run_id: RunId, decision: Decision) -> Run:
    """Save a decision once; an approved run is let go in the same write."""
    waiting = await get_waiting(services, person, run_id)
    if not may(person, Action.APPROVE_RUN):
        raise NotAllowed("Deciding on a run's cost needs the role approver.", "Ask an approver.")
    if waiting.run.started_by == person.id:
        raise NotAllowed("A second person decides on what a run may cost.", "Ask another approver.")

    async def save(tx: Transaction) -> Run:
        run = await runs.get_run(tx, run_id)
        if not await budgets.decide(tx, run_id, decision, person, services.now()):
            raise Conflict(f"Run {run.number} was decided on already.")
        if decision is Decision.APPROVED:
            if not await budgets.start_approved(tx, run_id):
                raise Conflict(f"Run {run.number} is already {run.status}.")
            return await runs.get_run(tx, run_id)
        return run

    return await services.store.write(save)
