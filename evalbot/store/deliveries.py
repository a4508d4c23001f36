"""Deliveries of the chat: which were acted on already; and work of which one program at a time may do it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, update

from evalbot.store.tables import DELIVERIES
from evalbot.store.transaction import Transaction, insert_into


async def first_time(tx: Transaction, delivery_id: str, at: datetime) -> bool:
    """Tell whether a delivery comes for the first time, and remember it."""
    return await tx.add_once(DELIVERIES, {"id": delivery_id, "at": at})


async def forget_deliveries(tx: Transaction, before: datetime) -> None:
    """Forget deliveries older than any redelivery."""
    await tx.execute(delete(DELIVERIES).where(DELIVERIES.c.at < before))


async def claim(tx: Transaction, name: str, at: datetime, lease_s: float) -> bool:
    """Take some work for a while; False while another program has it, who loses it when it is silent for the lease."""
    statement = insert_into(tx.dialect, DELIVERIES)
    lapsed = DELIVERIES.c.at < at - timedelta(seconds=lease_s)
    statement = statement.on_conflict_do_update(index_elements=["id"], set_={"at": statement.excluded.at}, where=lapsed)
    return (await tx.execute(statement.returning(DELIVERIES.c.id), {"id": name, "at": at})).first() is not None


async def renew(tx: Transaction, name: str, at: datetime) -> None:
    """Show that claimed work goes on."""
    await tx.execute(update(DELIVERIES).where(DELIVERIES.c.id == name), {"at": at})


async def give_back(tx: Transaction, name: str) -> None:
    """Let others have the work."""
    await tx.execute(delete(DELIVERIES).where(DELIVERIES.c.id == name))
