"""Which changes of the workspace become events for the app."""

import secrets
from typing import Any

from evalbot.playground.channels import Channel
from evalbot.playground.delivery import Delivery
from evalbot.playground.links import links_in
from evalbot.playground.payloads import (
    changed_event,
    deleted_event,
    event_callback,
    mention_event,
    message_event,
    reaction_event,
)
from evalbot.playground.workspace import Change, What, Workspace

_MESSAGE_EVENTS = {
    "channel": "message.channels",
    "group": "message.groups",
    "im": "message.im",
    "mpim": "message.mpim",
}
_SCOPES = {
    "app_mention": ("app_mentions:read",),
    "reaction_added": ("reactions:read",),
    "reaction_removed": ("reactions:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "file_shared": ("files:read",),
    "link_shared": ("links:read",),
    "team_join": ("users:read",),
}


class EventFeed:
    """Listens to the workspace and sends the app what it subscribed to, may read and is a member for."""

    def __init__(self, space: Workspace, delivery: Delivery) -> None:
        """Begin to listen."""
        self._space, self._delivery = space, delivery
        self.is_on = False
        self.shared_links: dict[str, tuple[str, str]] = {}
        space.listen(self._hear)

    def send(self, event: dict[str, Any], channel: Channel | None = None) -> None:
        """Send an event if the app subscribed to its type and has the scope."""
        kind = event["type"]
        if kind == "message" and channel is not None:
            kind = _MESSAGE_EVENTS[channel.event_kind]
        if self.is_on and kind in self._space.app.events and self._may_read(kind, channel):
            self._delivery.tell(event_callback(self._space, event, channel))

    def _may_read(self, kind: str, channel: Channel | None) -> bool:
        scopes = self._space.app.scopes
        if kind.startswith("message.") and channel is not None:
            return f"{channel.scope_family}:history" in scopes
        needed = _SCOPES.get(kind, ())
        return not needed or any(one in scopes for one in needed)

    def _hear(self, change: Change) -> None:
        channel = change.channel
        if channel is None or self._space.app.bot_user not in channel.members:
            return
        if change.what is What.POSTED:
            self._tell_message(channel, change)
        elif change.what is What.CHANGED:
            self.send(changed_event(self._space, channel, change.message, change.previous), channel)
        elif change.what is What.DELETED and not change.message.get("ephemeral"):
            self.send(deleted_event(self._space, channel, change.previous), channel)
        elif change.what in (What.REACTED, What.UNREACTED):
            kind = "reaction_added" if change.what is What.REACTED else "reaction_removed"
            event = reaction_event(self._space, channel, change.message, change.name, change.person, kind)
            self.send(event, channel)
        elif change.what is What.JOINED:
            self._tell_joined(channel, change.person)
        elif change.what is What.FILE_SHARED:
            self._tell_file(channel, change)

    def _tell_message(self, channel: Channel, change: Change) -> None:
        self.send(message_event(channel, change.message), channel)
        is_own = change.message.get("bot_id") == self._space.app.bot_id
        if (
            f"<@{self._space.app.bot_user}>" in change.message.get("text", "")
            and channel.event_kind != "im"
            and not is_own
        ):
            self.send(mention_event(channel, change.message), channel)
        links = [] if is_own else links_in(change.message.get("text", ""), self._space.app.unfurl_domains)
        if links:
            self._tell_links(channel, change.message, links)

    def _tell_links(self, channel: Channel, message: dict[str, Any], links: list[dict[str, str]]) -> None:
        unfurl_id = f"{channel.id}.{message['ts']}.{secrets.token_hex(16)}"
        self.shared_links[unfurl_id] = (channel.id, message["ts"])
        event = {
            "type": "link_shared",
            "channel": channel.id,
            "user": message["user"],
            "message_ts": message["ts"],
            "links": links,
            "is_bot_user_member": True,
            "unfurl_id": unfurl_id,
            "source": "conversations_history",
            "event_ts": message["ts"],
        }
        self.send(event | ({"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}), channel)

    def _tell_joined(self, channel: Channel, person: str) -> None:
        event = {
            "type": "member_joined_channel",
            "user": person,
            "channel": channel.id,
            "channel_type": "C" if channel.event_kind == "channel" else "G",
            "team": self._space.people[person].team,
            "event_ts": self._space.clock.next_ts(),
        }
        self.send(event, channel)

    def _tell_file(self, channel: Channel, change: Change) -> None:
        event = {
            "type": "file_shared",
            "file_id": change.name,
            "user_id": change.person,
            "file": {"id": change.name},
            "channel_id": channel.id,
            "event_ts": self._space.clock.next_ts(),
        }
        self.send(event, channel)
