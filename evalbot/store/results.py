"""What a run has brought, read page by page for its numbers: outputs with their automatic grades, without their texts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, and_, func, literal, select, tuple_, type_coerce

from evalbot.reporting.score_folding import ResultRow
from evalbot.runs.outputs import RunId
from evalbot.store.tables import GRADES, OUTPUTS
from evalbot.store.transaction import Transaction
from evalbot.suites.items import ItemId

_ORDER = (OUTPUTS.c.target, OUTPUTS.c.item_id, OUTPUTS.c.repeat)
_OUTPUT = (
    type_coerce(OUTPUTS.c.id, String).label("id"),
    *_ORDER,
    OUTPUTS.c.failure_kind.is_(None).label("answered"),
    OUTPUTS.c.cost_usd,
)
_GRADE = (type_coerce(GRADES.c.kind, String), GRADES.c.criterion, GRADES.c.score, GRADES.c.passed, GRADES.c.weight)
_GRADE_ORDER = (GRADES.c.kind, GRADES.c.grader, GRADES.c.version, GRADES.c.criterion)

_AT_ONCE = 1_000
_FIRST_ANSWERS = 16
"""Nearly always so few answers tell that a target does not give one answer to everything."""


async def stream_results(tx: Transaction, run_id: RunId) -> AsyncIterator[Sequence[ResultRow]]:
    """Give the outputs of a run by target, item and repeat, each with all its automatic grades, some at a time."""
    rows = await _results(tx, OUTPUTS.c.run_id == run_id)
    while rows:
        yield rows
        last = tuple_(*(literal(value, column.type) for value, column in zip(rows[-1][1:4], _ORDER, strict=True)))
        rows = await _results(tx, and_(OUTPUTS.c.run_id == run_id, tuple_(*_ORDER) > last))


async def _results(tx: Transaction, wanted: ColumnElement[bool]) -> Sequence[ResultRow]:
    """Give the first of some outputs with all their grades."""
    some = select(*_OUTPUT).where(wanted).order_by(*_ORDER).limit(_AT_ONCE).subquery("some")
    both = some.outerjoin(GRADES, GRADES.c.output_id == some.c.id)
    page = select(*some.c, *_GRADE).select_from(both).order_by(some.c.target, some.c.item_id, some.c.repeat)
    rows: Sequence[Any] = (await tx.execute(page.order_by(*_GRADE_ORDER))).all()
    return rows


async def stream_answers(tx: Transaction, run_id: RunId, target: str) -> AsyncIterator[tuple[ItemId, str]]:
    """Give the answers of a target in a run with their items, by item and repeat; the first few are read by themselves."""
    order = _ORDER[1:]
    here = and_(OUTPUTS.c.run_id == run_id, OUTPUTS.c.target == target)
    page = select(*order, OUTPUTS.c.text).where(here).order_by(*order)
    rows = (await tx.execute(page.limit(_FIRST_ANSWERS))).all()
    while rows:
        for row in rows:
            if row.text is not None:
                yield row.item_id, row.text
        last = tuple_(*(literal(value, column.type) for value, column in zip(rows[-1][:2], order, strict=True)))
        rows = (await tx.execute(page.where(tuple_(*order) > last).limit(_AT_ONCE))).all()


async def newest_output_at(tx: Transaction, run_id: RunId) -> datetime | None:
    """Give when the newest output of a run came, None without any."""
    newest: datetime | None = (
        await tx.execute(select(func.max(OUTPUTS.c.at)).where(OUTPUTS.c.run_id == run_id))
    ).scalar()
    return newest
