"""What the handlers of the Slack door are given."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.people import Person
from evalbot.runs.outputs import RunId
from evalbot.slack.confirming import Confirmations
from evalbot.slack.directory import Directory
from evalbot.workflows.posting import Outbox
from evalbot.workflows.services import Engine, Services
from evalbot.workflows.taking_grades import GradeDesk


@dataclass(frozen=True, slots=True)
class Door:
    """The stories and everything a handler needs to carry them to Slack. `command` is the slash command, `bot_user` our id."""

    services: Services
    engine: Engine
    outbox: Outbox
    directory: Directory
    client: AsyncWebClient
    command: str
    bot_user: str
    desk: GradeDesk
    confirmations: Confirmations

    async def permalink(self, key: str) -> str | None:
        """Give the address of one of our posts by its key, None while it is not visible."""
        return await find_permalink(self.client, self.outbox, key)


async def find_permalink(client: AsyncWebClient, outbox: Outbox, key: str) -> str | None:
    """Ask Slack for the address of a post by its key; None while it is not visible or Slack cannot be asked."""
    delivery = await outbox.find(key)
    if delivery is None or not delivery.ts:
        return None
    try:
        answer = await client.chat_getPermalink(channel=delivery.place, message_ts=delivery.ts)
    except (SlackApiError, aiohttp.ClientError, TimeoutError, OSError):
        return None
    return str(answer["permalink"])


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, where, and the run whose thread it is asked in, if any."""

    person: Person
    channel: str
    thread_run: RunId | None = None
