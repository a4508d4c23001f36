"""Outputs in the database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, literal, select, tuple_

from evalbot.errors import UnknownName
from evalbot.grading.grades import GraderKind
from evalbot.runs.outputs import Failure, Output, OutputId, RunId, Unit, Usage
from evalbot.store.tables import GRADES, OUTPUTS
from evalbot.store.transaction import Addition, Transaction
from evalbot.suites.items import ItemId

_BY_ID = select(OUTPUTS).where(OUTPUTS.c.id == bindparam("id"))
_AMONG = select(OUTPUTS.c.id).where(OUTPUTS.c.id.in_(bindparam("ids", expanding=True)))
_JUDGED = select(GRADES.c.output_id).where(GRADES.c.output_id == OUTPUTS.c.id, GRADES.c.kind == GraderKind.JUDGE)
_UNJUDGED_AMONG = select(OUTPUTS).where(
    OUTPUTS.c.id.in_(bindparam("ids", expanding=True)), OUTPUTS.c.failure_kind.is_(None), ~_JUDGED.exists()
)
_ORDER = (OUTPUTS.c.target, OUTPUTS.c.item_id, OUTPUTS.c.repeat)
_MOST_TOKENS = 2**63 - 1
"""What a database can count to; a provider that claims more is lying."""

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class OutputCounts:
    """How many outputs a run has, and how many of them are failures."""

    outputs: int
    errors: int


async def add_outputs(tx: Transaction, outputs: Sequence[Output]) -> None:
    """Add outputs; those of units that have one already are left out."""
    await tx.add_all(OUTPUTS, output_rows(outputs).rows)


def output_rows(outputs: Sequence[Output]) -> Addition:
    """Give what adds outputs, for `Store.add`."""
    return Addition(OUTPUTS, [_values(output) for output in outputs])


async def find_done(tx: Transaction, wanted: Sequence[OutputId]) -> set[OutputId]:
    """Give which of some outputs are there; for the units of a shard, not for those of a whole run."""
    rows = await tx.execute(_AMONG, {"ids": wanted})
    return {OutputId(row.id) for row in rows}


async def find_unjudged(tx: Transaction, wanted: Sequence[OutputId]) -> list[Output]:
    """Give those of some outputs that are answered and have no judge's grade, in no order."""
    return [_output(row) for row in await tx.execute(_UNJUDGED_AMONG, {"ids": wanted})]


async def count_outputs(tx: Transaction, run_id: RunId) -> OutputCounts:
    """Count the outputs of a run."""
    counts = (func.count().label("outputs"), func.count(OUTPUTS.c.failure_kind).label("errors"))
    row = (await tx.execute(select(*counts).where(OUTPUTS.c.run_id == run_id))).one()
    return OutputCounts(row.outputs, row.errors)


async def count_cached(tx: Transaction, run_id: RunId) -> int:
    """Count the outputs of a run that came from the cache."""
    wanted = select(func.count()).select_from(OUTPUTS).where(OUTPUTS.c.run_id == run_id, OUTPUTS.c.cached)
    count: int = (await tx.execute(wanted)).scalar_one()
    return count


async def list_outputs(tx: Transaction, run_id: RunId) -> list[Output]:
    """Give the outputs of a run by target, item and repeat."""
    rows = await tx.execute(select(OUTPUTS).where(OUTPUTS.c.run_id == run_id).order_by(*_ORDER))
    return [_output(row) for row in rows]


async def list_failures(tx: Transaction, run_id: RunId, limit: int) -> list[Output]:
    """Give the first outputs of a run that met an error, in the same order, at most so many."""
    failed = select(OUTPUTS).where(OUTPUTS.c.run_id == run_id, OUTPUTS.c.failure_kind.is_not(None))
    return [_output(row) for row in await tx.execute(failed.order_by(*_ORDER).limit(limit))]


async def stream_outputs(tx: Transaction, run_id: RunId) -> AsyncIterator[Output]:
    """Give the outputs of a run one by one in the same order, never holding them all."""
    wanted = select(OUTPUTS).where(OUTPUTS.c.run_id == run_id).order_by(*_ORDER).limit(_AT_ONCE)
    rows = (await tx.execute(wanted)).all()
    while rows:
        for row in rows:
            yield _output(row)
        last = tuple_(*(literal(rows[-1]._mapping[column], column.type) for column in _ORDER))
        rows = (await tx.execute(wanted.where(tuple_(*_ORDER) > last))).all()


async def get_output(tx: Transaction, output_id: OutputId) -> Output:
    """Give an output by id; raises UnknownName."""
    row = (await tx.execute(_BY_ID, {"id": output_id})).first()
    if row is None:
        raise UnknownName("There is no such output.", "Open it again from its card.")
    return _output(row)


def _values(output: Output) -> dict[str, Any]:
    """Give the row of an output."""
    unit, usage, failure = output.unit, output.usage, output.failure
    return {
        "id": output.id,
        "run_id": output.run_id,
        "target": unit.target,
        "item_id": unit.item_id,
        "repeat": unit.repeat,
        "text": output.text,
        "failure_kind": None if failure is None else failure.kind,
        "failure_message": None if failure is None else failure.message,
        "latency_s": usage.latency_s,
        "input_tokens": _countable(usage.input_tokens),
        "output_tokens": _countable(usage.output_tokens),
        "cost_usd": usage.cost_usd,
        "at": output.at,
        "cached": usage.cached,
    }


def _countable(tokens: int | None) -> int | None:
    """Keep a count within what the database can hold."""
    return None if tokens is None else max(-_MOST_TOKENS, min(tokens, _MOST_TOKENS))


def _output(row: Row[Any]) -> Output:
    """Give the output of a row."""
    failed = row.failure_kind is not None
    return Output(
        id=OutputId(row.id),
        run_id=RunId(row.run_id),
        unit=Unit(row.target, ItemId(row.item_id), row.repeat),
        text=row.text,
        failure=Failure(row.failure_kind, row.failure_message) if failed else None,
        usage=Usage(row.latency_s, row.input_tokens, row.output_tokens, row.cost_usd, row.cached),
        at=row.at,
    )
