"""Deliveries that come more than once, acted on once."""

from __future__ import annotations

from datetime import timedelta

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
