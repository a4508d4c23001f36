"""Grades of people taken in one transaction with how their reviews stand: all of it or nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from evalbot.errors import Conflict, OutsideError
from evalbot.grading.grades import Grade
from evalbot.grading.reviews import Review, ReviewId, ReviewStatus
from evalbot.people import TeamId
from evalbot.store import grades, reviews
from evalbot.store.database import Store
from evalbot.store.reviews import StandingReview, StoredVote
from evalbot.store.taking import GradeChanges, Standing
from tests.factories import NOON, make_human_grade, make_rubric
from tests.integration.slack.slack_world import put_up_reviews

ODD = "half \ud800 and nothing \x00, \ufdd0"


def made(review: Review, person: str, level: int | None, reason: str = "") -> Grade:
    """Make a person's grade of a review."""
    return make_human_grade(level, person, make_rubric(5), output_id=review.output_id, reason=reason)


async def stand(store: Store, *review_ids: ReviewId) -> Standing:
    """Look how reviews stand, and change nothing."""
    return await store.take(review_ids, lambda found: (found, GradeChanges()))


async def test_what_is_decided_is_written_exactly(store: Store) -> None:
    """Grades and reviews come back as they were given, whatever is typed; a grade that replaces another keeps it."""
    review, other = await put_up_reviews(store, TeamId("local"), 2)
    settled = replace(review, status=ReviewStatus.SETTLED, settled_at=NOON + timedelta(microseconds=7))
    first, changed = made(review, "ann", 1, ODD), made(review, "ann", 4)
    second, unable = made(review, "ben", 3), made(other, "ben", None)

    seen = await store.take(
        [review.id, other.id, ReviewId("none")],
        lambda found: (sorted(found), GradeChanges([first, second, unable])),
    )
    assert seen == sorted([review.id, other.id])
    await store.take([review.id], lambda _: (None, GradeChanges(replaced=[changed], reviews=[settled])))
    votes = [StoredVote("ann", "helpful", 4, "", True, True), StoredVote("ben", "helpful", 3, "", True, True)]
    assert await stand(store, review.id, other.id) == {
        review.id: StandingReview(ReviewStatus.SETTLED, settled.settled_at, False, review.probability, votes),
        other.id: StandingReview(
            ReviewStatus.OPEN, None, False, other.probability, [StoredVote("ben", "helpful", None, "", False, True)]
        ),
    }
    assert await store.read(lambda tx: reviews.get_review(tx, review.id)) == settled
    assert await store.read(lambda tx: grades.grades_of_output(tx, review.output_id)) == [changed, second]
    assert await store.read(lambda tx: grades.former_grades(tx, review.output_id)) == [first]
    assert await stand(store, review.id) == await store.read(lambda tx: reviews.find_standing(tx, [review.id]))


async def test_nothing_stays_of_what_fails(store: Store) -> None:
    """A decision that fails is the caller's to hear, a grade that breaks a rule undoes the others, and the next one is fine."""
    [review] = await put_up_reviews(store, TeamId("local"), 1)

    def refuse(found: Standing) -> tuple[None, GradeChanges]:
        raise Conflict("This review is closed.")

    with pytest.raises(Conflict):
        await store.take([review.id], refuse)
    twice = [made(review, "ann", 1), made(review, "ann", 2)]
    with pytest.raises(IntegrityError):
        await store.take([review.id], lambda _: (None, GradeChanges(twice)))
    assert (await stand(store, review.id))[review.id].votes == []
    await store.take([review.id], lambda _: (None, GradeChanges([made(review, "ann", 2)])))
    assert [vote.level for vote in (await stand(store, review.id))[review.id].votes] == [2]


async def test_file_that_others_hold_takes_no_grade(sqlite_url: str) -> None:
    """A database that stays locked is said in a sentence; the grade can be given again."""
    store = await Store.open(sqlite_url, busy_s=0.05)
    try:
        [review] = await put_up_reviews(store, TeamId("local"), 1)
        changes = GradeChanges([made(review, "ann", 2)])
        with closing(sqlite3.connect(store.url.database or "", isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(OutsideError):
                await store.take([review.id], lambda _: (None, changes))
            holder.execute("ROLLBACK")
        await store.take([review.id], lambda _: (None, changes))
        assert [vote.level for vote in (await stand(store, review.id))[review.id].votes] == [2]
    finally:
        await store.close()


async def test_a_taken_grade_is_on_disk(sqlite_store: Store) -> None:
    """The connection that takes grades waits for the disk at every commit, as a grade is acknowledged after it."""
    await stand(sqlite_store, ReviewId("none"))
    taken: list[int] = []

    def look(db: sqlite3.Connection) -> None:
        taken.append(db.execute("PRAGMA synchronous").fetchone()[0])

    await sqlite_store.taker.visits.write(look)  # type: ignore[attr-defined]
    assert taken == [2]
