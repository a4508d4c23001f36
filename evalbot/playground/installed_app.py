"""The app as it is installed in the workspace: identity, tokens, scopes, events, commands and shortcuts."""

import hashlib
from dataclasses import dataclass, field, replace
from enum import StrEnum

BOT_USER = "U0EVALBOT"
BOT_ID = "B0EVALBOT"
APP_ID = "A0EVALBOT"
CLIENT_ID = "1000000001.3000000003"

DEFAULT_SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "bookmarks:write",
    "channels:history",
    "channels:join",
    "channels:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "pins:write",
    "reactions:read",
    "reactions:write",
    "team:read",
    "usergroups:read",
    "users:read",
)
DEFAULT_EVENTS = (
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "member_joined_channel",
    "message.channels",
    "message.groups",
    "message.im",
    "reaction_added",
    "reaction_removed",
    "tokens_revoked",
)


class TokenState(StrEnum):
    """Whether the bot token still works."""

    VALID = "valid"
    REVOKED = "token_revoked"
    INACTIVE = "account_inactive"
    EXPIRED = "token_expired"


@dataclass(frozen=True)
class Command:
    """One slash command of the app."""

    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False


@dataclass(frozen=True)
class Shortcut:
    """One shortcut of the app; type is "message" or "global"."""

    type: str
    callback_id: str
    name: str


DEFAULT_COMMANDS = (Command("/evalbot", "Run, review and follow evals", "help"),)
DEFAULT_SHORTCUTS = (
    Shortcut("message", "add_to_evals", "Add to evals"),
    Shortcut("global", "probe_model", "Probe a model"),
)


def _secret(seed: str, what: str, length: int) -> str:
    return hashlib.sha256(f"{seed}/{what}".encode()).hexdigest()[:length]


@dataclass
class InstalledApp:
    """Everything the workspace knows of the installed app. Secrets follow from seed, so a restart keeps them.

    installation tells the bot tokens of several workspaces apart. rotates: tokens end after twelve hours and are refreshed.
    """

    seed: str = "acme"
    installation: str = ""
    name: str = "evalbot"
    commands: tuple[Command, ...] = DEFAULT_COMMANDS
    shortcuts: tuple[Shortcut, ...] = DEFAULT_SHORTCUTS
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    events: tuple[str, ...] = DEFAULT_EVENTS
    has_home: bool = True
    is_agent: bool = False
    rotates: bool = False
    unfurl_domains: tuple[str, ...] = ()
    redirect_urls: tuple[str, ...] = ()
    is_distributed: bool = False
    socket_mode: bool = True
    app_id: str = APP_ID
    bot_id: str = BOT_ID
    bot_user: str = BOT_USER
    token_state: TokenState = TokenState.VALID
    bot_token: str = field(init=False)
    app_token: str = field(init=False)
    signing_secret: str = field(init=False)
    client_secret: str = field(init=False)
    config_token: str = field(init=False)
    verification_token: str = field(init=False)

    def __post_init__(self) -> None:
        """Derive the secrets from the seed."""
        self.bot_token = f"xoxb-1000000001-2000000002-{_secret(self.seed, 'bot' + self.installation, 24)}"
        self.app_token = f"xapp-1-{self.app_id}-3000000003-{_secret(self.seed, 'app', 48)}"
        self.signing_secret = _secret(self.seed, "signing", 32)
        self.config_token = f"xoxe.xoxp-1-{_secret(self.seed, 'config', 48)}"
        self.client_secret = _secret(self.seed, "client", 32)
        self.verification_token = _secret(self.seed, "verification", 24)

    def installed_in(self, installation: str, bot_user: str, bot_id: str) -> "InstalledApp":
        """Return the same app as it is installed in another workspace, with a bot token of its own."""
        return replace(self, installation=installation, bot_user=bot_user, bot_id=bot_id)

    def find_command(self, word: str) -> Command | None:
        """Return the command of this name, or None."""
        return next((one for one in self.commands if one.command == word), None)

    def find_shortcut(self, callback_id: str) -> Shortcut | None:
        """Return the shortcut of this callback id, or None."""
        return next((one for one in self.shortcuts if one.callback_id == callback_id), None)
