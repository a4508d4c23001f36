"""One conversation of the workspace: a channel, a private channel, a direct message or a group of people."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from evalbot.playground.messages import MessageLog


class Kind(StrEnum):
    """The kinds of conversation there are."""

    CHANNEL = "channel"
    PRIVATE = "private"
    IM = "im"
    MPIM = "mpim"


_SCOPE_FAMILY = {Kind.CHANNEL: "channels", Kind.PRIVATE: "groups", Kind.IM: "im", Kind.MPIM: "mpim"}
_EVENT_KIND = {Kind.CHANNEL: "channel", Kind.PRIVATE: "group", Kind.IM: "im", Kind.MPIM: "mpim"}
_LIST_TYPE = {
    Kind.CHANNEL: "public_channel",
    Kind.PRIVATE: "private_channel",
    Kind.IM: "im",
    Kind.MPIM: "mpim",
}
_COMMAND_NAME = {Kind.PRIVATE: "privategroup", Kind.IM: "directmessage"}


@dataclass(eq=False)
class Channel:
    """A conversation with its members and messages. members keeps the order of joining; pins: message ts -> pinned when."""

    id: str
    name: str
    kind: Kind = Kind.CHANNEL
    topic: str = ""
    members: dict[str, None] = field(default_factory=dict)
    shared: bool = False
    is_archived: bool = False
    creator: str = ""
    created: int = 1760000000
    log: MessageLog = field(default_factory=MessageLog)
    pins: dict[str, int] = field(default_factory=dict)
    bookmarks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def scope_family(self) -> str:
        """The scope prefix that covers this kind: channels, groups, im or mpim."""
        return _SCOPE_FAMILY[self.kind]

    @property
    def event_kind(self) -> str:
        """The channel_type of message events."""
        return _EVENT_KIND[self.kind]

    @property
    def list_type(self) -> str:
        """The word for this kind in the types argument of list methods."""
        return _LIST_TYPE[self.kind]

    @property
    def command_name(self) -> str:
        """The channel_name of a slash command sent from here."""
        return _COMMAND_NAME.get(self.kind, self.name)

    def partner_of(self, person: str) -> str:
        """Return the other member of a direct message (the person itself when alone)."""
        return next((one for one in self.members if one != person), person)


def slack_channel(channel: Channel, member: str, team: str) -> dict[str, Any]:
    """Return the conversation object of the Web API as the member sees it."""
    if channel.kind is Kind.IM:
        return {
            "id": channel.id,
            "created": channel.created,
            "is_im": True,
            "is_archived": False,
            "is_org_shared": False,
            "user": channel.partner_of(member),
            "is_user_deleted": False,
            "context_team_id": team,
            "updated": channel.created * 1000,
            "priority": 0,
        }
    topic = {"value": channel.topic, "creator": channel.creator, "last_set": channel.created if channel.topic else 0}
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind is Kind.CHANNEL,
        "is_group": channel.kind is Kind.PRIVATE,
        "is_im": False,
        "is_mpim": channel.kind is Kind.MPIM,
        "is_private": channel.kind is not Kind.CHANNEL,
        "is_archived": channel.is_archived,
        "is_general": channel.name == "general",
        "is_member": member in channel.members,
        "is_shared": channel.shared,
        "is_ext_shared": channel.shared,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "shared_team_ids": [team],
        "pending_shared": [],
        "pending_connected_team_ids": [],
        "parent_conversation": None,
        "previous_names": [],
        "created": channel.created,
        "updated": channel.created * 1000,
        "creator": channel.creator,
        "unlinked": 0,
        "context_team_id": team,
        "topic": topic,
        "purpose": topic,
        "num_members": len(channel.members),
    }
