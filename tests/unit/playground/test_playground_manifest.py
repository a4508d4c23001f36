"""The rules of app manifests, against published ones and on their own."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.playground.manifest_rules import check_manifest

SAMPLES = Path(__file__).parents[3] / ".." / "shared" / "slack" / "samples"
COMMAND = {"command": "/evalbot", "description": "x"}
SHORTCUT = {"name": "x", "type": "global", "callback_id": "x", "description": "x"}


@pytest.mark.parametrize("name", ["upstream/manifest-schema/manifest.valid.json", "authored/manifest_socket_mode.json"])
def test_published_manifests_are_valid(name: str) -> None:
    """What Slack takes is taken."""
    if not (SAMPLES / name).is_file():
        pytest.skip(f"NOT TESTED AGAINST THE SAMPLES: {SAMPLES / name} is missing")
    assert check_manifest(json.loads((SAMPLES / name).read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "part,pointer",
    [
        ({"colour": 1}, "/colour"),
        ({"display_information": {}}, "/display_information"),
        ({"display_information": {"name": "x" * 36}}, "/display_information/name"),
        ({"display_information": {"name": "x", "long_description": "a"}}, "/display_information/long_description"),
        ({"features": {"bot_user": {}}}, "/features/bot_user"),
        ({"features": {"slash_commands": [COMMAND | {"command": "eval"}]}}, "/features/slash_commands/0/command"),
        ({"features": {"slash_commands": [COMMAND]}}, "/features/slash_commands/0"),
        ({"features": {"slash_commands": [COMMAND] * 51}}, "/features/slash_commands"),
        ({"features": {"unfurl_domains": ["a.b"] * 6}}, "/features/unfurl_domains"),
        ({"features": {"shortcuts": [SHORTCUT | {"type": "odd"}]}}, "/features/shortcuts/0/type"),
        ({"features": {"agent_view": {"agent_description": "x" * 301}}}, "/features/agent_view/agent_description"),
        ({"settings": {"event_subscriptions": {"bot_events": ["app_mention"]}}}, "/settings/event_subscriptions"),
        ({"settings": {"interactivity": {"is_enabled": True}}}, "/settings/interactivity"),
        ({"settings": {"socket_mode_enabled": "yes"}}, "/settings/socket_mode_enabled"),
        ({"oauth_config": {"scopes": {"bot": "chat:write"}}}, "/oauth_config/scopes/bot"),
    ],
)
def test_bad_manifests_are_refused_with_a_pointer(part: dict[str, Any], pointer: str) -> None:
    """Each problem names its place."""
    assert [one["pointer"] for one in check_manifest({"display_information": {"name": "x"}, **part})] == [pointer]


def test_socket_mode_needs_no_urls() -> None:
    """With Socket Mode events, buttons and commands need no address."""
    settings = {
        "socket_mode_enabled": True,
        "event_subscriptions": {"bot_events": ["app_mention"]},
        "interactivity": {"is_enabled": True},
    }
    features = {"slash_commands": [COMMAND]}
    manifest = {"display_information": {"name": "x"}, "settings": settings, "features": features}
    assert check_manifest(manifest) == []


KEYS = st.sampled_from(
    ["display_information", "features", "settings", "name", "slash_commands", "interactivity", "event_subscriptions"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_any_json_gives_a_list_of_problems(value: Any) -> None:
    """Nothing makes the check fail, and what is no object is refused."""
    found = check_manifest(value)
    assert isinstance(value, dict) or found
