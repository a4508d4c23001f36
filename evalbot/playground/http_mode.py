"""HTTP mode: signed requests to the app's request url."""

import asyncio
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import aiohttp

from evalbot.playground.clock import Clock
from evalbot.playground.transport import ACK_SECONDS, Answer, Envelope
from evalbot.playground.violations import Kind, Violations


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Return the X-Slack-Signature of a request body."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class HttpMode:
    """Posts deliveries to one url and reads what the app answers within three seconds."""

    def __init__(self, clock: Clock, secret: str, violations: Violations, ack_seconds: float = ACK_SECONDS) -> None:
        """url is set later: the app has to know the playground first."""
        self.url = ""
        self._clock, self._secret, self._violations = clock, secret, violations
        self._ack_seconds = ack_seconds
        self._session: aiohttp.ClientSession | None = None

    async def send(self, envelope: Envelope) -> Answer:
        """Post a delivery and wait up to three seconds for the answer."""
        body, content_type = _encode(envelope)
        headers = self.signed_headers(body) | {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (+playground)"}
        if envelope.retry_attempt:
            headers["X-Slack-Retry-Num"] = str(envelope.retry_attempt)
            headers["X-Slack-Retry-Reason"] = envelope.retry_reason
        try:
            async with (
                asyncio.timeout(self._ack_seconds),
                self._open().post(self.url, data=body, headers=headers) as response,
            ):
                return self._read(
                    envelope, response.status, await response.read(), response.headers.get("X-Slack-No-Retry", "")
                )
        except TimeoutError:
            self._violations.add(
                Kind.MISSING_ACK, envelope.label, f"No answer came within {self._ack_seconds:g} seconds."
            )
            return Answer("http_timeout")
        except aiohttp.TooManyRedirects:
            return Answer("too_many_redirects")
        except aiohttp.ClientError:
            return Answer("connection_failed")

    async def verify(self) -> bool:
        """Send the url_verification challenge; True when the app gave it back."""
        payload = {"token": "verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmd", "type": "url_verification"}
        answer = await self.send(Envelope("events_api", payload, "url_verification"))
        given = answer.payload or {}
        return payload["challenge"] in (given.get("challenge"), given.get("text"))

    def signed_headers(self, body: bytes) -> dict[str, str]:
        """Return the two headers that prove where a request comes from."""
        timestamp = str(int(self._clock.now()))
        return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": sign(self._secret, timestamp, body)}

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    def _read(self, envelope: Envelope, status: int, body: bytes, no_retry: str) -> Answer:
        if not 200 <= status < 300:
            text = f"The app answered with HTTP status {status}."
            self._violations.add(Kind.BAD_ACK, envelope.label, text)
            return Answer("http_error", is_final=no_retry == "1")
        payload = _parse(body)
        takes = envelope.accepts_payload or envelope.payload.get("type") == "url_verification"
        if payload is not None and not takes and envelope.kind != "events_api":
            text = "The answer carries a payload where Slack accepts none."
            self._violations.add(Kind.ACK_WITH_PAYLOAD, envelope.label, text)
            payload = None
        return Answer(payload=payload)


def _encode(envelope: Envelope) -> tuple[bytes, str]:
    if envelope.kind == "events_api":
        return json.dumps(envelope.payload).encode(), "application/json"
    fields = envelope.payload if envelope.kind == "slash_commands" else {"payload": json.dumps(envelope.payload)}
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


def _parse(body: bytes) -> dict[str, Any] | None:
    text = body.decode("utf-8", "replace").strip()
    if not text:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return {"text": text}
    return found if isinstance(found, dict) else {"text": text}
