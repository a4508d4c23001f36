"""A channel has one schedule, and a slot is handled by one program."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import time

from evalbot.reporting.schedules import Schedule, ScheduleId
from evalbot.store import schedules
from evalbot.store.database import Store
from tests.integration.store.store_nouns import ANN, NOON, OTHER_TEAM, TEAM, later

WEEKLY = Schedule(ScheduleId("s1"), TEAM, "C1", "mon", time(9, 0), "Europe/Berlin", ANN, NOON)
SLOT = "2026-11-23"


async def put(store: Store, *given: Schedule) -> None:
    """Save schedules."""
    for schedule in given:
        await store.write(lambda tx, schedule=schedule: schedules.put_schedule(tx, schedule))  # type: ignore[misc]


async def claim(store: Store, minutes: float, schedule: Schedule = WEEKLY) -> bool:
    """Claim the slot at a time after noon."""
    return await store.write(lambda tx: schedules.claim_slot(tx, schedule.id, SLOT, later(minutes)))


async def state(store: Store, schedule: Schedule = WEEKLY) -> str | None:
    """Read the state of the slot."""
    return await store.read(lambda tx: schedules.slot_state(tx, schedule.id, SLOT))


async def test_channel_has_one_schedule(store: Store) -> None:
    """Saving a schedule for a channel that has one replaces it, under its own id as under a new one."""
    other = replace(WEEKLY, id=ScheduleId("s2"), channel="C2", team=OTHER_TEAM, created_at=later(1))
    await put(store, WEEKLY, other, replace(WEEKLY, day="tue"))
    newer = replace(WEEKLY, id=ScheduleId("s3"), day="fri")
    await put(store, newer)
    assert await store.read(schedules.list_schedules) == [newer, other]
    assert await store.read(lambda tx: schedules.list_schedules(tx, TEAM)) == [newer]
    assert await store.read(lambda tx: schedules.find_schedule(tx, TEAM, "C1")) == newer
    assert await store.read(lambda tx: schedules.find_schedule(tx, OTHER_TEAM, "C1")) is None


async def test_new_schedule_keeps_what_was_posted(store: Store) -> None:
    """Moving the digest to another hour of the same day does not post the day's digest again."""
    await put(store, WEEKLY)
    assert await claim(store, 0)
    await store.write(lambda tx: schedules.finish_slot(tx, WEEKLY.id, SLOT, "posted"))
    newer = replace(WEEKLY, id=ScheduleId("s9"), at=time(15, 30))
    await put(store, newer)
    assert await state(store, newer) == "posted"
    assert not await claim(store, 60, newer)


async def test_one_of_many_claims_a_slot(store: Store) -> None:
    """Programs that claim a slot at the same moment have one winner."""
    await put(store, WEEKLY)
    other = await Store.open(store.url.render_as_string(hide_password=False))
    try:
        wins = await asyncio.gather(*(claim(door, 0) for door in (store, other) * 5))
    finally:
        await other.close()
    assert wins.count(True) == 1
    assert await state(store) == "claimed"


async def test_lapsed_claim_may_be_taken_again(store: Store) -> None:
    """A program that died with a claim loses it after the lease; a handled slot stays handled."""
    await put(store, WEEKLY)
    assert await state(store) is None
    assert await claim(store, 0)
    assert not await claim(store, 10)
    assert await claim(store, 10.1)
    assert not await claim(store, 20)
    await store.write(lambda tx: schedules.finish_slot(tx, WEEKLY.id, SLOT, "skipped"))
    assert not await claim(store, 1000)
    assert await state(store) == "skipped"


async def test_removed_schedule_is_gone_with_its_slots(store: Store) -> None:
    """Removing is complete, and removing again is fine."""
    await put(store, WEEKLY)
    await claim(store, 0)
    for _ in range(2):
        await store.write(lambda tx: schedules.remove_schedule(tx, WEEKLY.id))
    assert await store.read(schedules.list_schedules) == []
    assert await state(store) is None
