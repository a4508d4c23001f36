"""A running playground for each test, and ways to be its app."""

import json
from collections.abc import AsyncIterator
from typing import Any, Self

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.playground.server import Playground


class RawApp:
    """An app at the level of the wire: it reads envelopes and acknowledges only what a test tells it to."""

    def __init__(self, playground: Playground, session: aiohttp.ClientSession) -> None:
        """Remember where to connect."""
        self.playground, self.session = playground, session
        self.socket: aiohttp.ClientWebSocketResponse
        self.client = AsyncWebClient(token=playground.bot_token, base_url=playground.api_url)

    async def connect(self) -> Self:
        """Open a socket with a fresh url."""
        self.socket = await self.session.ws_connect(await self.url())
        return self

    async def url(self) -> str:
        """Return a fresh socket url."""
        reply = await self.client.apps_connections_open(app_token=self.playground.app_token)
        return str(reply["url"])

    async def read(self, timeout: float = 3.0) -> dict[str, Any]:
        """Return the next frame."""
        found: dict[str, Any] = json.loads((await self.socket.receive(timeout)).data)
        return found

    async def ack(self, envelope: dict[str, Any], payload: dict[str, Any] | None = None) -> None:
        """Acknowledge an envelope."""
        body: dict[str, Any] = {"envelope_id": envelope["envelope_id"]}
        await self.socket.send_json(body | ({"payload": payload} if payload is not None else {}))


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    """A playground without rate limits, whose app has a third of a second to acknowledge."""
    async with Playground(rate_limits=False, ack_seconds=0.35) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain HTTP client."""
    async with aiohttp.ClientSession() as one:
        yield one


@pytest.fixture
def raw_app(playground: Playground, session: aiohttp.ClientSession) -> RawApp:
    """An app at the level of the wire, not yet connected."""
    return RawApp(playground, session)


@pytest.fixture
def client(playground: Playground) -> AsyncWebClient:
    """The bot's Web API client."""
    return AsyncWebClient(token=playground.bot_token, base_url=playground.api_url)
