"""The chat methods of the Web API."""

from typing import Any

from evalbot.playground.api_method import (
    Method,
    Reply,
    find_channel,
    find_message,
    need_member,
    page_of,
    with_cursor,
)
from evalbot.playground.arguments import Arguments
from evalbot.playground.block_rules import check_message, check_view
from evalbot.playground.bot_messages import compose, put_in_thread
from evalbot.playground.channels import Channel
from evalbot.playground.emulation import Emulation, Scheduled
from evalbot.playground.messages import Message
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError

UPDATE_TEXT_MAX = 4_000
SCHEDULE_DAYS_MAX = 120
SCHEDULED_PER_CHANNEL = 30


def need_writable(emu: Emulation, channel: Channel) -> None:
    """Raise unless the bot may write into the channel."""
    if channel.is_archived:
        raise ApiError("is_archived")
    if "chat:write.public" not in emu.app.scopes or channel.kind != "channel":
        need_member(emu, channel)


def need_post_rate(emu: Emulation, channel: Channel) -> None:
    """Raise rate_limited when the channel had its message for this second."""
    wait = emu.rates.wait_for_post(channel.id)
    if wait:
        raise ApiError("ratelimited", retry_after=wait)


def _own_message(emu: Emulation, args: Arguments, refusal: str) -> tuple[Channel, Message]:
    channel = find_channel(emu, args.text("channel"))
    message = find_message(channel, args.text("ts"))
    if message.get("bot_id") != emu.app.bot_id:
        raise ApiError(refusal)
    return channel, message


def post_message(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.postMessage."""
    channel = find_channel(emu, args.text("channel"), by_name=True)
    need_writable(emu, channel)
    message = compose(emu, args, "chat.postMessage")
    put_in_thread(channel, args, message)
    need_post_rate(emu, channel)
    emu.space.post(channel, message)
    return {"channel": channel.id, "ts": message["ts"], "message": message}


def post_ephemeral(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.postEphemeral."""
    channel = find_channel(emu, args.text("channel"), by_name=True)
    need_writable(emu, channel)
    if args.text("user") not in channel.members:
        raise ApiError("user_not_in_channel")
    message = compose(emu, args, "chat.postEphemeral")
    put_in_thread(channel, args, message)
    emu.space.post_ephemeral(channel, message, args.text("user"))
    return {"message_ts": message["ts"]}


def update(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.update. Text without blocks takes the old blocks away; metadata stays unless it is sent."""
    channel, message = _own_message(emu, args, "cant_update_message")
    if len(args.text("text")) > UPDATE_TEXT_MAX:
        raise ApiError("msg_too_long")
    changed = compose(emu, args, "chat.update")
    changes: dict[str, Any] = {"text": changed["text"], "blocks": changed.get("blocks")}
    changes["attachments"] = changed.get("attachments")
    changes["edited"] = {"user": emu.app.bot_user, "ts": emu.clock.next_ts()}
    if "metadata" in changed:
        changes["metadata"] = changed["metadata"]
    emu.space.edit(channel, message, changes, emu.app.bot_user)
    return {"channel": channel.id, "ts": message["ts"], "text": message["text"], "message": message}


def delete(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.delete."""
    channel, message = _own_message(emu, args, "cant_delete_message")
    emu.space.delete(channel, message)
    return {"channel": channel.id, "ts": args.text("ts")}


def get_permalink(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.getPermalink."""
    channel = find_channel(emu, args.text("channel"))
    message = find_message(channel, args.text("message_ts"))
    link = f"{emu.base_url}/archives/{channel.id}/p{message['ts'].replace('.', '')}"
    if message.get("thread_ts", message["ts"]) != message["ts"]:
        link += f"?thread_ts={message['thread_ts']}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def schedule_message(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.scheduleMessage."""
    channel = find_channel(emu, args.text("channel"), by_name=True)
    need_writable(emu, channel)
    post_at, now = args.number("post_at", 0), emu.clock.now()
    if post_at <= now:
        raise ApiError("time_in_past")
    if post_at > now + SCHEDULE_DAYS_MAX * 86_400:
        raise ApiError("time_too_far")
    near = [one for one in emu.scheduled.values() if one.channel is channel and abs(one.post_at - post_at) < 300]
    if len(near) >= SCHEDULED_PER_CHANNEL:
        raise ApiError("restricted_too_many")
    message = compose(emu, args, "chat.scheduleMessage")
    put_in_thread(channel, args, message)
    planned = Scheduled(f"Q{len(emu.scheduled) + 1:010d}", channel, message, post_at)
    emu.scheduled[planned.id] = planned
    emu.delivery.spawn(_post_later(emu, planned))
    return {"channel": channel.id, "scheduled_message_id": planned.id, "post_at": post_at, "message": message}


async def _post_later(emu: Emulation, planned: Scheduled) -> None:
    await emu.clock.sleep(planned.post_at - emu.clock.now())
    if emu.scheduled.pop(planned.id, None) is not None:
        emu.space.post(planned.channel, planned.message)


def delete_scheduled(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.deleteScheduledMessage."""
    planned = emu.scheduled.get(args.text("scheduled_message_id"))
    if planned is None or planned.channel.id != args.text("channel"):
        raise ApiError("invalid_scheduled_message_id")
    del emu.scheduled[planned.id]
    return {}


def list_scheduled(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.scheduledMessages.list."""
    wanted = args.text("channel")
    found = [one for one in emu.scheduled.values() if not wanted or one.channel.id == wanted]
    page, cursor = page_of(found, args, 100, 999)
    rows = [
        {"id": one.id, "channel_id": one.channel.id, "post_at": one.post_at, "text": one.message["text"]}
        for one in page
    ]
    return with_cursor({"scheduled_messages": rows}, cursor)


def validate_blocks(emu: Emulation, args: Arguments) -> Reply:
    """Answer blocks.validate: exactly one of blocks, view and message as a JSON string."""
    given = [name for name in ("blocks", "view", "message") if name in args]
    if len(given) != 1:
        raise ApiError.invalid_arguments("must provide exactly one of blocks, view and message")
    try:
        value = args.data(given[0])
    except ValueError:
        raise ApiError(f"invalid_{given[0]}") from None
    if given[0] == "message":
        value = value.get("blocks") if isinstance(value, dict) else None
    problems = check_view(value) if given[0] == "view" else check_message(value if isinstance(value, list) else [])
    if problems:
        messages = [f"[ERROR] {one}" for one in problems]
        raise ApiError(f"invalid_{given[0]}", errors=problems, response_metadata={"messages": messages})
    return {}


METHODS = {
    "chat.postMessage": Method(post_message, Tier.SPECIAL, ("chat:write",), required=("channel",)),
    "chat.postEphemeral": Method(post_ephemeral, Tier.FOUR, ("chat:write",), required=("channel", "user")),
    "chat.update": Method(update, Tier.THREE, ("chat:write",), required=("channel", "ts")),
    "chat.delete": Method(delete, Tier.THREE, ("chat:write",), required=("channel", "ts")),
    "chat.getPermalink": Method(get_permalink, Tier.SPECIAL, reads_json=False, required=("channel", "message_ts")),
    "chat.scheduleMessage": Method(schedule_message, Tier.THREE, ("chat:write",), required=("channel", "post_at")),
    "chat.deleteScheduledMessage": Method(
        delete_scheduled, Tier.THREE, ("chat:write",), required=("channel", "scheduled_message_id")
    ),
    "chat.scheduledMessages.list": Method(list_scheduled, Tier.THREE),
    "blocks.validate": Method(validate_blocks, Tier.SPECIAL),
}
