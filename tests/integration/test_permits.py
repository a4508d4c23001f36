"""Limits of providers: one process keeps its own, several share one through the database."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import NoReturn

import pytest

from evalbot.asking.permits import OwnPermits
from evalbot.asking.throttle import Limits, Throttle, persist
from evalbot.engines.shared_permits import SharedPermits
from evalbot.errors import ModelUnavailable, OutsideError
from evalbot.store import permits
from evalbot.store.database import Store

ENDPOINT = "openai:0123"


@pytest.fixture
async def stores(postgresql_url: str) -> AsyncIterator[list[Store]]:
    """The same database as three processes see it."""
    opened = [await Store.open(postgresql_url) for _ in range(3)]
    yield opened
    for store in opened:
        await store.close()


async def count_taken(shared: SharedPermits, seconds: float, at_once: int = 10) -> list[float]:
    """Take as many permits as one can for a while; gives the loop times at which they were good."""
    loop = asyncio.get_running_loop()
    until, taken = loop.time() + seconds, []

    async def go_on() -> None:
        while loop.time() < until:
            await shared.take(30)
            taken.append(loop.time())

    await asyncio.gather(*(go_on() for _ in range(at_once)))
    return [at for at in taken if at < until]


@pytest.mark.short
async def test_three_processes_share_one_limit(stores: list[Store]) -> None:
    """At 40 a second three greedy processes get 40 a second together, after a burst of one second at most, and each its part."""
    shared = [SharedPermits(store, ENDPOINT, 40) for store in stores]
    taken = await asyncio.gather(*(count_taken(one, 1.5) for one in shared))
    together = sum(map(len, taken))
    assert 0.6 * 60 <= together <= 60 + 40 + 1, taken
    assert all(len(one) >= 10 for one in taken)


async def test_endpoints_do_not_share(stores: list[Store]) -> None:
    """What is taken of one endpoint's permits is not taken from another's."""
    first, second = SharedPermits(stores[0], "a", 1), SharedPermits(stores[1], "b", 1)
    await asyncio.wait_for(asyncio.gather(first.take(5), second.take(5)), 0.9)


async def test_a_refusal_pauses_everybody(stores: list[Store]) -> None:
    """When one process is refused for a while, another one that is asking stops within one, and goes on after them."""
    loop = asyncio.get_running_loop()
    first, second = SharedPermits(stores[0], ENDPOINT, None), SharedPermits(stores[1], ENDPOINT, None)
    await second.take(5)
    refused_at = loop.time()
    await first.refused(1.4)
    taken: list[float] = []
    while loop.time() < refused_at + 1.8:
        await second.take(5)
        taken.append(loop.time() - refused_at)
        await asyncio.sleep(0.02)
    assert [at for at in taken if 0.9 < at < 1.3] == []
    assert any(at >= 1.3 for at in taken)


async def test_a_429_in_one_worker_holds_another_back(stores: list[Store]) -> None:
    """The line in front of a target tells the others of a refusal, with the seconds that the target asked for."""
    limits = Limits(deadline_s=5, line_s=0.2, retries=0)

    async def refuse() -> NoReturn:
        raise ModelUnavailable("Too fast.", kind="rate_limited", retry_after_s=60)

    lines = [Throttle(4, permits=SharedPermits(store, ENDPOINT, None)) for store in stores[:2]]
    with pytest.raises(ModelUnavailable):
        await persist(refuse, lines[0], limits, random.Random(1))
    asked = []

    async def answer() -> str:
        asked.append(1)
        return "answer"

    with pytest.raises(ModelUnavailable, match="waiting for a turn") as held:
        await persist(answer, lines[1], limits, random.Random(1))
    assert (held.value.kind, asked) == ("rate_limited", [])
    assert held.value.retry_after_s is not None
    assert 50 < held.value.retry_after_s <= 60


async def test_a_turn_that_comes_too_late_is_refused_at_once(stores: list[Store]) -> None:
    """Nobody waits in vain: who has less patience than the wait hears so."""
    slow = SharedPermits(stores[0], ENDPOINT, 0.1)
    await slow.take(1)
    with pytest.raises(ModelUnavailable, match="limiting requests"):
        await asyncio.wait_for(slow.take(0.5), 2)


class _Away:
    """A store whose database is away."""

    async def read(self, work: object) -> NoReturn:
        raise OutsideError("The database cannot be reached.")

    record = read


async def test_without_the_database_calls_go_on_at_the_own_rate() -> None:
    """A database that is away holds no call back for ever, nor lets all of them go."""
    alone = SharedPermits(_Away(), ENDPOINT, 50)  # type: ignore[arg-type]
    taken = await count_taken(alone, 0.5)
    assert 10 <= len(taken) <= 0.5 * 50 + 26


async def test_an_own_limit_is_kept() -> None:
    """One process alone at 50 a second: a burst of a second at most, then 50 a second."""
    own = OwnPermits(50)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await asyncio.gather(*(own.take(10) for _ in range(75)))
    assert 0.4 <= loop.time() - begun <= 1.5
    with pytest.raises(ModelUnavailable):
        await asyncio.gather(*(own.take(0.1) for _ in range(20)))


async def test_blocks_on_both_databases(store: Store) -> None:
    """Calls are handed out one after the other at the rate; a pause is remembered, a shorter one does not shorten it."""
    first = await store.record(lambda tx: permits.take_block(tx, ENDPOINT, 10, 10.0, 0.5))
    assert first.first_in_s == pytest.approx(-0.5, abs=0.2)
    second = await store.record(lambda tx: permits.take_block(tx, ENDPOINT, 10, 10.0, 0.5))
    assert second.first_in_s == pytest.approx(0.5, abs=0.2)
    assert second.closed_for_s < 0
    assert await store.read(lambda tx: permits.closed_for(tx, "another")) == 0
    for pause in (30.0, 5.0):
        await store.record(lambda tx, pause=pause: permits.close_endpoint(tx, ENDPOINT, pause))  # type: ignore[misc]
    assert await store.read(lambda tx: permits.closed_for(tx, ENDPOINT)) == pytest.approx(30, abs=1)
