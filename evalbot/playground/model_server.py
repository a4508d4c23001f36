"""An OpenAI-compatible server of simulated models for the demo, the playground and tests; it calls nothing."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import stat
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from evalbot.playground.simulated import wire
from evalbot.playground.simulated.faults import Fault
from evalbot.playground.simulated.simulation import Simulation, SimulationError, content_text

HTML_PAGE = (
    b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body>Bad Gateway (simulated)</body></html>"
)
MALFORMED = b'{"id": "chatcmpl-sim", "object": "chat.completion", "choices": [{"index": 0, "mess'


class ModelServer:
    """The server as an async context manager; base_url ends in /v1 and is known from entering on."""

    def __init__(
        self, port: int = 0, host: str = "127.0.0.1", latency_ms: float = 15.0, simulation: Simulation | None = None
    ) -> None:
        """port 0 takes a free one; a simulation given here keeps its own latency."""
        self.simulation = simulation or Simulation(latency_ms=latency_ms)
        self.host, self.port = host, port
        self._stopping = asyncio.Event()
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def base_url(self) -> str:
        """The address for an OpenAI client."""
        return f"http://{self.host}:{self.port}/v1"

    async def __aenter__(self) -> Self:
        """Listen and answer."""
        listener = socket.create_server((self.host, self.port), backlog=1024)
        # Inherited by every connection; without it short answers wait for the client's delayed acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            app(self.simulation, self._stopping),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        await self._server.ready.wait()
        return self

    async def __aexit__(self, *reason: object) -> None:
        """Let hanging requests go and stop."""
        self._stopping.set()
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving


class _Server(uvicorn.Server):
    """A uvicorn server that leaves the process's signals alone and tells when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as usual, then tell."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave SIGINT and SIGTERM to whoever runs this server."""
        yield


def app(simulation: Simulation, stopping: asyncio.Event) -> Starlette:
    """Give the ASGI application; requests that hang end when stopping is set."""
    doors = _Doors(simulation, stopping)
    return Starlette(
        routes=[
            Route("/v1/chat/completions", doors.chat, methods=["POST"]),
            Route("/v1/models", doors.models, methods=["GET"]),
            Route("/simulation", doors.read_simulation, methods=["GET"]),
            Route("/simulation", doors.change_simulation, methods=["POST"]),
            Route("/simulation/quality", doors.quality, methods=["GET", "POST"]),
        ]
    )


class _Doors:
    """The request handlers over one simulation."""

    def __init__(self, simulation: Simulation, stopping: asyncio.Event) -> None:
        self.simulation = simulation
        self.stopping = stopping
        self._number = 0

    async def chat(self, request: Request) -> Response:
        """Answer a chat completion, whole or streamed, or meet a fault that was ordered."""
        body = _object(await request.body())
        messages = body.get("messages")
        if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
            return _json(wire.error("messages must be a list of objects.", "invalid_request_error"), 400)
        model = str(body.get("model"))
        if model not in self.simulation.models:
            known = ", ".join(self.simulation.models)
            text = f"There is no simulated model {model!r}; there are {known}."
            return _json(wire.error(text, "invalid_request_error", "model_not_found"), 404)
        self.simulation.requests[model] += 1
        self._number += 1
        if self.simulation.latency_ms:
            await asyncio.sleep(self.simulation.latency_ms / 1000)
        fault = self.simulation.faults.next_fault(model)
        if fault is not None:
            return await self._fail(fault, model)
        return self._reply(model, messages, body)

    async def models(self, request: Request) -> Response:
        """List the simulated models."""
        return _json(wire.model_list(self.simulation.models))

    async def read_simulation(self, request: Request) -> Response:
        """Show settings and counts."""
        return _json(json.dumps(self.simulation.state()).encode())

    async def change_simulation(self, request: Request) -> Response:
        """Change settings, then show them."""
        try:
            self.simulation.apply(_object(await request.body()))
        except SimulationError as problem:
            return _json(wire.error(str(problem), "invalid_request_error"), 400)
        return await self.read_simulation(request)

    async def quality(self, request: Request) -> Response:
        """Tell with what quality an answer was written, for pretend people."""
        asked = _object(await request.body()) if request.method == "POST" else dict(request.query_params)
        return _json(json.dumps(self.simulation.quality(str(asked.get("text", "")))).encode())

    def _reply(self, model: str, messages: list[dict[str, Any]], body: dict[str, Any]) -> Response:
        """Give the model's answer in the form that was asked for."""
        answer = self.simulation.answer(model, messages, body)
        if not answer.startswith("{"):
            answer = wire.as_requested(answer, body.get("response_format"))
        prompt = "\n".join(content_text(message.get("content")) for message in messages)
        if not body.get("stream"):
            return _json(wire.completion(self._number, model, prompt, answer))
        options = body.get("stream_options")
        with_usage = isinstance(options, dict) and bool(options.get("include_usage"))
        return StreamingResponse(
            _streamed(wire.chunks(self._number, model, prompt, answer, with_usage)), media_type="text/event-stream"
        )

    async def _fail(self, fault: Fault, model: str) -> Response:
        """Give the broken answer of a fault; a hanging one ends with the server."""
        match fault:
            case Fault.RATE_LIMIT:
                wait = f"{self.simulation.faults.retry_after_s:g}"
                body = wire.error("Simulated rate limit.", "requests", "rate_limit_exceeded")
                return _json(body, 429, {"retry-after": wait})
            case Fault.SERVER_ERROR:
                return _json(wire.error("Simulated server error.", "server_error"), 500)
            case Fault.HANG:
                await self.stopping.wait()
                return _json(wire.error("The simulated server stopped.", "server_error"), 503)
            case Fault.MALFORMED:
                return _json(MALFORMED)
            case Fault.EMPTY_CHOICES:
                return _json(wire.without_choices(self._number, model))
            case Fault.HTML:
                return Response(HTML_PAGE, 502, media_type="text/html")


async def _streamed(events: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Give the events one by one."""
    for event in events:
        yield event


def _json(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Give a JSON response."""
    return Response(body, status, headers, media_type="application/json")


def _object(body: bytes) -> dict[str, Any]:
    """Read a JSON object; anything else is an empty one, which the caller refuses."""
    try:
        value = json.loads(body or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


async def serve(port: int, latency_ms: float) -> None:
    """Serve until SIGTERM, SIGINT, or the end of standard input if that is a pipe; say where on one line of JSON."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    _watch_stdin(lambda: loop.call_soon_threadsafe(stop.set))
    async with ModelServer(port=port, latency_ms=latency_ms) as server:
        sys.stdout.write(json.dumps({"base_url": server.base_url, "simulated": True}) + "\n")
        sys.stdout.flush()
        await stop.wait()


def _watch_stdin(ended: Callable[[], object]) -> None:
    """Call ended when standard input is closed by the parent; a terminal or a file is no parent."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):
        return
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return

    def wait_for_end() -> None:
        while os.read(0, 4096):
            pass
        with contextlib.suppress(RuntimeError):  # the loop is gone already
            ended()

    threading.Thread(target=wait_for_end, daemon=True).start()


def main() -> None:
    """Run the server as a process of its own."""
    parser = argparse.ArgumentParser(prog="evalbot.playground.model_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    parser.add_argument("--latency-ms", type=float, default=15.0, help="how long every answer takes")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.latency_ms))


if __name__ == "__main__":
    main()
