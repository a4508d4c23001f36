"""The conversations methods of the Web API."""

from evalbot.playground.api_method import (
    Method,
    Reply,
    find_channel,
    find_message,
    missing_scope,
    need_member,
    need_scope,
    page_of,
    with_cursor,
)
from evalbot.playground.arguments import Arguments
from evalbot.playground.channels import Channel, Kind, slack_channel
from evalbot.playground.emulation import Emulation
from evalbot.playground.messages import Message
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError

_TYPE_SCOPES = {
    "public_channel": "channels:read",
    "private_channel": "groups:read",
    "im": "im:read",
    "mpim": "mpim:read",
}
OPEN_USERS_MAX = 8
HISTORY_DEFAULT = 100
HISTORY_MAX = 999
UNLISTED_HISTORY_MAX = 15


def _describe(emu: Emulation, channel: Channel) -> Reply:
    return slack_channel(channel, emu.app.bot_user, emu.space.id)


def info(emu: Emulation, args: Arguments) -> Reply:
    """Answer conversations.info."""
    channel = find_channel(emu, args.text("channel"))
    need_scope(emu, channel, "read")
    found = _describe(emu, channel)
    if not args.flag("include_num_members"):
        found.pop("num_members", None)
    return {"channel": found}


def _wanted(emu: Emulation, args: Arguments) -> list[str]:
    types = args.words("types") or ["public_channel"]
    if any(one not in _TYPE_SCOPES for one in types):
        raise ApiError("invalid_types")
    for one in types:
        if _TYPE_SCOPES[one] not in emu.app.scopes:
            raise missing_scope(emu, _TYPE_SCOPES[one])
    return types


def list_all(emu: Emulation, args: Arguments) -> Reply:
    """Answer conversations.list: public channels, and others only where the bot is a member."""
    types, bot = _wanted(emu, args), emu.app.bot_user
    found = [one for one in emu.space.channels.values() if one.list_type in types]
    found = [one for one in found if one.kind is Kind.CHANNEL or bot in one.members]
    if args.flag("exclude_archived"):
        found = [one for one in found if not one.is_archived]
    page, cursor = page_of(found, args, 100, HISTORY_MAX)
    return with_cursor({"channels": [_describe(emu, one) for one in page]}, cursor)


def list_of_user(emu: Emulation, args: Arguments) -> Reply:
    """Answer users.conversations: where a person (the bot itself by default) is a member."""
    types, bot = _wanted(emu, args), emu.app.bot_user
    person = args.text("user", bot)
    found = [one for one in emu.space.channels.values() if one.list_type in types and person in one.members]
    found = [one for one in found if one.kind is Kind.CHANNEL or bot in one.members]
    page, cursor = page_of(found, args, 100, HISTORY_MAX)
    return with_cursor({"channels": [_describe(emu, one) for one in page]}, cursor)


def members(emu: Emulation, args: Arguments) -> Reply:
    """Answer conversations.members."""
    channel = find_channel(emu, args.text("channel"))
    need_scope(emu, channel, "read")
    page, cursor = page_of(list(channel.members), args, 100, HISTORY_MAX)
    return with_cursor({"members": page}, cursor)


def open_conversation(emu: Emulation, args: Arguments) -> Reply:
    """Answer conversations.open for direct messages with one person or a few."""
    if "channel" in args:
        channel = find_channel(emu, args.text("channel"))
        return {"channel": _describe(emu, channel) if args.flag("return_im") else {"id": channel.id}}
    users = args.words("users")
    if not users:
        raise ApiError("users_list_not_supplied")
    if len(users) > OPEN_USERS_MAX:
        raise ApiError("too_many_users")
    needed = "im:write" if len(users) == 1 else "mpim:write"
    if needed not in emu.app.scopes:
        raise missing_scope(emu, needed)
    if any(one not in emu.space.people for one in users):
        raise ApiError("user_not_found")
    if emu.app.bot_user in users:
        raise ApiError("invalid_user_combination")
    known = len(emu.space.channels)
    channel = emu.space.open_group((emu.app.bot_user, *users))
    reply: Reply = {"channel": _describe(emu, channel) if args.flag("return_im") else {"id": channel.id}}
    return reply if len(emu.space.channels) > known else reply | {"no_op": True, "already_open": True}


def join(emu: Emulation, args: Arguments) -> Reply:
    """Answer conversations.join."""
    channel = find_channel(emu, args.text("channel"))
    if channel.kind is not Kind.CHANNEL:
        raise ApiError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise ApiError("is_archived")
    if emu.space.join(channel, emu.app.bot_user):
        return {"channel": _describe(emu, channel)}
    warning = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    return {"channel": _describe(emu, channel), **warning}


def _readable(emu: Emulation, args: Arguments) -> Channel:
    channel = find_channel(emu, args.text("channel"))
    need_scope(emu, channel, "history")
    need_member(emu, channel)
    if emu.rates.unlisted_history and args.number("limit", UNLISTED_HISTORY_MAX) > UNLISTED_HISTORY_MAX:
        raise ApiError("invalid_limit")
    return channel


def _in_range(message: Message, args: Arguments) -> bool:
    ts, is_inclusive = message["ts"], args.flag("inclusive")
    oldest, latest = args.text("oldest"), args.text("latest")
    if is_inclusive and ts in (oldest, latest):
        return True
    return (not _is_ts(oldest) or ts > _padded(oldest)) and (not _is_ts(latest) or ts < _padded(latest))


def _is_ts(ts: str) -> bool:
    return ts not in ("", "0", "now")


def _padded(ts: str) -> str:
    seconds, _, micros = ts.partition(".")
    return f"{seconds.zfill(10)}.{micros.ljust(6, '0')}"


def _shown(message: Message, args: Arguments) -> Message:
    hidden = () if args.flag("include_all_metadata") else ("metadata",)
    return {key: value for key, value in message.items() if key not in hidden}


def history(emu: Emulation, args: Arguments) -> Reply:
    """Answer conversations.history, newest first."""
    channel = _readable(emu, args)
    messages, _ = channel.log.top_level(limit=10**9)
    found = [one for one in reversed(messages) if _in_range(one, args)]
    page, cursor = page_of(found, args, _default(emu), HISTORY_MAX)
    reply = {"messages": [_shown(one, args) for one in page], "has_more": bool(cursor), "pin_count": len(channel.pins)}
    return with_cursor(reply, cursor)


def replies(emu: Emulation, args: Arguments) -> Reply:
    """Answer conversations.replies, the parent first."""
    channel = _readable(emu, args)
    message = channel.log.find(args.text("ts"))
    if message is None:
        raise ApiError("thread_not_found")
    parent = find_message(channel, str(message.get("thread_ts", message["ts"])), "thread_not_found")
    found = channel.log.thread(parent["ts"])
    found = [found[0], *(one for one in found[1:] if _in_range(one, args))]
    page, cursor = page_of(found, args, _default(emu), 1000)
    reply = {"messages": [_shown(one, args) for one in page], "has_more": bool(cursor)}
    return with_cursor(reply, cursor)


def _default(emu: Emulation) -> int:
    return UNLISTED_HISTORY_MAX if emu.rates.unlisted_history else HISTORY_DEFAULT


METHODS = {
    "conversations.info": Method(info, Tier.THREE, reads_json=False, required=("channel",)),
    "conversations.list": Method(list_all, Tier.TWO, reads_json=False),
    "users.conversations": Method(list_of_user, Tier.THREE, reads_json=False),
    "conversations.members": Method(members, Tier.FOUR, reads_json=False, required=("channel",)),
    "conversations.open": Method(open_conversation, Tier.THREE),
    "conversations.join": Method(join, Tier.THREE, ("channels:join",), required=("channel",)),
    "conversations.history": Method(history, Tier.THREE, required=("channel",)),
    "conversations.replies": Method(replies, Tier.THREE, reads_json=False, required=("channel", "ts")),
}
