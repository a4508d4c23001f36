"""Permits shared by all workers: handed out in blocks by the database, and a refusal that one of them meets pauses all."""

from __future__ import annotations

import asyncio
import logging

from evalbot.asking.permits import BURST_S, too_long
from evalbot.errors import OutsideError
from evalbot.store import permits
from evalbot.store.database import Store

log = logging.getLogger(__name__)

LARGEST_BLOCK = 20
BLOCK_S = 0.5
"""A block holds the calls of so many seconds: the row stays cool, and little is lost with a worker that dies."""

SAME_WAVE_S = 0.25
"""Refusals that would close an endpoint for no longer than this are not told again: many calls of one wave are refused."""

LOOK_S = 0.5
"""How old what is known of others' refusals may be."""


class SharedPermits:
    """The permits of one endpoint for this process; `per_s` None means that nothing but others' refusals is waited for.

    While the database is away, calls go on at the rate as this process alone knows it: a run then waits for the database anyway.
    """

    def __init__(self, store: Store, endpoint: str, per_s: float | None) -> None:
        self._store = store
        self._endpoint = endpoint
        self._per_s = per_s
        self._next_at = 0.0
        self._left = 0
        self._looked_at = float("-inf")
        self._closed_until = float("-inf")
        self._turn = asyncio.Lock()  # one caller at a time takes from the block, so that none is taken twice

    async def take(self, patience_s: float) -> None:
        """Take a permit and wait until it is good and the endpoint open."""
        patient_until = _now() + patience_s
        try:
            async with asyncio.timeout(patience_s), self._turn:
                good_at = await self._next()
        except TimeoutError:
            raise too_long(max(0.0, self._closed_until - _now())) from None
        while (wait := max(good_at, self._closed_until) - _now()) > 0:
            if _now() + wait > patient_until:
                raise too_long(wait)
            await asyncio.sleep(min(wait, LOOK_S))
            await self._look()

    async def refused(self, pause_s: float) -> None:
        """Close the endpoint for all who share the database."""
        until = _now() + pause_s
        if until <= self._closed_until + SAME_WAVE_S:
            return
        self._closed_until = until
        try:
            await self._store.record(lambda tx: permits.close_endpoint(tx, self._endpoint, pause_s))
        except OutsideError as error:
            log.warning("a refusal is not shared: %s", error.message, extra={"action": "refusal_unshared"})

    async def _next(self) -> float:
        """Give the loop time from which on the caller's permit is good."""
        await self._look()
        if self._per_s is None:
            return _now()
        if not self._left or self._next_at < _now() - BURST_S:
            await self._take_block(self._per_s)
        good_at = self._next_at
        self._left -= 1
        self._next_at += 1 / self._per_s
        return good_at

    async def _take_block(self, per_s: float) -> None:
        """Get more permits from the database."""
        calls = max(1, min(LARGEST_BLOCK, round(per_s * BLOCK_S)))
        burst_s = max(0.0, BURST_S - calls / per_s)
        try:
            block = await self._store.record(lambda tx: permits.take_block(tx, self._endpoint, calls, per_s, burst_s))
        except OutsideError:
            self._next_at, self._left = max(self._next_at, _now()), calls
            return
        self._next_at, self._left = _now() + block.first_in_s, calls
        self._note(block.closed_for_s)

    async def _look(self) -> None:
        """Learn whether somebody else was refused, not too often."""
        if _now() - self._looked_at < LOOK_S:
            return
        self._looked_at = _now()
        try:
            self._note(await self._store.read(lambda tx: permits.closed_for(tx, self._endpoint)))
        except OutsideError:
            return

    def _note(self, closed_for_s: float) -> None:
        self._closed_until = max(self._closed_until, _now() + closed_for_s)


def _now() -> float:
    """Give the loop's time."""
    return asyncio.get_running_loop().time()
