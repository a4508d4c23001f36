"""Pictures uploaded to Slack in its three steps."""

from __future__ import annotations

import asyncio

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.errors import SlackUnavailable
from evalbot.reporting.posts import Picture

READY_TRIES = 20
READY_PAUSE_S = 0.5
UPLOAD_TIMEOUT_S = 30.0


async def upload_picture(client: AsyncWebClient, picture: Picture) -> str:
    """Upload a picture without sharing it and wait until Slack has looked at it; gives the file id to show it by.

    Raises SlackUnavailable when the bytes were not taken or the file does not become ready.
    """
    asked = await client.files_getUploadURLExternal(
        filename=picture.name, length=len(picture.png), alt_txt=picture.alt[:1000]
    )
    timeout = aiohttp.ClientTimeout(total=UPLOAD_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        headers = {"Content-Type": "application/octet-stream"}
        async with session.post(str(asked["upload_url"]), data=picture.png, headers=headers) as sent:
            if sent.status != 200:
                raise SlackUnavailable(f"Slack did not take a picture ({sent.status}).", "It is tried again.")
    file_id = str(asked["file_id"])
    await client.files_completeUploadExternal(files=[{"id": file_id, "title": picture.name}])
    for _ in range(READY_TRIES):
        info = await client.files_info(file=file_id)
        if (info.get("file") or {}).get("mimetype"):
            return file_id
        await asyncio.sleep(READY_PAUSE_S)
    raise SlackUnavailable("Slack has not made a picture ready.", "It is tried again.")
