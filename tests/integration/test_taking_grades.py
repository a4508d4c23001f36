"""Grades of a crowd: those that come together share a commit, and none of them spoils another's."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from evalbot.errors import BadRequest, NotAllowed, UnknownName
from evalbot.grading.reviews import ReviewId, ReviewStatus
from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.store import grades, reviews
from evalbot.store.database import Store
from evalbot.testing import RecordingAnnouncer, make_services
from evalbot.workflows.reviewing import GradeClick, Recorded
from evalbot.workflows.taking_grades import CARDS_AT_ONCE, GradeDesk
from tests.integration.slack.slack_world import put_up_reviews

TEAM = TeamId("local")


def grader(number: int, **changes: Any) -> Person:
    """Give one of the crowd."""
    return replace(Person(PersonId(f"U{number}"), TEAM, f"Grader {number}", Role.GRADER), **changes)


class Crowd:
    """A desk with reviews that want nine grades each, and what became of its cards."""

    def __init__(self, store: Store, card_s: float = 0.0) -> None:
        self.store = store
        self.announcer = RecordingAnnouncer()
        self.work: list[asyncio.Task[None]] = []
        self.desk = GradeDesk(make_services(store, {}, announcer=self.announcer, spawn=self.spawn), card_s)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Start work."""
        self.work.append(asyncio.ensure_future(work))

    async def give(self, *clicks: tuple[Person, GradeClick]) -> list[Recorded | BaseException]:
        """Let people press at once."""
        return await asyncio.gather(*(self.desk.record(*one) for one in clicks), return_exceptions=True)


async def test_grades_that_come_together_are_all_stored_and_settle(store: Store) -> None:
    """Nine people who agree settle an answer whichever shares a commit with which; the tenth adds to it."""
    crowd = Crowd(store)
    [review, *_] = await put_up_reviews(store, TEAM, 2)
    found = await crowd.give(*((grader(n), GradeClick(review.id, 4)) for n in range(10)))
    assert all(isinstance(one, Recorded) for one in found)
    assert sum(one.turned for one in found if isinstance(one, Recorded)) == 1
    stored = await store.read(lambda tx: grades.grades_of_output(tx, review.output_id))
    assert sorted(grade.grader.id for grade in stored) == sorted(f"U{n}" for n in range(10))
    assert sum(grade.blind for grade in stored) == 9, "the tenth was given after the end"
    after = await store.read(lambda tx: reviews.get_review(tx, review.id))
    assert after.status is ReviewStatus.SETTLED
    assert after.settled_at is not None


async def test_one_that_cannot_be_taken_spoils_no_other(sqlite_store: Store) -> None:
    """Each gets its own answer: no such review, no such step, no right to grade; the good ones are stored."""
    crowd = Crowd(sqlite_store)
    [review, other] = await put_up_reviews(sqlite_store, TEAM, 2)
    found = await crowd.give(
        (grader(1), GradeClick(review.id, 3)),
        (grader(2), GradeClick(ReviewId("none"), 3)),
        (grader(3), GradeClick(review.id, 99)),
        (grader(4, role=Role.VIEWER), GradeClick(review.id, 3)),
        (grader(5, team=TeamId("T2")), GradeClick(review.id, 3)),
        (grader(6), GradeClick(other.id, None)),
    )
    kinds = [type(one) for one in found]
    assert kinds == [Recorded, UnknownName, BadRequest, NotAllowed, BadRequest, Recorded]
    first = await sqlite_store.read(lambda tx: grades.grades_of_output(tx, review.output_id))
    second = await sqlite_store.read(lambda tx: grades.grades_of_output(tx, other.output_id))
    assert [(one.grader.id, one.level) for one in (*first, *second)] == [("U1", 3), ("U6", None)]
    with pytest.raises(UnknownName):
        await crowd.desk.record(grader(1), GradeClick(ReviewId("none"), 3))


async def test_another_grade_of_the_same_commit_replaces_and_is_kept(store: Store) -> None:
    """Who presses twice at once has one grade, the later one, and the earlier one as its history; the same again is nothing."""
    crowd = Crowd(store)
    [review] = await put_up_reviews(store, TEAM, 1)
    ann = grader(1)
    found = await crowd.give(*((ann, GradeClick(review.id, level)) for level in (2, 4, 4)))
    assert [one.replaced for one in found if isinstance(one, Recorded)] == [False, True, False]
    assert [one.level for one in await store.read(lambda tx: grades.grades_of_output(tx, review.output_id))] == [4]
    assert [one.level for one in await store.read(lambda tx: grades.former_grades(tx, review.output_id))] == [2]


async def test_many_grades_of_an_answer_are_one_edit_of_its_card(sqlite_store: Store) -> None:
    """What comes before the card is told is told with it; beyond the first cards each waits its turn, settled ones first."""
    crowd = Crowd(sqlite_store, card_s=3600.0)
    opened = await put_up_reviews(sqlite_store, TEAM, CARDS_AT_ONCE + 2)
    found = [
        await crowd.desk.record(grader(n), GradeClick(review.id, 4))
        for n in range(9)
        for review in opened
        if n < 3 or review is opened[-1]
    ]
    for recorded in found:
        crowd.desk.tell(recorded)
    async with asyncio.timeout(10):
        while len(crowd.announcer.of("review_changed")) < CARDS_AT_ONCE:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    told = [one.about[0] for one in crowd.announcer.of("review_changed")]
    assert len({state.review.id for state in told}) == len(told) == CARDS_AT_ONCE
    assert told[0].review.id == opened[-1].id, "it was settled"
    assert [len(state.grades) for state in told] == [9] + [3] * (CARDS_AT_ONCE - 1)
    for task in crowd.work:
        task.cancel()
    await asyncio.gather(*crowd.work, return_exceptions=True)
