"""Trouble on the network level: connections that end without an answer."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_KEY = "playground.transport"


class TransportInScope:
    """Puts the network connection of each request into its scope, so that a door can cut it.

    uvicorn's send function is a bound method of the object that owns the connection.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        scope[_KEY] = getattr(getattr(send, "__self__", None), "transport", None)
        await self._app(scope, receive, send)


class _NoAnswer(Response):
    """An answer that is never sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait until the server has seen that the connection is gone."""
        while (await receive())["type"] != "http.disconnect":
            continue


async def cut_connection(request: Request) -> Response:
    """Reset the connection of a request; the caller of the API gets no answer."""
    transport: asyncio.Transport = request.scope[_KEY]
    transport.abort()
    return _NoAnswer()
