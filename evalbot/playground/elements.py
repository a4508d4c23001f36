"""The interactive elements of blocks: finding them, their state, what a person may enter, and the action they send."""

import re
import secrets
from collections.abc import Iterator
from typing import Any

Block = dict[str, Any]
Element = dict[str, Any]
Values = dict[str, dict[str, dict[str, Any]]]

_TEXTS = ("plain_text_input", "email_text_input", "url_text_input", "number_input")
VALUE_KEYS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(_TEXTS, ("value", "initial_value")),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "file_input": ("files", ""),
}
"""Element type -> (key of its value in the state, key of its first value). Buttons and overflow menus have no state."""

_BUTTON_LIKE = ("button", "icon_button", "workflow_button")


def complete(blocks: list[Block]) -> list[Block]:
    """Return the blocks as Slack stores them: ids for what has none, and the keys that text objects have by default."""
    _complete_texts(blocks)
    return fill_ids(blocks)


def _complete_texts(value: Any) -> None:
    if isinstance(value, list):
        for one in value:
            _complete_texts(one)
    elif isinstance(value, dict):
        if value.get("type") == "plain_text":
            value.setdefault("emoji", True)
        elif value.get("type") == "mrkdwn":
            value.setdefault("verbatim", False)
        for key, one in value.items():
            if key != "rows" and isinstance(one, dict | list):
                _complete_texts(one)


def fill_ids(blocks: list[Block]) -> list[Block]:
    """Give every block and interactive element without an id a random one, as Slack does."""
    for block in blocks:
        if block.get("type") != "markdown":
            block.setdefault("block_id", secrets.token_hex(3))
        for element in _direct_elements(block):
            if _is_interactive(element):
                element.setdefault("action_id", secrets.token_hex(3))
        fill_ids(block.get("child_blocks") or [])
        fill_ids([one for one in block.get("elements") or [] if one.get("type") == "card"])
    return blocks


def interactive_elements(blocks: list[Block]) -> Iterator[tuple[Block, Element]]:
    """Give every interactive element with its block."""
    for block in blocks:
        for element in _direct_elements(block):
            if element.get("type") == "card":
                yield from interactive_elements([element])
            elif _is_interactive(element):
                yield block, element
        yield from interactive_elements(block.get("child_blocks") or [])


def find_element(blocks: list[Block], block_id: str, action_id: str) -> tuple[Block, Element] | None:
    """Return the element with these ids and its block, or None. An empty block_id matches any block."""
    for block, element in interactive_elements(blocks):
        if element.get("action_id") == action_id and block_id in ("", block.get("block_id")):
            return block, element
    return None


def state_of(blocks: list[Block], entered: Values) -> Values:
    """Return the state of every element: what was entered, else its first value."""
    values: Values = {}
    for block, element in interactive_elements(blocks):
        if element["type"] not in VALUE_KEYS:
            continue
        block_id, action_id = block["block_id"], element["action_id"]
        given = entered.get(block_id, {}).get(action_id)
        values.setdefault(block_id, {})[action_id] = {"type": element["type"], **(given or _first_value(element))}
    return values


def take_entered(blocks: list[Block], given: Values, entered: Values) -> None:
    """Keep what a person entered for elements that exist; only the value key of each is kept."""
    for block_id, actions in given.items():
        for action_id, value in actions.items():
            found = find_element(blocks, block_id, action_id)
            if found is None or found[1]["type"] not in VALUE_KEYS:
                continue
            key = VALUE_KEYS[found[1]["type"]][0]
            kept = value.get(key)
            if found[1]["type"] in _TEXTS:
                kept = None if kept in (None, "") else str(kept)
            entered.setdefault(block_id, {})[action_id] = {key: kept}


def check_inputs(blocks: list[Block], values: Values) -> dict[str, str]:
    """Return what the client itself would complain about before it sends a form: block id -> sentence."""
    errors: dict[str, str] = {}
    for block, element in interactive_elements(blocks):
        if block.get("type") != "input":
            continue
        key = VALUE_KEYS[element["type"]][0]
        value = values[block["block_id"]][element["action_id"]].get(key)
        if value in (None, "", []):
            if not block.get("optional"):
                errors[block["block_id"]] = "Please complete this required field."
            continue
        problem = _problem_with(element, value)
        if problem:
            errors[block["block_id"]] = problem
    return errors


def describe_action(block: Block, element: Element, given: dict[str, Any], ts: str) -> dict[str, Any] | str:
    """Return the entry of actions[] for a click or choice, or a sentence when the choice is not possible."""
    kind = element["type"]
    action: dict[str, Any] = {
        "type": kind,
        "block_id": block["block_id"],
        "action_id": element["action_id"],
        "action_ts": ts,
    }
    if kind in _BUTTON_LIKE:
        return action | {key: element[key] for key in ("text", "value", "style", "url", "icon") if key in element}
    if kind == "feedback_buttons":
        return _feedback_action(action, element, given)
    if kind == "overflow":
        option = find_option(element, given)
        return action | {"selected_option": option} if option else "That option is not in the menu."
    return _choice_action(action, element, given)


def find_option(element: Element, given: dict[str, Any]) -> dict[str, Any] | None:
    """Return the element's own option that is meant by selected_option (an option, or its value)."""
    wanted = given.get("selected_option")
    value = wanted.get("value") if isinstance(wanted, dict) else wanted
    return next((one for one in options_of(element) if one.get("value") == value), None)


def options_of(element: Element) -> list[dict[str, Any]]:
    """Return all options of a menu, those in groups included."""
    groups = element.get("option_groups") or []
    return [*(element.get("options") or []), *(one for group in groups for one in group["options"])]


def _direct_elements(block: Block) -> Iterator[Element]:
    for key in ("elements", "actions"):
        yield from (one for one in block.get(key) or [] if isinstance(one, dict))
    for key in ("accessory", "element"):
        if isinstance(block.get(key), dict):
            yield block[key]


def _is_interactive(element: Element) -> bool:
    return element.get("type") in VALUE_KEYS or element.get("type") in (*_BUTTON_LIKE, "overflow", "feedback_buttons")


def _first_value(element: Element) -> dict[str, Any]:
    key, initial = VALUE_KEYS[element["type"]]
    empty: list[Any] | None = [] if key.endswith("s") else None
    return {key: element.get(initial, empty)}


def _problem_with(element: Element, value: Any) -> str | None:
    kind = element["type"]
    if kind == "plain_text_input" and len(value) < element.get("min_length", 0):
        return f"Please enter at least {element['min_length']} characters."
    if kind == "plain_text_input" and len(value) > element.get("max_length", 3000):
        return f"Please enter at most {element.get('max_length', 3000)} characters."
    if kind == "email_text_input" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        return "Please enter a valid email address."
    if kind == "url_text_input" and not re.match(r"https?://\S+", value):
        return "Please enter a valid URL."
    return _problem_with_number(element, value) if kind == "number_input" else None


def _problem_with_number(element: Element, value: str) -> str | None:
    pattern = r"-?\d+(\.\d+)?" if element.get("is_decimal_allowed") else r"-?\d+"
    if not re.fullmatch(pattern, value):
        return "Please enter a number." if element.get("is_decimal_allowed") else "Please enter a whole number."
    if "min_value" in element and float(value) < float(element["min_value"]):
        return f"Please enter {element['min_value']} or more."
    if "max_value" in element and float(value) > float(element["max_value"]):
        return f"Please enter {element['max_value']} or less."
    return None


def _feedback_action(action: dict[str, Any], element: Element, given: dict[str, Any]) -> dict[str, Any] | str:
    for side in ("positive_button", "negative_button"):
        if element[side]["value"] == given.get("value"):
            return action | {"text": element[side]["text"], "value": element[side]["value"]}
    return "That feedback button does not exist."


def _choice_action(action: dict[str, Any], element: Element, given: dict[str, Any]) -> dict[str, Any] | str:
    key = VALUE_KEYS[element["type"]][0]
    chosen = given.get(key)
    is_menu = "options" in element or "option_groups" in element
    if key == "selected_option" and is_menu and chosen is not None:
        chosen = find_option(element, given)
        if chosen is None:
            return "That option is not in the menu."
    if key == "selected_options" and is_menu:
        found = [find_option(element, {"selected_option": one}) for one in chosen or []]
        if None in found:
            return "One of these options is not in the menu."
        chosen = found
    return action | {key: chosen}
