"""The Web API door: finds the method, checks token, rate, scope and arguments, and answers as Slack does."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from evalbot.playground import (
    api_agents,
    api_bookmarks,
    api_chat,
    api_conversations,
    api_files,
    api_installing,
    api_marks,
    api_people,
    api_schedule,
    api_streams,
    api_unfurls,
    api_views,
)
from evalbot.playground.api_method import Method, TokenKind
from evalbot.playground.arguments import Arguments, read_arguments
from evalbot.playground.emulation import Emulation
from evalbot.playground.faults import CallFault, Trouble
from evalbot.playground.installed_app import TokenState
from evalbot.playground.network_trouble import cut_connection
from evalbot.playground.refusals import ApiError
from evalbot.playground.violations import Kind

METHODS: dict[str, Method] = {
    **api_agents.METHODS,
    **api_bookmarks.METHODS,
    **api_chat.METHODS,
    **api_conversations.METHODS,
    **api_files.METHODS,
    **api_installing.METHODS,
    **api_marks.METHODS,
    **api_people.METHODS,
    **api_schedule.METHODS,
    **api_streams.METHODS,
    **api_unfurls.METHODS,
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
        args = Arguments({})
        try:
            if method is None:
                raise ApiError("unknown_method", req_method=name)
            args, token = await read_arguments(request, method.reads_json)
            emu = self._emulation_of(method, token)
            _check_rate(emu, name, method)
            headers = _scope_headers(emu, method)
            _check_scopes(emu, method)
            _check_required(method, args)
            reply = method.handler(emu, args)
        except ApiError as error:
            return self._refuse(name, error, args, headers)
        return JSONResponse(_with_warning({"ok": True, **reply}, args.warning), headers=headers)

    def _emulation_of(self, method: Method, token: str) -> Emulation:
        """Return the workspace that a token belongs to. Raises ApiError for tokens that are no good for the method."""
        if method.token is TokenKind.NONE:
            return self._emu
        if not token:
            raise ApiError("not_authed")
        app = self._emu.app
        kind = {app.app_token: TokenKind.APP, app.config_token: TokenKind.CONFIG}.get(token, TokenKind.BOT)
        emu = self._team_of(token) if kind is TokenKind.BOT else self._emu
        if kind is not method.token:
            raise ApiError("not_allowed_token_type")
        if kind is TokenKind.BOT and emu.app.token_state is not TokenState.VALID:
            raise ApiError(emu.app.token_state.value)
        return emu

    def _team_of(self, token: str) -> Emulation:
        installations = self._emu.shared.installations
        grant = installations.find_grant(token)
        if grant is not None:
            if installations.is_over(grant):
                raise ApiError("token_expired")
            return self._emu.of_team(grant.team)
        for emu in self._emu.all():
            if emu.is_installed and token == emu.app.bot_token:
                return emu
        raise ApiError("invalid_auth")

    def _refuse(self, name: str, error: ApiError, args: Arguments, headers: dict[str, str]) -> Response:
        if error.code == "ratelimited":
            wait = int(error.extra["retry_after"])
            self._emu.violations.add(Kind.RATE_LIMITED, name, f"Too many calls; the app is to wait {wait} s.")
            return _too_many(wait)
        detail = error.extra.get("response_metadata", {}).get("messages", [])
        text = " ".join([f"Refused with {error.code}.", *detail])
        self._emu.violations.add(Kind.REFUSED_CALL, name, text)
        body: dict[str, Any] = {"ok": False, "error": error.code, **error.extra}
        return JSONResponse(_with_warning(body, args.warning), headers=headers)


def _check_rate(emu: Emulation, name: str, method: Method) -> None:
    wait = emu.rates.wait_for_call(name, method.tier)
    if wait:
        raise ApiError("ratelimited", retry_after=wait)


def _check_scopes(emu: Emulation, method: Method) -> None:
    missing = [one for one in method.scopes if one not in emu.app.scopes]
    if missing:
        raise ApiError("missing_scope", needed=",".join(missing), provided=",".join(emu.app.scopes))


def _scope_headers(emu: Emulation, method: Method) -> dict[str, str]:
    if method.token is not TokenKind.BOT:
        return {}
    accepted = {"x-accepted-oauth-scopes": ",".join(method.scopes)} if method.scopes else {}
    return {"x-oauth-scopes": ",".join(emu.app.scopes)} | accepted


def _with_warning(body: dict[str, Any], warning: str) -> dict[str, Any]:
    """Return the reply with a warning about the charset of the call, beside a warning that is there already."""
    if not warning:
        return body
    metadata = body.get("response_metadata", {})
    warnings = [*metadata.get("warnings", []), warning]
    return {**body, "warning": ",".join(warnings), "response_metadata": {**metadata, "warnings": warnings}}


def _check_required(method: Method, args: Arguments) -> None:
    missing = [one for one in method.required if one not in args]
    if missing:
        raise ApiError.invalid_arguments(*(f"missing required field: {one}" for one in missing))


def _too_many(seconds: int) -> Response:
    return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers={"Retry-After": str(seconds)})
