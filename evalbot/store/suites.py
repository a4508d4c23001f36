"""Suites in the database: released versions, which never change; their items are rows of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import BindParameter, ColumnElement, Row, and_, bindparam, func, select

from evalbot.errors import Conflict, UnknownName
from evalbot.people import PersonId, TeamId
from evalbot.store.json_text import dump_noun, load_noun
from evalbot.store.tables import SUITE_ITEMS, SUITES
from evalbot.store.transaction import Transaction
from evalbot.suites.graders import GraderSpec
from evalbot.suites.items import Item, ItemId, ItemStatus, Split
from evalbot.suites.suites import Suite, is_curated, same_content

_SUITE = TypeAdapter(Suite)
_ITEM = TypeAdapter(Item)
_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_AT_ONCE = 1_000
_NEWEST = select(func.max(SUITES.c.version)).where(
    SUITES.c.team == bindparam("team"), SUITES.c.name == bindparam("name")
)


@dataclass(frozen=True, slots=True)
class SuiteLine:
    """The newest version of a suite without its items; `items` counts those not retired, `holdout` those of them kept back."""

    name: str
    version: int
    description: str
    items: int
    holdout: int


@dataclass(frozen=True, slots=True)
class ItemOutline:
    """What numbers need of an item: nothing of what it asks or expects."""

    id: ItemId
    skill: str | None = None
    split: Split = Split.PRACTICE
    status: ItemStatus = ItemStatus.ACTIVE
    graders: tuple[GraderSpec, ...] = ()


_OUTLINE = TypeAdapter(ItemOutline)


async def find_suite(tx: Transaction, team: TeamId, name: str, version: int | None = None) -> Suite | None:
    """Give a version of a suite, the newest when None is asked for; cheap once it was read."""
    version = version if version is not None else await _newest_version(tx, team, name)
    if version is None:
        return None
    key = (team, name, version)
    known = tx.shelf.suites.get(key) or tx.fresh.get(key)
    if known is not None:
        return known
    frame = await find_frame(tx, team, name, version)
    if frame is None:
        return None
    items = tuple([load_noun(_ITEM, row.body) async for row in _stream(tx, team, frame)])
    return tx.fresh.setdefault(key, replace(frame, items=items))


async def find_same(tx: Transaction, team: TeamId, content: Suite) -> Suite | None:
    """Give the newest version of a suite if releasing some content would change nothing of it, else None.

    Its items are read a page at a time and not kept: the version at hand shares those of the content.
    """
    version = await _newest_version(tx, team, content.name)
    if version is None:
        return None
    key = (team, content.name, version)
    known = tx.shelf.suites.get(key) or tx.fresh.get(key)
    if known is not None:
        return known if same_content(known, content) else None
    frame = await get_frame(tx, team, content.name, version)
    kept = await _kept_beside(tx, team, frame, content)
    if kept is None or replace(content, version=version, items=()) != frame:
        return None
    return tx.fresh.setdefault(key, replace(frame, items=(*content.items, *kept) if kept else content.items))


async def _kept_beside(tx: Transaction, team: TeamId, frame: Suite, content: Suite) -> list[Item] | None:
    """Give the curated items that a version has after those of some content, None when it differs from these in any other way."""
    own, kept = iter(content.items), list[Item]()
    async for page in item_pages(tx, team, frame):
        for item in page:
            expected = next(own, None)
            if expected is None and is_curated(item):
                kept.append(item)
            elif item != expected:
                return None
    named = {item.id for item in content.items} if kept else set()
    return None if next(own, None) is not None or any(item.id in named for item in kept) else kept


async def find_frame(tx: Transaction, team: TeamId, name: str, version: int) -> Suite | None:
    """Give a version of a suite without its items, for who reads those bit by bit."""
    one = (SUITES.c.team == team) & (SUITES.c.name == name) & (SUITES.c.version == version)
    body = (await tx.execute(select(SUITES.c.body).where(one))).scalar()
    return None if body is None else load_noun(_SUITE, body)


async def find_part(tx: Transaction, team: TeamId, name: str, version: int, ids: Collection[ItemId]) -> Suite | None:
    """Give a version of a suite with a part of its items, None when it is gone: those with graders of their own, one without,
    and those of some ids. So every way in which an item is graded is there."""
    known = tx.shelf.suites.get((team, name, version))
    if known is not None:
        return known
    frame = await find_frame(tx, team, name, version)
    if frame is None:
        return None
    found = {item.id: item async for item in items_with_graders(tx, team, frame)}
    plain = select(SUITE_ITEMS.c.body).where(*_of(team, frame), ~SUITE_ITEMS.c.own_graders).limit(1)
    items = [load_noun(_ITEM, row.body) for row in await tx.execute(plain)]
    missing = sorted(set(ids) - found.keys() - {item.id for item in items})
    for start in range(0, len(missing), _AT_ONCE):
        found |= await items_named(tx, team, frame, missing[start : start + _AT_ONCE])
    return replace(frame, items=(*items, *found.values()))


async def get_frame(tx: Transaction, team: TeamId, name: str, version: int) -> Suite:
    """Give a version of a suite without its items; raises UnknownName when it is gone."""
    frame = await find_frame(tx, team, name, version)
    if frame is None:
        raise UnknownName(f"Suite {name} version {version} is not in this database.")
    return frame


async def outline_items(tx: Transaction, team: TeamId, frame: Suite) -> AsyncIterator[ItemOutline]:
    """Give the outlines of a suite version's items in its order, one by one; cheap where it was read as a whole before."""
    known = tx.shelf.suites.get((team, frame.name, frame.version))
    if known is not None:
        for item in known.items:
            yield ItemOutline(item.id, item.skill, item.split, item.status, item.graders)
        return
    async for row in _stream(tx, team, frame):
        yield load_noun(_OUTLINE, row.body)


async def item_pages(tx: Transaction, team: TeamId, frame: Suite) -> AsyncIterator[list[Item]]:
    """Give the items of a suite version in its order, some at a time, never holding them all."""
    async for rows in _pages(tx, team, frame):
        yield [load_noun(_ITEM, row.body) for row in rows]


async def items_named(tx: Transaction, team: TeamId, frame: Suite, ids: Sequence[ItemId]) -> dict[ItemId, Item]:
    """Give some items of a suite version by their ids; those it does not have are left out."""
    wanted = select(SUITE_ITEMS.c.body).where(*_of(team, frame), SUITE_ITEMS.c.id.in_(_IDS))
    items = (load_noun(_ITEM, row.body) for row in await tx.execute(wanted, {"ids": ids}))
    return {item.id: item for item in items}


async def items_with_graders(tx: Transaction, team: TeamId, frame: Suite) -> AsyncIterator[Item]:
    """Give the items of a suite version that name graders of their own, one by one."""
    async for row in _stream(tx, team, frame, SUITE_ITEMS.c.own_graders):
        yield load_noun(_ITEM, row.body)


async def _stream(tx: Transaction, team: TeamId, frame: Suite, *which: ColumnElement[bool]) -> AsyncIterator[Row[Any]]:
    """Give the rows of a suite version's items in its order, one by one, never holding them all."""
    async for rows in _pages(tx, team, frame, *which):
        for row in rows:
            yield row


async def _pages(
    tx: Transaction, team: TeamId, frame: Suite, *which: ColumnElement[bool]
) -> AsyncIterator[Sequence[Row[Any]]]:
    """Give the rows of a suite version's items in its order, some at a time."""
    found = SUITE_ITEMS.c
    page = select(found.position, found.body).where(*_of(team, frame), *which).order_by(found.position).limit(_AT_ONCE)
    rows = (await tx.execute(page)).all()
    while rows:
        yield rows
        rows = (await tx.execute(page.where(found.position > rows[-1].position))).all()


async def _newest_version(tx: Transaction, team: TeamId, name: str) -> int | None:
    """Give the number of a suite's newest version, None when there is none."""
    newest: int | None = (await tx.execute(_NEWEST, {"team": team, "name": name})).scalar()
    return newest


def _of(team: TeamId, suite: Suite) -> tuple[ColumnElement[bool], ...]:
    """Name the items of a suite version."""
    found = SUITE_ITEMS.c
    return found.team == team, found.name == suite.name, found.version == suite.version


async def list_suites(tx: Transaction, team: TeamId) -> list[SuiteLine]:
    """Give the newest version of every suite, by name."""
    newest = (
        select(SUITES.c.name, func.max(SUITES.c.version).label("version"))
        .where(SUITES.c.team == team)
        .group_by(SUITES.c.name)
        .subquery()
    )
    wanted = select(SUITES.c.name, SUITES.c.version, SUITES.c.description, SUITES.c.item_count, SUITES.c.holdout_count)
    same = and_(SUITES.c.name == newest.c.name, SUITES.c.version == newest.c.version)
    rows = await tx.execute(wanted.join(newest, same).where(SUITES.c.team == team).order_by(SUITES.c.name))
    return [_line(row) for row in rows]


async def add_suite(
    tx: Transaction, team: TeamId, suite: Suite, released_at: datetime, released_by: PersonId, note: str
) -> None:
    """Add a released version; raises Conflict when the workspace has that version already."""
    alive = suite.asked_items(holdout=True)
    values = {
        "team": team,
        "name": suite.name,
        "version": suite.version,
        "description": suite.description,
        "item_count": len(alive),
        "holdout_count": sum(item.split is Split.HOLDOUT for item in alive),
        "body": dump_noun(_SUITE, replace(suite, items=())),
        "released_at": released_at,
        "released_by": released_by,
        "note": note,
    }
    if not await tx.add_once(SUITES, values):
        raise Conflict(f"Suite {suite.name} version {suite.version} was released meanwhile.", "Try again.")
    key = {"team": team, "name": suite.name, "version": suite.version}
    for start in range(0, len(suite.items), _AT_ONCE):
        some = enumerate(suite.items[start : start + _AT_ONCE], start)
        await tx.add_all(SUITE_ITEMS, [{**key, **_item_values(item, position)} for position, item in some])


def _item_values(item: Item, position: int) -> dict[str, Any]:
    """Give the row of an item, without the suite's key."""
    body = dump_noun(_ITEM, item)
    return {"id": item.id, "position": position, "own_graders": bool(item.graders), "body": body}


def _line(row: Row[Any]) -> SuiteLine:
    """Give the line of a row."""
    return SuiteLine(row.name, row.version, row.description, row.item_count, row.holdout_count)
