"""What an app answers through a response url or within its acknowledgement."""

from typing import Any

from evalbot.playground.arguments import Arguments
from evalbot.playground.bot_messages import compose, put_in_thread
from evalbot.playground.channels import Channel
from evalbot.playground.emulation import Emulation
from evalbot.playground.messages import Message
from evalbot.playground.one_time_keys import ResponseUrl
from evalbot.playground.refusals import ApiError


def respond(emu: Emulation, origin: ResponseUrl, payload: dict[str, Any], where: str) -> None:
    """Do what the answer says: a new message, or another text for the one that was clicked. Raises ApiError.

    By default the answer is a new message that only the person sees; a command has no message to replace.
    """
    channel = emu.space.channels[origin.channel]
    args = Arguments(payload)
    if args.flag("delete_original") and origin.message_ts:
        return _delete_original(emu, origin, channel)
    message = compose(emu, args, where)
    if args.flag("replace_original") and origin.message_ts:
        return _replace_original(emu, origin, channel, message)
    put_in_thread(channel, args, message)
    if args.text("response_type", "ephemeral") == "in_channel":
        emu.space.post(channel, message)
    else:
        emu.space.post_ephemeral(channel, message, origin.person)
    return None


def use_response_url(emu: Emulation, key: str, payload: dict[str, Any]) -> int:
    """Answer a post to a response url; return the seconds to wait when it came too fast, else 0. Raises ApiError."""
    wait = emu.rates.wait_for_hook(key)
    if wait:
        return wait
    origin = emu.keys.use_url(key)
    if isinstance(origin, str):
        raise ApiError(origin)
    respond(emu, origin, payload, "response_url")
    return 0


def _original(emu: Emulation, origin: ResponseUrl, channel: Channel) -> Message | None:
    if origin.is_ephemeral:
        return emu.space.find_ephemeral(channel.id, origin.message_ts, origin.person)
    return channel.log.find(origin.message_ts)


def _delete_original(emu: Emulation, origin: ResponseUrl, channel: Channel) -> None:
    message = _original(emu, origin, channel)
    if message is None:
        raise ApiError("message_not_found")
    if origin.is_ephemeral:
        emu.space.delete_ephemeral(channel, message, origin.person)
    else:
        emu.space.delete(channel, message)


def _replace_original(emu: Emulation, origin: ResponseUrl, channel: Channel, changed: Message) -> None:
    message = _original(emu, origin, channel)
    if message is None:
        raise ApiError("message_not_found")
    changes: dict[str, Any] = {key: changed.get(key) for key in ("text", "blocks", "attachments")}
    if origin.is_ephemeral:
        emu.space.edit_ephemeral(channel, message, changes, origin.person)
        return
    changes["edited"] = {"user": emu.app.bot_user, "ts": emu.clock.next_ts()}
    emu.space.edit(channel, message, changes, emu.app.bot_user)
