"""How a Web API method is declared, and what handlers of all families share."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from evalbot.playground.arguments import Arguments
from evalbot.playground.channels import Channel, Kind
from evalbot.playground.emulation import Emulation
from evalbot.playground.messages import Message
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError

Reply = dict[str, Any]
Handler = Callable[[Emulation, Arguments], Reply]
Item = TypeVar("Item")


class TokenKind(StrEnum):
    """Which token a method takes. NONE: it tells who calls by client_id and client_secret."""

    BOT = "bot"
    APP = "app"
    CONFIG = "config"
    NONE = "none"


@dataclass(frozen=True)
class Method:
    """One method: who may call it, how often, and what answers it. scopes: all of them are needed."""

    handler: Handler
    tier: Tier
    scopes: tuple[str, ...] = ()
    reads_json: bool = True
    required: tuple[str, ...] = ()
    token: TokenKind = TokenKind.BOT


def missing_scope(emu: Emulation, *needed: str) -> ApiError:
    """Return the error for a scope that the token does not have."""
    return ApiError("missing_scope", needed=",".join(needed), provided=",".join(emu.app.scopes))


def need_scope(emu: Emulation, channel: Channel, verb: str) -> None:
    """Raise missing_scope unless the app has this verb (read, history, write) for the kind of channel."""
    scope = f"{channel.scope_family}:{verb}"
    if scope not in emu.app.scopes:
        raise missing_scope(emu, scope)


def find_channel(emu: Emulation, given: str, by_name: bool = False) -> Channel:
    """Return a channel the bot may know of; a private one only as a member. by_name: names and people are taken too."""
    space, bot = emu.space, emu.app.bot_user
    if by_name and given in space.people and given != bot:
        return space.open_im(given, bot)
    channel = space.find_channel(given) if by_name else space.channels.get(given)
    if channel is None or (channel.kind is not Kind.CHANNEL and bot not in channel.members):
        raise ApiError("channel_not_found")
    return channel


def need_member(emu: Emulation, channel: Channel) -> None:
    """Raise not_in_channel unless the bot is a member."""
    if emu.app.bot_user not in channel.members:
        raise ApiError("not_in_channel")


def find_message(channel: Channel, ts: str, error: str = "message_not_found") -> Message:
    """Return a message of the channel, or raise the error."""
    message = channel.log.find(ts)
    if message is None or message.get("subtype") == "tombstone":
        raise ApiError(error)
    return message


def page_of(items: Sequence[Item], args: Arguments, default: int, maximum: int) -> tuple[list[Item], str]:
    """Return one page of the items and the next cursor ("" at the end). Raises invalid_cursor and invalid_limit."""
    limit = args.number("limit", default) or default
    if not 1 <= limit <= maximum:
        raise ApiError("invalid_limit")
    start = _read_cursor(args.text("cursor")) if "cursor" in args else 0
    end = start + limit
    cursor = urlsafe_b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
    return list(items[start:end]), cursor


def with_cursor(reply: Reply, cursor: str) -> Reply:
    """Return the reply with the place where the next page starts."""
    return reply | {"response_metadata": {"next_cursor": cursor}}


def _read_cursor(cursor: str) -> int:
    try:
        word, _, place = urlsafe_b64decode(cursor.encode()).decode().partition(":")
        return int(place) if word == "next" else _refuse_cursor()
    except (BadBase64, ValueError):
        return _refuse_cursor()


def _refuse_cursor() -> int:
    raise ApiError("invalid_cursor")
