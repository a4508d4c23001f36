"""Permission to call an endpoint, so many calls a minute: asked for before each call, in one process or shared by many."""

from __future__ import annotations

import asyncio
from typing import Protocol

from evalbot.errors import ModelUnavailable

BURST_S = 1.0
"""The calls of so many seconds may come at once after a pause."""


class Permits(Protocol):
    """The permits of one endpoint."""

    async def take(self, patience_s: float) -> None:
        """Wait until one more call may go out; raises ModelUnavailable (rate_limited) when that takes longer than the patience."""

    async def refused(self, pause_s: float) -> None:
        """Note that the endpoint wants no calls for a while, for all who share it."""


class AnyNumber:
    """Permits for an endpoint without a limit that one process alone asks."""

    async def take(self, patience_s: float) -> None:
        """Let every call go."""

    async def refused(self, pause_s: float) -> None:
        """Tell nobody: who was refused waits by himself."""


class OwnPermits:
    """So many permits a second for this process alone: each is good from a moment on, and unused ones fill a burst at most."""

    def __init__(self, per_s: float) -> None:
        self._each_s = 1 / per_s
        self._burst_s = max(0.0, BURST_S - self._each_s)
        self._next_at = float("-inf")

    async def take(self, patience_s: float) -> None:
        """Take the next permit and wait until it is good."""
        now = asyncio.get_running_loop().time()
        good_at = max(self._next_at, now - self._burst_s)
        if good_at - now > patience_s:
            raise too_long(good_at - now)
        self._next_at = good_at + self._each_s
        if good_at > now:
            await asyncio.sleep(good_at - now)

    async def refused(self, pause_s: float) -> None:
        """Tell nobody: who was refused waits by himself."""


def too_long(wait_s: float) -> ModelUnavailable:
    """Give the failure of a call whose turn would come too late."""
    return ModelUnavailable(
        "The target is limiting requests, and waiting for a turn took too long.",
        "Lower the concurrency or try again later.",
        kind="rate_limited",
        retry_after_s=wait_s,
    )
