"""Calibrations of judges in the database, and the outputs that they are measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, func, select

from evalbot.grading.trials import Calibration, CalibrationId
from evalbot.people import TeamId
from evalbot.runs.outputs import OutputId, RunId, Unit
from evalbot.store.json_text import dump_noun, load_noun
from evalbot.store.tables import CALIBRATIONS, OUTPUTS, REVIEWS
from evalbot.store.transaction import Transaction
from evalbot.suites.items import ItemId

_CALIBRATION = TypeAdapter(Calibration)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class OutputOutline:
    """An output without its text: where it belongs and how long the answer is."""

    id: OutputId
    run_id: RunId
    unit: Unit
    characters: int


async def put_calibration(tx: Transaction, calibration: Calibration) -> None:
    """Save a calibration, or what has become of it."""
    values = {
        "id": calibration.id,
        "team": calibration.team,
        "suite": calibration.suite,
        "epoch": calibration.epoch.key,
        "body": dump_noun(_CALIBRATION, calibration),
        "started_at": calibration.started_at,
        "finished_at": calibration.finished_at,
    }
    await tx.put(CALIBRATIONS, values)


async def find_calibration(tx: Transaction, calibration_id: CalibrationId) -> Calibration | None:
    """Give a calibration by id."""
    row = (await tx.execute(select(CALIBRATIONS).where(CALIBRATIONS.c.id == calibration_id))).first()
    return None if row is None else _calibration(row)


async def list_calibrations(
    tx: Transaction, team: TeamId, suite: str, epochs: Sequence[str] | None = None
) -> list[Calibration]:
    """Give the calibrations of a suite, of some epochs or of all, newest first."""
    here = CALIBRATIONS.c
    wanted = select(CALIBRATIONS).where(here.team == team, here.suite == suite)
    if epochs is not None:
        wanted = wanted.where(here.epoch.in_(epochs))
    rows = await tx.execute(wanted.order_by(here.started_at.desc(), here.id.desc()))
    return [_calibration(row) for row in rows]


async def unfinished_calibrations(tx: Transaction, team: TeamId) -> list[Calibration]:
    """Give the calibrations of a workspace that have not ended, oldest first."""
    here = CALIBRATIONS.c
    wanted = select(CALIBRATIONS).where(here.team == team, here.finished_at.is_(None))
    return [_calibration(row) for row in await tx.execute(wanted.order_by(here.started_at, here.id))]


async def outline_outputs(tx: Transaction, output_ids: Sequence[OutputId]) -> list[OutputOutline]:
    """Give the outlines of some answered outputs, by id."""
    columns = (OUTPUTS.c.id, OUTPUTS.c.run_id, OUTPUTS.c.target, OUTPUTS.c.item_id, OUTPUTS.c.repeat)
    wanted = select(*columns, func.length(OUTPUTS.c.text).label("characters")).where(OUTPUTS.c.failure_kind.is_(None))
    found: list[OutputOutline] = []
    for start in range(0, len(output_ids), _AT_ONCE):
        some = OUTPUTS.c.id.in_(output_ids[start : start + _AT_ONCE])
        found += [_outline(row) for row in await tx.execute(wanted.where(some).order_by(OUTPUTS.c.id))]
    return found


async def drawn_chances(tx: Transaction, output_ids: Sequence[OutputId]) -> dict[OutputId, float]:
    """Give the chance with which some outputs were drawn for people, as their newest draw counts it; those never drawn are
    left out."""
    wanted = select(REVIEWS.c.output_id, REVIEWS.c.probability).where(REVIEWS.c.probability > 0)
    found: dict[OutputId, float] = {}
    for start in range(0, len(output_ids), _AT_ONCE):
        some = REVIEWS.c.output_id.in_(output_ids[start : start + _AT_ONCE])
        rows = await tx.execute(wanted.where(some).order_by(REVIEWS.c.opened_at, REVIEWS.c.id))
        found.update({OutputId(row.output_id): row.probability for row in rows})
    return found


def _outline(row: Row[Any]) -> OutputOutline:
    """Give the outline of a row."""
    unit = Unit(row.target, ItemId(row.item_id), row.repeat)
    return OutputOutline(OutputId(row.id), RunId(row.run_id), unit, row.characters or 0)


def _calibration(row: Row[Any]) -> Calibration:
    """Give the calibration of a row; the row knows best whose it is."""
    return replace(load_noun(_CALIBRATION, row.body), team=TeamId(row.team), finished_at=row.finished_at)
