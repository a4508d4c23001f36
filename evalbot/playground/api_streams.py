"""The streaming methods of the Web API: a message that grows while people read it."""

from copy import deepcopy
from typing import Any

from evalbot.playground.api_chat import need_writable
from evalbot.playground.api_method import Method, Reply, find_channel, find_message
from evalbot.playground.arguments import Arguments
from evalbot.playground.block_rules import check_message, total_characters
from evalbot.playground.bot_messages import (
    BLOCKS_TOTAL_MAX,
    bot_frame,
    customise,
    put_in_thread,
    read_blocks,
    read_metadata,
)
from evalbot.playground.channels import Channel, Kind
from evalbot.playground.emulation import Emulation
from evalbot.playground.messages import Message, thread_of
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError
from evalbot.playground.streams import Content, Stream
from evalbot.playground.violations import inspect_message
from evalbot.playground.workspace import Change, What

MODES = ("timeline", "plan")
SESSION_STATES = ("active", "processing", "suspended", "closed")


def _read_chunks(args: Arguments) -> list[Any]:
    """Return the chunks, with markdown_text as one of them. Raises invalid_chunks and markdown_text_conflict."""
    try:
        chunks = args.data("chunks")
    except ValueError:
        raise ApiError("invalid_chunks") from None
    if chunks is not None and not isinstance(chunks, list):
        raise ApiError("invalid_chunks")
    if "markdown_text" not in args:
        return chunks or []
    if chunks:
        raise ApiError("markdown_text_conflict")
    return [{"type": "markdown_text", "text": args.text("markdown_text")}]


def _need_place(emu: Emulation, channel: Channel, args: Arguments) -> None:
    """Raise unless a stream may run here: in a direct message, or in a thread for a named recipient."""
    if channel.kind is Kind.IM:
        return
    if "thread_ts" not in args:
        raise ApiError("channel_type_not_supported")
    for name in ("recipient_user_id", "recipient_team_id"):
        if name not in args:
            raise ApiError(f"missing_{name}")
    if args.text("recipient_user_id") not in emu.space.people:
        raise ApiError("user_not_found")
    if not any(one.team == args.text("recipient_team_id") for one in emu.space.people.values()):
        raise ApiError("team_not_found")


def start_stream(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.startStream."""
    channel = find_channel(emu, args.text("channel"), by_name=True)
    need_writable(emu, channel)
    _need_place(emu, channel, args)
    mode = args.text("task_display_mode", MODES[0])
    if mode not in MODES:
        raise ApiError.invalid_arguments("must be a valid enum value [json-pointer:/task_display_mode]")
    message: Message = bot_frame(emu) | {"text": "", "streaming_state": "in_progress"}
    customise(emu, args, message)
    put_in_thread(channel, args, message)
    stream = Stream(channel.id, message, Content(mode))
    _take(emu, stream, _read_chunks(args), "chat.startStream")
    emu.space.post(channel, message)
    emu.streams.begin(stream)
    return {"channel": channel.id, "ts": message["ts"]}


def _running(emu: Emulation, args: Arguments) -> tuple[Channel, Stream]:
    """Return the stream that still takes chunks. Raises ApiError otherwise."""
    channel = find_channel(emu, args.text("channel"))
    message = find_message(channel, args.text("ts"))
    if message.get("bot_id") != emu.app.bot_id:
        raise ApiError("message_not_owned_by_app")
    stream = emu.streams.find(channel.id, message["ts"])
    if stream is None or stream.ended in ("done", "expired"):
        raise ApiError("message_not_in_streaming_state")
    return channel, stream


def append_stream(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.appendStream."""
    channel, stream = _running(emu, args)
    if stream.ended:
        raise ApiError(stream.ended)
    chunks = _read_chunks(args)
    if not chunks:
        raise ApiError("no_text")
    _take(emu, stream, chunks, "chat.appendStream")
    emu.space.tell(Change(What.REDRAWN, channel, stream.message))
    return {"channel": channel.id, "ts": stream.message["ts"]}


def stop_stream(emu: Emulation, args: Arguments) -> Reply:
    """Answer chat.stopStream: the message is whole now, and the app hears of it as of an edit."""
    channel, stream = _running(emu, args)
    blocks = read_blocks(emu, args)
    metadata = read_metadata(args) if "metadata" in args else None
    state = args.text("session_status")
    if state and state not in SESSION_STATES:
        raise ApiError("invalid_status")
    previous = deepcopy(stream.message)
    _take(emu, stream, _read_chunks(args), "chat.stopStream", blocks)
    stream.ended = "done"
    stream.message.pop("streaming_state")
    if metadata is not None:
        stream.message["metadata"] = metadata
    if state:
        emu.threads.set_session(channel.id, thread_of(stream.message), state=state)
    emu.space.tell(Change(What.CHANGED, channel, stream.message, previous, person=emu.app.bot_user))
    return {"channel": channel.id, "ts": stream.message["ts"], "message": stream.message}


def _take(
    emu: Emulation, stream: Stream, chunks: list[Any], where: str, final: list[dict[str, Any]] | None = None
) -> None:
    """Add chunks and the last blocks and put it all into the message, or leave the stream as it was and raise."""
    content = deepcopy(stream.content)
    content.take(chunks)
    content.final = final or []
    problems = check_message(content.blocks) if content.blocks else []
    if problems:
        raise ApiError.invalid_blocks(problems)
    shown = content.drawn()
    if total_characters(shown) > BLOCKS_TOTAL_MAX:
        raise ApiError("msg_blocks_too_long")
    stream.content = content
    stream.message |= {"text": content.text or content.title} | ({"blocks": shown} if shown else {})
    inspect_message(emu.violations, where, {**stream.message, "text": stream.message["text"] or "streaming"})


_SCOPES = ("chat:write",)
METHODS = {
    "chat.startStream": Method(start_stream, Tier.TWO, _SCOPES, required=("channel",)),
    "chat.appendStream": Method(append_stream, Tier.FOUR, _SCOPES, required=("channel", "ts")),
    "chat.stopStream": Method(stop_stream, Tier.TWO, _SCOPES, required=("channel", "ts")),
}
