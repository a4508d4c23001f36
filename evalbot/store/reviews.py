"""Rounds and reviews in the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Select, String, bindparam, select, type_coerce, update

from evalbot.errors import Conflict, UnknownName
from evalbot.grading.reviews import Review, ReviewId, ReviewStatus, Round, RoundId
from evalbot.people import TeamId
from evalbot.runs.outputs import OutputId, RunId
from evalbot.store.exact_text import decode_text
from evalbot.store.tables import HUMAN_GRADES, REVIEWS, ROUNDS
from evalbot.store.transaction import Transaction

_REVIEW = tuple(part.name for part in fields(Review))
_ROUND = tuple(part.name for part in fields(Round))

_ROUND_BY_ID = select(ROUNDS).where(ROUNDS.c.id == bindparam("id"))
_REVIEW_BY_ID = select(REVIEWS).where(REVIEWS.c.id == bindparam("id"))
_OF_ROUND = (
    select(REVIEWS).where(REVIEWS.c.round_id == bindparam("round_id")).order_by(REVIEWS.c.position, REVIEWS.c.id)
)


def _as_stored(column: Column[Any]) -> ColumnElement[str]:
    """Give a text column as the database holds it: the many rows of a crowd are decoded where they are looked at."""
    return type_coerce(column, String()).label(column.name)


_VOTES = (
    select(
        *(_as_stored(REVIEWS.c[name]) for name in ("id", "status")),
        *(REVIEWS.c[name] for name in ("settled_at", "discussed", "probability")),
        *(_as_stored(HUMAN_GRADES.c[name]) for name in ("grader", "criterion")),
        HUMAN_GRADES.c.level,
        _as_stored(HUMAN_GRADES.c.reason),
        *(HUMAN_GRADES.c[name] for name in ("passed", "blind")),
    )
    .select_from(REVIEWS.outerjoin(HUMAN_GRADES, HUMAN_GRADES.c.output_id == REVIEWS.c.output_id))
    .order_by(HUMAN_GRADES.c.at, HUMAN_GRADES.c.grader)
)
STANDING_ONE = _VOTES.where(REVIEWS.c.id == bindparam("id"))
_STANDING = _VOTES.where(REVIEWS.c.id.in_(bindparam("ids", expanding=True)))
CHANGE = update(REVIEWS).where(REVIEWS.c.id == bindparam("which"))


@dataclass(frozen=True, slots=True)
class DrawnOutput:
    """An output that was drawn by chance for people, with its chance; `shown` tells that it was put before somebody."""

    output_id: OutputId
    chance: float
    shown: bool


@dataclass(frozen=True, slots=True)
class StoredVote:
    """What one person chose, without what only a card shows; `reason` and `blind` go along when the grade is given anew."""

    grader: str
    criterion: str
    level: int | None
    reason: str
    counts: bool
    blind: bool


@dataclass(slots=True)
class StandingReview:
    """What of a review changes while people grade: its state, and what they chose, oldest first."""

    status: ReviewStatus
    settled_at: datetime | None
    discussed: bool
    probability: float
    votes: list[StoredVote] = field(default_factory=list)


async def add_round(tx: Transaction, round_: Round) -> None:
    """Add a round; raises Conflict when its id is taken."""
    if not await tx.add_once(ROUNDS, {name: getattr(round_, name) for name in _ROUND}):
        raise Conflict("This round is open already.")


async def get_round(tx: Transaction, round_id: RoundId) -> Round:
    """Give a round by id; raises UnknownName."""
    row = (await tx.execute(_ROUND_BY_ID, {"id": round_id})).first()
    if row is None:
        raise UnknownName("There is no such round of reviews.", "Open it again from its card.")
    return _round(row)


async def rounds_of_run(tx: Transaction, run_id: RunId) -> list[Round]:
    """Give the rounds of a run, oldest first."""
    wanted = select(ROUNDS).where(ROUNDS.c.run_id == run_id).order_by(ROUNDS.c.opened_at, ROUNDS.c.id)
    return [_round(row) for row in await tx.execute(wanted)]


async def add_reviews(tx: Transaction, reviews: Sequence[Review]) -> None:
    """Add reviews; outputs that the round has already are left out."""
    await tx.add_all(REVIEWS, [_values(review) for review in reviews])


async def get_review(tx: Transaction, review_id: ReviewId) -> Review:
    """Give a review by id; raises UnknownName."""
    row = (await tx.execute(_REVIEW_BY_ID, {"id": review_id})).first()
    if row is None:
        raise UnknownName("There is no such review.", "Open it again from its card.")
    return _review(row)


async def find_standing(tx: Transaction, review_ids: Sequence[ReviewId]) -> dict[ReviewId, StandingReview]:
    """Give how some reviews stand, in one query; those that are not there are left out."""
    rows = (
        await tx.execute(STANDING_ONE, {"id": review_ids[0]})
        if len(review_ids) == 1
        else await tx.execute(_STANDING, {"ids": review_ids})
    )
    return read_standing(map(tuple, rows))


def read_standing(rows: Iterable[tuple[Any, ...]]) -> dict[ReviewId, StandingReview]:
    """Give how reviews stand from what was found of them, a row for each vote."""
    found: dict[ReviewId, StandingReview] = {}
    for review_id, status, settled_at, discussed, probability, *vote in rows:
        here = found.get(review_id)
        if here is None:
            here = found[review_id] = StandingReview(ReviewStatus(status), settled_at, discussed, probability)
        grader, criterion, level, reason, passed, blind = vote
        if grader is not None:
            texts = decode_text(grader), decode_text(criterion)
            here.votes.append(StoredVote(*texts, level, decode_text(reason), passed is not None, blind))
    return found


async def find_review_of_output(tx: Transaction, output_id: OutputId) -> Review | None:
    """Give the newest review of an output."""
    wanted = select(REVIEWS).where(REVIEWS.c.output_id == output_id)
    newest = wanted.order_by(REVIEWS.c.opened_at.desc(), REVIEWS.c.id.desc()).limit(1)
    row = (await tx.execute(newest)).first()
    return None if row is None else _review(row)


async def list_reviews(tx: Transaction, round_id: RoundId) -> list[Review]:
    """Give the reviews of a round by position."""
    return [_review(row) for row in await tx.execute(_OF_ROUND, {"round_id": round_id})]


async def drawn_outputs(tx: Transaction, run_id: RunId) -> list[DrawnOutput]:
    """Give the outputs of a run that were drawn by chance, those of the oldest round first."""
    columns = (REVIEWS.c.output_id, REVIEWS.c.probability, (ROUNDS.c.channel != "").label("shown"))
    both = REVIEWS.join(ROUNDS, ROUNDS.c.id == REVIEWS.c.round_id)
    wanted = select(*columns).select_from(both).where(ROUNDS.c.run_id == run_id, REVIEWS.c.probability > 0)
    order = (ROUNDS.c.opened_at, ROUNDS.c.id, REVIEWS.c.position, REVIEWS.c.id)
    rows = await tx.execute(wanted.order_by(*order))
    return [DrawnOutput(OutputId(row.output_id), row.probability, row.shown) for row in rows]


async def open_reviews(tx: Transaction, team: TeamId) -> list[Review]:
    """Give the open reviews of a workspace, oldest first."""
    wanted = select(REVIEWS).where(REVIEWS.c.team == team, REVIEWS.c.status == ReviewStatus.OPEN)
    return await _all(tx, wanted.order_by(REVIEWS.c.opened_at, REVIEWS.c.round_id, REVIEWS.c.position))


async def reviews_between(tx: Transaction, team: TeamId, start: datetime, end: datetime) -> list[Review]:
    """Give the reviews of a workspace that were settled from `start` on and before `end`, oldest first."""
    settled = (REVIEWS.c.settled_at >= start) & (REVIEWS.c.settled_at < end)
    wanted = select(REVIEWS).where(REVIEWS.c.team == team, settled)
    return await _all(tx, wanted.order_by(REVIEWS.c.settled_at, REVIEWS.c.id))


async def reviewed_outputs(tx: Transaction, run_id: RunId) -> set[OutputId]:
    """Give the outputs of a run that ever came before people."""
    rows = await tx.execute(select(REVIEWS.c.output_id).where(REVIEWS.c.run_id == run_id).distinct())
    return {OutputId(output_id) for output_id in rows.scalars()}


async def update_review(tx: Transaction, review: Review) -> None:
    """Save a review that changed; raises UnknownName when it is not there."""
    changed = await tx.execute(CHANGE, changed_values(review))
    if changed.rowcount == 0:
        raise UnknownName("There is no such review.", "Open it again from its card.")


async def update_reviews(tx: Transaction, changed: Sequence[Review]) -> None:
    """Save reviews that changed."""
    if changed:
        await tx.execute(CHANGE, [changed_values(review) for review in changed])


def changed_values(review: Review) -> dict[str, Any]:
    """Give the row of a review that changed, and which one it is."""
    return {**_values(review), "which": review.id}


async def _all(tx: Transaction, wanted: Select[Any]) -> list[Review]:
    """Give the reviews of a query."""
    return [_review(row) for row in await tx.execute(wanted)]


def _values(review: Review) -> dict[str, Any]:
    """Give the row of a review: its columns are named like the noun's parts."""
    return {name: getattr(review, name) for name in _REVIEW}


def _review(row: Row[Any]) -> Review:
    """Give the review of a row."""
    return Review(**{**row._mapping, "status": ReviewStatus(row.status)})


def _round(row: Row[Any]) -> Round:
    """Give the round of a row."""
    return Round(**row._mapping)
