"""Suites in the database: released versions, which never change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, and_, bindparam, func, select

from evalbot.errors import Conflict
from evalbot.people import PersonId, TeamId
from evalbot.store.json_text import dump_noun, load_noun
from evalbot.store.tables import SUITES
from evalbot.store.transaction import Transaction
from evalbot.suites.items import Split
from evalbot.suites.suites import Suite

_SUITE = TypeAdapter(Suite)
_NEWEST = select(func.max(SUITES.c.version)).where(
    SUITES.c.team == bindparam("team"), SUITES.c.name == bindparam("name")
)


@dataclass(frozen=True, slots=True)
class SuiteLine:
    """The newest version of a suite without its items; `items` counts those not retired, `holdout` those of them kept back."""

    name: str
    version: int
    description: str
    items: int
    holdout: int


async def find_suite(tx: Transaction, team: TeamId, name: str, version: int | None = None) -> Suite | None:
    """Give a version of a suite, the newest when None is asked for; cheap once it was read."""
    if version is None:
        version = (await tx.execute(_NEWEST, {"team": team, "name": name})).scalar()
        if version is None:
            return None
    key = (team, name, version)
    known = tx.shelf.suites.get(key) or tx.fresh.get(key)
    if known is not None:
        return known
    one = (SUITES.c.team == team) & (SUITES.c.name == name) & (SUITES.c.version == version)
    body = (await tx.execute(select(SUITES.c.body).where(one))).scalar()
    if body is None:
        return None
    return tx.fresh.setdefault(key, load_noun(_SUITE, body))


async def list_suites(tx: Transaction, team: TeamId) -> list[SuiteLine]:
    """Give the newest version of every suite, by name."""
    newest = (
        select(SUITES.c.name, func.max(SUITES.c.version).label("version"))
        .where(SUITES.c.team == team)
        .group_by(SUITES.c.name)
        .subquery()
    )
    wanted = select(SUITES.c.name, SUITES.c.version, SUITES.c.description, SUITES.c.item_count, SUITES.c.holdout_count)
    same = and_(SUITES.c.name == newest.c.name, SUITES.c.version == newest.c.version)
    rows = await tx.execute(wanted.join(newest, same).where(SUITES.c.team == team).order_by(SUITES.c.name))
    return [_line(row) for row in rows]


async def add_suite(
    tx: Transaction, team: TeamId, suite: Suite, released_at: datetime, released_by: PersonId, note: str
) -> None:
    """Add a released version; raises Conflict when the workspace has that version already."""
    alive = suite.asked_items(holdout=True)
    values = {
        "team": team,
        "name": suite.name,
        "version": suite.version,
        "description": suite.description,
        "item_count": len(alive),
        "holdout_count": sum(item.split is Split.HOLDOUT for item in alive),
        "body": dump_noun(_SUITE, suite),
        "released_at": released_at,
        "released_by": released_by,
        "note": note,
    }
    if not await tx.add_once(SUITES, values):
        raise Conflict(f"Suite {suite.name} version {suite.version} was released meanwhile.", "Try again.")


def _line(row: Row[Any]) -> SuiteLine:
    """Give the line of a row."""
    return SuiteLine(row.name, row.version, row.description, row.item_count, row.holdout_count)
