"""Keeps other web sites out: a browser that comes from another site may neither watch nor act."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_GUARDED = ("/page", "/control/")


class SameOriginOnly:
    """Refuses requests to the page's doors that name an origin other than the host they were sent to.

    Programs send no origin and pass.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["path"].startswith(_GUARDED) and not _is_own(Headers(scope=scope)):
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 4003})
            else:
                await PlainTextResponse("Other web sites may not use this door.", 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_own(headers: Headers) -> bool:
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
