"""Reviews and rounds are found by all the ways people come to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evalbot.errors import Conflict, UnknownName
from evalbot.grading.reviews import ReviewId, ReviewStatus, RoundId
from evalbot.store import reviews
from evalbot.store.database import Store
from tests.integration.store.store_nouns import (
    OTHER_TEAM,
    TEAM,
    later,
    make_output,
    make_review,
    make_round,
    make_run,
    save_outputs,
    save_reviews,
)

RUN = make_run()
FRANCE, SPAIN = make_output(RUN, "france"), make_output(RUN, "spain")
ROUND = make_round(RUN)
FIRST, SECOND = make_review(ROUND, SPAIN, 1), make_review(ROUND, FRANCE, 2)


@pytest.fixture
async def filled(store: Store) -> Store:
    """A store with one round of two reviews."""
    await save_outputs(store, RUN, FRANCE, SPAIN)
    await save_reviews(store, ROUND, SECOND, FIRST)
    return store


async def test_round_lists_its_reviews_by_position(filled: Store) -> None:
    """The reviews of a round come in the order people see them."""
    assert await filled.read(lambda tx: reviews.list_reviews(tx, ROUND.id)) == [FIRST, SECOND]
    assert await filled.read(lambda tx: reviews.rounds_of_run(tx, RUN.id)) == [ROUND]
    assert await filled.read(lambda tx: reviews.reviewed_outputs(tx, RUN.id)) == {FRANCE.id, SPAIN.id}


async def test_output_comes_once_into_a_round(filled: Store) -> None:
    """Opening the same output again in a round changes nothing; a round that is there is a conflict."""
    twin = make_review(ROUND, FRANCE, 3)
    await filled.write(lambda tx: reviews.add_reviews(tx, [twin]))
    assert await filled.read(lambda tx: reviews.list_reviews(tx, ROUND.id)) == [FIRST, SECOND]
    with pytest.raises(Conflict):
        await filled.write(lambda tx: reviews.add_round(tx, ROUND))


async def test_newest_review_of_an_output_is_found(filled: Store) -> None:
    """An output that came before people twice gives the later review; one that never did gives none."""
    later_round = make_round(RUN, "round-2", opened_at=later(60))
    again = make_review(later_round, FRANCE, 1, opened_at=later(60))
    await save_reviews(filled, later_round, again)
    assert await filled.read(lambda tx: reviews.find_review_of_output(tx, FRANCE.id)) == again
    assert await filled.read(lambda tx: reviews.find_review_of_output(tx, make_output(RUN, "italy").id)) is None
    assert [r.id for r in await filled.read(lambda tx: reviews.rounds_of_run(tx, RUN.id))] == [ROUND.id, later_round.id]


async def test_open_reviews_are_the_workspaces_own_oldest_first(filled: Store) -> None:
    """The queue holds what still waits, and nothing of another workspace."""
    assert await filled.read(lambda tx: reviews.open_reviews(tx, TEAM)) == [FIRST, SECOND]
    settled = replace(FIRST, status=ReviewStatus.SETTLED, settled_at=later(9), discussed=True)
    await filled.write(lambda tx: reviews.update_review(tx, settled))
    assert await filled.read(lambda tx: reviews.open_reviews(tx, TEAM)) == [SECOND]
    assert await filled.read(lambda tx: reviews.open_reviews(tx, OTHER_TEAM)) == []
    assert await filled.read(lambda tx: reviews.get_review(tx, FIRST.id)) == settled


async def test_settled_reviews_of_a_period(filled: Store) -> None:
    """A period holds what was settled from its start on and before its end."""
    for review, at in ((FIRST, 10), (SECOND, 20)):
        settled = replace(review, status=ReviewStatus.SETTLED, settled_at=later(at))
        await filled.write(lambda tx, settled=settled: reviews.update_review(tx, settled))  # type: ignore[misc]
    found = await filled.read(lambda tx: reviews.reviews_between(tx, TEAM, later(10), later(20)))
    assert [review.id for review in found] == [FIRST.id]


async def test_unknown_reviews_are_not_found(filled: Store) -> None:
    """Ids that nothing has are clear errors."""
    with pytest.raises(UnknownName):
        await filled.read(lambda tx: reviews.get_review(tx, ReviewId("nowhere")))
    with pytest.raises(UnknownName):
        await filled.read(lambda tx: reviews.get_round(tx, RoundId("nowhere")))
    with pytest.raises(UnknownName):
        await filled.write(lambda tx: reviews.update_review(tx, replace(FIRST, id=ReviewId("nowhere"))))
