"""What a delivery must hold for a listener to take it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalbot.slack.payload_forms import find_misfit

USER = {"id": "U1", "team_id": "T1"}
PRESS = {"type": "block_actions", "user": USER, "actions": [{"action_id": "grade:4", "value": "x"}]}
VIEW = {"type": "modal", "callback_id": "reason", "state": {"values": {"b": {"field": {"value": "text"}}}}}
COMMAND = {"command": "/evalbot", "user_id": "U1", "channel_id": "C1"}


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """Give an event."""
    return {"type": "event_callback", "event": {"type": kind, **fields}}


@pytest.mark.parametrize(
    "body",
    [
        PRESS,
        PRESS | {"channel": None, "message": None, "enterprise": None, "something_new": {"a": [1]}},
        COMMAND,
        {"type": "view_submission", "user": USER, "view": VIEW},
        {"type": "view_closed", "user": USER, "view": {"type": "home", "callback_id": ""}},
        {"type": "shortcut", "user": USER, "callback_id": "x"},
        {"type": "url_verification", "challenge": "x"},
        {"type": "never_heard_of"},
        event("message", channel="C1"),
        event("app_mention", channel="C1", user="U1"),
        event("app_home_opened", user="U1", tab="home"),
        event("team_join", user={"id": "U1"}),
        event("channel_rename", channel={"id": "C1"}),
        event("reaction_added", user="U1", item={"channel": "C1"}),
    ],
)
def test_deliveries_are_taken(body: dict[str, Any]) -> None:
    """What Slack sends is taken, with fields that nobody knows yet and without those that may be missing."""
    assert find_misfit(body) is None


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "type"),
        ({"type": 7}, "type"),
        (PRESS | {"actions": []}, "actions.0.action_id"),
        (PRESS | {"actions": [None]}, "actions.0"),
        (PRESS | {"actions": {}}, "actions"),
        (PRESS | {"actions": [{"action_id": "a"}, {"action_id": 1}]}, "actions.1.action_id"),
        (PRESS | {"user": {"id": ""}}, "user.id"),
        (PRESS | {"user": None}, "user.id"),
        (PRESS | {"user": "U1"}, "user"),
        (PRESS | {"message": {"ts": 1.5}}, "message.ts"),
        (COMMAND | {"user_id": ""}, "user_id"),
        (COMMAND | {"channel_id": None}, "channel_id"),
        ({"type": "view_submission", "user": USER, "view": None}, "view.callback_id"),
        ({"type": "view_submission", "user": USER, "view": VIEW | {"type": "workflow_step"}}, "workflow_step"),
        (
            {"type": "view_submission", "user": USER, "view": VIEW | {"state": {"values": {"a\nb": {"c": 1}}}}},
            "view.state.values.*.*",
        ),
        ({"type": "url_verification"}, "challenge"),
        ({"type": "event_callback", "event": []}, "event"),
        ({"type": "event_callback"}, "event.type"),
        (event("message"), "event.channel"),
        (event("message", channel={"id": "C1"}), "event.channel"),
        (event("app_mention", channel="C1", user=""), "event.user"),
        (event("anything", user=["U1"]), "event.user"),
    ],
)
def test_misfit_is_named(body: dict[str, Any], place: str) -> None:
    """A field of a wrong kind, or missing, is named by its path; names that are foreign are not repeated."""
    assert find_misfit(body) == place


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "id", "user", "x"]), inner),
    max_leaves=8,
)
NAMES = ["type", "command", "event", "user", "actions", "view", "channel", "authorizations", "response_urls", "state"]
KINDS = ["event_callback", "block_actions", "view_submission", "message_action", "workflow_step_edit"]


@given(st.dictionaries(st.sampled_from(NAMES), JSON | st.sampled_from(KINDS)))
def test_no_object_raises(body: dict[str, Any]) -> None:
    """Whatever the object, the answer is a name or None."""
    found = find_misfit(body)
    assert found is None or isinstance(found, str)
