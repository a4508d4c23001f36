"""Private confirmations of grades: the first at once, those of the next moments in one message together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from evalbot.people import PersonId
from evalbot.slack.blocks import Payload

Place = tuple[PersonId, str, str]
"""Whom something is told, in which channel and thread."""

Tell = Callable[[Payload], Awaitable[None]]
"""Shows something to one person."""


@dataclass(slots=True)
class _Waiting:
    """What one person is still to be told, and how."""

    words: list[str]
    tell: Tell


@dataclass(slots=True, eq=False)
class Confirmations:
    """Tells people what was stored, each at most once in `pause_s`: who grades quickly reads one message instead of ten.

    `write` makes a message of what is told together; `spawn` starts work that goes on.
    """

    write: Callable[[list[str]], Payload]
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    pause_s: float = 0.0
    _resting: dict[Place, _Waiting | None] = field(default_factory=dict)

    async def confirm(self, place: Place, words: str, tell: Tell) -> None:
        """Tell a person at once, or with what else comes soon; `tell` is the newest way to reach them."""
        if place in self._resting:
            waiting = self._resting[place]
            before = waiting.words if waiting else []
            self._resting[place] = _Waiting([*before, words], tell)
            return
        self._rest(place)
        await tell(self.write([words]))

    def _rest(self, place: Place) -> None:
        """Let a person alone for a while."""
        if self.pause_s > 0:
            self._resting[place] = None
            asyncio.get_running_loop().call_later(self.pause_s, self._rested, place)

    def _rested(self, place: Place) -> None:
        """Tell what has come meanwhile, if anything has."""
        waiting = self._resting.pop(place)
        if waiting is not None:
            self._rest(place)
            self.spawn(_told(waiting.tell, self.write(waiting.words)))


async def _told(tell: Tell, payload: Payload) -> None:
    await tell(payload)
