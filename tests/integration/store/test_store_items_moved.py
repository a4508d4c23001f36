"""Suites that were stored as one document each have their items in rows of their own after the migration, and read the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

from pydantic import TypeAdapter
from sqlalchemy import URL, create_engine, insert

from evalbot.people import TeamId
from evalbot.store import suites
from evalbot.store.database import Store, Transaction
from evalbot.store.json_text import dump_noun
from evalbot.store.migrate import upgrade
from evalbot.store.tables import SUITES
from evalbot.store.urls import parse_url
from evalbot.suites.graders import GraderSpec, GraderType
from evalbot.suites.items import Item, ItemId
from evalbot.suites.suites import Suite

TEAM = TeamId("T1")
PLAIN = Suite(
    "plain",
    tuple(
        Item(
            ItemId(f"i{n}"),
            {"question": f"Wie heißt „{n}“?"},
            reference=n,
            graders=(GraderSpec(GraderType.EQUALS),) if n % 2 else (),
        )
        for n in range(2_001, 0, -1)
    ),
    version=1,
)
ODD = Suite("odd", (Item(ItemId("nul\x00"), {"question": "half \ud800 of a pair"}, metadata={"\udfff": 1}),), version=3)
TWICE = Suite("twice", (Item(ItemId("a"), {"question": "One?"}), Item(ItemId("a"), {"question": "Two?"})), version=2)
EMPTY = Suite("empty", (), version=1)


async def test_items_move_into_rows(
    tmp_path: Path, postgresql_server: URL, on_postgresql: Callable[[str], object]
) -> None:
    """Every version reads the same as before, in the same order, whatever characters it holds."""
    name = f"evalbot_moved_{uuid4().hex[:8]}"
    on_postgresql(f"CREATE DATABASE {name}")
    server = postgresql_server.set(database=name).render_as_string(hide_password=False)
    for url in (f"sqlite:///{tmp_path}/old.db", server):
        plain = parse_url(url)
        engine = create_engine(plain.set(drivername="sqlite") if plain.drivername.startswith("sqlite") else plain)
        with engine.begin() as connection:
            upgrade(connection, "0002")
            for suite in (PLAIN, ODD, TWICE, EMPTY):
                connection.execute(insert(SUITES).values(**old_row(suite)))
        engine.dispose()
        await check_moved(url)
    on_postgresql(f"DROP DATABASE {name} WITH (FORCE)")


def old_row(suite: Suite) -> dict[str, object]:
    """Give the row of a suite as it was, whole in its document."""
    return {
        "team": "T1",
        "name": suite.name,
        "version": suite.version,
        "description": "",
        "item_count": len(suite.items),
        "holdout_count": 0,
        "body": dump_noun(TypeAdapter(Suite), suite),
        "released_at": datetime(2026, 1, 1, tzinfo=UTC),
        "released_by": "",
        "note": "",
    }


async def check_moved(url: str) -> None:
    """Open a database, which migrates it, and compare what it holds."""
    store = await Store.open(url)
    for suite in (PLAIN, ODD, TWICE, EMPTY):
        found = await store.read(partial(suites.find_suite, team=TEAM, name=suite.name, version=suite.version))
        assert found == suite

    async def own(tx: Transaction) -> set[str]:
        return {item.id async for item in suites.items_with_graders(tx, TEAM, PLAIN)}

    assert await store.read(own) == {item.id for item in PLAIN.items if item.graders}
    wanted = [ItemId("i7"), ItemId("nowhere")]
    assert await store.read(lambda tx: suites.items_named(tx, TEAM, PLAIN, wanted)) == {"i7": PLAIN.item("i7")}
    frame = await store.read(lambda tx: suites.find_frame(tx, TEAM, "plain", 1))
    assert frame == replace(PLAIN, items=())
    await store.close()
