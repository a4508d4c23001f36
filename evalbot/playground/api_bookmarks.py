"""The bookmarks methods of the Web API."""

import re
from typing import Any

from evalbot.playground.api_method import Method, Reply, find_channel, need_member
from evalbot.playground.arguments import Arguments
from evalbot.playground.channels import Channel
from evalbot.playground.emulation import Emulation
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError

BOOKMARKS_MAX = 100
TITLE_MAX = 256
LINK_MAX = 2_048
_LINK = re.compile(r"https?://\S+$")
_EMOJI = re.compile(r":[a-z0-9_+'\-]+:")


def _channel(emu: Emulation, args: Arguments) -> Channel:
    channel = find_channel(emu, args.text("channel_id"))
    need_member(emu, channel)
    return channel


def _checked(args: Arguments) -> dict[str, str]:
    """Return the given ones of title, link and emoji. Raises ApiError for what Slack refuses."""
    if len(args.text("title")) > TITLE_MAX:
        raise ApiError.invalid_arguments(f"must be less than {TITLE_MAX + 1} characters [json-pointer:/title]")
    if "link" in args and (not _LINK.match(args.text("link")) or len(args.text("link")) > LINK_MAX):
        raise ApiError("invalid_link")
    if "emoji" in args and not _EMOJI.fullmatch(args.text("emoji")):
        raise ApiError("invalid_emoji")
    return {name: args.text(name) for name in ("title", "link", "emoji") if name in args}


def add_bookmark(emu: Emulation, args: Arguments) -> Reply:
    """Answer bookmarks.add."""
    channel = _channel(emu, args)
    if args.text("type") != "link":
        raise ApiError("invalid_bookmark_type")
    if "link" not in args:
        raise ApiError("invalid_link")
    given = _checked(args)
    if len(channel.bookmarks) >= BOOKMARKS_MAX:
        raise ApiError("too_many_bookmarks")
    bookmark: dict[str, Any] = {
        "id": f"Bk0{next(emu.numbers):07d}",
        "channel_id": channel.id,
        "emoji": "",
        **given,
        "icon_url": None,
        "type": "link",
        "entity_id": None,
        "date_created": int(emu.clock.now()),
        "date_updated": 0,
        "rank": "i",
        "last_updated_by_user_id": emu.app.bot_user,
        "last_updated_by_team_id": emu.space.id,
        "shortcut_id": None,
        "app_id": emu.app.app_id,
    }
    channel.bookmarks.append(bookmark)
    return {"bookmark": bookmark}


def _known(channel: Channel, args: Arguments) -> dict[str, Any]:
    found = next((one for one in channel.bookmarks if one["id"] == args.text("bookmark_id")), None)
    if found is None:
        raise ApiError("not_found")
    return found


def edit_bookmark(emu: Emulation, args: Arguments) -> Reply:
    """Answer bookmarks.edit: what is not given stays."""
    channel = _channel(emu, args)
    bookmark = _known(channel, args)
    bookmark |= {**_checked(args), "date_updated": int(emu.clock.now())}
    return {"bookmark": bookmark}


def remove_bookmark(emu: Emulation, args: Arguments) -> Reply:
    """Answer bookmarks.remove."""
    channel = _channel(emu, args)
    channel.bookmarks.remove(_known(channel, args))
    return {}


def list_bookmarks(emu: Emulation, args: Arguments) -> Reply:
    """Answer bookmarks.list."""
    return {"bookmarks": _channel(emu, args).bookmarks}


_WRITE, _READ = ("bookmarks:write",), ("bookmarks:read",)
METHODS = {
    "bookmarks.add": Method(add_bookmark, Tier.TWO, _WRITE, required=("channel_id", "title", "type")),
    "bookmarks.edit": Method(edit_bookmark, Tier.TWO, _WRITE, required=("channel_id", "bookmark_id")),
    "bookmarks.remove": Method(remove_bookmark, Tier.TWO, _WRITE, required=("channel_id", "bookmark_id")),
    "bookmarks.list": Method(list_bookmarks, Tier.THREE, _READ, required=("channel_id",)),
}
