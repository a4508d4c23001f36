"""Posts: what should be visible in a channel, whatever happens to the connection in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from evalbot.people import TeamId


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG with the text that says what it shows."""

    name: str
    png: bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Post:
    """A message that should exist. `key` names it for ever (e.g. `run:1f2e`): putting the same key again edits the message.

    `channel` is a channel id, or a person id for a direct message. `payload` is what the chat is to show, in its own form.
    `parent_key` names the post in whose thread it belongs, empty for none.
    """

    key: str
    team: TeamId
    channel: str
    payload: Mapping[str, JsonValue]
    parent_key: str = ""
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far a post has come: `version` is wanted, `posted_version` is visible (0: nothing yet) at `place` as message `ts`.

    `file_id` is the uploaded picture, empty before. `due_at` is the earliest next try. `given_up` tells that it cannot be posted.
    """

    post: Post
    version: int
    posted_version: int = 0
    place: str = ""
    ts: str = ""
    parent_ts: str = ""
    file_id: str = ""
    attempts: int = 0
    due_at: datetime | None = None
    failure: str = ""
    given_up: bool = False
