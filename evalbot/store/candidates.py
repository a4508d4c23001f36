"""Candidates in the database."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, or_, select, update

from evalbot.errors import Conflict, UnknownName
from evalbot.people import PersonId, TeamId
from evalbot.store.json_text import dump_noun, load_noun
from evalbot.store.tables import CANDIDATES
from evalbot.store.transaction import Transaction
from evalbot.suites.candidates import Candidate, CandidateId, CandidateStatus
from evalbot.suites.items import Item

_ITEM = TypeAdapter(Item)
_PARTS = tuple(part.name for part in fields(Candidate))


async def add_candidate(tx: Transaction, candidate: Candidate) -> None:
    """Add a candidate; raises Conflict when its id is taken."""
    if not await tx.add_once(CANDIDATES, _values(candidate)):
        raise Conflict("This candidate is there already.")


async def get_candidate(tx: Transaction, team: TeamId, candidate_id: CandidateId) -> Candidate:
    """Give a workspace's candidate by id; raises UnknownName."""
    wanted = select(CANDIDATES).where(CANDIDATES.c.id == candidate_id, CANDIDATES.c.team == team)
    row = (await tx.execute(wanted)).first()
    if row is None:
        raise UnknownName("There is no such candidate.", "Open it again from its card.")
    return _candidate(row)


async def list_candidates(
    tx: Transaction,
    team: TeamId,
    *,
    status: CandidateStatus | None = None,
    suite: str | None = None,
    author: PersonId | None = None,
) -> list[Candidate]:
    """Give a workspace's candidates, oldest first; what is None does not matter."""
    here = CANDIDATES.c
    asked = ((here.status, status), (here.suite, suite), (here.author, author))
    conditions = [column == value for column, value in asked if value is not None]
    wanted = select(CANDIDATES).where(here.team == team, *conditions).order_by(here.created_at, here.id)
    return [_candidate(row) for row in await tx.execute(wanted)]


async def update_candidate(tx: Transaction, candidate: Candidate) -> None:
    """Save a candidate that changed; raises Conflict rather than undo a decision made meanwhile."""
    free = or_(CANDIDATES.c.status == CandidateStatus.DRAFT, CANDIDATES.c.status == candidate.status)
    if not await _save(tx, candidate, free):
        there = await get_candidate(tx, candidate.team, candidate.id)
        raise Conflict(f"{there.decided_name} has already {there.status} this candidate.")


async def decide_candidate(tx: Transaction, candidate: Candidate) -> bool:
    """Save a decision unless there is one already; tell whether this call decided."""
    return await _save(tx, candidate, CANDIDATES.c.status == CandidateStatus.DRAFT)


async def _save(tx: Transaction, candidate: Candidate, free: Any) -> bool:
    """Save a candidate if the condition still holds; tell whether it did."""
    same = (CANDIDATES.c.id == candidate.id) & (CANDIDATES.c.team == candidate.team)
    return (await tx.execute(update(CANDIDATES).where(same, free), _values(candidate))).rowcount == 1


def _values(candidate: Candidate) -> dict[str, Any]:
    """Give the row of a candidate: its columns are named like the noun's parts."""
    values = {name: getattr(candidate, name) for name in _PARTS}
    return {**values, "item": dump_noun(_ITEM, candidate.item)}


def _candidate(row: Row[Any]) -> Candidate:
    """Give the candidate of a row."""
    item, status = load_noun(_ITEM, row.item), CandidateStatus(row.status)
    return Candidate(**{**row._mapping, "item": item, "status": status})
