"""Messages of the app: checked as Slack checks them, then composed."""

import json
from copy import deepcopy
from typing import Any

from evalbot.playground.api_method import find_message
from evalbot.playground.arguments import Arguments
from evalbot.playground.block_rules import check_message, total_characters
from evalbot.playground.channels import Channel
from evalbot.playground.elements import complete
from evalbot.playground.emulation import Emulation
from evalbot.playground.messages import Message
from evalbot.playground.refusals import ApiError
from evalbot.playground.violations import Kind, elements_of, inspect_message

TEXT_CUT = 40_000
TEXT_ADVISED = 4_000
MARKDOWN_MAX = 12_000
ATTACHMENTS_MAX = 100
BLOCKS_TOTAL_MAX = 13_000
METADATA_BYTES_MAX = 16_384
METADATA_TYPE_MAX = 255


def compose(emu: Emulation, args: Arguments, where: str) -> Message:
    """Return the message that the arguments describe, without channel and thread. Raises ApiError."""
    blocks = read_blocks(emu, args)
    text = args.text("text")
    attachments = _read_attachments(args)
    if "markdown_text" in args:
        text, blocks = _read_markdown(args, bool(text or blocks))
    if not text.strip() and not blocks and not attachments:
        raise ApiError("no_text")
    message: Message = bot_frame(emu) | {"text": text[:TEXT_CUT]}
    if blocks:
        message["blocks"] = complete(blocks)
    if attachments:
        message["attachments"] = attachments
    if "metadata" in args:
        message["metadata"] = read_metadata(args)
    customise(emu, args, message)
    inspect_message(emu.violations, where, message, args.flag("link_names") or args.text("parse") == "full")
    _complete_attachments(attachments)
    if len(text) > TEXT_ADVISED:
        emu.violations.add(Kind.OVER_SAFE_LIMIT, where, f"The text has {len(text)} characters; 4,000 are advised.")
    return message


def bot_frame(emu: Emulation) -> Message:
    """Return the keys that every message of the app has."""
    app = emu.app
    profile = {"id": app.bot_id, "deleted": False, "name": app.name, "updated": 1760000000, "app_id": app.app_id}
    return {
        "type": "message",
        "user": app.bot_user,
        "bot_id": app.bot_id,
        "app_id": app.app_id,
        "team": emu.space.id,
        "bot_profile": profile | {"team_id": emu.space.id, "icons": {}},
    }


def read_blocks(emu: Emulation, args: Arguments) -> list[dict[str, Any]]:
    """Return the checked blocks argument, [] when there is none. Raises invalid_blocks and its kin."""
    try:
        blocks = deepcopy(args.data("blocks"))
    except ValueError:
        raise ApiError("invalid_blocks_format") from None
    if blocks in (None, []):
        return []
    if not isinstance(blocks, list) or not all(isinstance(one, dict) for one in blocks):
        raise ApiError("invalid_blocks_format")
    problems = check_message(blocks)
    problems += _unknown_files(emu, blocks)
    if problems:
        raise ApiError.invalid_blocks(problems)
    if total_characters(blocks) > BLOCKS_TOTAL_MAX:
        raise ApiError("msg_blocks_too_long")
    return blocks


def read_metadata(args: Arguments) -> dict[str, Any]:
    """Return the checked metadata argument. Raises invalid_metadata_format, invalid_metadata_schema, metadata_too_large."""
    try:
        metadata = args.data("metadata")
    except ValueError:
        raise ApiError("invalid_metadata_format") from None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        raise ApiError("invalid_metadata_format")
    kind = metadata.get("event_type")
    if not isinstance(kind, str) or not 1 <= len(kind) <= METADATA_TYPE_MAX:
        raise ApiError("invalid_metadata_schema")
    if len(json.dumps(metadata["event_payload"]).encode()) > METADATA_BYTES_MAX:
        raise ApiError("metadata_too_large")
    return metadata


def put_in_thread(channel: Channel, args: Arguments, message: Message) -> None:
    """Make the message a reply when thread_ts asks for it. Raises cannot_reply_to_message."""
    if "thread_ts" not in args:
        if args.flag("reply_broadcast"):
            raise ApiError.invalid_arguments("missing required field: thread_ts")
        return
    parent = find_message(channel, args.text("thread_ts"), "cannot_reply_to_message")
    if parent.get("thread_ts", parent["ts"]) != parent["ts"]:
        raise ApiError("cannot_reply_to_message")
    message["thread_ts"] = parent["ts"]
    if args.flag("reply_broadcast"):
        message["subtype"] = "thread_broadcast"


def _read_attachments(args: Arguments) -> list[Any]:
    try:
        attachments = args.data("attachments")
    except ValueError:
        raise ApiError("invalid_attachments") from None
    if attachments is None:
        return []
    if not isinstance(attachments, list) or not all(isinstance(one, dict) for one in attachments):
        raise ApiError("invalid_attachments")
    if len(attachments) > ATTACHMENTS_MAX:
        raise ApiError("too_many_attachments")
    for one in attachments:
        blocks = one.get("blocks", [])
        if not isinstance(blocks, list) or (blocks and check_message(blocks)):
            raise ApiError("invalid_attachments")
    return deepcopy(attachments)


def _complete_attachments(attachments: list[Any]) -> None:
    """Number the attachments and give each the fallback text that Slack would."""
    for place, one in enumerate(attachments, start=1):
        one["id"] = place
        one.setdefault("fallback", one.get("text") or "[no preview available]")
        if one.get("blocks"):
            one["blocks"] = complete(one["blocks"])


def _read_markdown(args: Arguments, has_other: bool) -> tuple[str, list[dict[str, Any]]]:
    if has_other:
        raise ApiError("markdown_text_conflict")
    text = args.text("markdown_text")
    if len(text) > MARKDOWN_MAX:
        raise ApiError("msg_too_long")
    return text, [{"type": "markdown", "text": text}]


def customise(emu: Emulation, args: Arguments, message: Message) -> None:
    """Give the message the name it asks for. Raises missing_scope."""
    given = [name for name in ("username", "icon_emoji", "icon_url") if name in args]
    if given and "chat:write.customize" not in emu.app.scopes:
        raise ApiError("missing_scope", needed="chat:write.customize", provided=",".join(emu.app.scopes))
    if "username" in args:
        message["username"] = args.text("username")


def _unknown_files(emu: Emulation, blocks: list[dict[str, Any]]) -> list[str]:
    problems = []
    for image in elements_of(blocks, "image"):
        wanted = image.get("slack_file")
        file = emu.files.find(str(wanted.get("id", ""))) if isinstance(wanted, dict) else None
        if isinstance(wanted, dict) and "url" not in wanted and (file is None or not file.is_complete):
            problems.append("invalid slack file [json-pointer:/blocks]")
    return problems
