"""Suites read from files become released versions, and are held in memory once."""

from __future__ import annotations

from dataclasses import replace

from evalbot.people import TeamId
from evalbot.store import suites
from evalbot.store.database import Store
from evalbot.suites.items import Item, ItemId
from evalbot.suites.suites import Suite
from evalbot.suites.targets import short_target
from evalbot.testing import ScriptedModel, make_services
from evalbot.workflows.curating import sync_suites

TEAM = TeamId("local")
ITEMS = tuple(Item(ItemId(f"i{n}"), vars={"question": f"Say {n}."}, reference=str(n)) for n in range(5))


async def test_what_was_released_shares_the_items_read_from_the_files(sqlite_store: Store) -> None:
    """The first version and a changed one are both at hand afterwards with the very items of the files."""
    services = make_services(sqlite_store, {"model": ScriptedModel(lambda question: "1")})
    first = Suite("sums", ITEMS, targets=(short_target("test:model"),))
    changed = replace(first, items=ITEMS[1:])
    for version, content in ((1, first), (2, changed)):
        assert await sync_suites(services, [content]) == ["sums"]
        found = await sqlite_store.read(lambda tx: suites.find_suite(tx, TEAM, "sums"))
        assert found == replace(content, version=version)
        assert all(one is own for one, own in zip(found.items, content.items, strict=True))
        assert await sync_suites(services, [content]) == []
