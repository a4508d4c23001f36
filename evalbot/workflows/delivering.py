"""Deliveries that come more than once, acted on once; and work that several programs come to, done by one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from evalbot.errors import OutsideError
from evalbot.store import deliveries
from evalbot.store.database import Transaction
from evalbot.workflows.services import Services

KEEP = timedelta(days=2)
"""Deliveries are remembered this long; nothing is delivered again later than that."""


async def first_time(services: Services, delivery_id: str) -> bool:
    """Tell whether something is delivered for the first time, and remember it; holds across restarts."""
    return await services.store.write(lambda tx: deliveries.first_time(tx, delivery_id, services.now()))


async def forget_old(services: Services) -> None:
    """Forget deliveries that cannot come again."""

    async def forget(tx: Transaction) -> None:
        await deliveries.forget_deliveries(tx, services.now() - KEEP)

    await services.store.write(forget)


@contextlib.asynccontextmanager
async def claimed(services: Services, name: str, lease_s: float) -> AsyncIterator[bool]:
    """Tell whether this program may do some work now; while it does, no other may, unless it dies and the lease runs out."""
    mine = await services.store.write(lambda tx: deliveries.claim(tx, name, services.now(), lease_s))
    if not mine:
        yield False
        return
    alive = asyncio.create_task(_stay_alive(services, name, lease_s / 3), name=f"claim {name}")
    try:
        yield True
    finally:
        alive.cancel()
        await asyncio.gather(alive, return_exceptions=True)
        await services.store.write(lambda tx: deliveries.give_back(tx, name))


async def _stay_alive(services: Services, name: str, pause_s: float) -> None:
    """Renew a claim until cancelled; a database that is away is tried again."""
    while True:
        await asyncio.sleep(pause_s)
        with contextlib.suppress(OutsideError):
            await services.store.write(lambda tx: deliveries.renew(tx, name, services.now()))
