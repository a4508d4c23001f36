"""Socket Mode: the open connections of the app, envelopes and their acknowledgements."""

import asyncio
import json
import secrets
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from evalbot.playground.transport import ACK_SECONDS, Answer, Envelope
from evalbot.playground.violations import Kind, Violations

MAX_CONNECTIONS = 10
DEBUG_INFO = {"host": "playground", "build_number": 1, "approximate_connection_time": 18060}


@dataclass(eq=False)
class Socket:
    """One connection. is_silent: it looks open and carries nothing; is_leaving: it was told to go."""

    websocket: WebSocket
    is_silent: bool = False
    is_leaving: bool = False
    waiting: set[str] = field(default_factory=set)


@dataclass(eq=False)
class _Pending:
    envelope: Envelope
    sent_at: float
    answer: asyncio.Future[Answer]


class SocketMode:
    """Sends each envelope to one of the connections in turn and waits for its acknowledgement."""

    def __init__(self, app_id: str, violations: Violations, ack_seconds: float = ACK_SECONDS) -> None:
        """Start without connections."""
        self._app_id, self._violations, self._ack_seconds = app_id, violations, ack_seconds
        self._sockets: list[Socket] = []
        self._pending: dict[str, _Pending] = {}
        self._late: dict[str, _Pending] = {}
        self._turn = count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._connected = asyncio.Event()

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._sockets)

    async def wait_connected(self) -> None:
        """Wait until the app has at least one connection."""
        await self._connected.wait()

    async def serve(self, websocket: WebSocket) -> None:
        """Run one accepted connection to its end."""
        if len(self._sockets) >= MAX_CONNECTIONS:
            await websocket.send_text(_disconnect("too_many_websockets"))
            await websocket.close()
            return
        socket = Socket(websocket)
        self._sockets.append(socket)
        try:
            await websocket.send_text(self._hello())
            self._connected.set()
            await self._read(socket)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self._forget(socket)

    async def send(self, envelope: Envelope) -> Answer:
        """Hand a delivery to one connection and wait up to three seconds for its acknowledgement."""
        socket = self._choose()
        if socket is None:
            return Answer("connection_failed")
        envelope_id = f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-4{secrets.token_hex(1)}0-{secrets.token_hex(8)}"
        pending = _Pending(envelope, time.monotonic(), asyncio.get_running_loop().create_future())
        self._pending[envelope_id] = pending
        socket.waiting.add(envelope_id)
        try:
            if not socket.is_silent:
                await socket.websocket.send_text(_as_text(envelope_id, envelope))
            async with asyncio.timeout(self._ack_seconds):
                return await pending.answer
        except TimeoutError:
            return self._note_missing(envelope_id, pending, socket)
        except (WebSocketDisconnect, RuntimeError):
            return Answer("connection_failed")
        finally:
            self._pending.pop(envelope_id, None)
            socket.waiting.discard(envelope_id)

    def silence(self) -> int:
        """Make every present connection look open and carry nothing any more; return how many."""
        for socket in self._sockets:
            socket.is_silent = True
            _network_transport(socket.websocket).pause_reading()
        return len(self._sockets)

    def drop(self) -> None:
        """Cut every connection without a word."""
        for socket in self._sockets:
            _network_transport(socket.websocket).abort()

    async def disconnect(self, reason: str) -> None:
        """Tell every connection to go: warning, refresh_requested or link_disabled. After a warning they may stay."""
        for socket in list(self._sockets):
            await socket.websocket.send_text(_disconnect(reason))
            if reason != "warning":
                socket.is_leaving = True
                self._spawn(self._close_soon(socket))

    async def close(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()
        self.drop()

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close_soon(self, socket: Socket) -> None:
        await asyncio.sleep(1.0)
        if socket in self._sockets:
            await socket.websocket.close()

    def _hello(self) -> str:
        return json.dumps(
            {
                "type": "hello",
                "num_connections": len(self._sockets),
                "debug_info": DEBUG_INFO,
                "connection_info": {"app_id": self._app_id},
            }
        )

    async def _read(self, socket: Socket) -> None:
        while True:
            text = await socket.websocket.receive_text()
            try:
                message = json.loads(text)
            except ValueError:
                self._violations.add(Kind.BAD_ACK, "socket", "A frame on the socket was not JSON.")
                continue
            self._take_ack(message if isinstance(message, dict) else {})

    def _take_ack(self, message: dict[str, Any]) -> None:
        envelope_id = str(message.get("envelope_id", ""))
        late = self._late.pop(envelope_id, None)
        if late is not None:
            seconds = time.monotonic() - late.sent_at
            self._violations.add(
                Kind.LATE_ACK, late.envelope.label, f"The acknowledgement came after {seconds:.1f} seconds."
            )
            return
        pending = self._pending.get(envelope_id)
        if pending is None or pending.answer.done():
            self._violations.add(
                Kind.BAD_ACK, "socket", f"An acknowledgement for the unknown envelope {envelope_id!r} came."
            )
            return
        payload = message.get("payload") or None
        if payload is not None and not pending.envelope.accepts_payload:
            text = "The acknowledgement carries a payload where Slack accepts none."
            self._violations.add(Kind.ACK_WITH_PAYLOAD, pending.envelope.label, text)
            payload = None
        pending.answer.set_result(Answer(payload=payload))

    def _note_missing(self, envelope_id: str, pending: _Pending, socket: Socket) -> Answer:
        if socket.is_silent:
            return Answer("timeout")
        self._late[envelope_id] = pending
        self._violations.add(
            Kind.MISSING_ACK, pending.envelope.label, f"No acknowledgement came within {self._ack_seconds:g} seconds."
        )
        return Answer("timeout")

    def _choose(self) -> Socket | None:
        open_ones = [one for one in self._sockets if not one.is_leaving]
        return open_ones[next(self._turn) % len(open_ones)] if open_ones else None

    def _forget(self, socket: Socket) -> None:
        self._sockets.remove(socket)
        if not self._sockets:
            self._connected.clear()
        for envelope_id in socket.waiting:
            pending = self._pending.get(envelope_id)
            if pending is not None and not pending.answer.done():
                pending.answer.set_result(Answer("connection_failed"))


def _as_text(envelope_id: str, envelope: Envelope) -> str:
    body: dict[str, Any] = {
        "envelope_id": envelope_id,
        "payload": envelope.payload,
        "type": envelope.kind,
        "accepts_response_payload": envelope.accepts_payload,
    }
    if envelope.kind == "events_api":
        body |= {"retry_attempt": envelope.retry_attempt, "retry_reason": envelope.retry_reason}
    return json.dumps(body)


def _disconnect(reason: str) -> str:
    return json.dumps({"type": "disconnect", "reason": reason, "debug_info": {"host": "playground"}})


def _network_transport(websocket: WebSocket) -> asyncio.Transport:
    """Return the connection below a websocket; uvicorn's send function is a method of the protocol that owns it."""
    transport: asyncio.Transport = websocket.scope["playground.transport"]
    return transport
