"""The chat methods of the Web API."""

from typing import Any

from evalbot.playground.api_method import (
    Method,
    Reply,
    find_channel,
    find_message,
    need_member,
)
from evalbot.playground.arguments import Arguments
from evalbot.playground.block_rules import check_message, check_view
from evalbot.playground.bot_messages import compose, put_in_thread
from evalbot.playground.channels import Channel
from evalbot.playground.emulation import Emulation
from evalbot.playground.messages import Message
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError

UPDATE_TEXT_MAX = 4_000


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
    if emu.streams.is_running(channel.id, message["ts"]):
        raise ApiError("streaming_state_conflict")
    changed = compose(emu, args, "chat.update")
    changes: dict[str, Any] = {"text": changed["text"], "blocks": changed.get("blocks")}
    changes["attachments"] = changed.get("attachments")
    changes["streaming_state"] = None
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
    return {"channel": channel.id, "permalink": emu.permalink(channel, message)}


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
    "blocks.validate": Method(validate_blocks, Tier.SPECIAL),
}
