"""Finding buttons, menus and fields by what a person reads on them."""

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalbot.playground.elements import VALUE_KEYS, interactive_elements, options_of
from evalbot.playground.refusals import PlaygroundError


@dataclass(frozen=True)
class Control:
    """One element that a person can use. given: what its click sends besides the ids."""

    block_id: str
    action_id: str
    kind: str
    element: dict[str, Any]
    given: dict[str, Any]

    def choose(self, choice: Any) -> dict[str, Any]:
        """Return what choosing this (an option's text or value, an id, a date, a text; a list for several) sends."""
        if self.kind == "overflow":
            return {"selected_option": self._option(choice)}
        key = VALUE_KEYS[self.kind][0]
        if key == "selected_options":
            return {key: [self._option(one) for one in ([choice] if isinstance(choice, str) else choice or [])]}
        if key == "selected_option":
            return {key: self._option(choice) if choice is not None else None}
        if key == "files":
            return {
                key: [_as_file(one) for one in (choice if isinstance(choice, list) else [choice] if choice else [])]
            }
        if key in ("selected_users", "selected_conversations", "selected_channels"):
            return {key: [choice] if isinstance(choice, str) else choice}
        if key == "rich_text_value" and isinstance(choice, str):
            section = {"type": "rich_text_section", "elements": [{"type": "text", "text": choice}]}
            return {key: {"type": "rich_text", "elements": [section]}}
        return {key: choice}

    def _option(self, choice: Any) -> Any:
        options = options_of(self.element)
        for option in options:
            if choice in (option.get("value"), option["text"]["text"]):
                return option
        if options or not isinstance(choice, dict):
            known = ", ".join(one["text"]["text"] for one in options) or "none until the app offers some"
            raise PlaygroundError(f"There is no option {choice!r}; there are: {known}.")
        return choice


def _as_file(path: Any) -> dict[str, Any]:
    """Return a file of this machine as the page would send it."""
    found = Path(path)
    return {"name": found.name, "content_base64": b64encode(found.read_bytes()).decode()}


def find_control(blocks: list[dict[str, Any]], label: str) -> Control:
    """Return the element with this text, placeholder, label, action_id or value. Raises PlaygroundError naming what is there."""
    for exact in (True, False):
        for block, element in interactive_elements(blocks):
            for name, given in _names(block, element):
                if name == label or (not exact and label and label in name):
                    return Control(block["block_id"], element["action_id"], element["type"], element, given)
    known = [name for block, element in interactive_elements(blocks) for name, _ in _names(block, element)[:1]]
    raise PlaygroundError(f"There is no button or field {label!r}; there are: {', '.join(known) or 'none'}.")


def find_input(blocks: list[dict[str, Any]], label: str) -> Control:
    """Return the field with this label, block_id or action_id."""
    found = find_control(blocks, label)
    if found.kind not in VALUE_KEYS:
        raise PlaygroundError(f"{label!r} is a {found.kind}, which can not be filled in.")
    return found


def _names(block: dict[str, Any], element: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the names of an element, the one a person reads first, each with what a click under that name sends."""
    if element["type"] == "feedback_buttons":
        sides = [element["positive_button"], element["negative_button"]]
        return [(one["text"]["text"], {"value": one["value"]}) for one in sides] + [
            (one["value"], {"value": one["value"]}) for one in sides
        ]
    texts = [element.get("text"), block.get("label"), element.get("placeholder")]
    names = [one["text"] for one in texts if isinstance(one, dict)]
    names += [element["action_id"], element.get("value", ""), element.get("accessibility_label", "")]
    if block["type"] in ("input", "section"):
        names.append(block["block_id"])
    if block["type"] == "section" and isinstance(block.get("text"), dict):
        names.append(block["text"]["text"])
    return [(name, {}) for name in names if name]
