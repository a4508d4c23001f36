"""The outbox in the database: posts that should exist, and how far each has come."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from pydantic import JsonValue, TypeAdapter
from sqlalchemy import Executable, Integer, Row, Select, bindparam, case, exists, func, or_, select, update

from evalbot.people import TeamId
from evalbot.reporting.posts import Delivery, Picture, Post
from evalbot.store.json_text import dump_noun, load_noun
from evalbot.store.tables import POSTS
from evalbot.store.transaction import Transaction, insert_into

_PAYLOAD = TypeAdapter(dict[str, JsonValue])
_PARENTS = POSTS.alias("parents")
_EARLIER = POSTS.alias("earlier")
_WITH_PARENT = select(POSTS, _PARENTS.c.ts.label("parent_ts")).select_from(
    POSTS.outerjoin(_PARENTS, _PARENTS.c.key == POSTS.c.parent_key)
)
_UNPOSTED = select(func.count()).select_from(POSTS).where(POSTS.c.waiting)


async def put_post(tx: Transaction, post: Post, now: datetime) -> None:
    """Say what a post should show: something new is the next version and gets new tries, the same changes nothing."""
    await tx.execute(_put(tx.dialect), _values(post, now))


@cache
def _put(dialect: str) -> Executable:
    """Give the statement that adds a post, or makes something new its next version."""
    statement = insert_into(dialect, POSTS)
    new, here = statement.excluded, POSTS.c
    new_picture = here.picture_png.is_distinct_from(new.picture_png)
    new_alt = here.picture_alt.is_distinct_from(new.picture_alt)
    changes = {
        "payload": new.payload,
        "picture_name": new.picture_name,
        "picture_alt": new.picture_alt,
        "picture_png": new.picture_png,
        "version": here.version + 1,
        "waiting": True,
        "file_id": case((new_picture, ""), else_=here.file_id),
        "attempts": case((here.given_up, 0), else_=here.attempts),
        "due_at": case((here.given_up, None), else_=here.due_at),
        "given_up": False,
    }
    something_new = or_(here.payload != new.payload, new_picture, new_alt)
    return statement.on_conflict_do_update(index_elements=["key"], set_=changes, where=something_new)


async def due_deliveries(tx: Transaction, now: datetime, limit: int = 50) -> list[Delivery]:
    """Give what is to be posted or edited now, in the order of first put.

    A reply waits until its parent is visible, and a new post while an earlier one of its channel waits for another try.
    """
    return [_delivery(row) for row in await tx.execute(_due(), {"now": now, "most": limit})]


@cache
def _due() -> Executable:
    """Give the statement that finds what is due at `now`: it is looked for all the time, and long to put together."""
    here, earlier, now = POSTS.c, _EARLIER.c, bindparam("now", type_=POSTS.c.due_at.type)
    due = or_(here.due_at.is_(None), here.due_at <= now)
    placed = or_(here.parent_key == "", _PARENTS.c.ts != "")
    waits = (earlier.waiting, earlier.posted_version == 0, earlier.due_at > now)
    before = (earlier.channel == here.channel, earlier.position < here.position)
    in_turn = or_(here.posted_version > 0, ~exists().where(*before, *waits))
    wanted = _WITH_PARENT.where(here.waiting, due, placed, in_turn).order_by(here.position)
    return wanted.limit(bindparam("most", type_=Integer))


async def find_delivery(tx: Transaction, key: str) -> Delivery | None:
    """Give how far a post has come."""
    return await _first(tx, _WITH_PARENT.where(POSTS.c.key == key))


async def find_post_at(tx: Transaction, place: str, ts: str) -> Delivery | None:
    """Give the post that is visible as a message."""
    return await _first(tx, _WITH_PARENT.where(POSTS.c.place == place, POSTS.c.ts == ts))


async def unposted(tx: Transaction) -> int:
    """Count the posts whose newest version is not visible yet and still will be tried."""
    count: int = (await tx.execute(_UNPOSTED)).scalar_one()
    return count


async def mark_posted(tx: Transaction, key: str, version: int, place: str, ts: str) -> None:
    """Say that a version is visible as a message."""
    shown = case((POSTS.c.posted_version > version, POSTS.c.posted_version), else_=version)
    await _change(
        tx,
        key,
        posted_version=shown,
        waiting=POSTS.c.version > shown,
        place=place,
        ts=ts,
        attempts=0,
        due_at=None,
        failure="",
        given_up=False,
    )


async def mark_uploaded(tx: Transaction, key: str, file_id: str) -> None:
    """Say that the picture of a post is uploaded."""
    await _change(tx, key, file_id=file_id)


async def mark_failed(tx: Transaction, key: str, failure: str, due_at: datetime | None, given_up: bool) -> None:
    """Say that a try failed, and when to try again or that nobody will."""
    waiting = (POSTS.c.version > POSTS.c.posted_version) if not given_up else False
    await _change(
        tx, key, failure=failure, due_at=due_at, given_up=given_up, waiting=waiting, attempts=POSTS.c.attempts + 1
    )


async def _change(tx: Transaction, key: str, **changes: Any) -> None:
    """Change columns of a post."""
    await tx.execute(update(POSTS).where(POSTS.c.key == key).values(**changes))


async def _first(tx: Transaction, wanted: Select[Any]) -> Delivery | None:
    """Give the first delivery of a query."""
    row = (await tx.execute(wanted)).first()
    return None if row is None else _delivery(row)


def _values(post: Post, now: datetime) -> dict[str, Any]:
    """Give the row of a post that is new."""
    picture = post.picture
    return {
        "key": post.key,
        "team": post.team,
        "channel": post.channel,
        "payload": dump_noun(_PAYLOAD, dict(post.payload)),
        "parent_key": post.parent_key,
        "picture_name": None if picture is None else picture.name,
        "picture_alt": None if picture is None else picture.alt,
        "picture_png": None if picture is None else picture.png,
        "version": 1,
        "posted_version": 0,
        "waiting": True,
        "place": "",
        "ts": "",
        "file_id": "",
        "attempts": 0,
        "due_at": None,
        "failure": "",
        "given_up": False,
        "put_at": now,
    }


def _delivery(row: Row[Any]) -> Delivery:
    """Give the delivery of a row."""
    picture = None if row.picture_png is None else Picture(row.picture_name, row.picture_png, row.picture_alt)
    payload = load_noun(_PAYLOAD, row.payload)
    return Delivery(
        post=Post(row.key, TeamId(row.team), row.channel, payload, row.parent_key, picture),
        version=row.version,
        posted_version=row.posted_version,
        place=row.place,
        ts=row.ts,
        parent_ts=row.parent_ts or "",
        file_id=row.file_id,
        attempts=row.attempts,
        due_at=row.due_at,
        failure=row.failure,
        given_up=row.given_up,
    )
