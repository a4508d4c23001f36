"""The methods of the Web API that mark messages: reactions and pins."""

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
    shown = {**message, "permalink": emu.permalink(channel, message)}
    return {"type": "message", "channel": channel.id, "message": shown}


def add_pin(emu: Emulation, args: Arguments) -> Reply:
    """Answer pins.add."""
    channel, message = _item(emu, args)
    need_member(emu, channel)
    if message["ts"] in channel.pins:
        raise ApiError("already_pinned")
    if len(channel.pins) >= PINS_MAX:
        raise ApiError("too_many_pins")
    channel.pins[message["ts"]] = int(emu.clock.now())
    message["pinned_to"] = [channel.id]
    return {}


def remove_pin(emu: Emulation, args: Arguments) -> Reply:
    """Answer pins.remove."""
    channel, message = _item(emu, args)
    if channel.pins.pop(message["ts"], None) is None:
        raise ApiError("not_pinned")
    message.pop("pinned_to", None)
    return {}


def list_pins(emu: Emulation, args: Arguments) -> Reply:
    """Answer pins.list, the newest pin first."""
    channel = find_channel(emu, args.text("channel"))
    need_member(emu, channel)
    items = [
        {
            "type": "message",
            "channel": channel.id,
            "created": pinned_at,
            "created_by": emu.app.bot_user,
            "message": {**message, "permalink": emu.permalink(channel, message)},
        }
        for ts, pinned_at in reversed(channel.pins.items())
        if (message := channel.log.find(ts)) is not None
    ]
    return {"items": items}


METHODS = {
    "reactions.add": Method(add_reaction, Tier.THREE, ("reactions:write",), required=("name",)),
    "reactions.remove": Method(remove_reaction, Tier.TWO, ("reactions:write",), required=("name",)),
    "reactions.get": Method(get_reactions, Tier.THREE, ("reactions:read",), reads_json=False),
    "pins.add": Method(add_pin, Tier.TWO, ("pins:write",), required=("channel",)),
    "pins.remove": Method(remove_pin, Tier.TWO, ("pins:write",), required=("channel",)),
    "pins.list": Method(list_pins, Tier.TWO, ("pins:read",), reads_json=False, required=("channel",)),
}
