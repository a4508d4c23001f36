"""The HTTP door for Slack: the guard in front, deliveries behind it, and a health page."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Scope, Send
from starlette.types import Receive as Read

from evalbot.errors import BadSetting
from evalbot.slack.guard import (
    MAX_BYTES,
    REPEAT_S,
    Body,
    Head,
    Receipts,
    Refusal,
    check_signature,
    read_body,
    read_head,
)
from evalbot.slack.receiving import Receive, Reply

log = logging.getLogger(__name__)

EVENTS_PATH = "/slack/events"
HEALTH_PATH = "/health"

METRICS_PATH = "/metrics"
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

READ_S = 5.0
"""How long a request may take to arrive; Slack's are there at once."""

TOO_LARGE = 413
"""The status of a request that is larger than allowed; it is refused unread."""

Health = Callable[[], Mapping[str, Any]]
"""Tells how the bot is; `ok` in it decides between 200 and 503."""

Metrics = Callable[[], Awaitable[str]]
"""Gives the figures as Prometheus reads them."""


def build_http_app(health: Health, events: ASGIApp | None = None, metrics: Metrics | None = None) -> Starlette:
    """Give the web app: the health page, the figures, and Slack's requests when there is somebody to take them."""

    async def show_health(request: Request) -> Response:
        told = dict(health())
        return JSONResponse(told, 200 if told.get("ok") else 503)

    async def show_metrics(request: Request) -> Response:
        assert metrics is not None
        return Response(await metrics(), media_type=METRICS_TYPE)

    routes = [Route(HEALTH_PATH, show_health)]
    if metrics is not None:
        routes.append(Route(METRICS_PATH, show_metrics))
    if events is not None:
        routes.append(Route(EVENTS_PATH, events))
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return app


class SlackRequests:
    """Takes Slack's requests: what the guard refuses ends here with one line in the log.

    A request that comes again while Slack still waits for its answer gets the same answer; one that comes again later is
    refused. Either has no effect. `now` gives epoch seconds.
    """

    def __init__(self, receive: Receive, secret: str, now: Callable[[], float]) -> None:
        self._receive = receive
        self._secret = secret
        self._now = now
        self._receipts: Receipts[asyncio.Future[Reply]] = Receipts()
        self._taken = self._refused = 0

    def health(self) -> dict[str, Any]:
        """Tell how many requests were taken and refused."""
        return {"mode": "http", "ok": True, "taken": self._taken, "refused": self._refused}

    async def __call__(self, scope: Scope, receive: Read, send: Send) -> None:
        """Answer one request."""
        found = await self._take(scope, receive)
        if isinstance(found, Refusal):
            self._refused += 1
            log.warning("a request was refused: %s", found.why, extra={"action": "refused", "status": found.status})
            found = Reply(found.status, found.why)
        await _respond(found)(scope, receive, send)

    async def _take(self, scope: Scope, receive: Read) -> Reply | Refusal:
        """Check a request and carry it out."""
        head = read_head(scope["method"], scope["headers"], self._now())
        if isinstance(head, Refusal) and head.status == TOO_LARGE:
            return head
        # A refusal too comes after the body: an answer in the middle of it would cost the sender its connection.
        raw = await _read(receive)
        if isinstance(head, Refusal):
            return head
        if isinstance(raw, Refusal):
            return raw
        forged = check_signature(self._secret, head, raw)
        if forged is not None:
            return forged
        before = self._receipts.find(head.signature)
        if before is not None:
            recent = self._now() - before.at <= REPEAT_S
            return await asyncio.shield(before.held) if recent else Refusal(409, "a repetition")
        body = read_body(head.form, raw)
        return body if isinstance(body, Refusal) else await self._first(head, body)

    async def _first(self, head: Head, body: Body) -> Reply:
        """Carry out a request that comes for the first time."""
        self._taken += 1
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._receipts.keep(head.signature, self._now(), reply)
        try:
            answer = await self._receive(body, head.retry)
            reply.set_result(answer)
        finally:
            if not reply.done():
                reply.set_result(Reply(400, "failed"))
                self._receipts.forget(head.signature)
        return answer


async def _read(receive: Read) -> bytes | Refusal:
    """Read a body up to the size that is allowed."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(READ_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return Refusal(400, "cut off")
                part = message.get("body", b"")
                size += len(part)
                if size > MAX_BYTES:
                    return Refusal(TOO_LARGE, "too large")
                parts.append(part)
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        return Refusal(408, "too slow")


def _respond(reply: Reply) -> Response:
    """Give the HTTP response; Slack does not try again what was refused."""
    headers = {} if reply.status == 200 else {"X-Slack-No-Retry": "1"}
    if reply.status == 405:
        headers["Allow"] = "POST"
    return Response(reply.body, reply.status, headers, reply.content_type)


@contextlib.asynccontextmanager
async def serve_http(app: ASGIApp, host: str, port: int) -> AsyncIterator[str]:
    """Serve an app on a port (0 takes a free one); gives the address. Raises BadSetting for a port that cannot be taken."""
    listener = _listen_on(host, port)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        backlog=2048,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=3,
    )
    server = _QuietServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    await server.listens.wait()
    try:
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


def _listen_on(host: str, port: int) -> socket.socket:
    """Take a port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio switches Nagle's delays off only for sockets that name it.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise BadSetting(
            f"Port {port} of {host} cannot be listened on ({error.strerror}).", "Choose another one with EVALBOT_PORT."
        ) from None
    return listener


class _QuietServer(uvicorn.Server):
    """A server that leaves the program's signals alone and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.listens.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals."""
        yield
