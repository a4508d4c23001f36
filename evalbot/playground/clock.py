"""A clock that runs in real time and can be moved forward by hand."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(eq=False)
class _Sleeper:
    """One task that waits for a moment of the clock."""

    due: float
    woken: asyncio.Future[None]
    timer: asyncio.TimerHandle | None = None


class Clock:
    """Tells the time of the workspace; it never runs backwards."""

    def __init__(self, start: float | None = None) -> None:
        """start: epoch seconds of the first moment; None means the real time."""
        self._offset = 0.0 if start is None else start - time.time()
        self._last_micros = 0
        self._sleepers: set[_Sleeper] = set()
        self.moved: Callable[[], None] = lambda: None

    def now(self) -> float:
        """Return the present moment in epoch seconds."""
        return time.time() + self._offset

    def next_ts(self) -> str:
        """Return a message id: the present moment, strictly later than every id before."""
        self._last_micros = max(int(self.now() * 1_000_000), self._last_micros + 1)
        return f"{self._last_micros // 1_000_000}.{self._last_micros % 1_000_000:06d}"

    def advance(self, seconds: float) -> None:
        """Move the clock forward and wake every sleeper whose moment has come."""
        if seconds < 0:
            raise ValueError("The clock only moves forward; give a number of seconds above zero.")
        self._offset += seconds
        for sleeper in sorted(self._sleepers, key=lambda one: one.due):
            self._set_timer(sleeper)
        self.moved()

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has gone on by this much, by itself or moved."""
        sleeper = _Sleeper(self.now() + seconds, asyncio.get_running_loop().create_future())
        self._sleepers.add(sleeper)
        self._set_timer(sleeper)
        try:
            await sleeper.woken
        finally:
            self._sleepers.discard(sleeper)
            if sleeper.timer is not None:
                sleeper.timer.cancel()

    def _set_timer(self, sleeper: _Sleeper) -> None:
        if sleeper.timer is not None:
            sleeper.timer.cancel()
        delay = max(0.0, sleeper.due - self.now())
        sleeper.timer = sleeper.woken.get_loop().call_later(delay, _wake, sleeper)


def _wake(sleeper: _Sleeper) -> None:
    if not sleeper.woken.done():
        sleeper.woken.set_result(None)
