"""Starts of shards in the database: what remains of one tells that a program died while it worked on the shard."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select

from evalbot.runs.outputs import OutputId, RunId
from evalbot.runs.planning import ShardStart
from evalbot.store.tables import SHARD_STARTS
from evalbot.store.transaction import Transaction

_ONE = (SHARD_STARTS.c.run_id == bindparam("run")) & (SHARD_STARTS.c.shard == bindparam("k"))
_FIND = select(SHARD_STARTS.c.first, SHARD_STARTS.c.tries).where(_ONE)
_FORGET = delete(SHARD_STARTS).where(_ONE)


async def find_start(tx: Transaction, run_id: RunId, k: int) -> ShardStart | None:
    """Give the start of a shard that has not ended in order, None when there is none."""
    row = (await tx.execute(_FIND, {"run": run_id, "k": k})).first()
    return None if row is None else ShardStart(OutputId(row.first), row.tries)


async def note_start(tx: Transaction, run_id: RunId, k: int, start: ShardStart) -> None:
    """Note that work on a shard begins."""
    await tx.put(SHARD_STARTS, {"run_id": run_id, "shard": k, "first": start.first, "tries": start.tries})


async def forget_start(tx: Transaction, run_id: RunId, k: int) -> None:
    """Note that work on a shard has ended in order, whether it is complete or not."""
    await tx.execute(_FORGET, {"run": run_id, "k": k})
