"""Asking the team's own app over HTTP. Imports aiohttp, so it is imported late."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from jmespath.exceptions import JMESPathError
from pydantic import JsonValue

from evalbot.asking.addresses import CheckedResolver, Lookup, is_public, look_up, refuse_private
from evalbot.asking.ask import Answer, Question, question_values
from evalbot.asking.event_streams import DONE, EventReader
from evalbot.asking.failures import retry_after, safe_excerpt, status_failure, too_large
from evalbot.asking.http_config import AppConfig
from evalbot.asking.replies import read_error
from evalbot.asking.throttle import Limits, Throttle, persist
from evalbot.errors import BadFile, ModelUnavailable
from evalbot.runs.outputs import Usage
from evalbot.suites.filling import fill_template

MAX_ERROR_BYTES = 16_384
MAX_REDIRECTS = 3
_KEEPS_METHOD = frozenset({307, 308})
_REDIRECTS = frozenset({301, 302, 303}) | _KEEPS_METHOD
_WHOLE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}", re.ASCII)


class HttpApp:
    """Asks one app. The address is checked after the name was looked up, and the checked one is connected to."""

    def __init__(
        self, config: AppConfig, limits: Limits, throttle: Throttle, label: str, lookup: Lookup = look_up
    ) -> None:
        self._config = config
        self._limits = limits
        self._throttle = throttle
        self._label = label
        self._lookup = lookup
        self._rng = random.Random()
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, question: Question) -> Answer:
        """Give the app's answer; raises ModelUnavailable when there is none after the retries."""
        values = question_values(question)
        try:
            body, query = self._filled(self._config.body, values), self._filled(dict(self._config.query), values)
        except BadFile as error:
            raise ModelUnavailable(error.message, error.hint, kind="bad_request") from None
        texts = [message.content for message in question.messages]

        async def attempt() -> Answer:
            loop = asyncio.get_running_loop()
            begun_at = loop.time()
            try:
                text = await self._call(body, query, texts)
            except (aiohttp.ClientError, OSError, ValueError) as error:
                raise _explained(error) from None
            return Answer(text, Usage(loop.time() - begun_at))

        return await persist(attempt, self._throttle, self._limits, self._rng)

    async def ask_json(self, question: Question, schema: Mapping[str, Any]) -> Answer:
        """Give the app's answer; an app is asked in its own form, so the schema is not sent."""
        return await self.ask(question)

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _filled(self, value: JsonValue, values: Mapping[str, Any]) -> Any:
        """Fill the templates of a body; `{{ name }}` alone gives the variable as it is, a list or a number too."""
        if isinstance(value, str):
            whole = _WHOLE.fullmatch(value)
            if whole and whole[1] in values:
                return values[whole[1]]
            return fill_template(value, values, f"The body of target {self._label}") if "{" in value else value
        if isinstance(value, list):
            return [self._filled(one, values) for one in value]
        if isinstance(value, dict):
            return {name: self._filled(one, values) for name, one in value.items()}
        return value

    async def _call(self, body: Any, query: Mapping[str, Any], texts: Sequence[str]) -> str:
        """Send the question, following redirects within the host, and give the text of the answer."""
        url, method = self._config.url, self._config.method
        for _ in range(MAX_REDIRECTS + 1):
            self._check_host(url)
            async with self._opened().request(method, url, **self._sent(body, query)) as reply:
                if reply.status in _REDIRECTS:
                    url = self._redirected(url, method, reply)
                    query = {}
                    continue
                if not 200 <= reply.status < 300:
                    raise await self._refused(reply, texts)
                return await (self._streamed(reply) if self._config.stream else self._read(reply))
        raise status_failure(310)

    def _check_host(self, url: str) -> None:
        """Refuse a private address that is written out: such a host is never looked up."""
        host = urlsplit(url).hostname or ""
        numeric = ":" in host or re.fullmatch(r"[\d.]+", host)
        if numeric and not self._config.allow_private and not is_public(host):
            raise refuse_private(host)

    def _opened(self) -> aiohttp.ClientSession:
        """Give the session, opened at the first question: it belongs to the event loop that asks."""
        if self._session is None:
            resolver = CheckedResolver(allow_private=self._config.allow_private, lookup=self._lookup)
            connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=0)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=None),  # the deadline is ours
                headers={"Accept-Encoding": "identity", "User-Agent": "evalbot"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # a small packed reply can unpack to gigabytes
            )
        return self._session

    def _sent(self, body: Any, query: Mapping[str, Any]) -> dict[str, Any]:
        """Give what goes into the request: a text as it is, anything else as JSON."""
        sent: dict[str, Any] = {"headers": dict(self._config.headers), "allow_redirects": False}
        if query:
            sent["params"] = {name: one if isinstance(one, str) else json.dumps(one) for name, one in query.items()}
        if isinstance(body, str):
            sent["data"] = body.encode("utf-8", "replace")
            sent["headers"].setdefault("Content-Type", "text/plain; charset=utf-8")
        elif body is not None:
            sent["data"] = json.dumps(body).encode("ascii")
            sent["headers"].setdefault("Content-Type", "application/json")
        return sent

    def _redirected(self, url: str, method: str, reply: aiohttp.ClientResponse) -> str:
        """Give the address of a redirect within the same host; what was asked is sent nowhere else."""
        new = urljoin(url, reply.headers.get("Location", ""))
        old_parts, parts = urlsplit(url), urlsplit(new)
        same = (old_parts.scheme, old_parts.netloc) == (parts.scheme, parts.netloc) and new != url
        if not same or not (method == "GET" or reply.status in _KEEPS_METHOD):
            raise status_failure(reply.status)
        return new

    async def _refused(self, reply: aiohttp.ClientResponse, texts: Sequence[str]) -> ModelUnavailable:
        """Give the failure of a status other than success; of a rejected key nothing is quoted."""
        part = await _read_up_to(reply, MAX_ERROR_BYTES) or b""
        code, said = read_error(part)
        quiet = reply.status in (401, 403)
        excerpt = "" if quiet else safe_excerpt(said, self._config.secrets, texts)
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return status_failure(reply.status, retry_after(headers), code, excerpt)

    async def _read(self, reply: aiohttp.ClientResponse) -> str:
        """Read a whole reply and give its answer."""
        whole = await _read_up_to(reply, self._limits.max_bytes)
        if whole is None:
            raise too_large(self._limits.max_bytes)
        try:
            text = whole.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ModelUnavailable("The app's reply is not UTF-8 text.", "Mend the app.", kind="unreadable") from None
        if self._config.output is None:
            return text
        found = self._found(text)
        if found is None:
            raise self._bad(f"holds nothing at `{self._config.output_text}`")
        return found

    async def _streamed(self, reply: aiohttp.ClientResponse) -> str:
        """Collect the answer from the events of a stream, which ends by itself or with `[DONE]`."""
        reader = EventReader(server_sent="event-stream" in reply.headers.get("Content-Type", ""))
        pieces: list[str] = []
        size = 0
        async for piece in reply.content.iter_any():
            size += len(piece)
            if size > self._limits.max_bytes:
                raise too_large(self._limits.max_bytes)
            for event in reader.feed(piece):
                if event.strip() == DONE:
                    return self._joined(pieces)
                pieces += self._part(event)
        for event in reader.end():
            pieces += self._part(event) if event.strip() != DONE else []
        return self._joined(pieces)

    def _part(self, event: str) -> list[str]:
        """Give the part of the answer in one event; events without any are about something else."""
        if self._config.output is None:
            return [event]
        found = self._found(event)
        return [] if found is None else [found]

    def _joined(self, pieces: Sequence[str]) -> str:
        if not pieces:
            raise self._bad("is a stream without an answer")
        return "".join(pieces)

    def _found(self, text: str) -> str | None:
        """Give what stands at the output's place in a JSON text, None where there is nothing."""
        assert self._config.output is not None
        try:
            found = self._config.output.search(json.loads(text))
        except (ValueError, RecursionError):
            raise ModelUnavailable(
                "The app's reply is not JSON.", "Mend the app or its url.", kind="unreadable"
            ) from None
        except JMESPathError:
            raise self._bad(f"does not fit the path `{self._config.output_text}`") from None
        if found is None or isinstance(found, str):
            return found
        return json.dumps(found, ensure_ascii=False)

    @staticmethod
    def _bad(what: str) -> ModelUnavailable:
        return ModelUnavailable(f"The app's reply {what}.", "Correct output in the target's config.", kind="bad_reply")


async def _read_up_to(reply: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """Read a body piece by piece, None as soon as it is longer than the limit."""
    pieces: list[bytes] = []
    size = 0
    async for piece in reply.content.iter_any():
        size += len(piece)
        if size > limit:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _explained(error: Exception) -> ModelUnavailable:
    """Give the failure of a call that met no whole reply; the error's own words may hold addresses or keys."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ModelUnavailable):
            return cause
        cause = cause.__cause__ or cause.__context__
    return ModelUnavailable(
        "The connection to the app failed or broke off.", "Check its url and the network.", kind="connection"
    )
