"""The messages of one channel: order, threads, reactions, edits."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

Message = dict[str, Any]


class MessageLog:
    """All messages of a channel by ts. Message ids grow, so insertion order is time order."""

    def __init__(self) -> None:
        """Start empty."""
        self._by_ts: dict[str, Message] = {}
        self._top: list[str] = []
        self._replies: dict[str, list[str]] = {}

    def __iter__(self) -> Iterator[Message]:
        """Give every message, oldest first, replies included."""
        return iter(self._by_ts.values())

    def find(self, ts: str) -> Message | None:
        """Return the message with this id, or None."""
        return self._by_ts.get(ts)

    def add(self, message: Message) -> Message | None:
        """Store a new message; return the parent it changed when it is a reply."""
        self._by_ts[message["ts"]] = message
        parent = self._by_ts.get(message.get("thread_ts", ""))
        if parent is None or parent is message:
            self._top.append(message["ts"])
            return None
        self._replies.setdefault(parent["ts"], []).append(message["ts"])
        if message.get("subtype") == "thread_broadcast":
            self._top.append(message["ts"])
        self._count_replies(parent)
        return parent

    def remove(self, ts: str) -> Message | None:
        """Drop a message; return the parent it changed when it was a reply. A parent with replies stays as a tombstone."""
        message = self._by_ts[ts]
        if self._replies.get(ts):
            message |= {"subtype": "tombstone", "text": "This message was deleted.", "hidden": True}
            message.pop("blocks", None)
            return None
        del self._by_ts[ts]
        if ts in self._top:
            self._top.remove(ts)
        parent = self._by_ts.get(message.get("thread_ts", ""))
        if parent is None:
            return None
        self._replies[parent["ts"]].remove(ts)
        self._count_replies(parent)
        return parent

    def thread(self, ts: str) -> list[Message]:
        """Return the parent and its replies, oldest first."""
        return [self._by_ts[ts], *(self._by_ts[one] for one in self._replies.get(ts, []))]

    def top_level(self, before: str | None = None, limit: int = 100) -> tuple[list[Message], bool]:
        """Return up to limit messages outside threads that are older than before (oldest first), and whether there are more."""
        end = len(self._top) if before is None else bisect_left(self._top, before)
        start = max(0, end - limit)
        return [self._by_ts[ts] for ts in self._top[start:end]], start > 0

    def _count_replies(self, parent: Message) -> None:
        replies = [self._by_ts[ts] for ts in self._replies[parent["ts"]]]
        if not replies:
            for key in ("thread_ts", "reply_count", "reply_users", "reply_users_count", "latest_reply"):
                parent.pop(key, None)
            return
        users = list(dict.fromkeys(one["user"] for one in replies))
        parent["thread_ts"] = parent["ts"]
        parent["reply_count"] = len(replies)
        parent["reply_users"] = users[:5]
        parent["reply_users_count"] = len(users)
        parent["latest_reply"] = replies[-1]["ts"]


def thread_of(message: Message) -> str:
    """Return the ts of the thread that a message belongs to, or could start."""
    return str(message.get("thread_ts", message["ts"]))


def add_reaction(message: Message, name: str, user: str) -> bool:
    """Add one person's reaction; False when it was there already."""
    reactions: list[dict[str, Any]] = message.setdefault("reactions", [])
    for reaction in reactions:
        if reaction["name"] == name:
            if user in reaction["users"]:
                return False
            reaction["users"].append(user)
            reaction["count"] = len(reaction["users"])
            return True
    reactions.append({"name": name, "users": [user], "count": 1})
    return True


def remove_reaction(message: Message, name: str, user: str) -> bool:
    """Take one person's reaction away; False when there was none."""
    for reaction in message.get("reactions", []):
        if reaction["name"] == name and user in reaction["users"]:
            reaction["users"].remove(user)
            reaction["count"] = len(reaction["users"])
            if not reaction["users"]:
                message["reactions"].remove(reaction)
            if not message["reactions"]:
                del message["reactions"]
            return True
    return False
