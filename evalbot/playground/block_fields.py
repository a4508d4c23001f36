"""Checks of Block Kit values field by field, driven by the table block_limits.json."""

import json
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

Spec = dict[str, Any]
_DISPATCH = ("on_enter_pressed", "on_character_entered")
_TEXT_FLAG = {"plain_text": "emoji", "mrkdwn": "verbatim"}


@cache
def load_limits() -> Spec:
    """Return the table of limits: blocks, elements and the objects they are made of."""
    found: Spec = json.loads((files("evalbot.playground") / "block_limits.json").read_text("utf-8"))
    return found


class FieldChecker:
    """Collects what is wrong with blocks on one surface (message, modal or home)."""

    def __init__(self, surface: str) -> None:
        """Start without problems."""
        self.surface = surface
        self.limits = load_limits()
        self.problems: list[str] = []
        self._kinds: dict[str, Callable[[Spec, Any, str], None]] = {
            "text_object": self._text_object,
            "string": self._string,
            "int": self._int,
            "bool": self._bool,
            "enum": self._enum,
            "array": self._array,
            "element": self._element,
            "option": self._option,
            "confirm": self._confirm,
            "dispatch": self._dispatch,
            "fields": self._fields,
            "object": self._object,
            "image_element": self._image_element,
            "rich_text": self._rich_text,
        }

    def complain(self, text: str, pointer: str, parent: str | None = None) -> None:
        """Note a problem; with a parent the line that Slack puts before it is noted too, once."""
        if parent is not None:
            line = f"failed to match all allowed schemas [json-pointer:{parent}]"
            if line not in self.problems:
                self.problems.append(line)
        self.problems.append(f"{text} [json-pointer:{pointer}]")

    def check(self, spec: Spec, value: Any, pointer: str) -> None:
        """Check one value against its row of the table."""
        self._kinds[spec["kind"]](spec, value, pointer)

    def check_keys(self, fields: Spec, value: dict[str, Any], pointer: str, extra: tuple[str, ...] = ("type",)) -> None:
        """Check all keys of an object: required ones, unknown ones and the value of each."""
        for name, spec in fields.items():
            if name in value:
                self.check(spec, value[name], f"{pointer}/{name}")
            elif spec.get("required"):
                self.complain(f"missing required field: {name}", pointer)
        for name in value:
            if name not in fields and name not in extra:
                self.complain(f"invalid additional property: {name}", pointer)

    def check_typed(self, types: list[str], value: Any, pointer: str) -> None:
        """Check an object that must be an element, a text object or a small block of one of these types."""
        if not isinstance(value, dict):
            return self.complain("must provide an object", pointer)
        kind = value.get("type")
        if kind is None:
            return self.complain("missing required field: type", pointer)
        if not isinstance(kind, str):
            return self.complain("must provide a string", f"{pointer}/type")
        spec = self.limits["elements"].get(kind) or self.limits["blocks"].get(kind)
        on_surface = spec is None or self.surface in spec["surfaces"]
        if kind not in types or not on_surface:
            return self.complain(f"unsupported type: {kind}", f"{pointer}/type", pointer)
        if spec is None:
            return self._text_object({"text_types": [kind], "min": 1, "max": 3000}, value, pointer)
        self.check_keys(spec["fields"], value, pointer)
        self._check_choice(spec["fields"], value, pointer)
        return None

    def check_length(self, spec: Spec, text: str, pointer: str, parent: str | None = None) -> None:
        """Check the length of a text in characters."""
        if len(text) > spec.get("max", len(text)):
            self.complain(f"must be less than {spec['max'] + 1} characters", pointer, parent)
        if len(text) < spec.get("min", 0):
            self.complain(f"must be more than {spec['min'] - 1} characters", pointer, parent)

    def _text_object(self, spec: Spec, value: Any, pointer: str) -> None:
        if not isinstance(value, dict):
            return self.complain("must provide an object", pointer)
        kind = str(value.get("type"))
        if kind not in spec["text_types"]:
            return self.complain(f"unsupported type: {kind}", f"{pointer}/type", pointer)
        if not isinstance(value.get("text"), str):
            return self.complain("must provide a string", f"{pointer}/text", pointer)
        self.check_length(spec, value["text"], f"{pointer}/text", pointer)
        for name in value:
            if name not in ("type", "text", _TEXT_FLAG[kind]):
                self.complain(f"invalid additional property: {name}", pointer)
        return None

    def _string(self, spec: Spec, value: Any, pointer: str) -> None:
        if not isinstance(value, str):
            return self.complain("must provide a string", pointer)
        self.check_length(spec, value, pointer)
        if "pattern" in spec and not re.fullmatch(spec["pattern"], value):
            self.complain("must match the expected format", pointer)
        return None

    def _int(self, spec: Spec, value: Any, pointer: str) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            return self.complain("must provide an integer", pointer)
        if value < spec.get("min", value) or value > spec.get("max", value):
            self.complain(f"must be between {spec.get('min', 0)} and {spec.get('max', 'any')}", pointer)
        return None

    def _bool(self, spec: Spec, value: Any, pointer: str) -> None:
        if not isinstance(value, bool):
            self.complain("must provide a boolean", pointer)

    def _enum(self, spec: Spec, value: Any, pointer: str) -> None:
        inside_plan = "/tasks/" in pointer
        values = spec["values_inside_plan"] if inside_plan and "values_inside_plan" in spec else spec["values"]
        if value not in values:
            self.complain("must be a valid enum value", pointer)

    def _array(self, spec: Spec, value: Any, pointer: str) -> None:
        if not isinstance(value, list):
            return self.complain("must provide an array", pointer)
        if len(value) > spec.get("max_items", len(value)):
            return self.complain(f"no more than {spec['max_items']} items allowed", pointer)
        if len(value) < spec.get("min_items", 0):
            return self.complain(f"no fewer than {spec['min_items']} items allowed", pointer)
        for place, one in enumerate(value):
            self._array_item(spec, one, f"{pointer}/{place}", pointer)
        return None

    def _array_item(self, spec: Spec, value: Any, pointer: str, array: str) -> None:
        if "rich_text_section" in spec.get("element_types", ()) or array.endswith("/child_blocks"):
            return  # checked with their own grammar
        if "element_types" in spec:
            self.check_typed(spec["element_types"], value, pointer)
        elif "item" in spec and "kind" in spec["item"]:
            self.check(spec["item"], value, pointer)
        elif "option_text_types" in spec:
            self._option(spec, value, pointer)
        elif array.endswith("/option_groups"):
            self._option_group(value, pointer)

    def _element(self, spec: Spec, value: Any, pointer: str) -> None:
        self.check_typed(spec["element_types"], value, pointer)

    def _option(self, spec: Spec, value: Any, pointer: str) -> None:
        if not isinstance(value, dict):
            return self.complain("must provide an object", pointer)
        sizes = self.limits["option"]
        types = spec.get("option_text_types", ["plain_text", "mrkdwn"])
        fields: Spec = {
            "text": {"kind": "text_object", "text_types": types, "min": 1, "max": sizes["text"], "required": True},
            "value": {"kind": "string", "max": sizes["value"], "required": True},
            "description": {"kind": "text_object", "text_types": types, "min": 1, "max": sizes["description"]},
            "url": {"kind": "string", "max": sizes["url"]},
        }
        self.check_keys(fields, value, pointer, ())
        return None

    def _option_group(self, value: Any, pointer: str) -> None:
        if not isinstance(value, dict):
            return self.complain("must provide an object", pointer)
        sizes = self.limits["option_group"]
        label = {"kind": "text_object", "text_types": ["plain_text"], "min": 1, "max": sizes["label"], "required": True}
        options = {"kind": "array", "min_items": 1, "max_items": sizes["options"], "required": True}
        options["option_text_types"] = ["plain_text"]
        self.check_keys({"label": label, "options": options}, value, pointer, ())
        return None

    def _confirm(self, spec: Spec, value: Any, pointer: str) -> None:
        if not isinstance(value, dict):
            return self.complain("must provide an object", pointer)
        self.check_keys(self.limits["confirm"], value, pointer, ())
        return None

    def _dispatch(self, spec: Spec, value: Any, pointer: str) -> None:
        if not isinstance(value, dict):
            return self.complain("must provide an object", pointer)
        actions = value.get("trigger_actions_on")
        if not isinstance(actions, list) or any(one not in _DISPATCH for one in actions):
            self.complain("must be a valid enum value", f"{pointer}/trigger_actions_on")
        return None

    def _fields(self, spec: Spec, value: Any, pointer: str) -> None:
        if not isinstance(value, dict):
            return self.complain("must provide an object", pointer)
        self.check_keys(spec["fields"], value, pointer, ())
        return None

    def _object(self, spec: Spec, value: Any, pointer: str) -> None:
        if not isinstance(value, dict):
            self.complain("must provide an object", pointer)

    def _image_element(self, spec: Spec, value: Any, pointer: str) -> None:
        self.check_typed(["image"], value, pointer)

    def _rich_text(self, spec: Spec, value: Any, pointer: str) -> None:
        self.check_typed(["rich_text"], value, pointer)

    def _check_choice(self, fields: Spec, value: dict[str, Any], pointer: str) -> None:
        """Check what menus need beyond their fields: one kind of options, and a first choice that is among them."""
        if value["type"] == "image" and not ("image_url" in value) ^ ("slack_file" in value):
            self.complain("must define exactly one of `image_url` and `slack_file`", pointer)
        if "option_groups" in fields and not ("options" in value) ^ ("option_groups" in value):
            self.complain("must define exactly one of `options` and `option_groups`", pointer)
        groups = value.get("option_groups") or []
        options = [*(value.get("options") or []), *(one for group in groups for one in _options_in(group))]
        if not options:
            return
        if isinstance(value.get("initial_option"), dict) and value["initial_option"] not in options:
            self.complain("must match one of the options", f"{pointer}/initial_option")
        initial = value.get("initial_options")
        if isinstance(initial, list) and any(one not in options for one in initial):
            self.complain("must match some of the options", f"{pointer}/initial_options")


def _options_in(group: Any) -> list[Any]:
    found = group.get("options") if isinstance(group, dict) else None
    return found if isinstance(found, list) else []
