"""Hands events and interactions to the app, and events again when they were not acknowledged."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from evalbot.playground.clock import Clock
from evalbot.playground.faults import Faults
from evalbot.playground.http_mode import HttpMode
from evalbot.playground.socket_mode import SocketMode
from evalbot.playground.transport import Answer, Envelope, Transport

RETRY_DELAYS = (0.0, 60.0, 300.0)
"""Seconds on the movable clock before each retry of an event."""

_ACCEPTING = ("view_submission", "block_suggestion")


class Delivery:
    """The way from the workspace to the app; over HTTP when a request url is set, else over Socket Mode."""

    def __init__(self, clock: Clock, faults: Faults, sockets: SocketMode, http: HttpMode) -> None:
        """Start with nothing on the way."""
        self._clock, self._faults = clock, faults
        self.sockets, self.http = sockets, http
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def _transport(self) -> Transport:
        return self.http if self.http.url else self.sockets

    async def wait_quiet(self) -> None:
        """Wait until nothing is on its way to the app, retries included."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something beside everything else until the playground stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def tell(self, payload: dict[str, Any]) -> None:
        """Send an event_callback on its way; it is sent again when it is not acknowledged."""
        for _ in range(1 + self._faults.take_copies()):
            self.spawn(self._tell(payload))

    async def ask(self, kind: str, payload: dict[str, Any], label: str) -> Answer:
        """Send a command or interaction and return what the app answered; it is sent once, unless duplicates are switched on."""
        if self._faults.is_outage:
            return Answer("connection_failed")
        accepts = kind == "slash_commands" or payload.get("type") in _ACCEPTING
        envelope = Envelope(kind, payload, label, accepts)
        for _ in range(self._faults.take_copies()):
            self.spawn(self._transport.send(envelope))
        return await self._transport.send(envelope)

    async def close(self) -> None:
        """Stop everything that is on its way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.sockets.close()
        await self.http.close()

    async def _tell(self, payload: dict[str, Any]) -> None:
        label = f"event {payload['event']['type']}"
        answer = await self._tell_once(Envelope("events_api", payload, label))
        for attempt, delay in enumerate(RETRY_DELAYS, start=1):
            if answer.is_acknowledged or answer.is_final:
                return
            await self._clock.sleep(delay)
            answer = await self._tell_once(Envelope("events_api", payload, label, False, attempt, answer.problem))

    async def _tell_once(self, envelope: Envelope) -> Answer:
        if self._faults.is_outage:
            return Answer("connection_failed")
        return await self._transport.send(envelope)
