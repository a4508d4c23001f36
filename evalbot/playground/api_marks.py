"""The methods of the Web API that mark things: reactions, pins and bookmarks."""

import re

from evalbot.playground.api_method import Method, Reply, find_channel, find_message, need_member
from evalbot.playground.arguments import Arguments
from evalbot.playground.channels import Channel
from evalbot.playground.emulation import Emulation
from evalbot.playground.messages import Message
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError

_EMOJI = re.compile(r"[a-z0-9_+'\-]+(::skin-tone-[2-6])?")
_TS = re.compile(r"\d{10}\.\d{6}")
REACTIONS_MAX = 23
PINS_MAX = 100
BOOKMARKS_MAX = 100
BOOKMARK_TITLE_MAX = 256
BOOKMARK_LINK_MAX = 2_048


def _item(emu: Emulation, args: Arguments) -> tuple[Channel, Message]:
    if "channel" not in args or "timestamp" not in args:
        raise ApiError("no_item_specified")
    channel = find_channel(emu, args.text("channel"))
    if not _TS.fullmatch(args.text("timestamp")):
        raise ApiError("bad_timestamp")
    return channel, find_message(channel, args.text("timestamp"))


def _marked(emu: Emulation, args: Arguments) -> tuple[Channel, Message, str]:
    channel, message = _item(emu, args)
    if emu.app.bot_user not in channel.members:
        raise ApiError("no_access")
    if channel.is_archived:
        raise ApiError("is_archived")
    if not _EMOJI.fullmatch(args.text("name")):
        raise ApiError("invalid_name")
    return channel, message, args.text("name")


def add_reaction(emu: Emulation, args: Arguments) -> Reply:
    """Answer reactions.add."""
    channel, message, name = _marked(emu, args)
    if len(message.get("reactions", [])) >= REACTIONS_MAX:
        raise ApiError("too_many_emoji")
    if not emu.space.react(channel, message, name, emu.app.bot_user):
        raise ApiError("already_reacted")
    return {}


def remove_reaction(emu: Emulation, args: Arguments) -> Reply:
    """Answer reactions.remove."""
    channel, message, name = _marked(emu, args)
    if not emu.space.unreact(channel, message, name, emu.app.bot_user):
        raise ApiError("no_reaction")
    return {}


def get_reactions(emu: Emulation, args: Arguments) -> Reply:
    """Answer reactions.get."""
    channel, message = _item(emu, args)
    return {"type": "message", "channel": channel.id, "message": message}


def add_pin(emu: Emulation, args: Arguments) -> Reply:
    """Answer pins.add."""
    channel, message = _item(emu, args)
    need_member(emu, channel)
    if message["ts"] in channel.pins:
        raise ApiError("already_pinned")
    if len(channel.pins) >= PINS_MAX:
        raise ApiError("too_many_pins")
    channel.pins[message["ts"]] = emu.app.bot_user
    message["pinned_to"] = [channel.id]
    return {}


def remove_pin(emu: Emulation, args: Arguments) -> Reply:
    """Answer pins.remove."""
    channel, message = _item(emu, args)
    if channel.pins.pop(message["ts"], None) is None:
        raise ApiError("not_pinned")
    message.pop("pinned_to", None)
    return {}


def add_bookmark(emu: Emulation, args: Arguments) -> Reply:
    """Answer bookmarks.add."""
    channel = find_channel(emu, args.text("channel_id"))
    need_member(emu, channel)
    if args.text("type") != "link":
        raise ApiError("invalid_bookmark_type")
    title, link = args.text("title"), args.text("link")
    if not re.match(r"https?://\S+$", link) or len(link) > BOOKMARK_LINK_MAX:
        raise ApiError("invalid_link")
    if len(title) > BOOKMARK_TITLE_MAX:
        raise ApiError.invalid_arguments(f"must be less than {BOOKMARK_TITLE_MAX + 1} characters [json-pointer:/title]")
    if len(channel.bookmarks) >= BOOKMARKS_MAX:
        raise ApiError("too_many_bookmarks")
    bookmark = {
        "id": f"Bk0{len(channel.bookmarks) + 1:06d}",
        "channel_id": channel.id,
        "title": title,
        "link": link,
        "emoji": args.text("emoji"),
        "type": "link",
        "date_created": int(emu.clock.now()),
        "app_id": emu.app.app_id,
    }
    channel.bookmarks.append(bookmark)
    return {"bookmark": bookmark}


def list_bookmarks(emu: Emulation, args: Arguments) -> Reply:
    """Answer bookmarks.list."""
    return {"bookmarks": find_channel(emu, args.text("channel_id")).bookmarks}


METHODS = {
    "reactions.add": Method(add_reaction, Tier.THREE, ("reactions:write",), required=("name",)),
    "reactions.remove": Method(remove_reaction, Tier.TWO, ("reactions:write",), required=("name",)),
    "reactions.get": Method(get_reactions, Tier.THREE, ("reactions:read",), reads_json=False),
    "pins.add": Method(add_pin, Tier.TWO, ("pins:write",), required=("channel",)),
    "pins.remove": Method(remove_pin, Tier.TWO, ("pins:write",), required=("channel",)),
    "bookmarks.add": Method(add_bookmark, Tier.TWO, ("bookmarks:write",), required=("channel_id", "title", "type")),
    "bookmarks.list": Method(list_bookmarks, Tier.THREE, ("bookmarks:read",), required=("channel_id",)),
}
