"""Asking through an OpenAI-compatible endpoint. Imports the openai package, so it is imported late."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient

from evalbot.asking.ask import Answer, Embedded, Question, with_system
from evalbot.asking.cost import cost_usd
from evalbot.asking.failures import retry_after, safe_excerpt, status_failure, too_large
from evalbot.asking.openai_forms import FORMS
from evalbot.asking.replies import read_embeddings, read_error
from evalbot.asking.target_config import TargetConfig
from evalbot.asking.throttle import Limits, Throttle, persist
from evalbot.errors import BadRequest, ModelUnavailable
from evalbot.runs.outputs import Usage

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
        self._form = FORMS[config.api]
        self._rng = random.Random()
        self._secrets = (endpoint.api_key,) if endpoint.api_key else ()
        self._http = DefaultAioHttpClient(
            timeout=None,  # the deadline is ours: a timeout per read never ends a dripping reply
            follow_redirects=False,
            event_hooks={"response": [self._refuse_failures]},
        )
        client = AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=endpoint.api_key or NO_KEY,
            default_headers={"Accept-Encoding": "identity"},  # a small packed reply can unpack to gigabytes
            http_client=self._http,
        )
        self._url = _joined(client.base_url, self._form.path)
        self._embeddings_url = _joined(client.base_url, "/embeddings")
        self._headers = _sent_headers(client)

    async def ask(self, question: Question) -> Answer:
        """Give the model's answer; raises ModelUnavailable when there is none after the retries."""
        return await self._asked(question, {})

    async def ask_json(self, question: Question, schema: Mapping[str, Any]) -> Answer:
        """Give the model's answer, asked for as JSON of a schema; the text is as sent, unparsed."""
        wanted: dict[str, Callable[[], dict[str, Any]]] = {
            "schema": lambda: self._form.json_wanted(schema),
            "object": lambda: self._form.json_wanted(None),
            "none": dict,
        }
        return await self._asked(question, wanted[self._config.json_mode]())

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Give a vector for each text; raises ModelUnavailable when there are none after the retries."""
        loop = asyncio.get_running_loop()
        wanted = {"model": self._endpoint.model, "input": list(texts), "encoding_format": "float"}
        body = _encoded({**wanted, **self._config.parameters})

        async def attempt() -> Embedded:
            begun_at = loop.time()
            found = read_embeddings(await self._call(self._embeddings_url, body, texts), len(texts))
            usage = self._usage(loop.time() - begun_at, found.input_tokens, 0)
            return Embedded(found.vectors, usage)

        return await persist(attempt, self._throttle, self._limits, self._rng)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _asked(self, question: Question, extra: Mapping[str, Any]) -> Answer:
        """Put the question, several times if need be."""
        loop = asyncio.get_running_loop()
        messages = with_system(question.messages, self._config.system)
        body = _encoded({**self._form.body(self._endpoint.model, messages), **self._config.parameters, **extra})
        texts = [message.content for message in messages]

        async def attempt() -> Answer:
            begun_at = loop.time()
            reply = self._form.read(await self._call(self._url, body, texts))
            usage = self._usage(loop.time() - begun_at, reply.input_tokens, reply.output_tokens)
            return Answer(reply.text, usage)

        return await persist(attempt, self._throttle, self._limits, self._rng)

    async def _call(self, url: httpx2.URL, body: bytes, texts: Sequence[str]) -> bytes:
        """Make one call and give the body of its reply; `texts` are what no failure may repeat."""
        try:
            return await self._post(url, body)
        except _StatusRefused as refused:
            raise self._explained(refused, texts) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, aiohttp.ClientError, OSError) as error:
            raise _connection_failure(error) from None

    async def _post(self, url: httpx2.URL, body: bytes) -> bytes:
        """Send the request and give the body of the reply, read up to the limit.

        It goes out on the client's connections with the client's headers, which are put together once: doing that for every
        request costs more than all the rest of it.
        """
        response = await self._http.send(httpx2.Request("POST", url, headers=self._headers, content=body), stream=True)
        try:
            whole = await _read_up_to(response, self._limits.max_bytes)
        finally:
            await response.aclose()
        if whole is None:
            raise too_large(self._limits.max_bytes)
        return whole

    @staticmethod
    async def _refuse_failures(response: httpx2.Response) -> None:
        """Stop a reply with a status other than success before anybody reads the whole of it."""
        if not response.is_success:
            part = await _read_up_to(response, MAX_ERROR_BYTES) or b""
            raise _StatusRefused(response.status_code, dict(response.headers), part)

    def _explained(self, refused: _StatusRefused, texts: Sequence[str]) -> ModelUnavailable:
        """Give the failure of a refused call; of a rejected key nothing is quoted."""
        code, said = read_error(refused.body)
        excerpt = "" if refused.status in (401, 403) else safe_excerpt(said, self._secrets, texts)
        return status_failure(refused.status, retry_after(refused.headers), code, excerpt)

    def _usage(self, latency_s: float, input_tokens: int | None, output_tokens: int | None) -> Usage:
        """Put time, tokens and price together."""
        where, price = self._endpoint, self._config.price
        cost = cost_usd(where.priced_as, where.model, input_tokens, output_tokens, price)
        return Usage(latency_s, input_tokens, output_tokens, cost)


class _StatusRefused(Exception):
    """A reply with a status other than success, with the start of its body."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.headers = headers
        self.body = body


def _joined(base: httpx2.URL, path: str) -> httpx2.URL:
    """Give the address of a path below the client's own."""
    return base.copy_with(raw_path=base.raw_path.rstrip(b"/") + path.encode("ascii"))


def _sent_headers(client: AsyncOpenAI) -> httpx2.Headers:
    """Give what the client sends with each request, without what it tells of this machine and its Python."""
    headers = {**client.auth_headers, **client.default_headers}
    sent = {name: value for name, value in headers.items() if isinstance(value, str)}
    return httpx2.Headers({name: value for name, value in sent.items() if not name.lower().startswith("x-stainless-")})


async def _read_up_to(response: httpx2.Response, limit: int) -> bytes | None:
    """Read a body piece by piece, None as soon as it is longer than the limit."""
    pieces: list[bytes] = []
    size = 0
    packed = "content-encoding" in response.headers
    async for piece in response.aiter_bytes() if packed else response.aiter_raw():
        size += len(piece)
        if size > limit:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _encoded(body: Mapping[str, Any]) -> bytes:
    """Give the request as ASCII JSON, so that any text can be sent."""
    try:
        return json.dumps(body, allow_nan=False).encode("ascii")
    except ValueError:
        raise BadRequest("The target's config holds a number that is not finite.", "Mend its config.") from None


def _connection_failure(error: Exception) -> ModelUnavailable:
    """Give the failure of a call that met no whole reply; the error's own words may hold addresses or keys."""
    if isinstance(error, httpx2.DecodingError):
        return ModelUnavailable("The model's reply could not be unpacked.", "Try again later.", kind="unreadable")
    return ModelUnavailable(
        "The connection to the model's server failed or broke off.",
        "Check the base URL and the network.",
        kind="connection",
        reached=not isinstance(
            error.__cause__, aiohttp.ClientConnectorError
        ),  # httpx2's classes take a reset for one too
    )
