"""HTTP mode: signed requests, retries and answers."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from evalbot.playground.driver import DriverError
from evalbot.playground.server import Playground


class Receiver:
    """An HTTP endpoint that keeps requests and answers what it was told to."""

    def __init__(self) -> None:
        """Answer 200 with nothing at first."""
        self.requests: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()
        self.answer: dict[str, Any] = {}
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """Keep a request and answer."""
        body = await request.read()
        await self.requests.put((dict(request.headers), body))
        if b"url_verification" in body:
            return web.json_response({"challenge": json.loads(body)["challenge"]})
        return web.Response(**self.answer)

    async def next(self) -> tuple[dict[str, str], bytes]:
        """Return the next request."""
        return await asyncio.wait_for(self.requests.get(), 3)


@pytest.fixture
async def receiver(playground: Playground) -> AsyncIterator[Receiver]:
    """A running endpoint that the playground delivers to."""
    one = Receiver()
    app = web.Application()
    app.router.add_post("/slack/events", one.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    playground.request_url = one.url
    yield one
    await runner.cleanup()


async def test_requests_are_signed(receiver: Receiver, playground: Playground) -> None:
    """The SDK's verifier takes the signature, and refuses it with another body."""
    await playground.driver("dana").say("#general", "hello")
    headers, body = await receiver.next()
    verifier = SignatureVerifier(playground.signing_secret)
    assert verifier.is_valid_request(body, headers)
    assert not verifier.is_valid_request(body + b" ", headers)
    assert json.loads(body)["event"]["text"] == "hello"


async def test_failed_event_comes_again_with_retry_headers(receiver: Receiver, playground: Playground) -> None:
    """A 500 is retried at once with number and reason; X-Slack-No-Retry ends it."""
    receiver.answer = {"status": 500}
    await playground.driver("dana").say("#general", "hello")
    first, body = await receiver.next()
    receiver.answer = {"status": 500, "headers": {"X-Slack-No-Retry": "1"}}
    second, again = await receiver.next()
    assert "X-Slack-Retry-Num" not in first
    assert (second["X-Slack-Retry-Num"], second["X-Slack-Retry-Reason"]) == ("1", "http_error")
    assert json.loads(body)["event_id"] == json.loads(again)["event_id"]
    await asyncio.wait_for(playground.emulation.delivery.wait_quiet(), 3)
    assert receiver.requests.empty()


async def test_command_is_a_form_and_its_answer_is_shown(receiver: Receiver, playground: Playground) -> None:
    """Text and JSON answers of a command both show; a 404 fails visibly."""
    dana = playground.driver("dana")
    receiver.answer = {"text": "plain"}
    await dana.slash("/evalbot status", "#general")
    _, body = await receiver.next()
    assert parse_qs(body.decode())["command"] == ["/evalbot"]
    await dana.see_ephemeral("#general", "plain")
    receiver.answer = {"body": json.dumps({"response_type": "in_channel", "text": "for all"}).encode()}
    await dana.slash("/evalbot status", "#general")
    await playground.driver("lee").see_message("#general", "for all")
    receiver.answer = {"status": 404}
    with pytest.raises(DriverError, match="dispatch_failed"):
        await dana.slash("/evalbot status", "#general")


async def test_url_is_verified_by_a_challenge(receiver: Receiver, playground: Playground) -> None:
    """A url that gives the challenge back is taken; another is not."""
    dana = playground.driver("dana")
    await dana.do("request_url", url=receiver.url, verify=True)
    assert playground.request_url == receiver.url
    with pytest.raises(DriverError, match="did not give the challenge back"):
        await dana.do("request_url", url=f"{receiver.url}/wrong", verify=True)
    assert playground.request_url == ""
