"""What is read off a pressed button."""

from __future__ import annotations

from typing import Any

import pytest

from evalbot.people import Person, PersonId, Role, TeamId
from evalbot.slack.presses import read_press

DANA = Person(PersonId("U1"), TeamId("T1"), "Dana Osei", Role.APPROVER)


def pressed(message_ts: str, thread_ts: str) -> dict[str, Any]:
    """Give the payload of a button under a message, perhaps of a thread."""
    thread = {"thread_ts": thread_ts} if thread_ts else {}
    return {
        "channel": {"id": "C1"},
        "container": {"type": "message", "message_ts": message_ts, "channel_id": "C1", **thread},
        "message": {"ts": message_ts, **thread},
        "actions": [{"action_id": "again", "value": "v"}],
    }


@pytest.mark.parametrize(("thread_ts", "place"), [("", ""), ("1.5", ""), ("1.2", "1.2")])
def test_only_a_reply_belongs_to_a_thread(thread_ts: str, place: str) -> None:
    """A card in the channel is answered there, also when it has replies and so names its own thread."""
    press = read_press(pressed("1.5", thread_ts), DANA)
    assert (press.message_ts, press.thread_ts) == ("1.5", place)
