"""What an app says of a thread beside its messages: a passing status, a session with a title, and prompts to press."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from evalbot.playground.background import Background

STATUS_SECONDS = 120.0


@dataclass
class AssistantThread:
    """One thread. status is shown until the next reply, or for two minutes; state and title belong to the session.

    prompts (each with title and message) stand under prompts_title until a person writes.
    """

    channel: str
    thread_ts: str
    status: str = ""
    loading_messages: list[str] = field(default_factory=list)
    state: str = ""
    title: str = ""
    prompts: list[dict[str, str]] = field(default_factory=list)
    prompts_title: str = ""
    expiry: asyncio.Task[None] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what the page shows."""
        return {
            "channel": self.channel,
            "thread_ts": self.thread_ts,
            "status": self.status,
            "loading_messages": self.loading_messages,
            "state": self.state,
            "title": self.title,
            "prompts": self.prompts,
            "prompts_title": self.prompts_title,
        }


class AssistantThreads:
    """All threads an app said something of; listeners hear of every change."""

    def __init__(self, background: Background) -> None:
        """Start with none."""
        self._background = background
        self._threads: dict[tuple[str, str], AssistantThread] = {}
        self._listeners: list[Callable[[AssistantThread], None]] = []

    def listen(self, listener: Callable[[AssistantThread], None]) -> None:
        """Call the listener with every change from now on."""
        self._listeners.append(listener)

    def find(self, channel: str, thread_ts: str) -> AssistantThread | None:
        """Return the thread if the app said anything of it, or None."""
        return self._threads.get((channel, thread_ts))

    def all(self) -> list[AssistantThread]:
        """Return every thread that still has something to show."""
        return [one for one in self._threads.values() if one.status or one.state or one.title or one.prompts]

    def set_status(self, channel: str, thread_ts: str, status: str, loading_messages: list[str]) -> None:
        """Show a status; "" takes it away."""
        thread = self._thread(channel, thread_ts)
        if thread.expiry is not None:
            thread.expiry.cancel()
        thread.status, thread.loading_messages = status, loading_messages if status else []
        thread.expiry = None
        if status:
            thread.expiry = self._background.call_later(STATUS_SECONDS, lambda: self.clear_status(channel, thread_ts))
        self._tell(thread)

    def clear_status(self, channel: str, thread_ts: str) -> None:
        """Take a status away, if there is one."""
        thread = self._threads.get((channel, thread_ts))
        if thread is not None and thread.status:
            self.set_status(channel, thread_ts, "", [])

    def set_session(self, channel: str, thread_ts: str, *, state: str | None = None, title: str | None = None) -> None:
        """Set the state or the title of the session in a thread."""
        thread = self._thread(channel, thread_ts)
        thread.state = thread.state if state is None else state
        thread.title = thread.title if title is None else title
        self._tell(thread)

    def set_prompts(self, channel: str, thread_ts: str, prompts: list[dict[str, str]], title: str = "") -> None:
        """Offer prompts that a person can press; none takes them away. thread_ts "" stands for a direct message as a whole."""
        thread = self._thread(channel, thread_ts)
        thread.prompts, thread.prompts_title = prompts, title if prompts else ""
        self._tell(thread)

    def clear_prompts(self, channel: str, thread_ts: str) -> None:
        """Take the prompts away, if there are any."""
        thread = self._threads.get((channel, thread_ts))
        if thread is not None and thread.prompts:
            self.set_prompts(channel, thread_ts, [])

    def _thread(self, channel: str, thread_ts: str) -> AssistantThread:
        return self._threads.setdefault((channel, thread_ts), AssistantThread(channel, thread_ts))

    def _tell(self, thread: AssistantThread) -> None:
        for listener in self._listeners:
            listener(thread)
