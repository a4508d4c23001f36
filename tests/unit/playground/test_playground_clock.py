"""The clock of the workspace."""

import asyncio

import pytest

from evalbot.playground.clock import Clock


def test_message_ids_grow_even_within_one_microsecond() -> None:
    """Ten thousand ids in a row are strictly increasing strings of equal form."""
    clock = Clock(start=1_770_000_000.0)
    ids = [clock.next_ts() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert {len(one) for one in ids} == {17}


def test_clock_can_not_be_moved_back() -> None:
    """A negative step is refused."""
    with pytest.raises(ValueError, match="only moves forward"):
        Clock().advance(-1)


async def test_sleeper_wakes_when_the_clock_is_moved() -> None:
    """An hour of waiting ends at once when the clock is moved by an hour."""
    clock = Clock()
    sleeper = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)
    clock.advance(3599)
    assert not sleeper.done()
    clock.advance(2)
    await asyncio.wait_for(sleeper, 20)


async def test_cancelled_sleeper_leaves_nothing_behind() -> None:
    """A cancelled wait does not disturb a later move of the clock."""
    clock = Clock()
    sleeper = asyncio.create_task(clock.sleep(10))
    await asyncio.sleep(0)
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    clock.advance(20)
