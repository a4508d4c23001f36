"""The HTTP and websocket doors of the server: API, response urls, uploads, files, the page, the control door, OAuth."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from evalbot.playground.emulation import Emulation
from evalbot.playground.installed_app import CLIENT_ID
from evalbot.playground.network_trouble import TransportInScope
from evalbot.playground.page_door import PageDoor
from evalbot.playground.people import avatar_svg
from evalbot.playground.refusals import ApiError
from evalbot.playground.responses import use_response_url
from evalbot.playground.same_origin import SameOriginOnly
from evalbot.playground.verbs import act
from evalbot.playground.violations import Kind
from evalbot.playground.web_api import WebApi

WEB = Path(__file__).parent / "web"
INLINE_TYPES = ("image/", "text/plain", "text/csv")


class HttpDoors:
    """The doors of one emulation."""

    def __init__(self, emu: Emulation) -> None:
        """Open them for the home workspace and the second one."""
        self._emu = emu
        self._api = WebApi(emu)
        self._page = PageDoor(emu)

    def build(self) -> TransportInScope:
        """Return the application to serve."""
        routes = [
            Route("/", self._index),
            Route("/archives/{channel}", self._index),
            Route("/archives/{channel}/{message}", self._index),
            Mount("/static", StaticFiles(directory=WEB, check_dir=False)),
            Route("/api/{method}", self._api.answer, methods=["GET", "POST"]),
            Route("/response/{key}", self._response, methods=["POST"]),
            Route("/upload/{upload_id}", self._upload, methods=["POST", "PUT"]),
            Route("/files/{file_id}/{name}", self._file),
            Route("/avatar/{person}", self._avatar),
            Route("/oauth/v2/authorize", self._authorize),
            Route("/control/{verb}", self._control, methods=["POST"]),
            WebSocketRoute("/socket/{ticket}", self._socket),
            WebSocketRoute("/page", self._page.serve),
        ]
        return TransportInScope(SameOriginOnly(Starlette(routes=routes)))

    async def _index(self, request: Request) -> Response:
        page = WEB / "index.html"
        if not page.is_file():
            return PlainTextResponse("The page is not installed here; the API answers under /api/.")
        return FileResponse(page, headers={"Cache-Control": "no-cache"})

    async def _response(self, request: Request) -> Response:
        key = request.path_params["key"]
        emu = next((one for one in self._emu.all() if one.keys.has_url(key)), self._emu)
        try:
            payload = await request.json()
            if not isinstance(payload, dict):
                raise ValueError
            wait = use_response_url(emu, key, payload)
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_payload"}, 400)
        except ApiError as error:
            emu.violations.add(Kind.BAD_RESPONSE_URL, "response_url", f"Refused with {error.code}.")
            status = 404 if error.code.endswith("_url") else 400
            return JSONResponse({"ok": False, "error": error.code, **error.extra}, status)
        if wait:
            return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers={"Retry-After": str(wait)})
        return PlainTextResponse("ok")

    async def _upload(self, request: Request) -> Response:
        file = self._emu.files.find_upload(request.path_params["upload_id"])
        if file is None or file.is_complete:
            return PlainTextResponse("unknown upload", 404)
        content = await _uploaded_bytes(request)
        if len(content) != file.length:
            return PlainTextResponse(f"expected {file.length} bytes, got {len(content)}", 400)
        file.content = content
        return PlainTextResponse(f"OK - {len(content)}")

    async def _file(self, request: Request) -> Response:
        file = self._emu.files.find(request.path_params["file_id"])
        if file is None or file.content is None:
            return PlainTextResponse("no such file", 404)
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
        if not file.mimetype.startswith(INLINE_TYPES) or "download" in request.query_params:
            headers["Content-Disposition"] = f"attachment; filename*=utf-8''{request.path_params['name']}"
        return Response(file.content, media_type=file.mimetype, headers=headers)

    async def _avatar(self, request: Request) -> Response:
        who = request.path_params["person"]
        person = self._emu.of_person(who).space.people.get(who)
        if person is None:
            return PlainTextResponse("no such person", 404)
        return Response(avatar_svg(person), media_type="image/svg+xml")

    async def _authorize(self, request: Request) -> Response:
        """Send the browser back with a code at once, as if a person (`person`) of a team (`team`) had allowed the app."""
        query = request.query_params
        redirect, allowed = query.get("redirect_uri", ""), self._emu.app.redirect_urls
        if query.get("client_id") != CLIENT_ID:
            return PlainTextResponse("This client_id is unknown here.", 400)
        if not redirect.startswith(("http://", "https://")) or (allowed and not redirect.startswith(allowed)):
            return PlainTextResponse("This redirect_uri is not one of the app's redirect urls.", 400)
        emu = self._emu.of_team(query.get("team", ""))
        person = emu.space.find_person(query.get("person", "")) or next(
            one for one in emu.space.people.values() if not one.is_bot
        )
        code = self._emu.shared.installations.make_code(emu.space.id, person.id, redirect)
        given = {"code": code} | ({"state": query["state"]} if "state" in query else {})
        sign = "&" if "?" in redirect else "?"
        return RedirectResponse(f"{redirect}{sign}{urlencode(given)}", 302)

    async def _control(self, request: Request) -> Response:
        try:
            args: Any = await request.json() if await request.body() else {}
        except ValueError:
            return JSONResponse({"ok": False, "error": "The body is not JSON."}, 400)
        if not isinstance(args, dict):
            return JSONResponse({"ok": False, "error": "The body is not a JSON object."}, 400)
        name = str(args.pop("person", ""))
        emu = self._emu.of_person(name)
        who = emu.space.find_person(name)
        return JSONResponse(await act(emu, request.path_params["verb"], who.id if who else "", args))

    async def _socket(self, websocket: WebSocket) -> None:
        is_known = self._emu.keys.use_ticket(websocket.path_params["ticket"])
        if not is_known or self._emu.faults.is_outage:
            await websocket.close(4001)
            return
        await websocket.accept()
        await self._emu.delivery.sockets.serve(websocket)


async def _uploaded_bytes(request: Request) -> bytes:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            for part in form.values():
                if not isinstance(part, str):
                    return await part.read()
    return await request.body()
