"""Candidates: what a person says of an output, drafted into an item that waits for a second pair of eyes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType

from rapidfuzz import fuzz
from rapidfuzz.utils import default_process

from evalbot.errors import BadRequest, Conflict, NotAllowed
from evalbot.people import Action, Person, PersonId, TeamId, may
from evalbot.suites.items import Item, ItemId, ItemStatus, Source, Split

CandidateId = NewType("CandidateId", str)

DUPLICATE_FROM = 90.0
"""Similarity (0 to 100) from which two questions count as the same."""

MAX_TEXT = 12_000


class CandidateStatus(StrEnum):
    """Where a candidate is: waiting, or decided."""

    DRAFT = "draft"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A drafted item with who proposed it, why, and what became of it."""

    id: CandidateId
    team: TeamId
    suite: str
    item: Item
    author: PersonId
    author_name: str
    created_at: datetime
    bad_output: str = ""
    reason: str = ""
    output_id: str | None = None
    channel: str = ""
    nearest: str = ""
    status: CandidateStatus = CandidateStatus.DRAFT
    decided_by: PersonId | None = None
    decided_name: str = ""
    decided_at: datetime | None = None
    released_version: int | None = None
    why: str = ""


def nearest_question(question: str, items: Iterable[Item]) -> tuple[str, float]:
    """Give the id and similarity (0 to 100) of the item whose question is nearest; ("", 0.0) without items.

    Letter case, punctuation and the order of words make no difference.
    """
    rated = ((item.id, fuzz.token_set_ratio(question, item.question, processor=default_process)) for item in items)
    return max(rated, key=lambda pair: pair[1], default=("", 0.0))


def draft_item(source: Item, question: str, better: str, author: PersonId, at: datetime, suffix: str) -> Item:
    """Draft an item from an output's item and a better answer.

    It starts on probation in the practice split and keeps the graders that compare with the reference or follow a rubric.
    """
    question, better = _checked_texts(question, better)
    stem = re.sub(r"-fb-[a-z0-9]+$", "", source.id)[:80]
    return replace(
        source.asking(question),
        id=ItemId(f"{stem}-fb-{suffix}"),
        reference=better,
        split=Split.PRACTICE,
        status=ItemStatus.PROBATION,
        graders=tuple(grader for grader in source.graders if grader.value is None),
        tags=(*source.tags, "feedback"),
        source=Source(kind="feedback", by=author, at=at.date().isoformat()),
    )


def _checked_texts(question: str, answer: str) -> tuple[str, str]:
    """Give question and answer without blanks around them; raises BadRequest when one is empty or too long."""
    question, answer = question.strip(), answer.strip()
    if not question:
        raise BadRequest("The question is empty.", "Write what the target is to be asked.")
    if not answer:
        raise BadRequest("The better answer is empty.", "Write the answer the target should have given.")
    if max(len(question), len(answer)) > MAX_TEXT:
        raise BadRequest(f"The text is longer than {MAX_TEXT:,} characters.", "Shorten it to what matters.")
    return question, answer


def check_may_decide(candidate: Candidate, person: Person) -> None:
    """Raise unless the person may approve, edit or reject this candidate now."""
    if person.team != candidate.team:
        raise BadRequest("There is no such candidate.", "Open it again from its card.")
    if not may(person, Action.DECIDE_CANDIDATE):
        raise NotAllowed("Deciding on a candidate needs the role approver.", "Ask an admin for the role.")
    if person.id == candidate.author:
        raise NotAllowed("You proposed this item, so a second person decides.", "Ask a colleague to look at the card.")
    if candidate.status is not CandidateStatus.DRAFT:
        raise Conflict(
            f"{candidate.decided_name} has already {candidate.status} this candidate.", "Nothing is left to decide."
        )


def decide(candidate: Candidate, person: Person, status: CandidateStatus, at: datetime, why: str = "") -> Candidate:
    """Give the candidate decided by a person other than its author."""
    check_may_decide(candidate, person)
    return replace(
        candidate, status=status, decided_by=person.id, decided_name=person.name, decided_at=at, why=why.strip()
    )


def edited(candidate: Candidate, person: Person, question: str, reference: str) -> Candidate:
    """Give the candidate with another question or reference, still waiting."""
    check_may_decide(candidate, person)
    question, reference = _checked_texts(question, reference)
    return replace(candidate, item=replace(candidate.item.asking(question), reference=reference))
