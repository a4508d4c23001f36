"""Answers through the address of a press: taken, refused, or sent again when Slack says that it was too soon."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.slack.answering import answer_at

TOO_SOON = (429, "0")


@pytest.mark.parametrize(
    ("replies", "taken", "sent"),
    [
        ([(200, "")], True, 1),
        ([TOO_SOON, TOO_SOON, (200, "")], True, 3),
        ([TOO_SOON] * 20, False, 6),
        ([(429, "3600"), (200, "")], False, 1),
        ([(404, ""), (200, "")], False, 1),
        ([(500, ""), (200, "")], False, 1),
    ],
)
async def test_answer_is_sent_again_only_when_it_came_too_soon(
    replies: Sequence[tuple[int, str]], taken: bool, sent: int
) -> None:
    """What Slack turns away for a moment is sent again; a refusal, a failure and a long wait end it."""
    got: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        status, wait = replies[len(got)]
        got.append(await request.json())
        return web.Response(status=status, headers={"Retry-After": wait} if wait else {})

    app = web.Application()
    app.router.add_post("/answer", take)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        client = AsyncWebClient(session=session, retry_handlers=[])
        assert await answer_at(client, str(server.make_url("/answer")), {"text": "Grün — saved"}) is taken
    assert got == [{"text": "Grün — saved"}] * sent


async def test_connections_that_are_closed_take_nothing() -> None:
    """While the program ends the answer has to go another way."""
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(session=session, retry_handlers=[])
    assert await answer_at(client, "http://127.0.0.1:9/answer", {"text": "Saved"}) is False
