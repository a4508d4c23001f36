"""How many calls go to one target at once, how fast, and how long a call may take: limits that bend when the target refuses."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from evalbot.asking.failures import RETRYABLE
from evalbot.asking.metering import METER
from evalbot.asking.permits import AnyNumber, Permits, too_long
from evalbot.errors import ModelUnavailable

T = TypeVar("T")

FIRST_PAUSE_S = 0.5
LONGEST_OWN_PAUSE_S = 3.0
LONGEST_ASKED_PAUSE_S = 3600.0
"""A target that asks for a longer pause than this gets this one."""

MOST_REFUSALS = 10
"""How often one call is put again after being refused for the rate, time permitting."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may take: seconds of asking (attempts and the waits between them), seconds in line, attempts, bytes."""

    deadline_s: float = 60.0
    line_s: float = 300.0
    retries: int = 2
    max_bytes: int = 2_000_000
    first_wait_s: float = 0.5


@dataclass(slots=True)
class Tally:
    """What one line has seen so far: attempts begun, how they ended (`answered` or the kind of failure), seconds spent in line."""

    begun: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    waited_s: float = 0.0


class Throttle:
    """The line in front of one target: at most `limit` calls at once, fewer while it refuses.

    A refusal closes the door for as long as the target asks, or for a pause that doubles with each refusal in a row. A target
    that mostly answered goes on at half the width, one that did not with a single call. Each answer opens the width by one,
    so it doubles with every round of answers. Belongs to one event loop.
    """

    def __init__(self, limit: int, rng: random.Random | None = None, permits: Permits | None = None) -> None:
        self.limit = limit
        self.width = limit
        self.busy = 0
        self.tally = Tally()
        self.permits = permits or AnyNumber()
        self._rng = rng or random.Random()
        self._line: deque[asyncio.Future[None]] = deque()
        self._closed_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._refused_in_a_row = 0
        self._answered = 0
        self._narrowed_at = 0.0

    @asynccontextmanager
    async def turn(self, patience_s: float) -> AsyncIterator[None]:
        """Hold one of the places; raises ModelUnavailable (rate_limited) when none comes free within the patience."""
        lined_up_at = self._now()
        await self._enter(patience_s)
        try:
            await self.permits.take(patience_s - (self._now() - lined_up_at))
            self.tally.waited_s += self._now() - lined_up_at
            self.tally.begun += 1
            yield
        finally:
            self.busy -= 1
            self._admit()

    @property
    def in_line(self) -> int:
        """How many calls wait for a place."""
        return len(self._line)

    def answered(self) -> None:
        """Note that the target took a call."""
        self._refused_in_a_row = 0
        self._answered += 1
        self.width = min(self.limit, self.width + 1)

    def refused(self, begun_at: float, retry_after_s: float | None) -> float:
        """Note that the target refused a call that began at a loop time; gives the pause in seconds.

        Calls of one wave narrow the width once.
        """
        now = self._now()
        if begun_at >= self._narrowed_at:
            healthy = self._answered >= self.width
            self.width = max(1, self.width // 2) if healthy else 1
            self._answered = 0
            self._narrowed_at = now
            self._refused_in_a_row += 1
        own = min(LONGEST_OWN_PAUSE_S, FIRST_PAUSE_S * 2 ** min(10, self._refused_in_a_row - 1))
        pause = own if retry_after_s is None else min(retry_after_s, LONGEST_ASKED_PAUSE_S)
        self._close_until(now + pause * (1 + 0.1 * self._rng.random()))
        return pause

    async def _enter(self, patience_s: float) -> None:
        """Wait in line for a place and take it."""
        now = self._now()
        if self._closed_until - now > patience_s:
            raise too_long(self._closed_until - now)
        if not self._line and self.busy < self.width and now >= self._closed_until:
            self.busy += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(place)
        self._admit()
        try:
            async with asyncio.timeout(patience_s):
                await place
        except TimeoutError:
            self._leave_line(place)
            raise too_long(max(0.0, self._closed_until - self._now())) from None
        except asyncio.CancelledError:
            self._leave_line(place)
            raise

    def _leave_line(self, place: asyncio.Future[None]) -> None:
        """Give up a place in line, or the turn that came in the very same moment."""
        if place.done() and not place.cancelled():
            self.busy -= 1
        elif place in self._line:
            self._line.remove(place)
        self._admit()

    def _admit(self) -> None:
        """Let in whoever is next while there is room; while the door is closed, come back when it opens."""
        wait = self._closed_until - self._now()
        if wait > 0:
            self._come_back(wait)
            return
        while self._line and self.busy < self.width:
            place = self._line.popleft()
            if not place.done():
                self.busy += 1
                place.set_result(None)

    def _come_back(self, wait_s: float) -> None:
        """Look again after a while, once, if anybody waits."""
        if self._line and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._timer_rang)

    def _timer_rang(self) -> None:
        self._timer = None
        self._admit()

    def _close_until(self, time: float) -> None:
        """Keep the door closed until a loop time, unless it is closed for longer already."""
        self._closed_until = max(self._closed_until, time)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()


async def persist(attempt: Callable[[], Awaitable[T]], throttle: Throttle, limits: Limits, rng: random.Random) -> T:
    """Make attempts until one succeeds, fails for good, or time or attempts are used up; raises its ModelUnavailable.

    The time in line is counted apart from the time of asking, so that a narrow width costs nobody the answer.
    """
    loop = asyncio.get_running_loop()
    meter = METER.get()
    asking_left, line_left = limits.deadline_s, limits.line_s
    failures = refusals = 0
    while True:
        if (
            meter is not None
        ):  # before the line: who waits for money must not hold the place of who could give some back
            await meter.begin()
        lined_up_at = loop.time()
        async with throttle.turn(line_left):
            begun_at = loop.time()
            line_left -= begun_at - lined_up_at
            try:
                async with asyncio.timeout(asking_left):
                    answer = await attempt()
                throttle.answered()
                throttle.tally.ended["answered"] += 1
                return answer
            except TimeoutError:
                throttle.tally.ended["timeout"] += 1
                raise _late(limits.deadline_s) from None
            except ModelUnavailable as failure:
                last = failure
                if meter is not None:
                    meter.fail(failure)
                throttle.tally.ended[failure.kind] += 1
                if _is_refusal(failure):
                    await throttle.permits.refused(throttle.refused(begun_at, failure.retry_after_s))
        asking_left -= loop.time() - begun_at
        refusals += last.kind == "rate_limited"
        failures += last.kind != "rate_limited"
        if last.kind not in RETRYABLE or failures > limits.retries or refusals > MOST_REFUSALS:
            raise last
        wait = 0.0 if _is_refusal(last) else limits.first_wait_s * 2 ** (failures - 1) * (0.5 + rng.random())
        asking_left -= wait
        if asking_left <= 0 or (last.retry_after_s or 0.0) > line_left:
            raise last
        await asyncio.sleep(wait)


def _is_refusal(failure: ModelUnavailable) -> bool:
    """Tell whether the target asks for fewer calls: by 429, or by a busy signal that says when to come back."""
    return failure.kind == "rate_limited" or (failure.kind == "server_error" and failure.retry_after_s is not None)


def _late(deadline_s: float) -> ModelUnavailable:
    return ModelUnavailable(
        f"No whole answer within {deadline_s:g} s.", "Try again later or raise the target's timeout.", kind="timeout"
    )
