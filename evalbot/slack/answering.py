"""Answers through the address that a press brings: one plain request each, as a crowd that grades gets one for every grade."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from evalbot.slack.retrying import LONGEST_WAIT_S, MOST_TRIES, TOO_MANY, retry_after_s

_HEADERS = {"Content-Type": "application/json;charset=utf-8"}


async def answer_at(client: AsyncWebClient, address: str, body: Mapping[str, Any]) -> bool:
    """Send an answer on the client's connections while they are open; tells whether Slack took it.

    An address works for half an hour only. It is tried again when Slack says that it was too soon, and never for another reason.
    """
    if client.session is None or client.session.closed:
        return False
    text = json.dumps(body).encode()
    for attempt in range(1 + MOST_TRIES):
        async with client.session.post(
            address, data=text, headers=_HEADERS, proxy=client.proxy, ssl=client.ssl or True
        ) as answer:
            await answer.read()
        wait_s = retry_after_s(answer.headers)
        if answer.status != TOO_MANY or attempt == MOST_TRIES or wait_s > LONGEST_WAIT_S:
            break
        await asyncio.sleep(wait_s)
    return answer.status == 200
