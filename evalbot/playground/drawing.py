"""Messages and views as plain text, for people who read test failures and terminals."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from evalbot.playground.typed_text import unescape

_ENTITY = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
WIDTH = 100
Names = Mapping[str, str]


def readable(text: str, names: Names) -> str:
    """Return Slack text as people read it: mentions by name, links by label, escapes undone."""

    def shown(match: re.Match[str]) -> str:
        sign, target, label = match[1], match[2], match[3]
        if sign == "@":
            return f"@{names.get(target, label or target)}"
        if sign == "#":
            return f"#{label or target}"
        if sign == "!":
            return label or f"@{target.partition('^')[0]}"
        return f"{label} ({target})" if label else target

    return unescape(_ENTITY.sub(shown, text))


def message_text(message: Mapping[str, Any], names: Names) -> str:
    """Return everything a reader sees of a message: text or blocks, attachments and file names."""
    blocks = message.get("blocks") or []
    lines = list(block_lines(blocks, names)) if blocks else [readable(message.get("text", ""), names)]
    lines += [readable(str(one.get("text", "")), names) for one in message.get("attachments", [])]
    lines += [f"[file {one['name']}: {one.get('alt_txt') or one.get('title', '')}]" for one in message.get("files", [])]
    return "\n".join(line for line in lines if line)


def view_text(view: Mapping[str, Any], names: Names) -> str:
    """Return everything a reader sees of a view."""
    title = (view.get("title") or {}).get("text", "Home")
    lines = [f"== {title} ==", *block_lines(view["blocks"], names)]
    buttons = [f"[{view[key]['text']}]" for key in ("close", "submit") if view.get(key)]
    return "\n".join([*lines, " ".join(buttons)] if buttons else lines)


def block_lines(blocks: list[dict[str, Any]], names: Names) -> Iterator[str]:
    """Give the lines of blocks."""
    for block in blocks:
        kind = block["type"]
        if kind == "divider":
            yield "---"
        elif kind == "rich_text":
            yield from (_rich(one, names) for one in block["elements"])
        elif kind in ("table", "data_table"):
            yield from _table_lines(block, names)
        elif kind in ("plan", "task_card"):
            yield from _task_lines(block)
        elif kind == "data_visualization":
            yield f"[chart {block['title']}]"
        elif kind == "container":
            yield from block_lines(block["child_blocks"], names)
        else:
            yield from _part_lines(block, names)


def _part_lines(block: dict[str, Any], names: Names) -> Iterator[str]:
    for key in ("title", "label", "text", "subtitle", "body", "subtext", "hint"):
        yield _words(block.get(key), names)
    yield "  ".join(_words(one, names) for one in block.get("fields", []))
    yield f"[image: {block['alt_text']}]" if "alt_text" in block else ""
    elements = [*block.get("elements", []), *block.get("actions", [])]
    elements += [block[key] for key in ("accessory", "element") if key in block]
    yield " ".join(_element(one, names) for one in elements)


def _words(value: Any, names: Names) -> str:
    if isinstance(value, str):
        return value
    return readable(value.get("text", ""), names) if isinstance(value, dict) else ""


def _element(element: dict[str, Any], names: Names) -> str:
    kind = element["type"]
    if kind in ("mrkdwn", "plain_text"):
        return readable(element["text"], names) if kind == "mrkdwn" else str(element["text"])
    if kind == "card":
        return " / ".join(line for line in _part_lines(element, names) if line)
    if kind == "image":
        return f"[image: {element['alt_text']}]"
    if kind == "feedback_buttons":
        return f"[{element['positive_button']['text']['text']}] [{element['negative_button']['text']['text']}]"
    if kind in ("button", "icon_button", "workflow_button"):
        return f"[{element['text']['text']}]"
    options = [one["text"]["text"] for one in element.get("options", [])]
    return f"[{kind}: {' | '.join(options)}]" if options else f"[{kind}]"


def _rich(section: dict[str, Any], names: Names) -> str:
    if section["type"] == "rich_text_list":
        return "\n".join(f"- {_rich(one, names)}" for one in section["elements"])
    return "".join(_inline(one, names) for one in section["elements"])


def _inline(element: dict[str, Any], names: Names) -> str:
    kind = element["type"]
    if kind == "user":
        return f"@{names.get(element['user_id'], element['user_id'])}"
    if kind == "emoji":
        return f":{element['name']}:"
    if kind in ("channel", "usergroup", "broadcast"):
        return f"{'#' if kind == 'channel' else '@'}{element.get('channel_id') or element.get('range') or kind}"
    return str(element.get("text") or element.get("url") or element.get("fallback") or "")


def _table_lines(block: dict[str, Any], names: Names) -> Iterator[str]:
    for row in block["rows"]:
        yield " | ".join(_cell(one, names) for one in row)


def _cell(cell: dict[str, Any], names: Names) -> str:
    if cell["type"] == "rich_text":
        return " ".join(_rich(one, names) for one in cell["elements"])
    return str(cell.get("text", cell.get("value", "")))


def _task_lines(block: dict[str, Any]) -> Iterator[str]:
    yield f"{block['title']} {block.get('status', '')}".strip()
    for task in block.get("tasks", []):
        yield from (f"  {line}" for line in _task_lines(task))


def draw_messages(title: str, messages: list[dict[str, Any]], names: Names) -> str:
    """Return a drawing of a channel: one paragraph per message, replies indented under their parents."""
    lines = [f"---- {title} ".ljust(WIDTH, "-")]
    parents = {one["ts"] for one in messages if one.get("thread_ts", one["ts"]) == one["ts"]}
    for message in messages:
        if message["ts"] in parents or message.get("thread_ts") not in parents:
            lines += _draw(message, names, "")
            below = [one for one in messages if one.get("thread_ts") == message["ts"] and one is not message]
            for reply in below:
                lines += _draw(reply, names, "    | ")
    lines.append("-" * WIDTH)
    return "\n".join(lines)


def _draw(message: dict[str, Any], names: Names, indent: str) -> list[str]:
    mark = " (only you see this)" if message.get("ephemeral") else ""
    edited = " (edited)" if message.get("edited") else ""
    head = f"{indent}{names.get(message['user'], message['user'])} {message['ts']}{mark}{edited}"
    body = [f"{indent}  {line}" for line in message_text(message, names).split("\n")]
    reactions = " ".join(f":{one['name']}: {one['count']}" for one in message.get("reactions", []))
    return [head, *body, *([f"{indent}  {reactions}"] if reactions else [])]
