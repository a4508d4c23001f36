"""Hands events and interactions to the app, and events again when they were not acknowledged."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from evalbot.playground.clock import Clock
from evalbot.playground.faults import Faults
from evalbot.playground.http_mode import HttpMode
from evalbot.playground.socket_mode import SocketMode
from evalbot.playground.transport import Answer, Envelope, Transport

RETRY_DELAYS = (0.0, 60.0, 300.0)
"""Seconds on the movable clock before each retry of an event."""

EVENTS_PER_HOUR = 30_000
HELD_SECONDS = 5.0
"""How long events that are to be reordered wait for the rest of their group."""

_ACCEPTING = ("view_submission", "block_suggestion")


@dataclass
class OnItsWay:
    """An event that the app has not acknowledged yet. attempt: how often it was sent before; due: when it goes (again)."""

    label: str
    since: float
    attempt: int = 0
    due: float = 0.0


class Delivery:
    """The way from the workspace to the app; over HTTP when a request url is set, else over Socket Mode."""

    def __init__(self, clock: Clock, faults: Faults, sockets: SocketMode, http: HttpMode) -> None:
        """Start with nothing on the way."""
        self._clock, self._faults = clock, faults
        self.sockets, self.http = sockets, http
        self.events_per_hour = EVENTS_PER_HOUR
        self._tasks: set[asyncio.Task[Any]] = set()
        self._on_its_way: dict[int, OnItsWay] = {}
        self._held: list[dict[str, Any]] = []
        self._sent: dict[str, deque[float]] = {}
        self._limited_minute: dict[str, int] = {}

    @property
    def _transport(self) -> Transport:
        return self.http if self.http.url else self.sockets

    async def wait_quiet(self) -> None:
        """Wait until nothing is on its way to the app, retries included."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def waiting(self) -> list[OnItsWay]:
        """Return the events that the app has not acknowledged yet, oldest first."""
        return list(self._on_its_way.values())

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something beside everything else until the playground stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def tell(self, payload: dict[str, Any]) -> None:
        """Send an event_callback on its way; it is sent again when it is not acknowledged.

        Above the hourly limit the event is lost and the app hears app_rate_limited once a minute instead.
        """
        if self._is_over_limit(payload):
            return
        if self._faults.reordered <= 0:
            self._send(payload)
            return
        self._held.append(payload)
        if len(self._held) >= self._faults.reordered:
            self._release()
        elif len(self._held) == 1:
            self.spawn(self._release_later(payload))

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

    # --- events -------------------------------------------------------------------------------------

    def _send(self, payload: dict[str, Any]) -> None:
        delay = self._faults.take_delay()
        for _ in range(1 + self._faults.take_copies()):
            self.spawn(self._tell(payload, delay))

    def _release(self) -> None:
        held, self._held = self._held, []
        self._faults.reorder(0)
        for payload in reversed(held):
            self._send(payload)

    async def _release_later(self, first: dict[str, Any]) -> None:
        await self._clock.sleep(HELD_SECONDS)
        if self._held and self._held[0] is first:
            self._release()

    def _is_over_limit(self, payload: dict[str, Any]) -> bool:
        team, now = str(payload.get("team_id")), self._clock.now()
        sent = self._sent.setdefault(team, deque())
        while sent and sent[0] <= now - 3600:
            sent.popleft()
        if len(sent) < self.events_per_hour:
            sent.append(now)
            return False
        minute = int(now // 60) * 60
        if self._limited_minute.get(team) != minute:
            self._limited_minute[team] = minute
            self.spawn(self._tell(_rate_limited(payload, team, minute), 0.0))
        return True

    async def _tell(self, payload: dict[str, Any], delay: float) -> None:
        event = payload.get("event")
        label = f"event {event['type']}" if event else str(payload["type"])
        place = OnItsWay(label, self._clock.now(), due=self._clock.now() + delay)
        self._on_its_way[id(place)] = place
        try:
            if delay:
                await self._clock.sleep(delay)
            await self._tell_until_taken(payload, label, place)
        finally:
            del self._on_its_way[id(place)]

    async def _tell_until_taken(self, payload: dict[str, Any], label: str, place: OnItsWay) -> None:
        answer = await self._tell_once(Envelope("events_api", payload, label))
        for attempt, delay in enumerate(RETRY_DELAYS, start=1):
            if answer.is_acknowledged or answer.is_final:
                return
            place.attempt, place.due = attempt, self._clock.now() + delay
            await self._clock.sleep(delay)
            answer = await self._tell_once(Envelope("events_api", payload, label, False, attempt, answer.problem))

    async def _tell_once(self, envelope: Envelope) -> Answer:
        if self._faults.is_outage:
            return Answer("connection_failed")
        return await self._transport.send(envelope)


def _rate_limited(payload: dict[str, Any], team: str, minute: int) -> dict[str, Any]:
    """Return the notice that events of a workspace are dropped for this minute."""
    names = ("token", "api_app_id")
    kept = {name: payload.get(name) for name in names}
    return {**kept, "type": "app_rate_limited", "team_id": team, "minute_rate_limited": minute}
