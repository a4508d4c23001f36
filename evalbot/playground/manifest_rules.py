"""Refuses the app manifests that Slack refuses; each problem has a message and a JSON pointer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Problem = dict[str, str]


@dataclass(frozen=True)
class Text:
    """A string between two lengths; pattern: what it must match, choices: what it may be."""

    most: int
    least: int = 1
    pattern: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Many:
    """A list of things of one kind."""

    of: "Rule"
    most: int


@dataclass(frozen=True)
class Part:
    """An object with known keys, some of them needed."""

    keys: dict[str, "Rule"] = field(default_factory=dict)
    needed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Switch:
    """True or false."""


@dataclass(frozen=True)
class Anything:
    """A part that is not looked into."""


Rule = Text | Many | Part | Switch | Anything

_URL = Text(3_500, pattern=r"https?://")
_NAMES = Many(Text(50), 255)
_PROMPTS = Many(Part({"title": Text(1_000), "message": Text(4_000)}, ("title", "message")), 4)
_COMMAND = Part(
    {
        "command": Text(32, 2, r"/"),
        "url": Text(3_000, pattern=r"https?://"),
        "description": Text(2_000),
        "usage_hint": Text(1_000),
        "should_escape": Switch(),
    },
    ("command", "description"),
)
_SHORTCUT = Part(
    {
        "name": Text(24),
        "type": Text(7, choices=("message", "global")),
        "callback_id": Text(255),
        "description": Text(150),
    },
    ("name", "type", "callback_id", "description"),
)
_TABS = ("home_tab_enabled", "messages_tab_enabled", "messages_tab_read_only_enabled")
_FEATURES = Part(
    {
        "app_home": Part({name: Switch() for name in _TABS}),
        "bot_user": Part({"display_name": Text(80), "always_online": Switch()}, ("display_name",)),
        "slash_commands": Many(_COMMAND, 50),
        "shortcuts": Many(_SHORTCUT, 10),
        "unfurl_domains": Many(Text(255, pattern=r"(?![.\-])[-a-z0-9.]+[a-z0-9]$"), 5),
        "assistant_view": Part(
            {"assistant_description": Text(4_000), "suggested_prompts": _PROMPTS}, ("assistant_description",)
        ),
        "agent_view": Part(
            {"agent_description": Text(300, 0), "suggested_prompts": _PROMPTS, "actions": Anything()},
        ),
        "functions": Anything(),
        "workflow_steps": Anything(),
    }
)
_SETTINGS = Part(
    {
        "event_subscriptions": Part(
            {
                "request_url": _URL,
                "bot_events": Many(Text(50), 100),
                "user_events": Many(Text(50), 100),
                "metadata_subscriptions": Anything(),
            }
        ),
        "interactivity": Part(
            {"is_enabled": Switch(), "request_url": _URL, "message_menu_options_url": _URL}, ("is_enabled",)
        ),
        **{
            name: Switch()
            for name in ("org_deploy_enabled", "socket_mode_enabled", "is_hosted", "token_rotation_enabled")
        },
        **{
            name: Anything()
            for name in (
                "allowed_ip_address_ranges",
                "incoming_webhooks",
                "siws_links",
                "hermes_app_type",
                "function_runtime",
                "is_mcp_enabled",
            )
        },
    }
)
_MANIFEST = Part(
    {
        "display_information": Part(
            {
                "name": Text(35),
                "description": Text(140),
                "background_color": Text(7, 4, r"#"),
                "long_description": Text(4_000, 175),
            },
            ("name",),
        ),
        "features": _FEATURES,
        "oauth_config": Part(
            {
                "redirect_urls": Many(Text(2_500), 1_000),
                "scopes": Part(dict.fromkeys(("bot", "user", "bot_optional", "user_optional"), _NAMES)),
                "token_management_enabled": Switch(),
                "pkce_enabled": Switch(),
            }
        ),
        "settings": _SETTINGS,
        **{
            name: Anything()
            for name in (
                "$schema",
                "_metadata",
                "app_directory",
                "functions",
                "workflows",
                "datastores",
                "outgoing_domains",
                "types",
                "external_auth_providers",
                "mcp_servers",
            )
        },
    },
    ("display_information",),
)


def check_manifest(manifest: Any) -> list[Problem]:
    """Return what is wrong with a manifest, [] when Slack takes it."""
    problems = list(_check(_MANIFEST, manifest, ""))
    return problems or list(_check_connection(manifest))


def _check(rule: Rule, value: Any, pointer: str) -> Iterator[Problem]:
    if isinstance(rule, Part):
        yield from _check_part(rule, value, pointer)
    elif isinstance(rule, Many):
        if not isinstance(value, list) or not 1 <= len(value) <= rule.most:
            yield _problem(f"Must be a list of 1 to {rule.most} items", pointer)
            return
        for place, one in enumerate(value):
            yield from _check(rule.of, one, f"{pointer}/{place}")
    elif isinstance(rule, Text):
        yield from _check_text(rule, value, pointer)
    elif isinstance(rule, Switch) and not isinstance(value, bool):
        yield _problem("Must be true or false", pointer)


def _check_part(rule: Part, value: Any, pointer: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _problem("Must be an object", pointer)
        return
    for name in rule.needed:
        if name not in value:
            yield _problem(f"Missing required property: {name}", pointer)
    for name, one in value.items():
        if name not in rule.keys:
            yield _problem(f"Additional property {name} is not allowed", f"{pointer}/{name}")
        else:
            yield from _check(rule.keys[name], one, f"{pointer}/{name}")


def _check_text(rule: Text, value: Any, pointer: str) -> Iterator[Problem]:
    if not isinstance(value, str):
        yield _problem("Must be a string", pointer)
    elif not rule.least <= len(value) <= rule.most:
        yield _problem(f"Must have {rule.least} to {rule.most} characters", pointer)
    elif rule.choices and value not in rule.choices:
        yield _problem(f"Must be one of {', '.join(rule.choices)}", pointer)
    elif rule.pattern and not re.match(rule.pattern, value):
        yield _problem("Has the wrong form", pointer)


def _check_connection(manifest: dict[str, Any]) -> Iterator[Problem]:
    """Check that everything that is sent to the app has a way to it."""
    settings = manifest.get("settings", {})
    if settings.get("socket_mode_enabled"):
        return
    events = settings.get("event_subscriptions", {})
    if (events.get("bot_events") or events.get("user_events")) and "request_url" not in events:
        text = "Event Subscription requires either Request URL or Socket Mode Enabled"
        yield _problem(text, "/settings/event_subscriptions")
    interactivity = settings.get("interactivity", {})
    if interactivity.get("is_enabled") and "request_url" not in interactivity:
        yield _problem("Interactivity requires a Request URL or Socket Mode enabled", "/settings/interactivity")
    for place, command in enumerate(manifest.get("features", {}).get("slash_commands", [])):
        if "url" not in command:
            yield _problem("A slash command requires a URL or Socket Mode enabled", f"/features/slash_commands/{place}")


def _problem(message: str, pointer: str) -> Problem:
    return {"message": message, "pointer": pointer or "/"}
