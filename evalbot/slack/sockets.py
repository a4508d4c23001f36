"""Socket Mode: a connection that is always there, watched for silence and opened anew when it is lost.

A connection that Slack wants to renew is replaced before it is left, so that what is on its way still gets its answer.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import ClientWebSocketResponse, WSMessage, WSMsgType
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from evalbot.errors import BadSetting
from evalbot.slack.guard import Refusal, read_json
from evalbot.slack.receiving import Receive, Reply, Retry
from evalbot.slack.retrying import refusal_code

log = logging.getLogger(__name__)

WRONG_TOKEN = frozenset(
    {
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
"""Refusals that waiting does not mend: at the start they end the program."""

CROWDED = frozenset({"too_many_websockets", "link_disabled"})
"""Why Slack sends a connection away for a while."""

ENDED = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})
_ENVELOPE_ID = re.compile(r'"envelope_id"\s*:\s*"([A-Za-z0-9-]{1,80})"')

LOST = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError)


@dataclass(frozen=True, slots=True)
class Timing:
    """Pauses in seconds. A connection on which `silent_s` after a ping neither its answer nor a delivery has come is dead."""

    ping_s: float = 10.0
    silent_s: float = 20.0
    connect_s: float = 15.0
    linger_s: float = 10.0
    pause_s: float = 0.5
    longest_pause_s: float = 5.0
    crowded_pause_s: float = 4.0
    longest_crowded_pause_s: float = 120.0
    settled_s: float = 10.0


PATIENT = Timing()


@dataclass(frozen=True, slots=True)
class _Failure:
    """A try to connect that failed; `crowded`: Slack wants us gone for a while, `refused`: our token is wrong."""

    why: str
    crowded: bool = False
    refused: bool = False
    wait_s: float = 0.0


@dataclass(slots=True, eq=False)
class _Socket:
    """One connection. `over` is set when another one is wanted.

    `heard_at` is when the other side last showed life, `asked_at` when it was first asked for some since, else infinite.
    """

    ws: ClientWebSocketResponse
    opened_at: float
    heard_at: float
    asked_at: float = float("inf")
    over: asyncio.Event = field(default_factory=asyncio.Event)
    why: str = ""

    def end(self, why: str) -> None:
        """Say why another connection is wanted."""
        if not self.over.is_set():
            self.why = why
            self.over.set()


class Sockets:
    """Keeps a connection open until it is closed: `async with Sockets(...)` waits for the first one.

    `clock` counts seconds, `rng` gives numbers in [0, 1) by which pauses are spread.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        app_token: str,
        receive: Receive,
        *,
        session: aiohttp.ClientSession,
        timing: Timing = PATIENT,
        clock: Callable[[], float] = time.monotonic,
        rng: Callable[[], float] = random.random,
    ) -> None:
        self._client, self._app_token, self._receive = client, app_token, receive
        self._session, self._timing, self._clock, self._rng = session, timing, clock, rng
        self._current: _Socket | None = None
        self._readers: set[asyncio.Task[None]] = set()
        self._deliveries: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._opened = 0
        self._trouble = ""

    # --- life --------------------------------------------------------------------------------------

    async def __aenter__(self) -> Sockets:
        """Connect. Raises BadSetting for a token that Slack refuses; while Slack is away it is tried again and again."""
        ready = asyncio.Event()
        self._keeper = asyncio.create_task(self._keep(ready), name="socket mode")
        waiting = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait({self._keeper, waiting}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._keeper.cancel()
            raise
        finally:
            waiting.cancel()
        if self._keeper.done():
            self._keeper.result()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Take nothing more, answer what has come, and disconnect."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._deliveries:
            await asyncio.wait(self._deliveries, timeout=self._timing.linger_s / 5)
        left = self._deliveries | self._readers
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._current is not None:
            await self._current.ws.close()

    def health(self) -> dict[str, Any]:
        """Tell how the connection is: since when nothing was heard (None before the first), how many were opened, what failed."""
        current = self._current
        connected = current is not None and not current.over.is_set()
        return {
            "mode": "socket",
            "ok": connected,
            "silent_s": None if current is None else round(self._clock() - current.heard_at, 1),
            "connections_opened": self._opened,
            "trouble": self._trouble,
        }

    # --- keeping a connection ----------------------------------------------------------------------

    async def _keep(self, ready: asyncio.Event) -> None:
        """Open a connection whenever there is none."""
        failures = 0
        while True:
            found = await self._connect()
            if isinstance(found, _Failure):
                if found.refused and not ready.is_set():
                    raise _wrong_token(found.why)
                await self._pause(found, failures)
                failures += 1
                continue
            self._begin(found)
            ready.set()
            await found.over.wait()
            failures = await self._ended(found, failures)

    def _begin(self, socket: _Socket) -> None:
        """Make a connection the one that counts."""
        self._current = socket
        self._opened += 1
        self._trouble = ""
        log.info("connected by Socket Mode", extra={"action": "socket_open", "opened": self._opened})
        self._spawn(self._read(socket), self._readers)

    async def _ended(self, socket: _Socket, failures: int) -> int:
        """Wait as long as the end of a connection asks for; gives how many tries in a row have gone wrong."""
        log.info("the connection ended: %s", socket.why, extra={"action": "socket_over"})
        self._trouble = socket.why
        if socket.why in CROWDED:
            await socket.ws.close()
            await self._pause(_Failure(socket.why, crowded=True), failures)
            return failures + 1
        if self._clock() - socket.opened_at >= self._timing.settled_s:
            return 0
        if failures:
            await self._pause(_Failure(socket.why), failures - 1)
        return failures + 1

    async def _pause(self, failure: _Failure, failures: int) -> None:
        """Wait before the next try, longer after each failure."""
        timing, self._trouble = self._timing, failure.why
        first, longest = timing.pause_s, timing.longest_pause_s
        if failure.crowded or failure.refused:
            first, longest = timing.crowded_pause_s, timing.longest_crowded_pause_s
        spread = 0.5 + self._rng() / 2
        wait_s = max(failure.wait_s, spread * min(longest, first * 2 ** min(failures, 20)))
        log.warning(
            "no connection to Slack (%s); next try in %.1f s", failure.why, wait_s, extra={"action": "socket_wait"}
        )
        await asyncio.sleep(wait_s)

    async def _connect(self) -> _Socket | _Failure:
        """Open a connection and wait until Slack greets; the address is asked for each time, as it works once."""
        try:
            async with asyncio.timeout(self._timing.connect_s):
                answer = await self._client.apps_connections_open(app_token=self._app_token)
                ws = await self._session.ws_connect(
                    str(answer.get("url") or ""),
                    autoping=False,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                    proxy=self._client.proxy,
                    ssl=self._client.ssl or True,
                )
                refused = await _greeted(ws)
        except SlackApiError as error:
            return _explain(error)
        except LOST as error:
            return _Failure(type(error).__name__)
        return refused or _Socket(ws, self._clock(), self._clock())

    # --- one connection ----------------------------------------------------------------------------

    async def _read(self, socket: _Socket) -> None:
        """Take what comes on a connection until it ends, is silent or has been replaced for long enough."""
        try:
            socket.end(await self._read_to_end(socket))
        except LOST as error:
            socket.end(type(error).__name__)
        finally:
            socket.end("closed")
            await socket.ws.close()

    async def _read_to_end(self, socket: _Socket) -> str:
        """Take frames; gives why there are no more."""
        timing = self._timing
        ping_at, leave_at = self._clock(), float("inf")
        while True:
            now = self._clock()
            if socket.over.is_set():
                leave_at = min(leave_at, now + timing.linger_s)
                if now >= leave_at:
                    return "replaced"
            if now >= ping_at:
                await self._ping(socket)
                ping_at = now + timing.ping_s
            silent_at = socket.asked_at + timing.silent_s
            try:
                message = await socket.ws.receive(timeout=max(0.01, min(ping_at, leave_at, silent_at) - now))
            except TimeoutError:
                message = None
            if message is not None and message.type in ENDED:
                return "closed"
            if message is not None:
                await self._take(socket, message)
            if self._clock() >= socket.asked_at + timing.silent_s:
                log.warning("the connection to Slack is silent", extra={"action": "socket_silent"})
                return "silent"

    async def _ping(self, socket: _Socket) -> None:
        """Ask for a sign of life."""
        async with asyncio.timeout(self._timing.silent_s):
            await socket.ws.ping(b"evalbot")
        socket.asked_at = min(socket.asked_at, self._clock())

    async def _take(self, socket: _Socket, message: WSMessage) -> None:
        """Take one frame. Only deliveries and answers to our pings show that the other side hears us."""
        if message.type == WSMsgType.PING:
            await socket.ws.pong(message.data)
            return
        socket.heard_at, socket.asked_at = self._clock(), float("inf")
        if message.type == WSMsgType.PONG:
            return
        told = _read_frame(message)
        if told.get("type") == "disconnect":
            socket.end(str(told.get("reason") or "disconnect")[:80])
        elif isinstance(told.get("envelope_id"), str):
            self._spawn(self._carry_out(socket, told), self._deliveries)
        elif told.get("type") != "hello":
            log.warning("a frame was not understood", extra={"action": "frame_broken"})

    async def _carry_out(self, socket: _Socket, envelope: dict[str, Any]) -> None:
        """Carry out a delivery and acknowledge it; what is broken is acknowledged too, as it would only come again."""
        retry: Retry = ()
        if envelope.get("retry_attempt"):
            retry = (
                ("x-slack-retry-num", str(envelope["retry_attempt"])[:10]),
                ("x-slack-retry-reason", str(envelope.get("retry_reason"))[:40]),
            )
        payload = envelope.get("payload")
        reply = await self._receive(payload if isinstance(payload, dict) else {}, retry)
        answer: dict[str, Any] = {"envelope_id": envelope["envelope_id"]}
        if reply.status == 200 and reply.body and envelope.get("accepts_response_payload"):
            answer["payload"] = _as_payload(reply)
        try:
            await socket.ws.send_str(json.dumps(answer))
        except LOST as error:
            log.warning(
                "an acknowledgement was lost: %s", type(error).__name__, extra={"action": "acknowledgement_lost"}
            )

    def _spawn(self, work: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> None:
        """Do something beside everything else; it is kept among its like until it ends."""
        task = asyncio.create_task(work)
        among.add(task)
        task.add_done_callback(among.discard)
        task.add_done_callback(self._tell_failure)

    def _tell_failure(self, task: asyncio.Task[None]) -> None:
        """Log the failure of a task."""
        if not task.cancelled() and task.exception() is not None:
            log.error("a delivery failed", exc_info=task.exception(), extra={"action": "delivery_failed"})


async def _greeted(ws: ClientWebSocketResponse) -> _Failure | None:
    """Wait for Slack's hello; gives a failure, and closes, when it sends us away instead."""
    greeted = False
    try:
        while True:
            message = await ws.receive()
            told = _read_frame(message)
            if told.get("type") == "hello":
                greeted = True
                return None
            if told.get("type") == "disconnect" or message.type in ENDED:
                why = str(told.get("reason") or "closed before the greeting")[:80]
                return _Failure(why, crowded=why in CROWDED)
    finally:
        if not greeted:
            await ws.close()


def _wrong_token(code: str) -> BadSetting:
    """Give the error for a token that Slack refuses."""
    return BadSetting(
        f"Slack refused SLACK_APP_TOKEN ({code}).",
        "Make an app-level token (xapp-...) with the scope connections:write, and switch Socket Mode on.",
    )


def _explain(error: SlackApiError) -> _Failure:
    """Say what a refusal of apps.connections.open means."""
    code = refusal_code(error)
    wait = str((error.response.headers or {}).get("Retry-After") or "0")
    return _Failure(code, refused=code in WRONG_TOKEN, wait_s=float(wait) if wait.isdigit() else 0.0)


def _read_frame(message: WSMessage) -> dict[str, Any]:
    """Read the JSON object of a frame, {} for every other frame; of a broken envelope only its id is left, to be acknowledged."""
    if message.type != WSMsgType.TEXT:
        return {}
    found = read_json(message.data)
    if isinstance(found, Refusal):
        name = _ENVELOPE_ID.search(message.data)
        return {"envelope_id": name[1]} if name else {}
    return found


def _as_payload(reply: Reply) -> dict[str, Any]:
    """Give the body of a reply as the payload of an acknowledgement."""
    found = read_json(reply.body) if reply.content_type == "application/json" else Refusal(400, "a text")
    return {"text": reply.body} if isinstance(found, Refusal) else found
