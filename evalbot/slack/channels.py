"""Channels: whether evalbot may speak in one."""

from __future__ import annotations

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.errors import BadRequest, NotAllowed
from evalbot.slack.retrying import refusal_code


async def check_may_post(client: AsyncWebClient, channel: str, command: str) -> None:
    """Raise unless evalbot is in the channel and the channel is not shared with another organisation.

    A person's direct messages, by their id or that of the person, are always open. While Slack cannot be asked nothing is
    refused: the outbox keeps what is to be posted.
    """
    if channel.startswith(("D", "U", "W")):
        return
    try:
        answer = await client.conversations_info(channel=channel)
    except SlackApiError as error:
        if refusal_code(error) in ("channel_not_found", "not_in_channel"):
            raise BadRequest(
                "evalbot cannot see this channel.", f"Type /invite @evalbot here, then {command} again."
            ) from error
        return
    except (aiohttp.ClientError, TimeoutError, OSError):
        return
    found = answer.get("channel") or {}
    if found.get("is_ext_shared"):
        raise NotAllowed(
            "This channel is shared with another organisation, so evalbot posts nothing here.",
            "Use an internal channel.",
        )
    if found.get("is_archived"):
        raise BadRequest("This channel is archived.", "Use another one.")
    if not found.get("is_member", True) and not found.get("is_im"):
        raise BadRequest("evalbot is not in this channel.", f"Type /invite @evalbot here, then {command} again.")


async def find_channel(client: AsyncWebClient, name: str) -> str:
    """Give the id of a channel named `#name`; an id is given back as it is. Raises BadRequest when there is none."""
    if not name.startswith("#"):
        return name
    cursor = ""
    while True:
        answer = await client.conversations_list(
            types="public_channel,private_channel", exclude_archived=True, limit=500, cursor=cursor or None
        )
        for found in answer.get("channels") or []:
            if found.get("name") == name.removeprefix("#"):
                return str(found["id"])
        cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            raise BadRequest(
                "There is no channel of that name that evalbot can see.", "Invite evalbot to it, or check the name."
            )
