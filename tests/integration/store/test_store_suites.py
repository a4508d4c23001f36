"""Suites read a page at a time: whether files say something new is told without holding a version, outlines tell of items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from evalbot.store import suites
from evalbot.store.database import Store
from evalbot.store.transaction import MOST_ITEMS, SuiteShelf, Transaction
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, Split
from evalbot.suites.suites import Suite, release, same_content
from tests.factories import TEAM, make_curated, make_item, make_suite
from tests.integration.store.store_nouns import ANN, NOON

MANY = 2_100
"""More than two pages of items."""

OWN = (GraderSpec(GraderType.CONTAINS, value="x"),)


def items_of(count: int) -> tuple[Item, ...]:
    """Give items of which some are held back, have a skill, or graders of their own."""
    return tuple(
        make_item(
            f"i{n}",
            skill=f"s{n % 3}" if n % 4 else None,
            split=Split.HOLDOUT if n % 5 == 0 else Split.PRACTICE,
            graders=OWN if n % 7 == 0 else (),
        )
        for n in range(count)
    )


STORED = make_suite(*items_of(MANY), make_curated("fb"), version=3)
CONTENT = replace(STORED, items=STORED.items[:-1], version=0)


async def add(store: Store, suite: Suite) -> None:
    """Save a version."""
    await store.write(lambda tx: suites.add_suite(tx, TEAM, suite, NOON, ANN, ""))


def with_item(place: int, **changes: object) -> Callable[[Suite], Suite]:
    """Give what changes one item of a suite."""

    def change(suite: Suite) -> Suite:
        items = list(suite.items)
        items[place] = replace(items[place], **changes)  # type: ignore[arg-type]  # any field of an item
        return replace(suite, items=tuple(items))

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda suite: suite,
        lambda suite: replace(suite, description="other"),
        lambda suite: replace(suite, items=suite.items[:-1]),
        lambda suite: replace(suite, items=suite.items[::-1]),
        lambda suite: replace(suite, items=(*suite.items, make_item("more"))),
        lambda suite: replace(suite, items=(*suite.items, make_curated("fb"))),
        lambda suite: replace(suite, items=(*suite.items, make_curated("fb", reference="other"))),
        with_item(0, reference="other"),
        with_item(MANY - 1, skill="other"),
        with_item(1_500, id="fb"),
    ],
)
async def test_content_is_the_same_exactly_when_a_release_would_change_nothing(
    sqlite_store: Store, change: Callable[[Suite], Suite]
) -> None:
    """Page by page it comes to the same as with the whole version in hand; curated items that files do not name may stay."""
    await add(sqlite_store, STORED)
    content = change(CONTENT)
    found = await sqlite_store.read(lambda tx: suites.find_same(tx, TEAM, content))
    assert (found is not None) is same_content(STORED, content)
    assert found is None or found == STORED
    assert content.name == STORED.name
    assert release(STORED, content).version == STORED.version + 1


async def test_the_same_version_shares_the_items_of_the_content(sqlite_store: Store) -> None:
    """What was read from files is not held once more from the database; later readers get that very version."""
    await add(sqlite_store, STORED)
    assert await sqlite_store.read(lambda tx: suites.find_same(tx, TEAM, replace(CONTENT, name="other"))) is None
    found = await sqlite_store.read(lambda tx: suites.find_same(tx, TEAM, CONTENT))
    assert found is not None
    assert all(one is own for one, own in zip(found.items, CONTENT.items, strict=False))
    assert await sqlite_store.read(lambda tx: suites.find_suite(tx, TEAM, STORED.name)) is found
    assert await sqlite_store.read(lambda tx: suites.find_same(tx, TEAM, CONTENT)) is found


@pytest.mark.parametrize("at_hand", [False, True])
async def test_outlines_are_those_of_the_items(sqlite_store: Store, at_hand: bool) -> None:
    """Skill, split, status and own graders come as they were released, read from the database or from a version at hand."""
    await add(sqlite_store, STORED)
    if at_hand:
        await sqlite_store.read(lambda tx: suites.find_suite(tx, TEAM, STORED.name))
    found = await sqlite_store.read(_outlines)
    assert found == [suites.ItemOutline(one.id, one.skill, one.split, one.status, one.graders) for one in STORED.items]


async def _outlines(tx: Transaction) -> list[suites.ItemOutline]:
    """Give the outlines of the stored version."""
    frame = await suites.get_frame(tx, TEAM, STORED.name, STORED.version)
    return [one async for one in suites.outline_items(tx, TEAM, frame)]


async def test_a_part_holds_every_way_of_grading_and_what_is_named(sqlite_store: Store) -> None:
    """Items with graders of their own are there, one without, and those that are asked for; a version that is gone is None."""
    await add(sqlite_store, STORED)
    named = [one.id for one in STORED.items[1:4]]
    part = await sqlite_store.read(lambda tx: suites.find_part(tx, TEAM, STORED.name, STORED.version, named))
    assert part is not None
    assert {one.id for one in part.items} >= {*named, *(one.id for one in STORED.items if one.graders)}
    assert len(part.items) <= MANY / 7 + 1 + len(named) + 1
    assert replace(part, items=()) == replace(STORED, items=())
    assert all(one == STORED.item(one.id) for one in part.items)
    assert await sqlite_store.read(lambda tx: suites.find_part(tx, TEAM, STORED.name, 9, named)) is None
    plain = make_suite(*items_of(3)[1:], name="plain", version=1)
    await add(sqlite_store, plain)
    part = await sqlite_store.read(lambda tx: suites.find_part(tx, TEAM, "plain", 1, []))
    assert part is not None
    assert len(part.items) == 1


def test_large_versions_make_room_for_each_other() -> None:
    """Of versions with many items together only the newest stays at hand, however large it is; small ones all stay."""
    item, shelf = make_item(), SuiteShelf()
    large = replace(STORED, items=(item,) * (MOST_ITEMS // 2 + 1))
    for version in range(3):
        shelf.keep({("team", "large", version): large})
    assert list(shelf.suites) == [("team", "large", 2)]
    shelf.keep({("team", "huge", 1): replace(STORED, items=(item,) * (MOST_ITEMS + 1))})
    assert list(shelf.suites) == [("team", "huge", 1)]
    for version in range(9):
        shelf.keep({("team", "small", version): replace(STORED, items=(item,))})
    assert len(shelf.suites) == 9
