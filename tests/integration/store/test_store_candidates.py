"""Candidates are decided once, and found by who proposed them and what became of them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from evalbot.errors import Conflict, UnknownName
from evalbot.store import candidates
from evalbot.store.database import Store
from evalbot.suites.candidates import Candidate, CandidateStatus
from tests.integration.store.store_nouns import ANN, BEN, OTHER_TEAM, TEAM, later, make_candidate


async def add(store: Store, *given: Candidate) -> None:
    """Save candidates."""
    for candidate in given:
        await store.write(lambda tx, candidate=candidate: candidates.add_candidate(tx, candidate))  # type: ignore[misc]


def decided(candidate: Candidate, status: CandidateStatus) -> Candidate:
    """Give a candidate as Ben decided it."""
    return replace(candidate, status=status, decided_by=BEN, decided_name="Ben", decided_at=later(5), why="Good.")


async def test_candidate_is_decided_once(store: Store) -> None:
    """Two approvers who decide at the same time make one decision."""
    draft = make_candidate()
    await add(store, draft)
    approved, rejected = decided(draft, CandidateStatus.APPROVED), decided(draft, CandidateStatus.REJECTED)
    wins = await asyncio.gather(
        store.write(lambda tx: candidates.decide_candidate(tx, approved)),
        store.write(lambda tx: candidates.decide_candidate(tx, rejected)),
    )
    assert list(wins) == [True, False]
    assert await store.read(lambda tx: candidates.get_candidate(tx, TEAM, draft.id)) == approved


async def test_late_edit_does_not_undo_a_decision(store: Store) -> None:
    """An edit of what has been decided meanwhile is a conflict; a draft may be edited, a decision completed."""
    draft = make_candidate()
    await add(store, draft)
    await store.write(lambda tx: candidates.update_candidate(tx, replace(draft, reason="Wrong capital.")))
    approved = decided(replace(draft, reason="Wrong capital."), CandidateStatus.APPROVED)
    await store.write(lambda tx: candidates.decide_candidate(tx, approved))
    with pytest.raises(Conflict, match="Ben has already approved"):
        await store.write(lambda tx: candidates.update_candidate(tx, draft))
    released = replace(approved, released_version=2)
    await store.write(lambda tx: candidates.update_candidate(tx, released))
    assert await store.read(lambda tx: candidates.get_candidate(tx, TEAM, draft.id)) == released


async def test_lists_filter_and_keep_order(store: Store) -> None:
    """The candidates of a workspace come oldest first, all or those asked for."""
    first, second = make_candidate("b", created_at=later(1)), make_candidate("a", created_at=later(2), suite="poems")
    third = make_candidate("c", created_at=later(3), author=BEN)
    await add(store, third, second, first, make_candidate("d", team=OTHER_TEAM))
    await store.write(lambda tx: candidates.decide_candidate(tx, decided(second, CandidateStatus.REJECTED)))

    async def names(**asked: object) -> list[str]:
        found = await store.read(lambda tx: candidates.list_candidates(tx, TEAM, **asked))  # type: ignore[arg-type]
        return [candidate.id for candidate in found]

    assert await names() == ["b", "a", "c"]
    assert await names(status=CandidateStatus.DRAFT) == ["b", "c"]
    assert await names(suite="poems") == ["a"]
    assert await names(author=ANN, status=CandidateStatus.DRAFT) == ["b"]


async def test_another_workspaces_candidate_is_not_there(store: Store) -> None:
    """Not yours looks like not found, for reading and for saving; a taken id is a conflict."""
    draft = make_candidate()
    await add(store, draft)
    with pytest.raises(UnknownName):
        await store.read(lambda tx: candidates.get_candidate(tx, OTHER_TEAM, draft.id))
    with pytest.raises(UnknownName):
        await store.write(lambda tx: candidates.update_candidate(tx, replace(draft, team=OTHER_TEAM)))
    with pytest.raises(Conflict):
        await add(store, draft)
