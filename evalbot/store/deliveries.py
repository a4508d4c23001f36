"""Deliveries of the chat: which were acted on already."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete

from evalbot.store.tables import DELIVERIES
from evalbot.store.transaction import Transaction


async def first_time(tx: Transaction, delivery_id: str, at: datetime) -> bool:
    """Tell whether a delivery comes for the first time, and remember it."""
    return await tx.add_once(DELIVERIES, {"id": delivery_id, "at": at})


async def forget_deliveries(tx: Transaction, before: datetime) -> None:
    """Forget deliveries older than any redelivery."""
    await tx.execute(delete(DELIVERIES).where(DELIVERIES.c.at < before))
