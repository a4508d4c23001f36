"""The manifest asks for what the code needs, in the form that Slack publishes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from evalbot.errors import BadRequest
from evalbot.playground.manifest_rules import check_manifest
from evalbot.slack import manifest
from evalbot.slack.manifest import EVENTS, SCOPES, Shortcut, build_manifest, read_request_url, write_manifest

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / ".." / "shared" / "slack" / "samples" / "upstream" / "manifest-schema" / "manifest.schema.2.0.0.json"
BOTH = [build_manifest(), build_manifest("/evals", "https://evalbot.example.com/slack/events")]


def test_shipped_manifest_is_the_one_of_the_code() -> None:
    """The file in deploy/ is what `evalbot manifest` prints."""
    assert (ROOT / "deploy" / "slack-manifest.yaml").read_text() == write_manifest(build_manifest())


@pytest.mark.parametrize("made", BOTH)
def test_manifest_is_read_back(made: dict[str, Any]) -> None:
    """The YAML holds what was built."""
    assert yaml.safe_load(write_manifest(made)) == made


@pytest.mark.parametrize("made", BOTH)
def test_manifest_follows_the_published_schema(made: dict[str, Any]) -> None:
    """Slack's schema of manifests finds nothing wrong."""
    if not SCHEMA.is_file():
        pytest.skip("NOT TESTED: the published schema of manifests is not beside this checkout")
    jsonschema.validate(made, json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize("made", BOTH)
def test_manifest_is_taken_by_the_playground(made: dict[str, Any]) -> None:
    """The simulated Slack would install the app."""
    assert check_manifest(made) == []


def test_http_needs_addresses_and_socket_mode_none() -> None:
    """Either Socket Mode is on, or every part that Slack calls has an address."""
    socket, http = BOTH
    assert socket["settings"]["socket_mode_enabled"]
    assert "request_url" not in json.dumps(socket)
    assert not http["settings"]["socket_mode_enabled"]
    assert json.dumps(http).count("https://evalbot.example.com/slack/events") == 3
    assert http["features"]["slash_commands"][0]["command"] == "/evals"


def test_every_event_can_be_heard() -> None:
    """Each event that needs a scope has it, and every kind of message that is heard can be read."""
    needed = {"app_mention": "app_mentions:read", "message.channels": "channels:history"}
    needed |= {"message.groups": "groups:history", "message.im": "im:history"}
    free = {"app_home_opened", "app_uninstalled", "tokens_revoked"}
    assert set(EVENTS) == free | needed.keys()
    assert set(needed.values()) <= SCOPES.keys()


def test_shortcuts_are_part_of_the_manifest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shortcut that is declared is installed."""
    monkeypatch.setattr(
        manifest, "SHORTCUTS", (Shortcut("message", "make_item", "Make eval item", "Turn it into one"),)
    )
    made = build_manifest()
    assert made["features"]["shortcuts"][0]["callback_id"] == "make_item"
    assert check_manifest(made) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://e.example.com", "https://e.example.com/slack/events"),
        ("https://e.example.com/", "https://e.example.com/slack/events"),
        ("https://e.example.com:8443/bots/eval/", "https://e.example.com:8443/bots/eval"),
    ],
)
def test_address_is_completed(given: str, expected: str) -> None:
    """An address without a path gets the one that the bot listens on."""
    assert read_request_url(given) == expected


@pytest.mark.parametrize(
    "given", ["http://e.example.com", "e.example.com", "https://", "https://e.com/?x=1", "https://e.com#x"]
)
def test_other_addresses_are_refused(given: str) -> None:
    """Slack calls https only."""
    with pytest.raises(BadRequest):
        read_request_url(given)
