"""Work that waits for its moment beside everything else: expiries and scheduled messages."""

import asyncio
from collections.abc import Callable

from evalbot.playground.clock import Clock


class Background:
    """Calls things later on the movable clock, until the playground stops."""

    def __init__(self, clock: Clock) -> None:
        """Start with nothing to do."""
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def call_later(self, seconds: float, work: Callable[[], None]) -> asyncio.Task[None]:
        """Call something after this many seconds of the workspace's clock; cancel the task to call it off."""
        task = asyncio.get_running_loop().create_task(self._call(seconds, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Call everything off."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _call(self, seconds: float, work: Callable[[], None]) -> None:
        await self._clock.sleep(seconds)
        work()
