"""The methods of the Web API about installing the app: OAuth, its end, and the app's manifest."""

import re
from typing import Any

from evalbot.playground.api_method import Method, Reply, TokenKind
from evalbot.playground.arguments import Arguments
from evalbot.playground.emulation import Emulation
from evalbot.playground.installations import TOKEN_SECONDS
from evalbot.playground.installed_app import CLIENT_ID, TokenState
from evalbot.playground.manifest_rules import check_manifest
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError

_GRANTS = ("authorization_code", "refresh_token")


def _check_client(emu: Emulation, args: Arguments) -> None:
    if args.text("client_id") != CLIENT_ID:
        raise ApiError("invalid_client_id")
    if args.text("client_secret") != emu.app.client_secret:
        raise ApiError("bad_client_secret")


def access(emu: Emulation, args: Arguments) -> Reply:
    """Answer oauth.v2.access: a code or a refresh token for an access token."""
    _check_client(emu, args)
    grant_type = args.text("grant_type", _GRANTS[0])
    if grant_type not in _GRANTS:
        raise ApiError("invalid_grant_type")
    installations = emu.shared.installations
    if grant_type == "refresh_token":
        team = installations.use_refresh(args.text("refresh_token"))
        if team is None:
            raise ApiError("invalid_refresh_token")
        return _granted(emu.of_team(team), "", is_rotated=True)
    code = installations.use_code(args.text("code"))
    if code is None:
        raise ApiError("invalid_code")
    if code.redirect_uri != args.text("redirect_uri"):
        raise ApiError("bad_redirect_uri")
    installed = emu.of_team(code.team)
    installed.install()
    installed.app.token_state = TokenState.VALID
    return _granted(installed, code.person, is_rotated=emu.app.rotates)


def _granted(emu: Emulation, person: str, is_rotated: bool) -> Reply:
    reply: dict[str, Any] = {
        "app_id": emu.app.app_id,
        "token_type": "bot",
        "scope": ",".join(emu.app.scopes),
        "access_token": emu.app.bot_token,
        "bot_user_id": emu.app.bot_user,
        "team": {"id": emu.space.id, "name": emu.space.name},
        "enterprise": None,
        "is_enterprise_install": False,
    }
    if person:
        reply["authed_user"] = {"id": person}
    if is_rotated:
        token, refresh = emu.shared.installations.make_token(emu.space.id)
        reply |= {"access_token": token, "refresh_token": refresh, "expires_in": TOKEN_SECONDS}
    return reply


def uninstall(emu: Emulation, args: Arguments) -> Reply:
    """Answer apps.uninstall: the app hears of it once more, and its token is dead."""
    _check_client(emu, args)
    tokens = {"oauth": [], "bot": [emu.app.bot_user]}
    emu.feed.send({"type": "tokens_revoked", "tokens": tokens, "event_ts": emu.clock.next_ts()})
    emu.feed.send({"type": "app_uninstalled", "event_ts": emu.clock.next_ts()})
    emu.app.token_state = TokenState.INACTIVE
    return {}


def validate_manifest(emu: Emulation, args: Arguments) -> Reply:
    """Answer apps.manifest.validate."""
    if "app_id" in args and not re.fullmatch(r"A[A-Z0-9]{6,}", args.text("app_id")):
        raise ApiError("invalid_app_id")
    try:
        manifest = args.data("manifest")
    except ValueError:
        manifest = None
    problems = check_manifest(manifest)
    if problems:
        raise ApiError("invalid_manifest", errors=problems)
    return {"errors": []}


METHODS = {
    "oauth.v2.access": Method(access, Tier.SPECIAL, reads_json=False, token=TokenKind.NONE),
    "apps.uninstall": Method(uninstall, Tier.ONE, reads_json=False, required=("client_id", "client_secret")),
    "apps.manifest.validate": Method(validate_manifest, Tier.THREE, required=("manifest",), token=TokenKind.CONFIG),
}
