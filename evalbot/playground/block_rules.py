"""Refuses the messages and views that Slack refuses; each problem is a line with a JSON pointer, as in Slack's replies."""

import json
from collections.abc import Iterable
from typing import Any

from evalbot.playground.block_fields import FieldChecker, Spec
from evalbot.playground.block_shapes import check_chart, check_rich_text, check_table, table_characters

_TABLES = ("table", "data_table")
_VIEW_KEYS = ("type", "blocks", "private_metadata", "callback_id", "external_id")


def check_message(blocks: list[Any]) -> list[str]:
    """Return what is wrong with the blocks of a message, [] when Slack takes them."""
    checker = FieldChecker("message")
    limits = checker.limits["message"]
    _check_blocks(checker, blocks, "/blocks", limits["blocks"])
    typed = [one for one in blocks if isinstance(one, dict)]
    for kind, limit in (("table", limits["table_characters"]), ("data_table", limits["data_table_characters"])):
        if sum(table_characters(one) for one in typed if one.get("type") == kind) > limit:
            checker.complain(f"must be less than {limit + 1} characters", "/blocks")
    if (
        sum(len(str(one.get("text", ""))) for one in typed if one.get("type") == "markdown")
        > limits["markdown_characters"]
    ):
        checker.complain(f"must be less than {limits['markdown_characters'] + 1} characters", "/blocks")
    if sum(one.get("type") == "data_visualization" for one in typed) > limits["charts"]:
        checker.complain(f"no more than {limits['charts']} data_visualization blocks allowed", "/blocks")
    return checker.problems


def check_view(view: Any) -> list[str]:
    """Return what is wrong with a modal or Home tab, [] when Slack takes it."""
    if not isinstance(view, dict):
        return ["must provide an object [json-pointer:/view]"]
    kind = view.get("type")
    if kind not in ("modal", "home"):
        return [f"unsupported type: {kind} [json-pointer:/view/type]"]
    checker = FieldChecker(kind)
    _check_view_keys(checker, view)
    blocks = view.get("blocks")
    if isinstance(blocks, list):
        _check_blocks(checker, blocks, "/view/blocks", checker.limits["view"]["blocks"])
        _check_submit(checker, view, blocks)
    else:
        checker.complain("missing required field: blocks", "/view")
    if checker.problems:
        checker.problems.insert(0, "failed to match all allowed schemas [json-pointer:/view]")
    return list(dict.fromkeys(checker.problems))


def is_view_too_large(view: dict[str, Any], limit: int = 256_000) -> bool:
    """Whether the view is above the size that Slack takes, in bytes."""
    return len(json.dumps(view, ensure_ascii=False).encode("utf-8", "replace")) > limit


def total_characters(blocks: Iterable[Any]) -> int:
    """Return the characters of all texts in the blocks, those of tables left out."""
    return sum(_characters(one) for one in blocks if isinstance(one, dict) and one.get("type") not in _TABLES)


def _characters(value: Any) -> int:
    if isinstance(value, list):
        return sum(_characters(one) for one in value)
    if not isinstance(value, dict):
        return 0
    own = value.get("text")
    return (len(own) if isinstance(own, str) else 0) + sum(_characters(one) for one in value.values())


def _check_view_keys(checker: FieldChecker, view: dict[str, Any]) -> None:
    limits = checker.limits["view"]
    keys = limits["keys"][view["type"]]
    text = {"kind": "text_object", "text_types": ["plain_text"], "min": 1, "max": limits["text"]}
    fields: Spec = {name: {"kind": "string", "max": limits[name]} for name in _VIEW_KEYS[2:]}
    for name in keys:
        fields[name] = dict(text) if name in ("title", "submit", "close") else {"kind": "bool"}
    if "title" in fields:
        fields["title"]["required"] = True
    checker.check_keys(fields, view, "/view", ("type", "blocks"))


def _check_submit(checker: FieldChecker, view: dict[str, Any], blocks: list[Any]) -> None:
    if view["type"] != "modal" or "submit" in view:
        return
    for place, block in enumerate(blocks):
        if isinstance(block, dict) and block.get("type") == "input":
            checker.complain("must define `submit` to use an `input` block in modals", f"/view/blocks/{place}")
            return


def _check_blocks(checker: FieldChecker, blocks: list[Any], pointer: str, limit: int, least: int = 1) -> None:
    if len(blocks) > limit:
        return checker.complain(f"no more than {limit} items allowed", pointer)
    if len(blocks) < least:
        return checker.complain(f"no fewer than {least} items allowed", pointer)
    seen: set[str] = set()
    for place, block in enumerate(blocks):
        here = f"{pointer}/{place}"
        if not isinstance(block, dict):
            checker.complain("must provide an object", here)
            continue
        _check_block(checker, block, here)
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id in seen:
            checker.complain(f'`block_id` "{block_id}" already exists', f"{here}/block_id")
        elif isinstance(block_id, str) and block_id:
            seen.add(block_id)
    return None


def _check_block(checker: FieldChecker, block: dict[str, Any], pointer: str, types: list[str] | None = None) -> None:
    kind = block.get("type")
    spec = checker.limits["blocks"].get(kind) if isinstance(kind, str) else None
    if kind is None:
        return checker.complain("missing required field: type", pointer)
    if spec is None or checker.surface not in spec["surfaces"] or (types is not None and kind not in types):
        return checker.complain(f"unsupported type: {kind}", f"{pointer}/type")
    checker.check_keys(spec["fields"], block, pointer)
    _check_action_ids(checker, block, pointer)
    _check_needs(checker, block, pointer)
    if kind == "container" and isinstance(block.get("child_blocks"), list):
        for place, child in enumerate(block["child_blocks"]):
            if isinstance(child, dict):
                allowed = spec["fields"]["child_blocks"]["element_types"]
                _check_block(checker, child, f"{pointer}/child_blocks/{place}", allowed)
    elif kind in _TABLES:
        check_table(checker, spec, block, pointer)
    elif kind == "data_visualization":
        check_chart(checker, spec["chart"], block.get("chart"), f"{pointer}/chart")
    elif kind == "rich_text":
        check_rich_text(checker, block, pointer)
    return None


def _check_action_ids(checker: FieldChecker, block: dict[str, Any], pointer: str) -> None:
    seen: set[str] = set()
    elements = block.get("elements")
    for place, element in enumerate(elements if isinstance(elements, list) else []):
        action_id = element.get("action_id") if isinstance(element, dict) else None
        if not isinstance(action_id, str):
            continue
        if action_id in seen:
            checker.complain(f'`action_id` "{action_id}" already exists', f"{pointer}/elements/{place}/action_id")
        seen.add(action_id)


def _check_needs(checker: FieldChecker, block: dict[str, Any], pointer: str) -> None:
    """Check what a block needs beyond its single fields."""
    kind = block["type"]
    if kind == "section" and not ("text" in block or "fields" in block):
        checker.complain("must define `text` or `fields`", pointer)
    elif kind == "image" and not ("image_url" in block) ^ ("slack_file" in block):
        checker.complain("must define exactly one of `image_url` and `slack_file`", pointer)
    elif kind == "card" and not any(key in block for key in ("hero_image", "title", "actions", "body")):
        checker.complain("must define one of `hero_image`, `title`, `actions` and `body`", pointer)
    elif kind == "card" and "icon" in block and "slack_icon" in block:
        checker.complain("must not define both `icon` and `slack_icon`", pointer)
    elif kind == "container" and not ("title" in block or "rich_text_title" in block):
        checker.complain("must define `title` or `rich_text_title`", pointer)
    elif kind == "container" and block.get("is_collapsible") and block.get("has_header_divider"):
        checker.complain("must not define `has_header_divider` when collapsible", pointer)
    elif kind == "file":
        checker.complain("unsupported type: file", f"{pointer}/type")
    elif kind == "input" and block.get("dispatch_action") and _kind_of(block.get("element")) == "file_input":
        checker.complain("must not define `dispatch_action` with a file input", pointer)


def _kind_of(element: Any) -> Any:
    return element.get("type") if isinstance(element, dict) else None
