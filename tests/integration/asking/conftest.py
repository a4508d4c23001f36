"""A server on loopback that answers exactly as a script says, byte by byte if need be, and answerers that ask it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from evalbot.asking.answerers import ModelAnswerers
from evalbot.asking.ask import Answerer
from evalbot.suites.targets import Target

KEY = "sk-canary-3141592653589793"

Deed = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    """A request as it arrived: loop time, path, headers in lower case, and the JSON body."""

    at: float
    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class WireServer:
    """Plays its script one deed per request; the last deed is repeated."""

    base_url: str = ""
    script: list[Deed] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def will(self, *deeds: Deed) -> None:
        """Set the script."""
        self.script = list(deeds)

    def reply(
        self, status: int, body: bytes | str | Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Deed:
        """Give the deed of sending one whole reply."""
        data = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        lines = {"Content-Type": "application/json", "Content-Length": str(len(data)), **(headers or {})}
        head = f"HTTP/1.1 {status} Status\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return self.send(head.encode() + b"\r\n" + data)

    def send(self, data: bytes) -> Deed:
        """Give the deed of sending bytes as they are."""

        async def deed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(data)
            await writer.drain()

        return deed

    def answer(self, text: str | None, **changes: Any) -> Deed:
        """Give the deed of a usual chat completion; `changes` replace parts of its body."""
        message = {"role": "assistant", "content": text}
        body = {
            "id": "1",
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }
        return self.reply(200, body | changes)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side ends it."""
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *rest = head.split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                at = asyncio.get_running_loop().time()
                self.requests.append(Request(at, first.split(" ")[1], headers, json.loads(body) if body else None))
                deed = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                await deed(reader, writer)
        writer.close()
        self.closed.set()


@contextlib.asynccontextmanager
async def _listening() -> AsyncIterator[WireServer]:
    wire = WireServer()
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    yield wire
    server.close()
    for writer in wire.writers:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.fixture
async def wire() -> AsyncIterator[WireServer]:
    """A scripted server."""
    async with _listening() as wire:
        yield wire


@pytest.fixture
async def other_wire() -> AsyncIterator[WireServer]:
    """A second scripted server, on another port."""
    async with _listening() as wire:
        yield wire


@pytest.fixture
async def open_target(wire: WireServer, tmp_path: Path) -> AsyncIterator[Callable[..., Answerer]]:
    """Give a function that opens a target of the scripted server; `config` is the target's."""
    opened: list[ModelAnswerers] = []

    def open_target(
        name: str = "openai:test-model",
        deadline_s: float = 2.0,
        retries: int = 0,
        max_bytes: int = 200_000,
        **config: Any,
    ) -> Answerer:
        answerers = ModelAnswerers(wire.base_url, KEY, tmp_path, deadline_s, max_bytes, retries, environment={})
        opened.append(answerers)
        return answerers.answerer(Target(name, "test", config))

    yield open_target
    for answerers in opened:
        await answerers.close()
