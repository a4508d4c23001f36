"""The throttle and the retries: who gets a turn when, with a clock that only moves when everybody waits."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import pytest

from evalbot.asking.throttle import MOST_REFUSALS, Limits, Throttle, persist
from evalbot.errors import ModelUnavailable


class _JumpingSelector(selectors.DefaultSelector):
    """Moves the loop's clock ahead instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout:
            self.ahead += timeout
        return super().select(0)


class _JumpingLoop(asyncio.SelectorEventLoop):
    """A loop whose time is nothing but the timeouts it slept through."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.ahead


def timed(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a story on a clock of its own, so that minutes take no time."""
    with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
        runner.run(story())


def now() -> float:
    """The loop's time."""
    return asyncio.get_running_loop().time()


class Target:
    """A simulated target: refuses while the storm lasts, with the given chance, and answers after the latency otherwise."""

    def __init__(self, latency_s: float = 0.1, storm_s: float = 0.0, refusing: float = 1.0) -> None:
        self.latency_s, self.storm_s, self.refusing = latency_s, storm_s, refusing
        self.calls: list[float] = []
        self.answers: list[float] = []
        self.rng = random.Random(1)

    async def __call__(self) -> str:
        self.calls.append(now())
        await asyncio.sleep(self.latency_s)
        if self.calls[-1] < self.storm_s and self.rng.random() < self.refusing:
            raise ModelUnavailable("busy", kind="rate_limited")
        self.answers.append(now())
        return "yes"


def refused(retry_after_s: float | None = None) -> ModelUnavailable:
    """A refusal for the rate."""
    return ModelUnavailable("busy", kind="rate_limited", retry_after_s=retry_after_s)


def test_a_storm_of_refusals_is_met_with_few_calls_and_then_full_speed() -> None:
    """With 90 % refused for 60 s there are at most two calls a second, nobody loses the answer, and speed returns within 10 s."""

    async def story() -> None:
        target = Target(storm_s=60.0, refusing=0.9)
        throttle, limits, rng = Throttle(50), Limits(60.0, 300.0), random.Random(2)
        places = asyncio.Semaphore(50)

        async def one() -> str:
            async with places:
                return await persist(target, throttle, limits, rng)

        answers = await asyncio.gather(*(one() for _ in range(8_000)))
        assert answers == ["yes"] * 8_000
        assert sum(at < 60 for at in target.calls) <= 120 + 50
        assert sum(10 <= at < 60 for at in target.calls) <= 2 * 50
        full = 50 / target.latency_s
        assert sum(70 <= at < 71 for at in target.answers) >= 0.9 * full

    timed(story)


def test_retry_after_closes_the_door_for_everybody() -> None:
    """One refusal that names a time keeps all others waiting for that time."""

    async def story() -> None:
        throttle = Throttle(10)
        throttle.refused(now(), 5.0)
        begun_at = now()
        async with throttle.turn(60):
            assert 5.0 <= now() - begun_at <= 5.6

    timed(story)


def test_a_longer_wait_than_the_patience_fails_at_once() -> None:
    """Nobody stands in line for a door that stays closed for too long; the failure says for how long."""

    async def story() -> None:
        throttle = Throttle(10)
        throttle.refused(now(), 100.0)
        begun_at = now()
        with pytest.raises(ModelUnavailable) as caught:
            async with throttle.turn(60):
                pass
        assert now() == begun_at
        assert caught.value.retry_after_s is not None
        assert caught.value.retry_after_s >= 100

    timed(story)


def test_a_wave_of_refusals_narrows_once() -> None:
    """Calls that began before the width was cut say nothing about the new width."""

    async def story() -> None:
        await asyncio.sleep(1)
        throttle = Throttle(40)
        for _ in range(40):
            throttle.answered()
        for _ in range(40):
            throttle.refused(0.5, None)
        assert throttle.width == 20
        throttle.refused(now(), None)
        assert throttle.width == 1
        throttle.answered()
        assert throttle.width == 2

    timed(story)


def test_turns_come_in_order_and_never_too_many() -> None:
    """The line is served first come, first served, and the width holds."""

    async def story() -> None:
        throttle, order, busiest = Throttle(3), [], 0

        async def one(number: int) -> None:
            nonlocal busiest
            async with throttle.turn(100):
                order.append(number)
                busiest = max(busiest, throttle.busy)
                await asyncio.sleep(1)

        await asyncio.gather(*(one(number) for number in range(10)))
        assert order == list(range(10))
        assert busiest == 3
        assert throttle.busy == 0

    timed(story)


def test_giving_up_in_line_costs_nobody_a_place() -> None:
    """Calls that are cancelled or run out of patience while waiting leave the line as it should be."""

    async def story() -> None:
        throttle = Throttle(1)

        async def hold(patience_s: float) -> None:
            async with throttle.turn(patience_s):
                await asyncio.sleep(10)

        first = asyncio.create_task(hold(100))
        impatient = asyncio.create_task(hold(1))
        cancelled = asyncio.create_task(hold(100))
        last = asyncio.create_task(hold(100))
        await asyncio.sleep(2)
        cancelled.cancel()
        results = await asyncio.gather(first, impatient, cancelled, last, return_exceptions=True)
        assert [type(result) for result in results] == [
            type(None),
            ModelUnavailable,
            asyncio.CancelledError,
            type(None),
        ]
        assert throttle.busy == 0
        async with throttle.turn(0.1):
            assert throttle.busy == 1

    timed(story)


def test_cancelled_in_the_moment_of_its_turn_gives_the_turn_on() -> None:
    """A turn that comes in the same moment as the cancellation is not lost."""

    async def story() -> None:
        throttle = Throttle(1)
        first = throttle.turn(10)
        await first.__aenter__()

        async def hold() -> None:
            async with throttle.turn(10):
                pass

        waiting = asyncio.create_task(hold())
        await asyncio.sleep(0)
        await first.__aexit__(None, None, None)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert throttle.busy == 0

    timed(story)


@pytest.mark.parametrize(
    ("kind", "calls"), [("server_error", 3), ("connection", 3), ("unreadable", 3), ("auth", 1), ("bad_reply", 1)]
)
def test_only_what_may_pass_is_asked_again(kind: str, calls: int) -> None:
    """Two retries mean three calls for a passing failure and one for a lasting one."""

    async def story() -> None:
        made = 0

        async def attempt() -> str:
            nonlocal made
            made += 1
            raise ModelUnavailable("no", kind=kind)

        with pytest.raises(ModelUnavailable):
            await persist(attempt, Throttle(5), Limits(60), random.Random(1))
        assert made == calls

    timed(story)


def test_waits_between_retries_grow_and_stay_within_the_deadline() -> None:
    """The waits double with some jitter; attempts and waits together end at the deadline."""

    async def story() -> None:
        at: list[float] = []

        async def attempt() -> str:
            at.append(now())
            raise ModelUnavailable("no", kind="server_error")

        with pytest.raises(ModelUnavailable):
            await persist(attempt, Throttle(5), Limits(60, retries=3), random.Random(1))
        waits = [later - earlier for earlier, later in pairwise(at)]
        for wait, middle in zip(waits, (0.5, 1.0, 2.0), strict=True):
            assert middle * 0.5 <= wait <= middle * 1.5
        at.clear()
        with pytest.raises(ModelUnavailable):
            await persist(attempt, Throttle(5), Limits(3, retries=50), random.Random(1))
        assert at[-1] - at[0] <= 3

    timed(story)


def test_the_deadline_holds_over_all_attempts() -> None:
    """Two slow attempts share one deadline, and time in line is not part of it."""

    async def story() -> None:
        async def slow() -> str:
            await asyncio.sleep(0.7)
            raise ModelUnavailable("no", kind="server_error")

        begun_at = now()
        with pytest.raises(ModelUnavailable):
            await persist(slow, Throttle(5), Limits(2.0, retries=9, first_wait_s=0.01), random.Random(1))
        assert now() - begun_at <= 2.01

        throttle = Throttle(1)
        throttle.refused(now(), 30.0)
        assert await persist(Target(1.0), throttle, Limits(2.0, 60.0), random.Random(1)) == "yes"

    timed(story)


def test_endless_refusals_end() -> None:
    """A target that refuses for ever is asked a bounded number of times."""

    async def story() -> None:
        target = Target(storm_s=float("inf"))
        with pytest.raises(ModelUnavailable) as caught:
            await persist(target, Throttle(5), Limits(60.0, 300.0), random.Random(1))
        assert caught.value.kind == "rate_limited"
        assert len(target.calls) <= MOST_REFUSALS + 1

    timed(story)
