"""chat.unfurl: what an app shows under a link to one of its own domains."""

from copy import deepcopy
from typing import Any

from evalbot.playground.api_method import Method, Reply
from evalbot.playground.arguments import Arguments
from evalbot.playground.block_rules import check_message
from evalbot.playground.channels import Channel
from evalbot.playground.elements import complete
from evalbot.playground.emulation import Emulation
from evalbot.playground.links import links_in
from evalbot.playground.messages import Message
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError
from evalbot.playground.violations import inspect_message

SOURCES = ("composer", "conversations_history")


def _place(emu: Emulation, args: Arguments) -> tuple[Channel, Message]:
    """Return the message that is meant, by unfurl_id and source or by channel and ts."""
    if "unfurl_id" in args:
        if "source" not in args:
            raise ApiError("missing_source")
        if args.text("source") not in SOURCES:
            raise ApiError("invalid_source")
        channel_id, ts = emu.shared_links.get(args.text("unfurl_id"), ("", ""))
        if not ts:
            raise ApiError("invalid_unfurl_id")
    else:
        channel_id, ts = args.text("channel"), args.text("ts")
        if not channel_id:
            raise ApiError("missing_channel")
        if not ts:
            raise ApiError("missing_ts")
    channel = emu.space.channels.get(channel_id)
    if channel is None or emu.app.bot_user not in channel.members:
        raise ApiError("cannot_find_channel")
    message = channel.log.find(ts)
    if message is None:
        raise ApiError("cannot_find_message")
    return channel, message


def _read_unfurls(args: Arguments) -> dict[str, Any]:
    try:
        unfurls = args.data("unfurls")
    except ValueError:
        raise ApiError("invalid_unfurls_format") from None
    if unfurls is None:
        raise ApiError("missing_unfurls")
    if not isinstance(unfurls, dict) or not all(isinstance(one, dict) for one in unfurls.values()):
        raise ApiError("invalid_unfurls_format")
    return unfurls


def unfurl(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.unfurl."""
    unfurls = _read_unfurls(args)
    channel, message = _place(emu, args)
    own = {one["url"] for one in links_in(message.get("text", ""), emu.app.unfurl_domains)}
    attachments = [_attachment(emu, url, given, own) for url, given in unfurls.items()]
    kept = [one for one in message.get("attachments", []) if one.get("from_url") not in unfurls]
    emu.space.edit(channel, message, {"attachments": [*kept, *attachments]}, emu.app.bot_user)
    return {}


def _attachment(emu: Emulation, url: str, given: dict[str, Any], own: set[str]) -> dict[str, Any]:
    if url not in own:
        raise ApiError("cannot_unfurl_url")
    attachment = deepcopy(given) | {"from_url": url, "app_unfurl_url": url, "is_app_unfurl": True}
    attachment |= {"bot_id": emu.app.bot_id, "app_id": emu.app.app_id}
    blocks = attachment.get("blocks")
    if blocks is not None:
        problems = check_message(blocks) if isinstance(blocks, list) else ["must provide an array"]
        if problems:
            raise ApiError("cannot_parse_attachment", response_metadata={"messages": problems})
        attachment["blocks"] = complete(blocks)
    inspect_message(emu.violations, "chat.unfurl", {"text": url, "attachments": [{"fallback": url, **attachment}]})
    return attachment


METHODS = {"chat.unfurl": Method(unfurl, Tier.THREE, ("links:write",))}
