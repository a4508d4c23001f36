"""The Web API door: finds the method, checks token, rate, scope and arguments, and answers as Slack does."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from evalbot.playground import api_chat, api_conversations, api_files, api_marks, api_people, api_views
from evalbot.playground.api_method import Method
from evalbot.playground.arguments import Arguments, read_arguments
from evalbot.playground.emulation import Emulation
from evalbot.playground.faults import CallFault, Trouble
from evalbot.playground.installed_app import TokenState
from evalbot.playground.network_trouble import cut_connection
from evalbot.playground.refusals import ApiError
from evalbot.playground.violations import Kind

METHODS: dict[str, Method] = {
    **api_chat.METHODS,
    **api_conversations.METHODS,
    **api_files.METHODS,
    **api_marks.METHODS,
    **api_people.METHODS,
    **api_views.METHODS,
}


class WebApi:
    """Answers calls of the Web API."""

    def __init__(self, emu: Emulation) -> None:
        """Work on this emulation."""
        self._emu = emu

    async def answer(self, request: Request) -> Response:
        """Answer one request, with the faults that are switched on."""
        name = request.path_params["method"]
        self._emu.calls[name] += 1
        if self._emu.faults.slow:
            await asyncio.sleep(self._emu.faults.slow)
        fault = self._emu.faults.take(name)
        if fault is None:
            return await self._answer(request, name)
        return await self._fail(request, name, fault)

    async def _fail(self, request: Request, name: str, fault: CallFault) -> Response:
        if fault.trouble is Trouble.ERROR:
            return JSONResponse({"ok": False, "error": fault.code})
        if fault.trouble is Trouble.RATE_LIMITED:
            return _too_many(int(fault.seconds) or 1)
        if fault.trouble is Trouble.SERVER_ERROR:
            return Response("Service unavailable (simulated)", 503 if self._emu.faults.is_outage else 500)
        if fault.trouble is Trouble.LOST_REPLY:
            await self._answer(request, name)
        elif fault.trouble is Trouble.TIMEOUT:
            await asyncio.sleep(fault.seconds)
        return await cut_connection(request)

    async def _answer(self, request: Request, name: str) -> Response:
        method = METHODS.get(name)
        headers: dict[str, str] = {}
        try:
            if method is None:
                raise ApiError("unknown_method", req_method=name)
            args, token = await read_arguments(request, method.reads_json)
            self._check_token(method, token)
            self._check_rate(name, method)
            headers = self._scope_headers(method)
            self._check_scopes(method)
            _check_required(method, args)
            reply = method.handler(self._emu, args)
        except ApiError as error:
            return self._refuse(name, error, headers)
        return JSONResponse({"ok": True, **reply}, headers=headers)

    def _check_token(self, method: Method, token: str) -> None:
        app = self._emu.app
        if not token:
            raise ApiError("not_authed")
        if token not in (app.bot_token, app.app_token):
            raise ApiError("invalid_auth")
        if (token == app.app_token) is not method.is_app_level:
            raise ApiError("not_allowed_token_type")
        if token == app.bot_token and app.token_state is not TokenState.VALID:
            raise ApiError(app.token_state.value)

    def _check_rate(self, name: str, method: Method) -> None:
        wait = self._emu.rates.wait_for_call(name, method.tier)
        if wait:
            raise ApiError("ratelimited", retry_after=wait)

    def _check_scopes(self, method: Method) -> None:
        missing = [one for one in method.scopes if one not in self._emu.app.scopes]
        if missing:
            raise ApiError("missing_scope", needed=",".join(missing), provided=",".join(self._emu.app.scopes))

    def _scope_headers(self, method: Method) -> dict[str, str]:
        if method.is_app_level:
            return {}
        accepted = {"x-accepted-oauth-scopes": ",".join(method.scopes)} if method.scopes else {}
        return {"x-oauth-scopes": ",".join(self._emu.app.scopes)} | accepted

    def _refuse(self, name: str, error: ApiError, headers: dict[str, str]) -> Response:
        if error.code == "ratelimited":
            wait = int(error.extra["retry_after"])
            self._emu.violations.add(Kind.RATE_LIMITED, name, f"Too many calls; the app is to wait {wait} s.")
            return _too_many(wait)
        detail = error.extra.get("response_metadata", {}).get("messages", [])
        text = " ".join([f"Refused with {error.code}.", *detail])
        self._emu.violations.add(Kind.REFUSED_CALL, name, text)
        body: dict[str, Any] = {"ok": False, "error": error.code, **error.extra}
        return JSONResponse(body, headers=headers)


def _check_required(method: Method, args: Arguments) -> None:
    missing = [one for one in method.required if one not in args]
    if missing:
        raise ApiError.invalid_arguments(*(f"missing required field: {one}" for one in missing))


def _too_many(seconds: int) -> Response:
    return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers={"Retry-After": str(seconds)})
