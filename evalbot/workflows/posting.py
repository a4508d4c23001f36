"""The outbox: what should be visible is declared here, and a door delivers it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from evalbot.reporting.posts import Delivery, Post
from evalbot.store import posts
from evalbot.store.database import Store, Transaction

LONGEST_WAIT_S = 15.0
"""Tries are never further apart than this, so a message is there soon after an outage."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """Keeps wanted posts in the database until they are visible; `news` is set whenever there is something to deliver."""

    store: Store
    now: Callable[[], datetime]
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def put(self, *wanted: Post) -> None:
        """Declare posts, in the order in which they should appear; the same key again edits its message."""
        at = self.now()

        async def save(tx: Transaction) -> None:
            for post in wanted:
                await posts.put_post(tx, post, at)

        await self.store.write(save)
        self.news.set()

    async def due(self) -> list[Delivery]:
        """Give what can be delivered now, in order."""
        return await self.store.read(lambda tx: posts.due_deliveries(tx, self.now()))

    async def find(self, key: str) -> Delivery | None:
        """Give how far a post has come, None when it was never declared."""
        return await self.store.read(lambda tx: posts.find_delivery(tx, key))

    async def find_at(self, place: str, ts: str) -> Delivery | None:
        """Give the post that is visible as a message, None when it is not ours."""
        return await self.store.read(lambda tx: posts.find_post_at(tx, place, ts))

    async def posted(self, delivery: Delivery, place: str, ts: str) -> None:
        """Note that a version of a post is visible."""
        await self.store.write(lambda tx: posts.mark_posted(tx, delivery.post.key, delivery.version, place, ts))

    async def uploaded(self, delivery: Delivery, file_id: str) -> None:
        """Note that a post's picture is uploaded."""
        await self.store.write(lambda tx: posts.mark_uploaded(tx, delivery.post.key, file_id))

    async def failed(self, delivery: Delivery, why: str, retry_after_s: float | None = None) -> None:
        """Note a try that failed for now; the next one comes after the wait that was asked for, else soon."""
        wait_s = (
            retry_after_s if retry_after_s is not None else min(LONGEST_WAIT_S, 0.5 * 2 ** min(delivery.attempts, 6))
        )
        due_at = self.now() + timedelta(seconds=wait_s)
        await self.store.write(lambda tx: posts.mark_failed(tx, delivery.post.key, why, due_at, False))

    async def given_up(self, delivery: Delivery, why: str) -> None:
        """Note that a post can never be delivered."""
        await self.store.write(lambda tx: posts.mark_failed(tx, delivery.post.key, why, self.now(), True))

    async def emptied(self) -> None:
        """Wait until everything is visible."""
        while True:
            if not await self.unposted():
                return
            await asyncio.sleep(0.05)

    async def unposted(self) -> int:
        """Count what is not visible yet."""
        return await self.store.read(posts.unposted)
