"""Everything Slack may send is acknowledged in time over both transports, and a person who waits hears one clear sentence."""

from __future__ import annotations

from typing import Any

import pytest

from evalbot.playground.transport import Envelope
from evalbot.playground.violations import Kind
from tests.integration.slack.slack_world import World, deliveries, samples, until

ACKS = (Kind.MISSING_ACK, Kind.LATE_ACK, Kind.BAD_ACK, Kind.ACK_WITH_PAYLOAD)
ANSWERED = ("view_submission", "block_suggestion")


async def deliver(world: World, payload: dict[str, Any]) -> dict[str, Any] | None:
    """Let Slack deliver a payload over the transport of the world; gives what the acknowledgement carries."""
    delivery = world.slack.emulation.delivery
    kind = "slash_commands" if "command" in payload else "interactive"
    if payload.get("type") in ("event_callback", "url_verification", "app_rate_limited"):
        kind = "events_api"
    takes = kind == "slash_commands" or payload.get("type") in ANSWERED
    transport = delivery.http if delivery.http.url else delivery.sockets
    answer = await transport.send(Envelope(kind, payload, str(payload.get("type")), takes))
    assert answer.is_acknowledged, (answer.problem, payload.get("type"))
    return answer.payload


@pytest.mark.skipif(not samples(), reason="NOT TESTED: the published samples are not beside this checkout")
async def test_every_published_payload_is_acknowledged(world: World, no_traceback: pytest.LogCaptureFixture) -> None:
    """Each published sample of a delivery is acknowledged within Slack's three seconds and leaves no traceback."""
    for payload in deliveries(world).values():
        await deliver(world, payload)
    assert world.slack.violations(*ACKS) == []


STRANGE: list[dict[str, Any]] = [
    {"type": "event_callback", "event_id": "Ev1", "event": {"type": "never_heard_of", "user": {"id": "U1"}}},
    {"type": "event_callback", "event_id": "Ev2", "event": {"type": "channel_rename", "channel": {"id": "C1"}}},
    {"type": "event_callback", "event_id": "Ev3", "event": {"type": "tokens_revoked", "tokens": {"bot": ["U1"]}}},
    {"type": "event_callback", "event_id": "Ev4", "event": {"type": "app_uninstalled"}},
    {
        "type": "event_callback",
        "event_id": "Ev5",
        "event": {"type": "message", "subtype": "message_deleted", "channel": "C1", "previous_message": {"ts": "1.2"}},
    },
    {"type": "app_rate_limited", "minute_rate_limited": 1_770_000_300},
    {"type": "something_new"},
    {"type": "view_closed", "user": {"id": "U1"}, "view": {"type": "modal", "callback_id": "reason"}},
    {"type": "block_suggestion", "user": {"id": "U1"}, "action_id": "x", "value": "a"},
]


async def test_unknown_events_are_acknowledged(world: World, no_traceback: pytest.LogCaptureFixture) -> None:
    """What nobody listens to is acknowledged, so that Slack does not deliver it again and again."""
    for payload in STRANGE:
        await deliver(world, payload)
    assert world.slack.violations() == []


async def test_unknown_requests_of_people_are_answered(world: World, no_traceback: pytest.LogCaptureFixture) -> None:
    """Who uses a command, button, form or shortcut that evalbot does not know is told so, and nobody else is."""
    dana, lee = world.slack.driver("dana"), world.slack.driver("lee")
    user, channel = {"id": world.slack.users["dana"]}, world.slack.channels["general"]
    emulation = world.slack.emulation
    url = emulation.response_url(emulation.keys.make_url(channel, user["id"]))
    place = {"channel": {"id": channel}, "container": {"type": "message", "channel_id": channel}}
    action = {"action_id": "from_an_old_version", "type": "button", "value": "17"}
    await deliver(world, {"command": "/other", "user_id": user["id"], "channel_id": channel, "response_url": url})
    await dana.see_ephemeral("#general", "This command is not known to evalbot")
    press = {"type": "block_actions", "user": user, "actions": [action]}
    await deliver(world, press | place | {"response_url": url})
    await dana.see_ephemeral("#general", "This button is not known to evalbot")
    await deliver(world, {"type": "message_action", "callback_id": "x", "user": user, "response_url": url} | place)
    await dana.see_ephemeral("#general", "This shortcut is not known to evalbot")
    await deliver(world, {"type": "view_submission", "user": user, "view": {"type": "modal", "callback_id": "old"}})
    await dana.see_message("@evalbot", "This form is not known to evalbot")
    await deliver(world, press)
    await dana.see_message("@evalbot", "This button is not known to evalbot")
    assert not [one for one in await lee.messages("#general") if "not known" in one.text]
    assert world.slack.violations() == []


async def test_broken_payloads_are_refused_or_acknowledged(
    http_world: World, no_traceback: pytest.LogCaptureFixture
) -> None:
    """A signed payload in which something is of a wrong kind or missing is refused in one line."""
    broken: list[dict[str, Any]] = [
        {},
        {"type": None},
        {"type": ["block_actions"]},
        {"type": "block_actions", "user": "U1", "actions": []},
        {"type": "block_actions", "user": {"id": "U1"}, "actions": [None]},
        {"type": "block_actions", "user": {"id": ""}, "actions": [{"action_id": "x"}]},
        {"type": "view_submission", "user": {"id": "U1"}, "view": None},
        {"type": "event_callback", "event": "message"},
        {"type": "event_callback", "event": {"type": "message"}},
        {"command": "/evalbot", "user_id": "", "channel_id": "C1"},
    ]
    for payload in broken:
        status, text = await http_world.send(payload)
        assert (status, text) == (400, "broken"), payload
    assert len([one for one in no_traceback.records if getattr(one, "action", "") == "delivery_broken"]) == len(broken)


async def test_events_are_answered_once(world: World) -> None:
    """A mention that Slack delivers four times is answered once."""
    world.slack.faults.duplicate(8, copies=3)
    dana = world.slack.driver("dana")
    await dana.mention("#general", "suites")
    await dana.see_ephemeral("#general", "There is no suite yet")
    await world.slack.emulation.delivery.wait_quiet()
    seen = [one for one in await dana.messages("#general") if one.is_ephemeral]
    assert len(seen) == 1
    assert world.slack.violations(*ACKS) == []


async def test_failed_acknowledgement_is_no_second_answer(http_world: World) -> None:
    """A command whose request comes again with a new signature is answered once."""
    user, channel = http_world.slack.users["dana"], http_world.slack.channels["general"]
    emulation = http_world.slack.emulation
    url = emulation.response_url(emulation.keys.make_url(channel, user))
    sent = {"command": "/evalbot", "text": "help", "user_id": user, "channel_id": channel}
    for number in range(3):
        tried = sent | {"trigger_id": "1.2.same", "response_url": url, "nonce": str(number)}
        assert (await http_world.send(tried))[0] == 200
    dana = http_world.slack.driver("dana")
    await dana.see_ephemeral("#general")
    await until(lambda: http_world.bot.health()["taken"] == 3)
    assert len([one for one in await dana.messages("#general") if one.is_ephemeral]) == 1
