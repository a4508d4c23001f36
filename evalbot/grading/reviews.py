"""Reviews: outputs put before people, the rounds they come in, and when one is settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType

from evalbot.errors import BadRequest, Conflict
from evalbot.grading.consensus import Consensus, Vote, find_consensus
from evalbot.grading.grades import Purpose
from evalbot.people import PersonId, TeamId
from evalbot.runs.outputs import OutputId, RunId
from evalbot.suites.rubrics import Rubric

ReviewId = NewType("ReviewId", str)
RoundId = NewType("RoundId", str)


class ReviewStatus(StrEnum):
    """Where a review is: open, settled by quorum, contested between people, or expired without quorum."""

    OPEN = "open"
    SETTLED = "settled"
    CONTESTED = "contested"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Review:
    """One output before people. `position` counts from 1 in its round; `wanted` is how many grades settle it.

    `probability` in (0, 1] is the chance with which this output was drawn; 0 when it was picked by hand.
    """

    id: ReviewId
    round_id: RoundId
    team: TeamId
    run_id: RunId
    output_id: OutputId
    position: int
    wanted: int
    probability: float
    opened_at: datetime
    status: ReviewStatus = ReviewStatus.OPEN
    settled_at: datetime | None = None
    discussed: bool = False
    """True once somebody replied to the thread before the end: later grades are not blind."""


@dataclass(frozen=True, slots=True)
class Round:
    """The reviews opened together: one card in a channel with the reviews in its thread."""

    id: RoundId
    team: TeamId
    run_id: RunId
    opened_by: PersonId
    channel: str
    size: int
    strategy: str
    graders: int
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Settlement:
    """A review after its grades were looked at, with the consensus so far."""

    review: Review
    consensus: Consensus | None


MOST_EXTRA = 1
"""How many graders more than wanted are asked when the wanted ones differ."""


def settle(review: Review, grades: Sequence[Vote], rubric: Rubric, at: datetime) -> Settlement:
    """Settle a review from the human grades of its output: enough agreeing grades settle it.

    When the wanted graders differ on pass or fail one more is asked; if that brings no majority the review is contested.
    Abstentions do not count towards the quorum. The status follows changed grades: without its quorum a settled review is
    open again. An expired one stays expired.
    """
    consensus = find_consensus(grades, rubric)
    if review.status is ReviewStatus.EXPIRED:
        return Settlement(review, consensus)
    if consensus is None or consensus.graders < review.wanted + MOST_EXTRA * consensus.split:
        return Settlement(replace(review, status=ReviewStatus.OPEN, settled_at=None), consensus)
    status = ReviewStatus.CONTESTED if consensus.tied else ReviewStatus.SETTLED
    return Settlement(replace(review, status=status, settled_at=review.settled_at or at), consensus)


def human_grade_level(rubric: Rubric, level: int) -> int:
    """Check that a step is on the rubric's scale; raises BadRequest."""
    if not rubric.scale.holds(level):
        raise BadRequest(f"{level} is not on this scale.", f"Use {rubric.scale.lowest} to {rubric.scale.highest}.")
    return level


def check_open_for(review: Review, team: TeamId) -> None:
    """Raise unless the review takes grades from this workspace; not yours looks like not there."""
    if review.team != team:
        raise BadRequest("There is no such review.", "Open the card again.")
    if review.status is ReviewStatus.EXPIRED:
        raise Conflict("This review is closed.", "Its grades stay as they are.")


def purpose_of(review: Review) -> Purpose:
    """Tell whether grades of this review may enter estimates: only those of outputs drawn with a known chance."""
    return Purpose.ESTIMATE if review.probability > 0 else Purpose.TRIAGE
