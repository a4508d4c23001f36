"""Private confirmations: the first at once, what comes soon after it together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from evalbot.people import PersonId
from evalbot.slack.confirming import Confirmations
from evalbot.slack.views.reviews import MOST_NOTED, grades_noted

ANN, BEN = PersonId("U1"), PersonId("U2")


class Told:
    """What people were told, and the work that was started for that."""

    def __init__(self, pause_s: float) -> None:
        self.texts: list[tuple[str, str]] = []
        self.work: list[asyncio.Task[None]] = []
        self.confirmations = Confirmations(grades_noted, self.spawn, pause_s)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Start work."""
        self.work.append(asyncio.ensure_future(work))

    async def confirm(self, who: PersonId, words: str) -> None:
        """Confirm something to a person."""

        async def tell(payload: Any) -> None:
            self.texts.append((who, payload["text"]))

        await self.confirmations.confirm((who, "C1", "1.0"), words, tell)

    async def all_of(self, count: int) -> list[tuple[str, str]]:
        """Wait until so many messages were told."""
        async with asyncio.timeout(5):
            while len(self.texts) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return self.texts


async def test_what_comes_soon_after_a_confirmation_is_told_together() -> None:
    """The first grade of each person is confirmed at once; the next ones wait for the pause and are one message."""
    told = Told(0.05)
    for words in ("One.", "Two.", "Three."):
        await told.confirm(ANN, words)
    await told.confirm(BEN, "Mine.")
    assert told.texts == [(ANN, "One."), (BEN, "Mine.")]
    assert await told.all_of(3) == [(ANN, "One."), (BEN, "Mine."), (ANN, "Two. Three.")]


async def test_without_a_pause_each_is_told_at_once() -> None:
    """Nothing is held back."""
    told = Told(0.0)
    for words in ("One.", "Two."):
        await told.confirm(ANN, words)
    assert told.texts == [(ANN, "One."), (ANN, "Two.")]
    assert told.work == []


def test_of_many_grades_the_newest_are_named() -> None:
    """One message never grows beyond its lines; what is left out is counted."""
    lines = [f"Answer {n}." for n in range(MOST_NOTED + 3)]
    text = grades_noted(lines)["text"]
    assert text.startswith("3 grades stored before these. Answer 3.")
    assert text.endswith(lines[-1])
