"""Payloads have the keys of the published shapes."""

import json
from pathlib import Path
from typing import Any

import pytest

from evalbot.playground import payloads
from evalbot.playground.bot_messages import bot_frame
from evalbot.playground.channels import Channel
from evalbot.playground.clock import Clock
from evalbot.playground.emulation import Emulation, build_emulation
from evalbot.playground.installed_app import InstalledApp
from evalbot.playground.talking import compose_typed

SAMPLES = Path(__file__).parents[3] / ".." / "shared" / "slack" / "samples" / "authored"
DANA = "U0DANA001"


def sample(name: str) -> dict[str, Any]:
    """Return a published shape; the test is skipped when the folder is not beside the checkout."""
    path = SAMPLES / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"NOT TESTED AGAINST THE SHAPES: {path} is missing")
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def missing_keys(expected: Any, found: Any, path: str = "") -> list[str]:
    """Return the keys of the expected shape that are not in what was found, deeply; lists by their first entry."""
    if isinstance(expected, list):
        return missing_keys(expected[0], found[0], f"{path}[0]") if expected and found else []
    if not isinstance(expected, dict):
        return []
    if not isinstance(found, dict):
        return [path]
    gone = [f"{path}.{key}" for key in expected if key not in found]
    return gone + [
        one for key in expected if key in found for one in missing_keys(expected[key], found[key], f"{path}.{key}")
    ]


@pytest.fixture
def emu() -> Emulation:
    """An emulation that nobody listens to."""
    return build_emulation(Clock(), InstalledApp())


def place(emu: Emulation) -> Channel:
    """Return the channel #general."""
    return emu.space.channels["C0GENERAL"]


def typed(emu: Emulation, text: str, thread_ts: str = "") -> dict[str, Any]:
    """Return a message by Dana that is in the channel."""
    return emu.space.post(place(emu), compose_typed(emu, DANA, place(emu), text, thread_ts))


def test_message_events(emu: Emulation) -> None:
    """A message, a reply and a mention look as published."""
    first = typed(emu, "why did it miss question 4?")
    event = payloads.event_callback(emu.space, payloads.message_event(place(emu), first), place(emu))
    assert missing_keys(sample("event_message_channel"), event) == []
    reply = typed(emu, "because", first["ts"])
    event = payloads.event_callback(emu.space, payloads.message_event(place(emu), reply), place(emu))
    assert missing_keys(sample("event_message_thread_reply"), event) == []
    mention = payloads.mention_event(place(emu), typed(emu, "@evalbot grade this"))
    assert missing_keys(sample("event_app_mention")["event"], mention) == []
    assert mention["text"] == "<@U0EVALBOT> grade this"


def test_events_of_own_posts_and_changes(emu: Emulation) -> None:
    """The bot's own message has no subtype; an edit is message_changed; a reaction names its item."""
    own = emu.space.post(place(emu), bot_frame(emu) | {"text": "Run finished"})
    event = payloads.event_callback(emu.space, payloads.message_event(place(emu), own))
    expected = sample("event_message_bot_self")
    expected["event"]["bot_profile"]["icons"] = {}
    assert missing_keys(expected, event) == []
    assert "subtype" not in event["event"]
    changed = payloads.changed_event(emu.space, place(emu), {**own, "edited": {}}, own)
    expected_keys = set(sample("event_message_changed")["event"])
    assert expected_keys == set(changed)
    reaction = payloads.reaction_event(emu.space, place(emu), own, "+1", DANA, "reaction_added")
    assert set(reaction) == set(sample("event_reaction_added")["event"])


def test_command_and_shortcut(emu: Emulation) -> None:
    """Without the keys that are made on sending, commands and shortcuts have exactly the published keys."""
    command = payloads.slash_command(emu.space, place(emu), DANA, "/eval", "run geography")
    assert set(sample("slash_command")) - set(command) == {"response_url", "trigger_id"}
    message = typed(emu, "it said Sydney")
    shortcut = payloads.message_shortcut(emu.space, place(emu), message, DANA, "make_item")
    assert set(sample("message_shortcut")) - set(shortcut) == {"response_url", "trigger_id"}


def test_view_payloads(emu: Emulation) -> None:
    """Submissions and closings carry the whole view object."""
    view = emu.views.open(DANA, {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []})
    for name, payload in (
        ("view_submission", payloads.view_submission(emu.space, emu.views, view)),
        ("view_closed", payloads.view_closed(emu.space, emu.views.describe(view), DANA, False)),
    ):
        expected = sample(name)
        assert set(expected) - set(payload) <= {"trigger_id", "response_urls"}
        assert set(expected["view"]) == set(payload["view"])


def test_message_action(emu: Emulation) -> None:
    """A click in a message carries container, channel, message, state and the action; for an ephemeral one no message."""
    message = typed(emu, "x")
    action = {"type": "button", "block_id": "b", "action_id": "a"}
    payload = payloads.message_actions(emu.space, place(emu), message, DANA, action, {})
    assert set(sample("block_actions_message_button")) - set(payload) == {"response_url", "trigger_id"}
    hidden = payloads.message_actions(emu.space, place(emu), {**message, "ephemeral": True}, DANA, action, {})
    assert "message" not in hidden
    assert hidden["container"]["is_ephemeral"] is True
