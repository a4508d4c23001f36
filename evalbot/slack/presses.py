"""A pressed button: read from what Slack sends, and the ways to answer it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk.errors import SlackApiError

from evalbot.people import Person
from evalbot.reporting.posts import Post
from evalbot.slack.answering import answer_at
from evalbot.slack.blocks import Payload
from evalbot.slack.channels import check_may_post
from evalbot.slack.door import Door
from evalbot.slack.retrying import refusal_code
from evalbot.slack.views.notices import notice_message

TOO_LATE = frozenset({"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id", "ratelimited"})
"""Refusals of a modal that another press may mend."""


NOTHING_BELOW = frozenset({"view_not_found", "not_found", "push_limit_reached"})
"""Refusals of a modal on top of one that was closed meanwhile."""


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed button: who pressed what, where; `trigger_id` opens a modal within three seconds."""

    person: Person
    value: str
    channel: str
    message_ts: str
    thread_ts: str
    trigger_id: str
    response_url: str


Next = Callable[[], Awaitable[None]]
"""What goes on after the acknowledgement."""

Handler = Callable[[Door, Press], Awaitable[Next | None]]


def read_press(body: Mapping[str, Any], person: Person) -> Press:
    """Read a press off Slack's payload; raises BadRequest for one without an action.

    What stands in the channel belongs to no thread, also when it has replies: an answer goes where the button was seen.
    """
    pressed = (body.get("actions") or [{}])[0]
    chosen = pressed.get("selected_option") or {}
    container = body.get("container") or {}
    message_ts = str(container.get("message_ts") or "")
    thread_ts = str((body.get("message") or {}).get("thread_ts") or container.get("thread_ts") or "")
    return Press(
        person=person,
        value=str(pressed.get("value") or chosen.get("value") or ""),
        channel=str((body.get("channel") or {}).get("id") or container.get("channel_id") or ""),
        message_ts=message_ts,
        thread_ts="" if thread_ts == message_ts else thread_ts,
        trigger_id=str(body.get("trigger_id") or ""),
        response_url=str(body.get("response_url") or ""),
    )


def here(press: Press) -> str:
    """Give where the card of what was pressed goes: this channel; from the Home tab the presser's direct messages."""
    return press.channel or press.person.id


async def tell_privately(door: Door, press: Press, payload: Payload) -> None:
    """Show something to the presser alone, where the button is; without a channel it goes to their direct messages.

    A press brings an address for answers, which other people's presses do not use up.
    """
    thread = press.thread_ts or None
    if press.channel and press.response_url and await _answer(door, press, payload):
        return
    if press.channel:
        await door.client.chat_postEphemeral(channel=press.channel, user=press.person.id, thread_ts=thread, **payload)
    else:
        await door.client.chat_postMessage(channel=press.person.id, unfurl_links=False, unfurl_media=False, **payload)


async def _answer(door: Door, press: Press, payload: Payload) -> bool:
    """Answer through the address of a press; tells whether Slack took it."""
    thread = {"thread_ts": press.thread_ts} if press.thread_ts else {}
    private = {**payload, "response_type": "ephemeral", "replace_original": False, **thread}
    return await answer_at(door.client, press.response_url, private)


async def show_instead(door: Door, press: Press, payload: Payload) -> None:
    """Put something in the place of the private message whose button was pressed; beside it where that does not work."""
    if not press.response_url or not await replace_at(door, press.response_url, payload):
        await tell_privately(door, press, payload)


async def replace_at(door: Door, response_url: str, payload: Payload) -> bool:
    """Replace the message that an address for answers belongs to; tells whether Slack took it."""
    return await answer_at(door.client, response_url, {**payload, "replace_original": True})


async def open_modal(door: Door, press: Press, view: Mapping[str, Any], late: Payload | None = None) -> None:
    """Open a modal for the presser; where that took too long `late` is sent, else a line that says so."""
    try:
        await door.client.views_open(trigger_id=press.trigger_id, view=dict(view))
    except SlackApiError as error:
        if refusal_code(error) not in TOO_LATE:
            raise
        again = notice_message("That took too long to open. Press the button once more.")
        await tell_privately(door, press, late or again)


async def push_modal(door: Door, press: Press, view: Mapping[str, Any], late: Payload) -> None:
    """Put a modal on top of the one in which something was pressed; `late` is sent where that took too long."""
    try:
        await door.client.views_push(trigger_id=press.trigger_id, view=dict(view))
    except SlackApiError as error:
        if refusal_code(error) not in TOO_LATE | NOTHING_BELOW:
            raise
        await tell_privately(door, press, late)


async def post_shared(door: Door, press: Press, payload: Payload) -> None:
    """Post a private answer for all to see, where the button is, once for however many presses of it."""
    channel = press.channel or press.person.id
    await check_may_post(door.client, channel, door.command)
    key = f"shared:{channel}:{press.message_ts}:{press.person.id}:{press.value}"
    delivery = await door.outbox.find_at(channel, press.thread_ts) if press.thread_ts else None
    parent = delivery.post.key if delivery else ""
    await door.outbox.put(Post(key, door.services.team, channel, payload, parent))
