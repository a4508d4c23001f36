"""Suites, digests, people, deliveries and workspaces: what is special about each."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from evalbot.errors import Conflict, UnknownName
from evalbot.people import LOCAL_TEAM, Person, Role, TeamId
from evalbot.reporting.digests import Digest
from evalbot.store import candidates, deliveries, digests, people, reviews, runs, suites, workspaces
from evalbot.store.database import Store, Transaction
from evalbot.store.suites import SuiteLine
from evalbot.suites.items import ItemStatus, Split
from evalbot.suites.suites import Suite
from tests.integration.store.store_nouns import (
    ANN,
    BEN,
    NOON,
    OTHER_TEAM,
    TEAM,
    later,
    make_candidate,
    make_output,
    make_review,
    make_round,
    make_run,
    make_suite,
    save_outputs,
    save_reviews,
)


async def release(store: Store, *given: Suite, team: TeamId = TEAM) -> None:
    """Save released versions."""
    for suite in given:
        await store.write(lambda tx, suite=suite: suites.add_suite(tx, team, suite, NOON, ANN, "note"))  # type: ignore[misc]


async def test_newest_version_is_found_unless_one_is_named(store: Store) -> None:
    """A suite gives its newest version, or the one asked for; runs of old versions keep what they asked."""
    first, second = make_suite(1), make_suite(2, description="better")
    await release(store, first)
    assert await store.read(lambda tx: suites.find_suite(tx, TEAM, "capitals")) == first
    await release(store, second)
    assert await store.read(lambda tx: suites.find_suite(tx, TEAM, "capitals")) == second
    assert await store.read(lambda tx: suites.find_suite(tx, TEAM, "capitals", 1)) == first
    assert await store.read(lambda tx: suites.find_suite(tx, TEAM, "capitals", 3)) is None
    assert await store.read(lambda tx: suites.find_suite(tx, OTHER_TEAM, "capitals")) is None


async def test_suite_is_parsed_once(store: Store) -> None:
    """A version that was read is at hand: the same value comes back."""
    await release(store, make_suite(1))
    first = await store.read(lambda tx: suites.find_suite(tx, TEAM, "capitals"))
    assert await store.write(lambda tx: suites.find_suite(tx, TEAM, "capitals", 1)) is first


async def test_version_that_was_not_saved_is_not_remembered(store: Store) -> None:
    """A release that failed leaves nothing at hand, so the next release of that version is the one that counts."""

    async def fail(tx: Transaction) -> None:
        await suites.add_suite(tx, TEAM, make_suite(1, description="lost"), NOON, ANN, "")
        assert await suites.find_suite(tx, TEAM, "capitals") is not None
        raise Conflict("Somebody was faster.")

    with pytest.raises(Conflict):
        await store.write(fail)
    await release(store, make_suite(1, description="kept"))
    found = await store.read(lambda tx: suites.find_suite(tx, TEAM, "capitals"))
    assert found is not None
    assert found.description == "kept"


async def test_taken_version_is_a_conflict(store: Store) -> None:
    """Two people who release the same version number do not overwrite each other."""
    await release(store, make_suite(1, description="first"))
    with pytest.raises(Conflict, match="version 1"):
        await release(store, make_suite(1, description="second"))


async def test_lines_are_the_newest_versions_by_name(store: Store) -> None:
    """The list shows each suite once, with its living items and how many of them are kept back."""
    items = make_suite().items
    retired = replace(items[0], status=ItemStatus.RETIRED, split=Split.HOLDOUT)
    held = replace(items[1], split=Split.HOLDOUT)
    await release(store, make_suite(9), make_suite(10, items=(retired, held)), make_suite(2, name="a"))
    await release(store, make_suite(11), team=OTHER_TEAM)
    assert await store.read(lambda tx: suites.list_suites(tx, TEAM)) == [
        SuiteLine("a", 2, "", 2, 0),
        SuiteLine("capitals", 10, "", 1, 1),
    ]


def make_digest(slot: str, **changes: object) -> Digest:
    """Make a digest of a week without runs."""
    values = {
        "id": f"digest-{slot}",
        "team": TEAM,
        "channel": "C1",
        "slot": slot,
        "start": date(2026, 11, 16),
        "end": date(2026, 11, 23),
        "headline": "Nothing was run.",
        "runs": 0,
        "human_grades": 0,
        "judge_agreement": None,
        "items_added": 0,
        "composed_at": NOON,
    }
    lists = dict.fromkeys(("sentences", "lines", "trends", "exhibits", "graders"), ())
    return Digest(**{**lists, **values, **changes})  # type: ignore[arg-type]


async def test_digest_of_a_slot_is_composed_once(store: Store) -> None:
    """The first digest of a channel and slot stays; other channels and slots have their own."""
    first = make_digest("2026-11-23")
    twin = make_digest("2026-11-23", id="twin", headline="Something else.")
    newer = make_digest("2026-11-30", composed_at=later(60))
    for digest in (first, twin, newer):
        await store.write(lambda tx, digest=digest: digests.add_digest(tx, digest))  # type: ignore[misc]
    assert await store.read(lambda tx: digests.find_digest(tx, TEAM, "C1", "2026-11-23")) == first
    assert await store.read(lambda tx: digests.list_digests(tx, TEAM, 5)) == [newer, first]
    assert await store.read(lambda tx: digests.list_digests(tx, TEAM, 1)) == [newer]
    assert await store.read(lambda tx: digests.find_digest(tx, TEAM, "C2", "2026-11-23")) is None
    with pytest.raises(UnknownName):
        await store.read(lambda tx: digests.get_digest(tx, "twin"))


async def test_people_are_known_per_workspace(store: Store) -> None:
    """A person is saved as known last; the same id elsewhere is somebody else."""
    ann, ben = Person(ANN, TEAM, "Zoe", Role.VIEWER), Person(BEN, TEAM, "Ben", Role.ADMIN, "Europe/Berlin")
    for person in (ann, ben, replace(ann, name="Ann", role=Role.GRADER)):
        await store.write(lambda tx, person=person: people.put_person(tx, person))  # type: ignore[misc]
    assert await store.read(lambda tx: people.find_person(tx, OTHER_TEAM, ANN)) is None
    found = await store.read(lambda tx: people.list_people(tx, TEAM))
    assert [(person.name, person.role) for person in found] == [("Ann", Role.GRADER), ("Ben", Role.ADMIN)]


async def test_delivery_counts_the_first_time(store: Store) -> None:
    """A delivery that comes again is known, until it is too old to come again."""
    assert await store.write(lambda tx: deliveries.first_time(tx, "E1", later(0)))
    assert not await store.write(lambda tx: deliveries.first_time(tx, "E1", later(1)))
    assert await store.write(lambda tx: deliveries.first_time(tx, "E2", later(2)))
    await store.write(lambda tx: deliveries.forget_deliveries(tx, later(2)))
    assert await store.write(lambda tx: deliveries.first_time(tx, "E1", later(3)))
    assert not await store.write(lambda tx: deliveries.first_time(tx, "E2", later(3)))


async def test_first_workspace_adopts_what_was_local(store: Store) -> None:
    """Suites, runs, reviews, candidates and digests of the command line become the first workspace's, once."""
    run = make_run(1, team=LOCAL_TEAM)
    round_ = make_round(run)
    digest = make_digest("2026-11-23", team=LOCAL_TEAM)
    draft = make_candidate(team=LOCAL_TEAM)
    await save_outputs(store, run, make_output(run))
    await save_reviews(store, round_, make_review(round_, make_output(run)))
    await release(store, make_suite(1), team=LOCAL_TEAM)
    await store.write(lambda tx: digests.add_digest(tx, digest))
    await store.write(lambda tx: candidates.add_candidate(tx, draft))
    assert await store.read(workspaces.home_team) == LOCAL_TEAM
    for team in (TEAM, OTHER_TEAM, TEAM):
        await store.write(lambda tx, team=team: workspaces.adopt_local(tx, team))  # type: ignore[misc]
    assert await store.read(workspaces.home_team) == TEAM
    assert await store.read(lambda tx: runs.find_run(tx, TEAM, 1)) == replace(run, team=TEAM)
    assert [r.team for r in await store.read(lambda tx: reviews.open_reviews(tx, TEAM))] == [TEAM]
    assert await store.read(lambda tx: suites.find_suite(tx, TEAM, "capitals")) == make_suite(1)
    assert await store.read(lambda tx: digests.get_digest(tx, digest.id)) == replace(digest, team=TEAM)
    assert await store.read(lambda tx: candidates.list_candidates(tx, TEAM)) == [replace(draft, team=TEAM)]
    assert await store.read(lambda tx: runs.list_runs(tx, LOCAL_TEAM)) == []


async def test_remembered_home_still_adopts(store: Store) -> None:
    """A workspace known as home before takes over the local rows when it adopts; later local rows stay local."""
    await store.write(lambda tx: workspaces.remember_home(tx, TEAM))
    await store.write(lambda tx: workspaces.remember_home(tx, OTHER_TEAM))
    assert await store.read(workspaces.home_team) == TEAM
    await save_outputs(store, make_run(1, team=LOCAL_TEAM))
    await store.write(lambda tx: workspaces.adopt_local(tx, TEAM))
    assert [run.number for run in await store.read(lambda tx: runs.list_runs(tx, TEAM))] == [1]
