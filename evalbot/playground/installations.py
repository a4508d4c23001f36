"""Installing the app by OAuth: codes, access tokens and refresh tokens."""

import secrets
from dataclasses import dataclass

from evalbot.playground.clock import Clock

CODE_SECONDS = 600.0
TOKEN_SECONDS = 43_200


@dataclass(frozen=True)
class Code:
    """Permission to install the app once. team: where; redirect_uri: as the permission was asked for, "" when unnamed."""

    team: str
    person: str
    redirect_uri: str
    made_at: float


@dataclass(frozen=True)
class Grant:
    """What a token stands for. expires_at: None for tokens that do not end."""

    team: str
    expires_at: float | None


class Installations:
    """Codes and tokens that were handed out by OAuth; the tokens that follow from the app's seed are not among them."""

    def __init__(self, clock: Clock) -> None:
        """Start with none."""
        self._clock = clock
        self._codes: dict[str, Code] = {}
        self._grants: dict[str, Grant] = {}
        self._refresh: dict[str, str] = {}

    def make_code(self, team: str, person: str, redirect_uri: str = "") -> str:
        """Return a code that a person got by allowing the app."""
        code = f"2000000002.{secrets.randbelow(10**13)}.{secrets.token_hex(32)}"
        self._codes[code] = Code(team, person, redirect_uri, self._clock.now())
        return code

    def use_code(self, code: str) -> Code | None:
        """Use a code up and return what it allows; None when it is unknown, used or older than ten minutes."""
        found = self._codes.pop(code, None)
        is_fresh = found is not None and self._clock.now() - found.made_at <= CODE_SECONDS
        return found if is_fresh else None

    def make_token(self, team: str) -> tuple[str, str]:
        """Return a token that ends after twelve hours, and the refresh token for the next one."""
        token, refresh = f"xoxe.xoxb-1-{secrets.token_hex(24)}", f"xoxe-1-{secrets.token_hex(24)}"
        self._grants[token] = Grant(team, self._clock.now() + TOKEN_SECONDS)
        self._refresh[refresh] = team
        return token, refresh

    def use_refresh(self, refresh: str) -> str | None:
        """Use a refresh token up and return its team, or None."""
        return self._refresh.pop(refresh, None)

    def find_grant(self, token: str) -> Grant | None:
        """Return what a token stands for, ended or not; None for tokens from elsewhere."""
        return self._grants.get(token)

    def is_over(self, grant: Grant) -> bool:
        """Whether the token has ended."""
        return grant.expires_at is not None and self._clock.now() >= grant.expires_at
