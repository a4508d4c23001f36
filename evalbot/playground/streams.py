"""Streamed messages: what a stream has received so far, and when Slack gives it up."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from evalbot.playground.background import Background
from evalbot.playground.elements import complete
from evalbot.playground.messages import Message
from evalbot.playground.refusals import ApiError

STREAM_SECONDS = 300.0
BLOCKS_MAX = 50
TEXT_MAX = 12_000
TASK_STATES = ("pending", "in_progress", "complete", "error")
_APPENDED = ("details", "output")

Block = dict[str, Any]


@dataclass
class Content:
    """What a stream has received. blocks came in chunks, final ones with its end; tasks are task cards by id."""

    mode: str = "timeline"
    text: str = ""
    title: str = ""
    tasks: dict[str, Block] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    final: list[Block] = field(default_factory=list)

    def take(self, chunks: list[Any]) -> None:
        """Add chunks to the message; the texts of a known task are continued. Raises invalid_chunks and its kin."""
        for chunk in chunks:
            kind = chunk.get("type") if isinstance(chunk, dict) else None
            if kind == "markdown_text" and isinstance(chunk.get("text"), str):
                self.text += chunk["text"]
            elif kind == "task_update":
                self._take_task(chunk)
            elif kind == "plan_update" and isinstance(chunk.get("title"), str):
                self.title = chunk["title"]
            elif kind == "blocks" and isinstance(chunk.get("blocks"), list):
                self.blocks += deepcopy(chunk["blocks"])
            else:
                raise ApiError("invalid_chunks")
        if len(self.text) > TEXT_MAX:
            raise ApiError("msg_too_long")
        if len(self.blocks) > BLOCKS_MAX:
            raise ApiError("msg_blocks_too_many")

    def drawn(self) -> list[Block]:
        """Return the blocks that show the stream as it is now."""
        found: list[Block] = []
        if self.tasks and (self.mode == "plan" or self.title):
            found.append({"type": "plan", "title": self.title or "Plan", "tasks": list(self.tasks.values())})
        else:
            found += self.tasks.values()
        if self.text:
            found.append({"type": "markdown", "text": self.text})
        return complete(deepcopy([*found, *self.blocks, *self.final]))

    def _take_task(self, chunk: Block) -> None:
        status = chunk.get("status", "pending")
        names = [chunk.get("id"), chunk.get("title")]
        sources = chunk.get("sources") or []
        is_good = all(isinstance(one, str) and one for one in names) and status in TASK_STATES
        if not is_good or not all(isinstance(one, dict) and one.get("url") and one.get("text") for one in sources):
            raise ApiError("invalid_chunks")
        known = self.tasks.get(chunk["id"])
        task = known or {"type": "task_card", "task_id": chunk["id"]}
        task |= {"title": chunk["title"], "status": status}
        for key in _APPENDED:
            if chunk.get(key):
                task[key] = _rich(_plain(task.get(key)) + str(chunk[key]))
        if sources:
            task["sources"] = [*task.get("sources", []), *sources]
        self.tasks[chunk["id"]] = task


def _rich(text: str) -> Block:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}


def _plain(block: Block | None) -> str:
    return str(block["elements"][0]["elements"][0]["text"]) if block else ""


@dataclass(eq=False)
class Stream:
    """One streamed message. ended: "" while it runs, else why it takes no more: done, stopped_by_user or expired."""

    channel: str
    message: Message
    content: Content
    ended: str = ""


class Streams:
    """All streams by channel and ts. expired: called when Slack gave a running stream up."""

    def __init__(self, background: Background, expired: Callable[[Stream], None]) -> None:
        """Start without streams."""
        self._background, self._expired = background, expired
        self._streams: dict[tuple[str, str], Stream] = {}
        self.seconds = STREAM_SECONDS

    def begin(self, stream: Stream) -> None:
        """Keep a stream whose message was posted."""
        self._streams[stream.channel, stream.message["ts"]] = stream
        self._background.call_later(self.seconds, lambda: self._give_up(stream))

    def find(self, channel: str, ts: str) -> Stream | None:
        """Return the stream of a message, or None when the message never was one."""
        return self._streams.get((channel, ts))

    def is_running(self, channel: str, ts: str) -> bool:
        """Whether a message still takes chunks."""
        stream = self.find(channel, ts)
        return stream is not None and not stream.ended

    def running(self) -> list[Stream]:
        """Return the streams that still take chunks."""
        return [one for one in self._streams.values() if not one.ended]

    def _give_up(self, stream: Stream) -> None:
        if not stream.ended:
            stream.ended = "expired"
            self._expired(stream)
