"""Runs in the database."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, bindparam, func, or_, select, update

from evalbot.errors import Conflict, UnknownName
from evalbot.people import TeamId
from evalbot.runs.outputs import RunId
from evalbot.runs.runs import OPEN, Run, RunStatus
from evalbot.store.json_text import dump_noun, load_noun
from evalbot.store.tables import RUNS
from evalbot.store.transaction import Transaction
from evalbot.suites.items import ItemId
from evalbot.suites.targets import Target

_TARGETS = TypeAdapter(tuple[Target, ...])
_ITEM_IDS = TypeAdapter(tuple[ItemId, ...])
_BY_ID = select(RUNS).where(RUNS.c.id == bindparam("id"))
_STILL = RUNS.c.status.in_(sorted(OPEN))
_PARTS = tuple(part.name for part in fields(Run))


@dataclass(frozen=True, slots=True)
class RunOutline:
    """A run without its items, of which there may be many."""

    id: RunId
    number: int
    status: RunStatus
    targets: tuple[Target, ...]


async def add_run(tx: Transaction, run: Run) -> None:
    """Add a run; raises Conflict when its id or its number is taken."""
    if not await tx.add_once(RUNS, _values(run)):
        raise Conflict(f"Run {run.number} was started meanwhile.", "Try again.")


async def next_run_number(tx: Transaction, team: TeamId) -> int:
    """Give the number of the workspace's next run; add the run in the same write, so that nobody else gets it."""
    highest: int | None = (await tx.execute(select(func.max(RUNS.c.number)).where(RUNS.c.team == team))).scalar()
    return (highest or 0) + 1


async def get_run(tx: Transaction, run_id: RunId) -> Run:
    """Give a run by id; raises UnknownName."""
    row = (await tx.execute(_BY_ID, {"id": run_id})).first()
    if row is None:
        raise UnknownName("There is no such run.", "List the runs to see their numbers.")
    return _run(row)


async def find_run(tx: Transaction, team: TeamId, number: int) -> Run | None:
    """Give a workspace's run by the number people say."""
    row = (await tx.execute(select(RUNS).where(RUNS.c.team == team, RUNS.c.number == number))).first()
    return None if row is None else _run(row)


async def list_runs(tx: Transaction, team: TeamId, *, suite: str | None = None, limit: int = 20) -> list[Run]:
    """Give a workspace's newest runs, of one suite or of all, newest first."""
    wanted = select(RUNS).where(RUNS.c.team == team).order_by(RUNS.c.number.desc()).limit(limit)
    return await _all(tx, wanted if suite is None else wanted.where(RUNS.c.suite == suite))


async def runs_before(tx: Transaction, run: Run, limit: int = 20) -> list[RunOutline]:
    """Give the newest runs of a run's suite that were started before it, newest first, without their items."""
    columns = (RUNS.c.id, RUNS.c.number, RUNS.c.status, RUNS.c.targets)
    here = (RUNS.c.team == run.team, RUNS.c.suite == run.suite, RUNS.c.number < run.number)
    rows = await tx.execute(select(*columns).where(*here).order_by(RUNS.c.number.desc()).limit(limit))
    return [
        RunOutline(RunId(one.id), one.number, RunStatus(one.status), load_noun(_TARGETS, one.targets)) for one in rows
    ]


async def open_runs(tx: Transaction) -> list[Run]:
    """Give the runs of all workspaces that are not ended, oldest first."""
    return await _all(tx, select(RUNS).where(_STILL).order_by(RUNS.c.created_at, RUNS.c.number))


async def runs_between(tx: Transaction, team: TeamId, start: datetime, end: datetime) -> list[Run]:
    """Give a workspace's complete runs that ended from `start` on and before `end`, oldest first."""
    ended = (RUNS.c.finished_at >= start) & (RUNS.c.finished_at < end)
    wanted = select(RUNS).where(RUNS.c.team == team, ended, RUNS.c.status == RunStatus.DONE)
    return await _all(tx, wanted.order_by(RUNS.c.finished_at, RUNS.c.number))


async def update_run(tx: Transaction, run: Run) -> None:
    """Save a run that changed; raises Conflict rather than change the end of a run that has ended meanwhile."""
    values = {name: value for name, value in _values(run).items() if name not in ("id", "team", "number")}
    free = or_(_STILL, RUNS.c.status == run.status)
    changed = await tx.execute(update(RUNS).where(RUNS.c.id == run.id, free), values)
    if changed.rowcount == 0:
        there = await get_run(tx, run.id)
        raise Conflict(f"Run {there.number} is already {there.status}.")


async def end_run(tx: Transaction, run: Run) -> bool:
    """Save the end of a run unless it has ended already; tell whether this call ended it."""
    values = {"status": run.status, "finished_at": run.finished_at, "note": run.note}
    return (await tx.execute(update(RUNS).where(RUNS.c.id == run.id, _STILL), values)).rowcount == 1


async def move_run(tx: Transaction, run: Run, before: RunStatus) -> bool:
    """Save the state and note of a run that was in another state before; tell whether it was, so that this call moved it."""
    was = (RUNS.c.id == run.id) & (RUNS.c.status == before)
    return (await tx.execute(update(RUNS).where(was), {"status": run.status, "note": run.note})).rowcount == 1


async def _all(tx: Transaction, wanted: Select[Any]) -> list[Run]:
    """Give the runs of a query."""
    return [_run(row) for row in await tx.execute(wanted)]


def _values(run: Run) -> dict[str, Any]:
    """Give the row of a run: its columns are named like the noun's parts."""
    values = {name: getattr(run, name) for name in _PARTS}
    return {**values, "targets": dump_noun(_TARGETS, run.targets), "item_ids": dump_noun(_ITEM_IDS, run.item_ids)}


def _run(row: Row[Any]) -> Run:
    """Give the run of a row."""
    changed = {
        "targets": load_noun(_TARGETS, row.targets),
        "item_ids": load_noun(_ITEM_IDS, row.item_ids),
        "status": RunStatus(row.status),
    }
    return Run(**{**row._mapping, **changed})
