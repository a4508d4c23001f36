"""Many people click at once, some twice: every click is acknowledged and every grade is there once."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import Any

import pytest

from tests.integration.slack.slack_world import World, click_on, put_up_reviews
from tests.integration.slack.test_deliveries import ACKS, deliver

PEOPLE, REVIEWS, GRADES, REPEATS, AT_ONCE = 40, 10, 200, 20, 25


@pytest.mark.short
async def test_two_hundred_clicks_are_two_hundred_grades(world: World, no_traceback: pytest.LogCaptureFixture) -> None:
    """200 grades of 40 people, a tenth of them clicked twice: all acknowledged, stored exactly once, as they were clicked."""
    reviews = await put_up_reviews(world.store, world.bot.program.services.team, REVIEWS)
    rng = Random(1)
    chosen = {(f"U{n % PEOPLE:08d}", n // PEOPLE * 2 + n % 2): rng.randint(1, 5) for n in range(GRADES)}
    assert len(chosen) == GRADES
    clicks = [click_on(reviews[at], who, level, n) for n, ((who, at), level) in enumerate(chosen.items())]
    clicks += rng.sample(clicks, REPEATS)
    turn = asyncio.Semaphore(AT_ONCE)

    async def press(click: dict[str, Any]) -> None:
        async with turn:
            await deliver(world, click)

    await asyncio.gather(*(press(click) for click in clicks))
    stored = await world.human_grades()
    assert {(grade.grader.id, str(grade.output_id)) for grade in stored} == {
        (who, str(reviews[at].output_id)) for who, at in chosen
    }
    assert len(stored) == GRADES
    assert Counter(grade.level for grade in stored) == Counter(chosen.values())
    assert world.slack.violations(*ACKS) == []
