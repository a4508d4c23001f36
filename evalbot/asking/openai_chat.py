"""Asking through an OpenAI-compatible chat completions endpoint. Imports the openai package, so it is imported late."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx2
from openai import APIStatusError, AsyncOpenAI, DefaultAioHttpClient, OpenAIError

from evalbot.asking.ask import Answer, Question
from evalbot.asking.cost import cost_usd
from evalbot.asking.failures import retry_after, safe_excerpt, status_failure
from evalbot.asking.replies import Reply, read_error, read_reply
from evalbot.asking.target_config import TargetConfig
from evalbot.asking.throttle import Limits, Throttle, persist
from evalbot.errors import BadRequest, ModelUnavailable
from evalbot.runs.outputs import Usage
from evalbot.suites.items import Message

NO_KEY = "none"
"""What is sent as key to servers that want none."""

MAX_ERROR_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is asked. `priced_as` is the provider whose list price holds there, None when nobody knows."""

    model: str
    base_url: str
    api_key: str | None = field(default=None, repr=False)
    priced_as: str | None = None


class OpenAIChat:
    """Asks one model at one address. Connections, line and limits are shared by all calls; nothing is logged."""

    def __init__(self, endpoint: Endpoint, config: TargetConfig, limits: Limits, throttle: Throttle) -> None:
        self._endpoint = endpoint
        self._config = config
        self._limits = limits
        self._throttle = throttle
        self._rng = random.Random()
        self._secrets = (endpoint.api_key,) if endpoint.api_key else ()
        self._client = AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.api_key or NO_KEY,
            max_retries=0,
            timeout=None,  # the deadline is ours: a timeout per read never ends a dripping reply
            http_client=DefaultAioHttpClient(
                timeout=None, follow_redirects=False, event_hooks={"response": [self._refuse_failures]}
            ),
        )
        self._headers = {
            "Accept-Encoding": "identity",  # a small packed reply can unpack to gigabytes
            "X-Stainless-Raw-Response": "stream",  # the body is read here, up to the limit
        }

    async def ask(self, question: Question) -> Answer:
        """Give the model's answer; raises ModelUnavailable when there is none after the retries."""
        return await self._asked(question, {})

    async def ask_json(self, question: Question, schema: Mapping[str, Any]) -> Answer:
        """Give the model's answer, asked for as JSON of a schema; the text is as sent, unparsed."""
        wanted: dict[str, dict[str, Any]] = {
            "schema": {"response_format": _schema_format(schema)},
            "object": {"response_format": {"type": "json_object"}},
            "none": {},
        }
        return await self._asked(question, wanted[self._config.json_mode])

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _asked(self, question: Question, extra: Mapping[str, Any]) -> Answer:
        """Put the question, several times if need be."""
        messages = with_system(question.messages, self._config.system)
        body = self._body(messages, extra)

        async def attempt() -> Answer:
            return await self._attempt(body, messages)

        return await persist(attempt, self._throttle, self._limits, self._rng)

    def _body(self, messages: Sequence[Message], extra: Mapping[str, Any]) -> bytes:
        """Give the request as ASCII JSON, so that any text can be sent."""
        turns = [{"role": message.role, "content": message.content} for message in messages]
        body = {"model": self._endpoint.model, "messages": turns, **self._config.parameters, **extra}
        try:
            return json.dumps(body, allow_nan=False).encode("ascii")
        except ValueError:
            raise BadRequest("The target's config holds a number that is not finite.", "Mend its config.") from None

    async def _attempt(self, body: bytes, messages: Sequence[Message]) -> Answer:
        """Make one call and read its reply."""
        loop = asyncio.get_running_loop()
        begun_at = loop.time()
        try:
            reply = read_reply(await self._post(body))
        except _StatusRefused as refused:
            raise self._explained(refused, messages) from None
        except (OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, aiohttp.ClientError, OSError) as error:
            raise _connection_failure(error) from None
        return self._answer(reply, loop.time() - begun_at)

    async def _post(self, body: bytes) -> bytes:
        """Send the request and give the body of the reply, read up to the limit."""
        response = await self._client.post(
            "/chat/completions", cast_to=httpx2.Response, content=body, options={"headers": self._headers}
        )
        try:
            whole = await _read_up_to(response, self._limits.max_bytes)
        finally:
            await response.aclose()
        if whole is None:
            raise ModelUnavailable(
                f"The model's reply is larger than {self._limits.max_bytes:,} bytes.",
                "Set max_tokens in the target's config.",
                kind="too_large",
            )
        return whole

    @staticmethod
    async def _refuse_failures(response: httpx2.Response) -> None:
        """Stop a reply with a status other than success before anybody reads the whole of it."""
        if not response.is_success:
            part = await _read_up_to(response, MAX_ERROR_BYTES) or b""
            raise _StatusRefused(response.status_code, dict(response.headers), part)

    def _explained(self, refused: _StatusRefused, messages: Sequence[Message]) -> ModelUnavailable:
        """Give the failure of a refused call; of a rejected key nothing is quoted."""
        code, said = read_error(refused.body)
        texts = (message.content for message in messages)
        excerpt = "" if refused.status in (401, 403) else safe_excerpt(said, self._secrets, texts)
        return status_failure(refused.status, retry_after(refused.headers), code, excerpt)

    def _answer(self, reply: Reply, latency_s: float) -> Answer:
        """Put text, tokens and price together."""
        where, price = self._endpoint, self._config.price
        cost = cost_usd(where.priced_as, where.model, reply.input_tokens, reply.output_tokens, price)
        return Answer(reply.text, Usage(latency_s, reply.input_tokens, reply.output_tokens, cost))


class _StatusRefused(OpenAIError):
    """A reply with a status other than success, with the start of its body."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.headers = headers
        self.body = body


def with_system(messages: Sequence[Message], system: str | None) -> Sequence[Message]:
    """Give the messages with the target's own system text first."""
    return messages if system is None else (Message("system", system), *messages)


async def _read_up_to(response: httpx2.Response, limit: int) -> bytes | None:
    """Read a body piece by piece, None as soon as it is longer than the limit."""
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        if size > limit:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _schema_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Give the request for structured output."""
    return {"type": "json_schema", "json_schema": {"name": "verdict", "schema": dict(schema), "strict": True}}


def _connection_failure(error: Exception) -> ModelUnavailable:
    """Give the failure of a call that met no whole reply; the error's own words may hold addresses or keys."""
    if isinstance(error, APIStatusError):
        return status_failure(error.status_code)
    if isinstance(error, httpx2.DecodingError):
        return ModelUnavailable("The model's reply could not be unpacked.", "Try again later.", kind="unreadable")
    return ModelUnavailable(
        "The connection to the model's server failed or broke off.",
        "Check the base URL and the network.",
        kind="connection",
    )
