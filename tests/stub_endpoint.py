"""A stub of an OpenAI-compatible endpoint for drills and benchmarks: plain asyncio, cheap, with faults by plan.

It answers every question with the number that the question ends with. `python -m tests.stub_endpoint LATENCY_S` serves until it
is ended, in a process of its own, and prints its port.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """What may happen to a request instead of an answer."""

    LIMITED = "429"
    BROKEN = "500"
    RESET = "reset"
    MALFORMED = "malformed"
    LOCKED = "401"


Plan = Callable[[str, int, float], Fault | None]
"""Gives what happens to a question that comes for the nth time, counted from 1, at a time in seconds since the first request."""


def always_answer(question: str, nth: int, at: float) -> Fault | None:
    """Meet every request with an answer."""
    return None


def mix(shares: Mapping[Fault, float], seed: int = 1) -> Plan:
    """Give a plan by which each request meets a fault with some probability, the same ones in each run of it."""
    faults = [*shares, None]
    weights = [*shares.values(), 1 - sum(shares.values())]
    return lambda question, nth, at: random.Random(f"{seed} {question} {nth}").choices(faults, weights)[0]


@dataclass
class StubEndpoint:
    """The endpoint. `asked` and `answered` count by question, `repeats` are requests for what was answered already.

    `came` holds when each request came, `limited` when one was refused with 429; `in_flight_at` how many were under way then.
    """

    latency_s: float = 0.0
    plan: Plan = always_answer
    retry_after_s: float | None = None
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    came: list[float] = field(default_factory=list)
    limited: list[float] = field(default_factory=list)
    in_flight_at: list[tuple[float, int]] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    in_flight: int = 0
    began: float = 0.0
    keep_counts: bool = True
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Listen on this machine and give the base URL."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", port, backlog=1_024)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            server.close()

    def decide(self, question: str) -> Fault | None:
        """Say what happens to a request and count it."""
        if not self.keep_counts:
            return None
        self.asked[question] += 1
        fault = self.plan(question, self.asked[question], self.now())
        if fault is None:
            self.answered[question] += 1
        elif fault is Fault.LIMITED:
            self.limited.append(self.now())
        return fault

    def take(self, question: str) -> None:
        """Note that a request came."""
        self.in_flight += 1
        self.changed.set()
        if self.keep_counts:
            self.began = self.began or asyncio.get_running_loop().time()
            self.came.append(self.now())
            self.in_flight_at.append((self.now(), self.in_flight))
            if self.answered[question]:
                self.repeats.append(question)

    def leave(self) -> None:
        """Note that a request is answered, or that nobody waits for the answer any more."""
        self.in_flight -= 1
        self.changed.set()

    async def wait_for(self, reached: Callable[[int], bool]) -> None:
        """Wait until the number of requests under way has reached something."""
        while not reached(self.in_flight):
            self.changed.clear()
            await self.changed.wait()

    def now(self) -> float:
        """Give the seconds since the first request."""
        return asyncio.get_running_loop().time() - self.began


class _Connection(asyncio.Protocol):
    """One connection that is kept alive; requests come one after the other."""

    def __init__(self, endpoint: StubEndpoint) -> None:
        self._endpoint = endpoint
        self._buffer = b""
        self._waiting: deque[asyncio.TimerHandle] = deque()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what the client did not wait for."""
        for handle in self._waiting:
            if not handle.cancelled() and handle.when() > asyncio.get_running_loop().time():
                handle.cancel()
                self._endpoint.leave()
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Take whole requests out of what has come."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            place = head.find(b"content-length:")
            size = int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
            if len(self._buffer) < end + 4 + size:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + size], self._buffer[end + 4 + size :]
            self._take(body)

    def _take(self, body: bytes) -> None:
        """Answer a request after the latency."""
        question = json.loads(body)["messages"][-1]["content"] if body else ""
        self._endpoint.take(question)
        loop = asyncio.get_running_loop()
        if len(self._waiting) > 8:
            self._waiting.popleft()
        self._waiting.append(loop.call_later(self._endpoint.latency_s, self._answer, question))

    def _answer(self, question: str) -> None:
        """Send the answer, or let the planned fault happen."""
        self._endpoint.leave()
        fault = self._endpoint.decide(question)
        if self._transport is None or self._transport.is_closing():
            return
        if fault is Fault.RESET:
            self._transport.abort()
            return
        self._transport.write(self._reply(question, fault))

    def _reply(self, question: str, fault: Fault | None) -> bytes:
        """Give the bytes of a reply."""
        if fault is Fault.MALFORMED:
            return _http(200, b'{"choices": [{"mess')
        if fault is not None:
            wait = self._endpoint.retry_after_s
            more = f"retry-after: {wait:g}\r\n" if fault is Fault.LIMITED and wait is not None else ""
            return _http(int(fault), b'{"error": {"message": "planned"}}', more)
        said = question.rstrip(".").rpartition(" ")[2]
        return _http(200, _COMPLETION % said.encode())


_COMPLETION = (
    b'{"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, "finish_reason": "stop", '
    b'"message": {"role": "assistant", "content": "%s"}}], '
    b'"usage": {"prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14}}'
)


def _http(status: int, body: bytes, more: str = "") -> bytes:
    """Give a whole reply."""
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


async def main(latency_s: float) -> None:
    """Serve until this process is ended."""
    async with StubEndpoint(latency_s, keep_counts=False).serving() as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
