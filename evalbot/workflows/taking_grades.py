"""Grades as a crowd gives them: those that wait are saved together, and cards are told of them one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from evalbot.errors import EvalbotError
from evalbot.grading.reviews import ReviewId
from evalbot.people import Person
from evalbot.store.taking import GradeChanges, Standing
from evalbot.workflows.announcer import ReviewState
from evalbot.workflows.reviewing import (
    Decided,
    Given,
    GradeClick,
    Known,
    Recorded,
    decide_grades,
    learn_reviews,
    save_grades,
    tell_news,
)
from evalbot.workflows.services import Services

log = logging.getLogger(__name__)

MOST_TOGETHER = 64
"""So many grades are saved in one transaction at most."""

MOST_KNOWN = 500
"""Of so many reviews is remembered what never changes."""

CARDS_AT_ONCE = 10
"""So many cards are told of their grades at once; after them each has to wait its turn."""


@dataclass(slots=True, eq=False)
class GradeDesk:
    """Takes grades. A grade is committed when `record` returns; whatever comes meanwhile shares the next commit.

    `card_s` is the shortest pause between the news of two cards once several had some.
    """

    services: Services
    card_s: float = 0.0
    _known: OrderedDict[ReviewId, ReviewState] = field(default_factory=OrderedDict)
    _waiting: list[tuple[Given, asyncio.Future[Recorded]]] = field(default_factory=list)
    _saving: asyncio.Task[None] | None = None
    _news: dict[ReviewId, bool] = field(default_factory=dict)
    _telling: bool = False
    _credit: float = CARDS_AT_ONCE
    _credited_at: float = 0.0

    async def record(self, person: Person, click: GradeClick) -> Recorded:
        """Save a person's grade of a review; raises UserError for one that cannot be taken."""
        place: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        self._waiting.append(((person, click), place))
        if self._saving is None:
            self._saving = asyncio.create_task(self._save_all(), name="grades")
        return await place

    def tell(self, recorded: Recorded) -> None:
        """Have the card of a review show its grade soon; many grades of one review are one edit."""
        review_id = recorded.state.review.id
        self._news[review_id] = recorded.turned or self._news.get(review_id, False)
        if not self._telling:
            self._telling = True
            self.services.spawn(self._tell_all())

    async def _save_all(self) -> None:
        """Save until nobody waits."""
        try:
            while self._waiting:
                some, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
                await self._save(some)
        finally:
            self._saving = None
            for _, place in self._waiting:
                place.cancel()

    async def _save(self, some: list[tuple[Given, asyncio.Future[Recorded]]]) -> None:
        """Save some grades in one transaction and answer those who wait for them."""
        found: Sequence[Recorded | EvalbotError] | list[Exception]
        try:
            found = await self._take([one for one, _ in some])
        except Exception as error:
            found = [error for _ in some]
        for (_, place), one in zip(some, found, strict=True):
            if place.done():
                continue
            if isinstance(one, Recorded):
                place.set_result(one)
            else:
                place.set_exception(one)

    async def _take(self, given: list[Given]) -> Sequence[Recorded | EvalbotError]:
        """Save some grades: the store's short way, in which nothing is loaded; where more than grades changes, the long one."""
        services, known = self.services, await self._learn({click.review_id for _, click in given})

        def decide(standing: Standing) -> tuple[Decided, GradeChanges]:
            decided = decide_grades(services, given, standing, known)
            return decided, GradeChanges() if decided.probations else decided.changes

        decided = await services.store.take(list(known), decide)
        if decided.probations:
            decided = await services.store.write(lambda tx: save_grades(services, tx, given, known))
        return decided.answers

    async def _learn(self, wanted: set[ReviewId]) -> Known:
        """Give what never changes of some reviews."""
        new = [review_id for review_id in wanted if review_id not in self._known]
        found: dict[ReviewId, ReviewState | EvalbotError] = {}
        if new:
            await self.services.store.read(lambda tx: learn_reviews(tx, new, found))
        for review_id, about in found.items():
            if isinstance(about, ReviewState):
                self._known[review_id] = about
        found |= {review_id: self._known[review_id] for review_id in wanted - found.keys()}
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return found

    async def _tell_all(self) -> None:
        """Tell of one review after the other until there is no news: first of those that were settled or opened again."""
        try:
            while self._news:
                await asyncio.sleep(self._pause())
                review_id = next((one for one, turned in self._news.items() if turned), next(iter(self._news)))
                turned = self._news.pop(review_id)
                try:
                    await tell_news(self.services, review_id, turned=turned)
                except EvalbotError as error:
                    log.warning("a card is not told: %s", error.message, extra={"action": "card_untold"})
        finally:
            self._telling = False

    def _pause(self) -> float:
        """Give how long the next card has to wait."""
        if self.card_s <= 0:
            return 0.0
        now = asyncio.get_running_loop().time()
        self._credit = min(CARDS_AT_ONCE, self._credit + (now - self._credited_at) / self.card_s) - 1
        self._credited_at = now
        return max(0.0, -self._credit * self.card_s)
