"""Schedules in the database, and who handles which slot."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, Literal

from sqlalchemy import Row, delete, select, update

from evalbot.people import PersonId, TeamId
from evalbot.reporting.schedules import Schedule, ScheduleId
from evalbot.store.tables import SCHEDULES, SLOTS
from evalbot.store.transaction import Transaction, insert_into

_CLAIMED = "claimed"


async def put_schedule(tx: Transaction, schedule: Schedule) -> None:
    """Save the schedule of a channel; one that was there goes, but its slots stay handled."""
    here = SCHEDULES.c
    same = (here.team == schedule.team) & (here.channel == schedule.channel)
    await tx.execute(update(SCHEDULES).where(same, here.id != schedule.id).values(id=schedule.id))
    await tx.put(SCHEDULES, _values(schedule))


async def list_schedules(tx: Transaction, team: TeamId | None = None) -> list[Schedule]:
    """Give the schedules of a workspace, or of all, oldest first."""
    wanted = select(SCHEDULES).order_by(SCHEDULES.c.created_at, SCHEDULES.c.id)
    rows = await tx.execute(wanted if team is None else wanted.where(SCHEDULES.c.team == team))
    return [_schedule(row) for row in rows]


async def find_schedule(tx: Transaction, team: TeamId, channel: str) -> Schedule | None:
    """Give the schedule of a channel."""
    wanted = select(SCHEDULES).where(SCHEDULES.c.team == team, SCHEDULES.c.channel == channel)
    row = (await tx.execute(wanted)).first()
    return None if row is None else _schedule(row)


async def remove_schedule(tx: Transaction, schedule_id: ScheduleId) -> None:
    """Remove a schedule with its slots; one that is not there is fine."""
    await tx.execute(delete(SCHEDULES).where(SCHEDULES.c.id == schedule_id))


async def claim_slot(tx: Transaction, schedule_id: ScheduleId, slot: str, now: datetime, lease_s: float = 600) -> bool:
    """Take a slot to handle it; False when somebody has. Who took it and has not finished after the lease lost it."""
    statement = insert_into(tx.dialect, SLOTS)
    lapsed = (SLOTS.c.state == _CLAIMED) & (SLOTS.c.claimed_at < now - timedelta(seconds=lease_s))
    statement = statement.on_conflict_do_update(
        index_elements=["schedule_id", "slot"], set_={"claimed_at": statement.excluded.claimed_at}, where=lapsed
    )
    values = {"schedule_id": schedule_id, "slot": slot, "state": _CLAIMED, "claimed_at": now}
    return (await tx.execute(statement.returning(SLOTS.c.slot), values)).first() is not None


async def finish_slot(tx: Transaction, schedule_id: ScheduleId, slot: str, state: Literal["posted", "skipped"]) -> None:
    """Say that a claimed slot is handled for good."""
    await tx.execute(update(SLOTS).where(SLOTS.c.schedule_id == schedule_id, SLOTS.c.slot == slot).values(state=state))


async def slot_state(tx: Transaction, schedule_id: ScheduleId, slot: str) -> str | None:
    """Give claimed, posted or skipped; None for a slot nobody took."""
    wanted = select(SLOTS.c.state).where(SLOTS.c.schedule_id == schedule_id, SLOTS.c.slot == slot)
    state: str | None = (await tx.execute(wanted)).scalar()
    return state


def _values(schedule: Schedule) -> dict[str, Any]:
    """Give the row of a schedule."""
    return {
        "id": schedule.id,
        "team": schedule.team,
        "channel": schedule.channel,
        "day": schedule.day,
        "at": schedule.at.isoformat(),
        "tz": schedule.tz,
        "created_by": schedule.created_by,
        "created_at": schedule.created_at,
        "enabled": schedule.enabled,
    }


def _schedule(row: Row[Any]) -> Schedule:
    """Give the schedule of a row."""
    return Schedule(
        id=ScheduleId(row.id),
        team=TeamId(row.team),
        channel=row.channel,
        day=row.day,
        at=time.fromisoformat(row.at),
        tz=row.tz,
        created_by=PersonId(row.created_by),
        created_at=row.created_at,
        enabled=row.enabled,
    )
