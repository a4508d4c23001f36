"""What a delivery of Slack must look like for a listener to take it: which fields are texts, which are objects, which lists.

A missing field or null is never a misfit; each kind of delivery names the few fields without which it means nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

Fields = Mapping[str, "type | tuple[type, ...] | Fields | list[Fields]"]
"""What is known of an object's fields; `*` stands for every other name."""

_USER: Fields = {"id": str, "name": str, "username": str, "team_id": str, "enterprise_id": str}
_PLACE: Fields = {"id": str, "name": str, "domain": str, "enterprise_id": str}
_CONTAINER: Fields = {"type": str, "channel_id": str, "message_ts": str, "thread_ts": str, "view_id": str}
_MESSAGE: Fields = {
    "ts": str,
    "thread_ts": str,
    "text": str,
    "user": str,
    "subtype": str,
    "bot_id": str,
    "channel": str,
    "enterprise": str,
    "enterprise_id": str,
}
_CHOICE: Fields = {"value": str}
_ACTION: Fields = {
    "type": str,
    "block_id": str,
    "action_id": str,
    "action_ts": str,
    "value": str,
    "selected_option": _CHOICE,
    "selected_user": str,
}
_VIEW: Fields = {
    "id": str,
    "type": str,
    "team_id": str,
    "app_installed_team_id": str,
    "callback_id": str,
    "private_metadata": str,
    "hash": str,
    "blocks": [{"type": str, "block_id": str}],
    "state": {"values": {"*": {"*": {}}}},
}
_AUTHORIZATION: Fields = {"team_id": str, "enterprise_id": str, "user_id": str, "is_enterprise_install": (bool, str)}
_ITEM: Fields = {"type": str, "channel": (str, dict), "channel_id": str}
_EVENT: Fields = {
    "type": str,
    "subtype": str,
    "thread_ts": str,
    "bot_id": str,
    "user": (str, dict),
    "channel": (str, dict),
    "team": (str, dict),
    "enterprise": (str, dict),
    "user_id": str,
    "user_team": str,
    "message": _MESSAGE,
    "previous_message": _MESSAGE,
    "item": (str, dict),
    "assistant_thread": _ITEM,
    "function": {"callback_id": str},
    "authorizations": [_AUTHORIZATION],
    "callback_id": str,
}
_OUR_EVENTS: Mapping[str, Fields] = {
    "message": {**_MESSAGE, "team": str, "channel_type": str},
    "app_mention": {**_MESSAGE, "team": str, "channel_type": str},
    "app_home_opened": {"user": str, "tab": str},
}
_DELIVERY: Fields = {
    "type": str,
    "team_id": str,
    "enterprise_id": str,
    "event_id": str,
    "challenge": str,
    "api_app_id": str,
    "context_team_id": str,
    "context_enterprise_id": str,
    "command": str,
    "text": str,
    "user_id": str,
    "user_name": str,
    "channel_id": str,
    "trigger_id": str,
    "response_url": str,
    "response_urls": [{"response_url": str}],
    "callback_id": str,
    "action_id": str,
    "block_id": str,
    "value": str,
    "thread_ts": str,
    "message_ts": str,
    "function_execution_id": str,
    "bot_access_token": str,
    "is_enterprise_install": (bool, str),
    "is_ext_shared_channel": bool,
    "authorizations": [_AUTHORIZATION],
    "enterprise": _PLACE,
    "team": _PLACE,
    "channel": _PLACE,
    "user": _USER,
    "container": _CONTAINER,
    "message": _MESSAGE,
    "previous_message": _MESSAGE,
    "item": _ITEM,
    "assistant_thread": _ITEM,
    "function_data": {"execution_id": str, "inputs": {}},
    "view": _VIEW,
    "event": _EVENT,
    "actions": [_ACTION],
    "workflow_step": {},
}

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "block_actions": ("user.id", "actions.0.action_id"),
    "view_submission": ("user.id", "view.callback_id", "view.type"),
    "view_closed": ("user.id", "view.callback_id", "view.type"),
    "shortcut": ("user.id", "callback_id"),
    "message_action": ("user.id", "callback_id"),
    "block_suggestion": ("user.id", "action_id"),
    "interactive_message": ("user.id", "callback_id", "actions.0"),
    "dialog_submission": ("user.id", "callback_id"),
    "dialog_cancellation": ("user.id", "callback_id"),
    "dialog_suggestion": ("user.id", "callback_id"),
    "workflow_step_edit": ("user.id", "callback_id", "workflow_step"),
    "url_verification": ("challenge",),
}
_NEEDED_IN_COMMANDS = ("command", "user_id", "channel_id")
_NEEDED_IN_EVENTS: Mapping[str, tuple[str, ...]] = {
    "message": ("channel",),
    "app_mention": ("channel", "user"),
    "app_home_opened": ("user",),
}


def find_misfit(body: Mapping[str, Any]) -> str | None:
    """Give the name of the first field of a delivery that is of a wrong kind or missing, None when it can be taken."""
    wrong = _find_wrong(body, _DELIVERY, "")
    if wrong is not None:
        return wrong
    event = body.get("event") if body.get("type") == "event_callback" else None
    if event is not None:
        wrong = _find_wrong(event, _OUR_EVENTS.get(event.get("type"), {}), "event.")
    return wrong or next((name for name in _needed(body) if _is_missing(body, name)), None)


def _needed(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the fields without which a delivery means nothing."""
    if "command" in body:
        return _NEEDED_IN_COMMANDS
    kind = str(body.get("type"))
    if kind == "event_callback":
        event = _look_up(body, "event.type")
        return ("event.type", *(f"event.{name}" for name in _NEEDED_IN_EVENTS.get(event, ())))
    if kind == "view_submission" and _look_up(body, "view.type") == "workflow_step":
        return (*_NEEDED[kind], "workflow_step")
    return _NEEDED.get(kind, ("type",))


def _is_missing(body: Mapping[str, Any], name: str) -> bool:
    """Tell whether a field is not there; nobody has an empty id."""
    found = _look_up(body, name)
    return found is None or (found == "" and "user" in name)


def _find_wrong(given: Mapping[str, Any], fields: Fields, place: str) -> str | None:
    """Find the first field of a wrong kind in an object."""
    for name, value in given.items():
        known = name in fields
        wanted = fields.get(name if known else "*")
        if wanted is None or value is None:
            continue
        wrong = _misfit(value, wanted, f"{place}{name if known else '*'}")
        if wrong is not None:
            return wrong
    return None


def _misfit(value: Any, wanted: Any, place: str) -> str | None:
    """Give the place when a value is of a wrong kind, or the place within."""
    if wanted.__class__ is list:
        if not isinstance(value, list):
            return place
        return next(filter(None, (_misfit(one, wanted[0], f"{place}.{n}") for n, one in enumerate(value))), None)
    if wanted.__class__ is dict:
        return _find_wrong(value, wanted, f"{place}.") if isinstance(value, dict) else place
    return None if isinstance(value, wanted) else place


def _look_up(body: Any, name: str) -> Any:
    """Give the value at a path, None where there is none."""
    found = body
    for part in name.split("."):
        if isinstance(found, list):
            found = found[int(part)] if len(found) > int(part) else None
        else:
            found = None if isinstance(found, NoneType) else found.get(part)
    return found
