"""The rate of an endpoint: stated in the config, shared by its targets, and counted in their lines."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from evalbot.asking.answerers import ModelAnswerers
from evalbot.asking.http_config import read_app_config
from evalbot.asking.permits import AnyNumber, OwnPermits, Permits, too_long
from evalbot.asking.target_config import read_config
from evalbot.asking.throttle import Limits, Throttle, persist
from evalbot.errors import BadRequest, ModelUnavailable
from evalbot.suites.targets import Target

QUICK = Limits(deadline_s=1, line_s=0.2, retries=0)


def target(name: str = "openai:m", **config: object) -> Target:
    """Give a target with a config."""
    return Target(name, "m", config)  # type: ignore[arg-type]


def test_a_rate_is_a_number_above_zero() -> None:
    """Whole and broken numbers are taken for models and apps alike; everything else is refused, named and not repeated."""
    assert read_config(target(requests_per_minute=500)).requests_per_minute == 500
    assert read_config(target(requests_per_minute=0.5)).requests_per_minute == 0.5
    assert read_config(target()).requests_per_minute is None
    assert "requests_per_minute" not in read_config(target(requests_per_minute=5)).parameters
    app = Target("http", "app", {"url": "https://bot.example.com", "requests_per_minute": 60})
    assert read_app_config(app, {}).requests_per_minute == 60
    refused: tuple[object, ...] = (0, -1, "many", True, [], 1e9, float("inf"))
    for wrong in refused:
        with pytest.raises(BadRequest, match="wrong requests_per_minute"):
            read_config(target(requests_per_minute=wrong))


def test_targets_of_one_endpoint_share_its_permits(tmp_path: Path) -> None:
    """Another system text is another target of the same endpoint; another model or address is another endpoint."""
    asked: list[tuple[str, float | None]] = []

    def permits(endpoint: str, per_s: float | None) -> Permits:
        asked.append((endpoint, per_s))
        return AnyNumber()

    models = ModelAnswerers(None, "sk-canary", tmp_path, permits=permits)
    for system in ("short", "long"):
        models.answerer(target(system=system, requests_per_minute=120))
    models.answerer(target("openai:other", requests_per_minute=120))
    models.answerer(target(base_url="https://elsewhere.example.com/v1", api_key_env="PATH", requests_per_minute=120))
    assert len(asked) == len({endpoint for endpoint, _ in asked}) == 3
    assert {per_s for _, per_s in asked} == {2.0}
    assert [line.label for line in models.lines] == ["openai:m", "openai:m", "openai:other", "openai:m"]
    assert not any("canary" in endpoint or "example" in endpoint for endpoint, _ in asked)


class Refusing:
    """Permits that are never given, and note what they are told."""

    def __init__(self) -> None:
        self.told: list[float] = []

    async def take(self, patience_s: float) -> None:
        """Have none."""
        raise too_long(9)

    async def refused(self, pause_s: float) -> None:
        """Note it."""
        self.told.append(pause_s)


async def test_a_call_without_a_permit_gives_its_place_back() -> None:
    """Who gets no permit in time has made no call and holds no place."""
    line = Throttle(1, permits=Refusing())

    async def attempt() -> str:
        raise AssertionError("no call may be made")

    for _ in range(2):
        with pytest.raises(ModelUnavailable, match="waiting for a turn"):
            await persist(attempt, line, QUICK, random.Random(1))
    assert (line.busy, line.in_line, line.tally.begun) == (0, 0, 0)


async def test_a_line_counts_what_it_sees() -> None:
    """Attempts, answers, kinds of failure and waits are counted; a refusal is told to those who share the endpoint."""
    permits = Refusing()
    permits.take = AnyNumber().take  # type: ignore[method-assign]
    line = Throttle(1, random.Random(1), permits)
    failures = [ModelUnavailable("Too fast.", kind="rate_limited", retry_after_s=0.05), None]

    async def attempt() -> str:
        failure = failures.pop(0)
        if failure:
            raise failure
        return "answer"

    assert await persist(attempt, line, QUICK, random.Random(1)) == "answer"
    assert (line.tally.begun, dict(line.tally.ended)) == (2, {"rate_limited": 1, "answered": 1})
    assert line.tally.waited_s >= 0.04
    assert permits.told == [0.05]

    async def hang() -> None:
        await asyncio.sleep(9)

    with pytest.raises(ModelUnavailable, match="No whole answer"):
        await persist(hang, line, Limits(deadline_s=0.05, retries=0), random.Random(1))
    assert line.tally.ended["timeout"] == 1


async def test_an_own_rate_is_shared_by_the_lines_of_a_process(tmp_path: Path) -> None:
    """Without other processes the permits are this one's own."""
    models = ModelAnswerers(None, "sk-canary", tmp_path)
    for system in ("short", "long"):
        models.answerer(target(system=system, requests_per_minute=120))
    first, second = (line.throttle.permits for line in models.lines)
    assert first is second
    assert isinstance(first, OwnPermits)
