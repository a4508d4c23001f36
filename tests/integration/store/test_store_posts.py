"""The outbox shows each post once, in order, in its newest version."""

from __future__ import annotations

from dataclasses import replace

from evalbot.reporting.posts import Delivery, Picture, Post
from evalbot.store import posts
from evalbot.store.database import Store
from tests.integration.store.store_nouns import TEAM, later

CARD = Post("run:1", TEAM, "C1", {"text": "Run 1", "blocks": []})
REPLY = Post("round:1", TEAM, "C1", {"text": "Please grade"}, parent_key="run:1")
CHART = Post("digest:1", TEAM, "C1", {"text": "Digest"}, picture=Picture("trend.png", b"\x89PNG\x00\xff", "Up."))


async def put(store: Store, *given: Post) -> None:
    """Save posts."""
    for post in given:
        await store.write(lambda tx, post=post: posts.put_post(tx, post, later(0)))  # type: ignore[misc]


async def due(store: Store, minutes: float = 0, **limits: int) -> list[Delivery]:
    """Read what is due."""
    return await store.read(lambda tx: posts.due_deliveries(tx, later(minutes), **limits))


async def posted(store: Store, post: Post, version: int = 1, ts: str = "") -> None:
    """Say that a post is visible."""
    await store.write(lambda tx: posts.mark_posted(tx, post.key, version, "C1", ts or f"ts-{post.key}"))


async def find(store: Store, post: Post) -> Delivery:
    """Read how far a post has come."""
    found = await store.read(lambda tx: posts.find_delivery(tx, post.key))
    assert found is not None
    return found


async def test_new_content_is_a_new_version(store: Store) -> None:
    """Putting the same again changes nothing; another payload, picture or picture text is the next version."""
    await put(store, CHART, CHART)
    assert (await find(store, CHART)).version == 1
    edited = replace(CHART, payload={"text": "Digest, late"})
    redrawn = replace(edited, picture=Picture("trend.png", b"\x89PNG2", "Up."))
    for version, post in enumerate((edited, redrawn, replace(redrawn, picture=None), CHART), start=2):
        await put(store, post, post)
        delivery = await find(store, post)
        assert (delivery.version, delivery.post) == (version, post)


async def test_due_in_the_order_of_the_first_put(store: Store) -> None:
    """What was wanted first is delivered first, also when it changed later; only so many at once."""
    await put(store, CARD, CHART, replace(CARD, payload={"text": "Run 1: done"}))
    assert [delivery.post.key for delivery in await due(store)] == ["run:1", "digest:1"]
    assert [delivery.post.key for delivery in await due(store, limit=1)] == ["run:1"]


async def test_reply_waits_for_its_parent(store: Store) -> None:
    """A reply is due once its parent is visible, and then knows where."""
    await put(store, REPLY, CARD)
    assert [delivery.post.key for delivery in await due(store)] == ["run:1"]
    await posted(store, CARD, ts="100.5")
    (reply,) = await due(store)
    assert (reply.post, reply.parent_ts) == (REPLY, "100.5")


async def test_posted_version_is_due_no_more(store: Store) -> None:
    """A visible version rests; a change made while it was being posted is delivered next."""
    await put(store, CARD)
    await put(store, replace(CARD, payload={"text": "changed"}))
    await posted(store, CARD, version=1)
    (delivery,) = await due(store)
    assert (delivery.version, delivery.posted_version, delivery.ts) == (2, 1, "ts-run:1")
    await posted(store, CARD, version=2)
    await posted(store, CARD, version=1)
    assert await due(store) == []
    assert (await find(store, CARD)).posted_version == 2
    assert await store.read(posts.unposted) == 0


async def test_failed_try_waits(store: Store) -> None:
    """After a failure the next try comes at its time, also when the post changes meanwhile; success clears the failure."""
    await put(store, CARD)
    await store.write(lambda tx: posts.mark_failed(tx, CARD.key, "ratelimited", later(5), False))
    await put(store, replace(CARD, payload={"text": "changed"}))
    assert await due(store, 4) == []
    (delivery,) = await due(store, 5)
    assert (delivery.attempts, delivery.failure, delivery.due_at) == (1, "ratelimited", later(5))
    assert await store.read(posts.unposted) == 1
    await posted(store, CARD, version=2)
    delivery = await find(store, CARD)
    assert (delivery.attempts, delivery.failure, delivery.due_at) == (0, "", None)


async def test_given_up_post_gets_new_tries_with_new_content(store: Store) -> None:
    """What cannot be posted rests; the same content does not wake it, new content does."""
    await put(store, CARD)
    await store.write(lambda tx: posts.mark_failed(tx, CARD.key, "invalid_blocks", later(0), True))
    await put(store, CARD)
    assert await due(store, 100) == []
    assert await store.read(posts.unposted) == 0
    await put(store, replace(CARD, payload={"text": "mended"}))
    (delivery,) = await due(store)
    assert (delivery.attempts, delivery.given_up) == (0, False)


async def test_uploaded_picture_is_kept_until_it_changes(store: Store) -> None:
    """A text that changes does not need the picture again; another picture does."""
    await put(store, CHART)
    await store.write(lambda tx: posts.mark_uploaded(tx, CHART.key, "F1"))
    await put(store, replace(CHART, payload={"text": "changed"}))
    assert (await find(store, CHART)).file_id == "F1"
    await put(store, replace(CHART, picture=Picture("trend.png", b"other", "Up.")))
    assert (await find(store, CHART)).file_id == ""


async def test_post_is_found_by_its_message(store: Store) -> None:
    """A click on a message leads back to the post; a stranger's message leads nowhere."""
    await put(store, CARD, REPLY)
    await posted(store, CARD, ts="1.1")
    await posted(store, REPLY, ts="2.2")
    found = await store.read(lambda tx: posts.find_post_at(tx, "C1", "2.2"))
    assert found is not None
    assert (found.post, found.parent_ts) == (REPLY, "1.1")
    assert await store.read(lambda tx: posts.find_post_at(tx, "C2", "2.2")) is None
    assert await store.read(lambda tx: posts.find_delivery(tx, "nowhere")) is None
