"""Posts delivered to Slack: every one once, in order, through outages and lost answers."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.errors import SlackUnavailable
from evalbot.reporting.posts import Delivery
from evalbot.slack.blocks import with_picture
from evalbot.slack.pace import USUAL, Pace
from evalbot.slack.retrying import TOO_MANY, refusal_code
from evalbot.slack.uploads import upload_picture
from evalbot.workflows.posting import Outbox

log = logging.getLogger(__name__)

EVENT_TYPE = "evalbot_post"
"""The message metadata by which a post is found again when the answer to posting it was lost."""

FOR_NOW = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
"""Refusals that pass; every other one is for good."""

LOOK_BACK = 100
"""How many messages of a channel are looked through for one whose answer was lost."""

LOOK_THROUGH = 999
"""How many replies of a thread are, the most that Slack gives at once."""

LOST = (TimeoutError, OSError, aiohttp.ClientError, SlackClientError, SlackUnavailable)


@dataclass(frozen=True, slots=True)
class _Found:
    """A message of ours that was found again, and the version of the post that it was posted with."""

    ts: str
    version: int | None


class OutboxSender:
    """Delivers what the outbox holds, as long as `may_send`: of several programs with one database one delivers.

    `clock` counts seconds and only measures pauses.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        outbox: Outbox,
        pace: Pace = USUAL,
        clock: Callable[[], float] = time.monotonic,
        may_send: Callable[[], bool] = lambda: True,
    ) -> None:
        self._client = client
        self._outbox = outbox
        self._pace = pace
        self._clock = clock
        self._may_send = may_send
        self._posted_at: dict[str, float] = {}
        self._edited_at: dict[str, float] = {}
        self._edits_from = float("-inf")
        self._direct: dict[str, str] = {}
        self._lanes: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Deliver for ever: at once when there is news, and every second what waits for another try."""
        try:
            while True:
                self._outbox.news.clear()
                try:
                    if self._may_send():
                        await self.begin_due()
                except Exception:
                    log.exception("the outbox stumbled", extra={"action": "outbox_failed"})
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1.0):
                        await self._outbox.news.wait()
        finally:
            for task in self._lanes.values():
                task.cancel()
            await asyncio.gather(*self._lanes.values(), return_exceptions=True)

    async def begin_due(self) -> None:
        """Begin to deliver what is due in lanes side by side: the new posts of one channel in order, and each edit alone."""
        lanes: dict[str, list[Delivery]] = {}
        for delivery in await self._outbox.due():
            if delivery.posted_version == 0:
                lanes.setdefault(f"posts of {delivery.post.channel}", []).append(delivery)
            elif self._may_edit(delivery):
                lanes[f"edit of {delivery.post.key}"] = [delivery]
        for name, due in lanes.items():
            if name not in self._lanes:
                self._lanes[name] = asyncio.create_task(self._deliver_lane(due), name=name)
                self._lanes[name].add_done_callback(functools.partial(self._lane_ended, name))

    async def _deliver_lane(self, due: Iterable[Delivery]) -> None:
        """Deliver posts in order; after one that has to wait no later one goes out before it."""
        for delivery in due:
            if not await self._try(delivery):
                return

    def _lane_ended(self, name: str, task: asyncio.Task[None]) -> None:
        """Free a lane, and look at once whether more has come for it."""
        del self._lanes[name]
        if task.cancelled():
            return
        if task.exception() is not None:
            log.error("a delivery stumbled", exc_info=task.exception(), extra={"action": "outbox_failed"})
        else:
            self._outbox.news.set()

    def _may_edit(self, delivery: Delivery) -> bool:
        """Tell whether a message was left alone long enough to be edited again; Slack counts the edits of all messages."""
        if self._clock() < self._edits_from:
            return False
        key = delivery.post.key
        pause = self._pace.run_edit_s if key.startswith("run:") else self._pace.edit_s
        return self._clock() - self._edited_at.get(key, -pause) >= pause

    async def _try(self, delivery: Delivery) -> bool:
        """Try to deliver one post; tells whether later ones may follow."""
        try:
            await self._deliver(delivery)
        except SlackApiError as error:
            return await self._refused(delivery, error)
        except LOST as error:
            await self._outbox.failed(delivery, type(error).__name__)
            return False
        return True

    async def _refused(self, delivery: Delivery, error: SlackApiError) -> bool:
        """Note a refusal of Slack: try again later or give up."""
        code = refusal_code(error)
        if error.response.status_code == TOO_MANY and delivery.posted_version:
            self._edits_from = self._clock() + (_retry_after_s(error) or 1.0)
        if code in FOR_NOW or error.response.status_code >= 429:
            await self._outbox.failed(delivery, code, _retry_after_s(error))
            return False
        log.error("a message was refused", extra={"action": "post_refused", "key": delivery.post.key, "error": code})
        await self._outbox.given_up(delivery, code)
        return True

    async def _deliver(self, delivery: Delivery) -> None:
        """Make the wanted version of a post visible."""
        if delivery.post.picture and not delivery.file_id:
            file_id = await upload_picture(self._client, delivery.post.picture)
            await self._outbox.uploaded(delivery, file_id)
        else:
            file_id = delivery.file_id
        message = with_picture(
            delivery.post.payload, file_id or None, delivery.post.picture.alt if delivery.post.picture else ""
        )
        if delivery.posted_version:
            await self._edit(delivery, dict(message))
        else:
            await self._post(delivery, dict(message))

    async def _edit(self, delivery: Delivery, message: dict[str, Any]) -> None:
        """Change a message that is visible."""
        await self._client.chat_update(channel=delivery.place, ts=delivery.ts, **message)
        self._edited_at[delivery.post.key] = self._clock()
        await self._outbox.posted(delivery, delivery.place, delivery.ts)

    async def _post(self, delivery: Delivery, message: dict[str, Any]) -> None:
        """Post a message, unless an earlier try whose answer was lost has done so: then only what is new since is edited in.

        The try is noted before it is made, so that a program killed in between looks for its message first.
        """
        place = await self._place(delivery.post.channel)
        found = await self._look(delivery, place) if delivery.attempts else None
        if found is not None and found.version != delivery.version:
            await self._edit(replace(delivery, place=place, ts=found.ts), message)
            return
        ts = found.ts if found else await self._post_new(delivery, place, message)
        self._edited_at[delivery.post.key] = self._clock()
        await self._outbox.posted(delivery, place, ts)

    async def _post_new(self, delivery: Delivery, place: str, message: dict[str, Any]) -> str:
        """Post a message that is not there yet; gives its ts."""
        await self._pause(place)
        about = {"key": delivery.post.key, "version": delivery.version}
        await self._outbox.failed(delivery, "being posted", 0.0)
        answer = await self._client.chat_postMessage(
            channel=place,
            thread_ts=delivery.parent_ts or None,
            metadata={"event_type": EVENT_TYPE, "event_payload": about},
            unfurl_links=False,
            unfurl_media=False,
            **message,
        )
        return str(answer["ts"])

    async def _place(self, channel: str) -> str:
        """Give the conversation of a post: a person's direct messages are opened first."""
        if not channel.startswith(("U", "W")):
            return channel
        if channel not in self._direct:
            answer = await self._client.conversations_open(users=channel)
            self._direct[channel] = str(answer["channel"]["id"])
        return self._direct[channel]

    async def _look(self, delivery: Delivery, place: str) -> _Found | None:
        """Look for the message that carries the post's key; Slack gives channels newest first and threads oldest first."""
        if delivery.parent_ts:
            answer = await self._client.conversations_replies(
                channel=place, ts=delivery.parent_ts, limit=LOOK_THROUGH, include_all_metadata=True
            )
        else:
            answer = await self._client.conversations_history(channel=place, limit=LOOK_BACK, include_all_metadata=True)
        for message in answer.get("messages") or []:
            metadata = message.get("metadata") or {}
            about = metadata.get("event_payload") or {}
            if metadata.get("event_type") == EVENT_TYPE and about.get("key") == delivery.post.key:
                return _Found(str(message["ts"]), about.get("version"))
        return None

    async def _pause(self, place: str) -> None:
        """Wait until the channel takes another message."""
        now = self._clock()
        turn = max(now, self._posted_at.get(place, now - self._pace.post_s) + self._pace.post_s)
        self._posted_at[place] = turn
        if turn > now:
            await asyncio.sleep(turn - now)


def _retry_after_s(error: SlackApiError) -> float | None:
    """Read how long Slack asks to wait."""
    value = (error.response.headers or {}).get("Retry-After")
    try:
        return float(value) if value is not None else None
    except (TypeError, ValueError):
        return None
