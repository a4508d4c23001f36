"""Two ways to a playground for the test driver: within the process, and over the network."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp

from evalbot.playground.emulation import Emulation
from evalbot.playground.verbs import act


class Door(Protocol):
    """A way to a playground."""

    async def do(self, verb: str, person: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Do an action as a person and return its result."""
        ...

    async def changed(self) -> None:
        """Wait until something may have changed."""
        ...

    async def close(self) -> None:
        """Let go of the playground."""
        ...


class LocalDoor:
    """The door to a playground in this process."""

    def __init__(self, emu: Emulation) -> None:
        """Listen to what changes."""
        self._emu = emu
        self._bell = asyncio.Event()
        emu.space.listen(self._ring)
        emu.views.listen(self._ring)
        emu.threads.listen(self._ring)
        emu.notice_listeners.append(self._ring)

    async def do(self, verb: str, person: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Do an action as a person and return its result."""
        return await act(self._emu, verb, person, args)

    async def changed(self) -> None:
        """Wait until something changed."""
        self._bell.clear()
        await self._bell.wait()

    async def close(self) -> None:
        """Nothing to let go of."""

    def _ring(self, change: object) -> None:
        self._bell.set()


class RemoteDoor:
    """The door to a playground in another process: the page's websocket."""

    def __init__(self, page_url: str, person: str) -> None:
        """page_url: as printed by the playground; person: whose window it is."""
        self._url = f"{page_url.rstrip('/').replace('http', 'ws', 1)}/page?person={quote(person)}"
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._bell = asyncio.Event()
        self._number = 0

    async def do(self, verb: str, person: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Do an action as the person of this window and return its result."""
        socket = self._socket or await self._open()
        self._number += 1
        number = self._number
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await socket.send_json({"id": number, "do": verb, **args})
        return await self._waiting[number]

    async def changed(self) -> None:
        """Wait until an event came."""
        self._bell.clear()
        await self._bell.wait()

    async def close(self) -> None:
        """Close the window."""
        if self._reading is not None:
            self._reading.cancel()
        if self._socket is not None:
            await self._socket.close()
        if self._session is not None:
            await self._session.close()

    async def _open(self) -> aiohttp.ClientWebSocketResponse:
        self._session = aiohttp.ClientSession()
        self._socket = await self._session.ws_connect(
            self._url, max_msg_size=0, timeout=aiohttp.ClientWSTimeout(ws_close=1.0)
        )
        self._reading = asyncio.create_task(self._read(self._socket))
        return self._socket

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            message = json.loads(frame.data)
            if "re" in message:
                _settle(self._waiting.pop(message["re"]), message)
            self._bell.set()
        for waiting in self._waiting.values():
            _settle(waiting, {"ok": False, "error": "The playground closed the connection."})


def _settle(waiting: asyncio.Future[dict[str, Any]], answer: dict[str, Any]) -> None:
    if not waiting.done():  # who asked may have given up
        waiting.set_result(answer)
