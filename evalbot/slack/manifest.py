"""What evalbot asks of a Slack workspace, in one place: scopes, events, the command, shortcuts. The app manifest is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import yaml

from evalbot.errors import BadRequest
from evalbot.slack.http_app import EVENTS_PATH

SCOPES: Mapping[str, str] = {
    "app_mentions:read": "hear @evalbot in channels and threads",
    "channels:history": "see in public channels that people discuss an answer, and find a post whose answer was lost",
    "channels:read": "find a channel by name and tell whether evalbot is in it and whether outsiders are",
    "chat:write": "post runs, reviews, digests and private answers",
    "commands": "be asked by the slash command",
    "files:read": "know when the picture of a digest is ready to be shown",
    "files:write": "upload the picture of a digest",
    "groups:history": "the same as channels:history, in private channels",
    "groups:read": "the same as channels:read, in private channels",
    "im:history": "read what people write to evalbot directly",
    "im:write": "write to people directly: thanks, answers, digest previews",
    "users:read": "know names, time zones, and who is a guest or an outsider",
}
"""Every scope of the bot token with what it is for."""

EVENTS = (
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "message.channels",
    "message.groups",
    "message.im",
    "tokens_revoked",
)
"""Every event that evalbot subscribes to."""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """An entry of Slack's menus: `kind` is message or global."""

    kind: str
    callback_id: str
    name: str
    description: str


SHORTCUTS: tuple[Shortcut, ...] = ()
"""Every shortcut of evalbot."""

COMMAND = "/evalbot"
USAGE = "run SUITE [model:NAME] | status | review | digest | suites | help"

ABOUT = (
    "evalbot runs evals where your team talks. Ask for a run with one command, watch its card, grade a few answers in the thread "
    "with one click each, and turn a bad answer into a new test item that somebody else approves. A weekly digest shows how "
    "quality moves, always with how many answers a number rests on and how sure it is."
)

HEAD = """\
# The Slack app of evalbot: api.slack.com/apps, "Create New App", "From a manifest".
# Made by `evalbot manifest`; change evalbot/slack/manifest.py and make it again.
"""


def build_manifest(command: str = COMMAND, request_url: str = "") -> dict[str, Any]:
    """Give the manifest: for Socket Mode, or for HTTP with the address that takes Slack's requests."""
    address = {"request_url": request_url} if request_url else {}
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "evalbot",
            "description": "Evals in Slack: ask, grade, learn, tell, with honest numbers.",
            "long_description": ABOUT,
            "background_color": "#1f2a44",
        },
        "features": _features(command, request_url),
        "oauth_config": {"scopes": {"bot": sorted(SCOPES)}},
        "settings": {
            "event_subscriptions": {**address, "bot_events": sorted(EVENTS)},
            "interactivity": {"is_enabled": True, **address},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not request_url,
            "token_rotation_enabled": False,
        },
    }


def _features(command: str, request_url: str) -> dict[str, Any]:
    """Give what people see of the app."""
    slash = {
        "command": command,
        "description": "Run, review and follow evals",
        "usage_hint": USAGE,
        "should_escape": False,
    }
    features: dict[str, Any] = {
        "app_home": {
            "home_tab_enabled": True,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "bot_user": {"display_name": "evalbot", "always_online": True},
        "slash_commands": [slash | ({"url": request_url} if request_url else {})],
    }
    if SHORTCUTS:
        features["shortcuts"] = [
            {"name": one.name, "type": one.kind, "callback_id": one.callback_id, "description": one.description}
            for one in SHORTCUTS
        ]
    return features


def write_manifest(manifest: Mapping[str, Any]) -> str:
    """Write a manifest as YAML, as it can be pasted into Slack's form."""
    return HEAD + yaml.safe_dump(dict(manifest), sort_keys=False, allow_unicode=True, width=100)


def read_request_url(url: str) -> str:
    """Complete the address of a bot in HTTP mode; raises BadRequest unless it is https with a host."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise BadRequest(
            "Slack takes only a public https address.", "Give it as https://evalbot.example.com, or leave --url out."
        )
    return f"https://{parts.netloc}{parts.path.rstrip('/') or EVENTS_PATH}"
