"""The files methods of the Web API: the three steps of an upload, and files.info."""

import json
from collections.abc import Mapping
from typing import Any

from evalbot.playground.api_chat import need_writable
from evalbot.playground.api_method import Method, Reply, find_channel
from evalbot.playground.arguments import Arguments
from evalbot.playground.bot_messages import bot_frame, put_in_thread, read_blocks
from evalbot.playground.channels import Channel
from evalbot.playground.elements import complete
from evalbot.playground.emulation import Emulation
from evalbot.playground.files import File
from evalbot.playground.rate_limits import Tier
from evalbot.playground.refusals import ApiError
from evalbot.playground.violations import Kind, inspect_message
from evalbot.playground.workspace import Change, What

MAX_BYTES = 1_073_741_824
SNIPPET_MAX_BYTES = 1_048_576
ALT_TEXT_MAX = 1_000


def get_upload_url(emu: Emulation, args: Arguments) -> Reply:
    """Answer files.getUploadURLExternal."""
    length = args.number("length", 0)
    if length < 1:
        raise ApiError.invalid_arguments("must be more than 0 [json-pointer:/length]")
    if length > MAX_BYTES:
        raise ApiError("file_upload_size_restricted")
    if "snippet_type" in args and length > SNIPPET_MAX_BYTES:
        raise ApiError("snippet_too_large")
    if len(args.text("alt_txt")) > ALT_TEXT_MAX:
        raise ApiError("alt_txt_too_large")
    file = emu.files.start(args.text("filename"), length, emu.app.bot_user, int(emu.clock.now()))
    file.alt_text, file.snippet_type = args.text("alt_txt"), args.text("snippet_type")
    return {"upload_url": emu.files.upload_url(file), "file_id": file.id}


def complete_upload(emu: Emulation, args: Arguments) -> Reply:
    """Answer files.completeUploadExternal; the share in the channel appears a little later."""
    channels = [find_channel(emu, one) for one in args.words("channels") or args.words("channel_id")]
    for channel in channels:
        need_writable(emu, channel)
    files = _completed(emu, args)
    blocks = read_blocks(emu, args)
    if blocks and "initial_comment" in args:
        raise ApiError.invalid_arguments("must not provide both blocks and initial_comment")
    message = bot_frame(emu) | {"subtype": "file_share", "text": args.text("initial_comment"), "upload": False}
    if blocks:
        message["blocks"] = complete(blocks)
    inspect_message(emu.violations, "files.completeUploadExternal", message)
    for channel in channels:
        own = dict(message)
        put_in_thread(channel, args, own)
        emu.delivery.spawn(_share_later(emu, channel, files, own))
    return {"files": [emu.files.describe(one, is_settled=False) for one in files]}


def _completed(emu: Emulation, args: Arguments) -> list[File]:
    try:
        rows = args.data("files")
    except ValueError:
        rows = None
    if not isinstance(rows, list) or not rows or not all(isinstance(one, dict) for one in rows):
        raise ApiError.invalid_arguments("must provide an array [json-pointer:/files]")
    found = []
    for row in rows:
        file = emu.files.find(str(row.get("id", "")))
        if file is None or file.content is None or file.is_complete:
            raise ApiError("file_not_found")
        found.append((file, str(row.get("title") or file.name)))
    for file, title in found:
        file.is_complete, file.title, file.completed_at = True, title, emu.clock.now()
        if file.is_image and not file.alt_text.strip():
            text = f"The picture {file.name} was uploaded without alt text."
            emu.violations.add(Kind.NO_ALT_TEXT, "files.completeUploadExternal", text)
    return [file for file, _ in found]


async def _share_later(emu: Emulation, channel: Channel, files: list[File], message: Mapping[str, Any]) -> None:
    await emu.clock.sleep(emu.share_delay)
    ts = emu.clock.next_ts()
    for file in files:
        file.shares[channel.id] = ts
    described = [emu.files.describe(one, is_settled=True) for one in files]
    emu.space.post(channel, {**message, "ts": ts, "files": described})
    for file in files:
        emu.space.tell(Change(What.FILE_SHARED, channel, person=file.user, name=file.id))


def info(emu: Emulation, args: Arguments) -> Reply:
    """Answer files.info."""
    file = emu.files.find(args.text("file"))
    if file is None or not file.is_complete:
        raise ApiError("file_not_found")
    is_settled = bool(file.shares) or emu.clock.now() - file.completed_at >= emu.share_delay
    return {"file": json.loads(json.dumps(emu.files.describe(file, is_settled=is_settled))), "comments": []}


METHODS = {
    "files.getUploadURLExternal": Method(
        get_upload_url, Tier.FOUR, ("files:write",), reads_json=False, required=("filename", "length")
    ),
    "files.completeUploadExternal": Method(complete_upload, Tier.FOUR, ("files:write",), required=("files",)),
    "files.info": Method(info, Tier.FOUR, ("files:read",), reads_json=False, required=("file",)),
}
