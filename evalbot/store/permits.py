"""The limits of providers in the database: calls handed out in blocks to all processes that share it, by the database's clock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sqlalchemy import Executable, Float, bindparam, cast, extract, func, literal_column, select

from evalbot.store.tables import PERMITS
from evalbot.store.transaction import Transaction, insert_into

_NOW = {
    "postgresql": cast(extract("epoch", func.clock_timestamp()), Float),
    "sqlite": literal_column("(julianday('now') - 2440587.5) * 86400.0", Float),
}


@dataclass(frozen=True, slots=True)
class Block:
    """Calls that were handed out: in how many seconds the first is due (negative: it was due before), and when it opens again."""

    first_in_s: float
    closed_for_s: float


async def take_block(tx: Transaction, endpoint: str, calls: int, per_s: float, burst_s: float) -> Block:
    """Hand out the next calls to an endpoint, one after the other at its rate; what was not used fills a burst at most."""
    values = {"endpoint": endpoint, "taken_s": calls / per_s, "burst_s": burst_s}
    row = (await tx.execute(_take(tx.dialect), values)).one()
    return Block(row.free_at - row.now - calls / per_s, row.closed_until - row.now)


async def close_endpoint(tx: Transaction, endpoint: str, pause_s: float) -> None:
    """Say that an endpoint wants no calls for a while, unless it is closed for longer already."""
    await tx.execute(_close(tx.dialect), {"endpoint": endpoint, "pause_s": pause_s})


async def closed_for(tx: Transaction, endpoint: str) -> float:
    """Tell for how many seconds an endpoint wants no calls; 0 or less when it is open."""
    now = _NOW[tx.dialect]
    wanted = select(PERMITS.c.closed_until - now).where(PERMITS.c.endpoint == endpoint)
    found: float | None = (await tx.execute(wanted)).scalar()
    return found or 0.0


@cache
def _take(dialect: str) -> Executable:
    """Give the statement that moves an endpoint's mark by a block, and tells where it is now."""
    now, taken, burst = _NOW[dialect], bindparam("taken_s", type_=Float), bindparam("burst_s", type_=Float)
    greatest = func.greatest if dialect == "postgresql" else func.max
    statement = insert_into(dialect, PERMITS).values(
        endpoint=bindparam("endpoint"), free_at=now - burst + taken, closed_until=0.0
    )
    moved = greatest(PERMITS.c.free_at, now - burst) + taken
    return statement.on_conflict_do_update(index_elements=["endpoint"], set_={"free_at": moved}).returning(
        PERMITS.c.free_at, PERMITS.c.closed_until, now.label("now")
    )


@cache
def _close(dialect: str) -> Executable:
    """Give the statement that closes an endpoint."""
    until = _NOW[dialect] + bindparam("pause_s", type_=Float)
    greatest = func.greatest if dialect == "postgresql" else func.max
    statement = insert_into(dialect, PERMITS).values(endpoint=bindparam("endpoint"), free_at=0.0, closed_until=until)
    later = greatest(PERMITS.c.closed_until, statement.excluded.closed_until)
    return statement.on_conflict_do_update(index_elements=["endpoint"], set_={"closed_until": later})
