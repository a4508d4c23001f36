"""The payloads that Slack sends to an app, built from the state of the workspace."""

import secrets
from copy import deepcopy
from typing import Any

from evalbot.playground.channels import Channel
from evalbot.playground.messages import Message
from evalbot.playground.views import View, Views
from evalbot.playground.workspace import Workspace

_THREAD_KEYS = ("reply_count", "reply_users", "reply_users_count", "latest_reply", "reactions", "pinned_to")


def event_callback(space: Workspace, event: dict[str, Any], channel: Channel | None = None) -> dict[str, Any]:
    """Return the outer payload of one event; its event_id is new."""
    return {
        "token": space.app.verification_token,
        "team_id": space.id,
        "context_team_id": space.id,
        "context_enterprise_id": None,
        "api_app_id": space.app.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev0{secrets.token_hex(5).upper()}",
        "event_time": int(space.clock.now()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": space.id,
                "user_id": space.app.bot_user,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": channel is not None and channel.shared,
        "event_context": f"4-{secrets.token_hex(12)}",
    }


def message_event(channel: Channel, message: Message) -> dict[str, Any]:
    """Return the message event of a new message."""
    event = {key: value for key, value in deepcopy(message).items() if key not in _THREAD_KEYS}
    return event | {"channel": channel.id, "event_ts": message["ts"], "channel_type": channel.event_kind}


def mention_event(channel: Channel, message: Message) -> dict[str, Any]:
    """Return the app_mention event that comes beside the message event."""
    keys = (
        "client_msg_id",
        "user",
        "text",
        "ts",
        "team",
        "blocks",
        "thread_ts",
        "parent_user_id",
        "files",
        "user_team",
    )
    event = {key: value for key, value in deepcopy(message).items() if key in keys}
    return {"type": "app_mention", **event, "channel": channel.id, "event_ts": message["ts"]}


def changed_event(space: Workspace, channel: Channel, message: Message, previous: Message) -> dict[str, Any]:
    """Return the message_changed event."""
    ts = space.clock.next_ts()
    return {
        "type": "message",
        "subtype": "message_changed",
        "message": deepcopy(message),
        "previous_message": previous,
        "channel": channel.id,
        "hidden": True,
        "ts": ts,
        "event_ts": ts,
        "channel_type": channel.event_kind,
    }


def deleted_event(space: Workspace, channel: Channel, previous: Message) -> dict[str, Any]:
    """Return the message_deleted event."""
    ts = space.clock.next_ts()
    return {
        "type": "message",
        "subtype": "message_deleted",
        "deleted_ts": previous["ts"],
        "previous_message": previous,
        "channel": channel.id,
        "hidden": True,
        "ts": ts,
        "event_ts": ts,
        "channel_type": channel.event_kind,
    }


def reaction_event(
    space: Workspace, channel: Channel, message: Message, name: str, person: str, kind: str
) -> dict[str, Any]:
    """Return the reaction_added or reaction_removed event."""
    item = {"type": "message", "channel": channel.id, "ts": message["ts"]}
    event = {"type": kind, "user": person, "reaction": name, "item": item, "event_ts": space.clock.next_ts()}
    return event | {"item_user": message["user"]}


def _user(space: Workspace, person: str) -> dict[str, Any]:
    found = space.people[person]
    return {"id": found.id, "username": found.name, "name": found.name, "team_id": found.team}


def _frame(space: Workspace, kind: str, person: str) -> dict[str, Any]:
    return {
        "type": kind,
        "user": _user(space, person),
        "api_app_id": space.app.app_id,
        "token": space.app.verification_token,
        "team": {"id": space.id, "domain": space.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def slash_command(space: Workspace, channel: Channel, person: str, command: str, text: str) -> dict[str, Any]:
    """Return the payload of a slash command, without trigger_id and response_url."""
    return {
        "token": space.app.verification_token,
        "team_id": space.id,
        "team_domain": space.domain,
        "channel_id": channel.id,
        "channel_name": channel.command_name,
        "user_id": person,
        "user_name": space.people[person].name,
        "command": command,
        "text": text,
        "api_app_id": space.app.app_id,
        "is_enterprise_install": "false",
    }


def message_actions(
    space: Workspace, channel: Channel, message: Message, person: str, action: dict[str, Any], state: dict[str, Any]
) -> dict[str, Any]:
    """Return the block_actions payload of an element in a message, without trigger_id and response_url."""
    is_ephemeral = bool(message.get("ephemeral"))
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.id,
        "is_ephemeral": is_ephemeral,
    }
    if "thread_ts" in message:
        container["thread_ts"] = message["thread_ts"]
    payload = _frame(space, "block_actions", person) | {
        "container": container,
        "channel": {"id": channel.id, "name": channel.command_name},
        "state": {"values": state},
        "actions": [action],
    }
    if not is_ephemeral:
        payload["message"] = deepcopy(message)
    return payload


def view_actions(space: Workspace, views: Views, view: View, action: dict[str, Any]) -> dict[str, Any]:
    """Return the block_actions payload of an element in a modal or Home tab, without trigger_id."""
    return _frame(space, "block_actions", view.person) | {
        "container": {"type": "view", "view_id": view.id},
        "view": deepcopy(views.describe(view)),
        "actions": [action],
    }


def view_submission(space: Workspace, views: Views, view: View) -> dict[str, Any]:
    """Return the view_submission payload, without trigger_id and response_urls."""
    return _frame(space, "view_submission", view.person) | {"view": deepcopy(views.describe(view))}


def view_closed(space: Workspace, described: dict[str, Any], person: str, is_cleared: bool) -> dict[str, Any]:
    """Return the view_closed payload for a view as it was described last."""
    return _frame(space, "view_closed", person) | {"view": described, "is_cleared": is_cleared}


def message_shortcut(
    space: Workspace, channel: Channel, message: Message, person: str, callback_id: str
) -> dict[str, Any]:
    """Return the message_action payload, without trigger_id and response_url."""
    return _frame(space, "message_action", person) | {
        "action_ts": space.clock.next_ts(),
        "callback_id": callback_id,
        "channel": {"id": channel.id, "name": channel.command_name},
        "message_ts": message["ts"],
        "message": deepcopy(message),
    }


def global_shortcut(space: Workspace, person: str, callback_id: str) -> dict[str, Any]:
    """Return the shortcut payload, without trigger_id."""
    return _frame(space, "shortcut", person) | {"action_ts": space.clock.next_ts(), "callback_id": callback_id}


def suggestion(
    space: Workspace, person: str, place: dict[str, Any], block_id: str, action_id: str, value: str
) -> dict[str, Any]:
    """Return the block_suggestion payload; place holds container with view, or channel and message."""
    ids = {"block_id": block_id, "action_id": action_id, "value": value}
    return _frame(space, "block_suggestion", person) | place | ids
