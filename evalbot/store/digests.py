"""Digests in the database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, select

from evalbot.errors import UnknownName
from evalbot.people import TeamId
from evalbot.reporting.digests import Digest
from evalbot.store.json_text import dump_noun, load_noun
from evalbot.store.tables import DIGESTS
from evalbot.store.transaction import Transaction

_DIGEST = TypeAdapter(Digest)


async def add_digest(tx: Transaction, digest: Digest) -> None:
    """Add a digest; the first one of a channel and slot stays."""
    values = {
        "id": digest.id,
        "team": digest.team,
        "channel": digest.channel,
        "slot": digest.slot,
        "body": dump_noun(_DIGEST, digest),
        "composed_at": digest.composed_at,
    }
    await tx.add_once(DIGESTS, values)


async def find_digest(tx: Transaction, team: TeamId, channel: str, slot: str) -> Digest | None:
    """Give the digest of a channel and slot."""
    here = DIGESTS.c
    wanted = select(DIGESTS).where(here.team == team, here.channel == channel, here.slot == slot)
    row = (await tx.execute(wanted)).first()
    return None if row is None else _digest(row)


async def get_digest(tx: Transaction, digest_id: str) -> Digest:
    """Give a digest by id; raises UnknownName."""
    row = (await tx.execute(select(DIGESTS).where(DIGESTS.c.id == digest_id))).first()
    if row is None:
        raise UnknownName("There is no such digest.", "Open it again from its message.")
    return _digest(row)


async def list_digests(tx: Transaction, team: TeamId, limit: int) -> list[Digest]:
    """Give the newest digests of a workspace, newest first."""
    wanted = select(DIGESTS).where(DIGESTS.c.team == team)
    rows = await tx.execute(wanted.order_by(DIGESTS.c.composed_at.desc(), DIGESTS.c.id).limit(limit))
    return [_digest(row) for row in rows]


def _digest(row: Row[Any]) -> Digest:
    """Give the digest of a row; the row knows best whose it is."""
    return replace(load_noun(_DIGEST, row.body), team=TeamId(row.team))
