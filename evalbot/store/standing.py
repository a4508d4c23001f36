"""Where runs stand, asked often and without loading what they ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, func, select

from evalbot.runs.outputs import RunId
from evalbot.runs.runs import RunStatus
from evalbot.store.tables import OUTPUTS, RUNS
from evalbot.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class OutputSums:
    """How many outputs ended in one way (`failure` is empty for answers), their tokens and what they cost as far as known."""

    failure: str
    outputs: int
    input_tokens: int
    output_tokens: int
    cost_usd: float


_STATUS = select(RUNS.c.status).where(RUNS.c.id == bindparam("id"))


async def find_status(tx: Transaction, run_id: RunId) -> RunStatus | None:
    """Give the status of a run, None when there is no such run."""
    found: str | None = (await tx.execute(_STATUS, {"id": run_id})).scalar()
    return None if found is None else RunStatus(found)


async def going_runs(tx: Transaction) -> list[RunId]:
    """Give the runs of all workspaces that may ask now, oldest first."""
    wanted = select(RUNS.c.id).where(RUNS.c.status == RunStatus.RUNNING).order_by(RUNS.c.created_at, RUNS.c.number)
    return [RunId(found) for found in (await tx.execute(wanted)).scalars()]


async def count_runs(tx: Transaction) -> Mapping[RunStatus, int]:
    """Count the runs of all workspaces by their status."""
    rows = await tx.execute(select(RUNS.c.status, func.count().label("n")).group_by(RUNS.c.status))
    return {RunStatus(row.status): row.n for row in rows}


async def count_recent_outputs(tx: Transaction, since: datetime) -> list[OutputSums]:
    """Count the outputs of runs started since a moment, by kind of failure."""
    sums = (
        func.sum(OUTPUTS.c.input_tokens).label("input_tokens"),
        func.sum(OUTPUTS.c.output_tokens).label("output_tokens"),
        func.sum(OUTPUTS.c.cost_usd).label("cost_usd"),
    )
    wanted: Select[Any] = (
        select(OUTPUTS.c.failure_kind, func.count().label("outputs"), *sums)
        .join(RUNS, RUNS.c.id == OUTPUTS.c.run_id)
        .where(RUNS.c.created_at >= since)
        .group_by(OUTPUTS.c.failure_kind)
        .order_by(OUTPUTS.c.failure_kind)
    )
    return [
        OutputSums(
            row.failure_kind or "",
            row.outputs,
            int(row.input_tokens or 0),
            int(row.output_tokens or 0),
            float(row.cost_usd or 0.0),
        )
        for row in await tx.execute(wanted)
    ]
